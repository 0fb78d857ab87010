"""Prompts become what they mean: windows, weights, blends, clip skip and embeddings, on tiny models and the pocket."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from studio.diffusion.encoding import encoded, tokens_cut
from studio.diffusion.families import painter
from studio.diffusion.text_cache import TextCache
from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import EmbeddingUse
from studio.models.registry import Loaded
from studio.prompt import count_tokens
from tests.diffusion.painting import loaded, request
from tests.models.test_modes import registry
from tests.models.test_modes import spec as model_spec
from tests.tiny import clip_text
from tests.tiny_families import BUILDERS

WINDOWED = ("sd1", "sd2", "sdxl")
POCKET = Path(__file__).parents[2] / "pocket" / "weights"


@dataclass(frozen=True)
class Case:
    """A tiny model of a family, and how it reads."""

    family: str
    model: Loaded[Any]
    checkpoint: Path

    @property
    def pipe(self) -> Any:
        return painter(self.family).pipe(self.model.parts, self.model.parts["scheduler"])

    def both(self, **changes: object) -> dict[str, Tensor]:
        """What the pipeline is told."""
        asked = request(**({"negative": ""} | changes))
        return painter(self.family).encode(self.pipe, asked, "cpu")

    def says(self, prompt: str, **changes: object) -> Tensor:
        """What the model reads of a prompt alone."""
        return self.both(prompt=prompt, guidance=1.0, **changes)["prompt_embeds"]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    made: dict[str, Case] = {}

    def case(family: str) -> Case:
        if family not in made:
            checkpoint = BUILDERS[family](tmp_path_factory.mktemp(family))
            made[family] = Case(family, loaded(checkpoint, family), checkpoint)
        return made[family]

    return case


@pytest.fixture(params=WINDOWED)
def case(request: pytest.FixtureRequest, cases: Callable[[str], Case]) -> Case:
    return cases(request.param)


# -- plain prompts --------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("prompt", "negative"),
    [
        ("a red cat", "low quality"),
        ("A  Red cat, 世界!", ""),
        ("", ""),
        ("cat " * 75, "sea"),
        ("red", "low " * 75),
    ],
)
@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_a_plain_prompt_gives_what_the_library_gives(
    cases: Callable[[str], Case], family: str, prompt: str, negative: str, guidance: float
) -> None:
    case = cases(family)
    ours = case.both(prompt=prompt, negative=negative, guidance=guidance)
    theirs = _by_the_library(case, prompt, negative, guidance > 1)
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert (tensor is None and ours[name] is None) or torch.equal(ours[name], tensor), name


@torch.no_grad()
def _by_the_library(case: Case, prompt: str, negative: str, against: bool) -> dict[str, Tensor]:
    names = ["prompt_embeds", "negative_prompt_embeds"]
    if case.family in ("sd1", "sd2"):
        texts = case.pipe.encode_prompt(prompt, "cpu", 1, against, negative if against else None)
    else:
        names += ["pooled_prompt_embeds", "negative_pooled_prompt_embeds"]
        more = (None, None) if case.family == "sd3" else (None,)
        texts = case.pipe.encode_prompt(prompt, *more, "cpu", 1, against, negative or None)
    return dict(zip(names, texts, strict=True))


# -- windows --------------------------------------------------------------------------------------


def test_break_sets_windows_side_by_side_in_their_order(case: Case) -> None:
    apart = [case.says("a red cat"), case.says("a blue sea")]
    assert torch.equal(case.says("a red cat BREAK a blue sea"), torch.cat(apart, dim=1))
    assert not torch.equal(case.says("a blue sea BREAK a red cat"), torch.cat(apart, dim=1))


def test_a_long_prompt_is_read_to_its_last_word(case: Case) -> None:
    long = "cat " * 200
    cats, with_sea = case.says(long + "red"), case.says(long + "sea")
    assert cats.shape[1] == 3 * 77
    assert torch.equal(cats[:, : 2 * 77], with_sea[:, : 2 * 77])
    assert not torch.equal(cats[:, 2 * 77 :], with_sea[:, 2 * 77 :])


@pytest.mark.parametrize("text", ["cat " * 76, "cat " * 60 + ", " + "sea " * 95, "a BREAK b BREAK c, " * 3])
def test_the_page_counts_the_windows_that_are_read(case: Case, text: str) -> None:
    counted = count_tokens(case.checkpoint, text, FAMILIES[case.family].window)
    assert case.says(text).shape[1] == 77 * len(counted.windows)


def test_what_follows_a_comma_near_the_border_stays_together(case: Case) -> None:
    phrase = "sea " * 18 + "house"
    moved = case.says("cat " * 60 + ", " + phrase)
    assert torch.equal(moved[:, 77:], case.says(phrase))


def test_both_sides_are_as_long_as_the_longer_one(case: Case) -> None:
    empty = case.says("")
    for given in ({"negative": "low " * 100}, {"prompt": "cat " * 100, "negative": "low"}):
        texts = case.both(**given)
        assert texts["prompt_embeds"].shape == texts["negative_prompt_embeds"].shape
        short = "prompt_embeds" if "prompt" not in given else "negative_prompt_embeds"
        assert torch.equal(texts[short][:, 77:], empty)


def test_what_xl_reads_as_a_whole_is_its_first_window_without_weights(cases: Callable[[str], Case]) -> None:
    case = cases("sdxl")
    whole = case.both(prompt="(a red cat:1.3) BREAK a blue sea")["pooled_prompt_embeds"]
    assert torch.equal(whole, case.both(prompt="a red cat")["pooled_prompt_embeds"])


# -- weights and blends ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["(a red cat:1.0)", "a (red:1) cat", "([a red cat])", "a red cat<lora:x:1>"])
def test_a_weight_of_one_changes_nothing(case: Case, text: str) -> None:
    assert torch.equal(case.says(text), case.says("a red cat"))


def test_a_weight_multiplies_its_tokens_and_the_mean_stays(cases: Callable[[str], Case]) -> None:
    case = _with_a_mean(cases("sd1"))
    plain, weighed = case.says("a red cat"), case.says("a (red:1.4) cat")
    by_hand = plain.clone()
    by_hand[:, 2] *= 1.4  # the start mark is the first, `a` the second
    assert not torch.allclose(by_hand.mean(), plain.mean(), atol=1e-4)
    assert torch.allclose(weighed, by_hand * (plain.mean() / by_hand.mean()), atol=1e-6)
    assert torch.allclose(weighed.mean(), plain.mean(), atol=1e-6)


def test_where_there_is_no_mean_nothing_is_scaled_at_random(cases: Callable[[str], Case]) -> None:
    # The final norm of an untrained encoder leaves a mean of nothing but rounding.
    plain, weighed = cases("sd1").says("a red cat"), cases("sd1").says("a (red:1.4) cat")
    assert torch.allclose(weighed[:, 2], 1.4 * plain[:, 2]) and torch.equal(weighed[:, 3:], plain[:, 3:])


def _with_a_mean(case: Case) -> Case:
    encoder = clip_text(case.model.parts["tokenizer"])
    torch.nn.init.constant_(encoder.final_layer_norm.bias, 0.3)
    return replace(case, model=replace(case.model, parts=case.model.parts | {"text_encoder": encoder}))


def test_xl_keeps_the_mean_of_each_encoder(cases: Callable[[str], Case]) -> None:
    plain, weighed = (cases("sdxl").says(text) for text in ("a red cat", "a (red:1.4) cat"))
    assert not torch.equal(plain, weighed)
    for part in (slice(0, 32), slice(32, None)):
        assert torch.allclose(weighed[..., part].mean(), plain[..., part].mean(), atol=1e-6)


def test_more_weight_departs_further(case: Case) -> None:
    plain = case.says("a red cat")
    apart = [float((case.says(f"a (red:{weight}) cat") - plain).norm()) for weight in (1.1, 1.3, 1.6)]
    assert 0 < apart[0] < apart[1] < apart[2]
    assert torch.equal(case.says("a (red) cat"), case.says("a (red:1.1) cat"))
    assert not torch.equal(case.says("a [red] cat"), case.says("a (red) cat"))


def test_weights_hold_in_the_window_they_stand_in(case: Case) -> None:
    long = "cat " * 75
    weighed = case.says(long + "(sea:1.5)")
    assert torch.equal(weighed[:, :77], case.says(long))
    assert torch.equal(weighed[:, 77:], case.says("(sea:1.5)"))


def test_a_blend_mixes_what_is_said_of_its_phrases(case: Case) -> None:
    cat, sea = case.says("a cat"), case.says("a sea")
    blend = case.says('("a cat", "a sea").blend(1, 3)')
    assert torch.allclose(blend, 0.25 * cat + 0.75 * sea, atol=1e-6)
    assert torch.allclose(case.says('("a cat", "a sea").blend(1, 0)'), cat, atol=1e-6)


def test_phrases_of_a_blend_may_be_of_any_length(case: Case) -> None:
    blend = case.says('("a cat", "' + "sea " * 90 + '").blend(1, 1)')
    assert blend.shape[1] == 2 * 77
    second = (case.says("") + case.says("sea " * 90)[:, 77:]) / 2
    assert torch.allclose(blend[:, 77:], second, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_blend_that_is_no_whole_prompt_is_refused(cases: Callable[[str], Case], family: str) -> None:
    with pytest.raises(StudioError, match="blend_not_whole"):
        cases(family).both(negative='a ("b", "c").blend(1, 1)')


def test_a_family_without_weights_reads_the_words(cases: Callable[[str], Case]) -> None:
    case = cases("sd3")
    assert torch.equal(case.says("(a red:1.4) [cat] BREAK sea"), case.says("a red cat sea"))
    assert not torch.equal(case.says("a red cat"), case.says("a red house"))


# -- clip skip ------------------------------------------------------------------------------------


@torch.no_grad()
def test_clip_skip_counts_layers_from_the_last(cases: Callable[[str], Case]) -> None:
    for family in ("sd1", "sd2"):
        case = cases(family)
        encoder, tokenizer = case.model.parts["text_encoder"], case.model.parts["tokenizer"]
        ids = tokenizer("a red cat", padding="max_length", max_length=77, return_tensors="pt").input_ids
        layers = encoder(ids, output_hidden_states=True).hidden_states
        for skip in (1, 2):
            by_hand = encoder.final_layer_norm(layers[-skip])
            assert torch.equal(case.says("a red cat", clip_skip=skip), by_hand)
        assert not torch.equal(case.says("a red cat", clip_skip=2), case.says("a red cat"))


def test_clip_skip_holds_for_both_sides(case: Case) -> None:
    once, twice = (case.both(negative="low", clip_skip=skip)["negative_prompt_embeds"] for skip in (1, 2))
    # XL reads the layer before the last by itself.
    assert torch.equal(once, twice) == (case.family == "sdxl")


@torch.no_grad()
def test_xl_counts_from_the_layer_it_was_trained_on(cases: Callable[[str], Case]) -> None:
    known = cases("sdxl")
    deep = clip_text(known.model.parts["tokenizer"], num_hidden_layers=5)
    case = replace(known, model=replace(known.model, parts=known.model.parts | {"text_encoder": deep}))
    for skip, theirs in ((1, None), (2, None), (3, 1), (4, 2)):
        by_library = case.pipe.encode_prompt("a red cat", None, "cpu", 1, False, clip_skip=theirs)[0]
        assert torch.equal(case.says("a red cat", clip_skip=skip), by_library)


def test_more_layers_than_there_are_cannot_be_skipped(case: Case) -> None:
    before = _hooks(case)
    with pytest.raises(StudioError, match="clip_skip_out_of_range") as told:
        case.says("a red cat", clip_skip=3)
    assert told.value.params["most"] == 2
    assert _hooks(case) == before


# -- embeddings -----------------------------------------------------------------------------------

ENCODERS = {"sd1": ("text_encoder",), "sd2": ("text_encoder",), "sdxl": ("text_encoder", "text_encoder_2")}


def _rows(case: Case, *words: str) -> list[Tensor]:
    """What the model's own tables hold for words."""
    ids = [case.model.parts["tokenizer"](word, add_special_tokens=False).input_ids[0] for word in words]
    tables = [case.model.parts[name].get_input_embeddings().weight for name in ENCODERS[case.family]]
    return [table[ids].detach().clone() for table in tables]


def _file(case: Case, folder: Path, *words: str, name: str = "emb_params") -> EmbeddingUse:
    """An embedding that says exactly what words say."""
    rows = _rows(case, *words)
    tensors = {name: rows[0]} if len(rows) == 1 else dict(zip(("clip_l", "clip_g"), rows, strict=True))
    save_file(tensors, folder / "Glow.safetensors")
    return EmbeddingUse(name="Glow", path=str(folder / "Glow.safetensors"))


@torch.no_grad()
def _hooks(case: Case) -> int:
    """How many hooks the encoders have; the library sets its own when first asked for all layers, and keeps them."""
    encoders = [case.model.parts[name] for name in ENCODERS[case.family]]
    for encoder in encoders:
        encoder(torch.tensor([[0, 1]]), output_hidden_states=True)
    modules = [module for encoder in encoders for module in encoder.modules()]
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules)


def test_an_embedding_of_a_words_vector_says_what_the_word_says(case: Case, tmp_path: Path) -> None:
    use = _file(case, tmp_path, "cat")
    for named, spelt in (("a red glow", "a red cat"), ("a (GLOW:1.3)", "a (cat:1.3)"), ("Glow", "cat")):
        assert torch.equal(case.says(named, embeddings=(use,)), case.says(spelt))


def test_an_embedding_may_have_several_vectors(case: Case, tmp_path: Path) -> None:
    use = _file(case, tmp_path, "red", "cat", "sea")
    assert torch.equal(case.says("a Glow, house", embeddings=(use,)), case.says("a red cat sea, house"))


def test_an_embedding_works_in_the_negative_and_in_later_windows(case: Case, tmp_path: Path) -> None:
    use = _file(case, tmp_path, "low")
    long = "cat " * 80
    both = case.both(prompt="a cat", negative=long + "Glow", embeddings=(use,))
    spelt = case.both(prompt="a cat", negative=long + "low")
    assert all(torch.equal(both[name], spelt[name]) for name in both)


def test_an_embedding_in_the_librarys_own_form_is_read(cases: Callable[[str], Case], tmp_path: Path) -> None:
    case = cases("sd1")
    save_file({"<glow>": _rows(case, "cat")[0][0]}, tmp_path / "glow.safetensors")
    use = EmbeddingUse(name="<glow>", path=str(tmp_path / "glow.safetensors"))
    assert torch.equal(case.says("a <glow>", embeddings=(use,)), case.says("a cat"))


def test_an_embedding_leaves_the_model_as_it_was(case: Case, tmp_path: Path) -> None:
    use = _file(case, tmp_path, "cat", "sea")
    names = ENCODERS[case.family]
    before = [case.model.parts[name].get_input_embeddings().weight.clone() for name in names]
    words, hooks, plain = len(case.model.parts["tokenizer"]), _hooks(case), case.says("a Glow")
    assert not torch.equal(case.says("a Glow", embeddings=(use,)), plain)
    after = [case.model.parts[name].get_input_embeddings().weight for name in names]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert (len(case.model.parts["tokenizer"]), _hooks(case)) == (words, hooks)
    assert torch.equal(case.says("a Glow"), plain)


def test_a_failing_encoder_keeps_no_hook(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use, before = _file(case, tmp_path, "cat"), _hooks(case)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("in the middle")

    encoder = case.model.parts["text_encoder"]
    body = getattr(encoder, "text_model", encoder)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="in the middle"):
        patch.setattr(body.final_layer_norm, "forward", fail)
        case.says("a Glow", embeddings=(use,), clip_skip=2)
    assert _hooks(case) == before


@pytest.mark.parametrize(
    ("family", "tensors", "found", "meant"),
    [
        ("sd1", {"emb_params": torch.ones(2, 48)}, "48", "32"),
        ("sd1", {"clip_l": torch.ones(1, 32), "clip_g": torch.ones(1, 64)}, "32+64", "32"),
        ("sdxl", {"emb_params": torch.ones(1, 32)}, "32", "32+64"),
        ("sdxl", {"clip_l": torch.ones(1, 32), "clip_g": torch.ones(1, 32)}, "32+32", "32+64"),
    ],
)
def test_an_embedding_made_for_another_family_is_refused_by_name(
    cases: Callable[[str], Case],
    tmp_path: Path,
    family: str,
    tensors: dict[str, Tensor],
    found: str,
    meant: str,
) -> None:
    save_file(tensors, tmp_path / "glow.safetensors")
    use = EmbeddingUse(name="glow", path=str(tmp_path / "glow.safetensors"))
    with pytest.raises(StudioError, match="embedding_unfit") as told:
        cases(family).says("a glow", embeddings=(use,))
    title = FAMILIES[family].title
    assert told.value.params == {"embedding": "glow", "family": title, "found": found, "meant": meant}


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("glow.pt", b"", "embedding_pickle"),
        ("gone.safetensors", None, "embedding_missing"),
        ("glow.safetensors", b"no header", "weights_broken"),
        ("glow.safetensors", {"a": torch.ones(2, 32), "b": torch.ones(2, 32)}, "embedding_unknown"),
        ("glow.safetensors", {"emb_params": torch.ones(2, 2, 32)}, "embedding_unknown"),
        ("glow.safetensors", {"emb_params": torch.ones(0, 32)}, "embedding_unknown"),
        ("glow.safetensors", {"emb_params": torch.ones(2, 32, dtype=torch.int32)}, "embedding_unknown"),
        ("glow.safetensors", {"emb_params": torch.ones(76, 32)}, "embedding_too_long"),
    ],
)
def test_an_embedding_that_cannot_be_read_is_told(
    cases: Callable[[str], Case], tmp_path: Path, file: str, content: Any, code: str
) -> None:
    if isinstance(content, dict):
        save_file(content, tmp_path / file)
    elif content is not None:
        (tmp_path / file).write_bytes(content)
    use = EmbeddingUse(name="glow", path=str(tmp_path / file))
    with pytest.raises(StudioError, match=code):
        cases("sd1").says("a glow", embeddings=(use,))
    # A file that no prompt names is not opened.
    assert torch.equal(cases("sd1").says("a cat", embeddings=(use,)), cases("sd1").says("a cat"))


# -- where parts take turns -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["offload", "group"])
def test_a_mode_of_memory_changes_nothing(case: Case, tmp_path: Path, mode: str) -> None:
    use = _file(case, tmp_path, "cat")
    prompt = "a (red:1.3) Glow BREAK " + "sea " * 80
    asked = request(prompt=prompt, negative="low", clip_skip=2, embeddings=(use,))
    whole = painter(case.family).encode(case.pipe, asked, "cpu")
    kept = registry(tmp_path, mode)
    with kept.lease(model_spec(case.checkpoint, family=case.family)) as model:
        family = painter(case.family)
        pipe = family.pipe(model.parts, model.parts["scheduler"])
        with model.attached(pipe):
            texts = family.encode(pipe, asked, "cpu")
    assert all(torch.equal(texts[name], whole[name]) for name in whole)


# -- the cache ------------------------------------------------------------------------------------


@dataclass
class Counted:
    """A model whose text encoder counts how often it is asked."""

    case: Case
    cache: TextCache
    asked: int = 0

    def texts(self, model: Loaded[Any], **changes: object) -> dict[str, Any]:
        def count(*_: object) -> None:
            self.asked += 1

        hook = model.parts["text_encoder"].register_forward_hook(count)
        try:
            wish = request(**changes)
            return encoded(model, painter(self.case.family), self.case.pipe, wish, "cpu", self.cache)
        finally:
            hook.remove()

    def new(self, model: Loaded[Any], **changes: object) -> bool:
        """Whether the encoder had to be asked."""
        before = self.asked
        self.texts(model, **changes)
        return self.asked > before


@pytest.fixture
def counted(cases: Callable[[str], Case]) -> Counted:
    return Counted(cases("sd1"), TextCache(2**20))


@pytest.fixture
def known(counted: Counted) -> Loaded[Any]:
    return replace(counted.case.model, keys={"unet-1": 1, "text-1": 1}, hash="0123456789")


def test_words_that_were_read_before_are_not_read_again(counted: Counted, known: Loaded[Any]) -> None:
    first, second = counted.texts(known), counted.texts(known, seed=99, steps=9)
    assert counted.asked == 2  # the prompt and its opposite, once
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_without_guidance_nothing_stands_against_the_prompt(counted: Counted, known: Loaded[Any]) -> None:
    assert counted.texts(known, guidance=1.0)["negative_prompt_embeds"] is None
    assert counted.texts(known, guidance=1.0, negative="other")["negative_prompt_embeds"] is None
    assert counted.asked == 1
    assert counted.texts(known)["negative_prompt_embeds"] is not None


def test_what_is_kept_is_nobodys_to_change(counted: Counted, known: Loaded[Any]) -> None:
    first = counted.texts(known)["prompt_embeds"].clone()
    for _ in range(2):
        counted.texts(known)["prompt_embeds"].zero_()
    assert torch.equal(counted.texts(known)["prompt_embeds"], first)


@pytest.mark.parametrize(
    "change",
    [{"prompt": "a sea"}, {"negative": "blue"}, {"clip_skip": 2}, {"guidance": 1.0}],
)
def test_other_words_are_read_anew(counted: Counted, known: Loaded[Any], change: dict[str, Any]) -> None:
    assert counted.new(known) and counted.new(known, **change) and not counted.new(known, **change)


def test_another_model_never_gets_what_this_one_said(counted: Counted, known: Loaded[Any]) -> None:
    others = [
        replace(known, keys={"unet-1": 1, "text-2": 1}),
        replace(known, hash="9876543210"),
        replace(known, folder=known.folder / "other"),
        replace(known, spec=known.spec.model_copy(update={"id": "other"})),
    ]
    assert counted.new(known)
    assert [counted.new(other) for other in others] == [True] * 4
    assert not any(counted.new(one) for one in [known, *others])


def test_another_number_type_is_another_model(counted: Counted, known: Loaded[Any]) -> None:
    assert counted.texts(known)["prompt_embeds"].dtype == torch.float32
    encoder = clip_text(known.parts["tokenizer"]).to(torch.bfloat16)
    half = replace(known, parts=known.parts | {"text_encoder": encoder})
    counted.case = replace(counted.case, model=half)
    assert counted.texts(half)["prompt_embeds"].dtype == torch.bfloat16


def test_a_model_whose_content_is_not_known_is_read_every_time(counted: Counted) -> None:
    assert counted.new(counted.case.model) and counted.new(counted.case.model)
    assert counted.cache.bytes == 0


def test_an_embedding_whose_file_changes_is_read_anew(
    counted: Counted, known: Loaded[Any], tmp_path: Path
) -> None:
    use = _file(counted.case, tmp_path, "cat")
    wish = {"prompt": "a Glow", "embeddings": (use,)}
    assert counted.new(known, **wish) and not counted.new(known, **wish)
    before = Path(use.path).stat().st_mtime_ns
    _file(counted.case, tmp_path, "sea")
    os.utime(use.path, ns=(before + 10**9, before + 10**9))
    changed = counted.texts(known, **wish)["prompt_embeds"]
    assert torch.equal(changed, counted.case.both(prompt="a sea")["prompt_embeds"])


def test_the_longest_unused_goes_when_the_bytes_are_full() -> None:
    cache, tensor = TextCache(3 * 40), torch.ones(10)
    for name in "abc":
        cache.put((name,), {"x": tensor, "none": None})
    assert cache.get(("a",), "cpu")
    cache.put(("d",), {"x": tensor})
    assert cache.bytes == 3 * 40
    assert [name for name in "abcd" if cache.get((name,), "cpu")] == ["a", "c", "d"]
    cache.put(("large",), {"x": torch.ones(31)})
    assert cache.get(("large",), "cpu") is None and cache.bytes == 3 * 40


# -- what is cut, and what is seen ----------------------------------------------------------------


def test_only_a_family_of_one_window_cuts(cases: Callable[[str], Case]) -> None:
    long = "(cat:1.2) BREAK " * 80
    assert [tokens_cut(cases(family).model, long) for family in (*WINDOWED, "sd3")] == [0, 0, 0, 5]


@pytest.fixture(scope="module")
def blue() -> Callable[[str], list[float]]:
    """How much of the pocket's pictures of a prompt is blue, seed by seed."""
    model = loaded(POCKET)
    family = painter("sd1")

    def share(prompt: str) -> list[float]:
        found = []
        for seed in range(3):
            pipe = family.pipe(
                model.parts, type(model.parts["scheduler"]).from_config(model.parts["scheduler"].config)
            )
            texts = family.encode(pipe, request(prompt=prompt, negative=""), "cpu")
            picture = pipe(
                **texts,
                width=256,
                height=256,
                num_inference_steps=8,
                guidance_scale=4.0,
                generator=torch.Generator().manual_seed(seed),
                output_type="np",
            ).images[0]
            red, green, bluish = (picture[..., channel] for channel in range(3))
            found.append(float(((bluish > red + 0.12) & (bluish > green + 0.05)).mean()))
        return found

    return share


@pytest.mark.slow
@pytest.mark.skipif(not (POCKET / "model_index.json").exists(), reason="no weights yet")
def test_emphasis_moves_the_pocket_towards_what_is_emphasised(blue: Callable[[str], list[float]]) -> None:
    less, plain, more = (blue(f"a red and (blue:{weight}) heart") for weight in (0.5, 1.0, 1.5))
    assert sum(less) < sum(plain) < sum(more)
    assert all(low < high for low, high in zip(less, more, strict=True))
