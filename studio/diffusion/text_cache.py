"""Keeps what text encoders said, bounded by bytes, in the host's memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import Tensor

Key = tuple[object, ...]
Texts = dict[str, Tensor | None]


class TextCache:
    """The least recently used goes first; what is handed out is a copy, so that nobody changes what is kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Key, Texts] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """What is kept now weighs so much."""
        return sum(map(_bytes, self._kept.values()))

    def get(self, key: Key, device: str) -> dict[str, Any] | None:
        """What was said, on a device; None if it is not kept."""
        with self._lock:
            texts = self._kept.get(key)
            if texts is None:
                return None
            self._kept.move_to_end(key)
        return {name: _copy(tensor, device) for name, tensor in texts.items()}

    def put(self, key: Key, texts: Mapping[str, Tensor | None]) -> None:
        """Keeps what was said; what is larger than the whole cache is not kept."""
        copies = {name: _copy(tensor, "cpu") for name, tensor in texts.items()}
        if _bytes(copies) > self._most:
            return
        with self._lock:
            self._kept[key] = copies
            self._kept.move_to_end(key)
            while self.bytes > self._most:
                self._kept.popitem(last=False)


def _copy(tensor: Tensor | None, device: str) -> Tensor | None:
    return None if tensor is None else tensor.to(device, copy=True)


def _bytes(texts: Texts) -> int:
    return sum(tensor.nbytes for tensor in texts.values() if tensor is not None)
