"""Which LoRAs a person gave a star."""

from __future__ import annotations

from pathlib import Path

from studio.rack.personal import PersonalList

FILE = "loras.json"
MOST = 2000


class Stars:
    """The stars of all people."""

    def __init__(self, data: Path) -> None:
        self._lists: PersonalList[str] = PersonalList(data, FILE, "favourites", _id, str)

    def of(self, person: str) -> tuple[str, ...]:
        """The ids that a person gave a star, the last one last."""
        return self._lists.of(person)

    def mark(self, person: str, id: str, on: bool) -> None:
        """Gives a star, or takes it off."""

        def marked(before: tuple[str, ...]) -> tuple[str, ...]:
            others = tuple(one for one in before if one != id)
            return (*others, id)[-MOST:] if on else others

        self._lists.change(person, marked)


def _id(listed: object) -> str:
    if not isinstance(listed, str):
        raise ValueError("an id is a text")
    return listed
