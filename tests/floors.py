"""Reads the imports of the house and names every arrow that points the wrong way.

Nothing is imported here: files are parsed, so that the check holds even where a library is missing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FLOORS = {
    "messages": "1a",
    "i18n": "1a",
    "settings": "1b",
    "errors": "1b",
    "files": "1b",
    "entries": "1b",
    "families": "1b",
    "sizes": "1b",
    "wire": "1b",
    "catalog": "2a",
    "weights": "2a",
    "spellbook": "2a",
    "prompt": "2a",
    "metadata": "2a",
    "people": "2a",
    "inputs": "2a",
    "controls": "2a",
    "skeletons": "2a",
    "own": "2b",
    "desk": "2b",
    "limits": "2b",
    "gallery": "2b",
    "loras": "2b",
    "forecast": "2b",
    "pace": "2b",
    "maps": "2b",
    "references": "2b",
    "places": "2b",
    "training": "2b",
    "models": "3a",
    "diffusion": "3a",
    "control": "3a",
    "work": "3b",
    "worker": "3c",
    "engine": "4a",
    "downloads": "4a",
    "jobs": "4b",
    "rack": "4b",
    "service": "5",
    "ui": "6",
    "api": "6",
}
"""Every room of studio/ and the floor it is on. A new room is added here and in the plan of the house."""

SIDEWAYS = {
    ("diffusion", "models"),
    ("control", "models"),
    ("prompt", "spellbook"),
    ("training", "loras"),
    ("catalog", "weights"),
    ("catalog", "controls"),
    ("places", "forecast"),
}
"""The only arrows within one floor: the first may import the second."""

HEAVY = (
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "accelerate",
    "peft",
    "compel",
    "spandrel",
    "controlnet_aux",
    "safetensors.torch",
)
"""Whatever loads torch; floor 3 alone may import these."""

ENGINE_FACE = ("studio.engine", "studio.engine.base")
"""What others may name of the engines; a concrete one is named by app.py alone."""

AT_IMPORT = {
    "open",
    "print",
    "input",
    "exec",
    "Thread",
    "Process",
    "ArgumentParser",
    "parse_args",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "mkdir",
    "iterdir",
    "glob",
    "rglob",
    "Popen",
    "check_output",
    "getenv",
    "launch",
    "read_settings",
    "is_available",
    "device_count",
}
"""Last names of calls that open, start or ask something; none of them may happen on import."""


@dataclass(frozen=True)
class Arrow:
    """One import: where it stands, what it names, whether it waits inside a function."""

    file: str
    line: int
    target: str
    inside: bool


@dataclass(frozen=True)
class Source:
    """A file of the house, by its path from the root, and its text."""

    file: str
    text: str

    @property
    def module(self) -> str:
        """The dotted name under which it is imported."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> str:
        """What a relative import starts from."""
        return self.module if self.file.endswith("__init__.py") else self.module.rpartition(".")[0]


def sources(root: Path = ROOT) -> list[Source]:
    """Every Python file of studio/ and pocket/, and app.py."""
    files = [*root.glob("app.py"), *root.glob("studio/**/*.py"), *root.glob("pocket/**/*.py")]
    return [Source(p.relative_to(root).as_posix(), p.read_text("utf-8")) for p in sorted(files)]


def arrows(source: Source, modules: frozenset[str]) -> Iterator[Arrow]:
    """Every import of a file, relative ones resolved, `from package import module` told from a name."""
    for node, inside in _walk(ast.parse(source.text, source.file), inside=False):
        for target in _targets(node, source.package, modules):
            yield Arrow(source.file, node.lineno, target, inside)


def _walk(node: ast.AST, inside: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, inside
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _walk(child, inside or function)


def _targets(node: ast.AST, package: str, modules: frozenset[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _base(node, package)
        full = [f"{base}.{alias.name}" for alias in node.names]
        return [name if name in modules or name in HEAVY else base for name in full]
    if isinstance(node, ast.Call) and _last_name(node.func) in ("import_module", "__import__"):
        return [a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return []


def _base(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, node.module] if node.module else above)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def room(module: str) -> str:
    """The first name under studio, or the top-level name of anything else; empty for studio itself."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "studio" else top


def complaints(house: list[Source]) -> list[str]:
    """Every broken rule of the house, worded with file, line and both floors."""
    modules = frozenset(s.module for s in house)
    found = [f"{s.file}: no floor for '{room(s.module)}': add it to the table" for s in house if _lost(s)]
    for source in (s for s in house if not _lost(s)):
        for arrow in arrows(source, modules):
            if why := _why_not(source, arrow):
                found.append(f"{arrow.file}:{arrow.line}: {why}")
        found += [f"{source.file}:{line}: {what} happens on import" for line, what in on_import(source)]
    return list(dict.fromkeys(found))


def _lost(source: Source) -> bool:
    name = room(source.module)
    return source.file.startswith("studio/") and name != "" and name not in FLOORS


def _why_not(source: Source, arrow: Arrow) -> str | None:
    top = arrow.target.partition(".")[0]
    if top == "studio":
        return _wrong_floor(source, arrow)
    if _heavy(arrow.target):
        return _wrong_heavy(source, arrow)
    if top in ("gradio", "gradio_client") and room(source.module) != "ui":
        return f"{_floor(source)} imports {arrow.target}: only ui/ may"
    if top in ("pocket", "tests") and source.file.startswith(("studio/", "app.py")):
        return f"{_floor(source)} imports {arrow.target}: the studio never does"
    return None


def _heavy(target: str) -> bool:
    return any(target == name or target.startswith(name + ".") for name in HEAVY)


def _wrong_heavy(source: Source, arrow: Arrow) -> str | None:
    name = room(source.module)
    floor = FLOORS.get(name, "")
    if source.file.startswith("pocket/") or floor in ("3a", "3b"):
        return None
    if floor == "3c":
        return None if arrow.inside else f"{_floor(source)} imports {arrow.target} before it needs it"
    return f"{_floor(source)} imports {arrow.target}: only floor 3 may"


def _floor(source: Source) -> str:
    name = room(source.module)
    return f"floor {FLOORS[name]} ({name})" if name in FLOORS else source.module


def _wrong_floor(source: Source, arrow: Arrow) -> str | None:
    here, there = room(source.module), room(arrow.target)
    if _concrete_engine(arrow.target) and here not in ("engine", "app"):
        return f"{_floor(source)} names the engine {arrow.target}: only app.py may"
    if there not in FLOORS or here == there:
        return None
    words = f"{_floor(source)} imports floor {FLOORS[there]} ({there})"
    return None if _allowed(source, here, there) else words


def _concrete_engine(target: str) -> bool:
    return target.startswith("studio.engine.") and target not in ENGINE_FACE


def _allowed(source: Source, here: str, there: str) -> bool:
    to = FLOORS[there]
    if source.file == "app.py":
        return to[0] != "3"
    if source.file.startswith("pocket/"):
        return to[0] in "123"
    if here not in FLOORS:
        return False
    if FLOORS[here] == "6":
        return to[0] in "15"
    return to < FLOORS[here] or (here, there) in SIDEWAYS


def on_import(source: Source) -> Iterator[tuple[int, str]]:
    """What a module of the studio would do while it is being imported."""
    if not source.file.startswith(("studio/", "app.py")):
        return
    for node in _import_time(ast.parse(source.text, source.file)):
        if isinstance(node, ast.Call) and _last_name(node.func) in AT_IMPORT:
            yield node.lineno, f"{_last_name(node.func)}()"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in _read_at_import(source):
            yield node.lineno, ast.unparse(node)


def _read_at_import(source: Source) -> tuple[str, ...]:
    # app.py is the program: it may prepare the environment before it imports what reads it.
    return ("sys.argv",) if source.file == "app.py" else ("sys.argv", "os.environ")


def _import_time(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_main(child):
            continue
        yield child
        yield from _import_time(child)


def _is_main(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def web_side(house: list[Source]) -> list[str]:
    """The modules that must import without torch: all but floors 3a and 3b, the worker's loop included."""
    without = {name for name, floor in FLOORS.items() if floor in ("3a", "3b")}
    return [
        s.module
        for s in house
        if s.file.startswith(("studio/", "app.py"))
        and room(s.module) not in without
        and not s.module.endswith("__main__")
    ]
