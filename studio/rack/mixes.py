"""Mixes of LoRAs that a person saved under a name, to be used again in one click."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from studio.errors import StudioError
from studio.messages import MOST_LORAS, LoraMix, LoraUse
from studio.rack.personal import PersonalList

FILE = "lora_mixes.json"
MOST = 500
LONGEST_NAME = 60


class Mixes:
    """The mixes of all people."""

    def __init__(self, data: Path) -> None:
        self._lists: PersonalList[LoraMix] = PersonalList(
            data, FILE, "mixes", LoraMix.model_validate, lambda mix: mix.model_dump(mode="json")
        )

    def of(self, person: str) -> tuple[LoraMix, ...]:
        """A person's mixes by name."""
        return tuple(sorted(self._lists.of(person), key=lambda mix: (mix.name.casefold(), mix.id)))

    def keep(self, person: str, name: str, uses: Sequence[LoraUse]) -> LoraMix:
        """Saves a mix; one of the same name gives way to it."""
        name = _checked(name)
        if not uses:
            raise StudioError("mix_empty")
        if len(uses) > MOST_LORAS:
            raise StudioError("loras_too_many", count=len(uses), most=MOST_LORAS)
        kept = LoraMix(id=secrets.token_hex(6), name=name, uses=tuple(uses))

        def joined(before: tuple[LoraMix, ...]) -> tuple[LoraMix, ...]:
            others = tuple(mix for mix in before if not _same(mix.name, name))
            if len(others) >= MOST:
                raise StudioError("mixes_too_many", most=MOST)
            return (*others, kept)

        self._lists.change(person, joined)
        return kept

    def rename(self, person: str, id: str, name: str) -> None:
        """Gives a mix another name, which none of the others has."""
        name = _checked(name)

        def renamed(before: tuple[LoraMix, ...]) -> tuple[LoraMix, ...]:
            _check_there(before, id)
            if any(_same(mix.name, name) for mix in before if mix.id != id):
                raise StudioError("mix_name_taken", name=name)
            return tuple(mix.model_copy(update={"name": name}) if mix.id == id else mix for mix in before)

        self._lists.change(person, renamed)

    def forget(self, person: str, id: str) -> None:
        """Takes a mix away."""

        def without(before: tuple[LoraMix, ...]) -> tuple[LoraMix, ...]:
            _check_there(before, id)
            return tuple(mix for mix in before if mix.id != id)

        self._lists.change(person, without)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise StudioError("own_nameless")
    if len(name) > LONGEST_NAME:
        raise StudioError("own_too_long", most=LONGEST_NAME)
    return name


def _check_there(mixes: Sequence[LoraMix], id: str) -> None:
    if not any(mix.id == id for mix in mixes):
        raise StudioError("mix_gone")


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
