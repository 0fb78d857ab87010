"""The LoRAs of the form: kept as text by the browser, read here into what the studio is asked for. No Gradio."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from studio.messages import MOST_LORAS, LoraCard, LoraUse
from studio.ui import kept

MOST = MOST_LORAS
"""LoRAs at once."""


def read(text: str) -> tuple[dict[str, Any], ...]:
    """The LoRAs as they stand in the form, those left out for now included; raises ValueError."""
    checked = kept.entries(text, MOST, _checked)
    if len({entry["id"] for entry in checked}) != len(checked):
        raise ValueError("a LoRA stands twice")
    return checked


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    muted = entry.get("muted", False)
    if not isinstance(muted, bool):
        raise ValueError("muted is neither true nor false")
    use = LoraUse.model_validate({name: value for name, value in entry.items() if name != "muted"})
    return use.model_dump() | {"muted": muted}


def readable(text: Any) -> bool:
    """Whether a text of the form can be read as LoRAs."""
    return kept.readable(text, read)


def uses_of(text: str) -> tuple[LoraUse, ...]:
    """The LoRAs that count: what the studio is asked for."""
    return tuple(_use(entry) for entry in read(text) if not entry["muted"])


def _use(entry: dict[str, Any]) -> LoraUse:
    return LoraUse(**{name: value for name, value in entry.items() if name != "muted"})


def text_of(entries: Iterable[dict[str, Any]]) -> str:
    """LoRAs as the form keeps them; what is as it is by itself is left out."""
    return kept.written(_short(entry) for entry in entries)


def _short(entry: dict[str, Any]) -> dict[str, Any]:
    said = _use(entry).model_dump(exclude_defaults=True)
    return said | ({"muted": True} if entry["muted"] else {})


def text_of_uses(uses: Iterable[LoraUse]) -> str:
    """The LoRAs of a recipe as the form keeps them; no more than it has room for, and none twice."""
    once = {use.id: use for use in uses}
    return text_of(use.model_dump() | {"muted": False} for use in list(once.values())[:MOST])


def with_lora(text: str, use: LoraUse) -> str:
    """The same LoRAs and one more, or one of them as it shall be; where there is no room it takes the last place."""
    entries = list(read(text))
    new = use.model_dump() | {"muted": False}
    for at, entry in enumerate(entries):
        if entry["id"] == use.id:
            return text_of([*entries[:at], new, *entries[at + 1 :]])
    return text_of([*entries[: MOST - 1], new])


# -- what they are called --------------------------------------------------------------------------


def named(cards: Iterable[LoraCard], name: str) -> LoraCard | None:
    """The LoRA that a scene means: by its id, else by any name it goes by."""
    wanted, real = name.strip().casefold(), [card for card in cards if card.kind != "embedding"]
    by_id = [card for card in real if card.id.casefold() == wanted]
    by_name = [card for card in real if wanted in _names(card)]
    return next(iter([*by_id, *by_name]), None)


def _names(card: LoraCard) -> set[str]:
    return {name.strip().casefold() for name in (card.name, card.title.en, card.title.zh)}


def fact(uses: Iterable[LoraUse]) -> str:
    """The LoRAs of a recipe with their weights, in words that need no translation."""
    return " + ".join(f"{use.name or use.id} {_weights(use)}" for use in uses)


def _weights(use: LoraUse) -> str:
    return f"{use.weight:.2f}" if use.on_text == use.weight else f"{use.weight:.2f} / {use.on_text:.2f}"


def hashes(uses: Iterable[LoraUse]) -> str:
    """Short hashes by name, in the quotes in which other tools read them; empty where none is known."""
    known = [f"{use.name or use.id}: {use.sha256[:10]}" for use in uses if use.sha256]
    return f'"{", ".join(known)}"' if known else ""
