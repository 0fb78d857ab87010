"""What a LoRA is trained of, and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from studio.messages.base import RECORD_FORMAT, Digest, Message, Size, Trouble

Preset = Literal["style", "subject", "person"]
"""What a LoRA is to learn: how pictures look, what a thing looks like, or what somebody looks like."""
LONGEST_CAPTION = 2000
LONGEST_TRIGGER = 100


class TrainingPicture(Message):
    """A picture that a LoRA learns from, kept among the inputs, and what can be seen in it."""

    picture: Digest
    size: Size
    name: str = Field(default="", description="of the file that it came in")
    caption: str = Field(default="", max_length=LONGEST_CAPTION)


class PictureSet(Message):
    """The pictures that a LoRA learns from, in the order of their names, and what was left out and why."""

    pictures: tuple[TrainingPicture, ...]
    notes: tuple[Trouble, ...] = ()


class TrainingSettings(Message):
    """How a LoRA is trained; every number within what makes sense, whoever chose it."""

    rank: int = Field(ge=1, le=256, description="how wide the passage through each change is")
    steps: int = Field(ge=1, le=20000)
    learning_rate: float = Field(gt=0, le=0.1)
    resolution: int = Field(ge=32, le=2048, description="the side of a square of as many pixels")
    batch: int = Field(default=1, ge=1, le=32, description="pictures of one step")
    text_encoder: bool = Field(default=False, description="whether what reads the prompt learns too")
    convolutions: bool = Field(default=False, description="whether more is changed than attention")
    mirror: bool = Field(default=False, description="whether half of the pictures are seen in a mirror")
    caption_dropout: float = Field(default=0.0, ge=0, lt=1, description="share of looks without a caption")
    min_snr: float = Field(default=5.0, ge=0, description="gamma of min-SNR weighting; 0: none")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="share of the steps in which the rate rises")
    seed: int = Field(default=0, ge=0)


class TrainingDraft(Message):
    """What a surface collects for a training: pictures, what they are of, everything else optional."""

    model: str
    name: str = Field(default="", description="of the LoRA; empty: its trigger")
    trigger: str = Field(default="", description="the word that calls what is learned")
    preset: Preset = "style"
    pictures: tuple[TrainingPicture, ...] = ()
    rank: int | None = None
    steps: int | None = None
    learning_rate: float | None = None
    resolution: int | None = None
    batch: int | None = None
    text_encoder: bool | None = None
    seed: int | None = None
    samples: tuple[str, ...] = Field(default=(), description="prompts painted now and then, while it learns")
    sample_every: int | None = Field(default=None, description="steps from one to the next")


class TrainingPlace(Message):
    """In which shape a picture is learned from, and how much of it is cut away for that."""

    size: Size
    cut: float = Field(ge=0, le=1, description="share of the picture's area that is cut away")


class TrainingPlan(Message):
    """What a draft comes to before it is begun: what was left out chosen, and within which ends."""

    settings: TrainingSettings
    sample_every: int
    places: tuple[TrainingPlace, ...] = Field(default=(), description="of the pictures, in their order")
    ends: dict[str, tuple[float, float]] = Field(description="the least and the most of each number")
    seconds: float | None = Field(default=None, description="what it will take; None while nobody knows")


class TrainingSample(Message):
    """A picture that a LoRA painted on its way."""

    number: int = Field(description="of its file, counted from 1 within the training")
    step: int
    prompt: str


class CurvePoint(Message):
    """How far off a LoRA was after a step: in the mean of its last steps, and in that step alone."""

    step: int
    loss: float
    own: float


class TrainingDiary(Message):
    """What a training told so far, kept beside its record: it outlives the page and the server."""

    format: int = RECORD_FORMAT
    stage: str = Field(default="", description="what it is at; empty: it waits, or is over")
    step: int = 0
    steps: int = Field(default=0, description="of its stage")
    seconds_left: float | None = None
    curve: tuple[CurvePoint, ...] = ()
    samples: tuple[TrainingSample, ...] = ()
    notices: tuple[Trouble, ...] = Field(default=(), description="what went wrong on its way; the newest few")
    lora: str = Field(default="", description="the file that came of it, in the folder of LoRAs")
    took: float = 0.0
