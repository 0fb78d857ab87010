"""The spellbook: broken chapters told by file, line and key; the search; the shipped book as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from pocket.world import words
from studio.catalog import read_catalog
from studio.families import FAMILIES
from studio.i18n import TABLES
from studio.messages import Bilingual
from studio.prompt import parse, print_prompt
from studio.settings import ROOT
from studio.spellbook import PRESETS, Scene, Spellbook, book_for_page, fold, read_spellbook, search
from studio.spellbook.__main__ import main
from studio.spellbook.book import Element, Part
from studio.spellbook.counts import counts, table, totals, width

CHAPTER = """\
id: light
title: {en: Light, zh: 光线}
note: {en: it sets the mood, zh: 定调子的是光}
part: formula
element: light
order: 70
groups:
  - id: quality
    title: {en: Quality, zh: 光质}
    one: true
    spells:
      - {en: soft light, zh: 柔和的光线, name: 软光, aliases: [gentle light]}
      - {en: hard light, zh: 强硬的光线, name: 硬光}
      - {en: last light, zh: 最后的光, name: 余光}
"""
STYLES = """\
group: {id: paint, title: {en: Painting, zh: 绘画}, order: 10}
styles:
  - id: oil
    title: {en: Oil, zh: 油画}
    prompt: {en: "oil painting of {prompt}", zh: "油画，{prompt}"}
    negative: {en: photo, zh: 照片}
  - id: wash
    title: {en: Wash, zh: 淡彩}
    prompt: {en: "{prompt}, pale washes", zh: "{prompt}，淡彩"}
    negative: {en: "", zh: ""}
"""
SCENES = """\
group: {id: sea, title: {en: Sea, zh: 海}, order: 10}
scenes:
  - id: lighthouse
    title: {en: Lighthouse, zh: 灯塔}
    prompt: {en: "a lighthouse, (dusk:1.2)", zh: "灯塔，(黄昏:1.2)"}
    negative: {en: blurry, zh: 模糊}
    aspect: "16:9"
    style: oil
  - id: boat
    title: {en: Boat, zh: 船}
    prompt: {en: a boat, zh: 一艘船}
    negative: {en: "", zh: ""}
    aspect: "1:1"
"""
FILES = {"spellbook/light.yaml": CHAPTER, "styles/paint.yaml": STYLES, "scenes/sea.yaml": SCENES}


def shelf(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def read(folder: Path, file: str = "", old: str = "", new: str = "") -> tuple[Spellbook, str]:
    """The small book with one thing in one file changed, and that file's text."""
    text = FILES.get(file, "")
    assert text.count(old) >= 1 or not file, "a change that changes nothing"
    changed = text.replace(old, new, 1)
    return read_spellbook(shelf(folder, FILES | ({file: changed} if file else {}))), changed


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_small_book_is_right(tmp_path: Path) -> None:
    book, _ = read(tmp_path)
    assert book.problems == ()
    assert [spell.en for spell in book.spells] == ["soft light", "hard light", "last light"]
    assert book.chapters[0].groups[0].one
    assert [style.id for style in book.styles[0].styles] == ["oil", "wash"]
    assert [scene.style for scene in book.scenes[0].scenes] == ["oil", ""]


HARD = "{en: hard light, zh: 强硬的光线, name: 硬光}"
LIGHT, PAINT, SEA = FILES
SPELL = "groups.0.spells.1"
BROKEN = {
    "unknown key of a spell": (LIGHT, HARD, HARD[:-1] + ", nmae: 光}", f"{SPELL}.nmae", "not a key that is known"),
    "wrong type": (LIGHT, "name: 硬光}", "name: [硬]}", f"{SPELL}.name", "['硬']"),
    "translation is missing": (LIGHT, " zh: 强硬的光线,", "", f"{SPELL}.zh", "is missing"),
    "translation is empty": (LIGHT, "zh: 强硬的光线", "zh: ''", f"{SPELL}.zh", "at least 1 character"),
    "English for Chinese": (LIGHT, "zh: 强硬的光线", "zh: hard", f"{SPELL}.zh", "holds no Chinese"),
    "Chinese for English": (LIGHT, "en: hard light", "en: hard 光", f"{SPELL}.en", "holds 光"),
    "comma": (LIGHT, "en: hard light", "en: 'hard, light'", f"{SPELL}.en", "one phrase"),
    "Chinese comma": (LIGHT, "zh: 强硬的光线", "zh: 强，硬", f"{SPELL}.zh", "one phrase"),
    "sign of emphasis": (LIGHT, "en: hard light", "en: (hard) light", f"{SPELL}.en", "something else"),
    "spaces": (LIGHT, "en: hard light", "en: hard  light", f"{SPELL}.en", "a space too many"),
    "name too long": (LIGHT, "name: 硬光}", "name: 一二三四五六七}", f"{SPELL}.name", "longer than 6"),
    "English stands twice": (LIGHT, "en: hard light", "en: Soft-Light", f"{SPELL}.en", "light.yaml:12"),
    "Chinese stands twice": (LIGHT, "zh: 强硬的光线", "zh: 柔和 的光线", f"{SPELL}.zh", "light.yaml:12"),
    "the same in other words": (LIGHT, "en: hard light", "en: the soft lights", f"{SPELL}.en", "the same as soft"),
    "key twice": (LIGHT, "name: 硬光}", "name: 硬光, name: 光}", f"{SPELL}.name", "stands twice"),
    "unknown element": (LIGHT, "element: light", "element: glow", "element", "'clarity'"),
    "unknown part": (LIGHT, "part: formula", "part: prose", "part", "'negative'"),
    "not the file's name": (LIGHT, "id: light", "id: lamp", "id", "its file is light.yaml"),
    "unknown key of a chapter": (LIGHT, "order: 70", "order: 70\ncolour: red", "colour", "not a key that is known"),
    "title in one language": (LIGHT, "{en: Light, zh: 光线}", "{en: Light}", "title.zh", "is missing"),
    "spells are no list": (LIGHT, "    spells:\n", "    spells: none\n    more:\n", "groups.0.spells", "a list"),
    "style without its slot": (PAINT, "oil painting of {prompt}", "oil painting", "styles.0.prompt", "{prompt} once"),
    "style with two slots": (PAINT, "{prompt}, pale", "{prompt}{prompt}", "styles.1.prompt", "2 times"),
    "unknown family": (PAINT, "  - id: wash", "  - families: [sd0]\n    id: wash", "styles.1.families", "sd0"),
    "style twice": (PAINT, "id: wash", "id: oil", "styles.1.id", "styles/paint.yaml:3"),
    "no group": (PAINT, "group:", "grup:", "grup", "not a key that is known"),
    "unknown style": (SEA, "style: oil", "style: wool", "scenes.0.style", "there is no style wool"),
    "unknown aspect": (SEA, '"16:9"', '"2:1"', "scenes.0.aspect", "'9:16'"),
    "negative of a scene": (SEA, "    negative: {en: blurry, zh: 模糊}\n", "", "scenes.0.negative", "is missing"),
}  # fmt: skip

GONE = {"negative of a scene": "- id: lighthouse"}
"""Where a whole line is gone, what it belongs to is named."""


def changed_line(file: str, text: str) -> int:
    pairs = zip(FILES[file].splitlines(), text.splitlines(), strict=False)
    return next(number for number, (old, new) in enumerate(pairs, 1) if old != new)


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_names_file_line_and_key(tmp_path: Path, case: str) -> None:
    file, old, new, key, what = BROKEN[case]
    book, text = read(tmp_path, file, old, new)
    told = [problem for problem in book.problems if problem.key == key]
    assert [problem.file for problem in told] == [file], book.problems
    assert what in told[0].what
    assert told[0].line == (changed_line(file, text) if case not in GONE else line_of(text, GONE[case]))


@pytest.mark.parametrize("case", [case for case in BROKEN if BROKEN[case][3].startswith(SPELL)])
def test_the_other_spells_of_a_broken_chapter_work(tmp_path: Path, case: str) -> None:
    book, _ = read(tmp_path, *BROKEN[case][:3])
    assert [spell.en for spell in book.spells] == ["soft light", "last light"]
    assert book.styles and book.scenes


def test_a_duplicate_in_another_chapter_is_told(tmp_path: Path) -> None:
    other = CHAPTER.replace("id: light", "id: glow").replace("soft light", "dim light").replace("硬光", "光")
    shelf(tmp_path, {"spellbook/glow.yaml": other})
    book, _ = read(tmp_path)
    told = [(problem.file, problem.key) for problem in book.problems]
    assert ("spellbook/light.yaml", "groups.0.spells.1.en") in told
    assert all("spellbook/glow.yaml:1" in problem.what for problem in book.problems)


def test_a_file_that_is_no_yaml_leaves_the_others(tmp_path: Path) -> None:
    shelf(tmp_path, {"spellbook/broken.yaml": "id: [\n"})
    book, _ = read(tmp_path)
    assert [chapter.id for chapter in book.chapters] == ["light"]
    assert [(p.file, p.what[:8]) for p in book.problems] == [("spellbook/broken.yaml", "not YAML")]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    book = read_spellbook(shelf(tmp_path, {LIGHT: CHAPTER}))
    assert [problem.file for problem in book.problems] == ["styles", "scenes"]
    assert len(book.spells) == 3


# -- search ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["soft light", "Soft-Light", "软光", "柔和的光线", "ruanguang", "ruan guang", "rg", "gentle", "entle"],
)
def test_a_spell_is_found_in_every_way(tmp_path: Path, text: str) -> None:
    book, _ = read(tmp_path)
    assert search(book, text)[0].spell.en == "soft light"


def test_the_better_match_comes_first(tmp_path: Path) -> None:
    book, _ = read(tmp_path, LIGHT, "en: last light", "en: light")
    assert [(found.spell.en, found.how) for found in search(book, "light")] == [
        ("light", "exact"),
        ("soft light", "contains"),
        ("hard light", "contains"),
    ]


def test_initials_come_after_what_begins_so(tmp_path: Path) -> None:
    book, _ = read(tmp_path, LIGHT, "en: last light", "en: rgb light")
    assert [(found.spell.name, found.how) for found in search(book, "rg")] == [
        ("余光", "prefix"),
        ("软光", "initials"),
    ]


@pytest.mark.parametrize("text", ["", "  ", "，", "no such spell"])
def test_nothing_is_found_by_nothing(tmp_path: Path, text: str) -> None:
    assert search(read(tmp_path)[0], text) == ()


@pytest.mark.parametrize(
    ("name", "pinyin"),
    [
        ("长曝光", "chang bao guang"),
        ("船长", "chuan zhang"),
        ("双马尾", "shuang ma wei"),
        ("仇英", "qiu ying"),
        ("没骨", "mo gu"),
        ("薄荷绿", "bo he lv"),
        ("8K 画质", "8k hua zhi"),
    ],
)
def test_pinyin_reads_a_name_as_a_painter_would(tmp_path: Path, name: str, pinyin: str) -> None:
    book, _ = read(tmp_path, LIGHT, "name: 余光", f"name: {name}")
    assert book.spells[2].pinyin == pinyin
    assert search(book, pinyin.replace(" ", ""))[0].spell.name == name


def test_a_match_says_where_it_stands(tmp_path: Path) -> None:
    found = search(read(tmp_path)[0], "软光")[0]
    assert (found.chapter, found.group, found.spell.pinyin, found.spell.initials) == (
        "light", "quality", "ruan guang", "rg"
    )  # fmt: skip


# -- what the page and the terminal are given -----------------------------------------------------


def test_the_page_gets_every_word(tmp_path: Path) -> None:
    data = book_for_page(read(tmp_path)[0])
    text = json.dumps(data, ensure_ascii=False)
    assert data["chapters"][0]["groups"][0]["spells"][0] == [
        "soft light", "柔和的光线", "软光", "ruan guang", "gentle light"
    ]  # fmt: skip
    assert data["chapters"][0]["groups"][0]["one"] is True
    for word in ("定调子的是光", "oil painting of {prompt}", "照片", "16:9", "(dusk:1.2)"):
        assert word in text


def test_a_style_with_a_picture_says_so_and_a_picture_of_nothing_is_told(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "thumbnails").mkdir()
    for name in ("oil.webp", "nothing.webp", "oil.txt"):
        (tmp_path / "thumbnails" / name).write_bytes(b"")
    book = read_spellbook(tmp_path)
    assert book.thumbnails == ("oil",)
    assert [problem.file for problem in book.problems] == ["thumbnails/nothing.webp", "thumbnails/oil.txt"]
    styles = [style for group in book_for_page(book)["styles"] for style in group["styles"]]
    assert [style["id"] for style in styles if style.get("thumbnail")] == ["oil"]


def test_the_table_stands_in_line(tmp_path: Path) -> None:
    lines = table(read(tmp_path)[0]).splitlines()
    assert len({width(line) for line in lines}) == 1
    assert lines[1].split() == ["formula", "light", "光线", "1", "3"]


def test_the_command_counts_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read(tmp_path)
    assert main([str(tmp_path), "--json", str(tmp_path / "counts.json")]) == 0
    assert "all spells" in capsys.readouterr().out
    assert json.loads((tmp_path / "counts.json").read_text("utf-8"))["spells"] == 3
    read(tmp_path, LIGHT, "order: 70", "order: many")
    assert main([str(tmp_path)]) == 1
    assert "spellbook/light.yaml:6: order:" in capsys.readouterr().out


# -- the book that is shipped ---------------------------------------------------------------------

LEAST = {"spells": 1200, "styles": 100, "scenes": 30}
"""What the book promises: all parts together, and nothing less."""
LEAST_OF_PARTS = {"formula": 750, "character": 400, "negative": 70}
LARGEST_KB = 400
"""The page fetches the book in one piece, on a phone too."""
POCKET_TABLES = {
    "subject": words.SUBJECT_WORDS,
    "colour": words.COLOUR_WORDS,
    "background": words.BACKGROUND_WORDS,
    "light": words.LIGHT_WORDS,
    "style": words.STYLE_WORDS,
    "detail": words.DETAIL_WORDS,
    "pose": words.POSE_WORDS,
    "expression": words.EXPRESSION_WORDS,
    "defect": words.DEFECT_WORDS,
}


@pytest.fixture(scope="module")
def shipped() -> Spellbook:
    return read_spellbook(PRESETS)


def scenes_of(book: Spellbook) -> list[Scene]:
    return [scene for group in book.scenes for scene in group.scenes]


def test_nothing_is_wrong_with_the_book(shipped: Spellbook) -> None:
    assert [str(problem) for problem in shipped.problems] == []


def test_the_book_is_as_large_as_it_promises(shipped: Spellbook) -> None:
    held = totals(shipped)
    assert {kind: held[kind] >= least for kind, least in LEAST.items()} == dict.fromkeys(LEAST, True), held


@pytest.mark.parametrize("part", get_args(Part))
def test_every_part_is_as_large_as_it_promises(shipped: Spellbook, part: str) -> None:
    lines = [line for line in counts(shipped) if line.kind == part]
    assert sum(line.entries for line in lines) >= LEAST_OF_PARTS[part]
    assert [line.id for line in lines if line.entries < 10] == []


def test_every_element_of_the_formula_has_a_chapter(shipped: Spellbook) -> None:
    filled = {chapter.element for chapter in shipped.chapters if chapter.part == "formula"}
    assert filled == set(get_args(Element)) - {"none"}


def test_no_chapter_shows_one_name_twice(shipped: Spellbook) -> None:
    for chapter in shipped.chapters:
        names = [spell.name for spell in chapter.spells]
        assert sorted(names) == sorted(set(names)), chapter.id


def test_no_group_is_empty(shipped: Spellbook) -> None:
    empty = [(c.id, group.id) for c in shipped.chapters for group in c.groups if not group.spells]
    assert empty == []


def test_every_spell_is_found_by_its_texts_and_its_pinyin(shipped: Spellbook) -> None:
    for spell in shipped.spells:
        for key in (spell.en, spell.zh, spell.name, spell.pinyin):
            assert fold(key) in spell.keys, spell.en
    for text in ("ruanguang", "软光", "soft light"):
        assert search(shipped, text)[0].spell.en == "soft light"


def test_a_spell_goes_through_the_prompt_unchanged(shipped: Spellbook) -> None:
    for spell in shipped.spells:
        for text in (spell.en, spell.zh):
            assert print_prompt(parse(f"({text}:1.2)")) == f"({text}:1.2)"


def test_scenes_and_styles_are_prompts_that_parse(shipped: Spellbook) -> None:
    texts = [
        text for scene in scenes_of(shipped) for text in (*_texts(scene.prompt), *_texts(scene.negative))
    ]
    styles = [style for group in shipped.styles for style in group.styles]
    texts += [text for style in styles for text in (*_texts(style.prompt), *_texts(style.negative))]
    for text in texts:
        once = print_prompt(parse(text))
        assert print_prompt(parse(once)) == once


def _texts(pair: Bilingual) -> tuple[str, str]:
    return pair.en, pair.zh


def test_a_scene_wants_models_that_there_are(shipped: Spellbook) -> None:
    known = set(FAMILIES) | set(read_catalog(ROOT / "models.yaml").specs)
    assert {
        scene.id: set(scene.wants) - known for scene in scenes_of(shipped) if set(scene.wants) - known
    } == {}


@pytest.mark.parametrize("kind", POCKET_TABLES)
def test_the_book_holds_what_the_model_in_the_box_knows(shipped: Spellbook, kind: str) -> None:
    keys = {key for spell in shipped.spells for key in spell.keys}
    ways = POCKET_TABLES[kind].values()
    missing = [word for english, chinese in ways for word in (*english, *chinese) if fold(word) not in keys]
    assert missing == []


@pytest.mark.parametrize("kind", POCKET_TABLES)
def test_a_spell_of_it_says_the_same_in_both_languages(shipped: Spellbook, kind: str) -> None:
    pairs = {(spell.en, spell.zh) for spell in shipped.spells}
    without = [
        key
        for key, (english, chinese) in POCKET_TABLES[kind].items()
        if not any((en, zh) in pairs for en in english for zh in chinese)
    ]
    assert without == []


def test_the_page_gets_the_book_in_one_small_piece(shipped: Spellbook) -> None:
    text = json.dumps(book_for_page(shipped), ensure_ascii=False, separators=(",", ":"))
    assert len(text.encode()) < LARGEST_KB * 1000
    rows = [
        row
        for chapter in book_for_page(shipped)["chapters"]
        for group in chapter["groups"]
        for row in group["spells"]
    ]
    assert len(rows) == len(shipped.spells)


@pytest.mark.parametrize("language", TABLES)
def test_the_page_has_words_for_every_part_and_element(language: str) -> None:
    wanted = [f"book.part.{part}" for part in get_args(Part)]
    wanted += [f"book.element.{element}" for element in get_args(Element) if element != "none"]
    assert [key for key in wanted if key not in TABLES[language]] == []


@pytest.mark.parametrize("folder", ["spellbook", "styles", "scenes"])
def test_the_readme_of_the_book_shows_lines_that_work(tmp_path: Path, folder: str) -> None:
    blocks = (PRESETS / "README.md").read_text("utf-8").split("```yaml\n")[1:]
    named = {block.split("\n", 1)[0].removeprefix("# presets/"): block.split("```")[0] for block in blocks}
    files = [name for name in named if name.startswith(f"{folder}/")]
    book = read_spellbook(shelf(tmp_path, named))
    assert files and book.problems == ()
