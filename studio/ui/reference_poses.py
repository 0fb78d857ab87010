"""The ready poses of presets/poses.yaml, read strictly, as the pose editor shows them. No Gradio here."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from studio.entries import Document, Named, Reading
from studio.messages import Bilingual
from studio.settings import ROOT

log = logging.getLogger(__name__)
POSES = ROOT / "presets" / "poses.yaml"
JOINTS = 18
"""Of a figure, in the order of OpenPose's COCO model."""
_Share = Annotated[float, Field(ge=0, le=1)]
_Figure = Annotated[tuple[tuple[_Share, _Share] | None, ...], Field(min_length=JOINTS, max_length=JOINTS)]


class Pose(Named):
    """A pose to begin with: where the joints of one or two people are, in a square whose sides are 1."""

    title: Bilingual
    people: tuple[_Figure, ...] = Field(min_length=1, max_length=4)


def read_poses(path: Path = POSES) -> Reading[Pose]:
    """The poses of a file; what is wrong is left out and told."""
    document = Document(path)
    return Reading(document.distinct("poses", Pose), tuple(document.problems))


@lru_cache
def shelf() -> list[dict[str, Any]]:
    """What the browser is told of them."""
    reading = read_poses()
    for problem in reading.problems:
        log.warning("%s", problem)
    return [
        {"id": pose.id, "title": [pose.title.en, pose.title.zh], "people": pose.people}
        for pose, _ in reading.entries
    ]
