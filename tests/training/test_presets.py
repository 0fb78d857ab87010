"""From a wish to a training with every setting chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio import limits
from studio.errors import StudioError
from studio.messages import Draft, GenerationDefaults, GenerationLimits, Person, Size, TrainingDraft
from studio.prompt import LONGEST_PROMPT
from studio.training import RECIPES, captioned, resolve
from tests import samples
from tests.training.bringing import draft

LARGE = samples.spec(
    defaults=GenerationDefaults(size=Size(width=512, height=512), steps=20, guidance=7, sampler="euler"),
    limits=GenerationLimits(smallest=256, largest=1024, steps=100, guidance=20),
)


@pytest.fixture
def asked(tmp_path: Path) -> TrainingDraft:
    return draft(tmp_path)


@pytest.mark.parametrize("preset", list(RECIPES))
@pytest.mark.parametrize("spec", [samples.spec(), LARGE], ids=["small", "large"])
def test_a_preset_chooses_everything(asked: TrainingDraft, preset: str, spec: object) -> None:
    found = resolve(asked.model_copy(update={"preset": preset}), spec, "job", "ann")  # type: ignore[arg-type]
    assert (found.id, found.job, found.person, found.model, found.preset) == (
        "job-1",
        "job",
        "ann",
        "tiny",
        preset,
    )
    assert found.settings.steps * found.settings.batch >= (1200 if spec is LARGE else 500)
    assert found.settings.mirror == (preset != "person")
    assert 1 <= found.sample_every < found.settings.steps
    assert found.parts == ("tiny",) and not found.light


def test_a_small_model_learns_in_longer_steps(asked: TrainingDraft) -> None:
    small, large = resolve(asked, samples.spec(), "j", "a").settings, resolve(asked, LARGE, "j", "a").settings
    assert (small.resolution, large.resolution) == (72, 512)
    assert small.batch > large.batch and small.learning_rate > large.learning_rate
    assert small.steps * small.batch == 5 / 16 * large.steps * large.batch


@pytest.mark.parametrize(
    ("steps", "every"), [(1, 1), (10, 5), (60, 25), (125, 25), (200, 25), (400, 50), (801, 101)]
)
def test_samples_are_painted_a_few_times_and_not_so_often_that_they_hold_up_what_is_learned(
    asked: TrainingDraft, steps: int, every: int
) -> None:
    wish = asked.model_copy(update={"steps": steps})
    assert resolve(wish, samples.spec(), "j", "a").sample_every == every
    assert resolve(wish.model_copy(update={"sample_every": 9}), samples.spec(), "j", "a").sample_every == 9


def test_what_a_person_sets_is_taken(asked: TrainingDraft) -> None:
    wishes = {"rank": 3, "steps": 7, "learning_rate": 0.01, "resolution": 96, "batch": 5, "seed": 9}
    found = resolve(
        asked.model_copy(update={**wishes, "text_encoder": True}), samples.spec(), "j", "a"
    ).settings
    assert {name: getattr(found, name) for name in wishes} == wishes and found.text_encoder


@pytest.mark.parametrize(
    "wish",
    [
        {"rank": 0},
        {"rank": 257},
        {"steps": 0},
        {"learning_rate": 0.0},
        {"learning_rate": 1.0},
        {"batch": 0},
        {"resolution": 2000},
        {"resolution": 8},
        {"seed": -1},
        {"samples": ("a",) * 5},
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(asked: TrainingDraft, wish: dict[str, object]) -> None:
    with pytest.raises(StudioError) as told:
        resolve(asked.model_copy(update=wish), samples.spec(), "j", "a")
    assert (told.value.code, told.value.params["setting"]) == ("setting_out_of_range", next(iter(wish)))


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        ('("a cat", "a dog").blend(0.5, 0.5), in snow', "blend_not_whole"),
        ('("a cat", "a dog").blend(1)', "blend_weights"),
        ("a" * (LONGEST_PROMPT + 1), "prompt_too_long"),
    ],
)
def test_a_sample_that_nobody_could_paint_is_refused_before_anything_is_learned(
    asked: TrainingDraft, sample: str, code: str
) -> None:
    with pytest.raises(StudioError) as told:
        resolve(asked.model_copy(update={"samples": ("zub", sample)}), samples.spec(), "j", "a")
    with pytest.raises(StudioError) as painted:
        limits.resolve(Draft(model="tiny", prompt=sample), samples.spec(), "j", Person(id="a"))
    assert told.value.code == code and told.value.trouble == painted.value.trouble


@pytest.mark.parametrize("trigger", ["a, b", "(a)", "a<b", "x" * 101, "a:b", "a|b"])
def test_a_trigger_that_a_prompt_would_read_otherwise_is_refused(asked: TrainingDraft, trigger: str) -> None:
    with pytest.raises(StudioError, match="training_trigger"):
        resolve(asked.model_copy(update={"trigger": trigger}), samples.spec(), "j", "a")


def test_a_lora_is_named_after_its_trigger_and_fit_for_every_system(asked: TrainingDraft) -> None:
    def name(**changes: str) -> str:
        return resolve(asked.model_copy(update=changes), samples.spec(), "j", "a").name

    assert name(trigger="  zub  cat ") == "zub cat"
    assert name(name='my: "best" LoRA/2.') == "my best LoRA 2"
    assert name(name="画风") == "画风"
    assert name(name="../../etc/passwd") == "etc passwd"
    assert name(name="水墨画风" * 25) == ("水墨画风" * 25)[:66]
    with pytest.raises(StudioError, match="training_nameless"):
        name(trigger="", name="///")


def test_too_few_pictures_are_refused(asked: TrainingDraft) -> None:
    with pytest.raises(StudioError, match="training_count"):
        resolve(asked.model_copy(update={"pictures": asked.pictures[:2]}), samples.spec(), "j", "a")


def test_a_family_without_loras_and_a_model_that_only_fills_in_are_refused(asked: TrainingDraft) -> None:
    with pytest.raises(StudioError, match="lora_family_without"):
        resolve(asked, samples.spec(family="sd3"), "j", "a")
    with pytest.raises(StudioError, match="model_needs_picture"):
        resolve(asked, samples.spec(capabilities=("inpaint",)), "j", "a")


@pytest.mark.parametrize(
    ("trigger", "caption", "said"),
    [
        ("zub", "a cat", "zub, a cat"),
        ("zub", "", "zub"),
        ("", "a cat", "a cat"),
        ("zub", "a Zub cat", "a Zub cat"),
        ("zub", "a zubby cat", "zub, a zubby cat"),
        ("画风", "一只猫", "画风, 一只猫"),
    ],
)
def test_a_trigger_stands_before_every_caption_that_lacks_it(trigger: str, caption: str, said: str) -> None:
    assert captioned(trigger, caption) == said
