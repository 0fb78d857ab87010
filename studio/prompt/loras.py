"""LoRAs that a typed prompt names: `<lora:name:0.8>`, and `<lora:name:0.5:0.8>` for text encoders and denoiser apart.

As in AUTOMATIC1111's studio, for whose prompts this is: a first number counts for everything, a second one for the
denoiser alone, and `te=` and `unet=` name either. A `lyco` is a LoRA. Who names one twice gets the sum of both, so
that the order never matters; no number counts 1. What is not understood of a tag is told, and the tag is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from studio.messages import LARGEST_LORA_WEIGHT, LoraUse, Trouble
from studio.prompt.parse import Tag, without_tags

KINDS = ("lora", "lyco")
LONGEST_NAME = 80
_NUMBER = re.compile(r"\s*[+-]?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})\s*")
_NAMED = re.compile(r"\s*(?P<part>te|unet)\s*=(?P<number>.*)", re.DOTALL)
DIGITS = 6


@dataclass(frozen=True)
class Taken:
    """A prompt without its LoRAs, the LoRAs that it names, and what is to be told of them."""

    text: str
    uses: tuple[LoraUse, ...] = ()
    troubles: tuple[Trouble, ...] = ()


def take_loras(text: str, names: Mapping[str, str]) -> Taken:
    """Takes the LoRAs out of a prompt; `names` are ids by every name that a LoRA goes by.

    Tags of other kinds, escaped ones and all else stay to the byte.
    """
    rest, tags = without_tags(text, KINDS)
    known = {_folded(name): id for name, id in names.items()} if tags else {}
    uses: list[LoraUse] = []
    troubles: list[Trouble] = []
    for tag in tags:
        id = meant(known, tag.name)
        if id is None:
            troubles.append(Trouble(code="lora_not_here", params={"lora": _excerpt(tag.name.strip())}))
            continue
        use, told = _use(id, tag)
        troubles += told
        uses.append(use)
    return Taken(rest, joined(uses), tuple(_once(troubles)))


def _once(troubles: list[Trouble]) -> list[Trouble]:
    return [one for number, one in enumerate(troubles) if one not in troubles[:number]]


def names_of(titles: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Ids by every name: an id always means itself, and a name that several have means the first of them."""
    found = {_folded(id): id for id in titles}
    for id, names in titles.items():
        for name in names:
            found.setdefault(_folded(name), id)
    return found


def name_in(names: Mapping[str, str], id: str, wanted: Sequence[str]) -> str:
    """How a LoRA is named in a prompt: the first of the wanted names that means it, else its id."""
    fitting = (name for name in wanted if name.strip() and not set(name) & set("<>:"))
    return next((name for name in fitting if meant(names, name) == id), id)


def meant(names: Mapping[str, str], name: str) -> str | None:
    """The id that a name stands for."""
    return names.get(_folded(name))


def joined(uses: Iterable[LoraUse]) -> tuple[LoraUse, ...]:
    """Each LoRA once: one that is named several times counts the sum."""
    found: dict[str, LoraUse] = {}
    for use in uses:
        found[use.id] = _sum(found[use.id], use) if use.id in found else use
    return tuple(found.values())


def _use(id: str, tag: Tag) -> tuple[LoraUse, list[Trouble]]:
    plain = [one for one in tag.arguments if not _NAMED.fullmatch(one)]
    named = {found["part"]: found["number"] for one in tag.arguments if (found := _NAMED.fullmatch(one))}
    first = plain[0] if plain else "1"
    second = plain[1] if len(plain) > 1 else first
    text, picture = _read(named.get("te", first)), _read(named.get("unet", second))
    unread = text is None or picture is None or len(plain) > 2
    told = [Trouble(code="lora_weight_unread", params={"tag": _written(tag)})] if unread else []
    if any(number and abs(number) > LARGEST_LORA_WEIGHT for number in (text, picture)):
        params = {"tag": _written(tag), "most": int(LARGEST_LORA_WEIGHT)}
        told.append(Trouble(code="lora_weight_bounded", params=params))
    return _of(id, 1.0 if picture is None else picture, 1.0 if text is None else text), told


def _of(id: str, weight: float, on_text: float) -> LoraUse:
    picture, text = _bounded(weight), _bounded(on_text)
    return LoraUse(id=id, weight=picture, text_encoder_weight=None if text == picture else text)


def _sum(one: LoraUse, other: LoraUse) -> LoraUse:
    both = _of(one.id, one.weight + other.weight, one.on_text + other.on_text)
    return both.model_copy(update={"name": one.name or other.name, "sha256": one.sha256 or other.sha256})


def _read(number: str) -> float | None:
    return float(number) if _NUMBER.fullmatch(number) else None


def _bounded(weight: float) -> float:
    return round(min(max(weight, -LARGEST_LORA_WEIGHT), LARGEST_LORA_WEIGHT), DIGITS)


def _written(tag: Tag) -> str:
    given = ":".join((tag.name, *tag.arguments))
    return f"<{tag.kind}:{_excerpt(given)}>"


def _folded(name: str) -> str:
    return name.strip().casefold()


def _excerpt(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
