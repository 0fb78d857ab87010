"""What a person fills in, value by value."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from studio.messages.base import LARGEST_LORA_WEIGHT, Balance, Digest, Message, NegativeCounts, Size, Trouble

LANCZOS = "lanczos"
"""The upscaler that every studio has: it needs no weights."""
LATENT = "latent"
"""Enlarges what the denoiser works on, before it is decoded; of use only where more painting follows."""


Point = tuple[float, float] | None
"""A place in pixels of a picture; None where it is not seen."""
HandPoints = Annotated[tuple[Point, ...], Field(min_length=21, max_length=21)]


class Figure(Message):
    """Somebody in a picture, by the points of OpenPose and in its order; left and right are the person's own."""

    joints: Annotated[tuple[Point, ...], Field(min_length=18, max_length=18)]
    left_hand: HandPoints | None = None
    right_hand: HandPoints | None = None
    face: Annotated[tuple[Point, ...], Field(min_length=70, max_length=70)] | None = None


class Input(Message):
    """A picture that somebody brought, as it was kept: upright, in plain colours, whole."""

    picture: Digest
    size: Size
    notes: tuple[Trouble, ...] = Field(default=(), description="what was changed about it, to be told")
    figures: tuple[Figure, ...] = Field(
        default=(), description="who is drawn in it, where it is a map of poses"
    )


class Start(Message):
    """The picture that painting starts from, and how far it may depart from it."""

    picture: Digest
    strength: float = Field(default=0.6, ge=0, le=1)
    fit: Literal["crop", "stretch"] = Field(default="crop", description="how it takes another shape")


class Mask(Message):
    """What of the start is painted anew: where the mask is white."""

    picture: Digest
    feather: int = Field(default=8, ge=0, le=64, description="pixels in which new runs into old")
    invert: bool = False
    area: Literal["whole", "masked"] = Field(
        default="whole", description="the picture as it is, or the masked region at the model's full size"
    )
    margin: int = Field(default=32, ge=0, le=256, description="pixels around the masked region")
    fill: Literal["original", "blurred", "noise", "nothing"] = Field(
        default="original", description="what lies under the mask as painting starts"
    )


class Outpaint(Message):
    """How many pixels the start grows by on each side."""

    left: int = Field(default=0, ge=0)
    right: int = Field(default=0, ge=0)
    top: int = Field(default=0, ge=0)
    bottom: int = Field(default=0, ge=0)
    feather: int = Field(default=16, ge=0, le=128)


class Variation(Message):
    """Another seed mixed into a picture's noise: 0 is the picture, 1 is the other seed's."""

    seed: int = Field(ge=0)
    weight: float = Field(ge=0, le=1)


Tiling = Literal["none", "both", "across", "down"]
"""In which directions a picture continues seamlessly beside itself."""


class Base(Message):
    """The first stage: the picture itself."""

    kind: Literal["base"] = "base"


class HighResolution(Message):
    """A second pass: enlarged, then painted over at the new size."""

    kind: Literal["high_resolution"] = "high_resolution"
    factor: float = Field(default=2.0, gt=1, le=4)
    strength: float = Field(default=0.5, gt=0, le=1)
    steps: int = Field(default=0, ge=0, description="0: as many as the base")
    upscaler: str = LATENT


class Upscale(Message):
    """The picture enlarged, nothing painted anew."""

    kind: Literal["upscale"] = "upscale"
    factor: float = Field(default=2.0, gt=1, le=8)
    upscaler: str = LANCZOS


Stage = Annotated[Base | HighResolution | Upscale, Field(discriminator="kind")]
StageKind = TypeVar("StageKind", Base, HighResolution, Upscale)


class EmbeddingUse(Message):
    """An embedding that a prompt names, with the file it is read from."""

    name: str
    path: str
    sha256: str = ""


class ControlUnit(Message):
    """A reference: what kind of condition is taken from which picture, and how much it counts."""

    kind: str = Field(description="a key of the table of control kinds")
    picture: Digest
    map: bool = Field(default=False, description="the picture is a map already: nothing is detected")
    detector: str = Field(default="", description="empty: the kind's first")
    settings: dict[str, float] = Field(default={}, description="of the detector; what is left out is its own")
    net: str = Field(
        default="",
        description="the entry that follows it; empty: the first that fits the model, or none where colours are held",
    )
    weight: float = Field(default=1.0, ge=0, le=2)
    start: float = Field(default=0.0, ge=0, le=1, description="share of the steps where it begins to count")
    end: float = Field(default=1.0, ge=0, le=1, description="share of the steps where it ends")
    balance: Balance = Field(default="even", description="which counts more")
    fit: Literal["crop", "fill", "stretch"] = Field(default="crop", description="how it takes another shape")
    muted: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is followed at all."""
        return not self.muted and self.weight > 0


class LoraUse(Message):
    """A LoRA that a picture is painted with, and how much it counts."""

    id: str
    weight: float = Field(default=1.0, ge=-LARGEST_LORA_WEIGHT, le=LARGEST_LORA_WEIGHT)
    text_encoder_weight: float | None = Field(
        default=None,
        ge=-LARGEST_LORA_WEIGHT,
        le=LARGEST_LORA_WEIGHT,
        description="apart from the denoiser's; None: the same",
    )
    name: str = Field(default="", description="as a prompt names it; empty: not looked up yet")
    sha256: str = Field(default="", description="of its file; empty: not worked out yet")

    @property
    def tag(self) -> str:
        """The same as a prompt would ask for it; a name that cannot stand in a tag gives way to the id."""
        name = self.id if set(self.name) & set("<>:") or not self.name.strip() else self.name
        apart = self.on_text != self.weight
        weights = (self.on_text, self.weight) if apart else (self.weight,)
        return f"<lora:{name}:{':'.join(map(_number, weights))}>"

    @property
    def on_text(self) -> float:
        """How much it counts in the text encoders."""
        return self.weight if self.text_encoder_weight is None else self.text_encoder_weight

    @property
    def counts(self) -> bool:
        """Whether it changes anything."""
        return bool(self.weight or self.on_text)


class LoraMix(Message):
    """LoRAs with their weights, saved under a name."""

    id: str
    name: str
    uses: tuple[LoraUse, ...]


def _number(weight: float) -> str:
    return f"{weight:.6f}".rstrip("0").rstrip(".") or "0"


class Draft(Message):
    """What a surface collects: model and prompt, everything else optional."""

    model: str
    prompt: str = ""
    negative: str | None = None
    translated: str = Field(
        default="",
        description="what is painted in place of the prompt, in the model's language; empty: the prompt",
    )
    translated_negative: str = ""
    styles: tuple[str, ...] = Field(default=(), description="ids, in the order they go around the prompt")
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    seed: int | None = None
    count: int = 1
    clip_skip: int | None = None
    vae: str | None = None
    negative_counts: NegativeCounts | None = None
    tiling: Tiling = "none"
    variation: Variation | None = None
    start: Start | None = None
    mask: Mask | None = None
    outpaint: Outpaint | None = None
    controls: tuple[ControlUnit, ...] = ()
    loras: tuple[LoraUse, ...] = Field(default=(), description="beside those that the prompts name")
    high_resolution: HighResolution | None = None
    upscale: Upscale | None = None
    base: bool = Field(default=True, description="False: the start is upscaled and nothing is painted")
