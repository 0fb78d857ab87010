"""A prompt in a language that a model does not read: by the book, by a translator where it is here, and named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.catalog import read_catalog
from studio.engine import Engine
from studio.engine.fake import FakeEngine
from studio.errors import StudioError
from studio.messages import Answered, AnyEvent, Draft, Person, Saved, TranslateRequest
from studio.service import Studio
from studio.settings import Settings
from tests.hub import serving
from tests.tiny import catalog_text
from tests.worlds import PATIENCE, fake_checkpoint, paint

ANN, GUEST = Person(id="ann", role="admin"), Person(id="bob")
SPEAKS = {"一只橘猫追着佐布": "A ginger cat chases Zobo.", "佐布": "佐布", "3只佐布": "Three Zobos"}


def studio_with(folder: Path, translator: str, engine: Engine | None = None, **settings: object) -> Studio:
    """A studio whose model `tiny` reads English and `both` reads both languages, and a translator."""
    checkpoint = fake_checkpoint(folder / "checkpoint")
    text = catalog_text(("tiny", checkpoint), ("both", checkpoint), ("chinese", checkpoint))
    text = text.replace("id: both\n", "id: both\n    languages: [en, zh]\n")
    text = text.replace("id: chinese\n", "id: chinese\n    languages: [zh]\n")
    path = folder / "models.yaml"
    path.write_text(text + translator, encoding="utf-8")
    catalog = read_catalog(path)
    assert not catalog.problems
    return Studio(
        Settings(data=folder / "data", **settings), catalog, engine or FakeEngine(step_seconds=0.01)
    )


def entry(source: str) -> str:
    return f"""translators:
  - id: zh-en
    title: {{en: Chinese to English, zh: 中译英}}
    source: {source}
    licence: test
    reads: zh
    writes: en
    bytes: 315000000
"""


def here(folder: Path) -> str:
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    return entry(f"{{kind: local, path: {folder}}}")


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    def speaks(self: FakeEngine, request: TranslateRequest) -> Iterator[AnyEvent]:
        asked.append(request.texts)
        yield said(request)

    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(FakeEngine, "_answer", speaks)
    studio = studio_with(tmp_path, here(tmp_path / "translator"))
    studio.asked = asked  # type: ignore[attr-defined]
    studio.start()
    yield studio
    studio.close()


def translated(studio: Studio, text: str, model: str = "tiny") -> tuple[str, tuple[str, ...]]:
    found = asyncio.run(asyncio.wait_for(studio.translated(model, text, ANN), PATIENCE))
    assert "".join(one.text for one in found.stretches) == found.text
    return found.text, found.unknown


def test_what_the_book_knows_asks_no_translator(studio: Studio) -> None:
    assert translated(studio, "一只橘猫，(月光:1.2)") == ("a ginger cat, (moonlight:1.2)", ())
    assert studio.asked == []  # type: ignore[attr-defined]


def test_the_rest_is_asked_of_the_translator_clause_by_clause(studio: Studio) -> None:
    text = "水墨画，一只橘猫追着佐布，({佐布|月光}:1.2) <lora:佐布:0.8> BREAK 3只佐布"
    said = "ink wash painting, a ginger cat chases Zobo, ({佐布|moonlight}:1.2) <lora:佐布:0.8> BREAK Three Zobos"
    assert translated(studio, text) == (
        said,
        ("佐布",),
    )  # it had no answer for that, so it stands and is named
    assert studio.asked == [("一只橘猫追着佐布", "佐布", "3只佐布")]  # type: ignore[attr-defined]


def test_each_stretch_tells_who_translated_it(studio: Studio) -> None:
    found = asyncio.run(studio.translated("tiny", "月光，一只橘猫追着佐布，佐布", ANN))
    assert [(one.text, one.by) for one in found.stretches if one.by != "person"] == [
        ("moonlight", "book"), ("a ginger cat chases Zobo", "translator"), ("佐布", "nobody"),
    ]  # fmt: skip


def test_nothing_is_asked_twice(studio: Studio) -> None:
    for _ in range(2):
        translated(studio, "一只橘猫追着佐布，佐布")
    assert len(studio.asked) == 1  # type: ignore[attr-defined]
    assert studio.translate("tiny", "一只橘猫追着佐布，猫", ANN).text == "a ginger cat chases Zobo, cat"


def test_a_model_that_reads_both_languages_gets_what_was_written(studio: Studio) -> None:
    assert translated(studio, "一只佐布，月光", "both") == ("一只佐布，月光", ())
    assert studio.unread("both", "一只佐布 cat", ANN) == ()
    assert studio.translator("both", ANN) is None


def test_a_model_that_reads_chinese_alone_gets_chinese(studio: Studio) -> None:
    assert translated(studio, "an oil painting, zorblax", "chinese") == ("油画, zorblax", ("zorblax",))
    assert studio.translator("chinese", ANN) is None  # the catalog has none for that way
    assert studio.unread("chinese", "zorblax，猫", ANN) == ("zorblax",)


def test_a_translator_that_cannot_work_says_why(tmp_path: Path) -> None:
    studio = studio_with(tmp_path, entry(f"{{kind: local, path: {tmp_path / 'gone'}}}"))
    studio.start()
    try:
        with pytest.raises(StudioError):
            translated(studio, "佐布")
    finally:
        studio.close()


# -- a translator that is not here -----------------------------------------------------------------


def test_one_that_is_not_here_is_offered_and_the_rest_named(tmp_path: Path) -> None:
    studio = studio_with(tmp_path, entry("{kind: hub, repo: a/mt}"))
    studio.start()
    try:
        assert translated(studio, "一只橘猫追着佐布，月光") == (
            "a ginger cat 追着佐布, moonlight",
            ("追着佐布",),
        )
        offer = studio.translator("tiny", ANN)
        assert offer and (offer.place, offer.bytes, offer.fetching) == ("hub", 315000000, None)
        with pytest.raises(StudioError, match="admin_only"):
            studio.fetch_translator("zh-en", GUEST)
        with pytest.raises(StudioError, match="entry_unknown"):
            studio.fetch_translator("en-fr", ANN)
    finally:
        studio.close()


def test_one_is_fetched_in_the_background_and_then_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(FakeEngine, "_answer", lambda self, request: iter([said(request)]))
    here(tmp_path / "files")
    with serving() as hub:
        hub.repos["a/mt"] = {file.name: file.read_bytes() for file in (tmp_path / "files").iterdir()}
        studio = studio_with(tmp_path, entry("{kind: hub, repo: a/mt}"), hub=hub.url)
        studio.start()
        try:
            studio.fetch_translator("zh-en", ANN)
            asyncio.run(asyncio.wait_for(_until_here(studio), PATIENCE))
            found = translated(studio, "3只佐布，月光")
        finally:
            studio.close()
    assert found == ("Three Zobos, moonlight", ())


def said(request: TranslateRequest) -> Answered:
    return Answered(request=request.id, texts=tuple(SPEAKS[text] for text in request.texts))


async def _until_here(studio: Studio) -> None:
    while (now := studio.translator("tiny", ANN)) and now.place != "disk":
        assert now.trouble is None
        await asyncio.sleep(0.02)


# -- painting --------------------------------------------------------------------------------------


def test_what_is_painted_is_the_translation_and_the_recipe_keeps_both(studio: Studio) -> None:
    draft = Draft(
        model="tiny", prompt="一只橘猫", translated="a {ginger|ginger} cat", negative="模糊",
        translated_negative="blurry", seed=1, steps=1,
    )  # fmt: skip
    saved = [event for event in paint(studio, draft, ANN) if isinstance(event, Saved)]
    request = saved[0].picture.recipe.request
    assert (request.prompt, request.negative) == ("a ginger cat", "blurry")
    assert request.as_written == ("一只橘猫", "模糊")
    again = studio.redraft(saved[0].picture.id, ANN)
    assert (again.prompt, again.negative) == ("一只橘猫", "模糊")
    assert (again.translated, again.translated_negative) == ("a {ginger|ginger} cat", "blurry")
    repeated = [event for event in paint(studio, again, ANN) if isinstance(event, Saved)]
    assert repeated[0].picture.recipe.request.prompt == request.prompt


def test_without_a_translation_everything_is_as_it_was(studio: Studio) -> None:
    saved = [
        event for event in paint(studio, Draft(model="tiny", prompt="a cat", seed=1, steps=1), ANN)
        if isinstance(event, Saved)
    ]  # fmt: skip
    request = saved[0].picture.recipe.request
    assert (request.prompt, request.written, request.translated) == ("a cat", "", "")
