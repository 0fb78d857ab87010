"""What a repository offers, and which of its files a model is loaded from."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers

from studio.catalog import PICKLE, Sourced
from studio.errors import StudioError
from studio.messages import CaptionerSpec, HubSource, ModelScopeSource
from studio.settings import Settings
from studio.weights import UNUSED_PARTS, has_weights

TIMEOUT = httpx2.Timeout(20.0, connect=5.0)
"""Without a network the answer comes at once, and a stalled one is not waited for long."""
SETTINGS = (".json", ".txt", ".model", ".spm")
"""How the files end that configure a part: its settings, its tokenizer."""
OWN_NAMES = ("diffusion_pytorch_model", "model")
"""How the libraries name weights; what lies beside them under another name is the same once more."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository, and what it must be once it is here."""

    name: str
    size: int
    url: str
    sha256: str = ""
    blob: str = ""
    """What git calls its content: of small files hubs tell no other sum."""
    tag: str = ""
    """Another one once the content is another: a part of the old must not be continued with the new."""


@dataclass(frozen=True)
class Listing:
    """The files that a model is loaded from, and how to ask for them."""

    repo: str
    commit: str
    files: tuple[RemoteFile, ...]
    headers: Mapping[str, str]


def look_up(spec: Sourced, settings: Settings, box: str = "") -> Listing:
    """The files of a model's repository that it is loaded from; whatever is in the way is told in words."""
    source = spec.source
    assert isinstance(source, HubSource | ModelScopeSource)
    with _told(spec, box):
        whole = _whole(source, settings)
        return Listing(whole.repo, whole.commit, _chosen(source, whole), whole.headers)


def repository(spec: Sourced, settings: Settings, box: str = "") -> Listing:
    """All files of an entry's repository, but those whose names lead out of a folder."""
    source = spec.source
    assert isinstance(source, HubSource | ModelScopeSource)
    with _told(spec, box):
        whole = _whole(source, settings)
    files = tuple(file for file in whole.files if _harmless(file.name))
    return Listing(whole.repo, whole.commit, files, whole.headers)


@contextlib.contextmanager
def _told(spec: Sourced, box: str) -> Iterator[None]:
    try:
        yield
    except (httpx2.HTTPError, OfflineModeIsEnabled) as error:
        raise _in_words(error, spec, box) from error


def _whole(source: HubSource | ModelScopeSource, settings: Settings) -> Listing:
    if constants.is_offline_mode():
        raise OfflineModeIsEnabled
    return _hub(source, settings) if isinstance(source, HubSource) else _modelscope(source, settings)


def _in_words(error: Exception, spec: Sourced, box: str) -> StudioError:
    source = spec.source
    assert isinstance(source, HubSource | ModelScopeSource)
    if isinstance(error, GatedRepoError):
        return StudioError("repo_gated", repo=source.repo)
    if isinstance(error, RepositoryNotFoundError):
        return StudioError("repo_unknown", repo=source.repo)
    if isinstance(error, RevisionNotFoundError):
        return StudioError("repo_revision", repo=source.repo, revision=source.revision)
    if isinstance(error, HfHubHTTPError | httpx2.HTTPStatusError):
        return answered(error.response.status_code, source.repo)
    # Whoever wants captions is not helped by a model that paints.
    if box and box != spec.title.en and not isinstance(spec, CaptionerSpec):
        return StudioError("offline", model=spec.id, missing=source.repo, box=box)
    return StudioError("offline_alone", model=spec.id, missing=source.repo)


def answered(status: int, repo: str) -> StudioError:
    """What a server's refusal means to a person."""
    if status in (401, 403):
        return StudioError("repo_gated", repo=repo)
    if status == 404:
        return StudioError("repo_unknown", repo=repo)
    return StudioError("hub_refuses", repo=repo, status=status)


# -- the hub --------------------------------------------------------------------------------------


def hub_api(settings: Settings) -> HfApi:
    """The hub as the settings name it."""
    return HfApi(endpoint=settings.hub or None, token=settings.hub_token.get_secret_value() or None)


def _hub(source: HubSource, settings: Settings) -> Listing:
    api = hub_api(settings)
    info = api.model_info(source.repo, revision=source.revision, files_metadata=True, timeout=5.0)
    commit = info.sha or source.revision
    files = tuple(
        RemoteFile(
            name=file.rfilename,
            size=file.size or 0,
            url=hf_hub_url(source.repo, file.rfilename, revision=commit, endpoint=settings.hub or None),
            sha256=file.lfs.sha256 if file.lfs else "",
            blob=_blob("" if file.lfs else file.blob_id or ""),
            tag=(file.lfs.sha256 if file.lfs else file.blob_id) or commit,
        )
        for file in info.siblings or ()
    )
    return Listing(source.repo, commit, files, build_hf_headers(token=api.token))


def _blob(id: str) -> str:
    # A mirror that names content in a way of its own is believed by size, as before there were such names.
    return id if re.fullmatch("[0-9a-f]{40}", id) else ""


# -- ModelScope -----------------------------------------------------------------------------------


def _modelscope(source: ModelScopeSource, settings: Settings) -> Listing:
    base = f"{settings.modelscope}/api/v1/models/{source.repo}"
    asked = {"Revision": source.revision, "Recursive": "true"}
    answer = httpx2.get(f"{base}/repo/files", params=asked, timeout=TIMEOUT, follow_redirects=True)
    answer.raise_for_status()
    try:
        found = [entry for entry in answer.json()["Data"]["Files"] if entry["Type"] != "tree"]
        files = tuple(_modelscope_file(base, source.revision, entry) for entry in found)
    except (ValueError, LookupError, TypeError) as error:
        # It says with a friendly status that it has no such thing.
        raise StudioError("repo_unknown", repo=source.repo) from error
    return Listing(source.repo, source.revision, files, {})


def _modelscope_file(base: str, revision: str, entry: dict[str, Any]) -> RemoteFile:
    name, sha256 = str(entry["Path"]), str(entry.get("Sha256") or "")
    return RemoteFile(
        name=name,
        size=int(entry["Size"]),
        url=f"{base}/repo?Revision={quote(revision, safe='')}&FilePath={quote(name)}",
        sha256=sha256,
        tag=sha256 or str(entry.get("Revision") or revision),
    )


# -- what of it is wanted -------------------------------------------------------------------------


def _chosen(source: HubSource | ModelScopeSource, listing: Listing) -> tuple[RemoteFile, ...]:
    files = {file.name: file for file in listing.files if _harmless(file.name)}
    if source.file:
        return (_one(source, files),)
    index = files.get("model_index.json")
    parts = _parts(listing, index) if index else [""]
    wanted = [file for part in parts for file in _of_part(source, files, part)]
    # The small ones first: what is wrong with them is found before gigabytes have come.
    ordered = sorted(wanted, key=lambda file: (file.name.endswith(".safetensors"), file.name))
    return ((index,) if index else ()) + tuple(ordered)


def _harmless(name: str) -> bool:
    # A name is a path below our folder and nothing else, whatever a server says.
    return not {"..", ".", ""} & set(name.split("/")) and not set("\\:") & set(name)


def _one(source: HubSource | ModelScopeSource, files: dict[str, RemoteFile]) -> RemoteFile:
    file = files.get(source.file)
    if file is None:
        raise StudioError("repo_file", repo=source.repo, file=source.file)
    if not source.file.endswith(".safetensors") and not source.sha256:
        raise StudioError("pickle_unpinned", file=source.file)
    if source.sha256 and file.sha256 and file.sha256 != source.sha256:
        raise StudioError("hash_wrong", file=source.file)
    pinned = source.sha256 or file.sha256
    return replace(file, sha256=pinned)


def _parts(listing: Listing, index: RemoteFile) -> list[str]:
    """The folders of a checkpoint that are loaded, as its index names them."""
    answer = httpx2.get(index.url, headers=dict(listing.headers), timeout=TIMEOUT, follow_redirects=True)
    answer.raise_for_status()
    try:
        listed = {
            name for name, value in json.loads(answer.content).items() if isinstance(value, list) and value[0]
        }
    except (ValueError, AttributeError, LookupError) as error:
        raise StudioError("weights_broken", file=index.name) from error
    return sorted(listed - UNUSED_PARTS)


def _of_part(
    source: HubSource | ModelScopeSource, files: dict[str, RemoteFile], part: str
) -> Iterator[RemoteFile]:
    inside = [file for file in files.values() if str(PurePosixPath(file.name).parent) == (part or ".")]
    weights = _weights(inside, source.variant) or _pinned(source, inside)
    if not weights and has_weights(part):
        raise StudioError("repo_pickled", repo=source.repo, part=part or source.repo)
    for file in inside:
        name = PurePosixPath(file.name).name
        about = name.startswith(("README", "LICENSE")) or ".safetensors.index" in name
        if name.endswith(SETTINGS) and not about:
            yield file
    yield from weights


def _pinned(source: HubSource | ModelScopeSource, inside: list[RemoteFile]) -> list[RemoteFile]:
    """A pickle that the entry names by its hash."""
    found = [file for file in inside if PurePosixPath(file.name).name == PICKLE]
    if not (source.sha256 and found):
        return []
    file = found[0]
    if file.sha256 not in ("", source.sha256):
        raise StudioError("hash_wrong", file=file.name)
    return [replace(file, sha256=source.sha256)]


def _weights(inside: list[RemoteFile], variant: str) -> list[RemoteFile]:
    """The weights of the variant with the index of their shards; the plain ones where it is not offered."""
    for mark in (f".{variant}", "") if variant else ("",):
        mark = re.escape(mark)
        found = _named(inside, rf"[^.]+{mark}(-\d+-of-\d+)?\.safetensors")
        index = _named(inside, rf"[^.]+(\.safetensors\.index{mark}|{mark}\.safetensors\.index)\.json")
        if found:
            own = [file for file in found if PurePosixPath(file.name).name.startswith(OWN_NAMES)]
            return index + (own or found)
    return []


def _named(inside: list[RemoteFile], pattern: str) -> list[RemoteFile]:
    return [file for file in inside if re.fullmatch(pattern, PurePosixPath(file.name).name)]
