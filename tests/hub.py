"""A small hub on this machine: what the real ones answer to the few things that are asked of them."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "c" * 40


class Hub:
    """Repositories as dictionaries of files, with the troubles a test wants."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []
        self.ranges: list[str] = []
        self.tokens: set[str] = set()
        self.gated: set[str] = set()
        self.cut: dict[str, int] = {}
        """After how many bytes of an answer the connection drops, by a file's name; once each."""
        self.status: dict[str, int] = {}
        """What is answered instead, by a file's name."""
        self.lies: dict[str, bytes] = {}
        """What is sent instead, by a file's name."""
        self.blobs: dict[str, str] = {}
        """What is told instead of git's name for a content, by a file's name."""
        self.ranged = True
        self.gate = threading.Event()
        """Answers stop after their first bytes until it is set."""
        self.gate.set()
        self.url = ""

    def fetched(self, name: str) -> int:
        """How often a file was asked for."""
        return sum(asked.endswith(name) for asked in self.asked)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(OSError):  # whoever asked has gone
            super().handle()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, url = self.hub, urlsplit(self.path)
        hub.asked.append(unquote(self.path))
        hub.tokens.add(self.headers.get("authorization", ""))
        asked = parse_qs(url.query)
        for pattern, answer in (
            (r"/api/models/([^/]+/[^/]+)/revision/(.+)", self._info),
            (r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", self._file),
            (r"/api/v1/models/([^/]+/[^/]+)/repo/files()", self._listing),
        ):
            if found := re.fullmatch(pattern, unquote(url.path)):
                return answer(*found.groups())
        if found := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo", unquote(url.path)):
            return self._file(found[1], asked["FilePath"][0])
        return self._refuse(404, "EntryNotFound")

    def _info(self, repo: str, revision: str) -> None:
        if repo not in self.hub.repos:
            return self._refuse(404, "RepoNotFound")
        if revision not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound")
        files = [
            {
                "rfilename": name,
                "size": len(data),
                "blobId": self.hub.blobs.get(name)
                or hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
                **({"lfs": _lfs(data)} if name.endswith((".safetensors", ".pth", ".bin")) else {}),
            }
            for name, data in self.hub.repos[repo].items()
        ]
        return self._json({"id": repo, "sha": COMMIT, "siblings": files})

    def _listing(self, repo: str, _: str) -> None:
        if repo not in self.hub.repos:
            return self._json({"Code": 10010205001, "Message": "not found", "Data": None}, 404)
        files = [
            {"Path": name, "Type": "blob", "Size": len(data), "Sha256": hashlib.sha256(data).hexdigest()}
            for name, data in self.hub.repos[repo].items()
        ]
        folders = {name.rpartition("/")[0] for name in self.hub.repos[repo]} - {""}
        files += [{"Path": name, "Type": "tree", "Size": 0, "Sha256": ""} for name in sorted(folders)]
        return self._json({"Code": 200, "Data": {"Files": files}})

    def _file(self, repo: str, name: str) -> None:
        hub = self.hub
        if repo in hub.gated and "authorization" not in self.headers:
            return self._refuse(403, "GatedRepo")
        if name in hub.status:
            return self._refuse(hub.status[name], "")
        data = hub.lies.get(name, hub.repos[repo][name])
        start = 0
        if hub.ranged and (asked := self.headers.get("range", "")):
            hub.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        self.send_header("content-length", str(len(data) - start))
        self.end_headers()
        return self._send(name, data[start:])

    def _send(self, name: str, data: bytes) -> None:
        cut = self.hub.cut.pop(name, len(data))
        first = min(cut, 100_000)
        try:
            self.wfile.write(data[:first])
            self.wfile.flush()
            if len(data) > first:
                self.hub.gate.wait(30)
            self.wfile.write(data[first:cut])
        except OSError:
            pass  # whoever asked has gone
        if cut < len(data):
            self.close_connection = True
            self.connection.close()

    def _json(self, content: object, status: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("x-error-code", code)
        self.send_header("content-length", "0")
        self.end_headers()


def _lfs(data: bytes) -> dict[str, object]:
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 130}


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub for as long as a test runs."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.gate.set()
        server.shutdown()
        server.server_close()


def checkpoint_files(size: int = 300_000) -> dict[str, bytes]:
    """What a repository of a checkpoint offers: what is loaded, and all that lies beside it."""
    index = {
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": [None, None],
    }
    return {
        "model_index.json": json.dumps(index).encode(),
        "README.md": b"read me",
        "pipeline.py": b"raise SystemExit",
        "all-in-one.safetensors": b"a" * size,
        "all-in-one.ckpt": b"p" * size,
        "unet/config.json": b"{}",
        "unet/diffusion_pytorch_model.safetensors": bytes(range(256)) * (size // 256),
        "unet/diffusion_pytorch_model.fp16.safetensors": bytes(range(256)) * (size // 512),
        "unet/diffusion_pytorch_model.non_ema.safetensors": b"n" * size,
        "unet/diffusion_pytorch_model.bin": b"p" * size,
        "text_encoder/config.json": b"{}",
        "text_encoder/model.safetensors": b"t" * 1000,
        "text_encoder/pytorch_model.bin": b"p" * 1000,
        "tokenizer/vocab.json": b"{}",
        "tokenizer/merges.txt": b"#version: 0.2",
        "scheduler/scheduler_config.json": b"{}",
        "safety_checker/config.json": b"{}",
        "safety_checker/model.safetensors": b"s" * 1000,
        "vae_decoder/model.onnx": b"o",
    }
