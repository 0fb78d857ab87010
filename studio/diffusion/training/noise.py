"""What a denoiser is asked while it learns, and how much each answer counts."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from studio.errors import StudioError

PREDICTIONS = ("epsilon", "v_prediction", "sample")


class Noise:
    """The noise schedule that a checkpoint was trained with, and what it predicts."""

    def __init__(self, scheduler: Any, model: str, device: str) -> None:
        config = scheduler.config
        self.prediction: str = config.get("prediction_type") or "epsilon"
        if self.prediction not in PREDICTIONS:
            raise StudioError("training_prediction", model=model, prediction=self.prediction)
        # Whichever sampler it came with, the noise that it was trained on is told by the same few numbers.
        self._kept = DDIMScheduler.from_config(config).alphas_cumprod.to(device, torch.float32)

    def time(self, moment: float) -> int:
        """The number of a moment of 0 to 1."""
        return min(int(moment * len(self._kept)), len(self._kept) - 1)

    def noised(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Latents with as much noise as there is at these times."""
        signal, share = self._shares(times)
        return signal * latents + share * noise

    def target(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """What the denoiser should have said."""
        if self.prediction == "epsilon":
            return noise
        if self.prediction == "sample":
            return latents
        signal, share = self._shares(times)
        return signal * noise - share * latents

    def _shares(self, times: Tensor) -> tuple[Tensor, Tensor]:
        kept = self._kept[times].view(-1, 1, 1, 1)
        return kept.sqrt(), (1 - kept).sqrt()

    def weights(self, times: Tensor, gamma: float) -> Tensor:
        """Min-SNR weights: times with little noise, where every error looks large, count no more than others.

        All say min(SNR, gamma) of an error in the picture; an error in the noise is SNR times one in the picture,
        and one in the velocity SNR + 1 times.
        """
        if not gamma:
            return torch.ones(len(times), device=self._kept.device)
        kept = self._kept[times].double()
        ratio = kept / (1 - kept)
        capped = ratio.clamp(max=gamma)
        by = {"epsilon": ratio.clamp(min=1e-12), "v_prediction": ratio + 1, "sample": torch.ones_like(ratio)}
        return (capped / by[self.prediction]).float()
