"""English."""

STRINGS: dict[str, str] = {
    # -- errors: what happened, what is safe, what to do
    "error.bug": "Something broke inside the studio ({code}). Your prompt is safe; the log has the details.",
}
