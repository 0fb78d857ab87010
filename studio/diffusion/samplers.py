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
# How a checkpoint's own scheduler solves is not its noise schedule: a sampler's name says it, or the library's usual.
OF_THE_SOLVER = {
    "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas",
    "algorithm_type", "solver_order", "solver_type", "euler_at_final",
}  # fmt: skip

SAMPLERS: dict[str, Sampler] = {
    "dpmpp_2m_karras": Sampler("DPMSolverMultistepScheduler", KARRAS),
    "dpmpp_2m": Sampler("DPMSolverMultistepScheduler"),
    "dpmpp_2m_sde_karras": Sampler(
        "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", **KARRAS}
    ),
    "dpmpp_2m_sde_exponential": Sampler(
        "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", "use_exponential_sigmas": True}
    ),
    "dpmpp_3m_sde_karras": Sampler(
        "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", "solver_order": 3, **KARRAS}
    ),
    "dpmpp_sde_karras": Sampler("DPMSolverSinglestepScheduler", KARRAS),
    "euler_a": Sampler("EulerAncestralDiscreteScheduler"),
    "euler": Sampler("EulerDiscreteScheduler"),
    "heun": Sampler("HeunDiscreteScheduler"),
    "dpm2_karras": Sampler("KDPM2DiscreteScheduler", KARRAS),
    "dpm2_a_karras": Sampler("KDPM2AncestralDiscreteScheduler", KARRAS),
    "ddim": Sampler("DDIMScheduler"),
    "unipc": Sampler("UniPCMultistepScheduler"),
    "deis": Sampler("DEISMultistepScheduler"),
    "plms": Sampler("PNDMScheduler", {"skip_prk_steps": True}),
    "lcm": Sampler("LCMScheduler"),
    "tcd": Sampler("TCDScheduler"),
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
    schedule = {key: value for key, value in base.config.items() if key not in OF_THE_SOLVER}
    return kind.from_config(schedule, **sampler.settings, **renamed, **_zero_snr(kind, base.config))


class Late:
    """A scheduler as a pipeline sees it that starts from a picture: the first steps are left out.

    The library's own pipelines cut the steps by themselves, but each draws its own noise, and none fills a mask
    or mixes two seeds; this way one pipeline of a family serves every way to start.
    """

    def __init__(self, inner: Any, strength: float) -> None:
        self._inner, self._strength, self._first = inner, strength, 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        # Pipelines that cut steps themselves count from the first one they are shown.
        return (lambda index=0: found(index + self._first)) if name == "set_begin_index" else found

    @property
    def timesteps(self) -> torch.Tensor:
        """The steps that are left."""
        return self._inner.timesteps[self._first :]

    def set_timesteps(self, num_inference_steps: int, *given: Any, **named: Any) -> None:
        """As the scheduler does; a strength of a half then leaves the second half of the steps."""
        self._inner.set_timesteps(num_inference_steps, *given, **named)
        taken = max(1, min(int(num_inference_steps * self._strength), num_inference_steps))
        # Solvers of second order list every step but the last twice.
        self._first = (num_inference_steps - taken) * self._inner.order
        if hasattr(self._inner, "set_begin_index"):
            self._inner.set_begin_index(self._first)


def noised(scheduler: Any, latents: torch.Tensor, noise: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """Latents as they look at a moment of a schedule: with so much noise."""
    times = time.reshape(1)
    if hasattr(scheduler, "scale_noise"):  # those that follow a flow
        return scheduler.scale_noise(latents, times, noise)
    return scheduler.add_noise(latents, noise, times)


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
