"""A person's own book: kept whole, read strictly, given and taken as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from studio.errors import StudioError, say_trouble
from studio.limits import style_remarks
from studio.messages import LANGUAGES, Draft, Person
from studio.prompt import apply_styles
from studio.service import Studio
from studio.spellbook import OwnItem, OwnScene, OwnSpell, OwnStyle, Said, Shelf, checked
from studio.spellbook import personal as limits
from studio.spellbook.importing import LARGEST
from studio.spellbook.shelf import BROKEN, as_yaml
from tests.ui.house import studio_at

CAT = OwnSpell(
    name="our ginger cat", prompt=Said(en="ginger cat, round eyes, (sitting:1.1)", zh="橘猫，圆眼睛")
)
DOODLE = OwnStyle(name="课堂涂鸦", prompt=Said(zh="{prompt}，蜡笔涂鸦"), negative=Said(en="photo"))
BOOTH = OwnScene(name="Booth", prompt=Said(en="a robot waving"), aspect="16:9", style="oil", seed=7)


def kept(shelf: Shelf, *items: OwnItem, person: str = "ann") -> list[OwnItem]:
    return [shelf.keep(person, item) for item in items]


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    items = kept(Shelf(tmp_path), CAT, DOODLE, BOOTH)
    again = Shelf(tmp_path).book("ann")
    assert list(again.items) == items
    assert len({item.id for item in items}) == 3
    assert again.find(items[1].id) == DOODLE.model_copy(update={"id": items[1].id})
    assert Shelf(tmp_path).problems("ann") == ()


def test_the_file_can_be_read_and_is_alone_in_its_folder(tmp_path: Path) -> None:
    kept(Shelf(tmp_path), CAT)
    (path,) = (tmp_path / "people" / "ann").iterdir()
    text = path.read_text("utf-8")
    assert "zh: 橘猫，圆眼睛" in text
    assert yaml.safe_load(text)["spells"][0]["name"] == "our ginger cat"


def test_people_do_not_see_each_others(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    (cat,) = kept(shelf, CAT)
    assert shelf.book("ben").items == ()
    with pytest.raises(StudioError, match="own_spell_gone"):
        shelf.delete("ben", cat.id)
    assert not (tmp_path / "people" / "ben").exists()


def test_a_thing_is_changed_in_its_place(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    first, second = kept(shelf, CAT, CAT.model_copy(update={"name": "other"}))
    shelf.keep("ann", first.model_copy(update={"name": "Tuan"}))
    assert [spell.name for spell in shelf.book("ann").spells] == ["Tuan", "other"]
    with pytest.raises(StudioError, match="own_spell_gone"):
        shelf.keep("ann", DOODLE.model_copy(update={"id": second.id}))
    with pytest.raises(StudioError, match="own_spell_gone"):
        shelf.keep("ann", CAT.model_copy(update={"id": "own-gone"}))


def test_what_is_deleted_is_no_favourite_any_more(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    (cat,) = kept(shelf, CAT)
    for key in (cat.id, "soft light", cat.id):
        shelf.favourite("ann", key, True)
    shelf.used("ann", [cat.id, "soft light"])
    assert shelf.book("ann").favourites == ("soft light", cat.id)
    shelf.delete("ann", cat.id)
    assert (shelf.book("ann").favourites, shelf.book("ann").recent) == (("soft light",), ("soft light",))
    shelf.favourite("ann", "soft light", False)
    assert Shelf(tmp_path).book("ann").favourites == ()


def test_what_was_used_last_comes_first_and_not_without_end(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for number in range(limits.MOST_RECENT + 5):
        shelf.used("ann", [f"spell {number}"])
    shelf.used("ann", ["spell 20"])
    recent = Shelf(tmp_path).book("ann").recent
    assert recent[:2] == ("spell 20", f"spell {limits.MOST_RECENT + 4}")
    assert len(recent) == len(set(recent)) == limits.MOST_RECENT


def test_a_disk_that_takes_nothing_is_told_and_what_is_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    shelf = Shelf(tmp_path)
    kept(shelf, CAT)
    monkeypatch.setattr("studio.spellbook.shelf.os.fsync", full)
    with pytest.raises(StudioError, match="disk_unwritable"):
        kept(shelf, DOODLE)
    assert Shelf(tmp_path).book("ann") == shelf.book("ann") and len(shelf.book("ann").items) == 1
    assert len(list((tmp_path / "people" / "ann").iterdir())) == 1


@pytest.mark.parametrize("person", ["", "..", "a/b", "../ann", ".hidden", "a" * 65, "ann\n"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, person: str) -> None:
    with pytest.raises(ValueError, match="no person"):
        Shelf(tmp_path).keep(person, CAT)


def test_there_is_an_end_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.spellbook.shelf.MOST", 2)
    shelf = Shelf(tmp_path)
    kept(shelf, CAT, CAT, DOODLE)
    with pytest.raises(StudioError, match="own_full"):
        shelf.keep("ann", CAT)
    assert len(shelf.book("ann").items) == 3


def test_a_book_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.spellbook.shelf.LARGEST_BOOK", 300)
    shelf = Shelf(tmp_path)
    kept(shelf, CAT)
    with pytest.raises(StudioError, match="own_book_full"):
        kept(shelf, *[CAT] * 5)
    assert Shelf(tmp_path).book("ann") == shelf.book("ann")


# -- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        (OwnSpell, {"name": "x", "prompt": {}}, "own_empty"),
        (OwnSpell, {"name": "  ", "prompt": {"en": "a"}}, "own_nameless"),
        (OwnSpell, {"name": "", "prompt": {"en": "a"}}, "own_nameless"),
        (OwnSpell, {"name": "x" * 61, "prompt": {"en": "a"}}, "own_too_long"),
        (OwnSpell, {"name": "x", "prompt": {"en": "a" * 4001}}, "own_too_long"),
        (OwnSpell, {"name": "x", "prompt": {"en": "a"}, "colour": "red"}, "own_wrong"),
        (OwnSpell, {"id": "../x", "name": "x", "prompt": {"en": "a"}}, "own_wrong"),
        (OwnStyle, {"name": "x", "prompt": {"en": "oil"}}, "style_without_slot"),
        (OwnStyle, {"name": "x", "prompt": {"en": "{prompt}", "zh": "油画"}}, "style_without_slot"),
        (OwnStyle, {"name": "x", "prompt": {"en": "{{prompt}|oil}"}}, "style_slot_in_braces"),
        (OwnScene, {"name": "x", "prompt": {"en": "a"}, "aspect": "2:1"}, "own_wrong"),
    ],
)
def test_what_cannot_be_kept_is_said(kind: Any, data: dict[str, Any], code: str) -> None:
    with pytest.raises(StudioError) as told:
        checked(kind, data)
    assert told.value.code == code
    for language in LANGUAGES:
        assert say_trouble(language, told.value.trouble)


def test_a_style_may_hold_alternatives_beside_its_place() -> None:
    style = checked(OwnStyle, {"name": "x", "prompt": {"en": r"\{ {red|blue} {prompt} {a|b}"}})
    assert apply_styles("a cat", "", [style], "en").prompt == r"\{ {red|blue} a cat {a|b}"


def test_a_file_with_mistakes_keeps_what_is_right_and_loses_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    kept(shelf, CAT, DOODLE)
    path = tmp_path / "people" / "ann" / "book.yaml"
    broken = path.read_text("utf-8").replace("{prompt}", "{prmpt}") + "colour: red\n"
    path.write_text(broken, "utf-8")
    again = Shelf(tmp_path)
    assert [item.name for item in again.book("ann").items] == [CAT.name]
    assert [problem.key for problem in again.problems("ann")] == ["styles.0.prompt", "colour"]
    kept(again, DOODLE)
    assert (path.parent / BROKEN).read_text("utf-8") == broken
    assert len(Shelf(tmp_path).book("ann").items) == 2
    assert again.problems("ann") == ()


@pytest.mark.parametrize("text", ["[", "- a\n", "", "format: many\n", "favourites: {a: b}\n"])
def test_any_file_can_be_started_from(tmp_path: Path, text: str) -> None:
    path = tmp_path / "people" / "ann" / "book.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    shelf = Shelf(tmp_path)
    assert shelf.book("ann").items == ()
    kept(shelf, CAT)
    assert len(Shelf(tmp_path).book("ann").items) == 1


# -- given and taken ------------------------------------------------------------------------------


def test_a_book_is_given_to_another(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    kept(shelf, CAT, DOODLE, BOOTH)
    shelf.favourite("ann", "soft light", True)
    data = shelf.exported("ann").encode()
    told = shelf.imported("ben", data)
    assert (told.added, told.known, told.troubles) == (3, 0, ())
    without = [item.model_copy(update={"id": ""}) for item in shelf.book("ben").items]
    assert without == [CAT, DOODLE, BOOTH]
    assert shelf.book("ben").favourites == ()
    again = shelf.imported("ben", data)
    assert (again.added, again.known) == (0, 3)
    assert len(shelf.book("ben").items) == 3


CSV = (
    "name,prompt,negative_prompt\n"
    "None,,\n"
    "------- Painting -------,,\n"
    'Oil,"oil painting of {prompt}, impasto","photo, ""3d"""\n'
    "Crisp,sharp focus,\n"
    'Lines,"first line\nsecond line, {prompt}",blurry\n'
    "国画,水墨画，{prompt},照片\n"
    'Twice,"{prompt} and {prompt}",\n'
    "Only not,,ugly\n"
)


def csv_styles(tmp_path: Path, data: bytes) -> dict[str, OwnStyle]:
    shelf = Shelf(tmp_path)
    shelf.imported("ann", data)
    return {style.name: style for style in shelf.book("ann").styles}


@pytest.mark.parametrize(
    "data",
    [
        CSV.encode(),
        CSV.encode("utf-8-sig"),
        CSV.encode("utf-16"),
        CSV.encode("gb18030"),
        CSV.replace("\n", "\r\n").encode("utf-8-sig"),
        CSV.replace("name,prompt,negative_prompt", "Name, Text ,Negative prompt", 1).encode(),
    ],
)
def test_styles_csv_is_read_with_all_its_habits(tmp_path: Path, data: bytes) -> None:
    styles = csv_styles(tmp_path, data)
    assert list(styles) == ["Oil", "Crisp", "Lines", "国画", "Twice", "Only not"]
    assert apply_styles("a cat", "text", [styles["Oil"]], "en") == (
        "oil painting of a cat, impasto",
        'text, photo, "3d"',
    )
    assert apply_styles("a cat", "", [styles["Crisp"]], "en").prompt == "a cat, sharp focus"
    lines = apply_styles("a cat", "", [styles["Lines"]], "en").prompt
    assert lines.splitlines() == ["first line", "second line, a cat"]
    assert apply_styles("猫", "", [styles["国画"]], "zh") == ("水墨画，猫", "照片")
    assert apply_styles("a cat", "", [styles["Twice"]], "en").prompt == "a cat and a cat"
    assert apply_styles("a cat", "", [styles["Only not"]], "en") == ("a cat", "ugly")


def test_other_tables_of_styles_are_read_too(tmp_path: Path) -> None:
    old = csv_styles(tmp_path / "old", b"name,text\nOil,oil painting\n")
    assert old["Oil"].prompt.en == "{prompt}, oil painting"
    sheet = csv_styles(tmp_path / "sheet", b"name;prompt;negative_prompt\nOil;{prompt}, oil;photo\n")
    assert (sheet["Oil"].prompt.en, sheet["Oil"].negative.en) == ("{prompt}, oil", "photo")


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    told = shelf.imported("ann", b"name,prompt,negative_prompt\nBad,{{prompt}|x},\nGood,{prompt} y,\n")
    assert told.added == 1
    assert [(one.code, one.params) for one in told.troubles] == [("import_left_out", {"name": "Bad"})]
    text = as_yaml(shelf.book("ann")).replace("{prompt} y", "y")
    told = shelf.imported("ben", text.encode())
    assert (told.added, [one.code for one in told.troubles]) == (0, ["import_problem"])


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "import_unread"),
        (b"\xff\xff\x00\x81", "import_unread"),
        (b"hello world", "import_unread"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "import_unread"),
        (b"spells: []\n", "import_empty"),
        (b"name,prompt,negative_prompt\n", "import_empty"),
        (BOMB.encode(), "import_unread"),
        (b"spells: " + b"[" * 100_000, "import_unread"),
        (b"x" * (LARGEST + 1), "import_too_large"),
    ],
)
def test_other_files_are_refused_in_words(tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(StudioError) as told:
        Shelf(tmp_path).imported("ann", data)
    assert told.value.code == code
    assert not (tmp_path / "people").exists()


# -- through the one door -------------------------------------------------------------------------

ANN = Person(id="ann", language="zh")


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_at(tmp_path)


def test_own_styles_and_spells_are_painted_with(studio: Studio) -> None:
    style = studio.keep_own(DOODLE, ANN)
    studio.keep_own(CAT, ANN)
    model = studio.models(ANN)[0].spec.id
    draft = Draft(model=model, prompt="x", styles=(style.id,))
    assert studio.expanded(draft, ANN).prompt == "x，蜡笔涂鸦"
    with pytest.raises(StudioError, match="style_unknown"):
        studio.expanded(draft, Person(id="ben"))
    assert [one.code for one in studio.remarks(draft, Person(id="ben"))] == ["style_unknown"]
    asks = Draft(model=model, prompt="__own__ __moonbeam__", negative="")
    assert [one.params for one in studio.remarks(asks, ANN)] == [{"name": "moonbeam"}]


def test_a_style_in_a_language_that_the_model_does_not_read_is_named(studio: Studio) -> None:
    spec = studio.models(ANN)[0].spec
    both = Said(en="{prompt}, doodle", zh="{prompt}，涂鸦")
    ids = [studio.keep_own(one, ANN).id for one in (DOODLE, DOODLE.model_copy(update={"prompt": both}))]
    draft = Draft(model=spec.id, prompt="x", styles=tuple(ids))
    english = spec.model_copy(update={"languages": ("en",)})
    told = style_remarks(draft, english, studio._around(english, ANN))
    words = {"style": "课堂涂鸦", "words": "蜡笔涂鸦"}
    assert [(one.code, one.params) for one in told] == [("style_unread", words)]
    assert spec.languages == ("en", "zh") and studio.remarks(draft, ANN) == ()


def test_the_wand_leaves_blends_alone(studio: Studio) -> None:
    assert studio.wand("red fox", 1)
    with pytest.raises(StudioError, match="blend_takes_no_more"):
        studio.wand('("a cat", "a dog").blend(1, 2)', 1)


def test_a_model_is_given_what_it_reads(studio: Studio) -> None:
    spec = studio.models(ANN)[0].spec
    told = studio.translate(spec.id, "一只橘猫，月光", ANN)
    assert told.text == ("一只橘猫，月光" if "zh" in spec.languages else "a ginger cat, moonlight")
    assert told.unknown == ()
