"""The floors hold: imports point down, torch stays on floor 3, nothing happens on import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.floors import FLOORS, HEAVY, ROOT, Source, complaints, sources, web_side

CLEAN = {
    "studio/__init__.py": "",
    "studio/errors.py": "from studio.messages import Trouble\n",
    "studio/messages.py": "import enum\n",
    "studio/spellbook.py": "from . import errors\n",
    "studio/prompt/__init__.py": "from studio.spellbook import Spell\nfrom .parse import parse\n",
    "studio/prompt/parse.py": "from ..messages import Draft\n",
    "studio/models/registry.py": "import torch\nfrom studio.forecast import fits\n",
    "studio/diffusion/run.py": "from studio.models.registry import Registry\nfrom torch import nn\n",
    "studio/forecast.py": "from studio.catalog import Catalog\n",
    "studio/catalog.py": "",
    "studio/worker.py": "def loop():\n    import torch\n    from studio.work import generate\n",
    "studio/work/generate.py": "from studio.diffusion.run import run\n",
    "studio/engine/__init__.py": "",
    "studio/engine/base.py": "from studio.messages import Event\n",
    "studio/engine/local.py": "from studio.engine.base import Engine\nfrom studio.worker import loop\n",
    "studio/jobs.py": "from studio.engine.base import Engine\n",
    "studio/service.py": "from studio.jobs import Jobs\n",
    "studio/ui/page.py": "import gradio\nfrom studio.service import Studio\nfrom studio.i18n import say\n",
    "studio/i18n/__init__.py": "",
    "app.py": "def main():\n    from studio.engine.local import LocalEngine\n",
    "pocket/train.py": "import torch\nfrom studio.messages import Media\n",
}


def house(**planted: str) -> list[Source]:
    """The clean small house with some files laid over it; `__` in a name stands for a slash."""
    files = CLEAN | {name.replace("__", "/") + ".py": text for name, text in planted.items()}
    return [Source(file, text) for file, text in files.items()]


def test_the_house_keeps_its_floors() -> None:
    found = complaints(sources())
    assert not found, "\n" + "\n".join(found)


def test_the_house_is_there_to_be_read() -> None:
    read = {s.file for s in sources()}
    assert {"studio/messages/forms.py", "studio/settings.py", "studio/i18n/en.py"} <= read


def test_a_clean_house_has_nothing_to_complain_of() -> None:
    assert complaints(house()) == []


PLANTED = [
    (
        "studio/service.py",
        "import os\nimport torch\n",
        ":2: floor 5 (service) imports torch: only floor 3 may",
    ),
    (
        "studio/weights.py",
        "from safetensors.torch import load_file\n",
        ":1: floor 2a (weights) imports safetens",
    ),
    (
        "studio/weights.py",
        "from safetensors import torch\n",
        ":1: floor 2a (weights) imports safetensors.torch",
    ),
    ("studio/jobs.py", "def f():\n    from diffusers import X\n", ":2: floor 4b (jobs) imports diffusers"),
    ("studio/worker.py", "import torch\n", ":1: floor 3c (worker) imports torch before it needs it"),
    ("studio/worker.py", "class A:\n    import peft\n", ":2: floor 3c (worker) imports peft before it needs"),
    (
        "studio/messages.py",
        "from studio.errors import X\n",
        ":1: floor 1a (messages) imports floor 1b (errors)",
    ),
    (
        "studio/messages.py",
        "from studio import errors\n",
        ":1: floor 1a (messages) imports floor 1b (errors)",
    ),
    ("studio/i18n/en.py", "from ..messages import X\n", ":1: floor 1a (i18n) imports floor 1a (messages)"),
    ("studio/catalog.py", "from . import spellbook\n", ":1: floor 2a (catalog) imports floor 2a (spellbook)"),
    ("studio/spellbook.py", "import studio.prompt\n", ":1: floor 2a (spellbook) imports floor 2a (prompt)"),
    (
        "studio/models/a.py",
        "from studio.diffusion.run import x\n",
        ":1: floor 3a (models) imports floor 3a (diff",
    ),
    ("studio/models/a.py", "from studio.work import x\n", ":1: floor 3a (models) imports floor 3b (work)"),
    ("studio/jobs.py", "from studio.service import x\n", ":1: floor 4b (jobs) imports floor 5 (service)"),
    (
        "studio/jobs.py",
        "from studio.engine import local\n",
        ":1: floor 4b (jobs) names the engine studio.engine.local",
    ),
    (
        "studio/service.py",
        "import studio.engine.fake\n",
        ":1: floor 5 (service) names the engine studio.engine.fake",
    ),
    ("studio/ui/page.py", "from studio.jobs import x\n", ":1: floor 6 (ui) imports floor 4b (jobs)"),
    ("studio/ui/page.py", "from studio.catalog import x\n", ":1: floor 6 (ui) imports floor 2a (catalog)"),
    ("studio/ui/page.py", "from studio.api import x\n", ":1: floor 6 (ui) imports floor 6 (api)"),
    ("studio/api/rest.py", "import gradio\n", ":1: floor 6 (api) imports gradio: only ui/ may"),
    ("app.py", "import gradio\n", ":1: app imports gradio: only ui/ may"),
    ("app.py", "import torch\n", ":1: app imports torch: only floor 3 may"),
    ("app.py", "from studio.models import x\n", ":1: app imports floor 3a (models)"),
    (
        "studio/settings.py",
        "from pocket.world import x\n",
        ":1: floor 1b (settings) imports pocket.world: the st",
    ),
    (
        "studio/ui/page.py",
        "import importlib\nimportlib.import_module('torch')\n",
        ":2: floor 6 (ui) imports torch",
    ),
    ("pocket/train.py", "from studio.service import x\n", ":1: pocket.train imports floor 5 (service)"),
    ("studio/attic.py", "", ": no floor for 'attic': add it to the table"),
    (
        "studio/jobs.py",
        "import threading\nT = threading.Thread(target=f)\n",
        ":2: Thread() happens on import",
    ),
    ("studio/jobs.py", "class A:\n    text = open('x').read()\n", ":2: open() happens on import"),
    ("studio/ui/page.py", "CSS = Path('a').read_text()\n", ":1: read_text() happens on import"),
    (
        "studio/work/generate.py",
        "import torch\nD = torch.cuda.is_available()\n",
        ":2: is_available() happens",
    ),
    ("studio/settings.py", "import sys\nX = sys.argv\n", ":2: sys.argv happens on import"),
    (
        "studio/settings.py",
        "import os\nif os.environ.get('A'):\n    B = 1\n",
        ":2: os.environ happens on import",
    ),
    ("app.py", "import argparse\nP = argparse.ArgumentParser()\n", ":2: ArgumentParser() happens on import"),
]


@pytest.mark.parametrize(("file", "text", "words"), PLANTED)
def test_a_planted_fault_is_named_with_its_line(file: str, text: str, words: str) -> None:
    planted = [s for s in house() if s.file != file] + [
        Source("studio/engine/fake.py", ""),
        Source(file, text),
    ]
    found = complaints(planted)
    assert len(found) == 1, found
    assert (file + words) in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import sys\n    return open(sys.argv[1])\n",
        "import threading\nclass A:\n    def go(self):\n        threading.Thread(target=self.go).start()\n",
        "import argparse\nif __name__ == '__main__':\n    argparse.ArgumentParser().parse_args()\n",
        "f = lambda: open('x')\n",
    ],
)
def test_what_waits_in_a_function_is_no_fault(text: str) -> None:
    assert complaints(house(studio__jobs=text)) == []


def test_the_table_has_the_floors_of_the_plan() -> None:
    assert sorted(set(FLOORS.values())) == ["1a", "1b", "2a", "2b", "3a", "3b", "3c", "4a", "4b", "5", "6"]


# Run in a child process, so that what the tests have imported already cannot help.
IMPORT_ALL = """
import importlib, json, sys, threading

heavy, modules = json.loads(sys.argv[1])

class Wall:
    def find_spec(self, name, path=None, target=None):
        if any(name == h or name.startswith(h + ".") for h in heavy):
            raise ModuleNotFoundError(f"{name} is behind the wall", name=name)

sys.meta_path.insert(0, Wall())
for name in modules:
    importlib.import_module(name)
    if not name.startswith(("studio.ui", "app")) and threading.active_count() > 1:
        sys.exit(f"{name} starts a thread on import")
print(json.dumps(sorted(set(sys.modules) & set(heavy))))
"""


def import_behind_the_wall(modules: list[str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Import modules in a fresh Python in which whatever loads torch cannot be found."""
    command = [sys.executable, "-c", IMPORT_ALL, json.dumps([list(HEAVY), modules])]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_web_side_imports_with_torch_blocked() -> None:
    gradio_last = sorted(web_side(sources()), key=lambda name: (name.startswith(("studio.ui", "app")), name))
    done = import_behind_the_wall(gradio_last)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_wall_stands(tmp_path: Path) -> None:
    (tmp_path / "sly.py").write_text("import safetensors\nimport torch.nn\n", "utf-8")
    done = import_behind_the_wall(["sly"], tmp_path)
    assert done.returncode != 0
    assert "torch is behind the wall" in done.stderr


def test_the_wall_notices_a_thread(tmp_path: Path) -> None:
    text = "import threading, time\nthreading.Thread(target=time.sleep, args=(1,), daemon=True).start()\n"
    (tmp_path / "busy.py").write_text(text, "utf-8")
    assert "busy starts a thread on import" in import_behind_the_wall(["busy"], tmp_path).stderr
