"""Where entries are now, as the page shows them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from studio.messages.base import Bilingual, Digest, Message, Trouble
from studio.messages.catalog import (
    CaptionerSpec,
    DetectorSpec,
    LoraWants,
    ModelSpec,
    SamplerSpec,
    TranslatorSpec,
    UpscalerSpec,
    VaeSpec,
)
from studio.messages.work import JobState

ModelPlace = Literal["resident", "host", "disk", "hub", "missing"]
"""On a device, in the host's memory, on disk, to be downloaded, or not to be had here."""


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

    spec: VaeSpec | UpscalerSpec | DetectorSpec
    place: ModelPlace
    bytes: int = 0
    trouble: Trouble | None = Field(default=None, description="why it cannot be had")


class DetectorSetting(Message):
    """A number of a detector that a person can set; worded as `setting.<name>`."""

    name: str
    default: float
    lowest: float
    highest: float
    step: float = 1

    @property
    def switch(self) -> bool:
        """Whether it is only on (1) or off (0)."""
        return (self.lowest, self.highest, self.step) == (0, 1, 1)


class DetectorState(Message):
    """A detector as the page offers it for a kind of reference."""

    id: str = Field(description="what a reference names it by: itself, or its entry of the catalog")
    detector: str = Field(description="worded as `detector.<detector>`")
    title: Bilingual | None = Field(default=None, description="of its entry, where it has weights")
    licence: str = ""
    settings: tuple[DetectorSetting, ...] = ()
    place: ModelPlace = "resident"
    bytes: int = 0
    trouble: Trouble | None = Field(default=None, description="why it cannot be had")


class ControlState(Message):
    """A kind of reference as the page offers it for a model; worded as `control.<kind>`."""

    kind: str
    fits: bool = Field(
        description="whether the model follows it, by a control net of its family or by itself"
    )
    nets: tuple[str, ...] = Field(default=(), description="entries of those control nets")
    held: bool = Field(default=False, description="it is followed without a net, unless a person names one")
    detectors: tuple[DetectorState, ...] = Field(
        default=(), description="the first is the one that is used; none: the picture itself is followed"
    )
    families: tuple[str, ...] = Field(default=(), description="titles of those with a net, where none fits")


class LoraCard(Message):
    """A LoRA or an embedding as the shelf shows it, and whether it does something on the model that is chosen."""

    id: str
    title: Bilingual
    name: str = Field(default="", description="what is typed into a prompt")
    place: ModelPlace
    own: bool = False
    family: str = Field(default="", description="its title; empty: nobody knows")
    kind: str = Field(
        default="",
        description="LoRA, embedding, or a kind that cannot be used here; empty: not here yet",
    )
    rank: int = 0
    bytes: int = 0
    changes_text: bool = Field(default=True, description="whether it changes text encoders")
    changes_picture: bool = Field(default=True, description="whether it changes the denoiser")
    weight: float = Field(default=1.0, description="the one that is recommended")
    triggers: tuple[str, ...] = ()
    wants: LoraWants | None = None
    wants_sampler: str = Field(default="", description="the title of the sampler that it wants")
    notes: Bilingual = Bilingual(en="", zh="")
    author: str = ""
    licence: str = ""
    base: str = Field(default="", description="what it was trained on, in the words of who did")
    changed: float = Field(default=0.0, description="when its file was, seconds since 1970")
    picture: bool = Field(default=False, description="whether it has one")
    favourite: bool = False
    trouble: Trouble | None = Field(default=None, description="why it cannot be used with the model")
    fetching: Fetching | None = Field(default=None, description="it is on its way here")
    failed: Trouble | None = Field(default=None, description="why it could not be fetched the last time")

    @property
    def fits(self) -> bool:
        """Whether it can be used with the model."""
        return self.trouble is None


class RemoteLora(Message):
    """A file of a repository that may be a LoRA."""

    file: str
    bytes: int


class LoraArrival(Message):
    """A LoRA that somebody brings from a repository: on its way, failed, or here."""

    id: str
    repo: str
    file: str
    fetching: Fetching | None = None
    failed: Trouble | None = None
    lora: str = Field(default="", description="its card, once it is here")


class TranslatorState(Message):
    """A translator as the page offers it: where it is, what it weighs, and how far it is on its way here."""

    spec: TranslatorSpec
    place: ModelPlace
    bytes: int = 0
    fetching: Fetching | None = None
    trouble: Trouble | None = Field(default=None, description="why it could not be fetched")


class CaptionerState(Message):
    """A captioner as the page offers it: where it is, and what it weighs."""

    spec: CaptionerSpec
    place: ModelPlace
    bytes: int = 0


class CaptionNews(Message):
    """How far captions are that a captioner writes, and those that are written."""

    state: JobState
    pictures: int = Field(description="that are looked at")
    captions: dict[Digest, str] = {}
    place: int = Field(default=0, description="in line; 0: it does not wait there")
    fetching: Fetching | None = None
    loading: bool = False
    trouble: Trouble | None = None


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
