"""Where a model stands, in words: what the header's menu and the Models page both say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from studio.messages import Bilingual, DeviceState, Held, ModelState, Person, Trouble
from studio.ui.words import html, size_words, t, trouble_words, words

Verb = Literal["load", "unload"]
Stand = Literal[
    "fetching", "loading", "unloading", "missing", "failed", "wont_fit", "resident", "host", "disk", "hub"
]  # fmt: skip
DOTS: Mapping[Stand, str] = {
    "resident": "", "host": " warn", "disk": " off", "hub": " off", "wont_fit": " no", "missing": " no",
    "fetching": " warn", "loading": " warn", "unloading": " warn", "failed": " bad",
}  # fmt: skip
FOR_ALL = ("memory_budget", "memory_short", "offline_alone", "disk_full")
"""Troubles whose words name no file or folder, so that guests may read them."""


@dataclass(frozen=True)
class Shelf:
    """All that the page knows of models and memory at one moment, as one person may see it."""

    states: tuple[ModelState, ...] = ()
    devices: tuple[DeviceState, ...] = ()
    admin: bool = False
    chosen: str = ""
    """The model in the form."""
    picked: str = ""
    """The row whose outlook is shown."""
    only: str = "all"
    orders: Mapping[str, Verb] = field(default_factory=dict)
    """What was asked for and has not happened yet."""
    refused: tuple[tuple[str, Trouble], ...] = ()
    idle_minutes: float = 0.0
    memory_mode: str = "auto"
    now: float = 0.0

    @property
    def pinned(self) -> frozenset[str]:
        """The models that work holds at this moment."""
        return frozenset(held.model for device in self.devices for held in device.held if held.pinned)

    def mode(self, model: str) -> str:
        """How a model lies on its device, where that is not simply as a whole."""
        modes = [held.mode for device in self.devices for held in device.held if held.model == model]
        return next((mode for mode in modes if mode in ("fp8", "offload", "group")), "")

    def title(self, model: str) -> Bilingual:
        """A model's name, or that of what lies beside models; its id where it is not in the catalog any more."""
        found = [state.spec.title for state in self.states if state.spec.id == model]
        held = (one for device in self.devices for one in (*device.held, *device.host_held))
        found += [one.title for one in held if one.model == model and one.title]
        return found[0] if found else Bilingual(en=model, zh=model)

    def titles(self, models: Iterable[str]) -> Bilingual:
        """Several names in a row."""
        names = [self.title(model) for model in models]
        return Bilingual(en=", ".join(name.en for name in names), zh="、".join(name.zh for name in names))


def seen_by(states: tuple[ModelState, ...], person: Person) -> tuple[ModelState, ...]:
    """The models as a person may see them: errors that name files are for admins."""
    if person.role == "admin":
        return states
    return tuple(
        state.model_copy(update={"trouble": None})
        if state.trouble and state.trouble.code not in FOR_ALL
        else state
        for state in states
    )


def stand_of(state: ModelState, order: Verb | None = None) -> Stand:
    """Where a model stands; what was just asked for comes first."""
    if state.fetching:
        return "fetching"
    if order:
        return "loading" if order == "load" else "unloading"
    if state.place in ("resident", "missing"):
        return state.place
    if state.trouble:
        return "failed"
    if state.forecast and not state.forecast.fits:
        return "wont_fit"
    return state.place


def dot(stand: Stand) -> str:
    """Its colour; the word always stands beside it."""
    return f'<span class="dot{DOTS[stand]}" aria-hidden="true"></span>'


def place_words(state: ModelState, between: str = "") -> Bilingual:
    """Where a model is, in words beside its dot, with what it weighs."""
    size = between + size_words(state.bytes) if state.bytes else ""
    return words(f"place.{state.place}", size=size)


def line_words(state: ModelState) -> Bilingual:
    """The second line of the menu: the place, or why it cannot be had."""
    stand = stand_of(state)
    if stand == "wont_fit" and state.forecast:
        told = state.forecast
        return words("place.wont_fit", needs=size_words(told.needs), has=budget_words(told.has))
    if stand in ("missing", "failed") and state.trouble:
        return trouble_words(state.trouble)
    return place_words(state, "· ")


def needs_words(state: ModelState, devices: tuple[DeviceState, ...]) -> Bilingual:
    """Why a model will not fit: it is too large, or what is in use leaves too little."""
    assert state.forecast
    told = state.forecast
    largest = max((device.budget for device in devices), default=0)
    key = "models.needs_free" if told.needs <= largest else "models.needs_budget"
    has = told.has if told.needs <= largest else largest
    return words(key, needs=size_words(told.needs), has=budget_words(max(has, 0)))


def budget_words(count: int) -> str:
    """Bytes where whole gigabytes are usual."""
    return size_words(count).replace(".0 GB", " GB") if count else "0 GB"


def ago(moment: float, now: float) -> Bilingual | None:
    """How long ago a model was used; None while it was not."""
    minutes = int((now - moment) / 60)
    if not moment:
        return None
    if minutes < 1:
        return words("models.used_now")
    if minutes < 60:
        return words("models.used_minutes", n=minutes)
    return words("models.used_hours", n=minutes // 60)


def sizes_alone(held: Iterable[Held]) -> list[tuple[Held, int]]:
    """Each model with its bytes; a part that two share counts for the first."""
    seen: dict[str, int] = {}
    told = []
    for one in held:
        told.append((one, sum(size for key, size in one.parts.items() if key not in seen)))
        seen |= one.parts
    return told


def held_bytes(held: Iterable[Held]) -> int:
    """Bytes of all of them, shared parts once."""
    return sum(size for _, size in sizes_alone(held))


def on_processor(device: DeviceState) -> bool:
    """Whether its memory is the host's own."""
    return device.name.startswith("cpu")


def memory_line(devices: tuple[DeviceState, ...]) -> str:
    """The memory of all devices in a few words, for the end of the menu."""
    ready = [device for device in devices if device.ready and device.budget]
    if not ready:
        return ""
    used = size_words(sum(held_bytes(device.held) for device in ready)).removesuffix(" GB")
    budget = budget_words(sum(device.budget for device in ready))
    key = "models.line_memory" if all(map(on_processor, ready)) else "models.line_gpu"
    return t(key, used=used, budget=budget)


def said(pair: Bilingual | None) -> str:
    """Words that may be missing, as HTML."""
    return html(pair) if pair else ""
