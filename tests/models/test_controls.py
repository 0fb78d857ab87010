"""Control nets as entries: from a folder or a file of either layout, counted, shared, evicted, refused in words."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.errors import StudioError, say_trouble
from studio.messages import ControlSpec, Entry
from studio.models import controls
from studio.models.adapters import adapter_config
from studio.models.controls import NAME
from studio.models.devices import Device
from studio.models.registry import Registry
from tests.diffusion.painting import spec
from tests.tiny import unet
from tests.tiny_controls import (
    HINTS,
    adapter,
    classic_adapter,
    classic_net,
    control_net,
    control_spec,
    encoder_spec,
    single_file,
    style_weights,
    union_net,
)

XL = {
    "cross_attention_dim": 96,
    "use_linear_projection": True,
    "attention_head_dim": (2, 4),
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 112,
}


def registry(data: Path, budget: int = 10**9) -> Registry:
    return Registry(Device("cpu", torch.float32, budget), data)


def net_of(kept: Registry, one: Entry, part: str = NAME) -> Any:
    with kept.lease(one) as loaded:
        return loaded.parts[part]


def refused(kept: Registry, one: Entry) -> StudioError:
    with pytest.raises(StudioError) as told, kept.lease(one):
        pass
    assert kept.held() == ()
    assert "{" not in say_trouble("en", told.value.trouble) + say_trouble("zh", told.value.trouble)
    return told.value


def same(one: Any, other: Any) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def net_forms(net: Any, folder: Path) -> dict[str, Path]:
    """A control net in every form that is read."""
    net.save_pretrained(folder / "folder")
    return {
        "folder": folder / "folder",
        "file": single_file(net.state_dict(), folder / "file.safetensors", net.config),
        "classic": single_file(classic_net(net), folder / "classic.safetensors", net.config),
        "bare": single_file(classic_net(net, ""), folder / "bare.safetensors", net.config),
        "whole": single_file(
            classic_net(net) | {"model.diffusion_model.x": torch.zeros(9)},
            folder / "whole.safetensors",
            net.config,
        ),
    }


@pytest.mark.parametrize("form", ["folder", "file", "classic", "bare", "whole"])
def test_a_control_net_is_read_in_every_form_and_counted_before_it_is_loaded(
    tmp_path: Path, form: str
) -> None:
    net, kept = control_net(unet()), registry(tmp_path / "data")
    wanted = control_spec(net_forms(net, tmp_path)[form])
    foreseen = kept.forecast(wanted).loads
    assert same(net_of(kept, wanted), net)
    assert kept.held()[0].bytes == foreseen == sum(one.numel() * 4 for one in net.parameters())


@pytest.fixture
def familys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the studio ships of its families, with the sizes of tiny ones."""
    for family, sizes in (("sd1", {}), ("sdxl", XL)):
        unet(**sizes).save_config(tmp_path / "configs" / family / "unet")
    monkeypatch.setattr(controls, "CONFIGS", tmp_path / "configs")
    return tmp_path


@pytest.mark.parametrize("layout", ["", "classic", "bare"])
def test_a_file_alone_is_read_by_its_family_and_its_shapes(familys: Path, layout: str) -> None:
    net = control_net(unet())
    weights = {
        "": dict(net.state_dict()),
        "classic": classic_net(net),
        "bare": classic_net(net, ""),
    }[layout]
    file, kept = single_file(weights, familys / "alone.safetensors"), registry(familys / "data")
    found = net_of(kept, control_spec(file))
    assert same(found, net) and not found.config.global_pool_conditions
    assert tuple(found.config.conditioning_embedding_out_channels) == HINTS
    # A net for shuffled pictures looks at them as a whole, and only its kind tells that.
    assert net_of(kept, control_spec(file, "s", kinds=("shuffle",))).config.global_pool_conditions


def test_a_union_alone_is_read_by_its_family_and_its_shapes(
    familys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = union_net(unet(**XL), kinds=8)
    # The widths of its own layers are those of its makers; tiny ones differ.
    signature = controls._net_config
    widths = {"num_trans_channel": 8, "num_trans_head": 2, "num_proj_channel": 8}
    monkeypatch.setattr(controls, "_net_config", lambda *given: signature(*given) | widths)
    file = single_file(net.state_dict(), familys / "alone.safetensors")
    told = {"family": "sdxl", "network": "union", "modes": {"canny": 3}}
    found = net_of(registry(familys / "data"), control_spec(file, **told))
    assert same(found, net) and found.config.num_control_type == 8


def test_a_union_is_read_from_a_folder_and_from_a_file(tmp_path: Path) -> None:
    net = union_net(unet(**XL))
    net.save_pretrained(tmp_path / "folder")
    file = single_file(net.state_dict(), tmp_path / "file.safetensors", net.config)
    told = {"family": "sdxl", "network": "union", "modes": {"canny": 3}}
    for path in (tmp_path / "folder", file):
        assert same(net_of(registry(tmp_path / "data"), control_spec(path, **told)), net)


@pytest.mark.parametrize(
    ("kind", "channels"), [("full_adapter", (8, 16, 16, 16)), ("light_adapter", (8, 16, 16))]
)
def test_an_adapter_is_read_in_its_makers_layout_and_its_shapes_tell_what_it_is(
    tmp_path: Path, kind: str, channels: tuple[int, ...]
) -> None:
    net = adapter(channels, adapter_type=kind)
    file = single_file(classic_adapter(net), tmp_path / "adapter.safetensors")
    net.save_pretrained(tmp_path / "folder")
    kept = registry(tmp_path / "data")
    for id, path in (("file", file), ("folder", tmp_path / "folder")):
        found = net_of(kept, control_spec(path, id, network="adapter"))
        assert same(found, net) and tuple(found.config.channels) == channels
    with kept.lease(control_spec(file, "grey", network="adapter")) as loaded:
        assert [len(one) for one in loaded.parts[NAME](torch.zeros(2, 3, 64, 64))] == [2] * 4


def test_a_large_adapter_is_told_by_its_family() -> None:
    net = adapter((8, 16, 16, 16), adapter_type="full_adapter_xl", downscale_factor=16, in_channels=1)
    shapes = {name: tuple(weight.shape) for name, weight in classic_adapter(net).items()}
    told = adapter_config(shapes, "sdxl")
    assert {name: told[name] for name in ("in_channels", "downscale_factor", "adapter_type")} == {
        "in_channels": 1,
        "downscale_factor": 16,
        "adapter_type": "full_adapter_xl",
    }


def test_an_ip_adapter_and_its_encoder_are_read_and_counted(tmp_path: Path) -> None:
    weights = style_weights(unet())
    style = control_spec(
        single_file(weights, tmp_path / "ip.safetensors"), network="ip_adapter", encoder="eyes"
    )
    eyes = encoder_spec(tmp_path / "eyes.safetensors")
    kept = registry(tmp_path / "data")
    found, read = net_of(kept, style), net_of(kept, eyes, "image_encoder")
    assert found.whole and torch.equal(found.keys[0].weight, weights["ip_adapter.1.to_k_ip.weight"])
    assert [one.bytes for one in kept.held()] == [
        4 * sum(weight.numel() for weight in part.state_dict().values()) for part in (found, read)
    ]


def test_an_encoder_tells_its_sizes_by_its_shapes(tmp_path: Path) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 16}
    network = CLIPVisionModelWithProjection(
        CLIPVisionConfig(**sizes, image_size=48, patch_size=8, projection_dim=24, hidden_act="gelu")
    )
    one = encoder_spec(tmp_path / "eyes.safetensors")
    shutil.rmtree(tmp_path / "eyes")
    single_file({**network.state_dict(), "logit_scale": torch.zeros(1)}, tmp_path / "eyes.safetensors")
    found = net_of(registry(tmp_path / "data"), one, "image_encoder")
    same_sizes = ("image_size", "patch_size", "projection_dim", *sizes)
    assert all(getattr(found.config, name) == getattr(network.config, name) for name in same_sizes)
    pixels = torch.rand(1, 3, 48, 48)
    assert torch.allclose(found(pixels).image_embeds, network(pixels).image_embeds, atol=1e-5)


# -- memory ---------------------------------------------------------------------------------------


def test_a_net_of_the_same_content_is_held_once(tmp_path: Path) -> None:
    net = control_net(unet())
    net.save_pretrained(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    kept = registry(tmp_path / "data")
    one, two = (net_of(kept, control_spec(tmp_path / name, name)) for name in ("one", "two"))
    assert one is two and len(kept.held()) == 2


def test_what_was_not_used_for_longest_goes_first_and_nothing_that_is_held(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    specs = []
    for seed in (1, 2, 3):
        control_net(unet(), seed).save_pretrained(tmp_path / str(seed))
        specs.append(control_spec(tmp_path / str(seed), f"net{seed}"))
    model = spec(tiny_checkpoint)
    measured = registry(tmp_path / "data")
    needs = measured.forecast(model).loads + 2 * measured.forecast(specs[0]).loads
    kept = registry(tmp_path / "data", needs)
    with kept.lease(model), kept.lease(specs[0]):
        pass
    with kept.lease(model), kept.lease(specs[1]):
        pass
    with kept.lease(model), kept.lease(specs[2]):
        assert [one.model for one in kept.held()] == ["tiny", "net2", "net3"]
        with pytest.raises(StudioError, match="memory_budget"), kept.lease(specs[1]), kept.lease(specs[0]):
            pass
    assert not any(one.pinned for one in kept.held())


# -- what is wrong --------------------------------------------------------------------------------


def test_a_net_that_lacks_a_weight_is_refused(tmp_path: Path) -> None:
    net = control_net(unet())
    weights = {name: one for name, one in net.state_dict().items() if name != "conv_in.weight"}
    file = single_file(weights, tmp_path / "less.safetensors", net.config)
    assert refused(registry(tmp_path / "data"), control_spec(file)).code == "weights_incomplete"
    classic = {n: w for n, w in classic_net(net).items() if not n.endswith("zero_convs.1.0.bias")}
    file = single_file(classic, tmp_path / "classic.safetensors", net.config)
    told = refused(registry(tmp_path / "data"), control_spec(file))
    assert told.code == "weights_incomplete" and told.params["key"] == "controlnet_down_blocks.1.bias"


@pytest.mark.parametrize("lacking", ["ip_adapter.3.to_v_ip.weight", "image_proj.norm.weight"])
def test_an_ip_adapter_that_lacks_a_weight_is_refused(tmp_path: Path, lacking: str) -> None:
    weights = style_weights(unet())
    del weights[lacking]
    file = single_file(weights, tmp_path / "less.safetensors")
    told = refused(registry(tmp_path / "data"), control_spec(file, network="ip_adapter"))
    assert told.code in ("weights_incomplete", "weights_unusable")


def test_a_net_under_another_networks_name_is_refused(tmp_path: Path) -> None:
    small, large = unet(), unet(**XL)
    nets = {
        "controlnet": control_net(small),
        "union": union_net(large),
        "adapter": adapter((8, 16, 16, 16)),
    }
    for network, net in nets.items():
        net.save_pretrained(tmp_path / network)
    single_file(style_weights(small), tmp_path / "style.safetensors")
    paths = {network: tmp_path / network for network in nets} | {"ip_adapter": tmp_path / "style.safetensors"}
    for network, path in paths.items():
        for named in set(paths) - {network}:
            one = control_spec(path, network=named, family="sdxl" if network == "union" else "sd1")
            assert refused(registry(tmp_path / "data"), one).code == "control_network"


@pytest.mark.parametrize(("family", "named"), [("sd1", "sdxl"), ("sdxl", "sd1"), ("sd2", "sd1")])
def test_a_net_of_another_family_is_refused_by_its_configuration(
    tmp_path: Path, family: str, named: str
) -> None:
    sizes: dict[str, Any] = {"sd1": {}, "sd2": {"use_linear_projection": True}, "sdxl": XL}[family]
    net = control_net(unet(**sizes))
    net.save_pretrained(tmp_path / "folder")
    file = single_file(net.state_dict(), tmp_path / "file.safetensors", net.config)
    for path in (tmp_path / "folder", file):
        told = refused(registry(tmp_path / "data"), control_spec(path, family=named))
        assert told.code == "family_wrong"


def test_a_file_of_its_familys_real_sizes_is_expected_where_nothing_stands_beside_it(tmp_path: Path) -> None:
    file = single_file(control_net(unet()).state_dict(), tmp_path / "tiny.safetensors")
    assert refused(registry(tmp_path / "data"), control_spec(file)).code in (
        "weights_incomplete",
        "weights_other_size",
    )


def test_what_is_not_there_or_pickled_is_said(tmp_path: Path) -> None:
    kept = registry(tmp_path / "data")
    assert refused(kept, control_spec(tmp_path / "gone.safetensors")).code == "weights_missing"
    (tmp_path / "old.pth").write_bytes(b"pickle")
    pickled = ControlSpec.model_validate(
        control_spec(tmp_path / "x.safetensors").model_dump()
        | {"source": {"kind": "file", "path": str(tmp_path / "old.pth")}}
    )
    assert refused(kept, pickled).code == "weights_pickled"
    (tmp_path / "empty").mkdir()
    assert refused(kept, control_spec(tmp_path / "empty")).code == "weights_missing"
