"""The LoRA itself: on a model and off again, and as others read it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from studio.diffusion.adapters import KEPT, Adapters, layers_in
from studio.diffusion.training.adapter import Adapter
from studio.loras import fit, read_lora
from studio.messages import LoraUse
from tests import tiny_loras
from tests.diffusion.painting import quietly, request
from tests.diffusion.training.learning import School


def adapter(school: School, **settings: object) -> Adapter:
    return Adapter(school.model, school.asked(settings=settings).settings, "cpu")


def taught(school: School, **settings: object) -> Adapter:
    """One that changes something."""
    found, dice = adapter(school, **settings), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _, matrix in found.named():
            matrix += torch.randn(matrix.shape, generator=dice) * 0.1
    return found


def painted(school: School) -> bytes:
    return quietly(school.model, request(steps=2)).data


def written(school: School, one: Adapter) -> Path:
    path = school.data / "zub.safetensors"
    save_file(one.kohya(school.model.spec.family), path)
    return path


def test_it_changes_pictures_while_it_is_on_and_nothing_afterwards(school: School) -> None:
    before, plain = school.weights(), painted(school)
    one = taught(school, text_encoder=False)
    with one.on(school.model):
        assert painted(school) != plain
    assert painted(school) == plain and school.weights() == before


def test_a_fresh_one_changes_nothing_yet(sd1: School) -> None:
    plain = painted(sd1)
    with adapter(sd1).on(sd1.model):
        assert painted(sd1) == plain


def test_whatever_happens_it_is_off_afterwards(school: School) -> None:
    before = school.weights()
    with pytest.raises(ZeroDivisionError), taught(school, text_encoder=True).on(school.model):
        raise ZeroDivisionError
    assert school.weights() == before


def test_it_learns_and_nothing_else_does(school: School) -> None:
    one = adapter(school, text_encoder=True)
    own = {id(matrix) for _, matrix in one.named()}
    with one.on(school.model):
        parts = [school.model.parts[part] for part in one.parts]
        learning = {id(p) for part in parts for p in part.parameters() if p.requires_grad}
    assert learning == own and len(parts) == (3 if school.model.spec.family == "sdxl" else 2)


@pytest.mark.parametrize("wide", [False, True])
def test_others_read_its_file_and_paint_the_same_with_it(school: School, wide: bool) -> None:
    one = taught(school, text_encoder=True, convolutions=wide)
    with one.on(school.model):
        meant = quietly(school.model, request(steps=2))
    path = written(school, one)
    lora = read_lora(path)
    found = fit(
        lora, layers_in({part: school.model.parts[part] for part in one.parts}), "Tiny", lora.family or ""
    )
    assert (lora.kind, lora.rank, found.trouble) == ("LoRA", 4, None)
    assert found.found == found.of == sum(map(len, one.halves.values()))
    with Adapters().applied(school.model, [LoraUse(id="zub")], {"zub": path}):
        again = quietly(school.model, request(steps=2))
    difference = max(abs(a - b) for a, b in zip(meant.data, again.data, strict=True))
    assert difference <= 2  # its numbers are half as wide in the file


def test_names_are_those_that_other_tools_look_for(school: School) -> None:
    names = set(adapter(school, text_encoder=True, convolutions=True).kohya(school.model.spec.family))
    xl = school.model.spec.family == "sdxl"
    block = "input_blocks_3_1" if xl else "down_blocks_1_attentions_0"
    encoder = "lora_te1" if xl else "lora_te"
    for half in ("lora_down.weight", "lora_up.weight", "alpha"):
        assert any(name.startswith(f"lora_unet_{block}_") and name.endswith(half) for name in names)
        assert f"{encoder}_text_model_encoder_layers_0_self_attn_q_proj.{half}" in names
        assert (f"lora_te2_text_model_encoder_layers_9_mlp_fc2.{half}" in names) == xl


def test_attention_alone_is_changed_unless_more_is_asked_for(sd1: School) -> None:
    narrow, wide = (adapter(sd1, convolutions=wide).halves["unet"] for wide in (False, True))
    assert all(".attentions." in layer for layer in narrow)
    assert set(narrow) < set(wide) and any(pair[0].dim() == 4 for pair in wide.values())
    assert set(adapter(sd1).halves) == {"unet"}


def test_the_same_seed_begins_with_the_same_numbers(sd1: School) -> None:
    def first(seed: int) -> list[bytes]:
        return [matrix.detach().numpy().tobytes() for _, matrix in adapter(sd1, seed=seed).named()]

    assert first(1) == first(1) != first(2)


def test_loras_that_lie_there_switched_off_stay_and_count_nothing(sd1: School) -> None:
    path = tiny_loras.written(
        tiny_loras.peft({"unet": sd1.model.parts["unet"]}), sd1.data / "glow.safetensors"
    )
    plain = painted(sd1)
    with KEPT.applied(sd1.model, [LoraUse(id="glow")], {"glow": path}):
        glowing = painted(sd1)
    one = taught(sd1)
    with one.on(sd1.model):
        beside = painted(sd1)
    assert len(KEPT.names(sd1.model.parts["unet"])) == 1
    with KEPT.applied(sd1.model, [LoraUse(id="glow")], {"glow": path}):
        assert painted(sd1) == glowing
    assert painted(sd1) == plain
    KEPT.forget([sd1.model.parts["unet"]])
    with one.on(sd1.model):
        assert painted(sd1) == beside != plain


def test_one_that_paints_with_a_lora_is_not_taught_meanwhile(sd1: School) -> None:
    one = adapter(sd1)
    with one.on(sd1.model), pytest.raises(RuntimeError, match="somebody paints with"), one.on(sd1.model):
        pass
    with one.on(sd1.model):
        pass
