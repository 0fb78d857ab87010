"""Samplers by the names people know, as schedulers of the library."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import diffusers
import torch


@dataclass(frozen=True)
class Sampler:
    """A scheduler class, how it is set, and what it calls settings that the checkpoint has by another name."""

    scheduler: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


KARRAS = {"use_karras_sigmas": True}
# The solvers made for noise follow a flow too, if told so; its shift is the checkpoint's own.
FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "use_dynamic_shifting": False}
SHIFT = {"flow_shift": "shift"}

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
    "lcm": Sampler("LCMScheduler"),
    "flow_euler": Sampler("FlowMatchEulerDiscreteScheduler"),
    "flow_heun": Sampler("FlowMatchHeunDiscreteScheduler", {"use_dynamic_shifting": False}),
    "flow_dpmpp_2m": Sampler("DPMSolverMultistepScheduler", FLOW, SHIFT),
    "flow_unipc": Sampler("UniPCMultistepScheduler", FLOW, SHIFT),
    "flow_lcm": Sampler("FlowMatchLCMScheduler"),
}


def scheduler(name: str, base: Any) -> Any:
    """A scheduler of one's own, on the noise schedule that the checkpoint was trained with."""
    sampler = SAMPLERS[name]
    kind = getattr(diffusers, sampler.scheduler)
    renamed = {new: base.config[old] for new, old in sampler.renamed.items() if old in base.config}
    return kind.from_config(base.config, **sampler.settings, **renamed, **_zero_snr(kind, base.config))


def _zero_snr(kind: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """For schedulers that cannot end in pure noise by themselves: the betas that do."""
    if not config.get("rescale_betas_zero_snr") or "rescale_betas_zero_snr" in _takes(kind):
        return {}
    betas = diffusers.DDIMScheduler.from_config(config, rescale_betas_zero_snr=True).betas
    # All but pure noise: with none of the picture left these solvers divide by zero. As the library does
    # in those that know of it.
    kept = (1 - betas.double()).cumprod(0).clamp(min=2**-24)
    ratio = kept / torch.cat([torch.ones(1, dtype=kept.dtype), kept[:-1]])
    return {"trained_betas": (1 - ratio).float().tolist()}


def _takes(kind: Any) -> frozenset[str]:
    return frozenset(inspect.signature(kind.__init__).parameters)
