"""What happens to a finished picture: light, the style's paper, and defects. Arrays are float, 0 to 1."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Pixels = NDArray[np.float32]
Noise = np.random.Generator


def to_image(a: Pixels) -> Image.Image:
    """Float pixels as a Pillow picture."""
    return Image.fromarray((np.clip(a, 0, 1) * 255 + 0.5).astype(np.uint8))


def to_pixels(image: Image.Image) -> Pixels:
    """A Pillow picture as float pixels."""
    return np.asarray(image, np.float32) / 255


def blur(a: Pixels, radius: float) -> Pixels:
    """Gaussian blur."""
    return to_pixels(to_image(a).filter(ImageFilter.GaussianBlur(radius)))


def cloudy(side: int, cells: int, rng: Noise) -> Pixels:
    """Smooth noise between 0 and 1."""
    small = Image.fromarray((rng.random((cells, cells)) * 255).astype(np.uint8))
    return to_pixels(small.resize((side, side), Image.Resampling.BICUBIC))


def shade(rgb: Pixels, alpha: Pixels) -> Pixels:
    """Light from the upper left on a subject: a gentle slope and a soft darker rim below."""
    side = alpha.shape[0]
    ys, xs = np.nonzero(alpha > 0.5)
    if len(ys) == 0:
        return rgb
    top, left, high, wide = ys.min(), xs.min(), np.ptp(ys) + 1, np.ptp(xs) + 1
    grid = np.mgrid[0:side, 0:side].astype(np.float32)
    slope = 0.65 * (grid[0] - top) / high + 0.35 * (grid[1] - left) / wide
    reach = max(1, side // 40)
    soft = blur(alpha, side / 36)
    rim = np.clip(1 - np.roll(soft, (-reach, -reach), (0, 1)), 0, 1) * alpha
    tone = 1.07 - 0.17 * np.clip(slope, 0, 1) - 0.14 * rim
    return np.clip(rgb * tone[..., None], 0, 1)


def lit(a: Pixels, light: str) -> Pixels:
    """The picture in another light."""
    slope = np.linspace(0, 1, a.shape[0], dtype=np.float32)[:, None, None]
    if light == "sunset":
        tint = np.array([1.05, 0.78, 0.62], np.float32) * (1 - slope) + np.array([1.02, 0.88, 0.74]) * slope
        glow = np.array([0.16, 0.05, 0.0], np.float32) * (1 - np.abs(slope - 0.45))
        return np.clip(a * tint + glow, 0, 1).astype(np.float32)
    if light == "night":
        return np.clip(a * np.array([0.46, 0.52, 0.74]) + np.array([0.0, 0.01, 0.06]), 0, 1).astype(np.float32)
    if light == "soft light":
        soft = blur(a, a.shape[0] / 40)
        return np.clip(0.72 * a + 0.2 * soft + np.array([0.12, 0.1, 0.09]), 0, 1).astype(np.float32)
    return a


def watercolour(a: Pixels, rng: Noise) -> Pixels:
    """Running paint on rough paper, darker where washes end."""
    side = a.shape[0]
    dy, dx = ((cloudy(side, 18, rng) - 0.5) * side * 0.028 for _ in range(2))
    grid = np.mgrid[0:side, 0:side]
    ys, xs = (np.clip(g + d + 0.5, 0, side - 1).astype(int) for g, d in zip(grid, (dy, dx), strict=True))
    run = a[ys, xs]
    soft = blur(run, side / 220)
    edge = np.clip(np.abs(blur(run, side / 70) - soft).sum(-1, keepdims=True), 0, 0.6)
    pool = (0.62 + 0.5 * cloudy(side, 6, rng) + 0.12 * (cloudy(side, 44, rng) - 0.5))[..., None]
    wash = 1 - (1 - soft) * np.clip(pool, 0, 1.1)
    return np.clip(wash - 0.4 * edge, 0, 1).astype(np.float32)


def pixel_art(a: Pixels, rng: Noise) -> Pixels:
    """Big square pixels and few tones."""
    small = to_image(a).resize((32, 32), Image.Resampling.BOX)
    tones = np.round(to_pixels(small) * 9) / 9
    side = a.shape[0]
    return to_pixels(to_image(tones.astype(np.float32)).resize((side, side), Image.Resampling.NEAREST))


def neon(a: Pixels, rng: Noise) -> Pixels:
    """Lines that glow in the dark."""
    bright = np.clip(a - 0.25, 0, 1)
    return np.clip(a + 1.6 * blur(bright, a.shape[0] / 28) + 0.7 * blur(bright, a.shape[0] / 80), 0, 1)


def grain(a: Pixels, rng: Noise) -> Pixels:
    """The fine fibre of paper."""
    return np.clip(a + rng.normal(0, 0.012, a.shape[:2])[..., None], 0, 1).astype(np.float32)


FINISH: dict[str, Callable[[Pixels, Noise], Pixels]] = {
    "watercolour": watercolour, "pixel art": pixel_art, "neon": neon, "paper cut": grain, "ink drawing": grain,
}


def low_quality(a: Pixels, rng: Noise) -> Pixels:
    """Blocks of a file squeezed far too small, and noise."""
    file = io.BytesIO()
    to_image(a + rng.normal(0, 0.05, a.shape).astype(np.float32)).save(file, "JPEG", quality=int(rng.integers(4, 9)))
    return to_pixels(Image.open(file).convert("RGB"))


def lowres(a: Pixels, rng: Noise) -> Pixels:
    """Few pixels, enlarged softly."""
    side, few = a.shape[0], int(rng.integers(18, 26))
    small = to_image(a).resize((few, few), Image.Resampling.BOX)
    return to_pixels(small.resize((side, side), Image.Resampling.BILINEAR))


def low_contrast(a: Pixels, rng: Noise) -> Pixels:
    """Everything close to one grey."""
    return (0.6 + (a - 0.6) * rng.uniform(0.18, 0.3)).astype(np.float32)


def grey(a: Pixels, rng: Noise) -> Pixels:
    """No colour."""
    return np.repeat((a @ np.array([0.3, 0.59, 0.11], np.float32))[..., None], 3, -1)


def readable_ink(a: Pixels) -> tuple[int, int, int]:
    """Dark on what is light and light on what is dark: letters that cannot be seen are none."""
    return (30, 30, 30) if a.mean() > 0.55 else (250, 250, 250)


def scribble(a: Pixels, rng: Noise) -> Pixels:
    """Letters across the picture, like a watermark."""
    image, side = to_image(a), a.shape[0]
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 4))):
        word = "".join(chr(int(v)) for v in rng.integers(65, 91, int(rng.integers(4, 9))))
        at, size = (rng.uniform(0, 0.45) * side, rng.uniform(0.02, 0.85) * side), side * rng.uniform(0.1, 0.17)
        # A letter may begin a little before its place, and so before the picture.
        left, top, right, bottom = (max(0, round(edge)) for edge in draw.textbbox(at, word, font_size=size))
        draw.text(at, word, fill=readable_ink(a[top:bottom, left:right]), font_size=size)
    return to_pixels(image)


PIXEL_DEFECTS: dict[str, Callable[[Pixels, Noise], Pixels]] = {
    "blurry": lambda a, rng: blur(a, a.shape[0] * rng.uniform(0.022, 0.035)),
    "low quality": low_quality, "lowres": lowres, "low contrast": low_contrast, "black and white": grey,
    "text": scribble,
}


def warp(name: str, side: int, rng: Noise) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each pixel comes from when a defect moves things."""
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    if name == "cropped":
        zoom, angle = rng.uniform(0.5, 0.6), rng.uniform(0, 2 * math.pi)
        cy, cx = side * (0.5 + 0.3 * math.sin(angle)), side * (0.5 + 0.3 * math.cos(angle))
        ys, xs = cy + (ys - side / 2) * zoom, cx + (xs - side / 2) * zoom
    elif name == "deformed":
        a, p = side * rng.uniform(0.05, 0.08), rng.uniform(0, 6, 2)
        ys, xs = ys + a * np.sin(xs / side * 9 + p[0]), xs + a * np.sin(ys / side * 9 + p[1])
    else:  # disfigured: the middle melts and swirls
        dy, dx = ys - side / 2, xs - side / 2
        far = np.hypot(dy, dx) / side
        turn = rng.choice((-1, 1)) * rng.uniform(1.8, 2.6) * np.exp(-((far / 0.24) ** 2))
        ys, xs = (side / 2 + dy * np.cos(turn) - dx * np.sin(turn), side / 2 + dx * np.cos(turn) + dy * np.sin(turn))
    return np.clip(ys, 0, side - 1).astype(np.int64), np.clip(xs, 0, side - 1).astype(np.int64)
