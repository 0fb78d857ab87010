"""What a device is asked to do, and what comes of it."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from studio.messages.base import RECORD_FORMAT, Digest, Message, NegativeCounts, Size, Trouble
from studio.messages.forms import (
    LANCZOS,
    LATENT,
    Base,
    ControlUnit,
    Draft,
    EmbeddingUse,
    LoraUse,
    Mask,
    Outpaint,
    Stage,
    StageKind,
    Start,
    Tiling,
    Variation,
)
from studio.messages.training import Preset, TrainingPicture, TrainingSettings


class Request(Message):
    """Base of every kind of work: complete, checked, ready for a device."""

    id: str
    job: str
    person: str
    priority: int = 0

    @property
    def parts(self) -> tuple[str, ...]:
        """The entries that this request needs beside a model."""
        return ()

    @property
    def light(self) -> bool:
        """Whether it is over in a moment: it then comes before its person's own pictures."""
        return True

    @property
    def long(self) -> bool:
        """Whether it takes so long that a device does other things in between."""
        return False


class GenerationRequest(Request):
    """One picture: every seed chosen, every limit checked, its stages named."""

    kind: Literal["generate"] = "generate"
    model: str
    prompt: str = Field(description="what is painted: styles applied, alternatives and wildcards chosen")
    negative: str
    written: str = Field(default="", description="what was written; empty with no styles: what is painted")
    written_negative: str = ""
    translated: str = Field(
        default="",
        description="what was written in the model's language, before styles and chance; empty: as it is",
    )
    translated_negative: str = ""
    styles: tuple[str, ...] = ()
    width: int
    height: int
    steps: int
    guidance: float
    sampler: str
    seed: int
    clip_skip: int = Field(default=1, ge=1, description="1: the text encoder's last layer")
    vae: str = Field(default="", description="empty: the model's own")
    negative_counts: NegativeCounts = "full"
    tiling: Tiling = "none"
    variation: Variation | None = None
    start: Start | None = None
    mask: Mask | None = None
    outpaint: Outpaint | None = None
    controls: tuple[ControlUnit, ...] = ()
    loras: tuple[LoraUse, ...] = Field(
        default=(), description="what is painted with: the prompts' own, taken out of them, and those beside"
    )
    written_loras: tuple[LoraUse, ...] = Field(default=(), description="those beside, as they were asked for")
    detectors: tuple[str, ...] = Field(
        default=(), description="the entries that read the references, beside the nets that follow them"
    )
    embeddings: tuple[EmbeddingUse, ...] = ()
    stages: tuple[Stage, ...] = (Base(),)

    @property
    def light(self) -> bool:
        """A picture takes its time."""
        return False

    @property
    def measures_negative(self) -> bool:
        """Whether it is painted against a negative of which only as much counts as is needed."""
        return self.negative_counts == "needed" and bool(self.negative.strip()) and self.guidance > 1

    @property
    def as_written(self) -> tuple[str, str]:
        """Prompt and negative as a person wrote them."""
        if self.written or self.written_negative or self.styles:
            return self.written, self.written_negative
        return self.prompt, self.negative

    @property
    def paints(self) -> bool:
        """Whether a model paints, or the start is only enlarged."""
        return any(stage.kind != "upscale" for stage in self.stages)

    @property
    def references(self) -> tuple[ControlUnit, ...]:
        """The references that are followed: none that is muted or weighs nothing."""
        return tuple(unit for unit in self.controls if unit.counts) if self.paints else ()

    def stage(self, kind: type[StageKind]) -> StageKind | None:
        """The stage of a kind, if the request has it."""
        return next((one for one in self.stages if isinstance(one, kind)), None)

    @property
    def parts(self) -> tuple[str, ...]:
        """The entries beside the model that this request needs: a VAE, control nets, LoRAs, upscalers."""
        upscalers = [one.upscaler for one in self.stages if not isinstance(one, Base)]
        nets = [unit.net for unit in self.references]
        loras = [use.id for use in self.loras]
        named = [self.vae, *self.detectors, *nets, *loras, *upscalers] if self.paints else upscalers
        return tuple(dict.fromkeys(id for id in named if id not in ("", LANCZOS, LATENT)))


class TranslateRequest(Request):
    """Texts in another language."""

    kind: Literal["translate"] = "translate"
    translator: str
    texts: tuple[str, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """The translator."""
        return (self.translator,)


class CaptionRequest(Request):
    """What can be seen in pictures, in words."""

    kind: Literal["caption"] = "caption"
    captioner: str
    pictures: tuple[Digest, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """The captioner."""
        return (self.captioner,)

    @property
    def light(self) -> bool:
        """Looking at pictures takes its time."""
        return False


class DetectRequest(Request):
    """The map of a reference: what a model will follow of it."""

    kind: Literal["detect"] = "detect"
    unit: ControlUnit
    entry: str = Field(default="", description="the detector's weights; empty: it needs none")
    beside: tuple[str, ...] = Field(default=(), description="further weights, such as those for hands")

    @property
    def parts(self) -> tuple[str, ...]:
        """The detector, where it has weights, and what it takes besides."""
        return (self.entry, *self.beside) if self.entry else ()


class TrainingRequest(Request):
    """A LoRA: its pictures captioned, every setting chosen."""

    kind: Literal["train"] = "train"
    model: str
    name: str = Field(description="of the LoRA's file, without its ending")
    trigger: str = ""
    preset: Preset
    pictures: tuple[TrainingPicture, ...]
    settings: TrainingSettings
    samples: tuple[str, ...] = Field(default=(), description="prompts; the first one's last is its picture")
    sample_every: int = Field(default=100, ge=1, description="steps from one sample to the next")
    sample_size: Size
    early: bool = Field(default=False, description="whether it ends with what it has learned so far")

    @property
    def parts(self) -> tuple[str, ...]:
        """The model that it is trained on."""
        return (self.model,)

    @property
    def light(self) -> bool:
        """It takes longer than anything else."""
        return False

    @property
    def long(self) -> bool:
        """A device takes turns between it and whatever else is asked for."""
        return True


AnyRequest = Annotated[
    GenerationRequest | TranslateRequest | CaptionRequest | DetectRequest | TrainingRequest,
    Field(discriminator="kind"),
]


class Media(Message):
    """A picture's bytes; `rgb` is rows of raw pixels, the form in which a device hands one over."""

    kind: Literal["rgb", "png", "jpeg"]
    size: Size
    sha256: str
    data: bytes = Field(repr=False)

    @classmethod
    def of(cls, kind: Literal["rgb", "png", "jpeg"], width: int, height: int, data: bytes) -> Media:
        """A picture with its hash worked out."""
        digest = hashlib.sha256(data).hexdigest()
        return cls(kind=kind, size=Size(width=width, height=height), sha256=digest, data=data)


class Recipe(Message):
    """What makes a picture again, with what it was made on."""

    format: int = RECORD_FORMAT
    request: GenerationRequest
    model_title: str
    model_hash: str = ""
    mode: str = Field(default="", description="device and number type, for example `cpu bfloat16`")
    took: float = Field(default=0.0, description="seconds")
    studio: str = ""


class Picture(Message):
    """A kept picture: its file is the truth, this is its line in the index."""

    id: str
    person: str
    job: str
    created: float = Field(description="seconds since 1970")
    size: Size
    recipe: Recipe


JobState = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled", "interrupted")


class Job(Message):
    """One or several requests of one draft, and their state on disk."""

    format: int = RECORD_FORMAT
    id: str
    person: str
    draft: Draft | None = Field(
        default=None, description="None: what comes of it is no picture of the gallery"
    )
    requests: tuple[AnyRequest, ...]
    state: JobState = "queued"
    created: float
    pictures: tuple[str, ...] = ()
    ended: tuple[str, ...] = Field(default=(), description="ids of the requests that need no more work")
    trouble: Trouble | None = None

    @property
    def paintings(self) -> tuple[GenerationRequest, ...]:
        """The requests that make pictures of the gallery."""
        return tuple(request for request in self.requests if isinstance(request, GenerationRequest))

    @property
    def kept(self) -> bool:
        """Whether it is kept on record: a picture and a LoRA are, the answer to a question is not."""
        return self.draft is not None or any(request.long for request in self.requests)

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Ids of its trainings that may still go on: what they learned is kept for them."""
        return tuple(request.id for request in self.requests if request.long and request.id not in self.ended)
