"""Pickles of the catalog: read without running anything, converted once, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio.catalog import COMPLETE, store_of
from studio.errors import StudioError, say_trouble
from studio.messages import Bilingual, HubSource, UpscalerSpec
from studio.models import converting
from studio.models.converting import converted, weights_of

WEIGHTS = {"conv.weight": torch.arange(12.0).reshape(3, 4), "conv.bias": torch.ones(3, dtype=torch.float16)}


def saved(path: Path, content: Any) -> tuple[Path, str]:
    torch.save(content, path)
    return path, sha256(path)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def same(path: Path, weights: dict[str, torch.Tensor]) -> bool:
    loaded = load_file(str(path))
    return loaded.keys() == weights.keys() and all(torch.equal(loaded[key], weights[key]) for key in weights)


def refused(path: Path, digest: str, data: Path) -> StudioError:
    with pytest.raises(StudioError) as told:
        converted(path, digest, data)
    assert path.name in say_trouble("en", told.value.trouble)
    assert not list((data / "converted").glob("*"))
    return told.value


class Hostile:
    """What a hostile pickle holds: a call that is made while it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize(
    "content",
    [
        WEIGHTS,
        {"params_ema": WEIGHTS, "params": {"other": torch.zeros(1)}},
        {"state_dict": {"model": WEIGHTS}, "epoch": 3},
        WEIGHTS | {"step": 7},
    ],
    ids=["plain", "wrapped", "wrapped twice", "with a number"],
)
def test_a_pickle_of_weights_becomes_safetensors(tmp_path: Path, content: Any) -> None:
    path, digest = saved(tmp_path / "x4.pth", content)
    target = converted(path, digest, tmp_path / "data")
    assert target == tmp_path / "data" / "converted" / f"{digest}.safetensors"
    assert same(target, WEIGHTS)


def test_an_old_pickle_without_a_zip_around_it_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "x4.pth"
    torch.save(WEIGHTS, path, _use_new_zipfile_serialization=False)
    assert not zipfile.is_zipfile(path)
    assert same(converted(path, sha256(path), tmp_path), WEIGHTS)


def test_names_that_share_one_memory_get_their_own(tmp_path: Path) -> None:
    both = torch.arange(6.0).reshape(2, 3)
    shared = {"a": both, "b": both.T, "c": both[0]}
    path, digest = saved(tmp_path / "x4.pth", shared)
    assert same(converted(path, digest, tmp_path), {key: value.clone() for key, value in shared.items()})


def test_it_is_converted_once(tmp_path: Path) -> None:
    path, digest = saved(tmp_path / "x4.pth", WEIGHTS)
    first = converted(path, digest, tmp_path)
    path.unlink()
    assert converted(path, digest, tmp_path) == first


def test_a_file_of_another_hash_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = saved(tmp_path / "x4.pth", WEIGHTS)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it must not be read"))
    assert refused(path, "0" * 64, tmp_path).code == "hash_wrong"


@pytest.mark.parametrize("new", [True, False], ids=["zip", "old"])
def test_a_hostile_pickle_does_not_run_even_if_its_hash_is_right(tmp_path: Path, new: bool) -> None:
    trace = tmp_path / "trace"
    path = tmp_path / "x4.pth"
    torch.save(WEIGHTS | {"x": Hostile(trace)}, path, _use_new_zipfile_serialization=new)
    assert refused(path, sha256(path), tmp_path).code == "pickle_refused"
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists()  # it was hostile indeed


def test_a_bare_hostile_pickle_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "x4.pth"
    path.write_bytes(pickle.dumps(Hostile(tmp_path / "trace")))
    assert refused(path, sha256(path), tmp_path).code == "pickle_refused"
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("content", [b"", b"<!doctype html>", b"PK\x03\x04 broken"])
def test_what_is_no_pickle_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x4.pth"
    path.write_bytes(content)
    assert refused(path, sha256(path), tmp_path).code == "pickle_refused"


@pytest.mark.parametrize("content", [{}, [], 3, {"params": {"step": 1}}], ids=str)
def test_a_pickle_without_weights_is_refused(tmp_path: Path, content: Any) -> None:
    path, digest = saved(tmp_path / "x4.pth", content)
    assert refused(path, digest, tmp_path).code == "pickle_refused"


def test_a_conversion_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(weights: object, path: str, metadata: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    path, digest = saved(tmp_path / "x4.pth", WEIGHTS)
    monkeypatch.setattr(converting, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        converted(path, digest, tmp_path)
    assert not list((tmp_path / "converted").glob("*"))
    monkeypatch.undo()
    assert same(converted(path, digest, tmp_path), WEIGHTS)


def test_an_entrys_weights_are_converted_where_they_are_a_pickle(tmp_path: Path) -> None:
    path, digest = saved(tmp_path / "x4.pth", WEIGHTS)
    source = HubSource(repo="a/b", file="x4.pth", sha256=digest)
    spec = UpscalerSpec(id="up", title=Bilingual(en="u", zh="u"), source=source, licence="mit")
    store = store_of(source, tmp_path)
    store.mkdir(parents=True)
    path.rename(store / "x4.pth")
    marker = f'{{"files": {{"x4.pth": {(store / "x4.pth").stat().st_size}}}}}'
    (store / COMPLETE).write_text(marker, encoding="utf-8")
    assert same(weights_of(spec, tmp_path), WEIGHTS)
