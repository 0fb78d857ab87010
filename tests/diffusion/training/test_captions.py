"""What text encoders say of captions."""

from __future__ import annotations

import torch

from studio.diffusion.families import painter
from studio.diffusion.samplers import scheduler
from studio.diffusion.training.captions import Captions
from tests.diffusion.painting import request
from tests.diffusion.training.learning import School


def painted_with(school: School, prompt: str) -> dict[str, torch.Tensor]:
    family, parts = painter(school.model.spec.family), school.model.parts
    pipe = family.pipe(parts, scheduler("ddim", parts["scheduler"]))
    return family.encode(pipe, request(prompt=prompt, guidance=1.0), "cpu")


def test_a_caption_is_read_as_the_same_words_of_a_prompt(school: School) -> None:
    for text in ("a red cat", "a red cat, " * 40):
        with torch.no_grad():
            found = Captions([text], school.model).said(school.model, [0], "cpu")
        prompt = painted_with(school, text)
        torch.testing.assert_close(found.tokens, prompt["prompt_embeds"], rtol=1e-4, atol=1e-5)
        if found.whole is not None:
            torch.testing.assert_close(found.whole, prompt["pooled_prompt_embeds"], rtol=1e-4, atol=1e-5)
        assert (found.whole is not None) == (school.model.spec.family == "sdxl")


def test_signs_in_a_caption_are_words(sd1: School) -> None:
    with torch.no_grad():
        found = Captions(["a (cat:1.5)", "a cat"], sd1.model).said(sd1.model, [0, 1], "cpu")
    weighed = painted_with(sd1, "a (cat:1.5)")["prompt_embeds"]
    assert not torch.allclose(found.tokens[:1], weighed) and not torch.allclose(
        found.tokens[0], found.tokens[1]
    )


def test_all_captions_are_as_long_as_the_longest(sd1: School) -> None:
    captions = Captions(["a cat", "a red cat, " * 40, ""], sd1.model)
    with torch.no_grad():
        both = captions.said(sd1.model, [0, 1], "cpu")
        alone = captions.said(sd1.model, [0], "cpu")
    assert both.tokens.shape[1] == 77 * 3
    torch.testing.assert_close(both.tokens[:1], alone.tokens, rtol=1e-4, atol=1e-5)


def test_gradients_reach_the_encoders(sd1: School) -> None:
    layer = sd1.model.parts["text_encoder"].get_submodule("encoder.layers.0.mlp.fc1")
    layer.weight.requires_grad_(True)
    Captions(["a cat"], sd1.model).said(sd1.model, [0], "cpu").tokens.pow(2).sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.abs().max() > 0
