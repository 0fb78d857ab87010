"""The settings of a training run; one frozen place for every number."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from pocket.models import NATIVE


@dataclass(frozen=True)
class Length:
    """How long a stage takes."""

    minutes: float = 20.0
    # If not none, so many steps instead, however long they take: a run that another machine's can be held against.
    steps: int = 0


@dataclass(frozen=True)
class VaeSettings(Length):
    """How the autoencoder learns."""

    minutes: float = 20.0
    batch: int = 16
    crop: int = 64
    rate: float = 1e-3
    pictures: int = 3_000
    kl: float = 3e-4
    # Of the decoder alone: how rough the latents are that it learns to smooth, since painted ones are never perfect.
    rough: float = 0.2
    # And how many drawings the UNet paints again for it.
    repainted: int = 1_500
    # How long the decoder learns on alone, once the UNet paints.
    decoder_minutes: float = 20.0
    seed: int = 1


@dataclass(frozen=True)
class WordsSettings(Length):
    """How the words learn to tell what lies where."""

    minutes: float = 15.0
    batch: int = 96
    rate: float = 1e-3
    # How many of the captions are of pairs.
    pairs: float = 0.65
    # How much it counts that words which the UNet reads already stay as they are.
    kept: float = 5.0
    seed: int = 7


@dataclass(frozen=True)
class UnetSettings(Length):
    """How the UNet and the text encoder learn."""

    minutes: float = 70.0
    batch: int = 32
    rate: float = 6e-4
    decay: float = 0.999
    empty: float = 0.1
    captions: int = 8
    # How many more times of a batch than chance would give lie where the words decide what comes, at the start and from
    # the middle on.
    late_share: float = 0.5
    late_later: float = 0.1
    # And where only its details are open.
    fine_share: float = 0.0
    fine_later: float = 0.5
    # In how many of the latest times nothing is seen of the picture.
    blind: float = 0.5
    # How much more a place that shows a thing counts than one that shows none.
    things: float = 3.0
    # How much the guide counts beside the picture itself.
    guided: float = 0.1
    # How many captions a step the words tell of without their pictures.
    retold: int = 32
    seed: int = 2


@dataclass(frozen=True)
class ControlSettings(Length):
    """How the control net learns."""

    minutes: float = 45.0
    # Each with words and without.
    pictures_a_step: int = 8
    rate: float = 5e-4
    decay: float = 0.998
    pictures: int = 8_000
    seed: int = 4


@dataclass(frozen=True)
class JudgeSettings(Length):
    """How the judge learns."""

    minutes: float = 60.0
    batch: int = 32
    rate: float = 2e-3
    decay: float = 0.998
    pictures: int = 32_000
    lessons: int = 18_000
    copies: int = 2_400
    copied_share: float = 0.12
    seed: int = 3


@dataclass(frozen=True)
class MannerSettings(JudgeSettings):
    """How the judge's eyes for the manner learn."""

    minutes: float = 40.0
    lessons: int = 16_000
    copies: int = 3_000
    copied_share: float = 0.2
    seed: int = 5


@dataclass(frozen=True)
class DetectorSettings(Length):
    """How the small reader learns."""

    minutes: float = 25.0
    batch: int = 16
    rate: float = 2e-3
    decay: float = 0.998
    pictures: int = 4_800
    seed: int = 6


@dataclass(frozen=True)
class Settings:
    """A whole run."""

    run: Path = Path("runs/pocket")
    data: Path = Path("runs/data")
    weights: Path = Path("pocket/weights")
    pictures: int = 42_500
    from_weights: bool = False
    # Drawing, encoding and the control net's maps go on beside the training, which begins with what there is: a GPU
    # would wait for them longer than it learns.
    beside: bool = False
    # Compiling takes minutes once and makes a step twice as fast on a CPU; it needs a C++ compiler.
    compiled: bool = True
    vae: VaeSettings = field(default_factory=VaeSettings)
    words: WordsSettings = field(default_factory=WordsSettings)
    unet: UnetSettings = field(default_factory=UnetSettings)
    control: ControlSettings = field(default_factory=ControlSettings)
    judge: JudgeSettings = field(default_factory=JudgeSettings)
    manner: MannerSettings = field(default_factory=MannerSettings)
    detectors: DetectorSettings = field(default_factory=DetectorSettings)

    @property
    def drawings(self) -> Path:
        """Where the drawings lie that the UNet learns from."""
        return self.data / f"learned-{NATIVE}.npy"

    @property
    def latents(self) -> Path:
        """Where their latents lie."""
        return self.run / "latents.npy"

    @property
    def captions(self) -> Path:
        """Where their captions lie, as tokens."""
        return self.run / "captions.npy"


def from_dict(kind: type, values: dict[str, Any]) -> Any:
    """Settings from plain data; unknown keys are errors."""
    known = {f.name: f for f in fields(kind)}
    parts: dict[str, Any] = {
        name: f.default_factory for name, f in known.items() if is_dataclass(f.default_factory)
    }
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"unknown settings {', '.join(unknown)}; known: {', '.join(known)}")
    made = {k: from_dict(parts[k], v) if k in parts and isinstance(v, dict) else v for k, v in values.items()}
    paths = {k: Path(v) if k in ("run", "data", "weights") else v for k, v in made.items()}
    return kind(**paths)
