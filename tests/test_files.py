"""Files that are there whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio.files import whole, write_whole


def test_what_stood_there_stays_until_all_of_the_new_is_written(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_whole(path, "old")
    with whole(path) as unfinished:
        unfinished.write_text("ne", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
        unfinished.write_text("new", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "new" and list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_whole(path, b"old")
    with pytest.raises(ZeroDivisionError), whole(path) as unfinished:
        unfinished.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_the_folder_is_made_and_one_that_is_a_file_is_the_systems_error(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "deep" / "a.txt", "词")
    assert (tmp_path / "new" / "deep" / "a.txt").read_text(encoding="utf-8") == "词"
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        write_whole(tmp_path / "file" / "a.txt", "")


def test_only_its_owner_reads_a_secret_whoever_may_read_the_rest(tmp_path: Path) -> None:
    write_whole(tmp_path / "secret", "s", mode=0o600)
    write_whole(tmp_path / "plain", "p")
    (tmp_path / "usual").touch()
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "plain").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_many_may_write_one_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_whole(path, str(number) * 10_000), range(9)))
    assert path.read_text(encoding="utf-8") in {str(number) * 10_000 for number in range(9)}
    assert list(tmp_path.iterdir()) == [path]
