"""The kinds of references and the detectors that take their maps, as data and without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studio.errors import StudioError
from studio.messages import ControlUnit


@dataclass(frozen=True)
class Setting:
    """A number of a detector that a person can set."""

    name: str
    """Worded as `setting.<name>`."""
    default: float
    lowest: float
    highest: float
    step: float = 1

    @property
    def switch(self) -> bool:
        """Whether it is only on (1) or off (0)."""
        return (self.lowest, self.highest, self.step) == (0, 1, 1)


@dataclass(frozen=True)
class Detector:
    """What takes a map out of a picture; worded as `detector.<id>`."""

    id: str
    weights: bool = False
    """Whether it needs an entry of the catalog; without, it works at once."""
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True)
class Control:
    """A kind of reference; worded as `control.<id>`."""

    id: str
    detectors: tuple[str, ...]
    """From the one to be preferred to the last; none: the net reads the picture itself."""
    flat: bool = False
    """Its map's colours are names: blending two of them would say something else."""
    fixed: Mapping[str, float] = field(default_factory=dict)
    """Settings of the detectors that this kind makes for the person."""


CONTROLS: dict[str, Control] = {}
DETECTORS: dict[str, Detector] = {}


def register(one: Control | Detector) -> None:
    """Adds a kind or a detector; a second one of the same id is refused."""
    table: dict[str, Control] | dict[str, Detector] = CONTROLS if isinstance(one, Control) else DETECTORS
    if one.id in table:
        raise ValueError(f"{type(one).__name__.lower()} {one.id} is registered already")
    table[one.id] = one  # type: ignore[assignment]


def control_of(unit: ControlUnit) -> Control:
    """The kind of a reference; one that is not known is refused."""
    if unit.kind not in CONTROLS:
        raise StudioError("control_unknown", kind=unit.kind, known=", ".join(CONTROLS))
    return CONTROLS[unit.kind]


def detector_of(unit: ControlUnit, detector: str) -> Detector:
    """The detector by its key; one that does not take this kind's maps is refused."""
    known = control_of(unit).detectors
    if detector not in known:
        raise StudioError("detector_unknown", detector=detector, kind=unit.kind, known=", ".join(known))
    return DETECTORS[detector]


def settings_of(unit: ControlUnit, detector: Detector) -> dict[str, float]:
    """All settings of the detector: the unit's, its own, the kind's; unknown ones and wild ones are refused."""
    known = {one.name: one for one in detector.settings}
    for name, value in unit.settings.items():
        if name not in known:
            raise StudioError("setting_unknown", setting=name, detector=detector.id)
        if not known[name].lowest <= value <= known[name].highest:
            least, most = known[name].lowest, known[name].highest
            raise StudioError("setting_out_of_range", setting=name, value=value, least=least, most=most)
    own = {name: one.default for name, one in known.items()}
    return own | dict(unit.settings) | dict(control_of(unit).fixed)


SAFE = Setting("safe", 0, 0, 1)
CUT_NEAR = Setting("cut_near", 0, 0, 100)
CUT_FAR = Setting("cut_far", 0, 0, 100)

for _detector in (
    Detector(
        "openpose",
        weights=True,
        settings=(Setting("body", 1, 0, 1), Setting("hands", 0, 0, 1), Setting("face", 0, 0, 1)),
    ),
    Detector("canny", settings=(Setting("low", 100, 0, 255), Setting("high", 200, 0, 255))),
    Detector("hed", weights=True, settings=(SAFE,)),
    Detector("pidinet", weights=True, settings=(SAFE,)),
    Detector("depth_anything", weights=True),
    Detector("midas", weights=True),
    Detector("zoe", weights=True),
    Detector("leres", weights=True, settings=(CUT_NEAR, CUT_FAR)),
    Detector("grid", settings=(Setting("cells", 8, 2, 64),)),
    Detector("histogram", settings=(Setting("colours", 8, 2, 32),)),
    Detector(
        "mlsd",
        weights=True,
        settings=(Setting("score", 0.1, 0.01, 2, 0.01), Setting("distance", 0.1, 0.01, 20, 0.01)),
    ),
    Detector("drawn", settings=(Setting("threshold", 128, 0, 255),)),
    Detector("segformer", weights=True),
    Detector("upernet", weights=True),
    Detector(
        "line_art_plain",
        settings=(Setting("blur", 6, 0.5, 32, 0.5), Setting("contrast", 8, 0, 64)),
    ),
    Detector("line_art_realistic", weights=True),
    Detector("line_art_coarse", weights=True),
    Detector("line_art_anime", weights=True),
    Detector("bae", weights=True),
    Detector("shuffle", settings=(Setting("grain", 256, 16, 1024), Setting("seed", 0, 0, 9999))),
    Detector("grey"),
    Detector("tile", settings=(Setting("smaller", 1, 1, 16, 0.5),)),
):
    register(_detector)

for _control in (
    Control("pose", ("openpose",)),
    Control("canny", ("canny",)),
    Control("soft_edge", ("pidinet", "hed")),
    Control("depth", ("depth_anything", "midas", "zoe", "leres")),
    Control("colour", ("grid",)),
    Control("palette", ("histogram",)),
    Control("lines", ("mlsd",)),
    Control("scribble", ("drawn", "pidinet", "hed"), fixed={"scribble": 1}),
    Control("segmentation", ("segformer", "upernet"), flat=True),
    Control("line_art", ("line_art_realistic", "line_art_coarse", "line_art_anime", "line_art_plain")),
    Control("normals", ("bae",)),
    Control("shuffle", ("shuffle",)),
    Control("grey", ("grey",)),
    Control("tile", ("tile",)),
    # An IP-Adapter's own encoder reads the picture; there is no map.
    Control("style", ()),
):
    register(_control)
