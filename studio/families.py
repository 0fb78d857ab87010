"""What a family of models is, as data and without torch: its samplers, its window, its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studio.messages import SamplerSpec

DENOISING_SAMPLERS: tuple[SamplerSpec, ...] = tuple(
    SamplerSpec(id=name, title=title)
    for name, title in [
        ("dpmpp_2m_karras", "DPM++ 2M Karras"),
        ("dpmpp_2m", "DPM++ 2M"),
        ("dpmpp_2m_sde_karras", "DPM++ 2M SDE Karras"),
        ("dpmpp_2m_sde_exponential", "DPM++ 2M SDE Exponential"),
        ("dpmpp_3m_sde_karras", "DPM++ 3M SDE Karras"),
        ("dpmpp_sde_karras", "DPM++ SDE Karras"),
        ("euler_a", "Euler a"),
        ("euler", "Euler"),
        ("heun", "Heun"),
        ("dpm2_karras", "DPM2 Karras"),
        ("dpm2_a_karras", "DPM2 a Karras"),
        ("ddim", "DDIM"),
        ("unipc", "UniPC"),
        ("deis", "DEIS"),
        ("plms", "PLMS"),
        ("lcm", "LCM"),
        ("tcd", "TCD"),
    ]
)
"""Samplers of models that predict noise or velocity, under the names people know."""

FLOW_SAMPLERS: tuple[SamplerSpec, ...] = tuple(
    SamplerSpec(id=name, title=title)
    for name, title in [
        ("flow_euler", "Euler"),
        ("flow_heun", "Heun"),
        ("flow_dpmpp_2m", "DPM++ 2M"),
        ("flow_unipc", "UniPC"),
        ("flow_lcm", "LCM"),
    ]
)
"""Samplers of models that follow a flow: the others would paint noise on them."""


MOST_LAYERS = 12
"""Of the text encoders in use the smallest that people know has so many; nobody asks for more of a larger one."""


@dataclass(frozen=True)
class Family:
    """Facts about a family that are needed before anything is loaded."""

    id: str
    title: str
    samplers: tuple[SamplerSpec, ...]
    window: int
    parts: tuple[str, ...]
    """The parts with weights that it cannot paint without."""
    denoiser: str = "unet"
    told_by: Mapping[str, object] = field(default_factory=dict)
    """What the denoiser's configuration must say; a key that is absent there counts as None or False."""
    factor: int = 8
    """Pixels of one latent cell."""
    multiple: int = 8
    """Sides must be multiples of this."""
    channels: int = 4
    """Channels of its latents."""
    negative: bool = True
    emphasis: bool = True
    """Weights of words and blends of phrases mean something to it."""
    long_prompts: bool = True
    """A prompt may be longer than a window, and BREAK begins a new one."""
    tiles: bool = True
    """Whether its pictures can be made to continue beside themselves."""
    clip_skip: bool = True
    embeddings: bool = True
    wide_vae: bool = False
    """Its decoders overflow in float16, save those whose configuration says that they do not."""


FAMILIES: dict[str, Family] = {}


def register(family: Family) -> None:
    """Adds a family; a second one of the same id is refused."""
    if family.id in FAMILIES:
        raise ValueError(f"family {family.id} is registered already, as {FAMILIES[family.id].title}")
    FAMILIES[family.id] = family


register(
    Family(
        id="sd1",
        title="Stable Diffusion 1",
        samplers=DENOISING_SAMPLERS,
        window=75,
        parts=("text_encoder", "unet", "vae"),
        # The second family changed these layers; nothing else in the configuration tells the two for certain.
        told_by={
            "_class_name": "UNet2DConditionModel",
            "addition_embed_type": None,
            "use_linear_projection": False,
        },
    )
)
register(
    Family(
        id="sd2",
        title="Stable Diffusion 2",
        samplers=DENOISING_SAMPLERS,
        window=75,
        parts=("text_encoder", "unet", "vae"),
        told_by={
            "_class_name": "UNet2DConditionModel",
            "addition_embed_type": None,
            "use_linear_projection": True,
        },
    )
)
register(
    Family(
        id="sdxl",
        title="Stable Diffusion XL",
        samplers=DENOISING_SAMPLERS,
        window=75,
        parts=("text_encoder", "text_encoder_2", "unet", "vae"),
        told_by={"_class_name": "UNet2DConditionModel", "addition_embed_type": "text_time"},
        wide_vae=True,
    )
)
register(
    Family(
        id="sd3",
        title="Stable Diffusion 3",
        samplers=FLOW_SAMPLERS,
        window=75,
        # Its third text encoder (T5) is optional: it paints without, as its makers intended.
        parts=("text_encoder", "text_encoder_2", "transformer", "vae"),
        denoiser="transformer",
        told_by={"_class_name": "SD3Transformer2DModel"},
        multiple=16,
        channels=16,
        # Its patches are told where they lie, so an edge is an edge.
        tiles=False,
        # Its third encoder reads sentences as wholes, beside two that are cut: weights and windows mean nothing.
        emphasis=False,
        long_prompts=False,
        clip_skip=False,
        embeddings=False,
    )
)
