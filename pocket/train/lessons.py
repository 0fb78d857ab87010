"""What the judge learns from: drawings, some of them sent through the autoencoder, with their truth as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pocket.data import draw_set, scenes
from pocket.judge import CELLS, COLOUR_NAMES, SIDE, SUBJECT_NAMES, WHOLE
from pocket.train.common import fast_math, lay_out, pick_device, to_input, to_pictures
from pocket.train.latents import load_vae
from pocket.train.settings import Settings
from pocket.world import Scene, sample
from pocket.world.drawing import WARPS
from pocket.world.scene import DEFECTS

FIRST, MOST = 500_000, 3
SHIFT = 8
# What a batch holds more of than the world does: few pictures would teach the words of the whole slowly.
RARE = {"style": 0.22, "light": 0.1, "defects": 0.22}
Truth = dict[str, NDArray[np.float32]]


def lesson(k: int, split: str = "train") -> Scene:
    """Scene k of the extra set: pairs, counts and every defect by turns, since these are rare in the common set."""
    kind = ("pair", "count", None)[k % 3]
    scene = sample(FIRST + k, split, kind)
    return scene if kind else replace(scene, defects=(DEFECTS[k // 3 % len(DEFECTS)],))


def read_truth(scene: Scene) -> dict[str, NDArray[np.float32]]:
    """A scene as numbers: a row of subject, colour, x, y, size for each thing, and the words of the whole."""
    things = np.full((MOST, 5), -1, np.float32)
    for row, thing in enumerate(scene.things):
        kind = SUBJECT_NAMES.index(thing.subject), COLOUR_NAMES.index(thing.colour)
        things[row] = (*kind, thing.x, thing.y, thing.size)
    whole = {
        name: np.int64(WHOLE[name].index(getattr(scene, name))) for name in ("background", "style", "light")
    }
    return {
        "things": things,
        **whole,
        "defects": np.array([d in scene.defects for d in DEFECTS], np.float32),
        # Where a defect moves things, their drawn places are no longer true.
        "moved": np.bool_(bool(set(scene.defects) & set(WARPS))),
    }


def truths(drawn: list[Scene]) -> Truth:
    """The truths of scenes, stacked."""
    rows = [read_truth(scene) for scene in drawn]
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


@dataclass(frozen=True)
class Lessons:
    """Sets of pictures with the truth of all of them in a row."""

    sets: list[NDArray[np.uint8]]
    truth: Truth
    # How often the last set is drawn from, where there are several.
    last_share: float = 0.0

    def __len__(self) -> int:
        return sum(len(pixels) for pixels in self.sets)

    def pixels(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pictures of some rows."""
        out, start = np.empty((len(rows), *self.sets[0].shape[1:]), np.uint8), 0
        for pixels in self.sets:
            here = (rows >= start) & (rows < start + len(pixels))
            out[here] = pixels[rows[here] - start]
            start += len(pixels)
        return out

    @cached_property
    def rare(self) -> dict[str, NDArray[np.int64]]:
        """The rows in a style, in a light or with a defect that few pictures have."""
        spoilt = self.truth["defects"].any(1)
        return {
            "style": np.flatnonzero((self.truth["style"] > 0) & ~spoilt),
            "light": np.flatnonzero((self.truth["light"] > 0) & ~spoilt),
            "defects": np.flatnonzero(spoilt),
        }

    def choose(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Some rows: the last set's at their share, and rare ones more often than they come."""
        last = len(self) - len(self.sets[-1])
        parts = [int(count * share) for share in (self.last_share, *RARE.values())]
        some = [rng.integers(last, len(self), parts[0])]
        some += [rng.choice(self.rare[name], n) for name, n in zip(RARE, parts[1:], strict=True)]
        some.append(rng.integers(0, last, count - sum(parts)))
        return np.sort(np.concatenate(some))

    def changed(
        self, pixels: NDArray[np.uint8], truth: Truth, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], Truth]:
        """The pictures as no lesson had them before, with their truth."""
        return move(pixels, truth, rng)

    def batch(
        self, count: int, rng: np.random.Generator, device: torch.device
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Some pictures, changed a little, and what the judge should say of them."""
        rows = self.choose(count, rng)
        pixels, truth = self.changed(self.pixels(rows), {k: v[rows] for k, v in self.truth.items()}, rng)
        wanted = {k: torch.from_numpy(v).to(device) for k, v in truth.items()}
        return weather(pixels, device), wanted


def move(
    pixels: NDArray[np.uint8], truth: Truth, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Truth]:
    """Mirror every other picture and shift all of them a little; the places go along."""
    side, things = pixels.shape[1], truth["things"].copy()
    turned = rng.random(len(pixels)) < 0.5
    pixels[turned] = pixels[turned, :, ::-1]
    things[turned, :, 2] = 1 - things[turned, :, 2]
    down, right = rng.integers(-SHIFT, SHIFT + 1, 2)
    things[..., 2] -= right / side
    things[..., 3] -= down / side
    rows, columns = (np.clip(np.arange(side) + by, 0, side - 1) for by in (down, right))
    return pixels.take(rows, 1).take(columns, 2), {**truth, "things": things}


def weather(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """The network's input, after what painting does to a drawing: a shift of tone, softness, noise.

    It is never enough to change a name.
    """
    x = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float()
    gain = 1 + torch.randn(len(x), 3, 1, 1, device=device) * 0.02
    tone = torch.randn(len(x), 1, 1, 1, device=device) * 0.025
    x.mul_(gain / 127.5).add_(tone - gain)
    soft, noisy = torch.randperm(len(x), device=device).split(len(x) * 2 // 5)[:2]
    wide = functional.pad(x[soft], (1, 1, 1, 1), mode="replicate")
    x[soft] = x[soft].lerp(functional.avg_pool2d(wide, 3, 1), torch.rand(len(soft), 1, 1, 1, device=device))
    noisy = noisy[::2]
    x[noisy] += torch.randn_like(x[noisy]) * torch.rand(len(noisy), 1, 1, 1, device=device) * 0.05
    return x.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Grid:
    """The cells' answers: where centres are; which subject and colour the cells around one have, and their weight."""

    centre: Tensor
    peak: Tensor
    subject: Tensor
    colour: Tensor
    weight: Tensor


def to_grid(things: Tensor) -> Grid:
    """Things (n, 3, 5) on the cells; a cell belongs to the thing whose centre is nearest for its size."""
    axis = (torch.arange(CELLS, device=things.device) + 0.5) / CELLS
    there = (things[..., 0] >= 0)[..., None, None]
    dx = axis[None, None, None, :] - things[..., 2][..., None, None]
    dy = axis[None, None, :, None] - things[..., 3][..., None, None]
    far = (dx.square() + dy.square()).masked_fill(~there, 1e3)
    centre = torch.exp(-far * CELLS**2 / 2).amax(1)
    peak = there & (dx.abs() * CELLS <= 0.5) & (dy.abs() * CELLS <= 0.5)
    by_size = far.sqrt() / things[..., 4].clamp(min=0.05)[..., None, None]
    near, owner = by_size.min(1)
    subject, colour, size = (things[..., k].gather(1, owner.flatten(1)).view(owner.shape) for k in (0, 1, 4))
    # A large thing has more cells, and should not count for more.
    weight = torch.exp(-(near / 0.4).square()) * (near < 0.6) * (0.2 / size.clamp(min=0.05)).square()
    return Grid(centre, peak.any(1), subject.long().clamp(min=0), colour.long().clamp(min=0), weight)


def copies(settings: Settings, lessons: Lessons) -> Lessons:
    """Some lessons as the autoencoder gives them back, from latents with a little noise, like painted ones."""
    path, count = settings.run / "copies.npy", settings.judge.copies
    rows = np.sort(np.random.default_rng(5).choice(len(lessons), count, replace=False))
    if not path.exists() or len(np.load(path, mmap_mode="r")) != count:
        np.save(path, np.concatenate(list(through_vae(settings, lessons, rows))))
    return Lessons([np.load(path, mmap_mode="r")], {k: v[rows] for k, v in lessons.truth.items()})


@torch.no_grad()
def through_vae(settings: Settings, lessons: Lessons, rows: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    """Pictures there and back through the autoencoder."""
    device = pick_device()
    vae, out = lay_out(load_vae(settings), device), []
    torch.manual_seed(settings.judge.seed)
    for i in range(0, len(rows), 32):
        with fast_math(device):
            latents = (
                vae.encode(to_input(lessons.pixels(rows[i : i + 32]), device)).latent_dist.mode().float()
            )
            rough = torch.rand(len(latents), 1, 1, 1, device=device) * 0.25 * latents.std()
            out.append(to_pictures(vae.decode(latents + rough * torch.randn_like(latents)).sample))
        if i % 320 == 0:
            print(f"copied {i} of {len(rows)}", flush=True)
    return out


def together(a: Lessons, b: Lessons, last_share: float = 0.0) -> Lessons:
    """One after the other."""
    truth = {k: np.concatenate([v, b.truth[k]]) for k, v in a.truth.items()}
    return Lessons([*a.sets, *b.sets], truth, last_share)


def draw_lessons(path: Path, count: int, side: int, make: Callable[[int], Scene], name: str) -> Lessons:
    """A set of its own scenes, drawn once."""
    return Lessons([draw_set(path, count, side, 0, name, make=make)], truths([make(k) for k in range(count)]))


def open_lessons(settings: Settings, pixels: NDArray[np.uint8]) -> Lessons:
    """Everything the judge learns from: the common drawings, the extra ones, and copies of both."""
    common = Lessons([pixels], truths(scenes(len(pixels))))
    path = settings.data / f"lessons-{SIDE}.npy"
    extra = draw_lessons(path, settings.judge.lessons, SIDE, lesson, "lessons")
    drawn = together(common, extra)
    return together(drawn, copies(settings, drawn), settings.judge.copied_share)
