"""The harness that measures: its table, its file, and what it does with a measure that breaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import Entry, register
from tests.bench.__main__ import chosen, main, measured
from tests.bench.table import Row, at_least, at_most, printed, width, write_json


def test_a_table_is_aligned_in_both_languages() -> None:
    lines = printed("Title", [at_most("short", 1.0, 2), at_least("长一点的名字", 0.123456, 1)]).splitlines()
    assert lines[0] == "Title"
    assert lines[2].endswith("ok")
    assert lines[3].endswith("MISSED")
    assert "0.123 " in lines[3]
    assert width(lines[2].split("<=")[0]) == width(lines[3].split(">=")[0])


def test_rows_are_written_as_a_list(tmp_path: Path) -> None:
    write_json(tmp_path / "rows.json", [at_most("字数", 3, 2), Row("told", "cpu")])
    read = json.loads((tmp_path / "rows.json").read_text("utf-8"))
    assert read[0] == {"name": "字数", "value": 3, "goal": "<= 2", "ok": False}
    assert read[1] == {"name": "told", "value": "cpu", "goal": "", "ok": True}


def test_a_measure_that_breaks_is_a_missed_row(capsys: pytest.CaptureFixture[str]) -> None:
    def breaks() -> list[Row]:
        raise ValueError("no such thing")

    assert [row.ok for row in measured(Entry("Broken", breaks))] == [False]
    assert "no such thing" in capsys.readouterr().err


def test_a_goal_may_be_missed_by_a_little_where_that_is_said() -> None:
    over, under = at_most("time", 1.1, 1.03), at_least("rate", 0.9, 1)
    assert not over.ok and not under.ok and over.within(1.12) and under.within(1.12)
    assert not over.within(1.05) and not at_most("left", 1, 0).within(100)
    assert at_most("time", 0.5, 1).within(1.0) and Row("told", "cpu").within(1.0)


def test_two_measures_cannot_share_a_title() -> None:
    title = chosen()[0].title
    with pytest.raises(ValueError, match=title):
        register(title)(list)


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.json"
    status = main(["--only", "House", "--json", str(path)])
    rows = json.loads(path.read_text("utf-8"))
    assert "House" in capsys.readouterr().out
    assert [sorted(row) for row in rows] == [["goal", "name", "ok", "value"]] * len(rows) != []
    assert status == (0 if all(row["ok"] for row in rows) else 1)


def test_a_word_that_no_title_holds_is_a_failure() -> None:
    assert main(["--only", "nothing is called this"]) == 1
