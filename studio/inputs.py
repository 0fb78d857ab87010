"""The pictures that people bring: read whatever they are, kept as plain PNG files named by their hash."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import math
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from studio.errors import StudioError
from studio.files import write_whole
from studio.messages import Input, Size, Trouble

log = logging.getLogger(__name__)
_Read = tuple[Image.Image, list[Trouble]]
"""A picture, and what was changed about it."""
DIGEST = re.compile(r"[0-9a-f]{64}")
NAMED = re.compile(rf"\b{DIGEST.pattern}\b")
NAMED_IN = ("jobs/*.json", "people/*/*.yaml")
"""Files of the data folder that may name a picture which was brought."""
RENEWED_SECONDS = 60 * 60
"""After how long a picture that is used is marked as used again."""
MOST_PIXELS = 64_000_000
"""A picture of more is refused by its header, before anything of it is decoded."""
LONGEST_SIDE = 4096
"""A picture with a longer side is kept smaller."""
MOST_SCANS = 300
"""A JPEG of more passes than this was made to keep a decoder busy; real ones have about ten."""
# Named one by one: among the others is PostScript, which is handed to a program that runs what it reads.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "DIB", "PPM", "PSD", "QOI")
MOVING = ("PNG", "WEBP", "GIF", "AVIF", "TIFF")
"""Formats whose further frames are frames or pages; elsewhere they are layers and small copies."""
BEGINNINGS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"8BPS", b"qoif")
"""How files begin that are pictures of a kind that is read here, were they whole."""
DRAWINGS = {b"%PDF": "PDF", b"%!PS": "PostScript"}
UNREAD = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\x01\0": "ICO",
}
PHONE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
RAW_CAMERA_TAG = 50706
"""DNGVersion: the file is what a camera's sensor saw, and what can be read of it is a thumbnail."""
SUBFILE_TAG = 254
TILE_TAGS = (322, 323)
SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
"""Pillow's name of the numbers that a profile of a colour space is about."""
SRGB_TOLERANCE = 2
"""Levels that a profile may move a colour and still be sRGB under another name."""


class Inputs:
    """Keeps pictures by what they show: the same picture twice is one file."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._folder = data / "inputs"
        # One at a time: a picture of few bytes may take hundreds of megabytes while it is read.
        self._reading = threading.Lock()

    def keep(self, data: bytes) -> Input:
        """A picture of any kind, upright, in sRGB, on white where it was transparent."""
        return self._keep(data, _as_picture)

    def keep_mask(self, data: bytes) -> Input:
        """A mask of any kind: how opaque it is where it has transparency, how bright it is where not.

        So a brush's strokes on nothing count as painted in whatever colour, and white on black as it shows.
        """
        return self._keep(data, _as_mask)

    def path(self, digest: str) -> Path:
        """Where a kept picture's file lies; whoever asks may need it for as long again as if it came today."""
        if not self.has(digest):
            raise StudioError("input_unknown")
        path = self._folder / f"{digest}.png"
        _renew(path)
        return path

    def has(self, digest: str) -> bool:
        """Whether a picture is kept; nobody needs it the longer for that."""
        return bool(DIGEST.fullmatch(digest)) and (self._folder / f"{digest}.png").is_file()

    def hold(self, digests: Iterable[str]) -> int:
        """Keeps what an open page may still need as if it came today; answers how many of it are here."""
        here = [digest for digest in digests if self.has(digest)]
        for digest in here:
            _renew(self._folder / f"{digest}.png")
        return len(here)

    def size(self, digest: str) -> Size:
        """A kept picture's size, from its header."""
        with self._opened(digest) as image:
            return Size(width=image.width, height=image.height)

    def open(self, digest: str) -> Image.Image:
        """A kept picture in RGB."""
        with self._opened(digest) as image:
            return image.convert("RGB")

    def mask(self, digest: str) -> Image.Image:
        """A kept mask: 255 is painted anew, 0 is kept."""
        with self._opened(digest) as image:
            return image.convert("L")

    def named(self, recipes: Iterable[str]) -> set[str]:
        """The digests in recipes, job records and own books; read as text, so that another version's count too."""
        files = (path for pattern in NAMED_IN for path in self._data.glob(pattern))
        notes = map(_text, files)
        return {digest for text in chain(recipes, notes) for digest in NAMED.findall(text)}

    def forget(self, kept: Collection[str], older_than_seconds: float) -> int:
        """Takes away what is not to be kept and was last brought or used so long ago; answers how many pictures."""
        latest = time.time() - older_than_seconds
        named = (path for path in self._folder.glob("*.png") if DIGEST.fullmatch(path.stem))
        unnamed = [path for path in named if path.stem not in kept and _used(path) < latest]
        for path in unnamed:
            path.unlink(missing_ok=True)
        if unnamed:
            log.info("%d pictures that nothing names any more were taken out of the inputs", len(unnamed))
        return len(unnamed)

    def _opened(self, digest: str) -> Image.Image:
        try:
            return Image.open(self.path(digest), formats=["PNG"])
        except (UnidentifiedImageError, OSError) as error:
            raise StudioError("input_broken") from error

    def _keep(self, data: bytes, form: Callable[[Image.Image], _Read]) -> Input:
        with self._reading:
            picture, notes = _read(data, form)
            file = _png(picture)
        digest = hashlib.sha256(file).hexdigest()
        self._write(self._folder / f"{digest}.png", file)
        size = Size(width=picture.width, height=picture.height)
        return Input(picture=digest, size=size, notes=tuple(notes))

    def _write(self, path: Path, file: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, file)
        except OSError as error:
            log.exception("a picture that was brought cannot be kept")
            raise StudioError("disk_unwritable", folder=self._data.name) from error


def _renew(path: Path) -> None:
    # Once an hour is often enough, and a disk that takes nothing keeps nobody from a picture.
    if _used(path) < time.time() - RENEWED_SECONDS:
        with contextlib.suppress(OSError):
            os.utime(path)


def _used(path: Path) -> float:
    """When a picture was brought or used last; just now where it went meanwhile."""
    try:
        return path.stat().st_mtime
    except OSError:
        return math.inf


def _text(path: Path) -> str:
    """What a file says; nothing where it went between listing and reading, as a record does whose job is over."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


# -- reading --------------------------------------------------------------------------------------


def read_picture(data: bytes) -> Image.Image:
    """A picture of any kind as it would be kept, or an error that says what is wrong with it."""
    return _read(data, _as_picture)[0]


def _read(data: bytes, form: Callable[[Image.Image], _Read]) -> _Read:
    """A picture in the form that is wanted, or an error that says what is wrong with it."""
    if not data:
        raise StudioError("input_empty")
    try:
        return _decoded(data, form)
    except StudioError:
        raise
    except UnidentifiedImageError as error:
        raise _why_not_read(data) from error
    except Image.DecompressionBombError as error:
        raise StudioError("input_too_large", most=MOST_PIXELS // 1_000_000) from error
    except Exception as error:  # decoders raise a dozen kinds for what is one thing to a person
        log.info("a picture cannot be read: %r", error)
        raise StudioError("input_broken") from error


def _decoded(data: bytes, form: Callable[[Image.Image], _Read]) -> _Read:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _refuse(image, data)
        notes = [Trouble(code="input_first_frame")] if _moves(image) else []
        image.load()
        picture, more = _smaller(_upright(_in_bytes(image)))
    picture, changes = form(picture)
    # What a camera or a program wrote beside the pixels stays with its person.
    picture.info.clear()
    return picture, notes + more + changes


def _refuse(image: Image.Image, data: bytes) -> None:
    """Whatever would take too much, or is not what it seems, told by the header alone."""
    tags = getattr(image, "tag_v2", {})
    sides = [image.size, tuple(int(tags.get(tag, 0)) for tag in TILE_TAGS)]
    if any(math.prod(pair) > MOST_PIXELS for pair in sides):
        raise StudioError("input_too_large", most=MOST_PIXELS // 1_000_000)
    if RAW_CAMERA_TAG in tags or tags.get(SUBFILE_TAG, 0) & 1:
        raise StudioError("input_unread", kind="RAW")
    # Within a scan no such pair of bytes occurs: it always begins a new one.
    if image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > MOST_SCANS:
        raise StudioError("input_broken")


def _moves(image: Image.Image) -> bool:
    return image.format in MOVING and bool(getattr(image, "is_animated", False))


def _why_not_read(data: bytes) -> StudioError:
    if kind := _begins_as(data, DRAWINGS) or ("SVG" if _is_svg(data) else ""):
        return StudioError("input_drawing", kind=kind)
    if kind := _begins_as(data, UNREAD):
        return StudioError("input_unread", kind=kind)
    if data[4:8] == b"ftyp" and data[8:12] in PHONE_BRANDS:
        return StudioError("input_heic")
    if data.startswith(BEGINNINGS) or data[4:12] == b"ftypavif":
        return StudioError("input_broken")
    return StudioError("input_no_picture")


def _begins_as(data: bytes, kinds: dict[bytes, str]) -> str:
    return next((name for beginning, name in kinds.items() if data.startswith(beginning)), "")


def _is_svg(data: bytes) -> bool:
    return data[:64].lstrip(b"\xef\xbb\xbf\t\r\n ").startswith(b"<") and b"<svg" in data[:65536].lower()


def _in_bytes(image: Image.Image) -> Image.Image:
    """One byte a channel: grey, RGB, RGBA, CMYK or LAB."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _from_deep_grey(image)
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Grey of 16 bits or more; by itself Pillow cuts such levels off instead of bringing them nearer."""
    levels = np.asarray(image)
    white = _white_of(image.mode, float(levels.max(initial=0, where=np.isfinite(levels))))
    grey = np.empty(levels.shape, np.uint8)
    for row in range(0, len(levels), 256):  # all at once takes a gigabyte of numbers with a point
        band = np.nan_to_num(levels[row : row + 256].astype(np.float32), posinf=0.0, neginf=0.0)
        grey[row : row + 256] = np.clip(band / white * 255 + 0.5, 0, 255)
    picture = Image.fromarray(grey)
    picture.info = {key: value for key, value in image.info.items() if key == "exif"}
    return picture


def _white_of(mode: str, brightest: float) -> float:
    """The level of white: a 16-bit file says it; others mean the nearest of the usual ones."""
    if mode.startswith("I;16"):
        return 65535.0
    whites = (1.0, 255.0, 65535.0) if mode == "F" else (255.0, 65535.0)
    return next((white for white in whites if brightest <= white), brightest)


def _upright(image: Image.Image) -> Image.Image:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception as error:  # a picture is no worse for notes of its camera that nobody can read
        log.info("a picture's EXIF cannot be read: %r", error)
    return image


def _smaller(image: Image.Image) -> _Read:
    longest = max(image.size)
    if longest <= LONGEST_SIDE:
        return image, []
    width, height = (max(1, round(side * LONGEST_SIDE / longest)) for side in image.size)
    note = Trouble(
        code="input_scaled",
        params={"width": image.width, "height": image.height, "to_width": width, "to_height": height},
    )
    small = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return small, [note]


def _as_mask(image: Image.Image) -> _Read:
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        if alpha.getextrema() != (255, 255):
            return alpha, []
    return _plain_rgb(image).convert("L"), []


def _as_picture(image: Image.Image) -> _Read:
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    profile = image.info.get("icc_profile")
    colours, notes = _in_srgb(image.convert("RGB") if alpha else image, profile)
    if alpha is None or alpha.getextrema() == (255, 255):
        return colours, notes
    white = Image.new("RGB", colours.size, "white")
    white.paste(colours, mask=alpha)
    return white, [*notes, Trouble(code="input_on_white")]


# -- colours --------------------------------------------------------------------------------------


def _in_srgb(image: Image.Image, profile: bytes | None) -> _Read:
    notes = [Trouble(code="input_print_colours")] if image.mode == "CMYK" else []
    if not profile:
        return _plain_rgb(image), notes
    try:
        return _through(image, ImageCms.ImageCmsProfile(io.BytesIO(profile))), notes
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError) as error:
        log.info("a picture's colour profile cannot be used: %r", error)
        return _plain_rgb(image), [*notes, Trouble(code="input_profile_unread")]


def _plain_rgb(image: Image.Image) -> Image.Image:
    """RGB of colours that nobody described further."""
    if image.mode == "LAB":  # the one kind that Pillow converts only by a profile
        return _through(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    return image.convert("RGB")


def _through(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    mode = SPACES[str(profile.profile.xcolor_space).strip()]
    if (image.mode in ("CMYK", "LAB") or mode in ("CMYK", "LAB")) and image.mode != mode:
        raise ValueError(f"a profile for {mode} in a picture of {image.mode}")
    to_srgb = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    if mode == "RGB" and _changes_nothing(to_srgb):
        return image.convert("RGB")
    converted = ImageCms.applyTransform(image.convert(mode), to_srgb)
    if converted is None:
        raise ValueError("nothing came of the conversion")
    return converted


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a profile is sRGB by whatever name: such pixels are kept to the last level."""
    levels = np.linspace(0, 255, 9, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    after = ImageCms.applyTransform(Image.fromarray(grid), transform)
    return bool(np.abs(np.asarray(after, dtype=np.int16) - grid).max() <= SRGB_TOLERANCE)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # Somebody waits for this: zlib's higher levels take half as long again for a tenth fewer bytes.
    picture.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
