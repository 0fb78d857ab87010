"""The page. `build` gives its Blocks, `mount` serves it beside the other surfaces."""

from __future__ import annotations

from studio.ui.layout import build, mount

__all__ = ["build", "mount"]
