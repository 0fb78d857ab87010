"""Data files read strictly: what is wrong is told by file, line and key, and the rest still works."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.entries import Document, Named, Problem, Reading
from studio.messages import Message


class Pet(Message):
    """An entry to try things on."""

    name: str
    age: int = 0
    home: str | None = None


def read(folder: Path, text: str | bytes) -> Reading[Pet]:
    path = folder / "pets.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Document(path).entries("pets", Pet)


def names(reading: Reading[Pet]) -> list[str]:
    return [pet.name for pet, _ in reading.entries]


def told(reading: Reading[Pet]) -> Problem:
    assert len(reading.problems) == 1, reading.problems
    return reading.problems[0]


def test_right_entries_are_read_with_their_places(tmp_path: Path) -> None:
    reading = read(tmp_path, "pets:\n  - {name: Tom, age: 3}\n  - {name: 猫}\n")
    assert [(pet.name, pet.age) for pet, _ in reading.entries] == [("Tom", 3), ("猫", 0)]
    assert [place for _, place in reading.entries] == [("pets", 0), ("pets", 1)]
    assert reading.problems == ()


@pytest.mark.parametrize(
    ("entry", "line", "key", "what"),
    [
        ("{name: Tom, claws: 4}", 3, "pets.1.claws", "is not a key that is known here"),
        ("{name: Tom, age: young}", 3, "pets.1.age", "(is 'young')"),
        ("{age: 3}", 3, "pets.1.name", "is missing"),
        ("name: Tom\n    age: 1\n    age: 2", 5, "pets.1.age", "stands twice"),
        ("just a word", 3, "pets.1", "(is 'just a word')"),
        ("{name: Tom, home: !elsewhere x}", 3, "pets.1.home", "cannot be read"),
        ("{name: Tom, home: 2024-02-31}", 3, "pets.1.home", "cannot be read"),
        ("name: Tom\n    age:\n      - 1", 4, "pets.1.age", "integer"),
    ],
)
def test_a_wrong_entry_is_told_by_file_line_and_key_and_left_out(
    tmp_path: Path, entry: str, line: int, key: str, what: str
) -> None:
    reading = read(tmp_path, f"pets:\n  - name: First\n  - {entry}\n  - name: Last\n")
    assert names(reading) == ["First", "Last"]
    problem = told(reading)
    assert (problem.file, problem.line, problem.key) == ("pets.yaml", line, key)
    assert what in problem.what
    assert str(problem).startswith(f"pets.yaml:{line}: {key}: ")


def test_everything_wrong_with_an_entry_is_told_at_once(tmp_path: Path) -> None:
    reading = read(tmp_path, "pets:\n  - age: old\n    claws: 4\n")
    assert {problem.key for problem in reading.problems} == {"pets.0.name", "pets.0.age", "pets.0.claws"}


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("pets:\n  - {name: Tom\n", 3, "-"),
        ("pets: Tom\n", 1, "pets"),
        ("# nothing yet\nothers: []\n", 2, "pets"),
        ("- name: Tom\n", 1, "-"),
        ("Tom\n", 1, "-"),
        (b"pets:\n  - name: \xff\xfe\n", 1, "-"),
        (b"pets:\n  - name: T\x00m\n", 1, "-"),
    ],
    ids=["not YAML", "not a list", "no list", "a list at the top", "a word", "not UTF-8", "a null byte"],
)
def test_a_file_that_holds_no_entries_says_why_and_breaks_nothing(
    tmp_path: Path, text: str | bytes, line: int, key: str
) -> None:
    reading = read(tmp_path, text)
    assert reading.entries == ()
    assert (reading.problems[0].file, reading.problems[0].line, reading.problems[0].key) == (
        "pets.yaml",
        line,
        key,
    )


def test_an_empty_file_lacks_its_list(tmp_path: Path) -> None:
    assert "must be a list" in told(read(tmp_path, "")).what


def test_a_list_that_stands_twice_is_told_and_not_believed(tmp_path: Path) -> None:
    reading = read(tmp_path, "pets:\n  - name: Tom\npets:\n  - name: Kit\n")
    assert (told(reading).line, told(reading).key) == (3, "pets")


def test_a_python_object_in_a_file_is_never_made(tmp_path: Path) -> None:
    made = tmp_path / "made"
    reading = read(tmp_path, f"pets:\n  - name: !!python/object/apply:os.mkdir [{made}]\n")
    assert reading.entries == () and not made.exists()


class Chip(Named):
    """An entry that others name."""

    colour: str


def test_of_entries_with_the_same_id_the_first_is_kept(tmp_path: Path) -> None:
    (tmp_path / "chips.yaml").write_text(
        "chips:\n  - {id: a, colour: red}\n  - {id: a, colour: blue}\n", "utf-8"
    )
    document = Document(tmp_path / "chips.yaml")
    assert [chip.colour for chip, _ in document.distinct("chips", Chip)] == ["red"]
    [problem] = document.problems
    assert (problem.line, problem.key, problem.what) == (3, "chips.1.id", "a stands twice")
