"""The studio's settings, from `STUDIO_...` in the environment and from flags; unknown names are errors.

A name that is set to nothing in the environment is not set.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
"""Where the repository's read-only files lie: models.yaml, presets, the pocket's weights."""
PERSON_COOKIE = "studio_person"
"""The cookie by which a guest is known; signed, and not to be read by scripts."""
LANGUAGE_COOKIE = "studio_language"
"""The cookie that keeps the language chosen on the page."""
PREFIX = "STUDIO_"
OF_COMPOSE = {"STUDIO_BIND"}
"""Read by compose.yaml alone; who exports it can start the studio without a container all the same."""


def _whole(path: Path) -> Path:
    # A worker stands in another folder than whoever starts the studio, and no shell expands `--data=~/pictures`.
    return path.expanduser().absolute()


Place = Annotated[Path, AfterValidator(_whole)]
"""A file or a folder, counted from where the studio is started."""

Address = Annotated[str, AfterValidator(lambda given: given.strip().rstrip("/"))]
"""Of a server; as a browser gives it, with a slash at its end, few would find a path below it."""


class Settings(BaseSettings):
    """What the person who runs the studio decides."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    public: bool = Field(
        default=False, description="strangers come: guests by signed cookie, no admin actions"
    )
    hosts: str = Field(
        default="",
        description="names beside this machine's own under which a studio on loopback answers, with commas",
    )
    data: Place = Field(default=ROOT / "data", description="where pictures, jobs and settings are kept")
    models: Place = Field(default=ROOT / "models.yaml", description="the catalog")
    engine: Literal["local", "fake"] = "local"
    devices: str = Field(default="", description="for example `cuda:0,cuda:1` or `cpu`; empty: all there are")
    memory_budget: float = Field(default=0.0, ge=0, description="GB of a device for models; 0: what it has")
    memory_mode: Literal["auto", "device", "fp8", "offload", "group"] = Field(
        default="auto", description="how models lie in memory; auto: the fastest that fits"
    )
    host_budget: float = Field(
        default=0.0, ge=0, description="GB of the host's memory for models that wait there; 0: half of it"
    )
    idle_minutes: float = Field(
        default=0.0, ge=0, description="models unused for so long are taken out of memory; 0: they stay"
    )
    hub: Address = Field(
        default="", description="the hub or a mirror of it; empty: https://huggingface.co, or HF_ENDPOINT"
    )
    hub_token: SecretStr = Field(
        default=SecretStr(""),
        description="for repositories that ask who comes; empty: what the hub's own tools kept",
    )
    modelscope: Address = Field(
        default="https://www.modelscope.cn", description="ModelScope or a mirror of it"
    )
    a1111: Place | None = Field(
        default=None, description="an AUTOMATIC1111 installation whose models are read where they lie"
    )
    comfyui: Place | None = Field(
        default=None, description="a ComfyUI installation whose models are read where they lie"
    )
    cookie_secret: str = Field(default="", description="empty: made once and kept in the data folder")
    inputs_days: int = Field(
        default=30,
        ge=0,
        description="pictures people brought go after so many days unused where nothing names them; 0: they stay",
    )
    training_turn_seconds: float = Field(
        default=5.0, ge=0, description="how long a training keeps a device while somebody waits for a picture"
    )
    silence_seconds: float = Field(
        default=900.0, gt=0, description="a worker that says nothing for this long in mid-job is replaced"
    )


def host_name(host: str) -> str:
    """The name in a `Host`, without port and brackets; empty where there is none."""
    try:
        return (urlsplit(f"//{host.strip()}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def read_settings(**flags: object) -> Settings:
    """Settings from the environment, a hub's Space counted as a public host, flags on top."""
    _refuse_unknown(os.environ)
    chosen: dict[str, object] = {}
    if os.environ.get("SPACE_ID") or os.environ.get("MODELSCOPE_ENVIRONMENT") == "studio":
        chosen |= {"public": True, "host": "0.0.0.0"}
    chosen |= {name: value for name, value in flags.items() if value is not None}
    return Settings(**chosen)  # type: ignore[arg-type]


def _refuse_unknown(names: Iterable[str]) -> None:
    # pydantic-settings reads the names it knows and passes over the others, a misspelt one too.
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    ours = {name.upper() for name in names if name.upper().startswith(PREFIX)}
    if unknown := sorted(ours - known - OF_COMPOSE):
        raise ValueError(f"{', '.join(unknown)}: no such setting; there are {', '.join(sorted(known))}")
