"""Sets of pictures as people bring them: what is taken of them, and what is refused and in which words."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from studio.errors import StudioError
from studio.inputs import Inputs
from studio.training import Files, open_files, open_zip, read_set
from studio.training.reading import CHUNK, caption_in_name
from tests.training.bringing import files, png, zipped


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path / "data")


def captions(given: Files, inputs: Inputs) -> dict[str, str]:
    return {one.name: one.caption for one in read_set(given, inputs).pictures}


def test_a_caption_is_what_lies_beside_a_picture_else_what_its_name_says(inputs: Inputs) -> None:
    given = files("a.png", "red_cat-2.png", "IMG_1234.JPG", a_txt="a cat\n on a  sofa ,", b_txt="nobody's")
    assert captions(given, inputs) == {
        "a.png": "a cat, on a sofa",
        "red_cat-2.png": "red cat",
        "IMG_1234.JPG": "",
    }
    assert captions(files("a.png", "b.png", "c.png", c_caption="three"), inputs)["c.png"] == "three"


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("a girl in a red dress.png", "a girl in a red dress"),
        ("girl (12).png", "girl"),
        ("girl_03.webp", "girl"),
        ("一只猫.png", "一只猫"),
        ("DSC00012.jpg", ""),
        ("2024-05-01 12.30.11.jpg", ""),
        ("Screenshot 12.png", ""),
        ("0a1b2c3d4e5f60718293.png", ""),
        ("0001.png", ""),
    ],
)
def test_what_a_camera_called_a_picture_is_no_caption(name: str, caption: str) -> None:
    assert caption_in_name(name) == caption


def test_a_caption_may_come_from_an_older_program(inputs: Inputs) -> None:
    texts = {"a.txt": "一只红色的猫".encode("gb18030"), "b.txt": "\ufeff一只红色的猫".encode()}
    given = files("a.png", "b.png", "c.png") | {
        name: (lambda data=data: data) for name, data in texts.items()
    }
    found = captions(given, inputs)
    assert found["a.png"] == found["b.png"] == "一只红色的猫"


def test_pictures_are_kept_among_the_inputs_with_their_sizes(inputs: Inputs) -> None:
    found = read_set(files("b.png", "a.png", "c.png"), inputs)
    assert [one.name for one in found.pictures] == ["a.png", "b.png", "c.png"]
    assert all(inputs.size(one.picture) == one.size for one in found.pictures)
    assert not found.notes


def test_one_picture_twice_is_learned_from_once_and_what_is_none_is_told(inputs: Inputs) -> None:
    given = files("a.png", "b.png", "c.png", notes_md="x") | {
        "d.png": lambda: png(0),
        ".DS_Store": lambda: b"x",
    }
    found = read_set(given, inputs)
    assert [one.name for one in found.pictures] == ["a.png", "b.png", "c.png"]
    assert [(note.code, note.params["file"]) for note in found.notes] == [
        ("training_twice", "d.png"),
        ("training_left_out", "notes.md"),
    ]


def test_too_many_pictures_are_refused_before_any_is_read(inputs: Inputs) -> None:
    def never() -> bytes:
        raise AssertionError("a picture was read")

    with pytest.raises(StudioError, match="training_count"):
        read_set({f"{number}.png": never for number in range(201)}, inputs)


def test_where_there_is_no_picture_at_all_that_is_told(inputs: Inputs) -> None:
    with pytest.raises(StudioError, match="training_without_pictures"):
        read_set({"notes.md": lambda: b"x", ".hidden.png": lambda: png(0)}, inputs)


def test_few_are_kept_until_there_are_more(inputs: Inputs) -> None:
    given = {name: (lambda n=n: png(n)) for name, n in (("a.png", 0), ("b.png", 1), ("c.png", 0))}
    assert [one.name for one in read_set(given, inputs).pictures] == ["a.png", "b.png"]


@pytest.mark.parametrize("data", [b"", b"no picture", png(0)[:-200]])
def test_a_broken_picture_is_told_by_its_name_and_the_others_are_kept(inputs: Inputs, data: bytes) -> None:
    found = read_set(files("a.png", "b.png", "c.png") | {"d.png": lambda: data}, inputs)
    assert [one.name for one in found.pictures] == ["a.png", "b.png", "c.png"]
    (note,) = found.notes
    assert (note.code, note.params) == ("training_picture", {"file": "d.png"})


def test_a_caption_without_an_end_is_told_by_its_picture(inputs: Inputs) -> None:
    with pytest.raises(StudioError) as told:
        read_set(files("a.png", "b.png", "c.png", b_txt="word " * 500), inputs)
    assert (told.value.code, told.value.params["file"]) == ("training_caption_long", "b.png")


def test_files_are_known_by_their_names_wherever_they_lay(inputs: Inputs) -> None:
    sent = {"one/a.png": png(0), "two\\a.txt": b"one", "../b.png": png(1), "c.png": png(2)}
    given = open_files((name, io.BytesIO(data)) for name, data in sent.items())
    assert captions(given, inputs) == {"a.png": "one", "b.png": "b", "c.png": "c"}


def test_zips_and_pictures_may_come_together(inputs: Inputs) -> None:
    inner = zipped({"set/a.png": png(0), "set/a.txt": b"one"})
    given = open_files([("set.ZIP", inner), ("b.png", io.BytesIO(png(1))), ("b.png", io.BytesIO(png(2)))])
    assert [(one.name, one.caption) for one in read_set(given, inputs).pictures] == [
        ("a.png", "one"),
        ("b.png", "b"),
        ("b.png", "b"),
    ]


# -- zips -----------------------------------------------------------------------------------------


def entries(*names: str) -> dict[str, bytes]:
    return {name: png(number) for number, name in enumerate(names)}


def test_a_zip_is_read_with_its_folders_and_without_what_a_system_adds(inputs: Inputs) -> None:
    given = entries("set/a.png", "set/b.png", "set/c.png") | {
        "set/a.txt": b"one",
        "__MACOSX/set/._a.png": b"x",
    }
    found = read_set(open_zip(zipped(given)), inputs)
    assert [(one.name, one.caption) for one in found.pictures] == [
        ("a.png", "one"),
        ("b.png", "b"),
        ("c.png", "c"),
    ]
    assert not found.notes


@pytest.mark.parametrize("name", ["../a.png", "set/../../a.png", "/etc/a.png", "..\\a.png", "C:\\a.png"])
def test_a_zip_that_leads_out_of_itself_is_refused_as_a_whole(name: str) -> None:
    with pytest.raises(StudioError) as told:
        open_zip(zipped(entries("a.png", "b.png", "c.png") | {name: png(3)}))
    assert told.value.code == "training_zip_path"


def test_a_zip_bomb_is_refused_by_its_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped(entries("a.png", "b.png", "c.png") | {"d.png": bytes(30 * 2**20)})
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("something was unpacked"))
    with pytest.raises(StudioError, match="training_zip_bomb"):
        open_zip(bomb)


@pytest.mark.parametrize("packed", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_could_only_be_unpacked_as_a_whole_is_told_before_anything_is(packed: int) -> None:
    with pytest.raises(StudioError) as told:
        open_zip(zipped(entries("a.png", "b.png") | {"set/c.png": png(2)}, packed))
    assert (told.value.code, told.value.params) == ("training_zip_packing", {"file": "a.png"})


def test_no_more_is_unpacked_than_a_zip_says_that_there_is() -> None:
    data = bytearray(zipped({"a.png": bytes(64 * 2**20)}).getvalue())
    # Both in the directory and beside the file: a thousand bytes.
    for sign, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = data.find(sign) + at
        data[start : start + 4] = struct.pack("<I", 1000)
    (read,) = open_zip(io.BytesIO(data)).values()
    tracemalloc.start()
    with pytest.raises(StudioError, match="training_zip_broken"):
        read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_what_is_larger_than_a_piece_is_read_whole() -> None:
    large = Image.effect_noise((1500, 1000), 99).tobytes()
    (read,) = open_zip(zipped({"a.png": large})).values()
    assert len(large) > CHUNK and read() == large


def test_a_zip_of_too_many_files_is_refused() -> None:
    with pytest.raises(StudioError, match="training_zip_large"):
        open_zip(zipped({f"{number}.txt": b"x" for number in range(2001)}))


def test_a_zip_that_says_it_holds_terabytes_is_refused() -> None:
    data = bytearray(zipped(entries("a.png", "b.png", "c.png"), zipfile.ZIP_STORED).getvalue())
    # The sizes in the directory: packed and unpacked alike, so that it is no bomb by its own words.
    for at in _directory(data):
        data[at + 20 : at + 28] = struct.pack("<II", 2**31, 2**31)
    with pytest.raises(StudioError, match="training_zip_large"):
        open_zip(io.BytesIO(data))


def _directory(data: bytearray) -> list[int]:
    found, at = [], data.find(b"PK\x01\x02")
    while at >= 0:
        found.append(at)
        at = data.find(b"PK\x01\x02", at + 4)
    return found


def test_a_zip_with_a_password_is_refused() -> None:
    data = bytearray(zipped(entries("a.png", "b.png", "c.png")).getvalue())
    for at in _directory(data):
        data[at + 8] |= 1
    with pytest.raises(StudioError, match="training_zip_locked"):
        open_zip(io.BytesIO(data))


@pytest.mark.parametrize(
    "spoilt", [lambda data: b"no zip", lambda data: data[: len(data) // 2], lambda data: b""]
)
def test_what_is_no_whole_zip_is_refused(spoilt) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(StudioError, match="training_zip_broken"):
        open_zip(io.BytesIO(spoilt(zipped(entries("a.png", "b.png", "c.png")).getvalue())))


def test_a_zip_whose_pictures_were_damaged_is_refused_as_it_is_read(inputs: Inputs) -> None:
    data = bytearray(zipped(entries("a.png", "b.png", "c.png"), zipfile.ZIP_STORED).getvalue())
    data[60] ^= 0xFF
    with pytest.raises(StudioError, match="training_zip_broken"):
        read_set(open_zip(io.BytesIO(data)), inputs)
