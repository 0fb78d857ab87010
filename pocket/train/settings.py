"""The settings of a training run; one frozen place for every number."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class VaeSettings:
    """How the autoencoder learns."""

    minutes: float = 12.0
    batch: int = 4
    crop: int = 64
    rate: float = 4e-4
    kl: float = 3e-4
    seed: int = 1


@dataclass(frozen=True)
class UnetSettings:
    """How the UNet and the text encoder learn."""

    minutes: float = 70.0
    batch: int = 32
    rate: float = 8e-4
    decay: float = 0.998
    empty: float = 0.1
    captions: int = 6
    settled_share: float = 0.3
    seed: int = 2


@dataclass(frozen=True)
class JudgeSettings:
    """How the judge learns."""

    minutes: float = 60.0
    batch: int = 32
    rate: float = 2e-3
    decay: float = 0.998
    lessons: int = 18_000
    copies: int = 2_400
    copied_share: float = 0.12
    seed: int = 3


@dataclass(frozen=True)
class Settings:
    """A whole run."""

    run: Path = Path("runs/pocket")
    data: Path = Path("runs/data")
    weights: Path = Path("pocket/weights")
    pictures: int = 32_000
    latents: int = 14_000
    side: int = 128
    from_weights: bool = False
    vae: VaeSettings = field(default_factory=VaeSettings)
    unet: UnetSettings = field(default_factory=UnetSettings)
    judge: JudgeSettings = field(default_factory=JudgeSettings)


def from_dict(kind: type, values: dict[str, Any]) -> Any:
    """Settings from plain data; unknown keys are errors."""
    known = {f.name: f for f in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"unknown settings {', '.join(unknown)}; known: {', '.join(known)}")
    nested = {"vae": VaeSettings, "unet": UnetSettings, "judge": JudgeSettings}
    made = {
        k: from_dict(nested[k], v) if k in nested and isinstance(v, dict) else v for k, v in values.items()
    }
    paths = {k: Path(v) if k in ("run", "data", "weights") else v for k, v in made.items()}
    return kind(**paths)
