"""What a trained LoRA says of itself, in the words that other tools read."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass

from studio.messages import ModelSpec, TrainingRequest
from studio.training.keeping import SESSION
from studio.training.presets import captioned

ARCHITECTURES = {
    "sd1": "stable-diffusion-v1/lora",
    "sd2": "stable-diffusion-v2-768-v/lora",
    "sdxl": "stable-diffusion-xl-v1-base/lora",
}
VERSIONS = {"sd1": "sd_v1", "sd2": "sd_v2", "sdxl": "sdxl_base_v1-0"}
Texts = dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """What came of a training."""

    steps: int
    loss: float
    took: float
    prediction: str


def header(request: TrainingRequest, spec: ModelSpec, outcome: Outcome) -> Texts:
    """The keys of kohya's scripts and of the model specification."""
    return _kohya(request, spec, outcome) | _spec(request, spec, outcome.prediction)


def _kohya(request: TrainingRequest, spec: ModelSpec, outcome: Outcome) -> Texts:
    settings, now = request.settings, time.time()
    epochs = -(-outcome.steps * settings.batch // len(request.pictures))
    found = {
        SESSION: request.id,
        "ss_output_name": request.name,
        "ss_sd_model_name": spec.title.en,
        "ss_base_model_version": VERSIONS[spec.family],
        "ss_v2": spec.family == "sd2",
        "ss_network_module": "networks.lora",
        "ss_network_dim": settings.rank,
        "ss_network_alpha": float(settings.rank),
        "ss_network_args": json.dumps(_network(settings.rank) if settings.convolutions else {}),
        "ss_learning_rate": settings.learning_rate,
        "ss_unet_lr": settings.learning_rate,
        "ss_text_encoder_lr": settings.learning_rate / 2 if settings.text_encoder else None,
        "ss_optimizer": "torch.optim.adamw.AdamW",
        "ss_lr_scheduler": "cosine",
        "ss_lr_warmup_steps": round(settings.warmup * settings.steps),
        "ss_max_train_steps": settings.steps,
        "ss_steps": outcome.steps,
        "ss_num_epochs": epochs,
        "ss_epoch": epochs,
        "ss_num_train_images": len(request.pictures),
        "ss_batch_size_per_device": settings.batch,
        "ss_resolution": f"({settings.resolution}, {settings.resolution})",
        "ss_enable_bucket": True,
        "ss_flip_aug": settings.mirror,
        "ss_cache_latents": True,
        "ss_caption_dropout_rate": settings.caption_dropout,
        "ss_min_snr_gamma": settings.min_snr or None,
        "ss_seed": settings.seed,
        "ss_loss": round(outcome.loss, 6),
        "ss_tag_frequency": json.dumps({"pictures": _tags(request)}, ensure_ascii=False),
        "ss_training_comment": f"{request.preset}, {len(request.pictures)} pictures",
        "ss_training_started_at": round(now - outcome.took, 3),
        "ss_training_finished_at": round(now, 3),
    }
    return {key: str(value) for key, value in found.items()}


def _network(rank: int) -> dict[str, str]:
    return {"conv_dim": str(rank), "conv_alpha": str(float(rank))}


def _tags(request: TrainingRequest) -> dict[str, int]:
    """How many pictures bear each part of a caption."""
    counts: Counter[str] = Counter()
    for picture in request.pictures:
        parts = (part.strip() for part in captioned(request.trigger, picture.caption).split(","))
        counts.update({part for part in parts if part})
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _spec(request: TrainingRequest, spec: ModelSpec, prediction: str) -> Texts:
    side = request.settings.resolution
    told = {
        "sai_model_spec": "1.0.0",
        "architecture": ARCHITECTURES[spec.family],
        "implementation": "diffusers",
        "title": request.name,
        "trigger_phrase": request.trigger,
        "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
        "resolution": f"{side}x{side}",
        "prediction_type": prediction,
        "description": f"{request.preset}, trained on {spec.title.en}",
    }
    return {f"modelspec.{key}": value for key, value in told.items() if value}
