"""The kinds of references and the detectors that take their maps, as data and without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import ControlUnit, DetectorSetting, DetectorSpec, ModelPlace, ModelSpec

PlaceOf = Callable[[DetectorSpec], ModelPlace]
NEARNESS: dict[ModelPlace, int] = {"resident": 0, "host": 0, "disk": 0, "hub": 1, "missing": 2}
"""What is here comes before what would have to be fetched, and that before what cannot be had."""


@dataclass(frozen=True)
class Detector:
    """What takes a map out of a picture; worded as `detector.<id>`."""

    id: str
    weights: bool = False
    """Whether it needs an entry of the catalog; without, it works at once."""
    settings: tuple[DetectorSetting, ...] = ()
    helpers: Mapping[str, str] = field(default_factory=dict)
    """From a setting that is not 0 to the detector whose weights are taken besides."""
    network: str = ""
    """What its entry names, where one network serves several detectors; empty: itself."""

    @property
    def entered(self) -> str:
        """The key under which the catalog enters its weights."""
        return self.network or self.id


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
    held: Literal["", "places", "shares"] = ""
    """Its map's colours are held in the picture itself as it is painted, in their places or in their shares wherever
    they are, where no net is named to follow it: none is needed."""

    @property
    def placeless(self) -> bool:
        """Whether its map says nothing of places: whatever shape it takes, all of it counts."""
        return self.held == "shares"


CONTROLS: dict[str, Control] = {}
DETECTORS: dict[str, Detector] = {}


def register(one: Control | Detector) -> None:
    """Adds a kind or a detector; a second one of the same id is refused."""
    table: dict[str, Control] | dict[str, Detector] = CONTROLS if isinstance(one, Control) else DETECTORS
    if one.id in table:
        raise ValueError(f"{type(one).__name__.lower()} {one.id} is registered already")
    table[one.id] = one  # type: ignore[assignment]


@dataclass(frozen=True)
class Choice:
    """What takes the map of a reference."""

    detector: Detector
    settings: Mapping[str, float]
    """All of them: what the person set, the detector's own, what the kind makes of it."""
    entry: DetectorSpec | None = None
    """Its weights; None where it needs none."""
    beside: Mapping[str, DetectorSpec] = field(default_factory=dict)
    """Further weights, by the setting that asks for them."""

    @property
    def id(self) -> str:
        """What a reference names it by."""
        return self.entry.id if self.entry else self.detector.id

    @property
    def entries(self) -> tuple[str, ...]:
        """The entries of the catalog that have to be brought for it."""
        return (self.entry.id, *(one.id for one in self.beside.values())) if self.entry else ()


def control_of(unit: ControlUnit) -> Control:
    """The kind of a reference; one that is not known is refused."""
    if unit.kind not in CONTROLS:
        raise StudioError("control_unknown", kind=unit.kind, known=", ".join(CONTROLS))
    return CONTROLS[unit.kind]


def held(control: Control, model: ModelSpec) -> bool:
    """Whether a model follows a kind without any net."""
    return bool(control.held) and FAMILIES[model.family].denoiser == "unet"


def detector_of(unit: ControlUnit, detector: str) -> Detector:
    """The detector by its key; one that does not take this kind's maps is refused."""
    known = control_of(unit).detectors
    if detector not in known:
        raise StudioError("detector_unknown", detector=detector, kind=unit.kind, known=", ".join(known))
    return DETECTORS[detector]


def choices(
    control: Control, entries: Mapping[str, DetectorSpec], base: str = ""
) -> tuple[tuple[Detector, str], ...]:
    """The detectors of a kind with what a reference names them by, the one to be preferred first.

    What reads for the base of a model alone comes before what reads for all, and is nothing for other models.
    """
    known = {id: spec for id, spec in entries.items() if spec.base in ("", base)}
    found = _of_kind(control, known)
    return tuple(sorted(found, key=lambda one: not (base and one[1] in known and known[one[1]].base)))


def _of_kind(control: Control, entries: Mapping[str, DetectorSpec]) -> list[tuple[Detector, str]]:
    found = []
    for detector in map(DETECTORS.__getitem__, control.detectors):
        ids = [spec.id for spec in entries.values() if spec.detector == detector.entered]
        found += [(detector, id) for id in (ids if detector.weights else [detector.id])]
    return found


def chosen(
    unit: ControlUnit,
    entries: Mapping[str, DetectorSpec],
    place: PlaceOf,
    base: str = "",
) -> Choice:
    """The detector that a reference names; where it names none, the nearest of those for the model."""
    detector, id = _named(unit, entries) if unit.detector else _first(unit, entries, place, base)
    settings = settings_of(unit, detector)
    asked = {name: helper for name, helper in detector.helpers.items() if settings[name]}
    beside = {name: _weights(unit, helper, entries, place) for name, helper in asked.items()}
    return Choice(detector, settings, entries[id] if detector.weights else None, beside)


def _named(unit: ControlUnit, entries: Mapping[str, DetectorSpec]) -> tuple[Detector, str]:
    known = _of_kind(_with_map(unit), entries)
    for detector, id in known:
        if id == unit.detector:
            return detector, id
    ids = ", ".join(id for _, id in known)
    raise StudioError("detector_unknown", detector=unit.detector, kind=unit.kind, known=ids)


def _first(
    unit: ControlUnit, entries: Mapping[str, DetectorSpec], place: PlaceOf, base: str
) -> tuple[Detector, str]:
    control = _with_map(unit)
    known = choices(control, entries, base)
    if not known:
        raise StudioError("detector_missing", detector=control.detectors[0], kind=unit.kind)
    return min(known, key=lambda one: NEARNESS[place(entries[one[1]])] if one[0].weights else 0)


def _with_map(unit: ControlUnit) -> Control:
    control = control_of(unit)
    if not control.detectors:
        raise StudioError("control_without_map", kind=unit.kind)
    return control


def _weights(
    unit: ControlUnit, detector: str, entries: Mapping[str, DetectorSpec], place: PlaceOf
) -> DetectorSpec:
    known = [spec for spec in entries.values() if spec.detector == detector]
    if not known:
        raise StudioError("detector_missing", detector=detector, kind=unit.kind)
    return min(known, key=lambda spec: NEARNESS[place(spec)])


def settings_of(unit: ControlUnit, detector: Detector) -> dict[str, float]:
    """All settings of the detector: the unit's, its own, the kind's; unknown ones and wild ones are refused."""
    known = {one.name: one for one in detector.settings}
    for name, value in unit.settings.items():
        if name not in known:
            raise StudioError("setting_unknown", setting=name, detector=detector.id)
        least, most = known[name].lowest, known[name].highest
        if not least <= value <= most:
            raise StudioError("setting_out_of_range", setting=name, value=value, least=least, most=most)
    own = {name: one.default for name, one in known.items()}
    return own | dict(unit.settings) | dict(control_of(unit).fixed)


def _setting(name: str, default: float, lowest: float, highest: float, step: float = 1) -> DetectorSetting:
    return DetectorSetting(name=name, default=default, lowest=lowest, highest=highest, step=step)


RESOLUTION = _setting("resolution", 512, 128, 1024, 64)
"""Of the shorter side, as a detector looks at a picture; its map has the picture's size again."""
SAFE = _setting("safe", 0, 0, 1)
SMALL = _setting("resolution", 128, 64, 512, 64)
"""What the small reader learned at, and how far from it it still sees something."""

for _detector in (
    Detector(
        "openpose",
        weights=True,
        settings=(
            *(_setting("body", 1, 0, 1), _setting("hands", 0, 0, 1), _setting("face", 0, 0, 1)),
            RESOLUTION,
        ),
        helpers={"hands": "openpose_hand", "face": "openpose_face"},
    ),
    Detector("openpose_hand", weights=True),
    Detector("openpose_face", weights=True),
    Detector("canny", settings=(_setting("low", 100, 0, 255), _setting("high", 200, 0, 255), RESOLUTION)),
    Detector("hed", weights=True, settings=(SAFE, RESOLUTION)),
    Detector("pidinet", weights=True, settings=(SAFE, RESOLUTION)),
    Detector("depth_anything", weights=True, settings=(RESOLUTION,)),
    Detector("midas", weights=True, settings=(RESOLUTION,)),
    Detector("zoe", weights=True, settings=(RESOLUTION,)),
    Detector(
        "leres",
        weights=True,
        settings=(_setting("cut_near", 0, 0, 100), _setting("cut_far", 0, 0, 100), RESOLUTION),
    ),
    Detector("grid", settings=(_setting("cells", 8, 2, 64),)),
    Detector("histogram", settings=(_setting("colours", 8, 2, 32),)),
    Detector(
        "mlsd",
        weights=True,
        settings=(
            _setting("score", 0.1, 0.01, 0.99, 0.01),
            _setting("distance", 0.1, 0, 20, 0.1),
            RESOLUTION,
        ),
    ),
    Detector("drawn", settings=(_setting("threshold", 128, 1, 254),)),
    Detector("upernet", weights=True, settings=(RESOLUTION,)),
    Detector("segformer", weights=True, settings=(RESOLUTION,)),
    Detector("line_art_realistic", weights=True, settings=(RESOLUTION,)),
    Detector("line_art_coarse", weights=True, settings=(RESOLUTION,)),
    Detector("line_art_anime", weights=True, settings=(RESOLUTION,)),
    Detector(
        "line_art_plain",
        settings=(_setting("blur", 6, 0.5, 32, 0.5), _setting("contrast", 8, 0, 64), RESOLUTION),
    ),
    Detector("bae", weights=True, settings=(RESOLUTION,)),
    Detector("shuffle", settings=(_setting("grain", 256, 16, 1024), _setting("seed", 0, 0, 9999))),
    Detector("small_pose", weights=True, settings=(SMALL,), network="small"),
    Detector("small_edges", weights=True, settings=(SMALL,), network="small"),
    Detector("small_depth", weights=True, settings=(SMALL,), network="small"),
    Detector("grey"),
    Detector("tile", settings=(_setting("smaller", 1, 1, 16, 0.5),)),
):
    register(_detector)

for _control in (
    Control("pose", ("openpose", "small_pose")),
    Control("canny", ("canny",)),
    Control("soft_edge", ("pidinet", "hed", "small_edges")),
    Control("depth", ("depth_anything", "midas", "zoe", "leres", "small_depth")),
    Control("colour", ("grid",), flat=True, held="places"),
    Control("palette", ("histogram",), flat=True, held="shares"),
    Control("lines", ("mlsd",)),
    Control("scribble", ("drawn", "pidinet", "hed"), fixed={"scribble": 1}),
    Control("segmentation", ("upernet", "segformer"), flat=True),
    Control("line_art", ("line_art_realistic", "line_art_coarse", "line_art_anime", "line_art_plain")),
    Control("normals", ("bae",)),
    Control("shuffle", ("shuffle",)),
    Control("grey", ("grey",)),
    Control("tile", ("tile",)),
    # An IP-Adapter's own encoder reads the picture; there is no map.
    Control("style", ()),
):
    register(_control)
