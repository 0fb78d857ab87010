"""Translators as entries: known by their configuration, counted from headers, refused in words."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.catalog import COMPLETE, store_of
from studio.errors import StudioError, say_trouble
from studio.messages import HubSource, TranslatorSpec
from studio.models import translators
from studio.models.devices import Device
from studio.models.registry import Loaded, Registry
from tests.tiny_marian import tiny_marian, translator_spec


def registry(data: Path, dtype: torch.dtype = torch.float32, budget: int = 10**9) -> Registry:
    return Registry(Device("cpu", dtype, budget), data)


def leased(data: Path, spec: TranslatorSpec) -> Loaded[TranslatorSpec]:
    with registry(data).lease(spec) as translator:
        return translator


def said(loaded: Loaded[TranslatorSpec], *texts: str) -> list[str]:
    return list(translators.translations(loaded.parts, texts, "cpu", lambda: False))


def refused(data: Path, folder: Path) -> StudioError:
    kept = registry(data)
    with pytest.raises(StudioError) as told, kept.lease(translator_spec(folder)):
        pass
    assert kept.held() == ()
    for language in ("en", "zh"):
        assert say_trouble(language, told.value.trouble)
    return told.value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_marian(tmp_path / "marian")


def test_it_says_texts_in_another_way_and_the_same_each_time(tmp_path: Path, folder: Path) -> None:
    translator = leased(tmp_path, translator_spec(folder))
    found = said(translator, "一只猫", "月光下的森林")
    assert len(found) == 2 and all(found) and found == said(translator, "一只猫", "月光下的森林")


def test_its_bytes_are_foreseen_from_the_header(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = registry(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(translators, "load_translator", lambda *_: pytest.fail("it must not be read"))
        foreseen = kept.forecast(translator_spec(folder)).loads
    with kept.lease(translator_spec(folder)) as translator:
        network = translator.parts["translator"]
        numbers = [*network.parameters(), *network.buffers()]
        assert kept.held()[0].bytes == foreseen == sum(4 * one.numel() for one in numbers)


def test_a_matrix_under_several_names_counts_once(tmp_path: Path, folder: Path) -> None:
    foreseen = registry(tmp_path).forecast(translator_spec(folder)).loads
    file = folder / "model.safetensors"
    weights = load_file(file)
    shared = next(weights[name] for name in (*translators.TIED, *translators.HEADS) if name in weights)
    save_file(weights | {name: shared.clone() for name in (*translators.TIED, *translators.HEADS)}, file)
    assert registry(tmp_path).forecast(translator_spec(folder)).loads == foreseen


def test_it_computes_in_full_width_on_every_device(tmp_path: Path, folder: Path) -> None:
    half = registry(tmp_path, torch.float16)
    with half.lease(translator_spec(folder)) as translator:
        assert {one.dtype for one in translator.parts["translator"].parameters()} == {torch.float32}


def test_weights_that_are_missing_are_refused(tmp_path: Path, folder: Path) -> None:
    file = folder / "model.safetensors"
    weights = load_file(file)
    del weights["model.encoder.layers.0.fc1.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    error = refused(tmp_path, folder)
    assert (error.code, error.params["key"]) == ("weights_incomplete", "model.encoder.layers.0.fc1.weight")


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    assert refused(tmp_path, folder).code == "weights_truncated"


@pytest.mark.parametrize("name", ["source.spm", "target.spm", "vocab.json", "config.json"])
def test_a_vocabulary_that_is_missing_is_told_by_its_name(tmp_path: Path, folder: Path, name: str) -> None:
    (folder / name).unlink()
    error = refused(tmp_path, folder)
    assert (error.code, error.params["file"]) == ("translator_incomplete", name)


def test_another_kind_of_network_is_refused(tmp_path: Path, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "t5"}), encoding="utf-8")
    error = refused(tmp_path, folder)
    assert (error.code, error.params["kind"]) == ("translator_unknown", "t5")


def test_a_pickle_nobody_named_by_its_hash_is_refused(tmp_path: Path, folder: Path) -> None:
    pickled(folder)
    assert refused(tmp_path, folder).code == "weights_pickled"


def test_too_long_a_stretch_is_told_and_not_cut(tmp_path: Path, folder: Path) -> None:
    translator = leased(tmp_path, translator_spec(folder))
    with pytest.raises(StudioError, match="translation_too_long"):
        said(translator, "佐布" * 60)


# -- a pickle that the catalog names by its hash ---------------------------------------------------


def pickled(folder: Path) -> str:
    """The weights as the older repositories hold them, the one matrix under all of its names."""
    from transformers import MarianMTModel

    network = MarianMTModel.from_pretrained(str(folder), local_files_only=True)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return hashlib.sha256((folder / "pytorch_model.bin").read_bytes()).hexdigest()


def fetched(folder: Path, data: Path, sha256: str) -> TranslatorSpec:
    """Its entry, the files where a download would have put them."""
    source = HubSource(repo="a/b", sha256=sha256)
    store = store_of(source, data)
    store.parent.mkdir(parents=True)
    folder.rename(store)
    sizes = {file.name: file.stat().st_size for file in store.iterdir()}
    (store / COMPLETE).write_text(json.dumps({"files": sizes}), encoding="utf-8")
    return translator_spec(store, source=source)


def test_a_pinned_pickle_is_made_safetensors_once_and_says_the_same(tmp_path: Path, folder: Path) -> None:
    before = said(leased(tmp_path, translator_spec(folder)), "一只猫", "佐布")
    digest = pickled(folder)
    spec = fetched(folder, tmp_path, digest)
    kept = registry(tmp_path)
    foreseen = kept.forecast(spec).loads
    with kept.lease(spec) as translator:
        assert said(translator, "一只猫", "佐布") == before
        assert kept.held()[0].bytes == foreseen
    made = tmp_path / "converted" / digest
    assert len({"model.shared.weight", "lm_head.weight"} & set(load_file(made / "model.safetensors"))) == 1
    stamp = (made / "model.safetensors").stat().st_mtime_ns
    leased(tmp_path, spec)
    assert (made / "model.safetensors").stat().st_mtime_ns == stamp


def test_a_pickle_of_another_hash_is_not_read(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled(folder)
    spec = fetched(folder, tmp_path, "0" * 64)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it must not be read"))
    with pytest.raises(StudioError, match="hash_wrong"):
        leased(tmp_path, spec)
    assert not (tmp_path / "converted").exists()
