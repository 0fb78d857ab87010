"""LoRAs on a leased model: they do what they should, together, one after the other, and leave nothing behind."""

from __future__ import annotations

import copy
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.utils import convert_state_dict_to_diffusers

from studio.diffusion import adapters
from studio.diffusion.adapters import Adapters, texts_key
from studio.errors import StudioError
from studio.messages import LoraUse, Media
from studio.models.devices import Device
from studio.models.registry import Loaded, Registry
from tests import tiny_loras
from tests.diffusion.painting import loaded, quietly, request, spec
from tests.tiny_classic import _unet_key
from tests.tiny_families import BUILDERS

PARTS = {
    "sd1": ("unet", "text_encoder"),
    "sd2": ("unet", "text_encoder"),
    "sdxl": ("unet", "text_encoder", "text_encoder_2"),
}


@dataclass
class House:
    """A model, and LoRAs for it."""

    model: Loaded[Any]
    family: str
    folder: Path

    @property
    def parts(self) -> dict[str, Any]:
        return {name: self.model.parts[name] for name in PARTS[self.family]}

    def lora(self, id: str, layout: Callable[..., Any] = tiny_loras.peft, **how: Any) -> Path:
        parts = how.pop("parts", self.parts)
        return tiny_loras.written(layout(parts, **how), self.folder / f"{id}.safetensors")

    def paint(self, kept: Adapters, *uses: LoraUse, prompt: str = "a red cat") -> Media:
        paths = {use.id: self.folder / f"{use.id}.safetensors" for use in uses}
        with kept.applied(self.model, uses, paths):
            return quietly(self.model, request(prompt=prompt, steps=2, loras=uses))

    def weights(self) -> dict[str, bytes]:
        """Every number of the model, by the names it had when it was loaded."""
        return {
            f"{name}.{key.replace('.base_layer', '')}": tensor.numpy().tobytes()
            for name, part in self.parts.items()
            for key, tensor in part.state_dict().items()
            if ".lora_" not in key
        }


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {family: BUILDERS[family](tmp_path_factory.mktemp(family)) for family in PARTS}


@pytest.fixture(params=["sd1", "sdxl"])
def house(request: pytest.FixtureRequest, checkpoints: dict[str, Path], tmp_path: Path) -> House:
    return House(loaded(checkpoints[request.param], request.param), request.param, tmp_path)


@pytest.fixture
def sd1(checkpoints: dict[str, Path], tmp_path: Path) -> House:
    return House(loaded(checkpoints["sd1"]), "sd1", tmp_path)


def use(id: str, weight: float = 1.0, text: float | None = None, **more: Any) -> LoraUse:
    return LoraUse(id=id, weight=weight, text_encoder_weight=text, **more)


def differ(one: Media, other: Media) -> bool:
    return one.sha256 != other.sha256


# -- what it does ---------------------------------------------------------------------------------


def test_a_picture_with_a_lora_is_another_and_the_model_is_afterwards_as_before(house: House) -> None:
    house.lora("glow")
    plain, before = quietly(house.model, request(steps=2)), house.weights()
    kept = Adapters()
    with_glow = house.paint(kept, use("glow"))
    assert differ(plain, with_glow)
    assert quietly(house.model, request(steps=2)).data == plain.data
    assert house.weights() == before
    assert house.paint(kept, use("glow")).data == with_glow.data


def _said(house: House) -> list[torch.Tensor]:
    """What the parts compute, without a pipe around them."""
    torch.manual_seed(1)
    unet = house.parts["unet"]
    width = unet.config.cross_attention_dim
    text = torch.randn(1, 7, width)
    more = {}
    if house.family == "sdxl":
        more = {"added_cond_kwargs": {"text_embeds": torch.randn(1, 64), "time_ids": torch.ones(1, 6)}}
    ids = torch.arange(5)[None]
    encoders = [part for name, part in house.parts.items() if name != "unet"]
    with torch.no_grad():
        noise = unet(torch.randn(1, 4, 8, 8), 7, text, **more).sample
        return [noise, *(encoder(ids)[0] for encoder in encoders)]


def _merged(house: House, weight: float, on_text: float, alpha: Callable[[str], float] | None) -> list[Any]:
    twin = House(copy.deepcopy(house.model), house.family, house.folder)
    for name, part in twin.parts.items():
        changes = tiny_loras.pairs(part, wanted=tiny_loras.everything)
        for key in [key for key in changes if alpha and key.endswith(".up")]:
            changes[key] *= alpha(key.removesuffix(".up")) / 4
        tiny_loras.merged(part, changes, weight if name == "unet" else on_text)
    return _said(twin)


def _several(layer: str) -> float:
    """Another scale for each kind of layer, as files have them in which convolutions are changed too."""
    return 1.0 if "conv" in layer else 2.0 if "fc1" in layer or "to_k" in layer else 4.0


def _classic(layer: str) -> str:
    return _unet_key(f"{layer}.weight", 1).removesuffix(".weight")


LAYOUTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "peft": lambda parts: tiny_loras.peft(parts, wanted=tiny_loras.everything),
    "kohya": lambda parts: tiny_loras.kohya(parts, wanted=tiny_loras.everything, alpha=_several),
    "classic": lambda parts: tiny_loras.kohya(
        parts, names=_classic, wanted=tiny_loras.everything, alpha=_several
    ),
}


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_layer_changes_as_much_as_if_it_were_merged(house: House, layout: str) -> None:
    path = tiny_loras.written(LAYOUTS[layout](house.parts), house.folder / "all.safetensors")
    expected = _merged(house, 0.7, -0.4, None if layout == "peft" else _several)
    plain = _said(house)
    with Adapters().applied(house.model, [use("all", 0.7, -0.4)], {"all": path}):
        found = _said(house)
    for one, other, without in zip(found, expected, plain, strict=True):
        assert torch.allclose(one, other, atol=2e-4, rtol=2e-3)
        assert not torch.allclose(one, without, atol=1e-2)


@pytest.mark.parametrize("layout", [tiny_loras.peft, tiny_loras.old, tiny_loras.kohya])
def test_the_library_reads_the_usual_layouts_the_same_way(house: House, layout: Callable[..., Any]) -> None:
    path = house.lora("glow", layout)
    twin = House(copy.deepcopy(house.model), house.family, house.folder)
    with Adapters().applied(house.model, [use("glow")], {"glow": path}):
        ours = _said(house)
    pipe = _pipe(twin)
    pipe.load_lora_weights(str(path), adapter_name="glow")
    assert pipe.get_list_adapters().keys() == set(house.parts)
    for one, other in zip(ours, _said(twin), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def _trained(part: Any, seed: int, settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights and settings of a part as they are handed to the library to be saved."""
    from peft import LoraConfig, get_peft_model_state_dict

    part.add_adapter(LoraConfig(**settings))
    numbers = torch.Generator().manual_seed(seed)
    for name, one in part.named_parameters():
        if ".lora_" in name:
            one.data = torch.randn(one.shape, generator=numbers) * 0.3
    return get_peft_model_state_dict(part), part.peft_config["default"].to_dict()


def _pipe(house: House) -> Any:
    from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline

    kind = StableDiffusionXLPipeline if house.family == "sdxl" else StableDiffusionPipeline
    rest = {"safety_checker": None, "feature_extractor": None} if house.family == "sd1" else {}
    return kind(**house.model.parts, **rest)


ATTENTION = ["to_q", "to_k", "to_v", "to_out.0", "q_proj", "out_proj"]
HALF = {"target_modules": ATTENTION, "r": 4, "lora_alpha": 2}
PATTERNS = {
    "target_modules": [*ATTENTION, "fc1", "conv1"],
    "r": 4,
    "lora_alpha": 6,
    "rank_pattern": {"to_k": 2, "^encoder.layers.0.mlp.fc1": 3},
    "alpha_pattern": {"attn2.to_k": 1, "to_k": 3.5, "mid_block.resnets.0.conv1": 5, "layers.1.mlp.fc1": 9},
}


@pytest.mark.parametrize(
    ("settings", "named"),
    [(HALF, convert_state_dict_to_diffusers), (PATTERNS, dict)],
    ids=["as training scripts do", "patterns"],
)
def test_what_the_library_saves_counts_here_what_it_counts_there(
    house: House, settings: dict[str, Any], named: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    told: dict[str, Any] = {}
    for number, (name, part) in enumerate(copy.deepcopy(house.parts).items()):
        weights, header = _trained(part, number, settings)
        told |= {f"{name}_lora_layers": named(weights), f"{name}_lora_adapter_metadata": header}
    _pipe(house).save_lora_weights(house.folder, weight_name="glow.safetensors", **told)
    twin = House(copy.deepcopy(house.model), house.family, house.folder)
    _pipe(twin).load_lora_weights(str(house.folder / "glow.safetensors"), adapter_name="glow")
    plain = _said(house)
    with Adapters().applied(house.model, [use("glow")], paths(house, "glow")):
        ours = _said(house)
    for one, other, without in zip(ours, _said(twin), plain, strict=True):
        assert torch.allclose(one, other, atol=1e-5) and not torch.allclose(one, without, atol=1e-2)
    assert house.paint(Adapters(), use("glow")).data == quietly(twin.model, request(steps=2)).data


def test_the_library_lists_what_is_on(sd1: House) -> None:
    from diffusers import StableDiffusionPipeline

    path = sd1.lora("glow")
    kept = Adapters()
    rest = {"safety_checker": None, "feature_extractor": None}
    with kept.applied(sd1.model, [use("glow")], {"glow": path}):
        pipe = StableDiffusionPipeline(**sd1.model.parts, **rest)
        (name,) = kept.names(sd1.parts["unet"])
        assert pipe.get_list_adapters() == {"unet": [name], "text_encoder": [name]}


# -- weights and order ----------------------------------------------------------------------------


def test_weight_zero_is_the_same_to_the_byte_as_none(house: House) -> None:
    house.lora("glow")
    kept = Adapters()
    plain = quietly(house.model, request(steps=2))
    assert house.paint(kept, use("glow", 0.0)).data == plain.data
    assert kept.bytes == 0  # it was not even read
    house.paint(kept, use("glow"))
    assert house.paint(kept, use("glow", 0.0)).data == plain.data
    assert house.paint(kept, use("glow", 0.5), use("glow", -0.5)).data == plain.data


def test_the_order_in_which_loras_are_named_never_matters(house: House) -> None:
    for number in range(3):
        house.lora(f"l{number}", seed=number)
    uses = [use("l0", 0.9), use("l1", -0.4), use("l2", 0.6, 0.1)]
    pictures = {house.paint(Adapters(), *order).data for order in itertools.permutations(uses)}
    assert len(pictures) == 1


def test_a_lora_that_is_named_twice_counts_the_sum(sd1: House) -> None:
    sd1.lora("glow")
    (sd1.folder / "copy.safetensors").write_bytes((sd1.folder / "glow.safetensors").read_bytes())
    whole = sd1.paint(Adapters(), use("glow", 0.75))
    assert sd1.paint(Adapters(), use("glow", 0.5), use("glow", 0.25)).data == whole.data
    assert sd1.paint(Adapters(), use("glow", 0.5), use("copy", 0.25)).data == whole.data
    assert differ(whole, sd1.paint(Adapters(), use("glow", 0.5)))


def test_the_text_encoders_have_a_weight_of_their_own(house: House) -> None:
    house.lora("glow")
    with Adapters().applied(house.model, [use("glow", 0.0, 1.0)], paths(house, "glow")):
        only_text = _said(house)
    with Adapters().applied(house.model, [use("glow", 1.0, 0.0)], paths(house, "glow")):
        only_picture = _said(house)
    plain = _said(house)
    assert torch.equal(only_text[0], plain[0]) and not torch.equal(only_text[1], plain[1])
    assert torch.equal(only_picture[1], plain[1]) and not torch.equal(only_picture[0], plain[0])


def test_a_lora_for_text_alone_that_counts_nothing_there_changes_nothing(sd1: House) -> None:
    sd1.lora("words", parts={"text_encoder": sd1.parts["text_encoder"]})
    kept, plain = Adapters(), quietly(sd1.model, request(steps=2))
    assert sd1.paint(kept, use("words", 1.0, 0.0)).data == plain.data
    assert differ(sd1.paint(kept, use("words")), plain)


def paths(house: House, *ids: str) -> dict[str, Path]:
    return {id: house.folder / f"{id}.safetensors" for id in ids}


def test_what_text_encoders_say_is_told_apart_by_what_changes_it() -> None:
    assert texts_key([use("a", 1.0, 0.0)]) == ()
    assert texts_key([use("a"), use("b", 0.5)]) == texts_key([use("b", 0.5), use("a")])
    assert texts_key([use("a", 0.5)]) != texts_key([use("a", 0.6)])
    assert texts_key([use("a", sha256="1")]) != texts_key([use("a", sha256="2")])


# -- one after the other --------------------------------------------------------------------------


def test_eight_mixes_in_turn_paint_what_each_paints_alone(house: House) -> None:
    numbers = random.Random(3)
    for number in range(8):  # ranks, sizes and the layers that change are all different
        wanted = tiny_loras.everything if number % 3 == 0 else tiny_loras.attention
        house.lora(f"l{number}", seed=number, rank=1 + number % 4, wanted=wanted, size=0.2)
    mixes = [
        [use(f"l{n}", numbers.uniform(-1, 1), numbers.choice([None, 0.0, 0.7])) for n in chosen]
        for chosen in (numbers.sample(range(8), 1 + turn % 4) for turn in range(8))
    ]
    alone = [house.paint(Adapters(), *mix) for mix in mixes]
    _as_new(house)
    plain, before = quietly(house.model, request(steps=2)), house.weights()
    largest = max(path.stat().st_size for path in house.folder.glob("*.safetensors"))
    kept = Adapters(most=3 * largest)  # so that some have to go on the way
    for turn in numbers.sample([*range(8), *range(8)], 16):
        assert house.paint(kept, *mixes[turn]).data == alone[turn].data
        assert kept.bytes <= kept.most
    assert quietly(house.model, request(steps=2)).data == plain.data
    assert house.weights() == before


def _as_new(house: House) -> None:
    Adapters().forget(list(house.parts.values()))


def test_the_least_recently_used_goes_and_the_last_leaves_the_layers_bare(sd1: House) -> None:
    files = [sd1.lora(f"l{number}", seed=number) for number in range(3)]
    kept = Adapters()
    sd1.paint(kept, use("l0"))
    one, unet = kept.bytes, sd1.parts["unet"]
    assert 0 < one <= files[0].stat().st_size
    kept.most = 2 * one
    sd1.paint(kept, use("l1"))
    sd1.paint(kept, use("l0"))
    zero_and_one = set(kept.names(unet))
    sd1.paint(kept, use("l2"))
    assert len(kept.names(unet)) == 2 and len(zero_and_one & set(kept.names(unet))) == 1
    sd1.paint(kept, use("l0"))
    assert kept.bytes <= kept.most
    kept.most = 0
    sd1.paint(kept, use("l1"))
    assert kept.bytes == 0 and not hasattr(unet, "peft_config")
    assert not any("lora" in name or "base_layer" in name for name, _ in unet.named_modules())


def test_where_memory_is_short_all_goes_that_nobody_paints_with(
    sd1: House, checkpoints: dict[str, Path]
) -> None:
    sd1.lora("glow")
    busy, kept = House(loaded(checkpoints["sd1"]), "sd1", sd1.folder), Adapters()
    alone = sd1.paint(kept, use("glow"))
    with kept.applied(busy.model, [use("glow")], paths(sd1, "glow")):
        kept.clear()
        assert not hasattr(sd1.parts["unet"], "peft_config") and not kept.names(sd1.parts["unet"])
        assert quietly(busy.model, request(steps=2, loras=(use("glow"),))).data == alone.data
    kept.clear()
    assert kept.bytes == 0 and not hasattr(busy.parts["unet"], "peft_config")
    assert sd1.paint(kept, use("glow")).data == alone.data


def test_the_longest_unused_goes_for_others_but_what_is_painted_with_stays(
    sd1: House, checkpoints: dict[str, Path]
) -> None:
    for number in range(3):
        sd1.lora(f"l{number}", seed=number)
    busy, kept = House(loaded(checkpoints["sd1"]), "sd1", sd1.folder), Adapters()
    for number in range(3):
        sd1.paint(kept, use(f"l{number}"))
    unet, whole = sd1.parts["unet"], kept.bytes
    names = kept.names(unet)
    kept.let_go(whole - 1)
    assert kept.bytes < whole and names[-1] in kept.names(unet)
    with kept.applied(busy.model, [use("l0")], paths(sd1, "l0")):
        kept.let_go(0)
        assert not kept.names(unet) and len(kept.names(busy.parts["unet"])) == 1
    kept.let_go(0)
    assert kept.bytes == 0


def test_less_room_than_usual_is_kept_to(sd1: House) -> None:
    sd1.lora("l0"), sd1.lora("l1", seed=1)
    kept = Adapters()
    sd1.paint(kept, use("l0"))
    one = kept.bytes
    with kept.applied(sd1.model, [use("l1")], paths(sd1, "l1"), most=one):
        assert len(kept.names(sd1.parts["unet"])) == 1 and kept.bytes <= one


def test_a_model_and_its_loras_keep_to_one_budget(
    sd1: House, checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, files = spec(checkpoints["sd1"]), {id: sd1.lora(id, seed=len(id)) for id in ("a", "bb")}
    kept = Adapters()
    monkeypatch.setattr(adapters, "KEPT", kept)
    registry = Registry(Device("cpu", torch.float32, 10**9), sd1.folder / "data", beside=kept)

    def paint(id: str) -> int:
        with registry.lease(whole) as model, adapters.applied(registry, model, [use(id)], files):
            return kept.bytes

    one, both = paint("a"), paint("bb")
    assert 0 < one < both
    (held,) = registry.held()
    registry.device = replace(registry.device, budget=held.bytes + both)
    assert paint("a") == both
    registry.device = replace(registry.device, budget=held.bytes + both - 1)
    assert paint("a") < both


def test_switching_back_reads_nothing_again(sd1: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sd1.lora("a"), sd1.lora("b", seed=1)
    kept, read = Adapters(), []
    real = adapters._tensors
    monkeypatch.setattr(adapters, "_tensors", lambda lora: read.append(lora.path.stem) or real(lora))
    for id in "abab":
        sd1.paint(kept, use(id))
    assert read == ["a", "b"]


def test_parts_that_two_models_share_take_an_adapter_once(sd1: House, checkpoints: dict[str, Path]) -> None:
    sd1.lora("glow")
    other = loaded(checkpoints["sd1"])
    other.parts["text_encoder"] = sd1.parts["text_encoder"]
    twin, kept = House(other, "sd1", sd1.folder), Adapters()
    first = sd1.paint(kept, use("glow"))
    assert twin.paint(kept, use("glow")).data == first.data
    assert len(kept.names(sd1.parts["text_encoder"])) == 1
    (sd1.folder / "glow.safetensors").write_bytes(b"")  # a first use that is refused leaves the others alone
    with pytest.raises(StudioError):
        twin.paint(kept, use("glow"))
    assert len(kept.names(sd1.parts["text_encoder"])) == 1


def test_two_at_once_on_one_model_is_a_bug_that_is_told(sd1: House) -> None:
    sd1.lora("glow")
    kept = Adapters()
    with (
        kept.applied(sd1.model, [use("glow")], paths(sd1, "glow")),
        pytest.raises(RuntimeError, match="somebody paints with"),
    ):
        sd1.paint(kept, use("glow"))
    assert not sd1.parts["unet"].get_submodule("conv_in").__class__.__module__.startswith("peft")
    sd1.paint(kept, use("glow"))


# -- failures -------------------------------------------------------------------------------------


def test_a_job_that_fails_leaves_the_model_as_it_was(house: House) -> None:
    house.lora("glow")
    plain, before, kept = quietly(house.model, request(steps=2)), house.weights(), Adapters()
    with pytest.raises(ZeroDivisionError), kept.applied(house.model, [use("glow")], paths(house, "glow")):
        raise ZeroDivisionError
    assert quietly(house.model, request(steps=2)).data == plain.data
    assert house.weights() == before


@pytest.mark.parametrize("fails", [0, 1, 5])
def test_a_load_that_fails_in_the_middle_leaves_no_trace(
    house: House, fails: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.lora("first"), house.lora("second", seed=1)
    kept, before = Adapters(), house.weights()
    alone = house.paint(kept, use("first"))
    real, left = adapters._fill, [fails]

    def fill(*given: Any) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise MemoryError
        return real(*given)

    monkeypatch.setattr(adapters, "_fill", fill)
    with pytest.raises(MemoryError):
        house.paint(kept, use("first"), use("second"))
    monkeypatch.undo()
    assert all(len(kept.names(part)) == 1 for part in house.parts.values())
    assert all(len(part.peft_config) == 1 for part in house.parts.values())
    assert not any(str(tensor.device) == "meta" for tensor in house.parts["unet"].parameters())
    assert house.paint(kept, use("first")).data == alone.data
    assert house.weights() == before


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "weights_truncated"),
        (lambda path: path.write_bytes(b"\x80\x04K\x01." * 40), "weights_broken"),
        (lambda path: path.write_bytes((800 * 2**20).to_bytes(8, "little") + b"{}"), "weights_broken"),
        (lambda path: path.unlink(), "lora_missing"),
    ],
)
def test_a_file_that_is_none_is_told_and_changes_nothing(
    sd1: House, spoilt: Callable[[Path], object], code: str
) -> None:
    spoilt(sd1.lora("glow"))
    before, kept = sd1.weights(), Adapters()
    with pytest.raises(StudioError) as told:
        sd1.paint(kept, use("glow"))
    assert told.value.code == code
    assert kept.bytes == 0 and sd1.weights() == before and not hasattr(sd1.parts["unet"], "peft_config")


def test_a_lora_of_another_family_is_refused_before_anything_is_touched(
    house: House, checkpoints: dict[str, Path]
) -> None:
    kept, before = Adapters(), house.weights()
    for family in PARTS.keys() - {house.family}:
        other = House(loaded(checkpoints[family], family), family, house.folder)
        other.lora("other", tiny_loras.kohya, wanted=tiny_loras.everything)
        with pytest.raises(StudioError, match="lora_"):
            house.paint(kept, use("other"))
    assert kept.bytes == 0 and house.weights() == before


def test_a_lora_that_is_all_zeros_is_told(sd1: House) -> None:
    sd1.lora("zero", size=0.0)
    kept = Adapters()
    with pytest.raises(StudioError, match="lora_empty"):
        sd1.paint(kept, use("zero"))
    assert kept.bytes == 0 and not hasattr(sd1.parts["unet"], "peft_config")


def test_another_file_under_the_same_name_is_told(sd1: House) -> None:
    sd1.lora("glow")
    with pytest.raises(StudioError, match="lora_changed"):
        sd1.paint(Adapters(), use("glow", sha256="0" * 64))
    with pytest.raises(StudioError, match="lora_missing"), Adapters().applied(sd1.model, [use("glow")], {}):
        pass


def _headed(house: House, **settings: Any) -> None:
    header = json.dumps({f"unet.{name}": value for name, value in settings.items()})
    tensors = tiny_loras.peft(house.parts)
    tiny_loras.written(tensors, house.folder / "glow.safetensors", {"lora_adapter_metadata": header})


def test_settings_in_a_header_reach_nothing_but_how_far_it_counts(sd1: House) -> None:
    before = sd1.weights()
    sd1.lora("plain")
    _headed(sd1, init_lora_weights="pissa", layers_to_transform=[0], fan_in_fan_out=True, r=4, lora_alpha=4)
    assert sd1.paint(Adapters(), use("glow")).data == sd1.paint(Adapters(), use("plain")).data
    assert sd1.weights() == before


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"r": 4, "lora_alpha": 4000}, "lora_settings"),
        ({"r": 4, "lora_alpha": 4, "use_dora": True}, "lora_kind"),
        ({"r": 4, "lora_alpha": 4, "use_rslora": True}, "lora_kind"),
    ],
)
def test_what_a_header_asks_for_and_nobody_does_is_refused_before_anything_is_touched(
    sd1: House, settings: dict[str, Any], code: str
) -> None:
    _headed(sd1, **settings)
    before, kept = sd1.weights(), Adapters()
    with pytest.raises(StudioError) as told:
        sd1.paint(kept, use("glow"))
    assert (told.value.code, told.value.params["lora"]) == (code, "glow")
    assert kept.bytes == 0 and sd1.weights() == before


# -- how the model lies in memory -----------------------------------------------------------------


def test_adapters_of_a_narrow_denoiser_keep_their_own_precision(sd1: House) -> None:
    from studio.models.modes import FLOAT8

    sd1.lora("glow")
    FLOAT8.cast("unet", sd1.parts["unet"], torch.float32)
    plain = quietly(sd1.model, request(steps=2))
    kept = Adapters()
    assert differ(plain, sd1.paint(kept, use("glow")))
    layer = sd1.parts["unet"].get_submodule("mid_block.attentions.0.transformer_blocks.0.attn1.to_q")
    (adapter,) = kept.names(sd1.parts["unet"])
    assert layer.get_base_layer().weight.dtype == torch.float8_e4m3fn
    assert layer.lora_A[adapter].weight.dtype == torch.float32
    assert quietly(sd1.model, request(steps=2)).data == plain.data


@pytest.mark.parametrize("mode", ["offload", "group"])
def test_a_model_whose_parts_take_turns_on_the_device_paints_the_same(
    sd1: House, mode: str, checkpoints: dict[str, Path]
) -> None:
    sd1.lora("glow", wanted=tiny_loras.everything, size=0.1), sd1.lora("other", seed=1)
    whole = sd1.paint(Adapters(), use("glow"))
    # The CPU stands in for a device apart from the host: every hook runs, only the moves cost nothing.
    device = Device("cpu", torch.float32, 2**40, memory_mode=mode, host_budget=2**40, is_host=False)
    kept = Adapters()
    with Registry(device, sd1.folder / "data").lease(spec(checkpoints["sd1"])) as model:
        turning = House(model, "sd1", sd1.folder)
        assert turning.paint(kept, use("glow")).data == whole.data
        plain, alone = turning.paint(kept), kept.bytes
        assert differ(turning.paint(kept, use("glow"), use("other")), whole)
        kept.most = alone  # what was moved about can be taken off all the same
        assert turning.paint(kept, use("glow")).data == whole.data
        assert len(kept.names(turning.parts["unet"])) == 1
    assert differ(plain, whole) and plain.data == sd1.paint(Adapters()).data


def test_a_seamless_picture_stays_seamless_with_a_lora(sd1: House) -> None:
    sd1.lora("glow", wanted=tiny_loras.everything, size=0.05)
    with Adapters().applied(sd1.model, [use("glow")], paths(sd1, "glow")):
        tiled = quietly(sd1.model, request(steps=2, tiling="both"))
        plain = quietly(sd1.model, request(steps=2))
        again = quietly(sd1.model, request(steps=2, tiling="both"))
    assert differ(tiled, plain) and tiled.data == again.data
