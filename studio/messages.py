"""What travels between the floors and between the processes: frozen, plain, unknown keys refused."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Role = Literal["guest", "user", "admin"]
Capability = Literal["text_to_image", "image_to_image", "inpaint"]
Param = str | int | float
RECORD_FORMAT = 1
"""The `format` number of everything that is stored today."""


class Message(BaseModel):
    """Base of all that travels."""

    # Bytes as base64: JSON holds no others.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


class Bilingual(Message):
    """The same words in both languages of the page."""

    en: str
    zh: str

    def said(self, language: Language) -> str:
        """The words in one language."""
        return self.zh if language == "zh" else self.en


class Person(Message):
    """Who asks. On loopback without accounts there is one, and it is the admin."""

    id: str
    name: str = ""
    role: Role = "guest"
    language: Language = "en"


# -- the catalog ----------------------------------------------------------------------------------


class LocalSource(Message):
    """Weights in a folder of diffusers layout, named from the repository's root or absolutely."""

    kind: Literal["local"] = "local"
    path: str


class FileSource(Message):
    """All of a checkpoint in one `.safetensors` file, in the layout people exchange them in."""

    kind: Literal["file"] = "file"
    path: str


class HubSource(Message):
    """A repository of the Hugging Face hub: a folder of diffusers layout, or one file of it."""

    kind: Literal["hub"] = "hub"
    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str = "main"
    variant: str = Field(default="", description="for example fp16, where the repository offers it")
    file: str = Field(default="", description="the one file that is wanted; empty: the whole checkpoint")
    sha256: str = Field(default="", description="what the one file must be; needed for a .pth or .bin")


class ModelScopeSource(Message):
    """A repository of ModelScope, laid out as on the hub."""

    kind: Literal["modelscope"] = "modelscope"
    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str = "master"
    variant: str = ""
    file: str = ""
    sha256: str = ""


Source = Annotated[
    LocalSource | FileSource | HubSource | ModelScopeSource,
    Field(discriminator="kind"),
]


class Size(Message):
    """Width and height in pixels."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)


class GenerationDefaults(Message):
    """What a model paints with when a person sets nothing."""

    size: Size
    steps: int = Field(gt=0)
    guidance: float = Field(ge=0)
    sampler: str
    negative: str = ""


class GenerationLimits(Message):
    """How far a person may go with a model."""

    smallest: int = Field(gt=0, description="shortest side in pixels")
    largest: int = Field(gt=0, description="longest side in pixels")
    multiple: int = Field(default=8, gt=0, description="sides are multiples of this")
    steps: int = Field(gt=0, description="most steps")
    guidance: float = Field(gt=0, description="most guidance")
    count: int = Field(default=8, gt=0, description="most pictures of one job")


class Example(Message):
    """A starter that shows what a model can do: one click fills the form with it."""

    title: Bilingual
    prompt: Bilingual
    seed: int | None = None


class ModelSpec(Message):
    """One entry of models.yaml."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: Bilingual
    note: Bilingual | None = None
    family: str
    source: Source
    licence: str
    verified: str = Field(
        default="", description="the day its repository and files were seen; empty: not yet"
    )
    own: bool = Field(
        default=False, description="a person's file, found in a folder, not an entry of models.yaml"
    )
    capabilities: tuple[Capability, ...] = ("text_to_image", "image_to_image", "inpaint")
    languages: tuple[Language, ...] = ("en",)
    defaults: GenerationDefaults
    limits: GenerationLimits
    examples: tuple[Example, ...] = ()


class PartSpec(Message):
    """An entry of models.yaml that is no model by itself: it is added to one."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: Bilingual
    note: Bilingual | None = None
    source: Source
    licence: str
    verified: str = Field(
        default="", description="the day its repository and files were seen; empty: not yet"
    )
    own: bool = False


class VaeSpec(PartSpec):
    """A VAE that can take the place of a model's own."""

    families: tuple[str, ...] = Field(
        default=(), description="of the models it fits; empty: its file does not tell"
    )


class UpscalerSpec(PartSpec):
    """A model that makes pictures larger."""

    scale: int = Field(
        default=0, ge=0, description="how many times larger; 0: its file tells when it is loaded"
    )


Entry = ModelSpec | VaeSpec | UpscalerSpec
"""Whatever of the catalog is brought to a device."""


class SamplerSpec(Message):
    """A sampler under the name people know."""

    id: str
    title: str


ModelPlace = Literal["resident", "host", "disk", "hub", "missing"]
"""On a device, in the host's memory, on disk, to be downloaded, or not to be had here."""


class Trouble(Message):
    """An error as it crosses a border: a code and parameters, worded by the surface."""

    code: str
    params: dict[str, Param] = {}


class Held(Message):
    """A model in memory: the bytes of its parts by their keys, whether work holds it, when it was last used."""

    model: str
    title: Bilingual | None = None
    parts: dict[str, int]
    pinned: bool = False
    used: float = Field(default=0.0, description="seconds since 1970")
    mode: str = ""

    @property
    def bytes(self) -> int:
        """What it weighs alone; a part shared with another model counts for both."""
        return sum(self.parts.values())


class Forecast(Message):
    """Whether a wanted model fits, what has to be loaded, and what has to go first."""

    fits: bool
    resident: bool = False
    loads: int = 0
    evicts: tuple[str, ...] = ()
    needs: int = 0
    has: int = 0


class DeviceState(Message):
    """A device as the page shows it: its budget and what it holds, on itself and in the host's memory."""

    name: str
    title: str = ""
    budget: int = 0
    total: int = 0
    itemsize: int = Field(default=2, description="bytes of one number of the type it computes in")
    held: tuple[Held, ...] = ()
    host_budget: int = 0
    host_held: tuple[Held, ...] = ()
    ready: bool = False


class Fetching(Message):
    """How far a download is: bytes that are here, bytes in all, bytes that come in a second."""

    done: int = 0
    total: int = 0
    rate: float = 0.0


class ModelState(Message):
    """A model as the page shows it now: where it is, what it weighs, which samplers run on it."""

    spec: ModelSpec
    place: ModelPlace
    bytes: int = 0
    used: float = Field(
        default=0.0, description="when it was last used, seconds since 1970; 0: not since the start"
    )
    trouble: Trouble | None = Field(
        default=None, description="why it cannot be had, or why its last load failed"
    )
    forecast: Forecast | None = Field(default=None, description="what wanting it would do")
    fetching: Fetching | None = Field(default=None, description="its files are on their way here")
    samplers: tuple[SamplerSpec, ...] = ()
    window: int = Field(default=75, description="tokens of one window, start and end mark not counted")
    layers: int = Field(
        default=12, gt=0, description="of its text encoder that a clip skip counts, from the last"
    )


class PartState(Message):
    """A VAE or an upscaler as the page offers it: where it is, and what it weighs once that is known."""

    spec: VaeSpec | UpscalerSpec
    place: ModelPlace
    bytes: int = 0
    trouble: Trouble | None = Field(default=None, description="why it cannot be had")


# -- pictures to start from -----------------------------------------------------------------------

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""The sha256 of a picture's file; by it a recipe names its inputs, which lie in the data folder."""
LANCZOS = "lanczos"
"""The upscaler that every studio has: it needs no weights."""
LATENT = "latent"
"""Enlarges what the denoiser works on, before it is decoded; of use only where more painting follows."""


class Input(Message):
    """A picture that somebody brought, as it was kept: upright, in plain colours, whole."""

    picture: Digest
    size: Size
    notes: tuple[Trouble, ...] = Field(default=(), description="what was changed about it, to be told")


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


# -- what a person asks for -----------------------------------------------------------------------


class Draft(Message):
    """What a surface collects: model and prompt, everything else optional."""

    model: str
    prompt: str = ""
    negative: str | None = None
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
    tiling: Tiling = "none"
    variation: Variation | None = None
    start: Start | None = None
    mask: Mask | None = None
    outpaint: Outpaint | None = None
    high_resolution: HighResolution | None = None
    upscale: Upscale | None = None
    base: bool = Field(default=True, description="False: the start is upscaled and nothing is painted")


class Request(Message):
    """Base of every kind of work: complete, checked, ready for a device."""

    id: str
    job: str
    person: str
    priority: int = 0


class GenerationRequest(Request):
    """One picture: every seed chosen, every limit checked, its stages named."""

    kind: Literal["generate"] = "generate"
    model: str
    prompt: str = Field(description="what is painted: styles applied, alternatives and wildcards chosen")
    negative: str
    written: str = Field(default="", description="what was written; empty with no styles: what is painted")
    written_negative: str = ""
    styles: tuple[str, ...] = ()
    width: int
    height: int
    steps: int
    guidance: float
    sampler: str
    seed: int
    clip_skip: int = Field(default=1, ge=1, description="1: the text encoder's last layer")
    vae: str = Field(default="", description="empty: the model's own")
    tiling: Tiling = "none"
    variation: Variation | None = None
    start: Start | None = None
    mask: Mask | None = None
    outpaint: Outpaint | None = None
    embeddings: tuple[EmbeddingUse, ...] = ()
    stages: tuple[Stage, ...] = (Base(),)

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

    def stage(self, kind: type[StageKind]) -> StageKind | None:
        """The stage of a kind, if the request has it."""
        return next((one for one in self.stages if isinstance(one, kind)), None)

    @property
    def parts(self) -> tuple[str, ...]:
        """The entries beside the model that this request needs: a VAE, upscalers."""
        upscalers = [one.upscaler for one in self.stages if not isinstance(one, Base)]
        named = [self.vae, *upscalers] if self.paints else upscalers
        return tuple(dict.fromkeys(id for id in named if id not in ("", LANCZOS, LATENT)))


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
    draft: Draft
    requests: tuple[GenerationRequest, ...]
    state: JobState = "queued"
    created: float
    pictures: tuple[str, ...] = ()
    ended: tuple[str, ...] = Field(default=(), description="ids of the requests that need no more work")
    trouble: Trouble | None = None


# -- what happens meanwhile -----------------------------------------------------------------------


class Event(Message):
    """Base of what a job tells its followers; `seq` counts from 1 within the job."""

    job: str = ""
    seq: int = 0


class Queued(Event):
    """Waiting: place in line (1 is next) and seconds until its turn, where they can be told."""

    kind: Literal["queued"] = "queued"
    position: int
    seconds: float | None = None


class Downloading(Event):
    """The model's files are being fetched; no device waits for them."""

    kind: Literal["downloading"] = "downloading"
    model: str
    done: int
    total: int
    rate: float = Field(default=0.0, description="bytes a second")


class Loading(Event):
    """The model is being brought to the device."""

    kind: Literal["loading"] = "loading"
    request: str
    model: str


class Step(Event):
    """One denoising step is done; the preview is a small JPEG and only the latest counts."""

    kind: Literal["step"] = "step"
    request: str
    stage: str = Field(default="base", description="which stage of the request counts these steps")
    step: int
    steps: int
    seconds_left: float | None = None
    preview: bytes | None = Field(default=None, repr=False)


class Notice(Event):
    """Something the person should know though the work goes on."""

    kind: Literal["notice"] = "notice"
    request: str = ""
    code: str
    params: dict[str, Param] = {}


class Finished(Event):
    """A device hands over a picture. Followers see `Saved` instead, once it is on disk."""

    kind: Literal["finished"] = "finished"
    request: str
    media: Media
    mode: str
    took: float
    model_hash: str = ""


class Skipped(Event):
    """One picture of the job was skipped; the others go on."""

    kind: Literal["skipped"] = "skipped"
    request: str


class Saved(Event):
    """A picture is on disk and in the index."""

    kind: Literal["saved"] = "saved"
    request: str
    picture: Picture


class Done(Event):
    """The job's last event: all went well."""

    kind: Literal["done"] = "done"


class Failed(Event):
    """The job's last event: it could not be finished."""

    kind: Literal["failed"] = "failed"
    request: str = ""
    code: str
    params: dict[str, Param] = {}


class Cancelled(Event):
    """The job's last event: its person stopped it."""

    kind: Literal["cancelled"] = "cancelled"
    request: str = ""
    step: int = 0


AnyEvent = Annotated[
    Queued | Downloading | Loading | Step | Notice | Finished | Skipped | Saved | Done | Failed | Cancelled,
    Field(discriminator="kind"),
]
LAST: tuple[type[Event], ...] = (Done, Failed, Cancelled)
"""A job tells exactly one of these, and nothing after it."""


class TokenCount(Message):
    """How much of the model's windows a prompt uses."""

    used: int
    window: int
    windows: tuple[int, ...] = Field(
        default=(), description="tokens in each window; a border lies behind each but the last"
    )

    @property
    def room(self) -> int:
        """How many tokens the windows begun so far have room for: 82 tokens are 82 of 150."""
        return self.window * max(1, len(self.windows))
