"""What LoRAs cost on the model in the box, beside the library's own calls, in a process of their own."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from tests.bench import register
from tests.bench.apart import measured
from tests.bench.measures.painting import in_turns, seconds
from tests.bench.table import Row, at_most
from tests.floors import ROOT

ROUNDS, MIXED = 7, 4


@register("LoRAs")
def loras() -> list[Row]:
    """First use, switching and mixing, and what a kept LoRA that is off costs a picture."""
    found = measured(__name__)
    return [
        at_most("first use of a file / the library's load_lora_weights", found["first"], 1.2),
        at_most("switching to a kept one and back / a bare set_adapters", found["switch"], 1.5),
        at_most(f"{MIXED} at once and back / a bare set_adapters of {MIXED}", found["mix"], 1.5),
        at_most("a picture with kept ones switched off / with none", found["off"], 1.1),
    ]


def main(folder: Path) -> None:
    """Prints what was measured as JSON."""
    import torch

    torch.set_num_threads(1)
    files = [_written(folder, number) for number in range(MIXED)]
    told = {"first": first_use(files[0]), "switch": turns(files[:2], 1), "mix": turns(files, MIXED)}
    print(json.dumps(told | {"off": off(files)}))


def _written(folder: Path, number: int) -> Path:
    """A LoRA of the usual kind for the pocket, on its attention."""
    from tests import tiny_loras

    model = _pocket()
    parts = {name: model.parts[name] for name in ("unet", "text_encoder")}
    return tiny_loras.written(
        tiny_loras.kohya(parts, rank=8, seed=number, size=0.02), folder / f"l{number}.safetensors"
    )


def _pocket() -> Any:
    from tests.diffusion.painting import loaded

    return loaded(ROOT / "pocket" / "weights")


def _pipe(model: Any) -> Any:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline(**model.parts, safety_checker=None, feature_extractor=None)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _applied(kept: Any, model: Any, files: list[Path]) -> Any:
    from studio.messages import LoraUse

    uses = [LoraUse(id=file.stem, weight=0.5) for file in files]
    return kept.applied(model, uses, {file.stem: file for file in files})


def first_use(file: Path) -> float:
    """From a file to a model that paints with it."""
    from studio.diffusion.adapters import Adapters

    ours, theirs = _pocket(), _pipe(_pocket())
    kept = Adapters(most=0)  # nothing stays, so that every time is the first

    def use() -> float:
        with contextlib.ExitStack() as stack:
            return seconds(lambda: stack.enter_context(_applied(kept, ours, [file])))

    def bare() -> float:
        took = seconds(lambda: theirs.load_lora_weights(str(file), adapter_name="one"))
        theirs.unload_lora_weights()
        return took

    use(), bare()  # once unmeasured: imports
    return statistics.median(use() / bare() for _ in range(ROUNDS))


def turns(files: list[Path], count: int) -> float:
    """So many on and off again, others than the last time where there are others; all are loaded."""
    from studio.diffusion.adapters import Adapters

    ours, theirs, kept = _pocket(), _pipe(_pocket()), Adapters()
    for file in files:
        theirs.load_lora_weights(str(file), adapter_name=file.stem)
    with _applied(kept, ours, files):
        pass
    ways = [files[:count], files[-count:]]

    def use() -> None:
        for way in ways:
            with _applied(kept, ours, way):
                pass

    def bare() -> None:
        for way in ways:
            theirs.set_adapters([file.stem for file in way], [0.5] * count)
            theirs.disable_lora()
            theirs.enable_lora()

    return in_turns(use, bare)


def off(files: list[Path]) -> float:
    """A picture that asks for no LoRA, on a model that has some beside its weights."""
    from studio.diffusion.adapters import Adapters
    from tests.diffusion.painting import quietly, request

    plain, worn = _pocket(), _pocket()
    with _applied(Adapters(), worn, files):
        pass
    asked = request(model="pocket", width=128, height=128, steps=6)
    return in_turns(lambda: quietly(worn, asked), lambda: quietly(plain, asked))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
