"""The truth of a picture: what is in it, where, in which light and style."""

from __future__ import annotations

from dataclasses import dataclass

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (216, 54, 50),
    "orange": (240, 140, 44),
    "yellow": (248, 210, 62),
    "green": (84, 168, 80),
    "blue": (62, 120, 210),
    "purple": (142, 88, 184),
    "pink": (244, 150, 182),
    "brown": (144, 98, 64),
    "black": (62, 60, 70),
    "white": (248, 246, 240),
}
BACKGROUNDS = ("plain", "gradient", "meadow", "sea", "night sky", "snow", "city", "forest")
LIGHTS = ("day", "sunset", "night", "soft light")
STYLES = ("flat", "ink drawing", "watercolour", "pixel art", "neon", "paper cut")
POSES = ("standing", "waving", "running", "jumping", "sitting")
EXPRESSIONS = ("smiling", "sad", "surprised", "sleeping")
DETAILS = ("hat", "scarf", "glasses", "bow", "flower", "stripes", "dots", "guitar")
RELATIONS = ("left", "right", "above", "below")
DEFECTS = (
    "blurry",
    "low quality",
    "lowres",
    "low contrast",
    "black and white",
    "cropped",
    "deformed",
    "disfigured",
    "text",
)


@dataclass(frozen=True)
class Thing:
    """One subject at its place; x, y and size are shares of the picture's side."""

    subject: str
    colour: str
    x: float
    y: float
    size: float
    seed: int = 0
    details: tuple[str, ...] = ()
    pose: str = ""
    expression: str = ""
    flip: bool = False


@dataclass(frozen=True)
class Scene:
    """Everything a picture shows; the same scene always draws the same picture."""

    things: tuple[Thing, ...]
    background: str = "plain"
    light: str = "day"
    style: str = "flat"
    relation: str = ""
    defects: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse words the world does not know."""
        known = ((self.background, BACKGROUNDS), (self.light, LIGHTS), (self.style, STYLES))
        for word, words in known:
            if word not in words:
                raise ValueError(f"unknown word {word!r}; known: {', '.join(words)}")
        for thing in self.things:
            if thing.colour not in COLOURS:
                raise ValueError(f"unknown colour {thing.colour!r}")
        unknown = set(self.defects) - set(DEFECTS)
        if unknown:
            raise ValueError(f"unknown defects {sorted(unknown)}")

    @property
    def count(self) -> int:
        """How many subjects there are."""
        return len(self.things)
