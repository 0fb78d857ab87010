"""A whole training in moments: every stage of the base hands on what the next one needs, and a net follows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from pocket.data import about, cells_path, draw_chunk
from pocket.evaluate import WEIGHTS
from pocket.models import NATIVE
from pocket.train import references, scenes
from pocket.train.settings import Settings

torch = pytest.importorskip("torch")

from pocket.train import unet  # noqa: E402
from pocket.train.stages import OWN, run_stage  # noqa: E402

PICTURES = 24


def drawn(path: Path, count: int, first: int, make) -> None:
    """A drawn set as the stage `draw` leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels, cells = draw_chunk(range(first, first + count), NATIVE, make)
    np.save(path, pixels)
    np.save(cells_path(path), cells)
    path.with_suffix(".done").write_text(about(count, NATIVE, first))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A world of few pictures, and hardly any time for any stage."""
    # Among so few, nobody stands in the scenes of the world, and poses need somebody.
    monkeypatch.setattr(references, "mapped", lambda count: list(range(count)))
    monkeypatch.setattr(unet, "SHEET_PROMPTS", unet.SHEET_PROMPTS[:1])
    moment = Settings(
        run=tmp_path / "run", data=tmp_path / "data", weights=tmp_path / "weights",
        pictures=PICTURES, compiled=False,
    )  # fmt: skip
    brief = {
        name: replace(getattr(moment, name), minutes=0.005, batch=2) for name in ("words", "unet", "vae")
    }
    drawn(moment.data / f"learned-{NATIVE}.npy", PICTURES, 0, scenes.learned)
    drawn(moment.data / f"own-{NATIVE}.npy", 4, OWN, scenes.learned)
    return replace(
        moment,
        **brief | {
            "vae": replace(brief["vae"], pictures=4),
            "control": replace(
                moment.control, minutes=0.005, pictures_a_step=2, pictures=PICTURES
            ),
        },
    )  # fmt: skip


def test_every_stage_takes_up_what_the_one_before_left(settings: Settings) -> None:
    from diffusers import ControlNetModel, StableDiffusionPipeline

    for stage in ("vae", "latents", "words", "unet", "export"):
        run_stage(stage, settings)
    # The control net learns what the detectors see; theirs are another stage, and those in the box will do.
    copytree(WEIGHTS / "detectors", settings.weights / "detectors")
    run_stage("control", settings)
    for name in ("vae", "words", "unet", "control"):
        assert torch.load(settings.run / f"{name}.pt", weights_only=True)["step"] >= 1
    pipe = StableDiffusionPipeline.from_pretrained(settings.weights)
    net = ControlNetModel.from_pretrained(settings.weights / "control")
    assert net.config.cross_attention_dim == pipe.unet.config.cross_attention_dim
    assert any(value.abs().max() > 0 for value in net.controlnet_mid_block.parameters()), (
        "it has begun to speak"
    )
