"""The kinds of references as the page offers them for a model: what follows them, what takes their maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from studio.controls import NEARNESS, Control, Detector, choices, held
from studio.families import FAMILIES
from studio.messages import ControlSpec, ControlState, DetectorSpec, DetectorState, ModelSpec, PartState

StateOf = Callable[[DetectorSpec], PartState]


def control_state(
    control: Control,
    model: ModelSpec,
    nets: Iterable[ControlSpec],
    detectors: Mapping[str, DetectorSpec],
    state_of: StateOf,
) -> ControlState:
    """One kind for a model."""
    following = [net for net in nets if net.follows(control.id)]
    # A net that does not say what it follows is used where a person names it, and not by itself.
    fitting = sorted(
        (net for net in following if net.fits(model)), key=lambda net: control.id not in net.kinds
    )
    alone = held(control, model)
    fits = alone or any(control.id in net.kinds for net in fitting)
    # What was made for one model of a family says nothing of the family.
    others = dict.fromkeys(
        FAMILIES[net.family].title for net in following if control.id in net.kinds and not net.base
    )
    return ControlState(
        kind=control.id,
        fits=fits,
        nets=tuple(net.id for net in fitting),
        held=alone,
        detectors=tuple(
            sorted(_detectors(control, model, detectors, state_of), key=lambda one: NEARNESS[one.place])
        ),
        families=() if fits else tuple(others),
    )


def _detectors(
    control: Control, model: ModelSpec, entries: Mapping[str, DetectorSpec], state_of: StateOf
) -> Iterable[DetectorState]:
    for detector, id in choices(control, entries, model.base):
        yield _with_weights(detector, entries[id], state_of) if detector.weights else _at_once(detector)


def _at_once(detector: Detector) -> DetectorState:
    return DetectorState(id=detector.id, detector=detector.id, settings=detector.settings)


def _with_weights(detector: Detector, spec: DetectorSpec, state_of: StateOf) -> DetectorState:
    part = state_of(spec)
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
