"""A request on its way from stage to stage, on a registry of its own."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from studio.diffusion import run
from studio.errors import StudioError
from studio.inputs import Inputs
from studio.messages import (
    AnyEvent,
    Base,
    Cancelled,
    Entry,
    Finished,
    GenerationRequest,
    HighResolution,
    Loading,
    Mask,
    Notice,
    Start,
    Step,
    Upscale,
)
from studio.models.devices import Device
from studio.models.registry import Registry
from studio.work import Bench
from studio.work import generate as work
from tests.diffusion.painting import request, spec


class Asked:
    """A device that does what it is asked, and everything it told."""

    def __init__(self, data: Path, checkpoint: Path) -> None:
        self.inputs = Inputs(data)
        self.registry = Registry(Device("cpu", torch.float32, 2**40), data)
        self.specs: Mapping[str, Entry] = {"tiny": spec(checkpoint)}
        self.told: list[AnyEvent] = []
        self.unwanted: set[str] = set()

    def __call__(self, *requests: GenerationRequest) -> list[AnyEvent]:
        self.told = []
        bench = Bench(self.registry, self.told.append, self.unwanted.__contains__)
        for _ in work.generate(requests, self.specs, bench):
            pass
        return self.told

    def picture(self, asked: GenerationRequest) -> Image.Image:
        finished = self(asked)[-1]
        assert isinstance(finished, Finished)
        size = finished.media.size
        return Image.frombytes("RGB", (size.width, size.height), finished.media.data)

    def kept(self, picture: Image.Image, mask: bool = False) -> str:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        keep = self.inputs.keep_mask if mask else self.inputs.keep
        return keep(buffer.getvalue()).picture


@pytest.fixture
def asked(tmp_path: Path, tiny_checkpoint: Path) -> Asked:
    return Asked(tmp_path, tiny_checkpoint)


def gradient(side: int = 64) -> Image.Image:
    return Image.linear_gradient("L").resize((side, side)).convert("RGB")


def told(events: list[AnyEvent], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_the_same_request_gives_the_same_bytes_twice(asked: Asked) -> None:
    ways = [request(), request(sampler="euler_a"), request(start=Start(picture=asked.kept(gradient())))]
    for wanted in ways:
        assert asked.picture(wanted).tobytes() == asked.picture(wanted).tobytes()
    assert len({asked.picture(wanted).tobytes() for wanted in ways}) == 3


def test_a_batch_of_four_is_four_single_pictures(asked: Asked) -> None:
    four = [request(id=f"j-{seed}", seed=seed, sampler="euler_a") for seed in range(4)]
    batch = [event.media.sha256 for event in told(asked(*four), Finished)]
    singles = [event.media.sha256 for one in four for event in told(asked(one), Finished)]
    assert batch == singles and len(set(batch)) == 4


def test_an_enlargement_alone_brings_no_model(asked: Asked) -> None:
    start = Start(picture=asked.kept(gradient()))
    found = asked.picture(request(start=start, stages=(Upscale(factor=2),)))
    assert found.size == (128, 128) and not told(asked.told, Loading)
    assert asked.registry.held() == ()
    assert abs(found.getpixel((64, 100))[0] - gradient().getpixel((32, 50))[0]) <= 4  # type: ignore[index]


def test_stages_follow_each_other_and_tell_their_own_steps(asked: Asked) -> None:
    twice = HighResolution(factor=2, strength=0.5, steps=4, upscaler="lanczos")
    found = asked.picture(request(steps=3, stages=(Base(), twice, Upscale(factor=2))))
    assert found.size == (256, 256)
    steps = [(one.stage, one.step, one.steps) for one in told(asked.told, Step)]
    assert steps == [
        ("base", 1, 3), ("base", 2, 3), ("base", 3, 3),
        ("high_resolution", 1, 2), ("high_resolution", 2, 2),
    ]  # fmt: skip


def test_a_mask_and_its_picture_are_read_by_their_hashes(asked: Asked) -> None:
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 64))
    wanted = request(
        start=Start(picture=asked.kept(gradient()), strength=0.8),
        mask=Mask(picture=asked.kept(mask, mask=True), feather=0),
    )
    found = asked.picture(wanted)
    right = (32, 0, 64, 64)
    assert found.crop(right).tobytes() == gradient().crop(right).tobytes()
    assert found.tobytes() != gradient().tobytes()


def test_a_picture_that_is_gone_is_said(asked: Asked) -> None:
    with pytest.raises(StudioError, match="input_unknown"):
        asked(request(start=Start(picture="f" * 64)))


def test_an_unwanted_picture_is_let_go_and_the_next_is_painted(asked: Asked) -> None:
    asked.unwanted = {"j-1"}
    events = asked(request(id="j-1"), request(id="j-2"))
    assert [type(event) for event in events if isinstance(event, Cancelled | Finished)] == [
        Cancelled,
        Finished,
    ]


# -- what goes wrong on a device ------------------------------------------------------------------


def short_of_memory(monkeypatch: pytest.MonkeyPatch, times: int) -> list[run.Means | None]:
    """The first paintings run out of memory; what each was given is kept."""
    given: list[run.Means | None] = []
    paint = work.paint

    def short(*all: Any) -> Image.Image:
        given.append(all[-1])
        if len(given) <= times:
            raise torch.OutOfMemoryError("of 40 GB")
        return paint(*all)

    monkeypatch.setattr(work, "paint", short)
    return given


def test_out_of_memory_is_tried_once_more_with_less(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    given = short_of_memory(monkeypatch, 1)
    events = asked(request())
    assert [event.code for event in told(events, Notice)] == ["memory_retry"]
    assert [means.tiles for means in given if means] == [False, True] and told(events, Finished)


def test_out_of_memory_twice_is_the_end(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    given = short_of_memory(monkeypatch, 9)
    with pytest.raises(torch.OutOfMemoryError):
        asked(request())
    assert len(given) == 2
    assert not any(held.pinned for held in asked.registry.held())


def test_a_bug_is_not_taken_for_short_memory(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Image.Image:
        raise ZeroDivisionError

    monkeypatch.setattr(work, "paint", broken)
    with pytest.raises(ZeroDivisionError):
        asked(request())
    assert not told(asked.told, Notice)
