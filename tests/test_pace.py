"""How long painting takes, learned from what was painted."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.messages import Base, CaptionRequest, Draft, HighResolution, Person, Start, Upscale
from studio.pace import Pace
from tests.samples import request, unit
from tests.worlds import fake_studio, paint

USUAL = request(steps=10, width=64, height=64)


def taught(folder: Path, *took: float) -> Pace:
    pace = Pace(folder)
    pace.start()
    for seconds in took:
        pace.learn(USUAL, seconds)
    return pace


def test_nothing_is_promised_before_anything_was_painted(tmp_path: Path) -> None:
    assert taught(tmp_path).seconds(USUAL) is None


def test_one_picture_tells_about_the_next(tmp_path: Path) -> None:
    assert taught(tmp_path, 2.0).seconds(USUAL) == pytest.approx(2.0)


def test_twice_the_steps_or_four_times_the_pixels_take_as_much_longer(tmp_path: Path) -> None:
    pace = taught(tmp_path, 2.0)
    assert pace.seconds(request(steps=20, width=64, height=64)) == pytest.approx(4.0)
    assert pace.seconds(request(steps=10, width=128, height=128)) == pytest.approx(8.0)


def test_references_take_longer_and_do_not_slow_the_promise_for_pictures_without(tmp_path: Path) -> None:
    pace = taught(tmp_path, 2.0)
    led = USUAL.model_copy(update={"controls": (unit(), unit(kind="depth"), unit(muted=True))})
    style = USUAL.model_copy(update={"controls": (unit(kind="style"),)})
    assert pace.seconds(led) == pytest.approx(2.0 * 1.8) and pace.seconds(style) == pytest.approx(2.0)
    pace.learn(led, 3.6)
    assert pace.seconds(USUAL) == pytest.approx(2.0)


def test_a_measured_negative_takes_half_as_long_again_where_it_is_painted_against(tmp_path: Path) -> None:
    pace = taught(tmp_path, 2.0)
    measured = USUAL.model_copy(update={"negative": "text", "negative_counts": "needed", "guidance": 4.0})
    assert pace.seconds(measured) == pytest.approx(3.0)
    for idle in ({"negative": ""}, {"guidance": 1.0}, {"negative_counts": "full"}):
        assert pace.seconds(measured.model_copy(update=idle)) == pytest.approx(2.0)


def test_a_model_says_nothing_about_another(tmp_path: Path) -> None:
    assert taught(tmp_path, 2.0).seconds(request(model="other")) is None


def test_the_newest_counts_most_but_one_slow_picture_is_not_believed_at_once(tmp_path: Path) -> None:
    after = taught(tmp_path, 2.0, 2.0, 2.0, 12.0).seconds(USUAL)
    assert after is not None and 2.0 < after < 7.0
    settled = taught(tmp_path, *[12.0] * 12).seconds(USUAL)
    assert settled == pytest.approx(12.0, rel=0.01)


def test_what_was_learned_is_remembered_over_a_restart(tmp_path: Path) -> None:
    taught(tmp_path, 2.0)
    assert taught(tmp_path).seconds(USUAL) == pytest.approx(2.0)


@pytest.mark.parametrize("text", ["", '{"tiny": 0.1', "[]", '{"tiny": null}', '{"tiny": "quick"}', "\x00"])
def test_a_damaged_memory_does_not_stop_the_start_and_is_learned_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "pace.json").write_text(text, encoding="utf-8")
    pace = taught(tmp_path)
    assert pace.seconds(USUAL) is None
    pace.learn(USUAL, 3.0)
    assert taught(tmp_path).seconds(USUAL) == pytest.approx(3.0)


def test_only_the_memory_itself_is_left_on_disk(tmp_path: Path) -> None:
    taught(tmp_path, 2.0, 3.0)
    assert [path.name for path in tmp_path.iterdir()] == ["pace.json"]


def test_a_picture_started_from_another_takes_the_steps_that_are_left(tmp_path: Path) -> None:
    half = Start(picture="a" * 64, strength=0.5)
    assert taught(tmp_path, 2.0).seconds(USUAL.model_copy(update={"start": half})) == pytest.approx(1.0)


def test_a_second_pass_takes_its_own_steps_at_its_own_size(tmp_path: Path) -> None:
    twice = (Base(), HighResolution(factor=2, strength=0.5))
    assert taught(tmp_path, 2.0).seconds(USUAL.model_copy(update={"stages": twice})) == pytest.approx(6.0)


def test_enlarging_alone_has_a_pace_of_its_own(tmp_path: Path) -> None:
    pace = taught(tmp_path, 2.0)
    only = USUAL.model_copy(update={"stages": (Upscale(factor=2),)})
    assert pace.seconds(only) is None
    pace.learn(only, 1.0)
    larger = USUAL.model_copy(update={"stages": (Upscale(factor=4),)})
    assert pace.seconds(larger) == pytest.approx(4.0) and pace.seconds(USUAL) == pytest.approx(2.0)
    learned = USUAL.model_copy(update={"stages": (Upscale(factor=2, upscaler="sharp"),)})
    assert pace.seconds(learned) is None


def test_a_start_that_stays_as_it_is_says_nothing_about_painting(tmp_path: Path) -> None:
    pace = taught(tmp_path, 2.0)
    still = USUAL.model_copy(update={"start": Start(picture="a" * 64, strength=0)})
    pace.learn(still, 0.01)
    assert pace.seconds(USUAL) == pytest.approx(2.0)
    assert pace.seconds(still) == 0


def test_a_draft_takes_as_long_as_all_its_pictures(tmp_path: Path) -> None:
    studio, ann = fake_studio(tmp_path), Person(id="ann")
    draft = Draft(model="tiny", prompt="a {red|blue} cat", count=3)
    studio.start()
    try:
        assert studio.estimate(draft, ann) is None, "nothing was painted yet"
        paint(studio, draft, ann)
        one = studio.estimate(draft.model_copy(update={"count": 1}), ann)
        assert one and studio.estimate(draft, ann) == pytest.approx(3 * one)
        assert studio.estimate(draft.model_copy(update={"count": 0}), ann) is None, "not possible"
    finally:
        studio.close()


def test_captions_are_told_by_their_pictures(tmp_path: Path) -> None:
    def looks(count: int) -> CaptionRequest:
        return CaptionRequest(id="c", job="c", person="ann", captioner="blip", pictures=("0" * 64,) * count)

    pace = Pace(tmp_path)
    pace.learn(looks(4), 8.0)
    assert pace.seconds(looks(1)) == pytest.approx(2.0)
