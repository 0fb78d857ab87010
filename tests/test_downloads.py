"""Downloads from a hub on this machine: once, whole, resumed, cancelled, and refused in words."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from studio.catalog import COMPLETE, Sourced, source_path, store_of
from studio.downloads import Downloads, Unwanted, transfer
from studio.downloads.remote import look_up
from studio.errors import StudioError, say_trouble
from studio.messages import Bilingual, HubSource, LocalSource, ModelScopeSource, ModelSpec, VaeSpec
from studio.settings import Settings
from tests import samples
from tests.hub import COMMIT, Hub, checkpoint_files, serving
from tests.tiny_marian import translator_spec
from tests.worlds import PATIENCE, fake_checkpoint, tiny_catalog

UNET = "unet/diffusion_pytorch_model.safetensors"
LOADED = {
    "model_index.json",
    "unet/config.json",
    UNET,
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "scheduler/scheduler_config.json",
}
Source = HubSource | ModelScopeSource


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(transfer, "PAUSE", 0.01)
    with serving() as hub:
        hub.repos["a/b"] = checkpoint_files()
        yield hub


@pytest.fixture
def downloads(hub: Hub, tmp_path: Path) -> Downloads:
    return Downloads(settings(hub, tmp_path))


def settings(hub: Hub, folder: Path, **more: object) -> Settings:
    return Settings(data=folder / "data", hub=hub.url, modelscope=hub.url, **more)


def model(source: Source | LocalSource | None = None) -> ModelSpec:
    return samples.spec().model_copy(update={"id": "far", "source": source or HubSource(repo="a/b")})


def fetch(downloads: Downloads, spec: Sourced, told: list[tuple[int, int, float]] | None = None) -> Path:
    def tell(done: int, total: int, rate: float) -> None:
        if told is not None:
            told.append((done, total, rate))

    return downloads.fetch(spec, tell, lambda: False)


def files_of(folder: Path) -> set[str]:
    found = {str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file()}
    return found - {COMPLETE, transfer.TAGS}


def refused(downloads: Downloads, spec: Sourced) -> StudioError:
    with pytest.raises(StudioError) as told:
        fetch(downloads, spec)
    for language in ("en", "zh"):
        assert "{" not in say_trouble(language, told.value.trouble)
        assert told.value.code not in say_trouble(language, told.value.trouble)
    return told.value


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def under_way() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "download"]


# -- what is fetched ------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [HubSource(repo="a/b"), ModelScopeSource(repo="a/b")])
def test_only_what_is_loaded_is_fetched(hub: Hub, downloads: Downloads, source: Source) -> None:
    spec = model(source)
    assert downloads.needed(spec)
    told: list[tuple[int, int, float]] = []
    folder = fetch(downloads, spec, told)
    assert files_of(folder) == LOADED
    assert all((folder / name).read_bytes() == hub.repos["a/b"][name] for name in LOADED)
    total = sum(len(hub.repos["a/b"][name]) for name in LOADED)
    assert told[-1][:2] == (total, total)
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)
    assert not downloads.needed(spec) and downloads.size(spec) == 0
    assert not any(name.endswith((".bin", ".ckpt", ".py", ".onnx")) for name in hub.asked)


def test_a_variant_is_taken_where_it_is_offered_and_the_plain_file_elsewhere(downloads: Downloads) -> None:
    folder = fetch(downloads, model(HubSource(repo="a/b", variant="fp16")))
    variant = "unet/diffusion_pytorch_model.fp16.safetensors"
    assert files_of(folder) == LOADED - {UNET} | {variant}


def test_shards_come_with_the_index_of_their_variant(hub: Hub, downloads: Downloads) -> None:
    files = hub.repos["a/b"]
    for mark in ("", ".fp16"):
        for name in (f"diffusion_pytorch_model{mark}-0000{n}-of-00002.safetensors" for n in (1, 2)):
            files[f"unet/{name}"] = b"w" * 10
    files["unet/diffusion_pytorch_model.safetensors.index.json"] = b'{"weight_map": {}}'
    files["unet/diffusion_pytorch_model.safetensors.index.fp16.json"] = b'{"weight_map": {}}'
    del files[UNET], files["unet/diffusion_pytorch_model.fp16.safetensors"]
    folder = fetch(downloads, model(HubSource(repo="a/b", variant="fp16")))
    assert {name for name in files_of(folder) if name.startswith("unet/")} == {
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors.index.fp16.json",
        "unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
        "unet/diffusion_pytorch_model.fp16-00002-of-00002.safetensors",
    }


def test_one_file_of_a_repository_is_fetched_alone(hub: Hub, downloads: Downloads) -> None:
    path = fetch(downloads, model(HubSource(repo="a/b", file="all-in-one.safetensors")))
    assert path.name == "all-in-one.safetensors"
    assert path.read_bytes() == hub.repos["a/b"]["all-in-one.safetensors"]
    assert hub.fetched(".json") == 0


def test_a_vae_lies_in_a_repository_of_its_own(hub: Hub, downloads: Downloads) -> None:
    weights = "diffusion_pytorch_model.safetensors"
    hub.repos["a/vae"] = {
        "config.json": b"{}",
        weights: b"v" * 10,
        "sdxl_vae.safetensors": b"v" * 10,
        "README.md": b"",
    }
    spec = VaeSpec(id="vae", title=Bilingual(en="v", zh="v"), source=HubSource(repo="a/vae"), licence="mit")
    assert files_of(fetch(downloads, spec)) == {"config.json", weights}


@pytest.mark.parametrize(
    "name", ["../out.safetensors", "/etc/out.safetensors", "unet/../../out.safetensors", "unet\\x.json"]
)
def test_a_name_that_leads_out_of_the_folder_is_passed_over(
    hub: Hub, downloads: Downloads, tmp_path: Path, name: str
) -> None:
    hub.repos["a/b"][name] = b"out"
    assert files_of(fetch(downloads, model())) == LOADED
    assert refused(downloads, model(HubSource(repo="a/b", file=name))).code == "repo_file"


def test_what_is_here_is_not_fetched(downloads: Downloads, hub: Hub, tmp_path: Path) -> None:
    spec = model(LocalSource(path=str(fake_checkpoint(tmp_path / "local"))))
    assert not downloads.needed(spec)
    assert fetch(downloads, spec) == tmp_path / "local"
    assert hub.asked == []


def test_the_size_is_known_before(hub: Hub, downloads: Downloads) -> None:
    assert downloads.size(model()) == sum(len(hub.repos["a/b"][name]) for name in LOADED)


# -- once, however many wait ----------------------------------------------------------------------


def test_eight_who_wait_fetch_once_and_all_hear_of_it(hub: Hub, downloads: Downloads) -> None:
    hub.gate.clear()
    heard: list[list[tuple[int, int, float]]] = [[] for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(fetch, downloads, model(), told) for told in heard]
        until(lambda: all(told for told in heard))
        hub.gate.set()
        paths = {one.result(PATIENCE) for one in waiting}
    assert len(paths) == 1
    assert hub.fetched(UNET) == 1
    assert len({told[-1][:2] for told in heard}) == 1
    until(lambda: not under_way())


def test_progress_is_told_in_glances_not_with_every_piece(hub: Hub, downloads: Downloads) -> None:
    hub.repos["a/b"][UNET] = b"u" * 20_000_000
    told: list[tuple[int, int, float]] = []
    fetch(downloads, model(), told)
    assert len(told) < 20_000_000 / transfer.CHUNK / 4
    assert told[-1][0] == told[-1][1] and told[-1][2] > 0


def test_one_who_leaves_takes_nothing_from_the_others(hub: Hub, downloads: Downloads) -> None:
    hub.gate.clear()
    told: list[tuple[int, int, float]] = []
    gone = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        stays = pool.submit(fetch, downloads, model(), told)
        until(lambda: bool(told))
        leaves = pool.submit(downloads.fetch, model(), lambda *_: None, gone.is_set)
        gone.set()
        with pytest.raises(Unwanted):
            leaves.result(PATIENCE)
        hub.gate.set()
        assert files_of(stays.result(PATIENCE)) == LOADED
    assert hub.fetched(UNET) == 1


def test_a_download_nobody_waits_for_ends_and_is_continued_later(hub: Hub, downloads: Downloads) -> None:
    hub.gate.clear()
    told: list[tuple[int, int, float]] = []
    big = len(hub.repos["a/b"][UNET])

    def tell(done: int, total: int, rate: float) -> None:
        told.append((done, total, rate))

    with pytest.raises(Unwanted):
        downloads.fetch(model(), tell, lambda: bool(told) and told[-1][0] > 50_000)
    hub.gate.set()
    until(lambda: not under_way())
    assert downloads.needed(model())
    left = downloads.size(model())
    assert 0 < left < big
    folder = fetch(downloads, model())
    assert files_of(folder) == LOADED
    assert hub.ranges and hub.ranges[-1] != "bytes=0-"
    assert (folder / UNET).read_bytes() == hub.repos["a/b"][UNET]


def test_who_comes_while_an_abandoned_download_still_ends_gets_a_whole_one(
    hub: Hub, downloads: Downloads
) -> None:
    hub.gate.clear()
    told: list[tuple[int, int, float]] = []
    with pytest.raises(Unwanted):
        downloads.fetch(model(), lambda *now: told.append(now), lambda: bool(told))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(fetch, downloads, model())
        hub.gate.set()
        assert files_of(second.result(PATIENCE)) == LOADED


# -- what goes wrong on the way -------------------------------------------------------------------


def test_a_file_that_is_cut_off_goes_on_where_it_was(hub: Hub, downloads: Downloads) -> None:
    hub.cut[UNET] = 150_000
    folder = fetch(downloads, model())
    assert (folder / UNET).read_bytes() == hub.repos["a/b"][UNET]
    assert len(hub.ranges) == 1 and hub.fetched(UNET) == 2


def test_a_server_that_cannot_continue_sends_all_of_it_again(hub: Hub, downloads: Downloads) -> None:
    hub.cut[UNET], hub.ranged = 150_000, False
    told: list[tuple[int, int, float]] = []
    folder = fetch(downloads, model(), told)
    assert (folder / UNET).read_bytes() == hub.repos["a/b"][UNET]
    assert told[-1][0] == told[-1][1]


def test_a_file_that_never_comes_is_told_and_leaves_the_model_not_here(
    hub: Hub, downloads: Downloads
) -> None:
    hub.status[UNET] = 503
    error = refused(downloads, model())
    assert (error.code, error.params["file"]) == ("download_cut", UNET)
    assert downloads.needed(model())
    del hub.status[UNET]
    assert files_of(fetch(downloads, model())) == LOADED
    assert hub.fetched("tokenizer/vocab.json") == 1


@pytest.mark.parametrize("lie", [b"x" * 299_776, b"x" * 400_000], ids=["other bytes", "more bytes"])
def test_a_file_with_other_bytes_is_refused_and_not_kept(hub: Hub, downloads: Downloads, lie: bytes) -> None:
    assert len(hub.repos["a/b"][UNET]) == 299_776
    hub.lies[UNET] = lie
    assert refused(downloads, model()).code == "download_wrong"
    assert downloads.needed(model())
    hub.lies.clear()
    folder = fetch(downloads, model())
    assert (folder / UNET).read_bytes() == hub.repos["a/b"][UNET]
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("named", ["", "W/of-a-mirrors-own"], ids=["by git", "by a mirror"])
def test_a_small_file_with_other_bytes_is_refused_where_the_hub_says_what_it_is(
    hub: Hub, downloads: Downloads, named: str
) -> None:
    name = "text_encoder/config.json"
    hub.lies[name], hub.blobs[name] = b"[]", named
    if named:
        assert (fetch(downloads, model()) / name).read_bytes() == b"[]"
        return
    assert refused(downloads, model()).params["file"] == name
    hub.lies.clear()
    assert (fetch(downloads, model()) / name).read_bytes() == b"{}"


def test_a_repository_that_changes_in_between_is_not_mixed(hub: Hub, downloads: Downloads) -> None:
    hub.status["text_encoder/model.safetensors"] = 503
    hub.status[UNET] = 503
    refused(downloads, model())
    hub.status.clear()
    hub.repos["a/b"]["tokenizer/vocab.json"] = b"[]"
    hub.repos["a/b"][UNET] = b"u" * len(hub.repos["a/b"][UNET])
    folder = fetch(downloads, model())
    assert (folder / "tokenizer/vocab.json").read_bytes() == b"[]"
    assert (folder / UNET).read_bytes() == hub.repos["a/b"][UNET]


def test_a_full_disk_is_told_before_anything_is_fetched(
    hub: Hub, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    error = refused(downloads, model())
    assert error.code == "disk_full" and set(error.params) == {"model", "needs", "free"}
    assert hub.fetched(UNET) == 0
    monkeypatch.undo()


def test_a_disk_that_fills_meanwhile_is_told_as_full(
    hub: Hub, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, *_: object) -> None:
        usage = shutil.disk_usage("/")._replace(free=0)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfer.Transfer, "_receive", full)
    assert refused(downloads, model()).code == "disk_full"


def test_a_folder_that_cannot_be_written_is_told(
    hub: Hub, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: object, *_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(transfer.Transfer, "_receive", fails)
    assert refused(downloads, model()).code == "disk_unwritable"


# -- who is not there -----------------------------------------------------------------------------


def test_without_a_network_the_answer_names_what_is_missing_and_what_is_here(
    hub: Hub, tmp_path: Path
) -> None:
    catalog = tiny_catalog(tmp_path, box=fake_checkpoint(tmp_path / "box"))
    nobody = settings(hub, tmp_path).model_copy(
        update={"hub": "http://127.0.0.1:9", "modelscope": "http://127.0.0.1:9"}
    )
    for source in (HubSource(repo="a/b"), ModelScopeSource(repo="a/b")):
        error = refused(Downloads(nobody, catalog), model(source))
        assert (error.code, error.params) == ("offline", {"model": "far", "missing": "a/b", "box": "box"})
        assert refused(Downloads(nobody), model(source)).code == "offline_alone"


def test_a_studio_told_to_stay_offline_asks_nobody(
    hub: Hub, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert refused(downloads, model()).code == "offline_alone"
    assert refused(downloads, model(ModelScopeSource(repo="a/b"))).code == "offline_alone"
    assert hub.asked == []


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (HubSource(repo="a/nobody"), "repo_unknown"),
        (ModelScopeSource(repo="a/nobody"), "repo_unknown"),
        (HubSource(repo="a/b", revision="v9"), "repo_revision"),
        (HubSource(repo="a/b", file="nothing.safetensors"), "repo_file"),
        (HubSource(repo="a/b", file="all-in-one.ckpt"), "pickle_unpinned"),
        (HubSource(repo="a/b", file="pipeline.py"), "pickle_unpinned"),
        (HubSource(repo="a/b", file="all-in-one.safetensors", sha256="0" * 64), "hash_wrong"),
    ],
    ids=str,
)
def test_what_a_repository_does_not_have_is_told(downloads: Downloads, source: Source, code: str) -> None:
    assert refused(downloads, model(source)).code == code


def test_a_part_offered_as_a_pickle_alone_is_refused(hub: Hub, downloads: Downloads) -> None:
    del hub.repos["a/b"]["text_encoder/model.safetensors"]
    error = refused(downloads, model())
    assert (error.code, error.params["part"]) == ("repo_pickled", "text_encoder")


def test_a_pickle_is_fetched_by_its_hash_and_by_no_other(hub: Hub, downloads: Downloads) -> None:
    hub.repos["a/up"] = {"x4.pth": b"pickle"}
    right = hashlib.sha256(b"pickle").hexdigest()
    path = fetch(downloads, model(HubSource(repo="a/up", file="x4.pth", sha256=right)))
    assert path.read_bytes() == b"pickle"
    wrong = model(HubSource(repo="a/up", revision=COMMIT, file="x4.pth", sha256="0" * 64))
    assert refused(downloads, wrong).code == "hash_wrong"


TRANSLATOR = {"config.json": b"{}", "source.spm": b"s", "target.spm": b"t", "vocab.json": b"{}"}


def test_a_translator_comes_with_its_vocabularies(hub: Hub, downloads: Downloads) -> None:
    hub.repos["a/mt"] = TRANSLATOR | {
        "model.safetensors": b"w",
        "pytorch_model.bin": b"p",
        "tf_model.h5": b"h",
    }
    folder = fetch(downloads, translator_spec(Path(), source=HubSource(repo="a/mt", sha256="0" * 64)))
    assert files_of(folder) == {*TRANSLATOR, "model.safetensors"}


def test_the_weights_of_a_folder_may_be_a_pickle_of_a_named_hash(hub: Hub, downloads: Downloads) -> None:
    hub.repos["a/mt"] = TRANSLATOR | {"pytorch_model.bin": b"pickle"}
    right = hashlib.sha256(b"pickle").hexdigest()
    folder = fetch(downloads, translator_spec(Path(), source=HubSource(repo="a/mt", sha256=right)))
    assert (folder / "pytorch_model.bin").read_bytes() == b"pickle"
    for sha256, code in (("", "repo_pickled"), ("0" * 64, "hash_wrong")):
        source = HubSource(repo="a/mt", sha256=sha256, revision=COMMIT)  # another folder than the one above
        assert refused(downloads, translator_spec(Path(), source=source)).code == code


def test_a_gated_repository_is_opened_by_the_token(hub: Hub, downloads: Downloads, tmp_path: Path) -> None:
    hub.gated.add("a/b")
    assert refused(downloads, model()).code == "repo_gated"
    known = Downloads(settings(hub, tmp_path, hub_token="hf_secret"))
    assert files_of(fetch(known, model())) == LOADED
    assert "Bearer hf_secret" in hub.tokens


def test_a_token_stays_out_of_logs_and_files(
    hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    folder = fetch(Downloads(settings(hub, tmp_path, hub_token="hf_secret")), model())
    assert "hf_secret" not in caplog.text
    assert not any(b"hf_secret" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("source", [HubSource(repo="a/b"), ModelScopeSource(repo="a/b")])
def test_a_mirror_may_be_named_with_a_slash_at_its_end(hub: Hub, tmp_path: Path, source: Source) -> None:
    there = Settings(data=tmp_path, hub=f"{hub.url}/", modelscope=f"{hub.url}/")
    assert {
        file.url for file in look_up(model(source), there).files if "//" in urlsplit(file.url).path
    } == set()
    assert files_of(fetch(Downloads(there), model(source))) == LOADED


def test_a_token_of_the_hub_is_not_told_to_modelscope(hub: Hub, tmp_path: Path) -> None:
    fetch(Downloads(settings(hub, tmp_path, hub_token="hf_secret")), model(ModelScopeSource(repo="a/b")))
    assert hub.tokens == {""}


@pytest.mark.parametrize("index", [b"{", b"[]", b"<html>"])
def test_an_index_that_makes_no_sense_is_told_by_its_name(
    hub: Hub, downloads: Downloads, index: bytes
) -> None:
    hub.repos["a/b"]["model_index.json"] = index
    assert refused(downloads, model()).code == "weights_broken"


def test_the_marker_tells_where_the_files_came_from(downloads: Downloads, tmp_path: Path) -> None:
    fetch(downloads, model())
    source = HubSource(repo="a/b")
    marker = json.loads((store_of(source, tmp_path / "data") / COMPLETE).read_text(encoding="utf-8"))
    assert (marker["repo"], marker["commit"], set(marker["files"])) == ("a/b", COMMIT, LOADED)
    assert source_path(model(), tmp_path / "data") == store_of(source, tmp_path / "data")
