"""Answers that write into the form: what a person changes while the server is asked is newer, and stays."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from studio.ui.form import FIELDS, SIDES

QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    # Hidden or not, Gradio walks through the page to tell every output how far its handler is; nobody looks there.
    "show_progress_on": [],
    "api_visibility": "private",
    "concurrency_limit": None,
}
"""Every handler of the page: no veil over its outputs, not part of the API, no queue but the studio's."""
AT_ONCE: dict[str, Any] = QUIET | {"queue": False}
WITH_FORM: dict[str, Any] = {"preprocess": False}
"""For handlers that read the whole form: what it offers changes with model and picture, and Gradio would refuse a
value that was on its way meanwhile. `form_of` keeps every value to the limits."""
OF_ONE_PICTURE = ("picture", "picture_size", "mask", *SIDES)
"""What comes and goes with the picture to start from."""
SLOTS = 8
"""So many answers may arrive at once: in one place a later one would cover another before the page took it up."""
ASKED, ANSWERED = (f"(...values) => studio.answers.{name}(values, {SLOTS})" for name in ("asked", "answered"))

Handler = Callable[..., Any]


class Answers:
    """One page's answers. What they say of the form goes through the browser, which knows what changed meanwhile."""

    def __init__(self, fields: Mapping[str, gr.components.Component]) -> None:
        self._fields = fields
        self._slots = [gr.JSON(visible="hidden") for _ in range(SLOTS)]

    def wire(
        self, event: Callable[..., Any], handler: Handler, outputs: Sequence[Any],
        js: str = ASKED, before: Sequence[Any] = (), **how: Any,
    ) -> Any:  # fmt: skip
        """Lets `handler(event, request, *before, *form)` answer; of its outputs those in the form are set with care."""
        form = [self._fields[name] for name in FIELDS]
        inputs = [*before, self._slots[0], *form]
        told = _answering(handler, [self._place(one) for one in outputs], len(before))
        how = {"trigger_mode": "multiple"} | AT_ONCE | WITH_FORM | how
        came = event(told, inputs, [*self._slots, *outputs], js=js, **how)
        return came.then(None, [*self._slots, *form], form, js=ANSWERED, **QUIET)

    def _place(self, output: Any) -> int | None:
        places = [at for at, name in enumerate(FIELDS) if self._fields[name] is output]
        return places[0] if places else None


def _answering(handler: Handler, places: Sequence[int | None], before: int) -> Handler:
    """The same handler between ticket and answer. Its kind stays: Gradio runs what blocks in a thread."""

    def told(answer: Sequence[Any], values: Sequence[Any]) -> list[Any]:
        ticket, form = values[before], values[before + 1 :]
        of_form, rest = apart(answer, places, form)
        held = {"ticket": ticket, "fields": {str(at): entry for at, entry in of_form.items()}}
        return [*(held if slot == ticket % SLOTS else gr.skip() for slot in range(SLOTS)), *rest]

    async def waits(event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        return told(await handler(event, request, *values[:before], *values[before + 1 :]), values)

    def blocks(event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        return told(handler(event, request, *values[:before], *values[before + 1 :]), values)

    return waits if inspect.iscoroutinefunction(handler) else blocks


def apart(
    answer: Sequence[Any], places: Sequence[int | None], form: Sequence[Any]
) -> tuple[dict[int, dict[str, Any]], list[Any]]:
    """What an answer sets in the form, by the fields' places, and all else it tells, in the order of its outputs."""
    updates = [one if _is_update(one) else gr.update(value=one) for one in answer]
    fields = {
        place: _entry(update)
        for place, update in zip(places, updates, strict=True)
        if place is not None and "value" in update
    }
    _bind(fields, form)
    rest = [
        one if place is None else _without_value(update)
        for place, one, update in zip(places, answer, updates, strict=True)
    ]
    return fields, rest


def _is_update(one: Any) -> bool:
    return isinstance(one, dict) and one.get("__type__") == "update"


def _without_value(update: dict[str, Any]) -> dict[str, Any]:
    return {name: told for name, told in update.items() if name != "value"}


def _entry(update: dict[str, Any]) -> dict[str, Any]:
    """A value, and what is offered beside it: what was chosen meanwhile stays only where it is still offered."""
    entry = {"value": update["value"]}
    if "choices" in update:
        entry["offers"] = [one[1] if isinstance(one, tuple) else one for one in update["choices"]]
    if "maximum" in update:
        entry["most"] = update["maximum"]
    return entry


def _bind(fields: dict[int, dict[str, Any]], form: Sequence[Any]) -> None:
    """With another picture to start from, what belonged to the one before goes, whatever was changed of it."""
    picture = FIELDS.index("picture")
    if picture in fields and fields[picture]["value"] != (form[picture] or ""):
        for name in OF_ONE_PICTURE:
            fields.get(FIELDS.index(name), {})["whole"] = True
