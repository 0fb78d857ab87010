"""The catalog: ten ways to break it, each told by file, line and key, none of which takes the rest along."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from studio.catalog import COMPLETE, Catalog, read_catalog, source_path, store_of
from studio.errors import StudioError
from studio.messages import BALANCES, FileSource, HubSource, Loudness, ModelScopeSource, ModelSpec
from studio.settings import ROOT
from tests.test_weights import checkpoint
from tests.tiny import catalog_text

FIRST, LAST = Path("/first"), Path("/last")


def entry(name: str, *changes: tuple[str, str]) -> str:
    """One good entry, with some of its text replaced."""
    text = catalog_text((name, Path(f"/{name}"))).removeprefix("models:\n")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def read(folder: Path, text: str) -> Catalog:
    path = folder / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return read_catalog(path)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("change", "key", "where", "what"),
    [
        (("licence: test", "licence: test\n    colour: red"), "colour", "colour:", "not a key that is known"),
        (("steps: 3,", "steps: many,"), "defaults.steps", "steps: many", "'many'"),
        (("steps: 3,", "steps: 0,"), "defaults.steps", "steps: 0", "greater than 0"),
        (("    licence: test\n", ""), "licence", "- id: middle", "is missing"),
        (("zh: middle", "ZH: middle"), "title.ZH", "ZH:", "not a key that is known"),
        (("id: middle", "id: first"), "id", "- id: first\n    title: {en: middle", "stands twice"),
        (("licence: test", "licence: test\n    licence: other"), "licence", "licence: other", "stands twice"),
        (("family: sd1", "family: sd0"), "family", "family: sd0", "known are sd1"),
        (
            ("sampler: dpmpp_2m_karras", "sampler: magic"),
            "defaults.sampler",
            "sampler: magic",
            "magic does not run on sd1",
        ),
        (("{width: 64,", "{width: 60,"), "defaults.size.width", "{width: 60", "own limits"),
        (("steps: 3,", "steps: 51,"), "defaults.steps", "steps: 51", "own limit 50"),
        (("guidance: 4.0", "guidance: 21"), "defaults.guidance", "guidance: 21", "own limit 20"),
        (("guidance: 4.0", "guidance: .nan"), "defaults.guidance", "guidance: .nan", "greater than or equal"),
        (("kind: local", "kind: moon"), "source", "kind: moon", "'local'"),
        (("id: middle", "id: ../middle"), "id", "- id: ../middle", "pattern"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isidentifier() else "",
)
def test_a_broken_entry_names_file_line_and_key_and_the_others_work(
    tmp_path: Path, change: tuple[str, str], key: str, where: str, what: str
) -> None:
    text = "models:\n" + entry("first") + entry("middle", change) + entry("last")
    catalog = read(tmp_path, text)
    assert list(catalog.specs) == ["first", "last"]
    assert catalog.specs["first"].source.path == "/first"
    told = [problem for problem in catalog.problems if problem.key == f"models.1.{key}"]
    assert [(problem.file, problem.line) for problem in told] == [("models.yaml", line_of(text, where))]
    assert what in told[0].what


def test_an_unknown_key_beside_the_models_is_told(tmp_path: Path) -> None:
    catalog = read(tmp_path, "models:\n" + entry("first") + "moodels: []\n")
    assert list(catalog.specs) == ["first"]
    assert [(problem.line, problem.key) for problem in catalog.problems] == [(9, "moodels")]


def test_a_file_that_is_not_yaml_names_the_line(tmp_path: Path) -> None:
    catalog = read(tmp_path, "models:\n" + entry("first") + "  - {id: \n")
    assert catalog.specs == {}
    assert [problem.file for problem in catalog.problems][:1] == ["models.yaml"]
    assert "not YAML" in catalog.problems[0].what and catalog.problems[0].line >= 9


@pytest.mark.parametrize("text", ["models: first\n", "models: {first: {}}\n", "- first\n", "first\n", ""])
def test_a_file_without_a_list_of_models_is_told(tmp_path: Path, text: str) -> None:
    catalog = read(tmp_path, text)
    assert catalog.specs == {}
    assert any("must be a list" in problem.what for problem in catalog.problems)


def test_a_missing_file_is_told_with_its_folder(tmp_path: Path) -> None:
    catalog = read_catalog(tmp_path / "models.yaml")
    assert catalog.specs == {}
    assert re.fullmatch(rf"models\.yaml:0: -: .*{re.escape(str(tmp_path))}", str(catalog.problems[0]))


def test_the_first_entry_stays_the_first(tmp_path: Path) -> None:
    catalog = read(tmp_path, catalog_text(("zebra", FIRST), ("ape", LAST)))
    assert list(catalog.specs) == ["zebra", "ape"]


def test_a_model_that_is_not_in_the_catalog_is_the_askers_error(tmp_path: Path) -> None:
    catalog = read(tmp_path, catalog_text(("zebra", FIRST)))
    assert catalog.spec("zebra").id == "zebra"
    with pytest.raises(StudioError, match="model_unknown") as told:
        catalog.spec("unicorn")
    assert told.value.params == {"model": "unicorn"}


def test_a_relative_path_counts_from_the_repository_and_an_absolute_one_stands(tmp_path: Path) -> None:
    specs = read(tmp_path, catalog_text(("here", Path("pocket/weights")), ("there", tmp_path))).specs
    assert source_path(specs["here"]) == ROOT / "pocket" / "weights"
    assert source_path(specs["there"]) == tmp_path


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    specs = read(tmp_path, catalog_text(("home", Path("~/models")))).specs
    assert source_path(specs["home"]) == tmp_path / "models"


def test_the_repositorys_own_catalog_is_without_problems() -> None:
    catalog = read_catalog(ROOT / "models.yaml")
    assert [str(problem) for problem in catalog.problems] == []
    assert next(iter(catalog.specs)) == "pocket"


# -- where files lie ------------------------------------------------------------------------------

COMMIT = "0" * 40


def spec_of(folder: Path, source: FileSource | HubSource | ModelScopeSource) -> ModelSpec:
    spec = read(folder, catalog_text(("one", FIRST))).specs["one"]
    return spec.model_copy(update={"source": source})


def cached(hub: Path, repo: str) -> Path:
    """The folder of a repository's files in the hub's cache."""
    store = hub / f"models--{repo.replace('/', '--')}"
    (store / "refs").mkdir(parents=True)
    (store / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    folder = store / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache of this test."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_single_file_lies_where_it_is_named(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, FileSource(path=str(tmp_path / "model.safetensors")))
    assert source_path(spec) == tmp_path / "model.safetensors"


def test_a_repository_nobody_fetched_is_not_here(tmp_path: Path, hub: Path) -> None:
    for source in (HubSource(repo="a/b"), ModelScopeSource(repo="a/b")):
        with pytest.raises(StudioError, match="source_not_here") as told:
            source_path(spec_of(tmp_path, source), tmp_path / "data")
        assert told.value.params == {"model": "one"}


@pytest.mark.parametrize("source", [HubSource(repo="a/b"), ModelScopeSource(repo="a/b", variant="fp16")])
def test_what_was_fetched_is_here_once_it_is_whole(
    tmp_path: Path, hub: Path, source: HubSource | ModelScopeSource
) -> None:
    spec, data = spec_of(tmp_path, source), tmp_path / "data"
    folder = checkpoint(store_of(source, data))
    with pytest.raises(StudioError, match="source_not_here"):
        source_path(spec, data)
    files = {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*.*")}
    (folder / COMPLETE).write_text(json.dumps({"files": files}), encoding="utf-8")
    assert source_path(spec, data) == folder
    next(folder.rglob("*.safetensors")).unlink()
    with pytest.raises(StudioError, match="source_not_here"):
        source_path(spec, data)


def test_each_revision_variant_and_file_has_its_own_folder(tmp_path: Path) -> None:
    sources = [
        HubSource(repo="a/b"),
        HubSource(repo="a/c"),
        HubSource(repo="a/b", revision="refs/pr/3"),
        HubSource(repo="a/b", variant="fp16"),
        HubSource(repo="a/b", file="x/y.safetensors"),
        ModelScopeSource(repo="a/b"),
    ]
    stores = {store_of(source, tmp_path) for source in sources}
    assert len(stores) == len(sources)
    assert all(store.is_relative_to(tmp_path) and ".." not in store.parts for store in stores)


def test_the_hubs_cache_of_other_programs_is_used(tmp_path: Path, hub: Path) -> None:
    folder = checkpoint(cached(hub, "a/b"))
    assert source_path(spec_of(tmp_path, HubSource(repo="a/b")), tmp_path / "data") == folder
    assert source_path(spec_of(tmp_path, HubSource(repo="a/b", revision=COMMIT))) == folder
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(StudioError, match="source_not_here"):
        source_path(spec_of(tmp_path, HubSource(repo="a/b")))


def test_the_hubs_cache_is_not_used_where_it_holds_another_variant(tmp_path: Path, hub: Path) -> None:
    folder = checkpoint(cached(hub, "a/b"))
    for path in list(folder.rglob("*.safetensors")):
        path.rename(path.with_name("diffusion_pytorch_model.fp16.safetensors"))
    assert source_path(spec_of(tmp_path, HubSource(repo="a/b", variant="fp16"))) == folder
    with pytest.raises(StudioError, match="source_not_here"):
        source_path(spec_of(tmp_path, HubSource(repo="a/b")))


def test_one_file_of_a_repository_is_found_in_the_hubs_cache(tmp_path: Path, hub: Path) -> None:
    folder = cached(hub, "a/b")
    (folder / "x.safetensors").write_bytes(b"x")
    assert (
        source_path(spec_of(tmp_path, HubSource(repo="a/b", file="x.safetensors")))
        == folder / "x.safetensors"
    )
    with pytest.raises(StudioError, match="source_not_here"):
        source_path(spec_of(tmp_path, HubSource(repo="a/b", file="y.safetensors")))


# -- parts and defaults ---------------------------------------------------------------------------

VAE = """vaes:
  - id: soft
    title: {en: Soft, zh: 柔}
    families: [sd1]
    source: {kind: hub, repo: a/vae}
    licence: MIT
"""
SHA = "a" * 64
UPSCALER = f"""upscalers:
  - id: large
    title: {{en: Large, zh: 大}}
    scale: 4
    source: {{kind: hub, repo: a/up, file: x4.pth, sha256: {SHA}}}
    licence: MIT
"""


TRANSLATOR = f"""translators:
  - id: zh-en
    title: {{en: Chinese to English, zh: 中译英}}
    source: {{kind: hub, repo: a/mt, sha256: {SHA}}}
    licence: MIT
    reads: zh
    writes: en
    bytes: 300
"""


def test_translators_stand_beside_the_models(tmp_path: Path) -> None:
    catalog = read(tmp_path, "models:\n" + entry("first") + TRANSLATOR)
    assert [str(problem) for problem in catalog.problems] == []
    found = catalog.translators["zh-en"]
    assert (found.reads, found.writes, found.prefix, found.bytes) == ("zh", "en", "", 300)


def test_the_repository_can_translate_both_ways() -> None:
    found = read_catalog(ROOT / "models.yaml").translators.values()
    assert {(one.reads, one.writes) for one in found} == {("zh", "en"), ("en", "zh")}
    assert all(one.bytes and one.source.sha256 for one in found)  # type: ignore[union-attr]


CAPTIONER = """captioners:
  - id: sees
    title: {en: Sees, zh: 看}
    source: {kind: hub, repo: a/sees}
    licence: MIT
    writes: en
    bytes: 300
"""


def test_captioners_stand_beside_the_models(tmp_path: Path) -> None:
    catalog = read(tmp_path, "models:\n" + entry("first") + CAPTIONER)
    assert [str(problem) for problem in catalog.problems] == []
    found = catalog.captioners["sees"]
    assert (found.writes, found.bytes) == ("en", 300) and found in catalog.sourced


def test_a_captioner_of_one_file_is_told_and_left_out(tmp_path: Path) -> None:
    one_file = CAPTIONER.replace("repo: a/sees", "repo: a/sees, file: model.safetensors")
    catalog = read(tmp_path, "models:\n" + entry("first") + one_file)
    assert catalog.captioners == {} and "a folder of several" in str(catalog.problems[0])


def test_the_repository_can_write_captions_in_english() -> None:
    found = read_catalog(ROOT / "models.yaml").captioners.values()
    assert {one.writes for one in found} == {"en"} and all(one.bytes for one in found)
    revisions = [one.source.revision for one in found]  # type: ignore[union-attr]
    assert all(len(one) == 40 for one in revisions)


LORA = """loras:
  - id: glow
    title: {en: Glow, zh: 光}
    family: sd1
    source: {kind: hub, repo: a/lora, file: glow.safetensors}
    licence: MIT
    triggers: [night glow]
    weight: 0.8
"""


WANTS = "    wants: {sampler: lcm, steps: 4, guidance: 1.5}\n"


def test_loras_stand_beside_the_models(tmp_path: Path) -> None:
    catalog = read(tmp_path, "models:\n" + entry("first") + LORA)
    assert [str(problem) for problem in catalog.problems] == []
    glow = catalog.loras["glow"]
    assert (glow.family, glow.triggers, glow.weight) == ("sd1", ("night glow",), 0.8)
    assert catalog.sourced[-1] is glow and glow.wants is None
    swift = read(tmp_path, "models:\n" + entry("first") + LORA + WANTS).loras["glow"].wants
    assert swift and (swift.sampler, swift.steps, swift.guidance) == ("lcm", 4, 1.5)


def test_the_repository_has_loras_for_few_steps_of_both_usual_families() -> None:
    found = read_catalog(ROOT / "models.yaml").loras.values()
    quick = [one for one in found if "step" in (one.note.en if one.note else "")]
    assert {"sd1", "sdxl"} <= {one.family for one in quick}
    assert all(one.wants and one.wants.steps <= 8 for one in quick), "one click sets what their notes say"
    files = [getattr(one.source, "file", "") or getattr(one.source, "path", "") for one in found]
    assert all(file.endswith(".safetensors") for file in files)


CONTROL = """controls:
  - id: lines
    title: {en: Lines, zh: 线}
    family: sd1
    kinds: [canny]
    source: {kind: hub, repo: a/lines}
    licence: MIT
"""
LOUD = "    balances: {even: {own: 0.5, opposite: 0}}\n"


def test_a_control_net_says_how_loud_it_is_where_it_was_measured(tmp_path: Path) -> None:
    catalog = read(tmp_path, "models:\n" + entry("first") + CONTROL + LOUD)
    assert [str(problem) for problem in catalog.problems] == []
    net = catalog.controls["lines"]
    assert net.loudness("even") == Loudness(own=0.5, opposite=0)
    assert net.loudness("prompt") == BALANCES["prompt"]


def test_vaes_and_upscalers_stand_beside_the_models(tmp_path: Path) -> None:
    catalog = read(tmp_path, "models:\n" + entry("first") + VAE + UPSCALER)
    assert [str(problem) for problem in catalog.problems] == []
    assert catalog.vaes["soft"].families == ("sd1",)
    assert catalog.upscalers["large"].scale == 4
    assert [spec.id for spec in catalog.sourced] == ["first", "soft", "large"]


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        (VAE.replace("[sd1]", "[sd0]"), "vaes.0.families", "known are sd1"),
        (VAE.replace("[sd1]", "[]"), "vaes.0.families", "is empty"),
        (UPSCALER.replace(f", file: x4.pth, sha256: {SHA}", ""), "upscalers.0.source", "names no file"),
        (VAE.replace("id: soft", "id: first"), "vaes.0.id", "stands twice"),
        (VAE.replace("licence: MIT", "colour: red"), "vaes.0.colour", "not a key"),
        (UPSCALER.replace(SHA, "abc"), "upscalers.0.source.sha256", "64 digits"),
        (UPSCALER.replace(f", sha256: {SHA}", ""), "upscalers.0.source.file", "sha256"),
        (UPSCALER.replace("x4.pth", "../x4.pth"), "upscalers.0.source.file", "leads out"),
        (UPSCALER.replace("a/up", "a/.."), "upscalers.0.source.repo", "leads out"),
        (VAE.replace("a/vae", "a/vae, revision: .."), "vaes.0.source.revision", "leads out"),
        (TRANSLATOR.replace("writes: en", "writes: zh"), "translators.0.writes", "what it reads"),
        (TRANSLATOR.replace("writes: en", "writes: fr"), "translators.0.writes", "'en'"),
        (TRANSLATOR.replace("    reads: zh\n", ""), "translators.0.reads", "is missing"),
        (TRANSLATOR.replace("bytes: 300", "bytes: -1"), "translators.0.bytes", "greater than or equal"),
        (TRANSLATOR.replace("a/mt", "a/mt, file: x.bin"), "translators.0.source", "names one file"),
        (TRANSLATOR.replace(SHA, "abc"), "translators.0.source.sha256", "64 digits"),
        (TRANSLATOR.replace("id: zh-en", "id: first"), "translators.0.id", "stands twice"),
        (LORA.replace("family: sd1", "family: sd3"), "loras.0.family", "sd3 takes no LoRAs"),
        (LORA.replace("    family: sd1\n", ""), "loras.0.family", "nothing takes no LoRAs"),
        (LORA.replace(", file: glow.safetensors", ""), "loras.0.source", "names no file"),
        (LORA.replace("glow.safetensors", f"glow.pt, sha256: {SHA}"), "loras.0.source.file", "no other"),
        (LORA.replace("weight: 0.8", "weight: 40"), "loras.0.weight", "less than or equal"),
        (LORA + WANTS.replace("lcm", "flow_lcm"), "loras.0.wants.sampler", "does not run on sd1: dpmpp"),
        (LORA + WANTS.replace("steps: 4", "steps: 0"), "loras.0.wants.steps", "greater than 0"),
        (LORA + WANTS.replace(", guidance: 1.5", ""), "loras.0.wants.guidance", "is missing"),
        (CONTROL.replace("family: sd1", "family: sd3"), "controls.0.family", "takes no control nets"),
        (CONTROL.replace("    kinds: [canny]\n", ""), "controls.0.kinds", "is empty"),
        (CONTROL + "    network: union\n", "controls.0.modes", "no number for canny"),
        (CONTROL + "    network: ip_adapter\n", "controls.0.encoder", "nothing is not among"),
        (CONTROL + "    network: ip_adapter\n" + LOUD, "controls.0.balances", "speak beside the denoiser"),
        (CONTROL + LOUD.replace("0.5", "0"), "controls.0.balances.even.own", "greater than 0"),
        (CONTROL + LOUD.replace("even", "loud"), "controls.0.balances.loud.[key]", "'even'"),
        ("default: {gpu: first, cpu: nobody}\n", "default.cpu", "not among the models"),
        ("default: {gpu: first}\n", "default.cpu", "is missing"),
        ("default: {gpu: first, cpu: first, tpu: first}\n", "default.tpu", "not a key"),
    ],
    ids=lambda value: value if " " not in value else "",
)
def test_what_is_wrong_beside_the_models_is_told_by_its_key(
    tmp_path: Path, text: str, key: str, what: str
) -> None:
    catalog = read(tmp_path, "models:\n" + entry("first") + text)
    told = [problem for problem in catalog.problems if problem.key == key]
    assert len(told) == 1 and what in told[0].what
    assert list(catalog.specs) == ["first"]


def test_a_single_file_that_is_a_pickle_is_no_entry(tmp_path: Path) -> None:
    changed = ("{kind: local, path: /middle}", "{kind: file, path: /middle.ckpt}")
    catalog = read(tmp_path, "models:\n" + entry("first") + entry("middle", changed))
    assert list(catalog.specs) == ["first"]
    assert [problem.key for problem in catalog.problems] == ["models.1.source.path"]


def test_a_host_with_a_gpu_has_another_default_than_one_without(tmp_path: Path) -> None:
    text = "models:\n" + entry("small") + entry("large")
    catalog = read(tmp_path, text + "default: {gpu: large, cpu: small}\n")
    assert [catalog.default_for(gpu).id for gpu in (True, False)] == ["large", "small"]


def test_without_a_word_about_it_the_first_model_is_the_default(tmp_path: Path) -> None:
    catalog = read(tmp_path, "models:\n" + entry("first") + entry("last"))
    assert catalog.default_for(True).id == catalog.default_for(False).id == "first"
    assert Catalog({}).default_for(True) is None


def test_the_repositorys_own_entries_are_complete() -> None:
    catalog = read_catalog(ROOT / "models.yaml")
    families = {spec.family for spec in catalog.specs.values()}
    assert {"sd1", "sd2", "sdxl"} <= families
    assert catalog.vaes and catalog.upscalers
    assert catalog.default_for(False).id == "pocket"
    assert catalog.default_for(True).family == "sdxl"
    assert all(spec.licence and spec.note for spec in catalog.sourced)
    assert all(
        spec.verified == "" or re.fullmatch(r"\d{4}-\d\d-\d\d", spec.verified) for spec in catalog.sourced
    )
    for family in families:
        inpainters = [spec for spec in catalog.specs.values() if "inpaint" in spec.capabilities]
        assert any(spec.family == family for spec in inpainters)
