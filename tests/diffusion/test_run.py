"""Painting one request: what is no matter of the family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.diffusion import run
from studio.diffusion.canvas import lay_out
from studio.errors import StudioError
from studio.messages import LANCZOS, LATENT, Base, HighResolution, Mask, Start
from studio.models.registry import Loaded
from tests.diffusion.painting import SILENT, loaded, quietly, request
from tests.tiny import tiny_sd1, unet


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Loaded:
    return loaded(tiny_checkpoint)


def test_a_model_that_paints_over_pictures_is_refused_in_words(tmp_path: Path) -> None:
    checkpoint = tiny_sd1(tmp_path)
    unet(in_channels=9).save_pretrained(str(checkpoint / "unet"))
    with pytest.raises(StudioError, match="needs_picture"):
        quietly(loaded(checkpoint), request())


def test_a_model_that_took_guidance_in_is_painted_once_a_step(tmp_path: Path) -> None:
    checkpoint = tiny_sd1(tmp_path)
    distilled = unet(time_cond_proj_dim=8)
    distilled.save_pretrained(str(checkpoint / "unet"))
    model = loaded(checkpoint)
    calls: list[int] = []
    model.parts["unet"].register_forward_pre_hook(
        lambda _, given, named: calls.append(len(given[0])), with_kwargs=True
    )
    pictures = {
        quietly(model, request(sampler="lcm", guidance=guidance, negative=negative)).data
        for guidance in (1.0, 8.0)
        for negative in ("", "low quality")
    }
    # Guidance is a number it reads; there is nothing it is painted against.
    assert len(pictures) == 2 and set(calls) == {1}


# -- decoders that run over -----------------------------------------------------------------------


def overflowing(monkeypatch: pytest.MonkeyPatch, holes: Callable[[Any], bool]) -> None:
    """Decoding gives holes for as long as the decoder lies in a type that is said to run over."""
    decode = run.decode

    def broken(vae: Any, latents: torch.Tensor) -> torch.Tensor:
        found = decode(vae, latents)
        return torch.full_like(found, torch.nan) if holes(next(vae.parameters()).dtype) else found

    monkeypatch.setattr(run, "decode", broken)


def noticing() -> tuple[run.Watcher, list[str]]:
    said: list[str] = []
    return run.Watcher(lambda *_: None, lambda: False, lambda notice: said.append(notice.code)), said


def test_a_decoder_that_runs_over_is_tried_in_full_precision_and_that_is_said(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = loaded(tiny_checkpoint)
    half.parts["vae"].to(torch.bfloat16)
    before = {name: one.clone() for name, one in half.parts["vae"].state_dict().items()}
    overflowing(monkeypatch, lambda dtype: dtype != torch.float32)
    watcher, said = noticing()
    picture = run.paint(half, request(), "cpu", watcher)
    assert said == ["vae_full_precision"] and len(set(picture.tobytes())) > 10
    after = half.parts["vae"].state_dict()
    assert not any(one.is_inference() for one in half.parts["vae"].parameters())
    assert all(
        torch.equal(after[name], one) and after[name].dtype == one.dtype for name, one in before.items()
    )


def test_black_from_edge_to_edge_is_no_picture_either(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = loaded(tiny_checkpoint)
    half.parts["vae"].to(torch.bfloat16)
    decode = run.decode

    def black(vae: Any, latents: torch.Tensor) -> torch.Tensor:
        found = decode(vae, latents)
        return found if next(vae.parameters()).dtype == torch.float32 else torch.full_like(found, -1.0)

    monkeypatch.setattr(run, "decode", black)
    watcher, said = noticing()
    assert len(set(run.paint(half, request(), "cpu", watcher).tobytes())) > 10
    assert said == ["vae_full_precision"]


def test_what_is_no_picture_in_full_precision_is_refused_in_words(
    model: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    overflowing(monkeypatch, lambda dtype: True)
    with pytest.raises(StudioError, match="picture_broken"):
        quietly(model, request())


# -- another decoder, tiles, and denoisers that read a mask ---------------------------------------


def test_another_vae_decodes_and_the_models_own_stays(tiny_checkpoint: Path, tmp_path: Path) -> None:
    model, other = loaded(tiny_checkpoint), loaded(tiny_sd1(tmp_path, seed=5))
    plain = quietly(model, request())
    swapped = quietly(model, request(), means=run.Means(vae=other.parts["vae"]))
    assert swapped.data != plain.data and quietly(model, request()).data == plain.data


def test_decoding_in_tiles_shows_the_same_picture(model: Loaded) -> None:
    wanted = request(width=128, height=128)
    whole, tiled = (
        np.frombuffer(quietly(model, wanted, means=run.Means(tiles=tiles)).data, np.uint8).astype(int)
        for tiles in (False, True)
    )
    assert np.abs(whole - tiled).mean() < 8 and not model.parts["vae"].use_tiling


def test_a_denoiser_that_reads_a_mask_paints_inside_it_alone(tmp_path: Path) -> None:
    checkpoint = tiny_sd1(tmp_path)
    unet(in_channels=9).save_pretrained(str(checkpoint / "unet"))
    start, mask = Image.linear_gradient("L").resize((64, 64)).convert("RGB"), Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 64))
    for strength in (0.5, 1.0):
        wanted = request(
            start=Start(picture="a" * 64, strength=strength), mask=Mask(picture="b" * 64, feather=0)
        )
        found = run.paint(loaded(checkpoint), wanted, "cpu", SILENT, lay_out(wanted, start, mask))
        right = (32, 0, 64, 64)
        assert found.crop(right).tobytes() == start.crop(right).tobytes()
        assert found.crop((0, 0, 32, 64)).tobytes() != start.crop((0, 0, 32, 64)).tobytes()


# -- starts of which nothing may change -----------------------------------------------------------


@pytest.mark.parametrize("upscaler", [LATENT, LANCZOS])
def test_a_start_of_which_nothing_may_change_is_painted_over_larger_where_that_is_asked_for(
    model: Loaded, upscaler: str
) -> None:
    second = HighResolution(factor=2.0, strength=0.5, upscaler=upscaler)
    asked = request(start=Start(picture="a" * 64, strength=0), steps=3, stages=(Base(), second))
    start = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    told: list[str] = []
    watcher = run.Watcher(lambda stage, *_: told.append(stage), lambda: False)
    means = run.Means(
        enlarge=lambda one, factor: one.resize((int(one.width * factor), int(one.height * factor)))
    )
    painted = run.paint(model, asked, "cpu", watcher, lay_out(asked, start, None), means)
    assert painted.size == (128, 128) and set(told) == {"high_resolution"}
