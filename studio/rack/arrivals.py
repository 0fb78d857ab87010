"""LoRAs that somebody brings from a repository: which files there are, and how far each is on its way here."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from studio.downloads import Downloads, Errands
from studio.errors import StudioError
from studio.messages import (
    LARGEST_LORA,
    Bilingual,
    HubSource,
    LoraArrival,
    LoraSpec,
    ModelScopeSource,
    RemoteLora,
)
from studio.settings import Settings

HUB = "huggingface.co"
REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
NAMELESS = ("pytorch_lora_weights", "adapter_model", "diffusion_pytorch_model", "model", "lora")
"""What training programs call every LoRA; such a one is called as its repository is."""
Remote = HubSource | ModelScopeSource


@dataclass(frozen=True)
class _Wanted:
    """A file of a repository that somebody wants."""

    spec: LoraSpec
    source: Remote


class Arrivals:
    """What is on its way, what failed and what arrived since the start."""

    def __init__(
        self,
        settings: Settings,
        downloads: Callable[[], Downloads],
        errands: Callable[[], Errands],
        known: Callable[[], Mapping[str, LoraSpec]],
        keep: Callable[[LoraSpec, str], str],
    ) -> None:
        self._settings, self._downloads, self._errands = settings, downloads, errands
        self._known, self._keep = known, keep
        self._lock = threading.Lock()
        self._wanted: dict[str, _Wanted] = {}
        self._arrived: dict[str, str] = {}

    def offered(self, address: str) -> tuple[RemoteLora, ...]:
        """The files of a repository that may be LoRAs."""
        return self._files(self._source(address))

    def begin(self, address: str, file: str) -> str:
        """Brings one file in the background; an id tells which it is."""
        source = self._source(address)
        wanted = self._named(source, file or source.file)
        with self._lock:
            self._wanted.pop(wanted.spec.id, None)  # once more, and now the newest
            self._wanted[wanted.spec.id] = wanted
            self._arrived.pop(wanted.spec.id, None)
        self._errands().go(wanted.spec, lambda: self._arrive(wanted))
        return wanted.spec.id

    def all(self) -> tuple[LoraArrival, ...]:
        """The newest first; what was let go is not told."""
        with self._lock:
            wanted, arrived = list(self._wanted.values())[::-1], dict(self._arrived)
        told = [self._told(one, arrived.get(one.spec.id, "")) for one in wanted]
        return tuple(one for one in told if one.fetching or one.failed or one.lora)

    def _told(self, one: _Wanted, lora: str) -> LoraArrival:
        return LoraArrival(
            id=one.spec.id,
            repo=one.source.repo,
            file=one.source.file,
            fetching=None if lora else self._errands().under_way(one.spec.id),
            failed=self._errands().trouble(one.spec.id),
            lora=lora,
        )

    def _arrive(self, wanted: _Wanted) -> None:
        lora = wanted.spec.id
        if lora not in self._known():  # those of the catalog stay where they are fetched to
            lora = self._keep(wanted.spec, _title(wanted.source))
        with self._lock:
            self._arrived[wanted.spec.id] = lora

    # -- what is wanted --------------------------------------------------------------------------

    def _named(self, source: Remote, file: str) -> _Wanted:
        files = {one.file: one.bytes for one in self._files(source)}
        if not file and len(files) > 1:
            raise StudioError("lora_repo_choose", repo=source.repo, files=", ".join(sorted(files)))
        file = file or next(iter(files))
        if file not in files:
            raise StudioError("lora_repo_file", repo=source.repo, file=file)
        if files[file] > LARGEST_LORA:
            raise StudioError("lora_too_large", file=file, most=LARGEST_LORA // 2**30)
        whole = source.model_copy(update={"file": file})
        return _Wanted(self._spec(whole), whole)

    def _spec(self, source: Remote) -> LoraSpec:
        """The catalog's entry of the same file, or one that is made up for as long as it takes."""
        same = (spec for spec in self._known().values() if _same(spec, source))
        return next(same, None) or _made_up(source)

    def _files(self, source: Remote) -> tuple[RemoteLora, ...]:
        found = self._downloads().offers(_made_up(source))
        files = [RemoteLora(file=name, bytes=size) for name, size in sorted(found.items())]
        safe = tuple(one for one in files if one.file.endswith(".safetensors"))
        if not safe:
            raise StudioError("lora_repo_none", repo=source.repo)
        return safe

    # -- addresses -------------------------------------------------------------------------------

    def _source(self, address: str) -> Remote:
        """The repository, and perhaps the file, that an address means."""
        address = address.strip()
        if "://" in address:
            return self._of_page(address)
        scope, colon, rest = address.partition(":")
        if colon and scope.lower() == "modelscope":
            return ModelScopeSource(repo=_repo(rest.strip(), address))
        return HubSource(repo=_repo(address, address))

    def _of_page(self, address: str) -> Remote:
        parts = [part for part in unquote(urlsplit(address).path).split("/") if part]
        if _host(address) == _host(self._settings.modelscope) and parts[:1] == ["models"]:
            return ModelScopeSource(repo=_repo("/".join(parts[1:3]), address))
        if _host(address) not in (HUB, _host(self._settings.hub)):
            raise StudioError("lora_address", address=address[:200])
        source = HubSource(repo=_repo("/".join(parts[:2]), address))
        if len(parts) > 4 and parts[2] in ("blob", "resolve"):
            return source.model_copy(update={"revision": parts[3], "file": "/".join(parts[4:])})
        return source.model_copy(update={"revision": parts[3]}) if parts[2:3] == ["tree"] else source


def _host(url: str) -> str:
    return urlsplit(url).netloc.removeprefix("www.")


def _repo(text: str, address: str) -> str:
    if not REPO.fullmatch(text) or ".." in text:
        raise StudioError("lora_address", address=address[:200])
    return text


def _made_up(source: Remote) -> LoraSpec:
    digits = hashlib.sha256(source.model_dump_json().encode()).hexdigest()[:6]
    name = re.sub(r"[^a-z0-9._-]+", "-", _title(source).lower()).strip("-._") or "lora"
    title = Bilingual(en=source.repo, zh=source.repo)
    return LoraSpec(id=f"{name}-{digits}", title=title, source=source, licence="unknown", own=True)


def _title(source: Remote) -> str:
    stem = PurePosixPath(source.file).stem
    return source.repo.partition("/")[2] if stem in ("", *NAMELESS) else stem


def _same(spec: LoraSpec, source: Remote) -> bool:
    own = spec.source
    if not isinstance(own, HubSource | ModelScopeSource) or own.kind != source.kind:
        return False
    return (own.repo, own.revision, own.file) == (source.repo, source.revision, source.file)
