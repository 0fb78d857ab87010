"""The words: the same keys and places in both languages, and words for every code there is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter

import pytest

from studio.errors import StudioError, say_trouble
from studio.i18n import TABLES, say
from studio.messages import LANGUAGES, Trouble
from tests.floors import ROOT

EN, ZH = TABLES["en"], TABLES["zh"]
FILLED = {
    "name": ("count", "seed", "width", "height", "steps", "guidance"),
    "name_not_multiple": ("width", "height"),
    "field": ("prompt", "negative"),
}
"""What the places of f-string codes stand for; `PLACE + ending` is asked before `PLACE`."""
RAISERS = {"StudioError": "error", "Failed": "error", "Trouble": "error", "_WorkerLost": "error"}
RAISERS["Notice"] = "notice"
LONG = 25
"""An English text of more characters than this has no reason to be the same in Chinese."""


@dataclass(frozen=True)
class Code:
    """A code as it stands in the source, with the parameters it is given there."""

    key: str
    params: frozenset[str]
    open: bool
    where: str


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def codes() -> Iterator[Code]:
    """Every code written out anywhere in studio/."""
    for path in sorted((ROOT / "studio").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield from _codes_of(node, where)


def _codes_of(call: ast.Call, where: str) -> Iterator[Code]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name not in RAISERS:
        return
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    code = keywords.get("code") or (call.args[0] if call.args else None)
    given = set(keywords) - {"code", "request", "params"}
    params, known = keywords.get("params"), True
    if isinstance(params, ast.Dict):
        given |= {key.value for key in params.keys if isinstance(key, ast.Constant)}
    elif params is not None:
        known = False
    for text in _texts(code):
        yield Code(f"{RAISERS[name]}.{text}", frozenset(given), not known, where)


def _texts(code: ast.expr | None) -> Iterator[str]:
    if isinstance(code, ast.Constant) and isinstance(code.value, str):
        yield code.value
    elif isinstance(code, ast.JoinedStr):
        place, ending = code.values
        assert isinstance(place, ast.FormattedValue) and isinstance(ending, ast.Constant)
        name = ast.unparse(place.value)
        for filling in FILLED.get(f"{name}{ending.value}") or FILLED[name]:
            yield f"{filling}{ending.value}"


ALL_CODES = list(codes())


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert set(EN) == set(ZH)
    assert list(EN) == list(ZH)


def test_both_languages_fill_the_same_places() -> None:
    assert [key for key in EN if places(EN[key]) != places(ZH[key])] == []


def test_no_words_are_empty_and_none_stands_in_the_wrong_table() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    assert [key for table in (EN, ZH) for key, text in table.items() if not text.strip()] == []
    assert [key for key, text in EN.items() if chinese.search(text)] == []


def test_no_long_english_text_is_left_in_the_chinese_table() -> None:
    assert [key for key, text in EN.items() if len(text) > LONG and ZH[key] == text] == []


def test_most_chinese_words_are_chinese() -> None:
    without = [key for key, text in ZH.items() if not re.search(r"[\u4e00-\u9fff]", text)]
    # What is left has only places and punctuation in it.
    assert [key for key in without if re.search(r"[A-Za-z]", re.sub(r"\{\w+\}", "", ZH[key]))] == []


def test_the_search_for_codes_finds_them_in_every_form() -> None:
    found = {code.key for code in ALL_CODES}
    assert {
        "error.model_unknown",  # StudioError("...")
        "error.guidance_out_of_range",  # StudioError(f"...")
        "error.worker_hung",  # a lost worker's
        "error.interrupted",  # Trouble(code="...")
        "notice.negative_cut",  # Notice(code=f"...")
    } <= found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_in_the_source_has_words(language: str) -> None:
    assert [f"{code.where}: {code.key}" for code in ALL_CODES if code.key not in TABLES[language]] == []


def test_every_code_in_the_source_brings_what_its_words_need() -> None:
    short = [
        f"{code.where}: {code.key} lacks {sorted(lacks)}"
        for code in ALL_CODES
        if not code.open and (lacks := places(EN.get(code.key, "")) - code.params - {"code"})
    ]
    assert short == []


def test_every_error_and_notice_that_has_words_is_used() -> None:
    elsewhere = {"error.bug", "error.memory_short"}  # worked out in the worker from what the libraries raise
    worded = {key for key in EN if key.startswith(("error.", "notice."))}
    assert worded - {code.key for code in ALL_CODES} - elsewhere == set()


def test_an_error_is_said_with_its_values_in_both_languages() -> None:
    trouble = StudioError("steps_out_of_range", value=99, least=1, most=50).trouble
    assert say_trouble("en", trouble) == "Steps is 99; it can be 1 to 50."
    assert say_trouble("zh", trouble) == "步数是 99，可以在 1 到 50 之间。"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_nobody_worded_is_told_as_a_bug_with_its_name(language: str) -> None:
    said = say_trouble(language, Trouble(code="never_heard_of", params={"x": 1}))
    assert "never_heard_of" in said and said != "never_heard_of"


def test_a_key_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_such"):
        say("en", "no_such")
