"""Where a training keeps what it has."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio.errors import StudioError
from studio.loras import from_header
from studio.training import Kept, Outcome, header, kept_whole
from tests import samples
from tests.training.bringing import training


def weights(path: Path, session: str) -> None:
    about = json.dumps({"__metadata__": {"ss_session_id": session}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(about)) + about)


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.safetensors"
    with kept_whole(path) as unfinished:
        unfinished.write_bytes(b"half")
        assert not path.exists()
        assert [one for one in path.parent.iterdir() if one.suffix == ".safetensors"] == []
    assert path.read_bytes() == b"half"
    with pytest.raises(ZeroDivisionError), kept_whole(path) as unfinished:
        unfinished.write_bytes(b"other")
        raise ZeroDivisionError
    assert [one.name for one in path.parent.iterdir()] == ["a.safetensors"] and path.read_bytes() == b"half"


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "loras").write_bytes(b"a file where the folder should be")
    with (
        pytest.raises(StudioError, match="disk_unwritable"),
        kept_whole(tmp_path / "loras" / "a") as unfinished,
    ):
        unfinished.write_bytes(b"x")


def test_a_disk_that_fails_while_weights_are_written_is_told_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "loras" / "a.safetensors"
    with pytest.raises(StudioError, match="disk_unwritable"), kept_whole(path) as unfinished:
        unfinished.unlink()
        path.parent.rmdir()  # the library meets this itself, and has an error of its own for it
        save_file({"a": np.zeros(3)}, unfinished)
    assert "a.safetensors" in caplog.text and "No such file" in caplog.text


def test_weights_may_be_read_by_whoever_reads_the_other_files_of_the_folder(tmp_path: Path) -> None:
    path, plain = tmp_path / "a.safetensors", tmp_path / "plain"
    plain.touch()
    with kept_whole(path) as unfinished:
        save_file({"a": np.zeros(3)}, unfinished)
    assert path.stat().st_mode == plain.stat().st_mode


def test_another_loras_file_is_never_written_over(tmp_path: Path) -> None:
    kept, folder = Kept(tmp_path, "job-1"), tmp_path / "loras"
    assert kept.lora("cat") == folder / "cat.safetensors"
    weights(folder / "cat.safetensors", "other-1")
    (folder / "cat 2.safetensors").write_bytes(b"no weights")
    assert kept.lora("cat") == folder / "cat 3.safetensors"


def test_a_training_knows_its_own_file_again(tmp_path: Path) -> None:
    weights(tmp_path / "loras" / "cat.safetensors", "job-1")
    assert Kept(tmp_path, "job-1").lora("cat") == tmp_path / "loras" / "cat.safetensors"


@pytest.mark.parametrize("letter", ["画", "x", "🐉", "é"])
def test_a_long_name_leaves_room_for_all_that_comes_behind_it(tmp_path: Path, letter: str) -> None:
    kept = Kept(tmp_path, "job-1")
    first = kept.lora(letter * 300)
    weights(first, "other-1")
    second = kept.lora(letter * 300)
    for path in (second, second.with_suffix(".preview.png")):
        with kept_whole(path) as unfinished:
            unfinished.write_bytes(b"x")
        assert set(path.name.partition(".")[0]) <= {letter, " ", "2"}
    assert first != second and 197 <= len(first.stem.encode()) <= 200


@pytest.mark.parametrize("id", ["../x", "", ".", "a/b", "..\\x"])
def test_an_id_that_leads_elsewhere_names_no_training(tmp_path: Path, id: str) -> None:
    with pytest.raises(ValueError, match="names no training"):
        Kept(tmp_path, id)


def test_what_is_kept_is_forgotten_in_the_end(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "job-1")
    with kept_whole(kept.state) as unfinished:
        unfinished.write_bytes(b"x")
    kept.forget()
    assert not kept.folder.exists()


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_a_header_says_what_shelves_show(tmp_path: Path, family: str) -> None:
    asked = training(tmp_path, samples.spec(family=family))
    told = header(asked, samples.spec(family=family), Outcome(6, 0.5, 12.0, "epsilon"))
    about = from_header(told)
    assert (about.title, about.triggers, about.resolution) == ("zub", ("zub",), "72x72")
    assert "lora" in about.base and "Tiny" in about.notes and about.date
    assert (told["ss_network_dim"], told["ss_steps"], told["ss_num_train_images"]) == ("4", "6", "4")
    assert json.loads(told["ss_tag_frequency"]) == {"pictures": {"red cat": 4, "zub": 4}}
    assert set(map(type, told.values())) == {str}


def test_a_lora_without_a_trigger_is_known_by_what_most_of_its_pictures_bear(tmp_path: Path) -> None:
    told = header(
        training(tmp_path, trigger="", name="cats"), samples.spec(), Outcome(6, 0.5, 12.0, "epsilon")
    )
    assert from_header(told).triggers == ("red cat",)
