"""Live previews: colours fitted to the checkpoint's own decoder."""

from __future__ import annotations

import io
import json
from pathlib import Path

import torch
from PIL import Image

from studio.diffusion.preview import LatentColours, fit, latent_colours
from tests.diffusion.painting import loaded


class LinearDecoder(torch.nn.Module):
    """Stands in for a decoder whose colours are known: eight times the size, a linear map and an offset."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = torch.nn.Parameter(torch.tensor([[0.3, 0.1], [0.0, 0.2], [-0.2, 0.1], [0.1, -0.3]]))
        self.config = type("Config", (), {"latent_channels": 4, "scaling_factor": 0.5})()

    def decode(self, latents: torch.Tensor, return_dict: bool) -> tuple[torch.Tensor]:
        colours = torch.einsum("bchw,ck->bkhw", latents, torch.cat([self.matrix, self.matrix[:, :1]], 1))
        return (torch.nn.functional.interpolate(colours - 0.4, scale_factor=8),)


def test_a_linear_decoder_is_found_again_exactly() -> None:
    found = fit(LinearDecoder())
    # Decoded values run from -1 to 1 and latents are scaled by 0.5, colours run from 0 to 1.
    assert torch.allclose(found.matrix[:, :2], LinearDecoder().matrix.detach(), atol=1e-4)
    assert torch.allclose(found.offset, torch.full((3,), 0.3), atol=1e-4)


def test_a_preview_shows_the_colours_of_the_latent() -> None:
    colours = LatentColours(torch.eye(4)[:, :3], torch.zeros(3))
    latent = torch.zeros(4, 8, 8)
    latent[0, :, :4], latent[2, :, 4:] = 1.0, 1.0
    picture = Image.open(io.BytesIO(colours.jpeg(latent)))
    assert picture.size == (256, 256)
    left, right = picture.getpixel((30, 128)), picture.getpixel((226, 128))
    assert left[0] > 200 > 60 > left[2] and right[2] > 200 > 60 > right[0]


def test_the_map_that_came_with_a_checkpoint_is_used(tiny_checkpoint: Path, tmp_path: Path) -> None:
    given = {"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], "bias": [0.5, 0.5, 0.5]}
    (tmp_path / "preview.json").write_text(json.dumps(given), encoding="utf-8")
    vae = loaded(tiny_checkpoint).parts["vae"]
    assert latent_colours(vae, tmp_path).offset.tolist() == [0.5, 0.5, 0.5]


def test_a_map_is_fitted_once_for_a_decoder(tiny_checkpoint: Path) -> None:
    vae = loaded(tiny_checkpoint).parts["vae"]
    assert latent_colours(vae, tiny_checkpoint) is latent_colours(vae, tiny_checkpoint)
