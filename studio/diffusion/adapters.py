"""LoRAs on a leased model: on at entry, off at exit, whatever happens.

What is loaded stays beside the weights, switched off, for whoever wants it next; the least recently used goes when
there is too much of it. The weights themselves are never touched: nothing is fused.
"""

# The names of files and their scales are read here, by the table that also tells what fits, because the library
# leaves out in silence what it finds no layer for, mixes up the scales of files that have several, and hands what
# stands in a header to the settings of its layers. The layers themselves are peft's.

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import warnings
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.loras import DENOISER, ENCODERS, LORA_FAMILIES, Change, Layers, Lora, called, fit, read_lora
from studio.messages import LARGEST_LORA_WEIGHT, LoraUse
from studio.models.registry import Loaded, Registry

KEPT_BYTES = 2 * 2**30
"""Of adapters that stay loaded in one process, wherever their models lie: at most, where the budget leaves room."""
PARTS = (DENOISER, *ENCODERS)
Pair = tuple[nn.Parameter, nn.Parameter]
Halves = Mapping[str, Mapping[str, Pair]]
"""The two narrow matrices, down and up, of every layer that is changed, by part and layer."""


@dataclass(frozen=True)
class _Wanted:
    """A file that is wanted, under the name that its adapter has, and how much it counts."""

    name: str
    path: Path
    title: str
    weight: float
    on_text: float

    def on(self, part: str) -> float:
        """How much it counts in a part."""
        return self.weight if part == DENOISER else self.on_text


@dataclass
class _Kept:
    """An adapter that is loaded into a part."""

    bytes: int
    used: int


class Adapters:
    """Keeps adapters loaded, within a budget of bytes, for as long as their parts live."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self.most = most
        self._parts: weakref.WeakKeyDictionary[nn.Module, dict[str, _Kept]] = weakref.WeakKeyDictionary()
        self._clock = itertools.count()
        self._busy: weakref.WeakSet[nn.Module] = weakref.WeakSet()

    @property
    def bytes(self) -> int:
        """What is kept now weighs so much."""
        return sum(one.bytes for kept in self._parts.values() for one in kept.values())

    def names(self, part: nn.Module) -> tuple[str, ...]:
        """The adapters that a part has, switched on or off."""
        return tuple(self._parts.get(part, {}))

    @contextlib.contextmanager
    def applied(
        self, model: Loaded[Any], uses: Sequence[LoraUse], paths: Mapping[str, Path], most: int | None = None
    ) -> Iterator[None]:
        """The LoRAs of a request on the parts of a model, in whatever order they are named.

        Those of others make room, where there is less than `most` for all.
        """
        wanted = _wanted(uses, paths)
        if not wanted:  # what others left here is switched off
            yield
            return
        parts = {name: model.parts[name] for name in PARTS if isinstance(model.parts.get(name), nn.Module)}
        with self._alone(parts.values()):
            try:
                with torch.inference_mode(False):
                    self._bring(model, parts, wanted, self.most if most is None else min(most, self.most))
                self._switch_on(parts, wanted)
                yield
            finally:
                self._switch_off(parts.values())
                self._let_go(self.most)

    @contextlib.contextmanager
    def learning(self, model: Loaded[Any], name: str, halves: Halves) -> Iterator[None]:
        """An adapter that is being trained, on the parts of a model; off again at the end, whatever happens.

        Its matrices stay what they are, so that an optimizer may hold on to them from one time to the next.
        """
        parts = {part: model.parts[part] for part in halves}
        with self._alone(parts.values()):
            try:
                with torch.inference_mode(False):
                    for part, layers in halves.items():
                        _teach(parts[part], name, layers)
                yield
            finally:
                for part in parts.values():
                    self._drop(part, name)

    def forget(self, parts: Collection[nn.Module]) -> None:
        """Takes every adapter off these parts and leaves them as they were loaded."""
        for part in parts:
            _strip(part)
            self._parts.pop(part, None)

    def let_go(self, most: int) -> None:
        """Takes off the longest unused until no more than so many bytes are left; what is painted with stays."""
        self._let_go(most, busy=self._busy)

    def clear(self) -> None:
        """Takes off whatever nobody paints with, where the memory is wanted for more than that."""
        self.forget([part for part in self._parts if part not in self._busy])

    @contextlib.contextmanager
    def _alone(self, parts: Collection[nn.Module]) -> Iterator[None]:
        """One at a time: a second on the same weights would change the first one's picture without a word."""
        if any(part in self._busy for part in parts):
            raise RuntimeError("adapters are applied to a part that somebody paints with")
        self._busy.update(parts)
        try:
            yield
        finally:
            for part in parts:
                self._busy.discard(part)

    # -- bringing --------------------------------------------------------------------------------

    def _bring(
        self, model: Loaded[Any], parts: Mapping[str, nn.Module], wanted: Sequence[_Wanted], most: int
    ) -> None:
        layers: Layers | None = None
        for one in wanted:
            lora = read_lora(one.path)
            needed = {name: parts[name] for name in lora.parts if name in parts and one.on(name)}
            lacking = {name: part for name, part in needed.items() if not self._has(part, one.name)}
            if lacking or not needed:
                layers = layers or layers_in(parts)
                _check_fit(lora, one.title, layers, model)
                if lacking:
                    self._let_go(most - lora.bytes, keeping={other.name for other in wanted})
                    self._load(lora, one, lacking, layers)
            for part in needed.values():
                self._parts[part][one.name].used = next(self._clock)

    def _has(self, part: nn.Module, name: str) -> bool:
        return name in self._parts.get(part, {})

    def _load(self, lora: Lora, one: _Wanted, parts: Mapping[str, nn.Module], layers: Layers) -> None:
        """Whole or not at all: a failure leaves no trace of the adapter in any part."""
        try:
            tensors = _tensors(lora)
            for name, part in parts.items():
                size = _attach(lora, one.name, name, part, layers, tensors)
                self._parts.setdefault(part, {})[one.name] = _Kept(size, next(self._clock))
            _check_effect(one, [part for part in self._parts if self._has(part, one.name)])
        except BaseException:
            for part in parts.values():
                self._drop(part, one.name)
            raise

    def _drop(self, part: nn.Module, name: str) -> None:
        self._parts.get(part, {}).pop(name, None)
        _detach(part, name)
        if not self._parts.get(part):
            self.forget([part])

    def _let_go(self, most: int, keeping: Collection[str] = (), busy: Collection[nn.Module] = ()) -> None:
        """The least recently used go until no more than so many bytes are left."""
        old = sorted(
            ((kept.used, part, name) for part, all in self._parts.items() for name, kept in all.items()),
            key=lambda one: one[0],
        )
        for _, part, name in old:
            if self.bytes <= most:
                return
            if name not in keeping and part not in busy:
                self._drop(part, name)

    # -- on and off ------------------------------------------------------------------------------

    def _switch_on(self, parts: Mapping[str, nn.Module], wanted: Sequence[_Wanted]) -> None:
        for name, part in parts.items():
            used = {one.name: one.on(name) for one in wanted if one.on(name) and self._has(part, one.name)}
            for layer in _adapted(part) if used else ():
                _set(layer, used)

    def _switch_off(self, parts: Collection[nn.Module]) -> None:
        for part in parts:
            _off(part)


KEPT = Adapters()
"""Of the process that holds the registry."""


def applied(
    registry: Registry, model: Loaded[Any], uses: Sequence[LoraUse], paths: Mapping[str, Path]
) -> contextlib.AbstractContextManager[None]:
    """The LoRAs of a request on a leased model: on at entry, off at exit, within the budget of its device."""
    wanted = sum(read_lora(one.path).bytes for one in _wanted(uses, paths))
    return KEPT.applied(model, uses, paths, registry.room_beside(model, wanted) if wanted else None)


def hashed(uses: Sequence[LoraUse], paths: Mapping[str, Path]) -> tuple[LoraUse, ...]:
    """LoRAs with the hashes of their files; a file that is gone, or another than was asked for, is told."""
    return tuple(use.model_copy(update={"sha256": _digest_of(use, _path_of(use, paths))}) for use in uses)


def texts_key(uses: Sequence[LoraUse]) -> tuple[object, ...]:
    """What of some LoRAs changes what text encoders say; what is kept of their words must be told apart by it."""
    return tuple(sorted((use.sha256 or use.id, use.on_text) for use in uses if use.on_text))


# -- what is wanted -------------------------------------------------------------------------------


def _wanted(uses: Sequence[LoraUse], paths: Mapping[str, Path]) -> tuple[_Wanted, ...]:
    """Each file once: weights add up, what comes to nothing is left out, and the order is always the same."""
    found: dict[str, _Wanted] = {}
    for use in uses:
        path = _path_of(use, paths)
        name = f"lora_{_digest_of(use, path)}"
        before = found.get(name) or _Wanted(name, path, use.name or use.id, 0.0, 0.0)
        weight, on_text = before.weight + use.weight, before.on_text + use.on_text
        found[name] = replace(before, weight=_bounded(weight), on_text=_bounded(on_text))
    counting = (one for one in found.values() if one.weight or one.on_text)
    return tuple(sorted(counting, key=lambda one: one.name))


def _bounded(weight: float) -> float:
    # To so many places: two that cancel each other must come to nothing.
    return round(min(max(weight, -LARGEST_LORA_WEIGHT), LARGEST_LORA_WEIGHT), 6)


def _path_of(use: LoraUse, paths: Mapping[str, Path]) -> Path:
    if use.id not in paths:
        raise StudioError("lora_missing", lora=use.name or use.id)
    return paths[use.id]


def _digest_of(use: LoraUse, path: Path) -> str:
    try:
        state = path.stat()
    except OSError as error:
        raise StudioError("lora_missing", lora=use.name or use.id) from error
    digest = _digest(path, state.st_size, state.st_mtime_ns)
    if use.sha256 and use.sha256 != digest:
        raise StudioError("lora_changed", lora=use.name or use.id)
    return digest


@functools.lru_cache(maxsize=512)
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_fit(lora: Lora, title: str, layers: Layers, model: Loaded[Any]) -> None:
    """One that would not do what it should on these parts is refused."""
    if model.spec.family not in LORA_FAMILIES:
        raise StudioError("lora_family_without", family=FAMILIES[model.spec.family].title)
    refused = fit(lora, layers, model.spec.title.en, model.spec.family).trouble
    if refused:
        told = called(refused, title)
        raise StudioError(told.code, **told.params)


# -- peft's layers --------------------------------------------------------------------------------


def layers_in(parts: Mapping[str, nn.Module]) -> Layers:
    """The layers that a LoRA may change, as they are in memory."""
    return Layers(
        {name: {flat: _shape(one) for flat, one in _changeable(part)} for name, part in parts.items()}
    )


def _changeable(part: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Linear layers and convolutions by the names they had when the part was loaded."""
    for name, module in part.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and ".lora_" not in name:
            yield name.removesuffix(".base_layer"), module


def _shape(module: Any) -> tuple[int, ...]:
    return tuple(module.weight.shape)


def _tensors(lora: Lora) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(lora.path))
    except SafetensorError as error:
        raise StudioError("weights_broken", file=lora.path.name) from error


def _attach(
    lora: Lora, adapter: str, name: str, part: Any, layers: Layers, tensors: Mapping[str, Tensor]
) -> int:
    """Puts an adapter beside the layers of a part, switched off, and tells its bytes."""
    found = {layers.name(name, change.layer): change for change in lora.changes if change.part == name}
    changes = {layer: change for layer, change in found.items() if layer is not None}
    _inject(part, adapter, list(changes))
    _off(part)
    # A denoiser that is kept narrower than it computes tells here the type that it computes in.
    dtype = part.dtype
    return sum(
        _fill(part.get_submodule(name), adapter, change, tensors, dtype) for name, change in changes.items()
    )


def _inject(part: Any, adapter: str, layers: Sequence[str]) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    # Only the names are read of it; the weights are put in afterwards, in the type the part computes in.
    named = {f"{layer}.lora_A.weight": torch.empty(0) for layer in layers}
    config = LoraConfig(r=1, lora_alpha=1, target_modules=list(layers), inference_mode=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are several of them is the point
        inject_adapter_in_model(config, part, adapter, low_cpu_mem_usage=True, state_dict=named)


def _fill(layer: Any, adapter: str, change: Change, tensors: Mapping[str, Tensor], dtype: torch.dtype) -> int:
    """The two narrow matrices of one layer, and how far they count."""
    device = layer.get_base_layer().weight.device
    down, up = (
        nn.Parameter(tensors[key].to(device, dtype, copy=True), requires_grad=False)
        for key in (change.down, change.up)
    )
    _put(layer, adapter, (down, up), float(tensors[change.alpha]) if change.alpha else change.usual_alpha)
    return down.nbytes + up.nbytes


def _put(layer: Any, adapter: str, pair: Pair, alpha: float) -> None:
    """Two matrices beside a layer, and how far they count."""
    for module, half in zip((layer.lora_A[adapter], layer.lora_B[adapter]), pair, strict=True):
        module.weight = half
    layer.r[adapter] = pair[0].shape[0]
    layer.lora_alpha[adapter] = alpha
    layer.set_scale(adapter, 1.0)


def _teach(part: Any, adapter: str, layers: Mapping[str, Pair]) -> None:
    """Puts an adapter beside the layers of a part that counts, alone of all, and that learns."""
    _inject(part, adapter, list(layers))
    _off(part)
    for name, pair in layers.items():
        layer = part.get_submodule(name)
        _put(layer, adapter, pair, pair[0].shape[0])
        layer.enable_adapters(True)
        layer.set_adapter([adapter])


def _check_effect(one: _Wanted, parts: Collection[nn.Module]) -> None:
    """An adapter that changes nothing would be a promise that is not kept."""
    changed = any(
        bool(layer.lora_B[one.name].weight.any())
        for part in parts
        for layer in _adapted(part)
        if one.name in layer.lora_B
    )
    if not changed:
        raise StudioError("lora_empty", lora=one.title)


def _adapted(part: nn.Module) -> list[Any]:
    """The layers of a part that some adapter lies beside."""
    from peft.tuners.lora import LoraLayer

    return [module for module in part.modules() if isinstance(module, LoraLayer)]


def _off(part: nn.Module) -> None:
    """Nothing of what lies beside the layers of a part counts."""
    for layer in _adapted(part):
        layer.set_adapter([], inference_mode=True)
        layer.enable_adapters(False)


def _set(layer: Any, weights: Mapping[str, float]) -> None:
    # To enable is to ask for gradients of what is on. Nobody trains here, and a part that took its turn on the
    # device while a picture was painted cannot have any: so nothing is on as the layer is enabled.
    layer.set_adapter([], inference_mode=True)
    layer.enable_adapters(True)
    layer.set_adapter(list(weights), inference_mode=True)
    for adapter, weight in weights.items():
        layer.set_scale(adapter, weight)


def _detach(part: Any, adapter: str) -> None:
    """Takes an adapter off a part, however far its loading came."""
    _off(part)
    for layer in _adapted(part):
        layer.delete_adapter(adapter)
    getattr(part, "peft_config", {}).pop(adapter, None)


def _strip(part: Any) -> None:
    """A part as it was loaded: no layer of it is wrapped any more."""
    from diffusers.utils.peft_utils import recurse_remove_peft_layers

    recurse_remove_peft_layers(part)
    if hasattr(part, "peft_config"):
        del part.peft_config
