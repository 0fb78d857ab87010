"""Work that is answered and makes no picture of the gallery: a translation, a map."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio.engine.fake import FakeEngine
from studio.errors import StudioError
from studio.jobs import book
from studio.messages import (
    Answered,
    AnyEvent,
    AnyRequest,
    Bilingual,
    Draft,
    LocalSource,
    Person,
    Saved,
    TranslateRequest,
    TranslatorSpec,
)
from studio.service import Studio
from tests.worlds import fake_studio, told

ANN, BOB = Person(id="ann"), Person(id="bob")


def translator(folder: Path) -> TranslatorSpec:
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    save_file({"weight": np.zeros(4, np.float32)}, folder / "model.safetensors")
    return TranslatorSpec(
        id="zh-en",
        title=Bilingual(en="Chinese to English", zh="中译英"),
        source=LocalSource(path=str(folder)),
        licence="none",
        reads="zh",
        writes="en",
    )


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    studio = fake_studio(tmp_path)
    monkeypatch.setattr(type(studio.library), "translators", {"zh-en": translator(tmp_path / "translator")})
    studio.start()
    yield studio
    studio.close()


def question(id: str, *texts: str, person: Person = ANN) -> TranslateRequest:
    return TranslateRequest(id=f"{id}-1", job=id, person=person.id, translator="zh-en", texts=texts)


def ask(studio: Studio, request: AnyRequest, person: Person = ANN) -> Answered:
    return asyncio.run(studio._answer(request, person))


def test_a_question_is_answered(studio: Studio) -> None:
    answer = ask(studio, question("q", "一只猫", "一条鱼"))
    assert answer.texts == ("一只猫 (zh-en)", "一条鱼 (zh-en)")


def test_an_answered_job_tells_its_answer_and_is_done(studio: Studio) -> None:
    ask(studio, question("q", "一只猫"))
    assert [event.kind for event in told(studio, "q", ANN)][-2:] == ["answered", "done"]


def test_questions_leave_no_record_and_no_picture(studio: Studio, tmp_path: Path) -> None:
    ask(studio, question("q", "一只猫"))
    assert studio.jobs(ANN) == () and studio.pictures(ANN) == ()
    assert not list(tmp_path.rglob("q*.json"))


def test_a_question_comes_before_its_persons_waiting_pictures(studio: Studio) -> None:
    job = studio.submit(Draft(model="tiny", prompt="a cat", seed=1, steps=3, count=3), ANN)
    assert ask(studio, question("q", "一只猫")).texts
    painted = [event for event in _so_far(studio, job) if isinstance(event, Saved)]
    assert len(painted) < 3


def _so_far(studio: Studio, job: str) -> list[AnyEvent]:
    return studio._book._logs[job].since(0)


def test_nobody_else_may_read_an_answer(studio: Studio) -> None:
    ask(studio, question("q", "一只猫"))
    with pytest.raises(StudioError) as refused:
        studio.job("q", BOB)
    assert refused.value.code == "job_unknown"


def test_a_question_that_fails_says_why(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: FakeEngine, request: AnyRequest) -> Iterator[AnyEvent]:
        raise StudioError("memory_short")

    monkeypatch.setattr(FakeEngine, "_answer", broken)
    with pytest.raises(StudioError) as failed:
        ask(studio, question("q", "一只猫"))
    assert failed.value.code == "memory_short"


def test_whoever_stops_waiting_lets_the_question_go(studio: Studio) -> None:
    studio.submit(Draft(model="tiny", prompt="a cat", seed=1, steps=50, count=1), BOB)

    async def give_up() -> None:
        waiting = asyncio.create_task(studio._answer(question("q", "一只猫"), ANN))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(give_up())
    assert told(studio, "q", ANN)[-1].kind in ("cancelled", "done")


def test_answers_are_forgotten_with_the_oldest_logs(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "LOGS_KEPT", 2)
    for number in range(4):
        ask(studio, question(f"q{number}", "一只猫"))
    with pytest.raises(StudioError):
        studio.job("q0", ANN)
    assert studio.job("q3", ANN).state == "done"
