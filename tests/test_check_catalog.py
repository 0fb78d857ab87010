"""`make check-catalog` against a hub on this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.check_catalog import main
from tests.hub import Hub, checkpoint_files, serving
from tests.tiny import catalog_text

SHA = hashlib.sha256(b"pickle").hexdigest()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with serving() as hub:
        hub.repos |= {"a/b": checkpoint_files(), "a/up": {"x4.pth": b"pickle"}}
        monkeypatch.setenv("STUDIO_HUB", hub.url)
        monkeypatch.setenv("STUDIO_MODELSCOPE", hub.url)
        yield hub


def catalog(folder: Path, *sources: str) -> str:
    """A catalog with one entry on a disk and others on hubs."""
    text = catalog_text(("local", folder), *((f"far{number}", folder) for number in range(len(sources))))
    for number, source in enumerate(sources):
        head, mark, tail = text.partition(f"- id: far{number}\n")
        text = head + mark + tail.replace(f"{{kind: local, path: {folder}}}", source, 1)
    path = folder / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def rows(folder: Path) -> list[dict[str, object]]:
    return json.loads((folder / "rows.json").read_text(encoding="utf-8"))


def test_all_that_is_there_is_ok(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = catalog(
        tmp_path,
        "{kind: hub, repo: a/b, variant: fp16}",
        "{kind: modelscope, repo: a/b}",
        f"{{kind: hub, repo: a/up, file: x4.pth, sha256: {SHA}}}",
    )
    assert main([path, "--json", str(tmp_path / "rows.json")]) == 0
    told = rows(tmp_path)
    assert [(row["name"], row["ok"]) for row in told] == [("far0", True), ("far1", True), ("far2", True)]
    assert set(told[0]) == {"name", "value", "goal", "ok"}
    assert "a/b@main, 8 files" in capsys.readouterr().out
    assert hub.fetched(".safetensors") == hub.fetched(".pth") == 0


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("{kind: hub, repo: a/nobody}", "a/nobody"),
        ("{kind: modelscope, repo: a/nobody}", "a/nobody"),
        ("{kind: hub, repo: a/b, revision: v9}", "v9"),
        ("{kind: hub, repo: a/b, variant: fp8}", "fp8"),
        ("{kind: hub, repo: a/b, file: x.safetensors}", "x.safetensors"),
        (f"{{kind: hub, repo: a/up, file: x4.pth, sha256: {'0' * 64}}}", "sha256"),
        ("{kind: hub, repo: a/b, file: all-in-one.ckpt}", "sha256"),
    ],
)
def test_what_is_not_there_is_told_and_the_rest_is_still_checked(
    hub: Hub, tmp_path: Path, source: str, what: str
) -> None:
    path = catalog(tmp_path, source, "{kind: hub, repo: a/b}")
    assert main([path, "--json", str(tmp_path / "rows.json")]) == 1
    wrong, right = rows(tmp_path)
    assert not wrong["ok"] and what in str(wrong["value"])
    assert right["ok"]


def test_without_a_network_it_says_so_at_once(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STUDIO_HUB", "http://127.0.0.1:9")
    path = catalog(tmp_path, "{kind: hub, repo: a/b}", "{kind: hub, repo: a/b, variant: fp16}")
    assert main([path, "--json", str(tmp_path / "rows.json")]) == 2
    assert "no network" in capsys.readouterr().out
    assert [row["ok"] for row in rows(tmp_path)] == [False]


def test_told_to_stay_offline_it_asks_nobody(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main([catalog(tmp_path, "{kind: hub, repo: a/b}")]) == 2
    assert hub.asked == []
