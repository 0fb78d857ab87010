"""Loads that fail, one of each kind: the registry is as it was, and what was there paints on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.errors import StudioError
from studio.messages import HubSource, ModelSpec
from studio.models.devices import Device
from studio.models.registry import Registry
from studio.models.shelf import footprint
from tests.diffusion.painting import quietly, request, spec

UNET = Path("unet/diffusion_pytorch_model.safetensors")


def truncated(folder: Path) -> None:
    (folder / UNET).write_bytes((folder / UNET).read_bytes()[:-64])


def without_a_key(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    tensors.pop(sorted(tensors)[3])
    save_file(tensors, folder / UNET)


def pickled(folder: Path) -> None:
    (folder / UNET).unlink()
    torch.save({}, (folder / UNET).with_suffix(".bin"))


def of_another_family(folder: Path) -> None:
    config = folder / "unet" / "config.json"
    config.write_text(
        config.read_text().replace('"use_linear_projection": false', '"use_linear_projection": true')
    )


def without_settings(folder: Path) -> None:
    shutil.rmtree(folder / "tokenizer")


CASES: list[tuple[Callable[[Path], None], str]] = [
    (truncated, "weights_truncated"),
    (without_a_key, "weights_incomplete"),
    (pickled, "weights_pickled"),
    (of_another_family, "family_wrong"),
    (without_settings, "part_missing"),
]


@pytest.mark.parametrize("free", [2**40, 0], ids=["memory to spare", "memory short"])
@pytest.mark.parametrize("room_for", [1.2, 3.0], ids=["in a tight budget", "with room"])
@pytest.mark.parametrize("on_host", [True, False], ids=["on the host", "on a device"])
@pytest.mark.parametrize(("spoil", "code"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_load_that_fails_changes_nothing(
    tiny_checkpoint: Path,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    code: str,
    on_host: bool,
    room_for: float,
    free: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("studio.models.registry.available_memory", lambda: free)
    bad = Path(shutil.copytree(tiny_checkpoint, tmp_path / "bad"))
    other_content(bad)
    spoil(bad)
    kept, good = registry(tmp_path, tiny_checkpoint, on_host, room_for), spec(tiny_checkpoint, "good")
    before = use(kept, good)
    state = kept.state()
    with pytest.raises(StudioError) as error:
        use(kept, spec(bad, "bad"))
    assert error.value.code == code
    assert kept.state().model_copy(update={"held": ()}) == state.model_copy(update={"held": ()})
    assert [one.model for one in kept.held()] == ["good"]
    assert use(kept, good) == before


def test_what_is_not_here_changes_nothing(tiny_checkpoint: Path, tmp_path: Path) -> None:
    kept = registry(tmp_path, tiny_checkpoint, True, 1.2)
    use(kept, spec(tiny_checkpoint, "good"))
    far: ModelSpec = spec(tiny_checkpoint, "far").model_copy(update={"source": HubSource(repo="no/where")})
    with pytest.raises(StudioError, match="source_not_here"):
        use(kept, far)
    assert [one.model for one in kept.held()] == ["good"]


def test_two_checkpoints_with_the_same_vae_hold_one(tiny_checkpoint: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(tiny_checkpoint, tmp_path / "other"))
    other_content(other)
    kept = registry(tmp_path, tiny_checkpoint, True, 3.0)
    with kept.lease(spec(tiny_checkpoint, "one")) as one, kept.lease(spec(other, "two")) as two:
        assert one.parts["vae"] is two.parts["vae"]
        assert one.parts["unet"] is not two.parts["unet"]
        alone = one.bytes + footprint(two.parts["unet"])
        assert abs(kept._shelf.bytes("device") - alone) < 0.01 * alone


def test_the_hash_in_recipes_follows_the_content_and_nothing_else(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    same, other = (Path(shutil.copytree(tiny_checkpoint, tmp_path / name)) for name in ("same", "other"))
    other_content(other)
    kept = registry(tmp_path, tiny_checkpoint, True, 4.0)
    hashes = []
    for number, folder in enumerate((tiny_checkpoint, same, other)):
        with kept.lease(spec(folder, f"model{number}")) as model:
            hashes.append(model.hash)
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 10 and int(hashes[0], 16) >= 0


def other_content(folder: Path) -> None:
    """The same layout with other numbers in the U-Net."""
    tensors = load_file(folder / UNET)
    save_file({name: tensor + 0.01 for name, tensor in tensors.items()}, folder / UNET)


def registry(data: Path, checkpoint: Path, on_host: bool, room_for: float) -> Registry:
    size = Registry(Device("cpu", torch.float32, 2**40), data).forecast(spec(checkpoint)).loads
    device = Device("cpu", torch.float32, int(size * room_for), "device", host_budget=2**40, is_host=on_host)
    return Registry(device, data)


def use(kept: Registry, wanted: ModelSpec) -> str:
    with kept.lease(wanted) as model:
        return quietly(model, request()).sha256
