"""A shelf with a model in every state there is, as the Models page may have to show it."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from studio.messages import (
    Bilingual,
    DeviceState,
    FileSource,
    Forecast,
    GenerationDefaults,
    GenerationLimits,
    Held,
    HubSource,
    ModelPlace,
    ModelSpec,
    ModelState,
    Person,
    SamplerSpec,
    Size,
    Trouble,
)
from studio.service import Studio
from tests.ui.house import app_of, studio_at

GB = 10**9
NOW = time.time()


def spec(id: str, title: str, family: str = "sd1", **more: Any) -> ModelSpec:
    """An entry of the catalog."""
    given: dict[str, Any] = {
        "source": HubSource(repo=f"someone/{id}"), "licence": "OpenRAIL++-M", "verified": "2026-03-01",
    } | more  # fmt: skip
    return ModelSpec(
        id=id,
        title=Bilingual(en=title, zh=more.pop("zh", title)),
        family=family,
        defaults=GenerationDefaults(
            size=Size(width=512, height=512), steps=20, guidance=7.0, sampler="euler"
        ),
        limits=GenerationLimits(smallest=256, largest=1024, steps=60, guidance=20),
        **{key: value for key, value in given.items() if key != "zh"},
    )


def state(id: str, title: str, place: ModelPlace, gigabytes: float = 0, **more: Any) -> ModelState:
    """A model in a place."""
    of_state = {key: more.pop(key) for key in ("used", "trouble", "forecast") if key in more}
    return ModelState(
        spec=spec(id, title, **more),
        place=place,
        bytes=int(gigabytes * GB),
        samplers=(SamplerSpec(id="euler", title="Euler"),),
        **of_state,
    )


def fits(loads: float, *evicts: str) -> Forecast:
    """It fits, and this is what has to go."""
    return Forecast(fits=True, loads=int(loads * GB), evicts=evicts)


RESIDENT = Forecast(fits=True, resident=True)
STATES = (
    state("pocket", "Pocket", "resident", 0.06, used=NOW - 20, forecast=RESIDENT, licence="Apache-2.0",
          note=Bilingual(en="the model in the box: starter, quick", zh="随画室自带：入门用，画得快")),
    state("sd15", "Stable Diffusion 1.5", "resident", 2.0, used=NOW - 200, forecast=RESIDENT,
          note=Bilingual(en="all-round, most LoRAs", zh="什么都能画，LoRA 最多")),
    state("dream", "DreamShaper 8", "host", 2.0, used=NOW - 4000, forecast=fits(2.0), verified="",
          note=Bilingual(en="more illustrative", zh="插画味更重")),
    state("sdxl", "SDXL Base 1.0", "disk", 6.6, family="sdxl", forecast=fits(6.6),
          note=Bilingual(en="large pictures, finer detail", zh="大图，细节更好")),
    state("turbo", "SDXL Turbo", "disk", 9.0, family="sdxl", forecast=fits(9.0, "sd15"),
          note=Bilingual(en="4 steps a picture", zh="4 步出图")),
    state("own-cat", "my <b>cat</b> v2", "disk", 2.1, own=True, source=FileSource(path="/x/my cat.safetensors"),
          licence="unknown", forecast=fits(2.1),
          trouble=Trouble(code="weights_truncated", params={"file": "/secret/my cat.safetensors"})),
    state("flux", "FLUX.1 dev", "disk", 23.8, family="flux",
          note=Bilingual(en="finest, and largest", zh="最细，也最大"),
          forecast=Forecast(fits=False, needs=int(23.8 * GB), has=10 * GB)),
    state("sd21", "Stable Diffusion 2.1", "hub", family="sd2", verified=""),
    state("broken", "Broken one", "missing",
          trouble=Trouble(code="weights_missing", params={"file": "/secret/unet.safetensors"})),
)  # fmt: skip
DEVICE = DeviceState(
    name="cuda:0", title="NVIDIA RTX 3060", budget=10 * GB, total=12 * GB, ready=True,
    held=(
        Held(model="sd15", parts={"unet": int(1.7 * GB), "vae": int(0.3 * GB)}),
        Held(model="pocket", parts={"pocket": int(0.06 * GB), "vae": int(0.3 * GB)}),
    ),
    host_budget=16 * GB, host_held=(Held(model="dream", parts={"d": 2 * GB}),),
)  # fmt: skip
REFUSED = (("old <i>model</i>.ckpt", Trouble(code="own_pickle", params={"file": "old <i>model</i>.ckpt"})),)


class EveryState(Studio):
    """A studio that always tells of the same shelf; for looking at the page."""

    def models(self, person: Person) -> tuple[ModelState, ...]:
        """A model in every state."""
        return STATES

    def devices(self, person: Person) -> tuple[DeviceState, ...]:
        """One device, and its host's memory."""
        return (DEVICE,)

    def refused(self, person: Person) -> tuple[tuple[str, Trouble], ...]:
        """One file that is not used."""
        return REFUSED


def main() -> None:
    """Serves such a page, to look at it: `python -m tests.ui.shelves [PORT]`."""
    import uvicorn

    with tempfile.TemporaryDirectory() as folder:
        studio = studio_at(Path(folder))
        studio.__class__ = EveryState
        studio.start()
        port = int(sys.argv[1]) if len(sys.argv) > 1 else 7862
        uvicorn.run(app_of(studio), port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
