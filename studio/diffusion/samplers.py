"""Samplers by the names people know, as schedulers of the library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import diffusers


@dataclass(frozen=True)
class Sampler:
    """A scheduler class and how it is set."""

    scheduler: str
    settings: dict[str, Any] = field(default_factory=dict)


KARRAS = {"use_karras_sigmas": True}

SAMPLERS: dict[str, Sampler] = {
    "dpmpp_2m_karras": Sampler("DPMSolverMultistepScheduler", KARRAS),
    "dpmpp_2m": Sampler("DPMSolverMultistepScheduler"),
    "dpmpp_2m_sde_karras": Sampler(
        "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", **KARRAS}
    ),
    "dpmpp_sde_karras": Sampler("DPMSolverSinglestepScheduler", KARRAS),
    "euler_a": Sampler("EulerAncestralDiscreteScheduler"),
    "euler": Sampler("EulerDiscreteScheduler"),
    "heun": Sampler("HeunDiscreteScheduler"),
    "dpm2_karras": Sampler("KDPM2DiscreteScheduler", KARRAS),
    "ddim": Sampler("DDIMScheduler"),
    "unipc": Sampler("UniPCMultistepScheduler"),
    "deis": Sampler("DEISMultistepScheduler"),
    "plms": Sampler("PNDMScheduler", {"skip_prk_steps": True}),
}


def scheduler(name: str, base: Any) -> Any:
    """A scheduler of one's own, on the noise schedule that the checkpoint was trained with."""
    sampler = SAMPLERS[name]
    kind = getattr(diffusers, sampler.scheduler)
    return kind.from_config(base.config, **sampler.settings)
