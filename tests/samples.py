"""One of each thing that travels, for tests to change what they are about."""

from __future__ import annotations

from studio.messages import (
    Bilingual,
    ControlSpec,
    ControlUnit,
    GenerationDefaults,
    GenerationLimits,
    GenerationRequest,
    LocalSource,
    Media,
    ModelSpec,
    Recipe,
    Size,
    TrainingPicture,
    TrainingRequest,
    TrainingSettings,
)


def spec(**changes: object) -> ModelSpec:
    """A model with room in every limit."""
    whole = ModelSpec(
        id="tiny",
        title=Bilingual(en="Tiny", zh="小小"),
        family="sd1",
        source=LocalSource(path="nowhere"),
        licence="test",
        defaults=GenerationDefaults(
            size=Size(width=64, height=96), steps=3, guidance=4.5, sampler="euler", negative="low quality"
        ),
        limits=GenerationLimits(smallest=64, largest=128, multiple=8, steps=50, guidance=20, count=4),
    )
    return whole.model_copy(update=changes)


def control(**changes: object) -> ControlSpec:
    """A control net for edges."""
    whole = ControlSpec(
        id="edges",
        title=Bilingual(en="Edges", zh="边缘"),
        source=LocalSource(path="nowhere"),
        licence="test",
        family="sd1",
        kinds=("canny",),
    )
    return whole.model_copy(update=changes)


def unit(**changes: object) -> ControlUnit:
    """A reference whose edges are followed."""
    return ControlUnit(kind="canny", picture="a" * 64).model_copy(update=changes)


def request(**changes: object) -> GenerationRequest:
    """A picture of 24 by 16 pixels."""
    whole = GenerationRequest(
        id="job-1",
        job="job",
        person="ann",
        model="tiny",
        prompt="a red cat, 一只红猫",
        negative="low quality",
        width=24,
        height=16,
        steps=3,
        guidance=4.5,
        sampler="dpmpp_2m_karras",
        seed=7,
    )
    return whole.model_copy(update=changes)


def training(**changes: object) -> TrainingRequest:
    """A LoRA of three pictures that nobody keeps."""
    size = Size(width=64, height=64)
    whole = TrainingRequest(
        id="job-1",
        job="job",
        person="ann",
        model="tiny",
        name="zub",
        trigger="zub",
        preset="style",
        pictures=tuple(TrainingPicture(picture=digit * 64, size=size, caption="a cat") for digit in "abc"),
        settings=TrainingSettings(rank=4, steps=6, learning_rate=1e-3, resolution=64),
        samples=("zub",),
        sample_size=size,
    )
    return whole.model_copy(update=changes)


def recipe(**changes: object) -> Recipe:
    """What made the request's picture."""
    whole = request(**changes)
    return Recipe(
        request=whole, model_title="Tiny", model_hash="0123456789", mode="fake", took=1.5, studio="1.2"
    )


def media(colour: tuple[int, int, int] = (200, 30, 10)) -> Media:
    """The request's picture in one colour."""
    return Media.of("rgb", 24, 16, bytes(colour) * (24 * 16))
