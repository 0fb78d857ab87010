"""The kinds of references as the page offers them for a model: what follows them, what takes their maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from studio.controls import Control, Detector, choices
from studio.families import FAMILIES
from studio.messages import ControlSpec, ControlState, DetectorSpec, DetectorState, ModelSpec, PartState

PlaceOf = Callable[[DetectorSpec], PartState]
NEARNESS = {"resident": 0, "host": 0, "disk": 0, "hub": 1, "missing": 2}
"""What is here comes before what would have to be fetched, and that before what cannot be had."""


def control_state(
    control: Control,
    model: ModelSpec,
    nets: Iterable[ControlSpec],
    detectors: Mapping[str, DetectorSpec],
    place_of: PlaceOf,
) -> ControlState:
    """One kind for a model."""
    following = [net for net in nets if net.follows(control.id)]
    # A net that does not say what it follows is used where a person names it, and not by itself.
    fitting = sorted(
        (net for net in following if net.fits(model)), key=lambda net: control.id not in net.kinds
    )
    fits = any(control.id in net.kinds for net in fitting)
    # What was made for one model of a family says nothing of the family.
    others = dict.fromkeys(
        FAMILIES[net.family].title for net in following if control.id in net.kinds and not net.base
    )
    return ControlState(
        kind=control.id,
        fits=fits,
        nets=tuple(net.id for net in fitting),
        detectors=tuple(
            sorted(_detectors(control, model, detectors, place_of), key=lambda one: NEARNESS[one.place])
        ),
        families=() if fits else tuple(others),
    )


def _detectors(
    control: Control, model: ModelSpec, entries: Mapping[str, DetectorSpec], place_of: PlaceOf
) -> Iterable[DetectorState]:
    for detector, id in choices(control, entries, model.base):
        yield _with_weights(detector, entries[id], place_of) if detector.weights else _at_once(detector)


def _at_once(detector: Detector) -> DetectorState:
    return DetectorState(id=detector.id, detector=detector.id, settings=detector.settings)


def _with_weights(detector: Detector, spec: DetectorSpec, place_of: PlaceOf) -> DetectorState:
    part = place_of(spec)
    return DetectorState(
        id=spec.id,
        detector=detector.id,
        title=spec.title,
        licence=spec.licence,
        settings=detector.settings,
        place=part.place,
        bytes=part.bytes,
        trouble=part.trouble,
    )
