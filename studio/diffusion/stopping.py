"""How work on a device is let go of in the middle."""

from __future__ import annotations


class Stopped(Exception):
    """Raised at a step or a tile when nobody wants the picture any more."""

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped at step {step}")
        self.step = step
