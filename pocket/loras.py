"""python -m pocket.loras: makes the pocket's two LoRAs with the studio's own trainer, and has the judge look at them.

`make` draws the pictures, trains on the committed base and writes both into pocket/weights/loras. `judge` paints
held-out prompts at weight 0, 0.5 and 1: the style has to come with the weight, subject and colour have to stay.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from pocket.closeness import palette_difference
from pocket.edits import open_pipeline
from pocket.evaluate import CATALOG, WEIGHTS, Row, mean, row, shows, tell
from pocket.judge import load_judge, load_licence, look
from pocket.lora_pictures import STYLE, Example, festive_dragon, ink_scene
from pocket.painter import GUIDANCE, STEPS
from pocket.prompts import LANGUAGES, Prompt, one
from pocket.world import Scene, sample

FOLDER = WEIGHTS / "loras"
AT = (0.0, 0.5, 1.0)
# Among so many of its drawings the nearest is looked for.
DRAWINGS = 12


@dataclass(frozen=True)
class Making:
    """One LoRA: what it learns from, and how it is called."""

    name: str
    triggers: tuple[str, str]
    preset: str
    pictures: int
    picture: Callable[[int], Example]
    samples: tuple[str, ...]
    steps: int
    rank: int = 8
    batch: int = 8
    rate: float = 1e-3


MAKINGS = {
    "dragon": Making(
        "spring-festival-dragon",
        ("spring festival", "春节"),
        "subject",
        32,
        festive_dragon,
        ("spring festival, a red dragon", "春节，一条黄色的龙"),
        700,
    ),
    "ink": Making(
        "rice-paper-ink",
        ("rice paper", "宣纸"),
        "style",
        60,
        ink_scene,
        ("rice paper, a red cat", "宣纸，一艘蓝色的船"),
        300,
    ),
}


def called(making: Making, said: str, lang: str) -> str:
    """What is said, after the word that calls what was learned."""
    return f"{making.triggers[LANGUAGES.index(lang)]}{', ' if lang == 'en' else '，'}{said}"


def write_pictures(making: Making, folder: Path) -> list[Path]:
    """The drawings with their captions beside them, as anybody would bring them."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(making.pictures):
        pixels, said = making.picture(k)
        Image.fromarray(pixels).save(folder / f"{k:02d}.png")
        (folder / f"{k:02d}.txt").write_text(called(making, said, LANGUAGES[k % 2]), encoding="utf-8")
    return sorted(folder.iterdir())


def brought(files: list[Path], data: Path) -> Any:
    """The drawings and their captions as the studio keeps them."""
    from studio.inputs import Inputs
    from studio.training import open_files, read_set

    with contextlib.ExitStack() as opened:
        given = [(path.name, opened.enter_context(path.open("rb"))) for path in files]
        return read_set(open_files(given), Inputs(data)).pictures


def wish(making: Making, data: Path) -> Any:
    """What a person would ask the studio's trainer for."""
    from studio.messages import TrainingDraft

    return TrainingDraft(
        model="pocket",
        name=making.name,
        preset=making.preset,
        pictures=brought(write_pictures(making, data / "drawn" / making.name), data),
        rank=making.rank,
        steps=making.steps,
        batch=making.batch,
        learning_rate=making.rate,
        samples=making.samples,
        text_encoder=True,
    )


def make(making: Making, data: Path, out: Path) -> Path:
    """Train one with the studio's trainer; returns the file."""
    from studio.catalog import read_catalog
    from studio.models.devices import open_device
    from studio.models.registry import Registry
    from studio.training import resolve
    from studio.wire import Setup
    from studio.work import Bench
    from studio.work.train import train

    spec, told = read_catalog(CATALOG).spec("pocket"), Told(making.name)
    request = resolve(wish(making, data), spec, making.name, "maker")
    bench = Bench(Registry(open_device(Setup(device="auto", data=str(data))), data), told, lambda _: False)
    for _ in train((request,), {spec.id: spec}, bench):
        pass
    out.mkdir(parents=True, exist_ok=True)
    for path in (data / "loras").glob(f"{Path(told.lora).stem}.*"):
        shutil.copy(path, out / path.name)
    return out / told.lora


class Told:
    """Prints how a training goes on, and keeps what came of it."""

    def __init__(self, name: str) -> None:
        self.name, self.lora = name, ""

    def __call__(self, event: Any) -> None:
        """Hear of something that happened."""
        from studio.messages import Answered, Step

        if isinstance(event, Answered):
            self.lora = event.lora
        elif isinstance(event, Step) and event.step % 20 == 0:
            print(f"{self.name}: {event.stage} {event.step} of {event.steps} loss {event.loss}", flush=True)


# -- judging --------------------------------------------------------------------------------------


def scenes(which: str, count: int) -> list[Scene]:
    """Held-out scenes to paint: dragons in any colour for the dragon, anything for the ink."""
    out: list[Scene] = []
    for k in range(100 * count):
        scene = sample(50_000 + k, "held_out", "single", plain=True)
        if len(out) < count and (which == "ink" or scene.things[0].subject == "dragon"):
            out.append(scene)
    return out


def prompts(which: str, count: int) -> list[Prompt]:
    """What is asked for: the trigger, the thing in its colour, and no word of a style."""
    out = []
    for k, scene in enumerate(scenes(which, count)):
        lang = LANGUAGES[k % 2]
        said = called(MAKINGS[which], one(scene, 0, lang), lang)
        out.append(Prompt("colours", lang, said, scene, 60_000 + k))
    return out


def palette_from(pictures: NDArray[np.uint8], drawings: Sequence[Image.Image]) -> float:
    """How far the colours of pictures are from those of the nearest drawing, in CIE Lab of 100."""
    each = (Image.fromarray(pixels) for pixels in pictures)
    nearest = [min(palette_difference(one, drawing) for drawing in drawings) for one in each]
    return float(np.mean(nearest)) / 100


def judged(
    name: str,
    style: str,
    asked: list[Prompt],
    lora: Path,
    weights: Path,
    drawings: Sequence[Image.Image] = (),
) -> Iterator[Row]:
    """How often the style is seen at each weight, how often subject and colour are right, and how far the colours at
    large are from those of drawings that it learned from: not every style is one that the judge knows.

    Painted with diffusers' own pipeline: what comes of the trainer is a LoRA anywhere.
    """
    judge, pipe = load_judge(weights / "judge.safetensors"), open_pipeline("StableDiffusionPipeline", weights)
    pipe.load_lora_weights(lora, adapter_name="judged")
    for weight in AT:
        pipe.set_adapters(["judged"], [weight])
        pictures = painted(pipe, asked)
        seen = list(zip(asked, look(judge, pictures), strict=True))
        right = mean([shows("colours", p.scene, v) for p, v in seen])
        yield row(f"{name} at {weight}: {style} is seen", mean([v.style == style for _, v in seen]))
        yield row(f"{name} at {weight}: subject and colour", right)
        if drawings:
            yield row(f"{name} at {weight}: palette from its drawings", palette_from(pictures, drawings))


def shipped(which: str, count: int) -> Iterator[Row]:
    """The table of one of the pocket's own."""
    making = MAKINGS[which]
    drawings = [Image.fromarray(making.picture(k)[0]) for k in range(DRAWINGS)]
    lora = FOLDER / f"{making.name}.safetensors"
    return judged(which, STYLE[which], prompts(which, count), lora, WEIGHTS, drawings)


def painted(pipe: Any, asked: list[Prompt]) -> NDArray[np.uint8]:
    """The pipeline's pictures of prompts, each with its own seed."""
    dice = [torch.Generator().manual_seed(p.seed) for p in asked]
    out = pipe(
        [p.text for p in asked],
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        generator=dice,
        output_type="np",
    )
    return (out.images * 255).round().astype(np.uint8)


def main() -> None:
    """Make or judge."""
    parser = argparse.ArgumentParser(prog="python -m pocket.loras", description=__doc__)
    parser.add_argument("what", choices=("make", "judge"))
    parser.add_argument("which", nargs="*", default=list(MAKINGS), help=f"some of: {', '.join(MAKINGS)}")
    parser.add_argument(
        "--data", type=Path, default=Path("runs/loras"), help="the data folder of the studio used"
    )
    parser.add_argument("--count", type=int, default=24, help="prompts a weight")
    parser.add_argument("--json", type=Path, help="write the rows as a list of name, value, goal, ok")
    args = parser.parse_args()
    if unknown := sorted(set(args.which) - set(MAKINGS)):
        parser.error(f"unknown LoRAs {', '.join(unknown)}; known: {', '.join(MAKINGS)}")
    if args.what == "make":
        for which in args.which:
            print(f"wrote {make(MAKINGS[which], args.data, FOLDER)}", flush=True)
        return
    if not load_licence(WEIGHTS).may_judge(("style", "subjects", "colours")):
        parser.exit(2, "the judge has not earned to tell styles yet: python -m pocket.train manner\n")
    rows = (found for which in args.which for found in shipped(which, args.count))
    tell(rows, args.json)


if __name__ == "__main__":
    main()
