"""How much of a negative counts: the sums by hand, every family, and what the pocket's pictures show."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pocket.world.scene import DEFECTS
from studio.diffusion.canvas import lay_out
from studio.diffusion.control import Reference
from studio.diffusion.control_colours import Held
from studio.diffusion.control_style import see
from studio.diffusion.negatives import BESIDE, HARDEST, counted, counting
from studio.diffusion.run import Means, paint
from studio.messages import Base, HighResolution, Mask, Start
from studio.models.registry import Loaded
from tests import samples
from tests.diffusion.painting import SILENT, loaded, request
from tests.diffusion.test_control import ADAPTERS, drawing, reading_first, reference  # noqa: F401  (a fixture)
from tests.diffusion.test_control_colours import colours
from tests.diffusion.test_control_style import style
from tests.diffusion.test_families import CASES, Case, case  # noqa: F401  (a fixture)
from tests.tiny_controls import adapter, control_net, encoder

WEIGHTS = Path(__file__).parents[2] / "pocket" / "weights"
USUAL = "lowres, blurry, jpeg artifacts, cropped, deformed, bad anatomy, watermark"
GUIDANCE = 4.0


# -- by hand --------------------------------------------------------------------------------------


def directions(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """A guess for no words, and two ways away from it that have nothing in common, each one long."""
    dice = torch.Generator().manual_seed(seed)
    alone, *ways = torch.randn((3, 1, 4, 8, 8), generator=dice)
    first, second = torch.linalg.qr(torch.stack([way.flatten() for way in ways]).T).Q.T
    return alone, first.view_as(alone), second.view_as(alone)


def guided(away: Tensor, own: Tensor) -> Tensor:
    return away + GUIDANCE * (own - away)


def along(guess: Tensor, alone: Tensor, way: Tensor) -> float:
    return float(((guess - alone) * way).sum())


def test_what_prompt_and_negative_share_is_taken_out() -> None:
    alone, cat, blur = directions()
    own, opposite = alone + cat + blur, alone + blur
    assert along(guided(opposite, own), alone, blur) == pytest.approx(1.0), (
        "all of it counts: as much as before"
    )
    left = along(guided(counted(alone, opposite, own, GUIDANCE), own), alone, blur)
    pull = HARDEST * 2**0.5 * (GUIDANCE - 1)
    assert left == pytest.approx(-pull, abs=1e-5), "none of it is left, and a little more is taken"


def test_a_negative_that_nothing_has_pulls_no_harder_than_a_part_of_the_prompt() -> None:
    alone, cat, blur = directions()
    own = alone + cat
    for far in (1.0, 10.0, 1000.0):
        told = guided(counted(alone, alone + far * blur, own, GUIDANCE), own)
        assert along(told, alone, cat) == pytest.approx(GUIDANCE, abs=1e-3)
        assert along(told, alone, blur) == pytest.approx(-(GUIDANCE - 1) * HARDEST, abs=1e-3)


def test_a_slight_negative_counts_for_its_share() -> None:
    alone, cat, blur = directions()
    told = guided(counted(alone, alone + 0.01 * blur, alone + cat, GUIDANCE), alone + cat)
    assert along(told, alone, blur) == pytest.approx(-(GUIDANCE - 1) * BESIDE * 0.01, abs=1e-5)


def test_what_the_negative_is_against_is_not_taken_for_shared() -> None:
    alone, cat, blur = directions()
    own = alone + cat - blur
    told = guided(counted(alone, alone + blur, own, GUIDANCE), own)
    assert along(told, alone, blur) < -GUIDANCE, "the prompt's own way is kept"


def test_a_negative_of_the_prompts_own_words_leaves_nothing_to_be_led_to() -> None:
    alone, cat, _ = directions()
    told = guided(counted(alone, alone + cat, alone + cat, GUIDANCE), alone + cat)
    assert along(told, alone, cat) == pytest.approx(-(GUIDANCE - 1) * HARDEST, abs=1e-5)


def test_hardly_any_guidance_makes_nothing_large() -> None:
    alone, cat, blur = directions()
    own, opposite = alone + cat + blur, alone + blur
    for guidance in (1.0, 1.00001, 1.05):
        away = counted(alone, opposite, own, guidance)
        assert float((away - alone).norm()) < 15


def test_a_negative_that_says_nothing_is_none() -> None:
    alone, cat, _ = directions()
    assert torch.equal(counted(alone, alone, alone + cat, GUIDANCE), alone)


def test_every_picture_of_a_batch_is_measured_by_itself() -> None:
    cases = [directions(seed) for seed in (0, 1)]
    alone, cat, blur = (torch.cat(found) for found in zip(*cases, strict=True))
    far = torch.tensor([1.0, 50.0]).view(2, 1, 1, 1)
    both = counted(alone, alone + far * blur, alone + cat, GUIDANCE)
    each = [counted(a, a + f * b, a + c, GUIDANCE) for (a, c, b), f in zip(cases, (1.0, 50.0), strict=True)]
    assert torch.allclose(both, torch.cat(each), atol=1e-6)


# -- every family ---------------------------------------------------------------------------------


def test_every_family_counts_as_much_as_needed(case: Case) -> None:  # noqa: F811
    full, needed = (case.picture(negative="cat", negative_counts=how) for how in ("full", "needed"))
    none = case.picture(negative="")
    assert len({full, needed, none}) == 3
    assert case.picture(negative="cat") == full, "nothing stays behind"


def test_no_words_are_read_as_an_empty_negative_is(case: Case) -> None:  # noqa: F811
    denoiser = case.model.parts[case.family.denoiser]
    told: dict[str, list[Tensor]] = {"empty": [], "measured": []}
    real = denoiser.forward

    def noted(kind: str) -> Any:
        def forward(*args: Any, **given: Any) -> Any:
            said = real(*args, **given)
            told[kind].append(said[0])
            return said

        return forward

    try:
        for kind, changes in (("empty", {"negative": ""}), ("measured", {"negative": "cat"})):
            denoiser.forward = noted(kind)
            case.picture(**changes, negative_counts="needed", steps=1)
    finally:
        del denoiser.forward
    # One call of the pipe's, and one more where it is measured; both see the same noise.
    (empty,), (both, alone) = told["empty"], told["measured"]
    assert torch.allclose(alone, empty[:1], atol=1e-4) and not torch.allclose(alone, both[:1], atol=1e-4)


def test_without_a_negative_or_guidance_nothing_is_measured(case: Case) -> None:  # noqa: F811
    for asked in ({"negative": " "}, {"negative": "cat", "guidance": 1.0}):
        assert case.picture(**asked, negative_counts="needed") == case.picture(**asked)


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Loaded:
    return loaded(tiny_checkpoint)


def ways() -> dict[str, dict[str, Any]]:
    start = Start(picture="b" * 64, strength=0.6)
    return {
        "long prompt": {"prompt": "a red cat " * 40},
        "picture": {"start": start},
        "mask": {"start": start, "mask": Mask(picture="c" * 64, feather=0)},
        "second pass": {"stages": (Base(), HighResolution(factor=1.5, strength=0.6))},
        "two readings a step": {"sampler": "heun"},
        "odd size": {"width": 72, "height": 88},
        "tiling": {"tiling": "both"},
    }


def painted(model: Loaded, asked: dict[str, Any], *references: Reference, how: str = "needed") -> bytes:
    wanted = request(**({"steps": 3, "negative": "low quality", "negative_counts": how} | asked))
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    canvas = lay_out(wanted, drawing(), mask if wanted.mask else None) if wanted.start else None
    return paint(model, wanted, "cpu", SILENT, canvas, Means(references=references)).tobytes()


@pytest.mark.parametrize("way", ways())
def test_every_way_to_paint_measures_its_negative(model: Loaded, way: str) -> None:
    asked = ways()[way]
    assert painted(model, asked) != painted(model, asked, how="full")
    assert painted(model, asked) == painted(model, asked)


@pytest.mark.parametrize("balance", ["prompt", "even", "reference"])
@pytest.mark.parametrize("network", ["controlnet", "adapter"])
def test_references_are_followed_without_words_too_and_asked_once_a_step(
    reading_first: Loaded,  # noqa: F811
    network: str,
    balance: Any,
) -> None:
    model = reading_first
    unet = model.parts["unet"]
    net = control_net(unet) if network == "controlnet" else adapter(ADAPTERS["full_adapter"])
    followed, asked, real = reference(net, samples.unit(balance=balance), network=network), [], unet.forward

    def noted(*args: Any, **given: Any) -> Any:
        lists = (
            given.get("down_block_additional_residuals"),
            given.get("down_intrablock_additional_residuals"),
        )
        asked.append((len(args[0]), [len(one) for one in lists if one is not None]))
        return real(*args, **given)

    unet.forward = noted
    try:
        led = painted(model, {}, followed)
    finally:
        del unet.forward
    assert [count for count, _ in asked] == [2, 1] * 3
    assert all(added == asked[0][1] != [0] for _, added in asked), (
        "the second reading is told as much as the first"
    )
    assert led != painted(model, {})


def test_colours_are_held_in_what_counts(model: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Tensor] = []
    real = Held.hold

    def hold(self: Held, guess: Tensor, *rest: Any) -> Tensor:
        heard.append(guess.clone())
        return real(self, guess, *rest)

    monkeypatch.setattr(Held, "hold", hold)
    pictures = {painted(model, {"steps": 1}, colours(), how=how) for how in ("needed", "full")}
    needed, full = heard
    assert len(pictures) == 2 and torch.equal(needed[1:], full[1:]), "the prompt's own guess is left alone"
    assert not torch.allclose(needed[:1], full[:1], atol=1e-4)


def test_a_style_is_followed_beside_it(model: Loaded, tmp_path: Path) -> None:
    seen = see(encoder(), lambda size: drawing(size.width), "cpu")
    led = painted(model, {}, style(model, tmp_path, seen))
    assert len({led, painted(model, {}), painted(model, {}, style(model, tmp_path, seen), how="full")}) == 3


def test_whatever_happens_nobody_listens_afterwards(model: Loaded) -> None:
    unet = model.parts["unet"]
    pipe = SimpleNamespace(unet=unet)
    listening = (unet._forward_hooks, unet._forward_pre_hooks)
    before = [len(hooks) for hooks in listening]
    with (
        pytest.raises(RuntimeError, match="on the way"),
        counting(pipe, {"negative_prompt_embeds": None}, 4.0),
    ):
        assert [len(hooks) for hooks in listening] == [count + 1 for count in before]
        raise RuntimeError("on the way")
    assert [len(hooks) for hooks in listening] == before


# -- what the pocket's pictures show --------------------------------------------------------------


@pytest.fixture(scope="module")
def desk() -> Any:
    if not (WEIGHTS / "model_index.json").exists():
        pytest.skip("no weights yet")
    from pocket.evaluate import open_desk

    return open_desk(WEIGHTS, 10)


def read(desk: Any, pocket: Loaded, prompts: list[str], **changes: object) -> list[Any]:
    from pocket.judge import look

    plain = {"model": "pocket", "width": 256, "height": 256, "steps": 10, "guidance": GUIDANCE}
    plain |= {"sampler": "dpmpp_2m_karras"}
    asked = [request(**(plain | {"prompt": p, "seed": n} | changes)) for n, p in enumerate(prompts)]
    return list(look(desk.judge, np.stack([np.asarray(paint(pocket, one, "cpu", SILENT)) for one in asked])))


@pytest.fixture(scope="module")
def pocket(desk: Any) -> Loaded:
    return loaded(WEIGHTS)


SOUND = [
    "a red cat in a meadow",
    "an orange castle in the snow",
    "a green dragon in the snow",
]


def test_the_usual_negative_burns_no_picture_that_was_fine(desk: Any, pocket: Loaded) -> None:
    burnt, needed = (
        read(desk, pocket, SOUND, negative=USUAL, negative_counts=how) for how in ("full", "needed")
    )
    assert sum(bool(one.defects) for one in burnt) >= 2, "all of it is too much for what knows its words well"
    assert not any(one.defects for one in needed)


def test_what_the_prompt_asks_for_and_the_negative_forbids_is_not_there(desk: Any, pocket: Loaded) -> None:
    word = "blurry"
    assert word in DEFECTS
    prompts = [f"{prompt}, {word}" for prompt in SOUND]
    shown, forbidden = (
        sum(
            word in one.defects
            for one in read(desk, pocket, prompts, negative=text, negative_counts="needed")
        )
        for text in ("", word)
    )
    assert shown >= 2 and forbidden == 0
