"""The memory that a container lets the studio have, read from files as the kernel writes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.models import devices
from studio.models.cgroups import Share, shares
from studio.wire import Setup

GB = 2**30


def group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"memory.{name}").write_text(f"{content}\n", encoding="utf-8")


def told(folder: Path, own: str) -> tuple[Share, ...]:
    (folder / "own").write_text(own, encoding="utf-8")
    return shares(folder, folder / "own")


def test_a_container_tells_its_limit_and_what_is_used_of_it(tmp_path: Path) -> None:
    group(tmp_path, max=8 * GB, current=3 * GB, stat=f"anon 5\nactive_file {GB}\ninactive_file 7")
    assert told(tmp_path, "0::/\n") == (Share(8 * GB, 2 * GB - 7),)


def test_a_group_is_under_the_limits_of_those_around_it(tmp_path: Path) -> None:
    group(tmp_path / "pods" / "studio", max="max", current=1)
    group(tmp_path / "pods", max=4 * GB, current=2)
    assert told(tmp_path, "0::/pods/studio\n") == (Share(4 * GB, 2),)


@pytest.mark.parametrize("path", ["/docker/abc", "/"])
def test_the_first_kind_of_groups_is_read_too(tmp_path: Path, path: str) -> None:
    group(tmp_path / "memory", limit_in_bytes=6 * GB, usage_in_bytes=GB, stat="total_inactive_file 24")
    assert told(tmp_path, f"5:cpu,cpuacct:/x\n4:memory:{path}\n0::/\n") == (Share(6 * GB, GB - 24),)


def test_nothing_is_above_what_a_container_sees(tmp_path: Path) -> None:
    group(tmp_path, max=GB, current=0)
    group(tmp_path / "mounted", max=2 * GB, current=0)
    (tmp_path / "own").write_text("0::/../..\n", encoding="utf-8")
    assert shares(tmp_path / "mounted", tmp_path / "own") == (Share(2 * GB, 0),)


def test_where_nobody_set_a_limit_there_is_none(tmp_path: Path) -> None:
    assert shares(tmp_path, tmp_path / "nothing") == ()
    group(tmp_path, max="max", current=5)
    assert told(tmp_path, "0::/\n") == ()


def test_models_get_a_share_of_the_container_and_not_of_its_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.json").write_text(json.dumps({"bfloat16": False}), encoding="utf-8")
    monkeypatch.setattr(devices, "shares", lambda: (Share(1000, 900), Share(2**60, 0)))
    device = devices.open_device(Setup(device="cpu", data=str(tmp_path)))
    assert (device.budget, device.state().total, devices.available_memory()) == (500, 1000, 100)


def test_a_limit_beyond_the_hosts_memory_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.json").write_text(json.dumps({"bfloat16": False}), encoding="utf-8")
    totals = []
    for limits in ((), (Share(2**60, 0),)):
        monkeypatch.setattr(devices, "shares", lambda limits=limits: limits)
        totals.append(devices.open_device(Setup(device="cpu", data=str(tmp_path))).budget)
    assert totals[0] == totals[1] > 0
