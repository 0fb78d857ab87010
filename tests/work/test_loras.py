"""LoRAs on their way through a request: on for its picture, with all else that it asks for, and off afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from studio.errors import StudioError
from studio.messages import (
    Base,
    Bilingual,
    Cancelled,
    FileSource,
    Finished,
    GenerationRequest,
    HighResolution,
    LoraSpec,
    LoraUse,
    Mask,
    Start,
    Step,
    Upscale,
)
from studio.models.devices import Device
from studio.models.registry import Registry
from studio.work import generate as work
from tests import samples, tiny_loras
from tests.diffusion.painting import request
from tests.tiny import clip_text, clip_tokenizer, unet
from tests.tiny_controls import control_net, control_spec, encoder_spec, single_file, style_weights
from tests.work.test_generate import Asked, gradient


def lora_spec(path: Path) -> LoraSpec:
    title = Bilingual(en=path.stem, zh=path.stem)
    return LoraSpec(id=path.stem, title=title, source=FileSource(path=str(path)), licence="test", own=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """LoRAs for the denoiser and the text encoder; a control net and a style beside them."""
    folder = tmp_path_factory.mktemp("loras")
    parts = {"unet": unet(), "text_encoder": clip_text(clip_tokenizer(folder))}
    control_net(unet(), 1).save_pretrained(folder / "edges")
    single_file(style_weights(unet()), folder / "style.safetensors")
    return [
        tiny_loras.written(tiny_loras.kohya(parts, seed=seed, size=0.3), folder / f"l{seed}.safetensors")
        for seed in range(3)
    ]


@pytest.fixture
def asked(tmp_path: Path, tiny_checkpoint: Path, files: list[Path]) -> Asked:
    asked, folder = Asked(tmp_path, tiny_checkpoint), files[0].parent
    style = {"kinds": ("style",), "network": "ip_adapter", "encoder": "eyes"}
    specs = [
        *map(lora_spec, files),
        control_spec(folder / "edges", "edges"),
        control_spec(folder / "style.safetensors", "style", **style),
        encoder_spec(tmp_path / "eyes.safetensors"),
    ]
    asked.specs = {**asked.specs, **{one.id: one for one in specs}}
    return asked


def use(id: str = "l0", weight: float = 1.0, text: float | None = None) -> LoraUse:
    return LoraUse(id=id, weight=weight, text_encoder_weight=text)


def weights(asked: Asked) -> dict[str, bytes]:
    """Every number of the model as it was loaded."""
    with asked.registry.lease(asked.specs["tiny"]) as model:
        return {
            f"{name}.{key.replace('.base_layer', '')}": one.numpy().tobytes()
            for name, part in model.parts.items()
            if isinstance(part, torch.nn.Module)
            for key, one in part.state_dict().items()
            if ".lora_" not in key
        }


def ways(asked: Asked) -> dict[str, GenerationRequest]:
    start = Start(picture=asked.kept(gradient()), strength=0.7)
    half = Image.new("L", (64, 64), 0)
    half.paste(255, (0, 0, 32, 64))
    mask = Mask(picture=asked.kept(half, mask=True), feather=0)
    edges = samples.unit(picture=start.picture, net="edges", detector="canny")
    style = samples.unit(picture=start.picture, kind="style", net="style")
    twice = HighResolution(factor=1.5, strength=0.5, upscaler="lanczos")
    return {
        "words": request(),
        "redrawn": request(start=start),
        "masked": request(start=start, mask=mask),
        "enlarged": request(stages=(Base(), twice, Upscale(factor=1.5))),
        "referred": request(controls=(edges, style)),
        "tiled": request(tiling="both", sampler="euler_a"),
    }


WAYS = ("words", "redrawn", "masked", "enlarged", "referred", "tiled")


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_paint_is_another_with_a_lora_and_afterwards_as_before(asked: Asked, way: str) -> None:
    plain = ways(asked)[way]
    without, before = asked.picture(plain).tobytes(), weights(asked)
    glowing = plain.model_copy(update={"loras": (use(),)})
    found = asked.picture(glowing).tobytes()
    assert found != without
    assert asked.picture(plain).tobytes() == without and weights(asked) == before
    assert asked.picture(glowing).tobytes() == found


@pytest.mark.parametrize("way", WAYS)
def test_a_lora_of_weight_zero_is_as_good_as_none(asked: Asked, way: str) -> None:
    plain = ways(asked)[way]
    without = asked.picture(plain).tobytes()
    assert asked.picture(plain.model_copy(update={"loras": (use(weight=0.0),)})).tobytes() == without


def test_the_words_alone_or_the_picture_alone_may_be_changed(asked: Asked) -> None:
    found = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
    loras = [(use(weight=picture, text=text),) for picture, text in found]
    assert len({asked.picture(request(loras=one)).tobytes() for one in loras}) == 4


def test_the_hash_of_each_file_comes_with_the_picture(asked: Asked, files: list[Path]) -> None:
    import hashlib

    finished = asked(request(loras=(use("l1", 0.5), use("l0"))))[-1]
    assert isinstance(finished, Finished)
    digests = [hashlib.sha256(files[number].read_bytes()).hexdigest() for number in (1, 0)]
    assert [(one.id, one.weight, one.sha256) for one in finished.loras] == [
        ("l1", 0.5, digests[0]),
        ("l0", 1.0, digests[1]),
    ]


def test_the_order_in_which_they_are_named_never_matters(asked: Asked) -> None:
    uses = (use("l0", 0.9), use("l1", -0.4, 0.2), use("l2", 0.6))
    pictures = {
        asked.picture(request(loras=one)).tobytes() for one in (uses, uses[::-1], uses[1:] + uses[:1])
    }
    assert len(pictures) == 1


# -- what goes wrong ------------------------------------------------------------------------------


@pytest.fixture
def before(asked: Asked) -> Iterator[tuple[bytes, dict[str, bytes]]]:
    """The plain picture and the weights; both are the same again after the test."""
    plain, numbers = asked.picture(request()).tobytes(), weights(asked)
    yield plain, numbers
    asked.unwanted = set()
    assert asked.picture(request()).tobytes() == plain and weights(asked) == numbers
    assert not any(held.pinned for held in asked.registry.held())


def test_one_that_is_stopped_in_the_middle_leaves_nothing_on(asked: Asked, before: object) -> None:
    def stop(event: Any) -> None:
        asked.told.append(event)
        if isinstance(event, Step):
            asked.unwanted = {event.request}

    bench = work.Bench(asked.registry, stop, lambda id: id in asked.unwanted)
    for _ in work.generate((request(steps=5, loras=(use(),)),), asked.specs, bench):
        pass
    assert [(type(one), one.step) for one in asked.told if isinstance(one, Cancelled)] == [(Cancelled, 2)]


@pytest.mark.parametrize("fails", [ZeroDivisionError, torch.OutOfMemoryError])
def test_one_that_fails_leaves_nothing_on(
    asked: Asked, before: object, fails: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Image.Image:
        raise fails

    monkeypatch.setattr(work, "paint", broken)
    with pytest.raises(fails):
        asked(request(loras=(use(), use("l1", 0.3))))
    monkeypatch.undo()


def test_short_of_memory_once_it_is_painted_with_the_same_loras(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = request(loras=(use(), use("l1", 0.3)))
    whole = asked.picture(wanted).tobytes()
    real, given = work.paint, []

    def short(*all: Any) -> Image.Image:
        given.append(all)
        if len(given) == 1:
            raise torch.OutOfMemoryError("of 40 GB")
        return real(*all)

    monkeypatch.setattr(work, "paint", short)
    assert asked.picture(wanted).tobytes() == whole and len(given) == 2


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: path.unlink(), "lora_missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-8]), "weights_truncated"),
        (lambda path: path.write_bytes((800 * 2**20).to_bytes(8, "little") + b"{}" * 99), "weights_broken"),
        (lambda path: path.write_bytes(b"\x80\x04\x95" * 99), "weights_broken"),
        (lambda path: other(path, kind="wide"), "lora_sizes"),
        (lambda path: other(path, kind="zero"), "lora_empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_words(
    asked: Asked, before: object, tmp_path: Path, spoil: Callable[[Path], object], code: str
) -> None:
    path = tiny_loras.written(tiny_loras.peft({"unet": unet()}), tmp_path / "mine.safetensors")
    asked.specs = {**asked.specs, "mine": lora_spec(path)}
    spoil(path)
    with pytest.raises(StudioError) as told:
        asked(request(loras=(use(), use("mine"))))
    assert told.value.code == code


def other(path: Path, kind: str) -> None:
    layers = {"unet": unet(cross_attention_dim=48)} if kind == "wide" else {"unet": unet()}
    tiny_loras.written(tiny_loras.peft(layers, size=0.0 if kind == "zero" else 0.3), path)


@pytest.mark.parametrize("mode", ["offload", "group"])
def test_a_model_that_takes_its_parts_in_turn_paints_the_same(asked: Asked, mode: str) -> None:
    wanted = request(loras=(use("l0", 0.8), use("l2", 0.4)), controls=ways(asked)["referred"].controls)
    whole, free = asked.picture(wanted), asked.picture(request())
    turns = Device("cpu", torch.float32, 2**40, mode, host_budget=2**40, is_host=False)
    asked.registry = Registry(turns, asked.registry.data)
    for _ in range(2):
        assert asked.picture(wanted).tobytes() == whole.tobytes()
        assert asked.picture(request()).tobytes() == free.tobytes() != whole.tobytes()


# -- in half precision, and on a GPU --------------------------------------------------------------


def with_everything(asked: Asked) -> GenerationRequest:
    loras = (use("l0", 0.8), use("l1", 0.5, 0.2), use("l2", -0.4))
    return request(loras=loras, controls=ways(asked)["referred"].controls)


def test_half_precision_paints_with_loras_too(asked: Asked) -> None:
    asked.registry = Registry(Device("cpu", torch.bfloat16, 2**40), asked.registry.data)
    found, free = asked.picture(with_everything(asked)), asked.picture(request())
    assert found.tobytes() != free.tobytes()
    assert asked.picture(with_everything(asked)).tobytes() == found.tobytes()
    assert asked.picture(request()).tobytes() == free.tobytes()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("mode", ["device", "offload", "group", "fp8"])
def test_on_a_gpu_every_mode_paints_with_loras_and_leaves_the_model_as_it_was(
    asked: Asked, mode: str
) -> None:
    gpu = Device("cuda:0", torch.float16, 2**40, mode, host_budget=2**40, is_host=False)
    asked.registry = Registry(gpu, asked.registry.data)
    free, found = asked.picture(request()), asked.picture(with_everything(asked))
    assert found.tobytes() != free.tobytes()
    assert asked.picture(with_everything(asked)).tobytes() == found.tobytes()
    assert asked.picture(request()).tobytes() == free.tobytes()
