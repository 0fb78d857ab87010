"""What a translator said: remembered, and taken only where a prompt can hold it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.messages import Language
from studio.prompt import parse
from studio.spellbook import Sayings, sayings
from studio.spellbook.sayings import usable


@pytest.mark.parametrize(
    ("answer", "to", "said"),
    [
        ("A man rides a horse.", "en", "a man rides a horse"),
        ("Zobo", "en", "Zobo"),
        ("  two\n words ", "en", "two words"),
        ("Another one, far away", "en", "Another one, far away"),
        ("一只猫。", "zh", "一只猫"),
    ],
)
def test_a_sentence_becomes_part_of_a_prompt(answer: str, to: Language, said: str) -> None:
    assert usable(answer, to) == said


@pytest.mark.parametrize(
    ("answer", "to"),
    [
        ("", "en"), (" . ", "en"), ("佐布", "en"), ("a 佐布", "en"), ("the man (or woman)", "en"),
        ("ratio: 2", "en"), ("red|blue", "en"), ("__light__", "en"), ("this AND that", "en"),
        ("no no no no", "en"), ("ha-ha-ha-ha", "en"), ("zobo", "zh"), ("哈哈哈哈哈", "zh"), ("（猫）", "zh"),
    ],
)  # fmt: skip
def test_what_is_no_answer_or_would_be_read_otherwise_is_none(answer: str, to: Language) -> None:
    assert usable(answer, to) is None


@given(st.text(alphabet="ab ()[]{}|:<>_\\\"'1.2，猫BREAKND", max_size=20))
def test_a_usable_answer_changes_nothing_around_it(answer: str) -> None:
    said = usable(answer, "en")
    if said is not None:
        found = parse(f"(x, {said}:1.2), <lora:a:1> BREAK y")
        assert [piece.weight for piece in found.pieces if piece.text.strip(" ,")] == [1.2, 1.0]
        assert len(found.phrases[0].chunks) == 2 and len(found.tags) == 1


def test_what_had_no_usable_answer_is_not_asked_again() -> None:
    kept = Sayings()
    kept.keep("zh-en", "en", ("佐布", "追着"), ("Zobo", "追着"))
    assert [kept.of("zh-en")(clause) for clause in ("佐布", "追着", "猫")] == ["Zobo", None, None]
    assert kept.unasked("zh-en", ("佐布", "追着", "猫")) == ("猫",)
    assert kept.unasked("other", ("佐布",)) == ("佐布",)


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sayings, "MOST", 2)
    kept = Sayings()
    for clause in ("一", "二", "三"):
        kept.keep("t", "en", (clause,), ("x",))
    assert kept.unasked("t", ("一", "二", "三")) == ("一",)
