"""How a model may lie in memory: whole on the device, or with parts waiting in the host's memory."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

FREELY = torch.inference_mode(mode=False)
"""Decorates whatever moves weights: those that were moved in inference mode could never be learned on again."""
Attach = Callable[[Any, str], contextlib.AbstractContextManager[None]]
DENOISERS = ("unet", "transformer")
BLOCK_SHARE = 0.12
"""The largest share of a denoiser that group offload brings to the device at once."""


@dataclass(frozen=True)
class Mode:
    """What a mode needs on the device of a model's parts, and how a pipe is made to work in it."""

    name: str
    needs: Callable[[Mapping[str, int]], dict[str, int]]
    attach: Attach
    on_device: bool
    denoiser_dtype: torch.dtype | None = None

    def key(self, name: str, key: str) -> str:
        """A part's key in this mode: a denoiser kept in another number type is another part."""
        return f"{self.name}:{key}" if self._stores(name) else key

    def itemsize(self, name: str, dtype: torch.dtype) -> int:
        """Bytes of one number of a part."""
        return self.denoiser_dtype.itemsize if self._stores(name) and self.denoiser_dtype else dtype.itemsize

    def cast(self, name: str, part: Any, dtype: torch.dtype) -> Any:
        """The part in the number type it is kept in; it computes in the device's own."""
        if self._stores(name):
            part.enable_layerwise_casting(storage_dtype=self.denoiser_dtype, compute_dtype=dtype)
            _free(part)
        return part

    def _stores(self, name: str) -> bool:
        return self.denoiser_dtype is not None and name in DENOISERS


@contextlib.contextmanager
def _nothing(pipe: Any, device: str) -> Iterator[None]:
    yield


@contextlib.contextmanager
def _offload(pipe: Any, device: str) -> Iterator[None]:
    """Each part comes to the device for its turn; whatever happens, all are back where they were."""
    with _put_back(pipe):
        # The pipe hooks its parts anew after every picture, by this name.
        pipe.enable_model_cpu_offload = functools.partial(_offloaded, pipe, pipe.enable_model_cpu_offload)
        pipe.enable_model_cpu_offload(device=device)
        try:
            yield
        finally:
            pipe.remove_all_hooks()
            del pipe.enable_model_cpu_offload


@FREELY
def _offloaded(pipe: Any, enable: Callable[..., None], **given: Any) -> None:
    enable(**given)
    for one in pipe._all_hooks:
        one.hook.__class__ = _moving_freely(one.hook.__class__)


@functools.cache
def _moving_freely(kind: type) -> type:
    """The same kind of hook. One that held a changed method of its own would keep its part from being freed."""
    changed = {name: FREELY(getattr(kind, name)) for name in ("pre_forward", "init_hook")}
    return type(kind.__name__, (kind,), changed)


@contextlib.contextmanager
def _put_back(pipe: Any) -> Iterator[None]:
    """A model's own parts wait in the host's memory; one of another entry may lie on the device."""
    places = [(part, next(part.parameters()).device) for part in _modules(pipe)]
    try:
        yield
    finally:
        for part, place in places:
            FREELY(part.to)(place)


@contextlib.contextmanager
def _group(pipe: Any, device: str) -> Iterator[None]:
    """Blocks of the parts come to the device one after the other."""
    with _put_back(pipe):
        FREELY(pipe.enable_group_offload)(
            onload_device=torch.device(device),
            offload_device=torch.device("cpu"),
            offload_type="leaf_level",
            use_stream=torch.device(device).type == "cuda",
        )
        for part in _modules(pipe):
            _free(part)
        try:
            yield
        finally:
            for part in _modules(pipe):
                _unhook(part)


def _modules(pipe: Any) -> list[Any]:
    return [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]


def _free(part: Any) -> None:
    """What hooks do before and after a layer's turn."""
    for registry in _registries(part):
        for hook in registry.hooks.values():
            turn = hook.fn_ref
            turn.pre_forward, turn.post_forward = FREELY(turn.pre_forward), FREELY(turn.post_forward)


def _unhook(part: Any) -> None:
    for registry in _registries(part):
        for name in list(registry.hooks):
            registry.remove_hook(name, recurse=False)


def _registries(part: Any) -> list[Any]:
    """The library's, of hooks on the layers of a part."""
    found = (getattr(module, "_diffusers_hook", None) for module in part.modules())
    return [registry for registry in found if registry is not None]


def _all(parts: Mapping[str, int]) -> dict[str, int]:
    return dict(parts)


def _largest(parts: Mapping[str, int]) -> dict[str, int]:
    key, size = max(parts.items(), key=lambda part: part[1])
    return {f"turn:{key}": size}


def _block(parts: Mapping[str, int]) -> dict[str, int]:
    key, size = max(parts.items(), key=lambda part: part[1])
    return {f"block:{key}": int(size * BLOCK_SHARE)}


WHOLE = Mode("device", _all, _nothing, on_device=True)
FLOAT8 = Mode("fp8", _all, _nothing, on_device=True, denoiser_dtype=getattr(torch, "float8_e4m3fn", None))
OFFLOAD = Mode("offload", _largest, _offload, on_device=False)
GROUP = Mode("group", _block, _group, on_device=False)

MODES: dict[str, Mode] = {mode.name: mode for mode in (WHOLE, FLOAT8, OFFLOAD, GROUP)}
BY_ITSELF = (WHOLE, OFFLOAD, GROUP)
"""What is tried in turn when nobody chose: none of these changes a picture."""
