"""The two READMEs tell the truth: their commands exist, and both tell the same."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml

from studio.settings import Settings
from studio.spellbook import PRESETS, read_spellbook
from tests.floors import ROOT
from tests.repository import targets

READMES = ["README.md", "README.zh.md"]

ELSEWHERE = {
    "git": "clone, and push to a ModelScope studio",
    ".venv/bin/hf": "upload to a Space; comes with huggingface_hub",
    "docker": "compose up, with a service of compose.yaml",
    "py": "Windows: makes .venv and installs the lock",
    ".venv\\Scripts\\python": "Windows: serves the page",
}
"""Programs that a README may call besides make and .ci/run, and what for."""


def text(readme: str) -> str:
    return (ROOT / readme).read_text("utf-8")


def commands(readme: str) -> list[str]:
    """The lines of every fenced block of shell commands."""
    blocks = re.findall(r"^```(?:bash|sh|powershell)\n(.*?)^```", text(readme), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def made(command: str) -> str:
    """The target of a make command."""
    words = [w for w in shlex.split(command)[1:] if "=" not in w]
    return words[2] if words[0] == "-C" else words[0]


def test_both_name_the_same_commands_in_the_same_order() -> None:
    assert commands("README.md") == commands("README.zh.md") != []


@pytest.mark.parametrize("readme", READMES)
def test_every_make_target_exists(readme: str) -> None:
    spoken = re.findall(r"`make ([a-z-]+)[`\s]", text(readme))
    fenced = [made(c) for c in commands(readme) if c.startswith("make ")]
    assert {"run", "test", "lint", "bench", "gpu"} <= set(fenced)
    assert set(spoken) | set(fenced) <= targets()


@pytest.mark.parametrize("command", commands("README.md"))
def test_every_command_can_be_called(command: str) -> None:
    if command.startswith("make "):
        assert made(command) in targets()
    elif command.startswith("bash "):
        assert (ROOT / command.split()[1]).is_file()
    else:
        assert command.split()[0] in ELSEWHERE
        for name in re.findall(r"[\w.-]+\.(?:lock|py)\b", command):
            assert (ROOT / name).is_file(), name


def test_docker_commands_name_services() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    named = [c.split()[-1] for c in commands("README.md") if c.startswith("docker compose")]
    assert named == list(services)


def test_ci_calls_what_the_readme_names() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8")
    called = re.findall(r"^make ([a-z]+)", script, re.MULTILINE)
    assert set(called) >= {"lint", "test", "run"}
    assert set(called) <= targets()


@pytest.mark.parametrize("readme", READMES)
def test_pictures_and_links_exist(readme: str) -> None:
    named = re.findall(r"\]\(([^)#:]+)\)", text(readme))
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_both_show_the_same_pictures_under_the_same_number_of_headings() -> None:
    shown = [re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text(r)) for r in READMES]
    assert shown[0] == shown[1] != []
    heads = [len(re.findall(r"^#+ ", text(r).split("---\n")[-1], re.MULTILINE)) for r in READMES]
    assert heads[0] == heads[1]


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_is_told(readme: str) -> None:
    told = set(re.findall(r"^\| `STUDIO_([A-Z0-9_]+)`", text(readme), re.MULTILINE))
    assert told == {name.upper() for name in Settings.model_fields}


def test_the_model_entry_of_both_is_one_that_the_catalog_takes() -> None:
    from studio.messages import ModelSpec

    entries = [re.findall(r"^```yaml\n(.*?)^```", text(r), re.MULTILINE | re.DOTALL) for r in READMES]
    assert entries[0] == entries[1]
    assert ModelSpec.model_validate(yaml.safe_load(entries[0][0])["models"][0]).family == "sd1"


def test_the_front_matter_is_a_spaces() -> None:
    matter = yaml.safe_load(text("README.md").split("---\n")[1])
    assert matter["sdk"] == "gradio"
    assert f"gradio=={matter['sdk_version']}" in (ROOT / "requirements.lock").read_text("utf-8").split()
    assert matter["app_file"] == matter["deployspec"]["entry_file"] == "app.py"
    assert matter["license"] == "apache-2.0"
    assert len(matter["short_description"]) <= 60
    assert isinstance(matter["python_version"], str)


def test_chinese_is_set_as_chinese() -> None:
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)|https?://\S+", "", text("README.zh.md"), flags=re.DOTALL)
    assert not re.findall(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", prose)
    assert not re.findall(r"[\u4e00-\u9fff][,;:!?(]|[,;!?)][\u4e00-\u9fff]", prose)


@pytest.mark.parametrize("readme", READMES)
def test_the_counts_of_the_spellbook_are_those_of_the_book(readme: str) -> None:
    book = read_spellbook(PRESETS)
    styles = sum(len(group.styles) for group in book.styles)
    scenes = sum(len(group.scenes) for group in book.scenes)
    for count in (len(book.spells), len(book.chapters), styles, scenes):
        assert re.search(rf"(?<![\d,]){count:,}(?![\d,])", text(readme)), count
