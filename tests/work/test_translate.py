"""Texts on their way through a translator, on a registry of its own and through a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.catalog import Catalog, read_catalog
from studio.engine.local import ThreadHost
from studio.messages import Answered, AnyEvent, Cancelled, Loading, Person, TranslateRequest
from studio.service import Studio
from studio.settings import Settings
from studio.work import Bench
from studio.work import translate as work
from tests.tiny_marian import CHINESE, tiny_marian, translator_spec
from tests.work.asking import Asked
from tests.worlds import PATIENCE, local_engine

ANN = Person(id="ann")


def question(*texts: str, id: str = "q") -> TranslateRequest:
    return TranslateRequest(id=f"{id}-1", job=id, person="ann", translator="zh-en", texts=texts)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    spec = translator_spec(tiny_marian(tmp_path / "marian"))
    return Asked(work.translate, spec, tmp_path / "data")


def test_answers_come_in_the_order_of_the_texts_each_for_itself(asked: Asked) -> None:
    texts = (*CHINESE, *CHINESE[:2], "佐布，森林")
    found = asked.said(question(*texts))
    assert len(found) == len(texts) and found[:2] == found[len(CHINESE) : len(CHINESE) + 2]
    assert len(set(found)) > len(CHINESE) / 2
    assert found == asked.said(question(*texts))


def test_the_translator_is_brought_when_it_is_first_wanted(asked: Asked) -> None:
    assert [event.kind for event in asked(question("一只猫"))] == ["loading", "answered"]
    assert [event.kind for event in asked(question("一只猫"))] == ["answered"]


def test_one_that_is_unwanted_is_let_go_and_the_next_is_answered(asked: Asked) -> None:
    asked.unwanted = {"a-1"}
    told = asked(question("一只猫", id="a"), question("一只猫", id="b"))
    ends = [(event.kind, event.request) for event in told if isinstance(event, Cancelled | Answered)]
    assert ends == [("cancelled", "a-1"), ("answered", "b-1")]


def test_one_is_let_go_of_between_its_texts(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    before, gone = work.translations, []

    def then_unwanted(*given: object) -> object:
        gone.append(1)
        found = list(before(*given))  # type: ignore[arg-type]
        asked.unwanted.add("q-1")
        return iter(found)

    monkeypatch.setattr(work, "translations", then_unwanted)
    texts = [f"佐布{number}" for number in range(3 * work.TOGETHER)]
    assert isinstance(asked(question(*texts))[-1], Cancelled)
    assert len(gone) == 1


def test_one_is_let_go_of_in_the_middle_of_a_text(asked: Asked) -> None:
    looks: list[str] = []

    def unwanted(id: str) -> bool:
        looks.append(id)
        return len(looks) > 3

    told: list[AnyEvent] = []
    for _ in work.translate(
        (question("月光下的森林"),), asked.specs, Bench(asked.registry, told.append, unwanted)
    ):
        pass
    assert isinstance(told[-1], Cancelled)
    assert len(looks) < 8  # it did not go on to the end of the text


def test_a_prefix_stands_before_every_text(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    before = work.translations

    def overheard(parts: dict[str, Any], texts: list[str], *more: Any) -> Iterator[str]:
        seen.extend(texts)
        return before(parts, texts, *more)

    monkeypatch.setattr(work, "translations", overheard)
    asked.specs = {"zh-en": asked.specs["zh-en"].model_copy(update={"prefix": ">>cmn_Hans<<"})}
    assert all(asked.said(question("一只猫")))
    assert seen == [">>cmn_Hans<< 一只猫"]


# -- through a worker ------------------------------------------------------------------------------


def catalog(folder: Path, translator: Path) -> Catalog:
    """A catalog with a translator and no model that paints."""
    text = f"""models: []
translators:
  - id: zh-en
    title: {{en: Chinese to English, zh: 中译英}}
    source: {{kind: local, path: {translator}}}
    licence: test
    reads: zh
    writes: en
"""
    path = folder / "models.yaml"
    path.write_text(text, encoding="utf-8")
    found = read_catalog(path)
    assert not found.problems
    return found


def test_a_worker_answers_and_counts_the_translator_among_its_models(tmp_path: Path) -> None:
    found = catalog(tmp_path, tiny_marian(tmp_path / "marian"))
    studio = Studio(Settings(data=tmp_path), found, local_engine(tmp_path, ThreadHost))
    studio.start()
    try:
        answer = asyncio.run(asyncio.wait_for(studio._answer(question("一只猫", "佐布"), ANN), PATIENCE))
        held = [one.model for device in studio.devices(ANN) for one in device.held]
    finally:
        studio.close()
    assert len(answer.texts) == 2 and all(answer.texts)
    assert held == ["zh-en"]


def test_the_loading_of_a_translator_is_told(asked: Asked) -> None:
    assert Loading(request="q-1", model="zh-en") in asked(question("一只猫"))
