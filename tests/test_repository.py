"""The repository as a whole: small files, one lock without addresses, licences, a container that builds."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from studio.settings import Settings
from tests.floors import ROOT
from tests.repository import normalised, requirements, tracked

LARGEST = 9_000_000
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
LOCKS = {"requirements.txt": "requirements.lock", "requirements-dev.txt": "requirements-dev.lock"}
FILES = [*LOCKS, *LOCKS.values()]

NOT_IMPORTED = {
    "accelerate": "diffusers and transformers load weights through it",
    "controlnet-aux": "imported by name, with its warnings silenced",
    "scipy": "controlnet-aux needs it, and not of every version",
    "tifffile": "scikit-image needs it, and not of every version",
    "sentencepiece": "transformers cuts a translator's text with it",
    "safetensors": "the only form of weights that is read; diffusers reads them with it",
}
"""Direct dependencies that no file of the studio imports, and why they are there."""


def test_no_file_is_too_large_for_a_hub() -> None:
    large = {
        p.relative_to(ROOT).as_posix(): p.stat().st_size for p in tracked() if p.stat().st_size > LARGEST
    }
    assert large == {}


@pytest.mark.parametrize("file", FILES)
def test_requirements_hold_no_address_and_no_option(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    assert "://" not in text
    assert [
        line for line in text.splitlines() if line.startswith("-") and line != "-r requirements.txt"
    ] == []


@pytest.mark.parametrize("lock", LOCKS.values())
def test_a_lock_pins_everything(lock: str) -> None:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line)] == []
    assert len(lines) == len(requirements(lock)), "one version of a package for everyone"


@pytest.mark.parametrize(("file", "lock"), LOCKS.items())
def test_a_lock_keeps_within_the_ranges(file: str, lock: str) -> None:
    pins = requirements(lock)
    for name, range_ in requirements(file).items():
        version = pins[name].removeprefix("==").split()[0]
        assert SpecifierSet(range_).contains(version), f"{name} {version} is outside {range_}"
        assert Requirement(name + range_).specifier, f"{name} has no bound"


def test_the_lock_for_development_holds_the_other_one() -> None:
    run, dev = requirements("requirements.lock"), requirements("requirements-dev.lock")
    assert {name: dev.get(name) for name in run} == run


def imported(*patterns: str) -> dict[str, str]:
    """Packages that files import, each with one place where."""
    found: dict[str, str] = {}
    for path in tracked(*patterns):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for name in _tops(node):
                found.setdefault(name, f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}")
    own = {"studio", "pocket", "app", "tests"}
    return {name: where for name, where in found.items() if name not in sys.stdlib_module_names | own}


def _tops(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        return [node.module.partition(".")[0]]
    return []


def packages(module: str) -> set[str]:
    """The packages that may bring a module, by the names under which they are installed."""
    return {normalised(name) for name in packages_distributions().get(module, [module])}


def test_what_is_imported_is_required() -> None:
    run = set(requirements("requirements.txt"))
    missing = {m: where for m, where in imported("studio/*.py", "app.py").items() if not packages(m) & run}
    assert missing == {}


def test_what_tests_and_training_import_is_required() -> None:
    every = set(requirements("requirements.txt")) | set(requirements("requirements-dev.txt")) | {"packaging"}
    missing = {
        m: where for m, where in imported("tests/*.py", "pocket/*.py").items() if not packages(m) & every
    }
    assert missing == {}


def test_what_is_required_is_imported() -> None:
    used = {name for module in imported("studio/*.py", "app.py", "pocket/*.py") for name in packages(module)}
    assert set(requirements("requirements.txt")) - used - set(NOT_IMPORTED) == set()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no mode")
def test_ci_runs_what_people_run() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    text = script.read_text("utf-8")
    assert {"make lint", "make test"} <= set(text.splitlines())
    assert "make run" in text
    assert "pip install" not in text


def test_notice_names_every_file_of_others() -> None:
    notice = set((ROOT / "NOTICE").read_text("utf-8").split())
    folders = ("assets/fonts", "assets/icons", "assets/clip/tokenizer")
    files = [p for folder in folders for p in sorted((ROOT / folder).iterdir())]
    assert len(files) > 40
    assert [
        p.name
        for p in files
        if p.name not in notice and f"{p.parent.relative_to(ROOT)}/{p.name}" not in notice
    ] == []


def test_every_folder_of_others_files_has_its_licence() -> None:
    assert "Permission is hereby granted" in (ROOT / "assets/clip/OpenCLIP-LICENSE.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE" in (ROOT / "assets/fonts/Inter-OFL.txt").read_text("utf-8")
    assert "ISC License" in (ROOT / "assets/icons/Lucide-LICENSE.txt").read_text("utf-8")
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")


def test_the_stylesheets_and_icons_fetch_nothing() -> None:
    icons = [p for p in tracked("assets/*.svg") if re.search(r"(href|src)\s*=", p.read_text("utf-8"))]
    assert icons == []


# There is no Docker in most places where the tests run, so the file is read instead of built.


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined."""
    text = re.sub(r"\\\n", "", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(None, 1)[1].strip()) for line in (x.strip() for x in lines)]


def ignored_by_docker() -> set[str]:
    return set((ROOT / ".dockerignore").read_text("utf-8").split("\n"))


def test_the_image_copies_what_exists_and_all_that_is_needed() -> None:
    sources = {
        word.rstrip("/") for name, rest in instructions() if name == "COPY" for word in rest.split()[:-1]
    }
    assert [name for name in sorted(sources) if not (ROOT / name).exists()] == []
    folders = {p.relative_to(ROOT).parts[0] for p in tracked() if len(p.relative_to(ROOT).parts) > 1}
    assert folders - sources - ignored_by_docker() == set()
    assert not sources & ignored_by_docker()


def test_the_image_installs_the_lock() -> None:
    assert any(name == "RUN" and "-r requirements.lock" in rest for name, rest in instructions())


def test_the_image_runs_as_an_ordinary_user_and_tells_its_health() -> None:
    order = [name for name, _ in instructions()]
    said = dict(instructions())
    assert said["USER"] == "studio"
    assert order.index("USER") < order.index("CMD")
    assert "/health" in said["HEALTHCHECK"]
    assert said["CMD"] == '["python", "app.py"]'


def test_a_proxy_does_not_come_between_the_image_and_its_health(tmp_path: Path) -> None:
    look = re.search(r'"-c", "(.*)"\]', dict(instructions())["HEALTHCHECK"])[1]
    (tmp_path / "health").touch()
    with HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = {"STUDIO_PORT": str(server.server_port), "http_proxy": "http://127.0.0.1:9"}
        looked = subprocess.run([sys.executable, "-c", look], env=told, capture_output=True)
        (tmp_path / "health").unlink()
        again = subprocess.run([sys.executable, "-c", look], env=told, capture_output=True)
        server.shutdown()
    assert (looked.returncode, again.returncode) == (0, 1), looked.stderr


def test_the_container_uses_settings_that_exist() -> None:
    named = re.findall(r"STUDIO_([A-Z_]+)=", (ROOT / "Dockerfile").read_text("utf-8"))
    assert {"HOST", "PORT", "DATA"} <= set(named) <= {name.upper() for name in Settings.model_fields}


def test_compose_serves_this_machine_alone_and_keeps_what_people_make() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    for service in compose["services"].values():
        assert service["ports"] == ["${STUDIO_BIND:-127.0.0.1}:${STUDIO_PORT:-7860}:7860"]
        kept = dict(volume.split(":") for volume in service["volumes"])
        assert set(kept) == set(compose["volumes"])
        assert set(kept.values()) == {"/data", "/models"}
    assert compose["services"]["gpu"]["profiles"] == ["gpu"]


OF_THE_CONTAINER = {"host", "hosts", "port", "data", "models", "a1111", "comfyui"}
"""Settings that name what is inside a container, where nothing listens on loopback."""


def test_compose_hands_all_settings_on_that_name_nothing_inside_the_container() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    wanted = {f"STUDIO_{name.upper()}": None for name in {*Settings.model_fields} - OF_THE_CONTAINER}
    assert [service["environment"] for service in compose["services"].values()] == [wanted, wanted]


# make is asked what it would do, in a folder where the environment is only pretended.


def would_do(folder: Path, target: str) -> str:
    """The commands that make would run."""
    return subprocess.run(
        ["make", "-n", target],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    ).stdout


def pretend(folder: Path, *names: str, age: float) -> None:
    """Files that were last changed some seconds ago."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (time.time() - age,) * 2)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with its environment set up."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    pretend(tmp_path, "requirements.lock", "requirements-dev.lock", ".venv/bin/python", age=100)
    pretend(tmp_path, ".venv/.installed-run", age=50)
    pretend(tmp_path, ".venv/.installed-dev", age=40)
    return tmp_path


@needs_make
def test_a_fresh_checkout_is_set_up_first(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    said = would_do(checkout, "test")
    steps = ["-m venv .venv", "-r requirements.lock", "-r requirements-dev.lock", "-m pytest"]
    assert [said.index(step) for step in steps] == sorted(said.index(step) for step in steps)


@needs_make
@pytest.mark.parametrize(("target", "last"), [("run", "app.py"), ("test", "-m pytest")])
def test_a_second_run_installs_nothing(checkout: Path, target: str, last: str) -> None:
    said = would_do(checkout, target)
    assert last in said
    assert "pip" not in said


@needs_make
def test_a_new_lock_is_installed(checkout: Path) -> None:
    pretend(checkout, "requirements.lock", age=0)
    said = would_do(checkout, "run")
    assert "install" in said
    assert "-m venv" not in said
    assert "requirements-dev" not in said


@needs_make
def test_an_environment_that_could_not_be_made_is_made_again(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    python = checkout / "python-without-venv"
    python.write_text('#!/bin/sh\n[ "$1" = -c ] || { mkdir -p .venv/bin; touch .venv/bin/python; exit 1; }\n')
    python.chmod(0o755)
    made = subprocess.run(["make", "setup", f"PYTHON={python}"], cwd=checkout, capture_output=True)
    assert made.returncode != 0
    assert "-m venv .venv" in would_do(checkout, "setup")


def test_nothing_names_a_folder_of_somebodys_machine() -> None:
    pattern = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/\w+")
    found = [
        f"{p.relative_to(ROOT)}: {m[0]}" for p in readable() for m in pattern.finditer(p.read_text("utf-8"))
    ]
    assert found == []


def readable() -> list[Path]:
    """Tracked files of text."""
    ends = {".py", ".md", ".toml", ".yaml", ".txt", ".lock", ".css", ".js", ""}
    return [p for p in tracked() if p.suffix in ends]
