"""The two kinds of error: what a person can mend, and everything else (a bug, with its traceback)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from studio.i18n import TABLES, say
from studio.messages import Language, Param, Person, Trouble

log = logging.getLogger(__name__)


class StudioError(Exception):
    """Something a person can act on: a code and its parameters, worded in their language by the surface."""

    def __init__(self, code: str, **params: Param) -> None:
        super().__init__(f"{code} {params}" if params else code)
        self.code = code
        self.params = params

    @property
    def trouble(self) -> Trouble:
        """The same, in the form that travels."""
        return Trouble(code=self.code, params=self.params)


def out_of_memory(error: Exception) -> bool:
    """Whether it is the memory that an error is about; the devices' own has no common class but its name."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def trouble_of(error: Exception) -> Trouble:
    """What an error means to a person."""
    if isinstance(error, StudioError):
        return error.trouble
    if out_of_memory(error):
        return Trouble(code="memory_short")
    return Trouble(code="bug", params={"kind": type(error).__name__})


class Beside:
    """Writing beside work that goes on without it: a trouble of the disk is logged once, and never raised."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._trouble = ""

    def wrote(self, write: Callable[[], object]) -> bool:
        """Whether it went well."""
        try:
            write()
        except OSError as error:
            self._complain(error.strerror or type(error).__name__)
            return False
        self._trouble = ""
        return True

    def _complain(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.error("%s cannot be written, and memory alone knows what is new: %s", self._what, trouble)
        self._trouble = trouble


def check_admin(person: Person) -> None:
    """Refuses whoever may not change what belongs to all."""
    if person.role != "admin":
        raise StudioError("admin_only")


def say_trouble(language: Language, trouble: Trouble) -> str:
    """An error in a person's language: what happened, which value, what to do."""
    key = f"error.{trouble.code}"
    # A code nobody worded is a bug and is told as one, never shown raw.
    return say(
        language, key if key in TABLES[language] else "error.bug", **{"code": trouble.code, **trouble.params}
    )


def say_notice(language: Language, notice: Trouble) -> str:
    """Something to know though the work goes on; what is worded as an error alone is said as one."""
    key = f"notice.{notice.code}"
    return say(language, key, **notice.params) if key in TABLES[language] else say_trouble(language, notice)
