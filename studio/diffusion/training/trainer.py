"""The steps of a training: each follows from its number and from the step before it alone."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from studio.diffusion.encoding import Said
from studio.diffusion.training.adapter import Adapter
from studio.diffusion.training.lessons import Batch, Lessons, brought, encoders
from studio.diffusion.training.memory import Room, computing_twice, free_bytes, kept_bytes, room_for
from studio.diffusion.training.noise import Noise
from studio.diffusion.training.precision import precision
from studio.errors import StudioError
from studio.loras.layers import DENOISER
from studio.messages import TrainingRequest
from studio.models.modes import OFFLOAD, WHOLE
from studio.models.registry import Loaded
from studio.training import Look, looks

LARGEST_GRADIENT = 1.0
DECAY = 0.01
BETAS = (0.9, 0.99)
ENCODER_SHARE = 0.5
"""Of the denoiser's rate: encoders forget what words mean where they learn as fast."""
LEAST_NEWS = 0.02
"""How much a step's loss counts in the mean that is told."""
SCALE = "scale"


class Trainer:
    """A LoRA that learns: holds nothing of the model, which is given to it anew at every turn."""

    def __init__(self, request: TrainingRequest, model: Loaded[Any], lessons: Lessons) -> None:
        check_model(model)
        self._request, self._settings = request, request.settings
        self._device, self._lessons = model.device, lessons
        self._noise = Noise(model.parts["scheduler"], model.spec.title.en, model.device)
        self._precision = precision(model.device, model.parts[DENOISER].dtype)
        self.adapter = Adapter(model, request.settings, model.device)
        self._optimizer = torch.optim.AdamW(self._groups(), betas=BETAS, weight_decay=DECAY)
        self._scaler = torch.amp.GradScaler(self._precision.kind, enabled=self._precision.scaled)
        self.room: Room | None = None
        self.step, self.loss, self.own_loss = 0, 0.0, 0.0

    @property
    def over(self) -> bool:
        """Whether all has been learned."""
        return self.step >= self._settings.steps

    @property
    def prediction(self) -> str:
        """What the model predicts."""
        return self._noise.prediction

    def _groups(self) -> list[dict[str, Any]]:
        shares = {part: 1.0 if part == DENOISER else ENCODER_SHARE for part in self.adapter.parts}
        return [
            {"params": self.adapter.of(part), "share": share, "lr": 0.0} for part, share in shares.items()
        ]

    @contextlib.contextmanager
    def on(self, model: Loaded[Any]) -> Iterator[None]:
        """The LoRA on a model that is ready to learn; afterwards the model is what it was."""
        learning = [model.parts[DENOISER], *(encoders(model) if self._settings.text_encoder else ())]
        with brought(learning, self._device), self.adapter.on(model):
            if self.room is None:
                self.room = self._measured(model)
            yield

    # -- a step ----------------------------------------------------------------------------------

    def learn(self, model: Loaded[Any]) -> float:
        """One step; tells the mean loss of the last ones. A step that fails changes nothing."""
        assert self.room
        seen = looks(self.step, len(self._request.pictures), self._settings)
        self._optimizer.zero_grad(set_to_none=True)
        loss = 0.0
        with computing_twice(model.parts[DENOISER], self.room.twice), torch.enable_grad():
            for group in self._lessons.batches(seen, self.room.together):
                share = self._losses(group, model).sum() / len(seen)
                loss += float(share.detach())
                self._scaler.scale(share).backward()
        if not math.isfinite(loss):
            raise StudioError("training_diverged", step=self.step)
        self._move()
        self.step += 1
        self.own_loss = loss
        self.loss += (loss - self.loss) * max(LEAST_NEWS, 1 / self.step)
        return self.loss

    def _losses(self, group: Sequence[Look], model: Loaded[Any]) -> Tensor:
        """How far off the denoiser is at each look."""
        with self._precision.casting():
            batch = self._lessons.batch(group, model, self._device)
            times = torch.tensor([self._noise.time(look.moment) for look in group], device=self._device)
            noise = torch.cat([_drawn(look.seed, batch.latents.shape[1:]) for look in group]).to(self._device)
            said = self._denoised(model, self._noise.noised(batch.latents, noise, times), times, batch)
        errors = (said.float() - self._noise.target(batch.latents, noise, times)) ** 2
        return errors.mean(dim=(1, 2, 3)) * self._noise.weights(times, self._settings.min_snr)

    def _denoised(self, model: Loaded[Any], latents: Tensor, times: Tensor, batch: Batch) -> Tensor:
        given = self._precision.given
        beside = _beside(batch.said, batch.frames, given)
        found = model.parts[DENOISER](latents.to(given), times, batch.said.tokens.to(given), **beside)
        return found.sample

    def _move(self) -> None:
        self._scaler.unscale_(self._optimizer)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate() * group["share"]
        torch.nn.utils.clip_grad_norm_([one for _, one in self.adapter.named()], LARGEST_GRADIENT)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)

    def _rate(self) -> float:
        """Rises at first, then falls along half a wave."""
        rising = self._settings.warmup * self._settings.steps
        if self.step < rising:
            return self._settings.learning_rate * (self.step + 1) / (rising + 1)
        along = (self.step - rising) / max(1.0, self._settings.steps - rising)
        return self._settings.learning_rate * 0.5 * (1 + math.cos(math.pi * along))

    # -- memory ----------------------------------------------------------------------------------

    def _measured(self, model: Loaded[Any]) -> Room:
        """What a picture will keep, measured on a quarter of its area: that grows as the area does."""
        largest = max(range(len(self._lessons.places)), key=lambda one: _area(self._lessons, one))
        look = Look(largest, 0.5, 0)
        batch = self._lessons.batch([look], model, self._device)
        height, width = (max(8, side // 2) for side in batch.latents.shape[-2:])
        part = batch.latents[..., :height, :width]
        times = torch.tensor([self._noise.time(look.moment)], device=self._device)

        def run() -> Tensor:
            with self._precision.casting(), torch.enable_grad():
                return self._denoised(model, part, times, batch)

        kept = kept_bytes(model.parts[DENOISER], run) * batch.latents[0].numel() // part[0].numel()
        return room_for(self._settings.batch, kept, free_bytes(self._device))

    # -- what is kept ----------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """All that is needed to go on from here as if nothing had been between, as tensors and as words."""
        tensors: dict[str, Tensor] = {}
        for name, matrix in self.adapter.named():
            tensors[name] = matrix.detach()
            for key, value in self._optimizer.state.get(matrix, {}).items():
                tensors[f"{key}:{name}"] = torch.as_tensor(value)
        words = {"step": str(self.step), "loss": repr(self.loss)}
        if self.room:
            words |= {"together": str(self.room.together), "twice": str(int(self.room.twice))}
        if self._scaler.is_enabled():
            words[SCALE] = repr(self._scaler.get_scale())
        return {name: one.cpu().contiguous() for name, one in tensors.items()}, words

    def restore(self, tensors: Mapping[str, Tensor], words: Mapping[str, str]) -> None:
        """Goes on from a state."""
        with torch.no_grad():
            for name, matrix in self.adapter.named():
                matrix.copy_(tensors[name])
                kept = {
                    key.partition(":")[0]: value for key, value in tensors.items() if key.endswith(f":{name}")
                }
                self._optimizer.state[matrix] = {
                    key: value.clone() if key == "step" else value.to(matrix) for key, value in kept.items()
                }
        self.step, self.loss = int(words["step"]), float(words["loss"])
        if "together" in words:
            self.room = Room(int(words["together"]), bool(int(words["twice"])))
        if SCALE in words:
            self._scaler = torch.amp.GradScaler(self._precision.kind, init_scale=float(words[SCALE]))


def check_model(model: Loaded[Any]) -> None:
    """What cannot be trained on is told before anything is begun."""
    unet, title = model.parts[DENOISER], model.spec.title.en
    if model.mode not in (WHOLE, OFFLOAD):
        raise StudioError("training_mode", model=title, mode=model.mode.name)
    if unet.config.in_channels != model.parts["vae"].config.latent_channels:
        raise StudioError("model_needs_picture", model=title)
    if unet.config.time_cond_proj_dim is not None:
        raise StudioError("training_distilled", model=title)


def _area(lessons: Lessons, number: int) -> int:
    size = lessons.places[number].size
    return size.width * size.height


def _drawn(seed: int, shape: Sequence[int]) -> Tensor:
    """Drawn on the CPU, so that a seed means the same anywhere."""
    return torch.randn((1, *shape), generator=torch.Generator().manual_seed(seed))


def _beside(said: Said, frames: Tensor, dtype: torch.dtype) -> dict[str, Any]:
    """What XL is told besides: the prompt as a whole, and where in the picture it is."""
    if said.whole is None:
        return {}
    # Sizes stay whole: narrow numbers would round them.
    return {"added_cond_kwargs": {"text_embeds": said.whole.to(dtype), "time_ids": frames}}
