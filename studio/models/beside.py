"""What work leaves in memory beside the weights of models, counted within the same budget."""

from __future__ import annotations

from typing import Protocol


class Beside(Protocol):
    """Something kept for whoever wants it next. It goes before any model has to."""

    @property
    def bytes(self) -> int:
        """What it weighs now."""

    def let_go(self, most: int) -> None:
        """Gives up the longest unused until no more than so many bytes are left; what work holds stays."""


class Nothing:
    """Where nothing is kept."""

    bytes = 0

    def let_go(self, most: int) -> None:
        """There is nothing to give up."""
