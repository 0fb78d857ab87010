"""中文。"""

STRINGS: dict[str, str] = {
    # -- errors: what happened, what is safe, what to do
    "error.bug": "画室内部出了错（{code}）。你的咒语还在，详情见日志。",
}
