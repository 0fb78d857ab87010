"""Once the base is frozen: one control net that follows pose, hard and soft edges, depth and colours.

It is one net for all five kinds, because their maps cannot be taken for one another: five nets of their own would
not fit beside the base, and what it learns of one map (where an outline is) serves the others. It is trained on top
of the committed weights, belongs to them, and is written beside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel, DDPMScheduler
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pocket.painter import BETAS, GUIDANCE
from pocket.train.common import fast_math, lay_out, pick_device
from pocket.train.feed import Feed, open_feed
from pocket.train.loop import Loop, compiled
from pocket.train.references import Maps, open_maps
from pocket.train.scenes import learned
from pocket.train.settings import Settings
from pocket.train.unet import Both, Times, build_both, noised
from pocket.world import SUBJECTS

# Through which the map is read, before and after each halving.
HINTS = (16, 32, 64, 128)
# People are few, and only they have a pose.
PEOPLE_SHARE = 0.35
# Where things are is decided in strong noise, often with nothing of the picture to see: there the map has to speak.
TIMES, BLIND_SHARE = Times(late=0.45, fine=0.3), 0.5
# The written net speaks louder than it learned to, as guidance does with a prompt: what a map changes is right in its
# direction long before it is in its size. How much of it the studio hears stands in models.yaml (`balances`).
LOUD = 2.0
# How much more quietly it is heard where there are no words, so that guidance strengthens the map too: as the studio
# hears it, `opposite` to `own` in models.yaml.
QUIETER = 0.2
# The sides of the cells over which errors count, in latents; the last are those of a colour map.
CELLS = (1, 2, 4)
# How much it counts beside them what guidance makes of the picture at large; its details are guidance's own affair.
GUIDED, GUIDED_CELLS = 0.5, (2, 4)


def at_sizes(wrong: Tensor, sides: tuple[int, ...]) -> Tensor:
    """The mean square of an error's means over cells, the larger the more: what is wrong over a whole cell, such as
    its colour or that a leg stands there, is small beside what is wrong at its edges, and is what a map tells."""
    return torch.stack([side * functional.avg_pool2d(wrong, side).square().mean() for side in sides]).sum()


def strayed(without: Tensor, with_words: Tensor, target: Tensor) -> Tensor:
    """How far the guess with words is off, and what guidance from the other one to it makes of both: that is what is
    painted, and left alone it drives the colours too far. An even sky counts as much as an outline, since it is where
    things are and not how they look that the base cannot know."""
    guided = without + GUIDANCE * (with_words - without)
    return at_sizes(with_words - target, CELLS) + GUIDED * at_sizes(guided - target, GUIDED_CELLS)


def twice(batch: Tensor) -> Tensor:
    """The same again behind it, laid out as convolutions like it."""
    return torch.cat([batch, batch]).contiguous(memory_format=torch.channels_last)


def build_net(unet: Any, folder: Path) -> Any:
    """The net that is there, to go on with, also where the base has changed since; else a copy of the base's first
    half, silent at first."""
    if folder.is_dir():
        return louder(ControlNetModel.from_pretrained(folder).float(), 1 / LOUD)
    return ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=HINTS)


def louder(net: Any, times: float) -> Any:
    """The same net, whose every word counts that many times as much."""
    with torch.no_grad():
        for part in (*net.controlnet_down_blocks, net.controlnet_mid_block):
            for weights in part.parameters():
                weights *= times
    return net


def heard(part: Tensor) -> Tensor:
    """What the net says of a batch whose first half is without words and whose second is with them."""
    without, with_words = part.chunk(2)
    return torch.cat([QUIETER * without, with_words])


class Followed(nn.Module):
    """The base with the net beside it, as one network, for a batch without words and then with them; only the net
    learns."""

    def __init__(self, both: Both, net: Any) -> None:
        super().__init__()
        self.both, self.net = both.eval().requires_grad_(False), net

    def forward(self, x: Tensor, t: Tensor, ids: Tensor, maps: Tensor) -> Tensor:
        """The predicted velocity."""
        with torch.no_grad():
            words = self.both.text_encoder(input_ids=ids).last_hidden_state
        down, mid = self.net(x, t, words, controlnet_cond=maps, return_dict=False)
        *down, mid = (heard(part) for part in (*down, mid))
        return self.both.unet(
            x, t, words, down_block_additional_residuals=down, mid_block_additional_residual=mid
        ).sample


@dataclass
class References:
    """Sound pictures of the base's training set with their maps."""

    feed: Feed
    maps: Maps
    rows: NDArray[np.int64]
    sound: NDArray[np.int64]
    peopled: NDArray[np.int64]

    def batch(self, settings: Settings, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Latents, tokens and a map each."""
        count = settings.control.pictures_a_step
        here = np.where(
            rng.random(count) < PEOPLE_SHARE, rng.choice(self.peopled, count), rng.choice(self.sound, count)
        )
        x, ids = self.feed.read(self.rows[here], 0.0, rng)
        return x, ids, self.maps.some(here, rng, x.device)

    def silence(self, count: int) -> Tensor:
        """The tokens of nothing, so often."""
        return self.feed.empty.repeat(count, 1)


def open_references(settings: Settings) -> References:
    """The maps of the run folder, and which of them tell the truth."""
    rows, maps = open_maps(settings)
    scenes = [learned(int(k)) for k in rows]
    sound = np.array([k for k, scene in enumerate(scenes) if not scene.defects])
    peopled = np.array([k for k in sound if any(SUBJECTS[t.subject].person for t in scenes[k].things)])
    return References(open_feed(settings), maps, rows, sound, peopled)


class Following:
    """A run of the net beside the base."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.s, self.device = settings, settings.control, pick_device()
        torch.manual_seed(self.s.seed)
        both = build_both(settings)
        self.net = lay_out(build_net(both.unet, settings.weights / "control"), self.device)
        self.fast = compiled(lay_out(Followed(both, self.net), self.device), settings)
        self.plan = DDPMScheduler(num_train_timesteps=1000, prediction_type="v_prediction", **BETAS)
        self.loop = Loop("control", settings, self.s, self.net, decay=self.s.decay)

    def loss(self, x: Tensor, silent: Tensor, ids: Tensor, maps: Tensor) -> Tensor:
        """What the predicted velocity of every picture, without its words and with them, gets wrong at times when a
        map has something to say."""
        t = TIMES.draw(len(x), x.device)
        seen, target = noised(self.plan, x, t, BLIND_SHARE)
        with fast_math(self.device):
            guess = self.fast(twice(seen), t.repeat(2), torch.cat([silent, ids]), twice(maps))
        return strayed(*guess.float().chunk(2), target)

    def run(self) -> Any:
        """Train until the minutes are used; the averaged net."""
        references = open_references(self.settings)
        silent = references.silence(self.s.pictures_a_step)

        def wrong(rng: np.random.Generator) -> dict[str, Tensor]:
            x, ids, maps = references.batch(self.settings, rng)
            return {"loss": self.loss(x, silent, ids, maps)}

        self.loop.run(wrong)
        assert self.loop.average is not None
        self.net.load_state_dict(self.loop.average.values)
        return self.net


def train_control(settings: Settings) -> None:
    """Train on the committed weights until the budget is used, and write the net beside them."""
    net = Following(settings).run()
    write_net(net, settings.weights / "control")


def write_net(net: Any, folder: Path) -> None:
    """A learned net as it is painted with."""
    louder(net, LOUD).half().save_pretrained(folder, safe_serialization=True, max_shard_size="8MB")
    config = folder / "config.json"
    kept = json.loads(config.read_text("utf-8"))
    kept.pop("_name_or_path", None)  # the library notes where a net that goes on was read from
    config.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", "utf-8")
