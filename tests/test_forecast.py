"""What a wanted model would load and drive out."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from studio.forecast import forecast
from studio.messages import Forecast, Held

HELD = st.lists(
    st.builds(
        Held,
        model=st.sampled_from("abcdefgh"),
        bytes=st.integers(0, 50),
        pinned=st.booleans(),
        used=st.integers(0, 4).map(float),
    ),
    max_size=8,
    unique_by=lambda one: one.model,
)


def held(model: str, size: int, used: float = 0, pinned: bool = False) -> Held:
    return Held(model=model, bytes=size, used=used, pinned=pinned)


def test_a_model_that_is_there_loads_nothing_however_tight_it_is() -> None:
    assert forecast([held("a", 90), held("b", 90)], "a", 90, 100) == Forecast(fits=True, resident=True)


def test_an_empty_device_takes_a_model_as_large_as_its_budget() -> None:
    assert forecast([], "a", 100, 100) == Forecast(fits=True, loads=100)
    assert not forecast([], "a", 101, 100).fits


def test_nobody_goes_where_there_is_room() -> None:
    assert forecast([held("a", 40)], "b", 60, 100).evicts == ()


def test_the_longest_unused_goes_first_and_no_more_than_one() -> None:
    there = [held("new", 40, used=3), held("old", 40, used=1), held("older still but at work", 20, 0, True)]
    assert forecast(there, "b", 30, 100).evicts == ("old",)


def test_what_is_at_work_never_goes_and_the_shortage_is_told() -> None:
    told = forecast([held("a", 80, pinned=True), held("b", 10)], "c", 30, 100)
    assert told == Forecast(fits=False, needs=30, has=20)


@given(HELD, st.sampled_from("abcdefghz"), st.integers(0, 200), st.integers(0, 200))
@example([held("a", 50), held("b", 50, used=1)], "z", 50, 100)
@example([held("a", 50, pinned=True)], "z", 60, 100)
@example([held("a", 150)], "z", 0, 100)
def test_the_rules_hold_for_any_device(there: list[Held], model: str, size: int, budget: int) -> None:
    told = forecast(there, model, size, budget)
    known = {one.model: one for one in there}
    if model in known:
        assert told == Forecast(fits=True, resident=True)
        return
    unpinned = sorted((one for one in there if not one.pinned), key=lambda one: one.used)
    evicted = [known[name] for name in told.evicts]
    stays = sum(one.bytes for one in there if one.model not in told.evicts)

    assert not any(one.pinned for one in evicted)
    assert [one.used for one in evicted] == [one.used for one in unpinned[: len(evicted)]]  # the oldest first
    if told.fits:
        assert told.loads == size and stays + size <= budget
        if evicted:
            assert stays + evicted[-1].bytes + size > budget  # the last that went had to go
    else:
        pinned = sum(one.bytes for one in there if one.pinned)
        assert evicted == [] and told.loads == 0
        assert pinned + size > budget
        assert (told.needs, told.has) == (size, budget - pinned)


@given(HELD, st.integers(0, 200), st.integers(0, 200))
def test_asking_changes_nothing(there: list[Held], size: int, budget: int) -> None:
    assert forecast(there, "z", size, budget) == forecast(iter(there), "z", size, budget)
