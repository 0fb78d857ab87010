"""What a LoRA's file is, told by its header alone: kind, rank, family, and which models it fits."""

# By hand, and used for loading too: the library's own reading leaves out in silence what it finds no layer for,
# mixes up the scales of files that have several, and can tell nothing without torch.

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.loras import layers
from studio.loras.layers import DENOISER, ENCODERS, Layers, Shape
from studio.loras.scales import LARGEST_RANK, Scale, Scales, read_scales
from studio.messages import Trouble
from studio.weights import WIDTHS, read_header, read_kind, tensor_bytes

KINDS = {
    "LoHa": ("hada_w", "hada_t"),
    "LoKr": ("lokr_w", "lokr_t"),
    "DoRA": ("dora_scale", "lora_magnitude_vector"),
    "OFT": (".oft_", ".boft_", "oft_blocks", "oft_diag"),
    "LoCon (Tucker)": ("lora_mid",),
    "(IA)³": (".on_input", "ia3_l"),
    "GLoRA": (".a1.weight", ".b1.weight"),
    "LoRA + bias": (".lora_B.bias.", ".lora_up.bias."),
    "full-rank": (".diff.", ".diff_b.", ".w_norm.", ".b_norm."),
}
"""Kinds of change that are no plain LoRA, each with what in a weight's name tells it, a dot put behind the name.

The library refuses them all but DoRA, of which it leaves half away and paints something else.
"""
PREFIXES = (
    ("lora_unet_", DENOISER),
    ("lora_te2_", ENCODERS[1]),
    ("lora_te1_", ENCODERS[0]),
    ("lora_te_", ENCODERS[0]),
    ("unet.", DENOISER),
    ("text_encoder_2.", ENCODERS[1]),
    ("text_encoder.", ENCODERS[0]),
    ("base_model.model.", DENOISER),
    ("model.diffusion_model.", DENOISER),
    ("diffusion_model.", DENOISER),
)
"""How the names of weights begin that change a part, by those who trained them."""
HALVES = re.compile(
    r"(?P<name>.+?)(?:\.lora_(?P<letter>[AB])(?:\.default)?|[._]lora[._](?P<word>down|up)"
    r"|\.lora_linear_layer\.(?P<linear>down|up))\.weight"
)
OLD_ENCODER = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}
LEAST_FOUND = 0.5
"""A LoRA of which a model has fewer of the layers is of another model, even if it would load."""


@dataclass(frozen=True)
class Change:
    """What a LoRA does to one layer: two narrow matrices, by the names of their tensors."""

    part: str
    layer: str
    """As those write it that have no dots."""
    down: str
    up: str
    reads: Shape
    writes: Shape
    alpha: str = ""
    """The tensor with its scale, where there is one."""
    told: Scale | None = None
    """What the header says of its scale, where no tensor does."""

    @property
    def rank(self) -> int:
        """How wide the passage between the two is."""
        return self.reads[0]

    @property
    def usual_alpha(self) -> float:
        """Its scale where no tensor tells it: what the header says, else what its rank is."""
        return self.told.alpha if self.told else self.rank

    def fits(self, shape: Shape) -> bool:
        """Whether it can change a layer whose weights have this shape."""
        ones = (1,) * (len(shape) - 2)
        return self.reads[1:] == shape[1:] and self.writes == (shape[0], self.rank, *ones)


@dataclass(frozen=True)
class Lora:
    """A LoRA's file as its header tells it."""

    path: Path
    bytes: int
    changes: tuple[Change, ...]
    kind: str = "LoRA"
    about: Mapping[str, str] = field(default_factory=dict)
    """What stands in the header beside the tensors; written by anybody, so never trusted."""
    family: str | None = None
    unread: str = ""
    """The setting in the header of which nothing can be made."""

    @property
    def rank(self) -> int:
        """The rank that most layers have."""
        ranks = Counter(change.rank for change in self.changes)
        return ranks.most_common(1)[0][0] if ranks else 0

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of a model that it changes."""
        return tuple(sorted({change.part for change in self.changes}))


@dataclass(frozen=True)
class Fit:
    """How a LoRA and a model go together."""

    found: int
    """How many of its layers the model has."""
    of: int
    trouble: Trouble | None = None


# -- reading --------------------------------------------------------------------------------------


def read_lora(path: Path) -> Lora:
    """What a file is; one that cannot be read, is cut short or is no LoRA is refused by its name."""
    if path.suffix.lower() != ".safetensors":
        raise StudioError("own_pickle", file=path.name)
    try:
        state = path.stat()
    except OSError as error:
        raise StudioError("own_unreadable", file=path.name) from error
    return _read(path, state.st_size, state.st_mtime_ns)


# A large one changes two thousand layers: what of it a shelf shows is kept there, in a hundredth of the room.
@functools.lru_cache(maxsize=32)
def _read(path: Path, size: int, changed: int) -> Lora:
    told = read_kind(path)  # refuses what is broken or cut short
    if told.kind != "lora":
        raise StudioError("lora_none", file=path.name)
    header = read_header(path)
    about = _texts(header.pop("__metadata__", None))
    shapes = {name: tuple(entry["shape"]) for name, entry in header.items()}
    scales = read_scales(about)
    changes = tuple(_changes(shapes, scales))
    family = _family(changes) or told.family
    kind = _kind(shapes, changes, scales)
    return Lora(path, tensor_bytes(path), changes, kind, about, family, scales.unread)


def _texts(about: Any) -> dict[str, str]:
    if not isinstance(about, dict):
        return {}
    return {str(key): value for key, value in about.items() if isinstance(value, str)}


def _kind(shapes: Mapping[str, Shape], changes: tuple[Change, ...], scales: Scales) -> str:
    for kind, marks in KINDS.items():
        if any(mark in f"{name}." for name in shapes for mark in marks):
            return kind
    named = {name for one in changes for name in (one.down, one.up, one.alpha)}
    known = named | {name for name in shapes if name.endswith(".alpha")}
    return (scales.kind or "LoRA") if changes and known >= set(shapes) else "unknown"


def _changes(shapes: Mapping[str, Shape], scales: Scales) -> Iterator[Change]:
    halves: dict[tuple[str, str], dict[str, str]] = {}
    for name in shapes:
        if told := _half(name):
            part, layer, side = told
            halves.setdefault((part, layer), {})[side] = name
    for (part, layer), pair in halves.items():
        if {"down", "up"} <= set(pair) and min(len(shapes[name]) for name in pair.values()) > 1:
            down, up = pair["down"], pair["up"]
            alpha = _alpha_beside(shapes, down)
            scale = None if alpha else scales.of(part, _dotted(down))
            yield Change(part, layer, down, up, shapes[down], shapes[up], alpha, scale)


def _alpha_beside(shapes: Mapping[str, Shape], down: str) -> str:
    found = HALVES.fullmatch(down)
    name = f"{found['name']}.alpha" if found else ""
    return name if name in shapes else ""


def _dotted(half: str) -> str:
    """The name of a layer as it is written there, without what tells its part."""
    found = HALVES.fullmatch(half)
    name = found["name"] if found else half
    prefix = next((prefix for prefix, _ in PREFIXES if name.startswith(prefix)), "")
    return name.removeprefix(prefix)


def _half(name: str) -> tuple[str, str, str] | None:
    """The part and the layer that a tensor is for, and which half of the change it is."""
    found = HALVES.fullmatch(name)
    for prefix, part in PREFIXES if found else ():
        if found and found["name"].startswith(prefix):
            side = {"A": "down", "B": "up"}.get(found["letter"] or "") or found["word"] or found["linear"]
            return part, _layer(part, found["name"].removeprefix(prefix)), str(side)
    return None


def _layer(part: str, name: str) -> str:
    """A layer's name without dots; the names of the library's first years become those of today."""
    flat = layers.flat(name).removeprefix("text_model_")
    if part == DENOISER:
        flat = flat.replace("_processor_", "_")
        return f"{flat}_0" if re.search(r"attn[12]_to_out$", flat) else flat
    old = re.fullmatch(r"(.+_self_attn_)(to_q|to_k|to_v|to_out)", flat)
    return old[1] + OLD_ENCODER[old[2]] if old else flat


def _family(changes: tuple[Change, ...]) -> str | None:
    """The family by how wide the text is that the changed layers read, or by whose layers they are."""
    for change in changes:
        if change.part == DENOISER and re.search(r"attn2_to_[kv]$", change.layer) and len(change.reads) > 1:
            return WIDTHS.get(change.reads[1])
    fitting = [family for family in layers.LORA_FAMILIES if _found_in(changes, family) == len(changes) > 0]
    return fitting[0] if len(fitting) == 1 else None


def _found_in(changes: tuple[Change, ...], family: str) -> int:
    return _count(changes, layers.layers_of(None, family))[0]


# -- fitting --------------------------------------------------------------------------------------


def fit(lora: Lora, model: Layers, title: str, family: str) -> Fit:
    """Whether a LoRA does what it should on a model with these layers, and if not, why."""
    found, wrong = _count(lora.changes, model)
    of = len(lora.changes)
    return Fit(found, of, _trouble(lora, found, wrong, title, family))


def _count(changes: tuple[Change, ...], model: Layers) -> tuple[int, int]:
    """How many layers a model has of those that are changed, and how many under the name have another shape."""
    found = wrong = 0
    for change in changes:
        name = model.name(change.part, change.layer)
        if name is not None:
            fits = change.fits(model.shape(change.part, name))
            found, wrong = found + fits, wrong + (not fits)
    return found, wrong


def _trouble(lora: Lora, found: int, wrong: int, title: str, family: str) -> Trouble | None:
    name, of = lora.path.stem, len(lora.changes)
    elsewhere = lora.family not in (None, family)
    refused = why_not(lora)
    if refused and not (elsewhere and lora.kind == "unknown"):
        return refused
    if not refused and not wrong and found and found >= LEAST_FOUND * of:
        return None
    if elsewhere:
        meant = FAMILIES.get(str(lora.family))
        told = meant.title if meant else str(lora.family)
        return Trouble(code="lora_family", params={"lora": name, "model": title, "family": told})
    if wrong:
        return Trouble(code="lora_sizes", params={"lora": name, "model": title, "wrong": wrong, "of": of})
    return Trouble(code="lora_no_effect", params={"lora": name, "model": title, "found": found, "of": of})


def called(trouble: Trouble, title: str) -> Trouble:
    """A trouble of a LoRA under its title: a file's own name says little where all of a hub's are alike."""
    if "lora" not in trouble.params:
        return trouble
    return trouble.model_copy(update={"params": {**trouble.params, "lora": title}})


def why_not(lora: Lora) -> Trouble | None:
    """Why a LoRA works on no model here; None where some model may do."""
    name = lora.path.stem
    if lora.kind == "unknown":
        return Trouble(code="lora_unknown_weights", params={"lora": name})
    if lora.kind != "LoRA":
        return Trouble(code="lora_kind", params={"lora": name, "kind": lora.kind})
    if any(not 0 < change.rank <= LARGEST_RANK for change in lora.changes):
        return Trouble(code="weights_broken", params={"file": lora.path.name})
    if setting := lora.unread or _unsound(lora.changes):
        return Trouble(code="lora_settings", params={"lora": name, "setting": setting})
    return None


def _unsound(changes: tuple[Change, ...]) -> str:
    """The setting that does not go with the weights, or with anything."""
    told = [(one.told, one.rank) for one in changes if one.told]
    if any(scale.rank != rank for scale, rank in told):
        return "r"
    return "" if all(scale.is_sound for scale, _ in told) else "lora_alpha"


def fit_with(lora: Lora, checkpoint: Path | None, title: str, family: str) -> Fit:
    """The same for a checkpoint of a family, of which only the configuration is read."""
    if family not in layers.LORA_FAMILIES:
        trouble = Trouble(code="lora_family_without", params={"family": FAMILIES[family].title})
        return Fit(0, len(lora.changes), trouble)
    return fit(lora, layers.layers_of(checkpoint, family), title, family)
