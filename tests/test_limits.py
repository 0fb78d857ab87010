"""From a draft to complete requests, or to an error the person can act on."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import StudioError, say_trouble
from studio.families import FAMILIES
from studio.limits import LARGEST_SEED, Around, draft_of, resolve, unsettled
from studio.messages import (
    Bilingual,
    Draft,
    GenerationLimits,
    GenerationRequest,
    HighResolution,
    LocalSource,
    Mask,
    ModelSpec,
    Outpaint,
    Person,
    Size,
    Start,
    Upscale,
    UpscalerSpec,
    VaeSpec,
    Variation,
)
from studio.prompt import LONGEST_PROMPT
from tests.samples import spec

ANN = Person(id="ann")
SPEC = spec()
SAMPLERS = [sampler.id for sampler in FAMILIES["sd1"].samplers]


def resolved(**asked: Any) -> tuple[GenerationRequest, ...]:
    return resolve(Draft(model="tiny", **asked), SPEC, "job", ANN)


def refused(**asked: Any) -> StudioError:
    with pytest.raises(StudioError) as told:
        resolved(**asked)
    return told.value


def test_a_draft_of_nothing_but_a_prompt_gets_all_the_models_defaults() -> None:
    (one,) = resolved(prompt="a cat")
    assert one.model_dump(exclude={"seed"}) == {
        "id": "job-1",
        "job": "job",
        "person": "ann",
        "priority": 0,
        "kind": "generate",
        "model": "tiny",
        "prompt": "a cat",
        "negative": "low quality",
        "written": "",
        "written_negative": "",
        "translated": "",
        "translated_negative": "",
        "styles": (),
        "width": 64,
        "height": 96,
        "steps": 3,
        "guidance": 4.5,
        "sampler": "euler",
        "clip_skip": 1,
        "vae": "",
        "negative_counts": "full",
        "tiling": "none",
        "variation": None,
        "start": None,
        "mask": None,
        "outpaint": None,
        "controls": (),
        "detectors": (),
        "loras": (),
        "written_loras": (),
        "embeddings": (),
        "stages": ({"kind": "base"},),
    }
    assert 0 <= one.seed <= LARGEST_SEED


def test_what_a_person_sets_is_what_is_painted() -> None:
    asked = {
        "negative": "",
        "width": 128,
        "height": 64,
        "steps": 50,
        "guidance": 0.0,
        "sampler": "ddim",
        "seed": 0,
    }
    (one,) = resolved(**asked)
    assert one.model_dump(include=set(asked)) == asked


def test_a_seed_that_is_not_set_is_another_each_time() -> None:
    assert len({resolved()[0].seed for _ in range(8)}) > 1


def test_seeds_of_a_batch_count_up_under_ids_of_their_own() -> None:
    assert [(one.id, one.seed) for one in resolved(seed=7, count=3)] == [
        ("job-1", 7),
        ("job-2", 8),
        ("job-3", 9),
    ]


def test_how_much_there_is_to_do_is_known_before_any_word_is_chosen() -> None:
    def asked(name: str) -> tuple[str, ...]:
        raise AssertionError("no wildcard is looked up")

    draft = Draft(model="tiny", prompt="a {red|blue} __animal__", count=3, steps=7, seed=1)
    one, count = unsettled(draft, SPEC, "job", ANN, Around(wildcards=asked))
    assert (one.prompt, one.steps, count) == (draft.prompt, 7, 3)
    whole = resolve(draft, SPEC, "job", ANN, Around(wildcards=lambda name: ("cat",)))
    assert {(two.width, two.height, two.steps, two.stages) for two in whole} == {
        (one.width, one.height, one.steps, one.stages)
    }


def test_seeds_start_over_after_the_largest() -> None:
    assert [one.seed for one in resolved(seed=LARGEST_SEED - 1, count=4)] == [
        LARGEST_SEED - 1,
        LARGEST_SEED,
        0,
        1,
    ]


def test_a_picture_of_a_batch_can_be_had_again_alone() -> None:
    third = resolved(seed=LARGEST_SEED, count=3)[2]
    (alone,) = resolved(seed=third.seed)
    assert alone.model_copy(update={"id": third.id}) == third


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("count", 1, 4),
        ("seed", 0, LARGEST_SEED),
        ("width", 64, 128),
        ("height", 64, 128),
        ("steps", 1, 50),
        ("guidance", 0, 20),
    ],
)
def test_a_limit_holds_at_both_ends_and_not_one_step_further(name: str, least: int, most: int) -> None:
    for value in (least, most):
        assert resolved(**{name: value})
    for value in (least - 1, most + 1, 0 if least else -5, -(10**9), 10**12):
        told = refused(**{name: value})
        assert (told.code, told.params) == (
            f"{name}_out_of_range",
            {"value": value, "least": least, "most": most},
        )


@pytest.mark.parametrize("guidance", [math.nan, math.inf, -math.inf, -0.01, 20.01])
def test_guidance_that_is_no_number_in_range_is_refused(guidance: float) -> None:
    assert refused(guidance=guidance).code == "guidance_out_of_range"


@pytest.mark.parametrize("name", ["width", "height"])
def test_a_side_that_is_no_multiple_is_told_the_nearest_that_is(name: str) -> None:
    told = refused(**{name: 99})
    assert (told.code, told.params) == (f"{name}_not_multiple", {"value": 99, "multiple": 8, "nearest": 96})


@given(st.integers(1, 90), st.integers(0, 200), st.sampled_from([8, 16, 32, 64]), st.integers(-10, 300))
def test_the_side_that_is_offered_is_one_that_is_taken(
    low: int, room: int, multiple: int, value: int
) -> None:
    smallest, largest = low, low + room + multiple  # wide enough to have a multiple in it
    limits = GenerationLimits(smallest=smallest, largest=largest, multiple=multiple, steps=50, guidance=20)
    good = largest // multiple * multiple
    defaults = SPEC.defaults.model_copy(update={"size": Size(width=good, height=good)})
    odd = spec(limits=limits, defaults=defaults)
    try:
        resolve(Draft(model="tiny", width=value), odd, "job", ANN)
    except StudioError as told:
        if told.code == "width_not_multiple":
            assert resolve(Draft(model="tiny", width=int(told.params["nearest"])), odd, "job", ANN)


@pytest.mark.parametrize("field", ["prompt", "negative"])
def test_a_text_may_be_long_but_not_endless(field: str) -> None:
    assert resolved(**{field: "猫" * LONGEST_PROMPT})
    told = refused(**{field: "猫" * (LONGEST_PROMPT + 1)})
    assert (told.code, told.params) == (
        "prompt_too_long",
        {"length": LONGEST_PROMPT + 1, "most": LONGEST_PROMPT},
    )


def test_a_sampler_that_does_not_run_is_told_with_those_that_do() -> None:
    told = refused(sampler="magic")
    assert told.code == "sampler_unknown"
    assert all(sampler.title in str(told.params["known"]) for sampler in FAMILIES["sd1"].samplers)


NUMBERS = st.none() | st.integers() | st.integers(-2, 200)
DRAFTS = st.builds(
    Draft,
    model=st.just("tiny"),
    prompt=st.text(max_size=20) | st.just("x" * (LONGEST_PROMPT + 1)),
    negative=st.none() | st.text(max_size=20),
    width=NUMBERS | st.integers(8, 16).map(lambda side: side * 8),
    height=NUMBERS | st.integers(8, 16).map(lambda side: side * 8),
    steps=NUMBERS,
    guidance=st.none() | st.floats() | st.floats(0, 20),
    sampler=st.none() | st.sampled_from(SAMPLERS) | st.text(max_size=8),
    seed=st.none() | st.integers() | st.integers(0, LARGEST_SEED),
    count=st.integers(1, 4) | st.integers(),
)


@given(DRAFTS)
def test_any_draft_becomes_complete_requests_within_limits_or_an_error_with_words(draft: Draft) -> None:
    try:
        requests = resolve(draft, SPEC, "job", ANN)
    except StudioError as told:
        for language in ("en", "zh"):
            assert told.code not in say_trouble(language, told.trouble)
        return
    limits = SPEC.limits
    assert len(requests) == draft.count <= limits.count
    assert len({one.id for one in requests}) == len({one.seed for one in requests}) == draft.count
    for one in requests:
        assert all(limits.smallest <= side <= limits.largest for side in (one.width, one.height))
        assert one.width % limits.multiple == one.height % limits.multiple == 0
        assert 1 <= one.steps <= limits.steps and 0 <= one.guidance <= limits.guidance
        assert 0 <= one.seed <= LARGEST_SEED and one.sampler in SAMPLERS
        assert GenerationRequest.model_validate_json(one.model_dump_json()) == one


def test_a_model_that_only_changes_pictures_is_refused_for_a_prompt_alone() -> None:
    inpainting = SPEC.model_copy(update={"capabilities": ("inpaint",)})
    with pytest.raises(StudioError, match="model_needs_picture"):
        resolve(Draft(model="tiny", prompt="a cat"), inpainting, "job", ANN)


# -- ways to start --------------------------------------------------------------------------------

PICTURE, MASK = "a" * 64, "b" * 64
START = Start(picture=PICTURE)
UPSCALER = UpscalerSpec(
    id="sharp", title=Bilingual(en="Sharp", zh="锐"), source=LocalSource(path="x"), licence="test"
)
VAE = VaeSpec(
    id="other", title=Bilingual(en="Other", zh="另"), source=LocalSource(path="x"), licence="test",
    families=("sdxl",),
)  # fmt: skip


def around(width: int = 100, height: int = 68) -> Around:
    return Around(
        size_of=lambda picture: Size(width=width, height=height),
        upscalers={"sharp": UPSCALER},
        vaes={"other": VAE, "any": VAE.model_copy(update={"id": "any", "families": ()})},
    )


def started(given: Around | None = None, model: ModelSpec = SPEC, **asked: Any) -> GenerationRequest:
    return resolve(Draft(model="tiny", **asked), model, "job", ANN, given or around())[0]


def not_started(model: ModelSpec = SPEC, **asked: Any) -> str:
    with pytest.raises(StudioError) as told:
        started(model=model, **asked)
    return told.value.code


def test_without_a_size_asked_for_the_picture_to_start_from_gives_it() -> None:
    one = started(start=START)
    assert (one.width, one.height) == (96, 64) and one.start == START
    sized = started(start=START, width=64, height=64)
    assert (sized.width, sized.height) == (64, 64)


def test_a_masked_region_is_painted_at_the_models_own_size() -> None:
    one = started(start=START, mask=Mask(picture=MASK, area="masked"))
    assert (one.width, one.height) == (SPEC.defaults.size.width, SPEC.defaults.size.height)


def test_an_outpainted_picture_grows_by_its_sides() -> None:
    one = started(around(64, 64), start=START, outpaint=Outpaint(left=16, bottom=32))
    assert (one.width, one.height) == (80, 96)
    assert not_started(start=START, outpaint=Outpaint()) == "sides_needed"


def test_upscaling_alone_paints_nothing_and_needs_no_model_that_could() -> None:
    only = spec(capabilities=())
    one = started(model=only, base=False, start=START, upscale=Upscale(upscaler="sharp"), count=3)
    assert not one.paints and one.parts == ("sharp",) and (one.width, one.height) == (100, 68)
    assert not_started(base=False, start=START) == "nothing_to_do"


def test_what_a_model_cannot_start_from_is_refused_by_what_it_lacks() -> None:
    def only(*able: str) -> ModelSpec:
        return spec(capabilities=able)

    mask = Mask(picture=MASK)
    assert not_started(only("inpaint")) == "model_needs_picture"
    assert not_started(only("inpaint"), start=START) == "model_needs_mask"
    assert not_started(only("text_to_image"), start=START) == "model_takes_no_picture"
    assert not_started(only("text_to_image"), start=START, mask=mask) == "model_takes_no_mask"
    assert started(model=only("inpaint"), start=START, mask=mask).mask == mask


def test_ways_that_do_not_go_together_are_refused() -> None:
    mask, sides = Mask(picture=MASK), Outpaint(left=8)
    assert not_started(mask=mask) == "start_missing"
    assert not_started(base=False, upscale=Upscale()) == "start_missing"
    assert not_started(start=START, mask=mask, outpaint=sides) == "mask_and_outpaint"
    twice = HighResolution()
    assert not_started(start=START, mask=mask, high_resolution=twice) == "high_resolution_with_mask"
    only_larger = {"base": False, "start": START, "upscale": Upscale()}
    assert not_started(**only_larger, high_resolution=twice) == "high_resolution_without_base"
    assert started(**only_larger).stage(HighResolution) is None


def test_a_picture_that_is_not_kept_is_said() -> None:
    with pytest.raises(StudioError) as told:
        resolve(Draft(model="tiny", start=START), SPEC, "job", ANN)
    assert told.value.code == "input_unknown"


# -- stages and details ---------------------------------------------------------------------------


def test_stages_stand_in_their_order() -> None:
    one = started(
        upscale=Upscale(factor=4, upscaler="sharp"), high_resolution=HighResolution(upscaler="sharp")
    )
    assert [stage.kind for stage in one.stages] == ["base", "high_resolution", "upscale"]
    assert one.parts == ("sharp",) and one.stage(Upscale) == Upscale(factor=4, upscaler="sharp")
    assert one.stage(HighResolution) and started().stage(HighResolution) is None


def test_upscalers_that_are_not_there_and_results_that_are_too_large_are_refused() -> None:
    assert not_started(upscale=Upscale(upscaler="nobody")) == "upscaler_not_here"
    assert not_started(upscale=Upscale(upscaler="latent")) == "upscaler_not_here"
    huge = {"high_resolution": HighResolution(factor=4), "upscale": Upscale(factor=8)}
    large = spec(limits=SPEC.limits.model_copy(update={"largest": 1024}))
    assert not_started(large, width=1024, height=64, **huge) == "result_too_large"


def test_a_vae_must_be_there_and_of_the_models_family() -> None:
    assert started(vae="any").vae == "any" and started(vae="any").parts == ("any",)
    assert not_started(vae="nobody") == "vae_not_here"
    assert not_started(vae="other") == "vae_of_another_family"


def test_what_a_family_cannot_do_is_refused_before_anything_runs() -> None:
    sd3 = spec(family="sd3", defaults=SPEC.defaults.model_copy(update={"sampler": "flow_euler"}))
    assert not_started(sd3, clip_skip=2) == "clip_skip_not_here"
    assert not_started(sd3, tiling="both") == "tiling_not_here"
    one = started(clip_skip=2, tiling="across")
    assert (one.clip_skip, one.tiling) == (2, "across")
    assert not_started(clip_skip=99) == "clip_skip_out_of_range"
    draft = Draft(model="tiny", clip_skip=4)
    assert resolve(draft, SPEC, "job", ANN, Around(layers=4))[0].clip_skip == 4
    with pytest.raises(StudioError, match="clip_skip_out_of_range"):
        resolve(draft, SPEC, "job", ANN, Around(layers=3))


def test_a_negative_counts_as_the_model_likes_it_until_somebody_says_otherwise() -> None:
    measuring = spec(defaults=SPEC.defaults.model_copy(update={"negative_counts": "needed"}))
    for said, own, counts in (
        (None, SPEC, "full"),
        (None, measuring, "needed"),
        ("full", measuring, "full"),
    ):
        (one,) = resolve(Draft(model="tiny", negative_counts=said), own, "job", ANN)
        assert one.negative_counts == counts
        assert one.measures_negative == (counts == "needed")
    (blank,) = resolve(Draft(model="tiny", negative="  "), measuring, "job", ANN)
    assert not blank.measures_negative


def test_variations_of_one_picture_differ_by_the_seed_that_is_mixed_in() -> None:
    several = resolved(seed=9, variation=Variation(seed=5, weight=0.25), count=3)
    assert [one.seed for one in several] == [9, 9, 9]
    assert [one.variation.seed for one in several if one.variation] == [5, 6, 7]
    assert {one.variation.weight for one in several if one.variation} == {0.25}
    assert refused(variation=Variation(seed=2**40, weight=0.5)).code == "seed_out_of_range"


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "a cat", "negative": "", "seed": 5},
        {"start": START, "seed": 1},
        {"start": START, "mask": Mask(picture=MASK, area="masked"), "vae": "any", "clip_skip": 2},
        {"negative": "text", "negative_counts": "needed"},
        {"start": START, "outpaint": Outpaint(top=8), "tiling": "down"},
        {"high_resolution": HighResolution(factor=1.5), "upscale": Upscale(upscaler="sharp")},
        {"variation": Variation(seed=4, weight=0.5), "width": 128},
        {"base": False, "start": START, "upscale": Upscale(factor=4)},
    ],
)
def test_a_request_asked_for_again_is_the_same_request(asked: dict[str, Any]) -> None:
    whole = around(64, 64)
    one = started(whole, **asked)
    assert resolve(draft_of(one), SPEC, "job", ANN, whole) == (one,)


def test_a_blend_that_cannot_be_read_is_refused_before_it_waits_in_line() -> None:
    assert refused(prompt='("a cat", "a dog").blend(1)').code.startswith("blend")
    assert resolved(prompt='("a cat", "a dog").blend(1, 2)')
