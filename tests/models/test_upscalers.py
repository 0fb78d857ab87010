"""Learned upscalers as entries: known by their weights, counted from headers, refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.catalog import COMPLETE, store_of
from studio.errors import StudioError, say_trouble
from studio.messages import HubSource, UpscalerSpec
from studio.models import upscalers
from studio.models.devices import Device
from studio.models.parts import Part
from studio.models.registry import Loaded, Registry
from tests.tiny_parts import tiny_upscaler, upscaler_spec, upscaler_weights


def registry(data: Path, budget: int = 10**9) -> Registry:
    return Registry(Device("cpu", torch.float32, budget), data)


def leased(data: Path, spec: UpscalerSpec) -> Loaded[UpscalerSpec]:
    with registry(data).lease(spec) as upscaler:
        return upscaler


def refused(data: Path, file: Path) -> StudioError:
    kept = registry(data)
    with pytest.raises(StudioError) as told, kept.lease(upscaler_spec(file)):
        pass
    assert kept.held() == ()
    for language in ("en", "zh"):
        assert file.name in say_trouble(language, told.value.trouble)
    return told.value


@pytest.mark.parametrize("scale", [2, 4])
def test_an_upscaler_enlarges_by_the_scale_that_its_file_tells(tmp_path: Path, scale: int) -> None:
    upscaler = leased(tmp_path, upscaler_spec(tiny_upscaler(tmp_path / "x.safetensors", scale)))
    network = upscaler.parts["upscaler"]
    assert network.scale == scale
    assert network(torch.rand(1, 3, 12, 20)).shape == (1, 3, 12 * scale, 20 * scale)


def test_its_bytes_are_foreseen_from_the_header_and_nothing_is_read_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = upscaler_spec(tiny_upscaler(tmp_path / "x.safetensors"))
    kept = registry(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(upscalers, "read_tensors", lambda *_: pytest.fail("it must not be read"))
        foreseen = kept.forecast(spec).loads
    with kept.lease(spec) as upscaler:
        weights = sum(one.numel() * 4 for one in upscaler.parts["upscaler"].parameters())
    assert kept.held()[0].bytes == foreseen == weights
    assert kept.held()[0].title == spec.title


def test_a_network_that_cannot_be_outlined_is_read_to_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spandrel.architectures.SwinIR.__arch.SwinIR import SwinIR

    settings = {"depths": [2], "num_heads": [2], "embed_dim": 8, "img_size": 16, "window_size": 8}
    network = SwinIR(upscale=2, mlp_ratio=2, upsampler="pixelshuffle", **settings)
    file = tmp_path / "x.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, file)
    described = upscalers._described

    def asks_for_values(weights: Mapping[str, torch.Tensor], name: str) -> Any:
        if any(one.is_meta for one in weights.values()):
            raise StudioError("weights_unusable", model=name, part="upscaler")
        return described(weights, name)

    monkeypatch.setattr(upscalers, "_described", asks_for_values)
    upscaler = leased(tmp_path, upscaler_spec(file)).parts["upscaler"]
    assert upscaler(torch.rand(1, 3, 20, 12)).shape == (1, 3, 40, 24)  # its windows are of eight pixels


def test_the_type_follows_what_the_network_can_compute_in() -> None:
    both, coarse, none = (
        Part("upscaler", "", 0, narrow=one) for one in ((torch.float16,), (torch.bfloat16,), ())
    )
    assert [one.dtype(torch.float16) for one in (both, coarse, none)] == [
        torch.float16,
        torch.bfloat16,
        torch.float32,
    ]
    assert {one.dtype(torch.bfloat16) for one in (both, coarse, none)} == {torch.float32}


def test_half_precision_halves_its_bytes_where_the_device_computes_in_it(tmp_path: Path) -> None:
    spec = upscaler_spec(tiny_upscaler(tmp_path / "x.safetensors"))
    half = Registry(Device("cpu", torch.float16, 10**9), tmp_path)
    with half.lease(spec) as upscaler:
        assert upscaler.parts["upscaler"].dtype == torch.float16
    assert 2 * half.held()[0].bytes == registry(tmp_path).forecast(spec).loads


def test_two_entries_of_one_content_share_one_copy(tmp_path: Path) -> None:
    kept = registry(tmp_path)
    files = [tiny_upscaler(tmp_path / name) for name in ("a.safetensors", "b.safetensors")]
    with kept.lease(upscaler_spec(files[0], "a")) as one, kept.lease(upscaler_spec(files[1], "b")) as two:
        assert one.parts["upscaler"] is two.parts["upscaler"]


def test_a_file_that_is_no_upscaler_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    save_file({"some.weight": torch.zeros(3)}, file)
    assert refused(tmp_path, file).code == "upscaler_unknown"


def test_an_upscaler_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    weights = upscaler_weights()
    del weights["model.0.bias"]
    file = tmp_path / "x.safetensors"
    save_file(weights, file)
    assert refused(tmp_path, file).code == "weights_unusable"


def test_a_truncated_file_and_a_pickle_are_refused(tmp_path: Path) -> None:
    file = tiny_upscaler(tmp_path / "x.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    assert refused(tmp_path, file).code == "weights_truncated"
    pickled = tmp_path / "x.pth"
    torch.save(upscaler_weights(), pickled)
    spec = upscaler_spec(tmp_path / "x.safetensors").model_copy(
        update={"source": upscaler_spec(file).source.model_copy(update={"path": str(pickled)})}
    )
    with pytest.raises(StudioError, match="weights_pickled"):
        leased(tmp_path, spec)


def test_a_pickle_that_the_catalog_names_by_its_hash_is_converted_and_used(tmp_path: Path) -> None:
    import hashlib
    import json

    fetched = tmp_path / "x4.pth"
    torch.save({"params_ema": upscaler_weights()}, fetched)
    digest = hashlib.sha256(fetched.read_bytes()).hexdigest()
    source = HubSource(repo="a/b", file="x4.pth", sha256=digest)
    store = store_of(source, tmp_path)
    store.mkdir(parents=True)
    size = fetched.stat().st_size
    fetched.rename(store / "x4.pth")
    (store / COMPLETE).write_text(json.dumps({"files": {"x4.pth": size}}))
    upscaler = leased(tmp_path, upscaler_spec(tmp_path).model_copy(update={"source": source}))
    assert upscaler.parts["upscaler"].scale == 4
    converted = tmp_path / "converted" / f"{digest}.safetensors"
    assert load_file(converted).keys() == upscaler_weights().keys()
