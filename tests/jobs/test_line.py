"""The line: people take turns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.jobs.line import Line
from studio.messages import GenerationRequest, TrainingRequest
from tests import samples


def request(person: str, job: str, number: int = 1, priority: int = 0) -> GenerationRequest:
    return samples.request(id=f"{job}-{number}", job=job, person=person, priority=priority)


def taken(line: Line) -> list[str]:
    return [one.id for one in iter(line.take, None)]


def test_a_newcomer_waits_for_one_picture_not_for_a_whole_batch() -> None:
    line = Line()
    line.join([request("ann", "a", number) for number in range(1, 5)])
    assert line.take() is not None
    line.join([request("bob", "b")])
    assert taken(line) == ["b-1", "a-2", "a-3", "a-4"]


def test_people_take_turns_however_much_each_asked_for() -> None:
    line = Line()
    line.join([request("ann", "a", number) for number in range(1, 4)])
    line.join([request("bob", "b", number) for number in range(1, 4)])
    assert taken(line) == ["a-1", "b-1", "a-2", "b-2", "a-3", "b-3"]


def test_a_persons_own_jobs_go_in_order() -> None:
    line = Line()
    line.join([request("ann", "a", 1), request("ann", "a", 2)])
    line.join([request("ann", "b", 1)])
    assert taken(line) == ["a-1", "a-2", "b-1"]


def test_priority_goes_before_turns() -> None:
    line = Line()
    line.join([request("ann", "a"), request("bob", "b", priority=1)])
    assert taken(line) == ["b-1", "a-1"]


def test_leaving_takes_all_of_a_job_and_nothing_else() -> None:
    line = Line()
    line.join([request("ann", "a", 1), request("ann", "a", 2), request("bob", "b")])
    assert [one.id for one in line.leave("a")] == ["a-1", "a-2"]
    assert taken(line) == ["b-1"]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=30))
def test_the_order_told_is_the_order_kept_when_nobody_else_comes(moves: list[tuple[str, bool]]) -> None:
    line = Line()
    for number, (person, takes_one) in enumerate(moves):
        line.join([request(person, f"{person}{number}")])
        if takes_one:
            line.take()
    told = [one.id for one in line.order()]
    assert taken(line) == told


def test_what_is_long_has_turns_of_its_own_and_costs_nobody_theirs() -> None:
    line = Line()
    line.join([training("ann"), request("ann", "a"), training("bob"), request("bob", "b")])
    assert [one.id for one in line.order()] == ["a-1", "b-1", "ann-1", "bob-1"]
    assert line.take(long=True) == training("ann")
    assert taken(line) == ["a-1", "b-1"]
    assert line.take(long=True) == training("bob") and line.take(long=True) is None


def training(person: str) -> TrainingRequest:
    return samples.training(id=f"{person}-1", job=person, person=person)
