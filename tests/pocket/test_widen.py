"""A wider network starts where the narrow one stands."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

SMALL, DOUBLE, WIDER = (16, 24, 32, 48), (32, 48, 64, 96), (32, 40, 48, 64)


def build(widths: tuple[int, ...]) -> object:
    """A UNet like the pocket's, of some widths."""
    from diffusers import UNet2DConditionModel

    from pocket.models import build_unet

    about = {k: v for k, v in build_unet().config.items() if not k.startswith("_")}
    norms = {"norm_num_groups": 4, "attention_head_dim": 2, "sample_size": 8}
    return UNet2DConditionModel.from_config({**about, **norms, "block_out_channels": widths}).eval()


def difference(a: object, b: object) -> float:
    """How far two networks' answers lie apart, as a share of the answer."""
    torch.manual_seed(1)
    given = torch.randn(3, 4, 8, 8), torch.tensor([50, 500, 950]), torch.randn(3, 7, 128)
    with torch.no_grad():
        first, second = a(*given).sample, b(*given).sample
    return float((first - second).square().mean() / first.square().mean())


def test_a_network_twice_as_wide_answers_the_same() -> None:
    from pocket.train.widen import widen

    torch.manual_seed(0)
    narrow = build(SMALL)
    assert difference(narrow, build(DOUBLE)) > 0.5
    assert difference(narrow, widen(narrow, build(DOUBLE))) < 1e-6


def test_one_wider_by_uneven_steps_answers_nearly_the_same() -> None:
    from pocket.train.widen import widen

    torch.manual_seed(0)
    narrow = build(SMALL)
    assert difference(narrow, widen(narrow, build(WIDER))) < 0.1


def test_copies_part_ways() -> None:
    from pocket.train.widen import widen

    torch.manual_seed(0)
    wide = widen(build(SMALL), build(DOUBLE))
    weight = wide.conv_out.weight
    assert not torch.equal(weight[:, 0::2], weight[:, 1::2])
