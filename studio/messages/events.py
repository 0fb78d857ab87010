"""What happens while a job is worked on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studio.messages.base import Message, Param
from studio.messages.forms import Input, LoraUse
from studio.messages.work import Media, Picture


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
    loss: float | None = Field(default=None, description="of a LoRA that learns: the mean of its last steps")
    own_loss: float | None = Field(default=None, description="the same of this step alone")


class Sampled(Event):
    """What a LoRA paints that is being trained, after so many steps; always from the same noise."""

    kind: Literal["sampled"] = "sampled"
    request: str
    step: int
    prompt: str
    media: Media


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
    loras: tuple[LoraUse, ...] = Field(default=(), description="as they were used, each with its hash")


class Answered(Event):
    """What came of a request that makes no picture of the gallery."""

    kind: Literal["answered"] = "answered"
    request: str
    texts: tuple[str, ...] = ()
    input: Input | None = Field(default=None, description="a picture that can be used as an input")
    lora: str = Field(default="", description="the file of the LoRA that was trained, in the folder of LoRAs")
    took: float = 0.0


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
    Queued
    | Downloading
    | Loading
    | Step
    | Sampled
    | Notice
    | Finished
    | Answered
    | Skipped
    | Saved
    | Done
    | Failed
    | Cancelled,
    Field(discriminator="kind"),
]
LAST: tuple[type[Event], ...] = (Done, Failed, Cancelled)
"""A job tells exactly one of these, and nothing after it."""
