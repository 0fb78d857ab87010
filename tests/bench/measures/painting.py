"""What the studio adds to painting, on the model in the box, in a process of its own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import register
from tests.bench.apart import measured
from tests.bench.table import Row, at_most
from tests.floors import ROOT

ROUNDS = 9
PROMPT, SEED = "a red cat in a meadow", 3


@register("Painting")
def painting() -> list[Row]:
    """A whole request beside the library's own call, and what live previews cost."""
    found = measured(__name__)
    return [
        at_most("a request, from asking to the saved PNG / the library's call", found["request"], 1.03),
        at_most("painting with live previews / without", found["previews"], 1.02),
    ]


def main(folder: Path) -> None:
    """Prints what was measured as JSON."""
    print(json.dumps({"request": whole_request(folder), "previews": previews(folder)}))


def whole_request(folder: Path) -> float:
    """From `submit` to the picture in the gallery, beside the same work done by the library alone."""
    from studio.catalog import read_catalog
    from studio.engine.local import ThreadHost
    from studio.messages import Done, Draft, Person
    from studio.service import Studio
    from studio.settings import Settings
    from tests.worlds import local_engine, paint

    catalog = read_catalog(ROOT / "models.yaml")
    studio = Studio(Settings(data=folder), catalog, local_engine(folder, ThreadHost))
    draft, ann = Draft(model="pocket", prompt=PROMPT, seed=SEED), Person(id="ann")
    bare = library_call(catalog.spec("pocket"), folder)

    def asked() -> None:
        assert isinstance(paint(studio, draft, ann)[-1], Done)

    studio.start()
    try:
        return in_turns(asked, bare)
    finally:
        studio.close()


def library_call(spec: Any, folder: Path) -> Callable[[], None]:
    """The pipeline as its documentation calls it, with the model's own defaults, and the PNG."""
    import torch
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(ROOT / spec.source.path, use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)
    size, defaults = spec.defaults.size, spec.defaults

    def call() -> None:
        picture = pipe(
            PROMPT, width=size.width, height=size.height, num_inference_steps=defaults.steps,
            guidance_scale=defaults.guidance, negative_prompt=defaults.negative,
            generator=torch.Generator().manual_seed(SEED),
        ).images[0]  # fmt: skip
        picture.save(folder / "bare.png")

    return call


def previews(folder: Path) -> float:
    """Painting while every due preview is made, beside painting with nobody to show one to."""
    import torch

    from studio.catalog import read_catalog
    from studio.diffusion import run
    from studio.models.devices import Device
    from studio.models.registry import Registry
    from tests.diffusion.painting import SILENT
    from tests.samples import request

    spec = read_catalog(ROOT / "models.yaml").spec("pocket")
    asked = request(model="pocket", width=256, height=256, steps=20, guidance=4.0, seed=SEED)
    kept, usual = Registry(Device("cpu", torch.float32, 2**40), folder), run.PREVIEW_SECONDS

    def painted(seconds: float) -> Callable[[], None]:
        def paint() -> None:
            run.PREVIEW_SECONDS = seconds
            with kept.lease(spec) as model:
                run.paint(model, asked, "cpu", SILENT)

        return paint

    return in_turns(painted(usual), painted(float("inf")))


def in_turns(one: Callable[[], None], other: Callable[[], None]) -> float:
    """One's time by the other's, in turn, so that a busy stretch meets both: the less of two ratios. The best by the
    best, since other work only ever makes a time longer; and the middle of all pairs, where a machine's own speed comes
    and goes and one of them was lucky. What is slower is so in both."""
    seconds(one), seconds(other)  # once unmeasured: loads
    both = [(seconds(one), seconds(other)) for _ in range(ROUNDS)]
    best = min(first for first, _ in both) / min(second for _, second in both)
    return min(best, median(first / second for first, second in both))


def seconds(work: Callable[[], None]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(Path(sys.argv[1]))
