"""What the catalog says: entries, and where their files come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studio.messages.base import (
    LARGEST_LORA_WEIGHT,
    Balance,
    Bilingual,
    Language,
    Message,
    NegativeCounts,
    Size,
)

Capability = Literal["text_to_image", "image_to_image", "inpaint"]


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


class GenerationDefaults(Message):
    """What a model paints with when a person sets nothing."""

    size: Size
    steps: int = Field(gt=0)
    guidance: float = Field(ge=0)
    sampler: str
    negative: str = ""
    negative_counts: NegativeCounts = "full"


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
    base: str = Field(
        default="",
        description="what it grew from, where that is not what its family grew from: control nets and"
        " detectors of the same base are its own, and those of its family do not fit it",
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


class TranslatorSpec(PartSpec):
    """A model that brings text from one language into another."""

    reads: Language
    writes: Language
    prefix: str = Field(
        default="", description="what stands before every text, where a model writes several languages"
    )
    bytes: int = Field(
        default=0, ge=0, description="what has to be fetched, told before anybody asks for it; 0: not known"
    )


class CaptionerSpec(PartSpec):
    """A model that says what can be seen in a picture."""

    writes: Language
    bytes: int = Field(
        default=0, ge=0, description="what has to be fetched, told before anybody asks for it; 0: not known"
    )


class DetectorSpec(PartSpec):
    """The weights of a detector, which takes the map out of a reference."""

    detector: str = Field(description="a key of the table of detectors")
    base: str = Field(default="", description="of the models that it reads for; empty: for every one")


class EncoderSpec(PartSpec):
    """What reads a picture for the control nets that follow its style; several of them may share one."""


Network = Literal["controlnet", "union", "adapter", "ip_adapter"]


class Loudness(Message):
    """How loud a net speaks at a weight of 1, where a picture is painted against its opposite."""

    own: float = Field(default=1.0, gt=0, le=4, description="on the prompt's own side")
    opposite: float = Field(default=1.0, ge=0, le=4, description="on the side of the opposite")
    softly: bool = Field(
        default=False,
        description="the nearer to a picture's surface the softer, from a tenth up to all of it",
    )


BALANCES: dict[Balance, Loudness] = {
    "even": Loudness(),
    "prompt": Loudness(softly=True),
    "reference": Loudness(opposite=0, softly=True),
}
"""Who leads, as the large families' nets are used to it."""


class ControlSpec(PartSpec):
    """A control net: it makes a model of its family follow a reference."""

    family: str
    kinds: tuple[str, ...] = Field(
        default=(), description="of references that it follows; empty: its file does not tell, a person does"
    )
    network: Network = "controlnet"
    modes: dict[str, int] = Field(default={}, description="of a union net: the number of each kind")
    encoder: str = Field(default="", description="of an ip_adapter: the entry that reads the picture")
    base: str = Field(default="", description="of the models that it fits; empty: what its family grew from")
    balances: dict[Balance, Loudness] = Field(
        default={}, description="where it was measured to follow better than by the usual ones"
    )

    def loudness(self, balance: Balance) -> Loudness:
        """How loud it speaks, by who leads."""
        return self.balances.get(balance, BALANCES[balance])

    def follows(self, kind: str) -> bool:
        """Whether it can be used for references of a kind."""
        return not self.kinds or kind in self.kinds

    def fits(self, model: ModelSpec) -> bool:
        """Whether a model of its family grew from what it was made for."""
        return (self.family, self.base) == (model.family, model.base)


class LoraWants(Message):
    """What a LoRA wants to be painted with, where it was made for that: a few steps, mostly."""

    sampler: str
    steps: int = Field(gt=0)
    guidance: float = Field(ge=0)


class LoraSpec(PartSpec):
    """A LoRA: it changes how a model of its family paints."""

    family: str = Field(default="", description="empty: its file does not tell")
    triggers: tuple[str, ...] = Field(default=(), description="words that call forth what it learned")
    weight: float = Field(default=1.0, ge=-LARGEST_LORA_WEIGHT, le=LARGEST_LORA_WEIGHT)
    bytes: int = Field(
        default=0, ge=0, description="what has to be fetched; 0: its repository is asked for it"
    )
    wants: LoraWants | None = None


Entry = (
    ModelSpec
    | VaeSpec
    | UpscalerSpec
    | TranslatorSpec
    | CaptionerSpec
    | DetectorSpec
    | EncoderSpec
    | ControlSpec
    | LoraSpec
)
"""Whatever of the catalog is brought to a device."""


class SamplerSpec(Message):
    """A sampler under the name people know."""

    id: str
    title: str
