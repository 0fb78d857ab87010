"""How long painting takes here, learned from what was painted."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

from studio.errors import Beside
from studio.files import write_whole
from studio.messages import (
    LANCZOS,
    AnyRequest,
    CaptionRequest,
    GenerationRequest,
    HighResolution,
    TrainingRequest,
    Upscale,
)

log = logging.getLogger(__name__)
NEWEST = 0.4
"""How much the newest measurement counts against all before it."""
BESIDE = 0.4
"""A control net is the first half of a denoiser: about so much of a step's work besides."""
MEASURED = 0.5
"""A third reading, of no words, beside those of the prompt and its opposite."""


class Pace:
    """Seconds of a picture, by model, for one step of one pixel."""

    def __init__(self, data: Path) -> None:
        self._path = data / "pace.json"
        self._lock = threading.Lock()
        self._pace: dict[str, float] = {}
        self._beside = Beside("the pace of models")

    def start(self) -> None:
        """Remembers what was learned before."""
        if self._path.is_file():
            self._pace = _read(self._path)

    def learn(self, request: AnyRequest, took: float) -> None:
        """Takes a finished picture into account."""
        if not _work(request):  # the start as it is: nothing to learn of painting
            return
        measured, name = took / _work(request), _name(request)
        with self._lock:
            known = self._pace.get(name, measured)
            self._pace[name] = known + NEWEST * (measured - known)
            self._beside.wrote(self._write)

    def _write(self) -> None:
        write_whole(self._path, json.dumps(self._pace))

    def seconds(self, request: AnyRequest) -> float | None:
        """What a picture will take; None before anything was painted with its model."""
        known = self._pace.get(_name(request))
        return None if known is None else known * _work(request)


def _name(request: AnyRequest) -> str:
    """Whose pace it is: the model's, or that of what only enlarges, or answers."""
    if not isinstance(request, GenerationRequest):
        return " ".join((request.kind, *request.parts))
    if request.paints:
        return request.model
    return "upscale " + "+".join(request.parts or (LANCZOS,))


def _read(path: Path) -> dict[str, float]:
    try:
        return {str(model): float(pace) for model, pace in json.loads(path.read_text("utf-8")).items()}
    except (ValueError, TypeError, AttributeError):
        # It is learned again with the next pictures: no reason not to start.
        log.warning("%s cannot be read and is learned anew", path.name)
        return {}


def _work(request: AnyRequest) -> float:
    """Steps times pixels of every pass; where nothing is painted, the pixels that come out; of an answer, one.

    Of captions it is the pictures.
    """
    if isinstance(request, TrainingRequest):
        return _looks(request)
    if isinstance(request, CaptionRequest):
        return float(len(request.pictures))
    if not isinstance(request, GenerationRequest):
        return 1.0
    area = float(request.width * request.height)
    if not request.paints:
        upscale = request.stage(Upscale)
        return area * (upscale.factor**2 if upscale else 1.0)
    work = _taken(request.steps, request.start.strength if request.start else 1.0) * area
    if second := request.stage(HighResolution):
        work += _taken(second.steps or request.steps, second.strength) * area * second.factor**2
    beside = sum(unit.kind != "style" for unit in request.references)  # a style is a layer here and there
    return work * (1 + BESIDE * beside + MEASURED * request.measures_negative)


def _looks(request: TrainingRequest) -> float:
    """Pixels that are looked at while it learns; of one that ends early nobody knows how many."""
    settings = request.settings
    return 0.0 if request.early else float(settings.steps * settings.batch * settings.resolution**2)


def _taken(steps: int, strength: float) -> int:
    return max(1, int(steps * strength)) if strength else 0
