"""The pictures of a training as people bring them: files or a zip, with captions beside them or in their names."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

from studio.errors import StudioError
from studio.inputs import Inputs
from studio.messages import LONGEST_CAPTION, PictureSet, TrainingPicture, Trouble

LEAST_PICTURES, MOST_PICTURES = 3, 200
PICTURES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".tif", ".tiff"),
    *(".bmp", ".psd", ".heic", ".heif", ".jxl"),
)
"""Endings of what is meant as a picture; one of a kind that cannot be read is told, not passed over."""
CAPTIONS = (".txt", ".caption")
LARGEST_CAPTION_FILE = 100_000
LARGEST_PICTURE = 200 * 2**20
"""Bytes of one picture's file, wherever it comes from."""
LARGEST_SET = 4 * 2**30
"""Bytes of all files of a zip once they are unpacked."""
MOST_ENTRIES = 2000
MOST_SHRUNK = 200
"""So many times smaller packed than unpacked is no picture: those are packed already."""
SHRUNK_FROM = 2**20
"""Bytes below which it does not matter how far something was packed."""
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The ways of packing that can be unpacked a piece at a time; of the others one byte may become any number."""
CHUNK = 2**20
"""Bytes that are unpacked at once."""
CAMERA_NAME = re.compile(r"(?:img|dsc|dscn|dscf|pxl|photo|image|picture|screenshot|mvimg|wp)?[\W\d_]*", re.I)
"""A name that a camera gave, or a counter: it says nothing of what can be seen."""
HASH_NAME = re.compile(r"[0-9a-f-]{16,}", re.I)
COUNTER = re.compile(r"[\s(\[#]*\d+[)\]\s]*$")
Read = Callable[[], bytes]
Files = Mapping[str, Read]
"""Files by their names, slashes between folders; each is read when its turn comes."""


def read_set(files: Files, inputs: Inputs) -> PictureSet:
    """Keeps the pictures among files, each with the caption beside it, else with what its name says.

    One that cannot be read is told and left out; how many there must be is asked where a training begins.
    """
    wanted = {name: read for name, read in files.items() if not _hidden(name)}
    pictures = sorted(name for name in wanted if _ending(name) in PICTURES)
    if not pictures:
        raise StudioError("training_without_pictures")
    check_most(len(pictures))
    found: dict[str, TrainingPicture] = {}
    notes: list[Trouble] = []
    for name in pictures:
        one = _picture(name, wanted, inputs)
        if isinstance(one, Trouble):
            notes.append(one)
            continue
        if one.picture in found:
            notes.append(
                Trouble(code="training_twice", params={"file": one.name, "other": found[one.picture].name})
            )
        found.setdefault(one.picture, one)
    return PictureSet(pictures=tuple(found.values()), notes=(*notes, *_left_out(wanted, pictures)))


def check_count(count: int) -> None:
    """Fewer teach a LoRA nothing but themselves; more are for another kind of training."""
    if not LEAST_PICTURES <= count <= MOST_PICTURES:
        raise StudioError("training_count", count=count, least=LEAST_PICTURES, most=MOST_PICTURES)


def check_most(count: int) -> None:
    """Nobody waits until thousands are read, or looked at, only to be told."""
    check_count(max(count, LEAST_PICTURES))


def _picture(name: str, files: Files, inputs: Inputs) -> TrainingPicture | Trouble:
    file = PurePosixPath(name).name
    try:
        kept = inputs.keep(files[name]())
    except StudioError as error:
        if not error.code.startswith("input_"):  # the disk is full, or the archive is broken
            raise
        return Trouble(code="training_picture", params={"file": file})
    beside = (str(PurePosixPath(name).with_suffix(ending)) for ending in CAPTIONS)
    texts = [files[other]() for other in beside if other in files]
    caption = _text(texts[0]) if texts else caption_in_name(file)
    if len(caption) > LONGEST_CAPTION:
        raise StudioError("training_caption_long", file=file, most=LONGEST_CAPTION)
    return TrainingPicture(picture=kept.picture, size=kept.size, name=file, caption=caption)


def _text(data: bytes) -> str:
    """A caption on one line; in UTF-8, or as older programs in China write."""
    try:
        text = data[:LARGEST_CAPTION_FILE].decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data[:LARGEST_CAPTION_FILE].decode("gb18030", errors="replace")
    lines = [" ".join(line.split()).strip(" ,") for line in text.splitlines()]
    return ", ".join(line for line in lines if line)


def caption_in_name(file: str) -> str:
    """What a file's name says of its picture; nothing where a camera or a program made it up."""
    stem = PurePosixPath(file).stem
    if CAMERA_NAME.fullmatch(stem) or HASH_NAME.fullmatch(stem):
        return ""
    words = " ".join(stem.replace("_", " ").replace("-", " ").split())
    return COUNTER.sub("", words).strip()


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _hidden(name: str) -> bool:
    """What file managers add by themselves."""
    parts = PurePosixPath(name).parts
    return any(part.startswith(".") or part == "__MACOSX" for part in parts) or parts[-1:] == ("Thumbs.db",)


def _left_out(files: Files, pictures: list[str]) -> Iterator[Trouble]:
    beside = {str(PurePosixPath(name).with_suffix(ending)) for name in pictures for ending in CAPTIONS}
    for name in sorted(set(files) - set(pictures) - beside):
        yield Trouble(code="training_left_out", params={"file": PurePosixPath(name).name})


def open_files(given: Iterable[tuple[str, BinaryIO]]) -> Files:
    """Open files by the names that they were sent under, zips among them; for as long as they are open."""
    found: dict[str, Read] = {}
    for number, (sent, stream) in enumerate(given):
        name = PurePosixPath(sent.replace("\\", "/")).name
        if _ending(name) == ".zip":
            found |= {f"{number}/{inner}": read for inner, read in open_zip(stream).items()}
        else:
            found[name if name not in found else f"{number}/{name}"] = partial(_whole, stream)
    return found


def _whole(stream: BinaryIO) -> bytes:
    stream.seek(0)
    data = stream.read(LARGEST_PICTURE + 1)
    # More than that is no picture, and is told as one that cannot be read.
    return data if len(data) <= LARGEST_PICTURE else b""


# -- zips -----------------------------------------------------------------------------------------


def open_zip(stream: BinaryIO) -> Files:
    """The files in a zip, for as long as the stream is open; one that could do harm is refused as a whole."""
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise StudioError("training_zip_broken") from error
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    _check_entries(entries)
    return {_path(entry.filename): _reader(archive, entry) for entry in entries}


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """By what the zip says of itself; no more than that is read of any file."""
    for entry in entries:
        _path(entry.filename)
        if entry.flag_bits & 0x1:
            raise StudioError("training_zip_locked")
        if entry.compress_type not in PACKINGS:
            raise StudioError("training_zip_packing", file=PurePosixPath(entry.filename).name)
        packed = max(1, entry.compress_size)
        if entry.file_size > SHRUNK_FROM and entry.file_size > MOST_SHRUNK * packed:
            raise StudioError("training_zip_bomb")
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > LARGEST_SET:
        raise StudioError("training_zip_large", most=MOST_ENTRIES, gb=LARGEST_SET // 2**30)


def _path(name: str) -> str:
    """A name within the zip; one that leads out of it is a trap, though nothing is ever unpacked to a folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        raise StudioError("training_zip_path", file=name)
    return str(path)


def _reader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Read:
    def read() -> bytes:
        if entry.file_size > LARGEST_PICTURE:
            raise StudioError("training_zip_large", most=MOST_ENTRIES, gb=LARGEST_SET // 2**30)
        try:
            return _unpacked(archive, entry)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
            raise StudioError("training_zip_broken") from error

    return read


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # In pieces: asked for all at once, the library unpacks whatever is there before it looks at the declared size.
    with archive.open(entry) as stream:
        pieces = iter(lambda: stream.read(CHUNK), b"")
        return b"".join(pieces)
