"""What travels: frozen, strict, and the same after a journey."""

from __future__ import annotations

import pickle
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from studio import messages, wire
from studio.messages import (
    LAST,
    Answered,
    AnyEvent,
    Bilingual,
    Cancelled,
    Done,
    Downloading,
    Draft,
    Event,
    Failed,
    Finished,
    Loading,
    Media,
    Message,
    Notice,
    Person,
    Picture,
    Queued,
    Sampled,
    Saved,
    Size,
    Skipped,
    Step,
)
from tests.samples import media, recipe

ANY_EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
NO_TEXT = b"\xff\xd8\x00\x80 not UTF-8"
MESSAGES = [
    kind
    for module in (messages, wire)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Message)
]
PICTURE = Picture(
    id="1-a", person="ann", job="job", created=1.5, size=Size(width=24, height=16), recipe=recipe()
)
EVENTS = [
    Queued(position=2, seconds=1.5),
    Downloading(model="m", done=1, total=2, rate=0.5),
    Loading(request="r", model="m"),
    Step(request="r", step=1, steps=3, preview=NO_TEXT),
    Sampled(request="r", step=100, prompt="a cat", media=media()),
    Notice(request="r", code="prompt_cut", params={"over": 3, "window": 75}),
    Finished(request="r", media=media(), mode="fake", took=0.5),
    Answered(request="r", texts=("一只猫", "a cat"), took=0.5),
    Skipped(request="r"),
    Saved(request="r", picture=PICTURE),
    Done(),
    Failed(code="worker_lost", params={"why": "词"}),
    Cancelled(step=4),
]


def event_kinds() -> list[type[Event]]:
    return [kind for kind in MESSAGES if issubclass(kind, Event) and kind is not Event]


def named(event: Event) -> str:
    return type(event).__name__


def test_a_message_cannot_be_changed() -> None:
    person = Person(id="ann")
    with pytest.raises(ValidationError, match="frozen"):
        person.role = "admin"


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_every_message_refuses_a_key_it_does_not_know(kind: type[Message]) -> None:
    with pytest.raises(ValidationError) as told:
        kind.model_validate({"no_such_key": 1})
    assert ("no_such_key",) in [
        error["loc"] for error in told.value.errors() if error["type"] == "extra_forbidden"
    ]


def test_a_draft_needs_a_model_and_nothing_else() -> None:
    assert Draft(model="tiny").count == 1
    with pytest.raises(ValidationError, match="model"):
        Draft.model_validate({})


def test_bytes_of_a_picture_stay_out_of_logs() -> None:
    shown = repr(Finished(request="r", media=media(), mode="fake", took=0.5)) + repr(
        Step(request="r", step=1, steps=3, preview=NO_TEXT)
    )
    assert "data=" not in shown and "preview=" not in shown and "\\x" not in shown
    assert media().sha256 in shown


def test_media_is_named_by_the_hash_of_its_bytes() -> None:
    one, same, other = media(), media(), media((0, 0, 0))
    assert one == same and one.sha256 == same.sha256 != other.sha256
    assert Media.of("png", 1, 1, b"").sha256.startswith("e3b0c442")


def test_any_event_knows_every_kind_of_event() -> None:
    union = get_args(get_args(AnyEvent)[0])
    assert set(union) == set(event_kinds()) == {type(event) for event in EVENTS}
    assert len({kind.model_fields["kind"].default for kind in union}) == len(union)


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_an_event_comes_back_from_plain_data_as_its_own_kind(event: AnyEvent) -> None:
    back = ANY_EVENT.validate_python(event.model_dump())
    assert type(back) is type(event) and back == event


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_an_event_comes_back_from_json_with_its_bytes(event: AnyEvent) -> None:
    back = ANY_EVENT.validate_json(event.model_dump_json())
    assert type(back) is type(event) and back == event


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_an_event_comes_back_from_another_process(event: AnyEvent) -> None:
    assert pickle.loads(pickle.dumps(event)) == event


def test_an_event_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="kind"):
        ANY_EVENT.validate_python({"kind": "rumour"})


def test_only_the_three_ends_are_last() -> None:
    assert {kind.__name__ for kind in LAST} == {"Done", "Failed", "Cancelled"}


def test_bilingual_words_are_said_in_the_language_asked_for() -> None:
    words = Bilingual(en="cat", zh="猫")
    assert (words.said("en"), words.said("zh")) == ("cat", "猫")
