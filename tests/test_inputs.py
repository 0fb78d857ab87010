"""Pictures that people bring: every kind is read as it looks, or refused in plain words."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin, TiffTags

from studio import inputs as module
from studio.errors import StudioError, say_trouble
from studio.inputs import LONGEST_SIDE, Inputs
from studio.messages import LANGUAGES, Input, Size

ORIENTATION = 0x0112
TURNS: dict[int, Callable[[Image.Image], Image.Image]] = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}
"""How a camera held in each way stores a picture that is upright in the world."""


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path)


def scene(width: int = 60, height: int = 40) -> Image.Image:
    """A different colour in each quarter, so that every turn and flip shows."""
    image = Image.new("RGB", (width, height), (250, 10, 20))
    half = (width // 2, height // 2)
    image.paste((20, 200, 30), (half[0], 0, width, half[1]))
    image.paste((30, 40, 220), (0, half[1], half[0], height))
    image.paste((240, 220, 60), (half[0], half[1], width, height))
    return image


def file(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int, height: int) -> Image.Image:
    """A picture that no format makes small."""
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def apart(one: Image.Image, other: Image.Image) -> int:
    assert one.size == other.size
    return int(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).max())


def quarters(image: Image.Image) -> list[tuple[int, ...]]:
    """The colour in the middle of each quarter."""
    return [
        image.getpixel((image.width * x // 4, image.height * y // 4))  # type: ignore[misc]
        for y in (1, 3)
        for x in (1, 3)
    ]


def notes(kept: Input) -> list[str]:
    return [note.code for note in kept.notes]


def refusal(inputs: Inputs, data: bytes) -> str:
    with pytest.raises(StudioError) as caught:
        inputs.keep(data)
    for language in LANGUAGES:
        said = say_trouble(language, caught.value.trouble)
        assert "{" not in said and "(input" not in said
    return caught.value.code


# -- keeping --------------------------------------------------------------------------------------


def test_a_picture_is_kept_under_the_hash_of_its_file_and_found_again(inputs: Inputs) -> None:
    kept = inputs.keep(file(scene(), "PNG"))
    assert kept.size == inputs.size(kept.picture) == Size(width=60, height=40)
    assert kept.notes == ()
    assert module.hashlib.sha256(inputs.path(kept.picture).read_bytes()).hexdigest() == kept.picture
    assert inputs.open(kept.picture).mode == "RGB"
    assert apart(inputs.open(kept.picture), scene()) == 0


def test_the_same_picture_from_two_files_is_kept_once(inputs: Inputs, tmp_path: Path) -> None:
    first = inputs.keep(file(scene(), "PNG"))
    second = inputs.keep(file(scene(), "BMP"))
    assert first.picture == second.picture
    assert [path.name for path in (tmp_path / "inputs").iterdir()] == [f"{first.picture}.png"]


def test_what_a_camera_or_a_program_wrote_beside_the_pixels_is_not_kept(inputs: Inputs) -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("where", "51.5N 0.1W")
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    kept = inputs.keep(file(scene(), "PNG", pnginfo=said, exif=exif))
    stored = inputs.path(kept.picture).read_bytes()
    assert b"51.5N" not in stored and b"a camera" not in stored
    assert stored == inputs.path(inputs.keep(file(scene(), "PNG")).picture).read_bytes()


@pytest.mark.parametrize(
    "digest", ["", "0" * 64, "../cookie.secret", "a" * 63 + "/", "A" * 64, "0" * 64 + "\n", "*" * 64]
)
def test_what_was_never_kept_is_unknown_and_no_path(inputs: Inputs, digest: str) -> None:
    inputs.keep(file(scene(), "PNG"))
    for ask in (inputs.path, inputs.size, inputs.open, inputs.mask):
        with pytest.raises(StudioError) as caught:
            ask(digest)
        assert caught.value.code == "input_unknown"


def test_a_disk_that_takes_nothing_is_said_and_leaves_nothing(inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "inputs").write_text("a file where the folder should be")
    with pytest.raises(StudioError) as caught:
        inputs.keep(file(scene(), "PNG"))
    assert caught.value.code == "disk_unwritable"


def test_a_kept_file_that_was_damaged_is_said(inputs: Inputs) -> None:
    kept = inputs.keep(file(scene(), "PNG"))
    inputs.path(kept.picture).write_bytes(b"nothing")
    with pytest.raises(StudioError) as caught:
        inputs.open(kept.picture)
    assert caught.value.code == "input_broken"


# -- kinds ----------------------------------------------------------------------------------------

LOSSLESS = {
    "PNG": {},
    "BMP": {},
    "PPM": {},
    "QOI": {},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"lossless": True},
}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_kinds_come_through_to_the_pixel(inputs: Inputs, kind: str) -> None:
    kept = inputs.keep(file(noise(33, 17), kind, **LOSSLESS[kind]))
    assert apart(inputs.open(kept.picture), noise(33, 17)) == 0
    assert kept.notes == ()


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("WEBP", {}), ("AVIF", {}), ("GIF", {})])
def test_other_kinds_come_through_as_they_look(inputs: Inputs, kind: str, options: dict[str, int]) -> None:
    kept = inputs.keep(file(scene(64, 64), kind, **options))
    pairs = zip(quarters(inputs.open(kept.picture)), quarters(scene(64, 64)), strict=True)
    assert max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)) < 12


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "LA", "RGBA", "PA"])
def test_every_mode_is_kept_as_plain_colours(inputs: Inputs, mode: str) -> None:
    image = scene().convert("P").convert("PA") if mode == "PA" else scene().convert(mode)
    kept = inputs.keep(file(image, "TIFF" if mode in ("CMYK", "PA") else "PNG"))
    assert apart(inputs.open(kept.picture), image.convert("RGB")) == 0


def test_colours_by_lightness_are_kept_as_they_look(inputs: Inputs) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(scene(), srgb, lab, outputMode="LAB")
    assert image
    assert apart(inputs.open(inputs.keep(file(image, "TIFF")).picture), scene()) < 12


def test_sixteen_bits_of_grey_keep_their_levels(inputs: Inputs) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (4, 1))
    kept = inputs.open(inputs.keep(file(Image.fromarray(ramp), "PNG")).picture)
    assert np.array_equal(np.asarray(kept)[0, :, 0], np.arange(256))


def test_sixteen_bits_of_colour_keep_their_levels(inputs: Inputs) -> None:
    levels = np.linspace(0, 65535, 256).astype(">u2")
    row = b"\0" + np.repeat(levels, 3).tobytes()
    kept = inputs.open(inputs.keep(png(256, 1, 16, 2, zlib.compress(row))).picture)
    assert np.abs(np.asarray(kept, np.int16)[0, :, 1] - np.arange(256)).max() <= 1


def test_numbers_with_a_point_are_read_as_brightness(inputs: Inputs) -> None:
    ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (2, 1))
    ramp[1, :2] = np.nan, np.inf
    kept = inputs.open(inputs.keep(file(Image.fromarray(ramp), "TIFF")).picture)
    assert np.array_equal(np.asarray(kept)[0, :, 0], np.arange(256))
    assert kept.getpixel((0, 1)) == kept.getpixel((1, 1)) == (0, 0, 0)


@pytest.mark.parametrize(("brightest", "white"), [(200, 255), (60000, 65535), (2**30, 2**30)])
def test_whole_numbers_of_any_size_are_read_as_brightness(inputs: Inputs, brightest: int, white: int) -> None:
    levels = np.array([[0, brightest // 2, brightest]], dtype=np.int32)
    kept = inputs.open(inputs.keep(file(Image.fromarray(levels), "TIFF")).picture)
    found = np.asarray(kept, np.int16)[0, :, 0]
    assert np.abs(found - levels[0] / white * 255).max() <= 1


def test_a_picture_of_one_pixel_is_a_picture(inputs: Inputs) -> None:
    kept = inputs.keep(file(Image.new("RGB", (1, 1), (9, 8, 7)), "PNG"))
    assert kept.size == Size(width=1, height=1)
    assert inputs.open(kept.picture).getpixel((0, 0)) == (9, 8, 7)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("way", TURNS)
def test_a_photo_stands_upright_however_the_camera_was_held(inputs: Inputs, kind: str, way: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = way
    kept = inputs.open(inputs.keep(file(TURNS[way](scene()), kind, exif=exif)).picture)
    assert kept.size == (60, 40)
    pairs = zip(quarters(kept), quarters(scene()), strict=True)
    assert max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)) < 20


def test_notes_of_a_camera_that_nobody_can_read_spoil_no_photo(inputs: Inputs) -> None:
    data = file(scene(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + bytes(range(64)))
    assert inputs.keep(data).size == Size(width=60, height=40)


# -- transparency, frames, size -------------------------------------------------------------------


def test_what_is_transparent_becomes_white_and_that_is_said(inputs: Inputs) -> None:
    image = scene().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 10, 10))
    image.paste((0, 0, 0, 128), (10, 0, 20, 10))
    kept = inputs.keep(file(image, "PNG"))
    picture = inputs.open(kept.picture)
    assert notes(kept) == ["input_on_white"]
    assert picture.getpixel((5, 5)) == (255, 255, 255)
    assert picture.getpixel((15, 5)) == (127, 127, 127)
    assert picture.getpixel((25, 5)) == (250, 10, 20)


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_one_transparent_colour_is_transparency_too(inputs: Inputs, mode: str) -> None:
    image = Image.new(mode, (8, 8), 0 if mode != "RGB" else (1, 2, 3))
    kept = inputs.keep(file(image, "PNG", transparency=0 if mode != "RGB" else (1, 2, 3)))
    assert notes(kept) == ["input_on_white"]
    assert inputs.open(kept.picture).getpixel((4, 4)) == (255, 255, 255)


def test_transparency_that_hides_nothing_is_not_worth_a_word(inputs: Inputs) -> None:
    assert notes(inputs.keep(file(scene().convert("RGBA"), "PNG"))) == []


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_of_what_moves_the_first_frame_is_kept_and_that_is_said(inputs: Inputs, kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if kind == "WEBP" else {}
    kept = inputs.keep(file(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    assert notes(kept) == ["input_first_frame"]
    red, green, blue = inputs.open(kept.picture).getpixel((8, 8))  # type: ignore[misc]
    assert red > 240 and green < 15 and blue < 15


def test_a_phones_small_copy_beside_its_photo_is_no_second_frame(inputs: Inputs) -> None:
    kept = inputs.keep(file(scene(), "MPO", save_all=True, append_images=[scene(30, 20)]))
    assert (kept.notes, kept.size) == ((), Size(width=60, height=40))


def test_a_large_picture_is_kept_smaller_in_its_shape_and_that_is_said(inputs: Inputs) -> None:
    kept = inputs.keep(file(scene(LONGEST_SIDE * 2, 64), "PNG"))
    assert kept.size == Size(width=LONGEST_SIDE, height=32)
    (note,) = kept.notes
    assert note.code == "input_scaled"
    assert note.params == {"width": 8192, "height": 64, "to_width": 4096, "to_height": 32}
    assert "8192 × 64" in say_trouble("en", note) and "4096 × 32" in say_trouble("zh", note)
    assert quarters(inputs.open(kept.picture)) == quarters(scene())


def test_a_line_of_pixels_keeps_its_one_pixel(inputs: Inputs) -> None:
    assert inputs.keep(file(scene(20000, 2), "PNG")).size == Size(width=4096, height=1)


# -- refusals -------------------------------------------------------------------------------------


def png(width: int, height: int, depth: int, colour: int, data: bytes) -> bytes:
    """A PNG by hand, with whatever header."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "input_empty"),
        (b"hello, this is no picture", "input_no_picture"),
        (b"PK\x03\x04" + bytes(100), "input_no_picture"),
        (b"%PDF-1.7\n%...", "input_drawing"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage", "input_drawing"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "input_drawing"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg/>', "input_drawing"),
        (b"<html><body>not found</body></html>", "input_no_picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "input_heic"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64), "input_no_picture"),
        (b"\xff\x0a" + bytes(64), "input_unread"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(64), "input_unread"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "input_broken"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "input_broken"),
        (b"RIFF\x40\0\0\0WEBPVP8 " + bytes(40), "input_broken"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(inputs: Inputs, data: bytes, code: str) -> None:
    assert refusal(inputs, data) == code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "PPM", "QOI"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
def test_a_file_that_was_cut_short_is_refused(
    inputs: Inputs, tmp_path: Path, kind: str, share: float
) -> None:
    whole = file(noise(64, 64), kind)
    assert refusal(inputs, whole[: max(12, int(len(whole) * share))]) in ("input_broken", "input_no_picture")
    assert not (tmp_path / "inputs").exists()


def test_what_a_camera_saw_raw_is_not_taken_for_its_thumbnail(inputs: Inputs) -> None:
    tags = {254: 1}
    assert refusal(inputs, file(scene(), "TIFF", tiffinfo=tags)) == "input_unread"
    assert refusal(inputs, file(scene(), "TIFF", tiffinfo={50706: b"\1\4\0\0"})) == "input_unread"


BOMBS = {
    "wide": png(2**31 - 1, 2**31 - 1, 8, 2, b""),
    "many pixels in few bytes": png(8001, 8000, 8, 2, zlib.compress(bytes(24003 * 10))),
    "more than Pillow warns of": png(12000, 12000, 8, 2, b""),
    "bmp": b"BM"
    + struct.pack("<IHHI", 70, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 50000, 50000, 1, 24, *[0] * 6),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "qoi": b"qoif" + struct.pack(">II", 40000, 40000) + b"\3\0",
    "ppm": b"P6 90000 90000 255\n",
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_beyond_measure_is_refused_before_it_is_decoded(
    inputs: Inputs, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image.core, "new", forbidden)
    monkeypatch.setattr(Image.core, "fill", forbidden)
    tracemalloc.start()
    try:
        assert refusal(inputs, BOMBS[name]) == "input_too_large"
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def forbidden(*_: object) -> None:
    raise AssertionError("memory was taken for pixels")


def test_just_within_the_measure_a_picture_is_read(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PIXELS", 2400)
    assert inputs.keep(file(scene(60, 40), "PNG")).size == Size(width=60, height=40)
    assert refusal(inputs, file(scene(61, 40), "PNG")) == "input_too_large"


def test_a_jpeg_of_a_thousand_passes_is_refused(inputs: Inputs) -> None:
    whole = file(scene(), "JPEG", progressive=True)
    scan = whole.index(b"\xff\xda")
    assert (
        refusal(inputs, whole[:scan] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 1000 + whole[scan:])
        == "input_broken"
    )
    assert inputs.keep(whole).notes == ()


def test_a_tile_larger_than_any_picture_is_refused(inputs: Inputs) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for private in (65000, 65001):
        tags.tagtype[private], tags[private] = TiffTags.LONG, 60000
    data = file(scene(), "TIFF", tiffinfo=tags)
    assert inputs.keep(data)
    for private, real in ((65000, 322), (65001, 323)):
        entry = struct.pack("<HHI", private, TiffTags.LONG, 1)
        assert data.count(entry) == 1
        data = data.replace(entry, struct.pack("<HHI", real, TiffTags.LONG, 1))
    assert refusal(inputs, data) == "input_too_large"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "PPM", "QOI"]),
    harm=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=12),
)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_is_kept_or_refused_and_nothing_else(
    inputs: Inputs, kind: str, harm: list[tuple[float, int]]
) -> None:
    data = bytearray(file(scene(16, 12), kind))
    for place, value in harm:
        data[int(place * len(data))] = value
    try:
        kept = inputs.keep(bytes(data))
    except StudioError as error:
        assert error.code.startswith("input_")
    else:
        assert inputs.open(kept.picture).size == (kept.size.width, kept.size.height)


# -- colours --------------------------------------------------------------------------------------


def display_p3() -> bytes:
    """A profile of Display P3 by hand: its primaries, with a gamma of 2.2."""
    return matrix_profile(
        [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)]
    )


def matrix_profile(primaries: list[tuple[float, float, float]]) -> bytes:
    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(fixed(value) for value in values)

    gamma = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    tags = {b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    tags |= {name: xyz(values) for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma)
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def test_colours_of_another_profile_are_brought_to_srgb(inputs: Inputs) -> None:
    image = Image.new("RGB", (8, 8), (200, 120, 80))
    plain = inputs.open(inputs.keep(file(image, "PNG")).picture).getpixel((4, 4))
    shown = inputs.open(inputs.keep(file(image, "PNG", icc_profile=display_p3())).picture).getpixel((4, 4))
    assert plain == (200, 120, 80)
    red, green, blue = shown  # type: ignore[misc]
    # Wider primaries: the same numbers are a stronger colour.
    assert red > 205 and green < 120 and blue < 80


def test_a_grey_of_another_profile_stays_grey(inputs: Inputs) -> None:
    image = Image.new("RGB", (8, 8), (128, 128, 128))
    red, green, blue = inputs.open(
        inputs.keep(file(image, "PNG", icc_profile=display_p3())).picture
    ).getpixel((4, 4))  # type: ignore[misc]
    assert max(red, green, blue) - min(red, green, blue) <= 2


def test_transparency_survives_another_profile(inputs: Inputs) -> None:
    image = Image.new("RGBA", (8, 8), (200, 120, 80, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    kept = inputs.keep(file(image, "PNG", icc_profile=display_p3()))
    picture = inputs.open(kept.picture)
    assert notes(kept) == ["input_on_white"]
    assert picture.getpixel((1, 1)) == (255, 255, 255)
    assert picture.getpixel((6, 6))[0] > 205  # type: ignore[index]


def test_srgb_under_a_name_is_left_to_the_last_level(inputs: Inputs) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kept = inputs.keep(file(noise(32, 32), "PNG", icc_profile=profile))
    assert apart(inputs.open(kept.picture), noise(32, 32)) == 0


@pytest.mark.parametrize("profile", [b"rubbish", b"", display_p3()[:200], bytes(4000)])
def test_a_profile_that_cannot_be_used_is_said_and_the_picture_kept(inputs: Inputs, profile: bytes) -> None:
    kept = inputs.keep(file(scene(), "PNG", icc_profile=profile))
    assert notes(kept) == (["input_profile_unread"] if profile else [])
    assert apart(inputs.open(kept.picture), scene()) == 0


def test_colours_for_print_are_brought_to_the_screen_and_that_is_said(inputs: Inputs) -> None:
    kept = inputs.keep(file(scene().convert("CMYK"), "JPEG", quality=95, subsampling=0))
    assert notes(kept) == ["input_print_colours"]
    pairs = zip(quarters(inputs.open(kept.picture)), quarters(scene()), strict=True)
    assert max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)) < 12


def test_a_profile_for_the_screen_in_a_picture_for_print_is_not_used(inputs: Inputs) -> None:
    kept = inputs.keep(file(scene().convert("CMYK"), "TIFF", icc_profile=display_p3()))
    assert notes(kept) == ["input_print_colours", "input_profile_unread"]


# -- masks ----------------------------------------------------------------------------------------


def half(mode: str, ground: object, drawn: object) -> Image.Image:
    """The left half drawn on."""
    image = Image.new(mode, (8, 4), ground)  # type: ignore[arg-type]
    image.paste(drawn, (0, 0, 4, 4))  # type: ignore[arg-type]
    return image


@pytest.mark.parametrize(
    "drawn",
    [
        half("L", 0, 255),
        half("1", 0, 1),
        half("RGB", "black", "white"),
        half("RGBA", (0, 0, 0, 255), (255, 255, 255, 255)),
        half("RGBA", (0, 0, 0, 0), (255, 255, 255, 255)),
        half("RGBA", (255, 255, 255, 0), (20, 30, 200, 255)),
        half("LA", (0, 0), (0, 255)),
        half("P", 0, 1).convert("P"),
        Image.fromarray(np.asarray(half("L", 0, 255)).astype(np.uint16) * 257),
    ],
    ids=[
        "grey",
        "one bit",
        "colour",
        "opaque",
        "strokes",
        "coloured strokes",
        "dark strokes",
        "palette",
        "16 bit",
    ],
)
def test_what_is_white_or_drawn_on_nothing_is_painted_anew(inputs: Inputs, drawn: Image.Image) -> None:
    if drawn.mode == "P":
        drawn.putpalette([0, 0, 0, 255, 255, 255])
    kept = inputs.keep_mask(file(drawn, "PNG"))
    mask = inputs.mask(kept.picture)
    assert (mask.mode, mask.size) == ("L", (8, 4))
    assert np.array_equal(np.asarray(mask), np.asarray(half("L", 0, 255)))


def test_a_soft_mask_stays_soft(inputs: Inputs) -> None:
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    assert apart(inputs.mask(inputs.keep_mask(file(ramp, "PNG")).picture), ramp) == 0


def test_an_empty_or_a_broken_mask(inputs: Inputs) -> None:
    empty = inputs.keep_mask(file(Image.new("L", (8, 8)), "PNG"))
    assert inputs.mask(empty.picture).getextrema() == (0, 0)
    with pytest.raises(StudioError) as caught:
        inputs.keep_mask(b"nothing")
    assert caught.value.code == "input_no_picture"


def test_a_picture_can_serve_as_a_mask(inputs: Inputs) -> None:
    kept = inputs.keep(file(half("RGB", "black", "white"), "PNG"))
    assert np.array_equal(np.asarray(inputs.mask(kept.picture)), np.asarray(half("L", 0, 255)))
