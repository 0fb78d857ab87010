"""References for the tests of detectors."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


def scene(width: int = 150, height: int = 100) -> Image.Image:
    """A red box on a light ground, with an arc of blue in it."""
    picture = Image.new("RGB", (width, height), (225, 220, 210))
    draw = ImageDraw.Draw(picture)
    box = (width // 5, height // 5, width // 2, 4 * height // 5)
    draw.rectangle(box, fill=(200, 40, 30))
    draw.ellipse((width // 2, height // 4, 9 * width // 10, 3 * height // 4), fill=(30, 50, 160))
    return picture


def png(picture: Image.Image) -> bytes:
    """Its file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
