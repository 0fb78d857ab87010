"""What a family of models is, as data and without torch: its samplers' names and its token window."""

from __future__ import annotations

from dataclasses import dataclass

from studio.messages import SamplerSpec

DENOISING_SAMPLERS: tuple[SamplerSpec, ...] = tuple(
    SamplerSpec(id=name, title=title)
    for name, title in [
        ("dpmpp_2m_karras", "DPM++ 2M Karras"),
        ("dpmpp_2m", "DPM++ 2M"),
        ("dpmpp_2m_sde_karras", "DPM++ 2M SDE Karras"),
        ("dpmpp_sde_karras", "DPM++ SDE Karras"),
        ("euler_a", "Euler a"),
        ("euler", "Euler"),
        ("heun", "Heun"),
        ("dpm2_karras", "DPM2 Karras"),
        ("ddim", "DDIM"),
        ("unipc", "UniPC"),
        ("deis", "DEIS"),
        ("plms", "PLMS"),
    ]
)
"""Samplers of models that predict noise or velocity, under the names people know."""


@dataclass(frozen=True)
class Family:
    """Facts about a family that the page needs before anything is loaded."""

    id: str
    title: str
    samplers: tuple[SamplerSpec, ...]
    window: int
    negative: bool = True


FAMILIES: dict[str, Family] = {}


def register(family: Family) -> None:
    """Adds a family; a second one of the same id is refused."""
    if family.id in FAMILIES:
        raise ValueError(f"family {family.id} is registered already, as {FAMILIES[family.id].title}")
    FAMILIES[family.id] = family


register(Family(id="sd1", title="Stable Diffusion 1", samplers=DENOISING_SAMPLERS, window=75))
