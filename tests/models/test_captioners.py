"""Captioners as entries: known by their configuration, counted from headers, refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from studio.errors import StudioError, say_trouble
from studio.messages import CaptionerSpec
from studio.models import captioners
from studio.models.devices import Device
from studio.models.registry import Loaded, Registry
from tests.tiny_captioners import as_published, captioner_spec, tiny_blip, tiny_florence

MAKERS: dict[str, Callable[[Path], Path]] = {"blip": tiny_blip, "florence2": tiny_florence}


@pytest.fixture(params=MAKERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, kind: str) -> Path:
    return MAKERS[kind](tmp_path / kind)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """They never come to an end by themselves."""
    for kind, known in captioners.NETWORKS.items():
        monkeypatch.setitem(captioners.NETWORKS, kind, replace(known, most=8))


def registry(data: Path, dtype: torch.dtype = torch.float32, budget: int = 10**9) -> Registry:
    return Registry(Device("cpu", dtype, budget), data)


def leased(data: Path, spec: CaptionerSpec) -> Loaded[CaptionerSpec]:
    with registry(data).lease(spec) as captioner:
        return captioner


def said(loaded: Loaded[CaptionerSpec], *pictures: Image.Image) -> list[str]:
    return list(captioners.captions(loaded.parts, pictures, "cpu", lambda: False))


def refused(data: Path, folder: Path) -> StudioError:
    kept = registry(data)
    with pytest.raises(StudioError) as told, kept.lease(captioner_spec(folder)):
        pass
    assert kept.held() == ()
    for language in ("en", "zh"):
        assert say_trouble(language, told.value.trouble)
    return told.value


def noise(seed: int, width: int = 40, height: int = 90) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_it_says_of_each_picture_what_it_sees_and_the_same_each_time(tmp_path: Path, folder: Path) -> None:
    captioner = leased(tmp_path, captioner_spec(folder))
    pictures = (noise(0), Image.new("RGB", (1, 1), "red"), Image.new("RGB", (300, 2), "blue"))
    found = said(captioner, *pictures)
    assert len(found) == 3 and all(found) and len(set(found)) > 1
    assert found == said(captioner, *pictures)


def test_what_it_says_of_a_picture_does_not_depend_on_those_beside_it(tmp_path: Path, folder: Path) -> None:
    captioner = leased(tmp_path, captioner_spec(folder))
    pictures = [noise(seed) for seed in range(3)]
    assert said(captioner, *pictures) == [said(captioner, one)[0] for one in pictures]


def test_it_stops_in_the_middle_of_a_caption(tmp_path: Path, folder: Path) -> None:
    captioner = leased(tmp_path, captioner_spec(folder))
    looks: list[int] = []

    def unwanted() -> bool:
        looks.append(1)
        return len(looks) > 2

    assert list(captioners.captions(captioner.parts, [noise(0)], "cpu", unwanted)) == []
    assert len(looks) < 8  # it did not go on to the end


def test_its_bytes_are_foreseen_from_the_header(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = registry(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(captioners, "load_captioner", lambda *_: pytest.fail("it must not be read"))
        foreseen = kept.forecast(captioner_spec(folder)).loads
    with kept.lease(captioner_spec(folder)) as captioner:
        assert kept.held()[0].bytes == foreseen == weighs(captioner.parts["captioner"])


def test_one_as_the_hubs_have_them_says_the_same(tmp_path: Path, folder: Path) -> None:
    pictures = noise(0), noise(1)
    before = said(leased(tmp_path, captioner_spec(folder)), *pictures)
    foreseen = registry(tmp_path).forecast(captioner_spec(folder)).loads
    as_published(folder)
    assert registry(tmp_path).forecast(captioner_spec(folder)).loads == foreseen
    assert said(leased(tmp_path, captioner_spec(folder)), *pictures) == before


def test_without_word_of_pictures_it_is_refused(tmp_path: Path) -> None:
    folder = as_published(tiny_florence(tmp_path / "florence2"))
    (folder / "preprocessor_config.json").unlink()
    error = refused(tmp_path, folder)
    assert (error.code, error.params["file"]) == ("captioner_incomplete", "preprocessor_config.json")


def weighs(network: torch.nn.Module) -> int:
    numbers = [*network.parameters(), *(one for one in network.buffers() if one.is_floating_point())]
    return sum(4 * one.numel() for one in numbers)


def test_a_matrix_under_several_names_and_what_older_files_hold_besides_count_nothing(
    tmp_path: Path, folder: Path, kind: str
) -> None:
    foreseen = registry(tmp_path).forecast(captioner_spec(folder)).loads
    file = folder / "model.safetensors"
    weights = load_file(file)
    for names in captioners.NETWORKS[kind].tied:
        shared = next(weights[name] for name in names if name in weights)
        weights |= {name: shared.clone() for name in names}
    weights["text_decoder.bert.embeddings.position_ids"] = torch.arange(7)[None]
    save_file(weights, file, metadata={"format": "pt"})
    assert registry(tmp_path).forecast(captioner_spec(folder)).loads == foreseen
    assert all(said(leased(tmp_path, captioner_spec(folder)), noise(0)))


def test_matrices_of_their_own_count_each(tmp_path: Path, folder: Path, kind: str) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for told in (config, config["text_config"]):
        told["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    weights = load_file(folder / "model.safetensors")
    for names in captioners.NETWORKS[kind].tied:
        shared = next(weights[name] for name in names if name in weights)
        weights |= {name: shared.clone() for name in names}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    foreseen = registry(tmp_path).forecast(captioner_spec(folder)).loads
    captioner = leased(tmp_path, captioner_spec(folder))
    assert foreseen == weighs(captioner.parts["captioner"])


def test_it_computes_in_full_width_on_every_device(tmp_path: Path, folder: Path) -> None:
    with registry(tmp_path, torch.float16).lease(captioner_spec(folder)) as captioner:
        assert {one.dtype for one in captioner.parts["captioner"].parameters()} == {torch.float32}


def test_one_goes_for_another_where_both_have_no_room(tmp_path: Path) -> None:
    specs = [captioner_spec(make(tmp_path / kind)) for kind, make in MAKERS.items()]
    sizes = [registry(tmp_path).forecast(spec).loads for spec in specs]
    kept = registry(tmp_path, budget=sum(sizes) - 1)
    for spec in (*specs, specs[0]):
        with kept.lease(spec, measured=False):
            assert [one.model for one in kept.held()] == [spec.id]


def test_weights_that_are_missing_are_refused(tmp_path: Path, folder: Path) -> None:
    file = folder / "model.safetensors"
    weights = load_file(file)
    gone = next(name for name in sorted(weights) if name.endswith("fc1.weight"))
    del weights[gone]
    save_file(weights, file, metadata={"format": "pt"})
    error = refused(tmp_path, folder)
    assert (error.code, error.params["key"]) == ("weights_incomplete", gone)


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    assert refused(tmp_path, folder).code == "weights_truncated"


@pytest.mark.parametrize("gone", ["config.json", "processor_config.json", "tokenizer.json"])
def test_a_file_that_is_missing_is_told_by_its_name(tmp_path: Path, folder: Path, gone: str) -> None:
    (folder / gone).unlink()
    error = refused(tmp_path, folder)
    first = "preprocessor_config.json" if gone == "processor_config.json" else gone
    assert (error.code, error.params["file"]) == ("captioner_incomplete", first)


def test_another_kind_of_network_is_refused(tmp_path: Path, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "git"}), encoding="utf-8")
    error = refused(tmp_path, folder)
    assert (error.code, error.params["kind"]) == ("captioner_unknown", "git")


def test_weights_that_do_not_fit_their_settings_are_refused(tmp_path: Path) -> None:
    folder = tiny_blip(tmp_path / "blip")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["vision_config"]["intermediate_size"] = 48
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert refused(tmp_path, folder).code == "weights_unusable"


def test_a_pickle_is_refused(tmp_path: Path, folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert refused(tmp_path, folder).code == "weights_pickled"


def test_nothing_is_asked_of_a_network(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuses(*_: Any) -> Iterator[None]:
        pytest.fail("a captioner that is here needs no network")

    monkeypatch.setattr(socket.socket, "connect", refuses)
    assert all(said(leased(tmp_path, captioner_spec(folder)), noise(0)))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The image shows a cat on a table.", "a cat on a table"),
        ("In this image we can see a cat. It is red.", "a cat. It is red"),
        ("a cat \n on a table", "a cat on a table"),
        ("the image of a cat", "the image of a cat"),
    ],
)
def test_words_about_there_being_a_picture_are_left_out(text: str, left: str) -> None:
    assert captioners._plain(text) == left
