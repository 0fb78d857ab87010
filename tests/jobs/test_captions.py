"""Captions that are written for pictures, through the studio's door, on the fake engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.engine.fake import FakeEngine
from studio.errors import StudioError
from studio.jobs import captions
from studio.messages import Answered, AnyEvent, AnyRequest, CaptionerSpec, Draft, Person, Step
from studio.service import Studio
from tests.captioner_entries import entries
from tests.training.bringing import png
from tests.worlds import PATIENCE, fake_studio, told, wait_for

ANN, EVE = Person(id="ann", role="admin"), Person(id="eve", role="guest")


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    studio = fake_studio(tmp_path)
    found = [CaptionerSpec.model_validate(one) for one in entries(tmp_path / "near")]
    monkeypatch.setattr(type(studio.library), "captioners", {one.id: one for one in found})
    studio.start()
    yield studio
    studio.close()


def pictures(studio: Studio, count: int) -> tuple[str, ...]:
    return tuple(studio.keep_input(png(number), ANN).picture for number in range(count))


def refused(studio: Studio, captioner: str, wanted: tuple[str, ...], person: Person = ANN) -> str:
    with pytest.raises(StudioError) as error:
        studio.write_captions(captioner, wanted, person)
    return error.value.code


def test_every_picture_gets_its_own_caption_once(studio: Studio) -> None:
    wanted = pictures(studio, captions.SHARE + 2)
    job = studio.write_captions("near", (*wanted, wanted[0]), ANN)
    events = told(studio, job, ANN)
    assert [len(event.texts) for event in events if isinstance(event, Answered)] == [captions.SHARE, 2]
    news = studio.caption_news(job, ANN)
    assert (news.state, news.pictures, news.trouble) == ("done", len(wanted), None)
    assert news.captions == {one: f"picture {one[:6]} as near sees it" for one in wanted}


def test_those_that_are_here_are_offered_first_with_what_the_others_weigh(studio: Studio) -> None:
    found = [(one.spec.id, one.place, one.bytes) for one in studio.captioners(ANN)]
    assert found == [("near", "disk", 0), ("far", "hub", 470_000_000)]


def test_what_cannot_be_is_refused_before_anything_waits(studio: Studio) -> None:
    (one,) = pictures(studio, 1)
    assert refused(studio, "none", (one,)) == "entry_unknown"
    assert refused(studio, "near", ()) == "training_without_pictures"
    assert refused(studio, "near", tuple(f"{number:064x}" for number in range(201))) == "training_count"
    assert refused(studio, "near", ("0" * 64,)) == "input_unknown"
    assert refused(studio, "near", (one,), EVE) == "admin_only"


def test_without_a_network_it_says_what_is_missing_and_how_to_get_it(studio: Studio) -> None:
    job = studio.write_captions("far", pictures(studio, 1), ANN)
    told(studio, job, ANN)
    news = studio.caption_news(job, ANN)
    assert news.state == "failed" and news.trouble
    # A model that paints is here, and no help.
    assert (news.trouble.code, news.trouble.params["missing"]) == ("offline_alone", "a/far")


def test_others_have_their_turn_in_between_and_what_is_written_stays_when_it_is_stopped(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, came = FakeEngine._answer, threading.Event()
    painted: list[str] = []

    def then_one_paints(self: FakeEngine, request: AnyRequest) -> Iterator[AnyEvent]:
        yield from answer(self, request)  # type: ignore[arg-type]
        painted.append(studio.submit(Draft(model="tiny", prompt="a cat", seed=1, steps=40, count=8), EVE))
        came.set()

    monkeypatch.setattr(FakeEngine, "_answer", then_one_paints)
    wanted = pictures(studio, 2 * captions.SHARE)
    job = studio.write_captions("near", wanted, ANN)
    assert came.wait(PATIENCE)
    wait_for(studio, painted[0], EVE, Step)
    news = studio.caption_news(job, ANN)
    assert (news.state, tuple(news.captions)) == ("running", wanted[: captions.SHARE])
    studio.cancel(job, ANN)
    told(studio, job, ANN)
    news = studio.caption_news(job, ANN)
    assert (news.state, tuple(news.captions)) == ("cancelled", wanted[: captions.SHARE])


def test_one_that_is_looked_at_does_not_say_that_it_waits(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, begun, go = FakeEngine._answer, threading.Event(), threading.Event()

    def held(self: FakeEngine, request: AnyRequest) -> Iterator[AnyEvent]:
        begun.set()
        assert go.wait(PATIENCE)
        yield from answer(self, request)  # type: ignore[arg-type]

    told(studio, studio.write_captions("near", pictures(studio, 1), ANN), ANN)  # it is here from now on
    monkeypatch.setattr(FakeEngine, "_answer", held)
    first, second = (studio.write_captions("near", pictures(studio, 1), ANN) for _ in range(2))
    assert begun.wait(PATIENCE)
    waiting, looking = studio.caption_news(second, ANN), studio.caption_news(first, ANN)
    assert (waiting.state, waiting.place) == ("queued", 1)
    go.set()
    assert (looking.state, looking.place) == ("running", 0)
    told(studio, second, ANN)


def test_captions_leave_no_record_and_are_their_persons_own(studio: Studio, tmp_path: Path) -> None:
    job = studio.write_captions("near", pictures(studio, 1), ANN)
    told(studio, job, ANN)
    assert studio.jobs(ANN) == () and studio.trainings(ANN) == ()
    assert not list(tmp_path.rglob(f"{job}*"))
    with pytest.raises(StudioError, match="job_unknown"):
        studio.caption_news(job, EVE)


def test_a_job_that_paints_has_no_captions(studio: Studio) -> None:
    job = studio.submit(Draft(model="tiny", prompt="a cat", seed=1, steps=1, count=1), ANN)
    with pytest.raises(StudioError, match="job_unknown"):
        studio.caption_news(job, ANN)
