"""What a wanted model would load and drive out."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from studio.forecast import forecast
from studio.messages import Forecast, Held

SIZES = dict(zip("pqrstu", (0, 5, 10, 20, 40, 50), strict=True))
PARTS = st.sets(st.sampled_from("pqrstu"), min_size=1).map(lambda keys: {key: SIZES[key] for key in keys})
HELD = st.lists(
    st.builds(
        Held,
        model=st.sampled_from("abcdefgh"),
        parts=PARTS,
        pinned=st.booleans(),
        used=st.integers(0, 4).map(float),
    ),
    max_size=8,
    unique_by=lambda one: one.model,
)


def held(model: str, size: int, used: float = 0, pinned: bool = False) -> Held:
    return Held(model=model, parts={f"{model}'s": size}, used=used, pinned=pinned)


def want(there: list[Held], model: str, size: int, budget: int, room: int = 0) -> Forecast:
    return forecast(there, model, {f"{model}'s": size}, budget, room)


def total(*several: dict[str, int]) -> int:
    return sum({key: size for parts in several for key, size in parts.items()}.values())


def test_a_model_that_is_there_loads_nothing_however_tight_it_is() -> None:
    there = [held("a", 90, pinned=True), held("b", 90, pinned=True)]
    assert want(there, "a", 90, 100) == Forecast(fits=True, resident=True)


def test_a_model_that_is_there_gets_room_to_work_in() -> None:
    there = [held("a", 50), held("b", 40)]
    assert want(there, "a", 50, 100, room=30) == Forecast(fits=True, resident=True, evicts=("b",))


def test_an_empty_device_takes_a_model_as_large_as_its_budget() -> None:
    assert want([], "a", 100, 100) == Forecast(fits=True, loads=100)
    assert not want([], "a", 101, 100).fits


def test_nobody_goes_where_there_is_room() -> None:
    assert want([held("a", 40)], "b", 60, 100).evicts == ()


def test_the_longest_unused_goes_first_and_no_more_than_one() -> None:
    there = [held("new", 40, used=3), held("old", 40, used=1), held("older still but at work", 20, 0, True)]
    assert want(there, "b", 30, 100).evicts == ("old",)


def test_what_is_at_work_never_goes_and_the_shortage_is_told() -> None:
    told = want([held("a", 80, pinned=True), held("b", 10)], "c", 30, 100)
    assert told == Forecast(fits=False, needs=30, has=20)


def test_the_room_for_painting_counts() -> None:
    assert want([], "a", 80, 100, room=20).fits
    assert want([], "a", 80, 100, room=21) == Forecast(fits=False, needs=101, has=100)


def test_room_that_is_no_must_is_made_as_far_as_it_goes_and_refuses_nothing() -> None:
    there = [held("a", 30, pinned=True), held("b", 40)]
    told = forecast(there, "c", {"c's": 60}, 100, room=500, must=False)
    assert told == Forecast(fits=True, loads=60, evicts=("b",))
    assert not forecast(there, "c", {"c's": 71}, 100, room=500, must=False).fits


@given(HELD, PARTS, st.integers(0, 200), st.integers(0, 60))
def test_room_that_is_no_must_decides_who_goes_and_never_whether(
    there: list[Held], parts: dict[str, int], budget: int, room: int
) -> None:
    told, plain = (forecast(there, "z", parts, budget, room, must) for must in (False, True))
    assert told == plain if plain.fits else told.fits == forecast(there, "z", parts, budget).fits


def test_a_shared_part_counts_once() -> None:
    there = [Held(model="a", parts={"vae": 30, "unet of a": 50})]
    told = forecast(there, "b", {"vae": 30, "unet of b": 20}, 100)
    assert told == Forecast(fits=True, loads=20)


def test_one_whose_parts_all_others_share_is_not_driven_out() -> None:
    there = [
        Held(model="twin", parts={"x": 40}, used=1),
        Held(model="other twin", parts={"x": 40}, used=3, pinned=True),
        Held(model="alone", parts={"y": 40}, used=2),
    ]
    assert want(there, "b", 50, 100).evicts == ("alone",)


@given(HELD, st.sampled_from("abcdefghz"), PARTS, st.integers(0, 200), st.integers(0, 60))
@example([held("a", 50), held("b", 50, used=1)], "z", {"z": 50}, 100, 0)
@example([held("a", 50, pinned=True)], "z", {"z": 60}, 100, 0)
@example([held("a", 150)], "z", {"p": 0}, 100, 0)
def test_the_rules_hold_for_any_device(
    there: list[Held], model: str, parts: dict[str, int], budget: int, room: int
) -> None:
    told = forecast(there, model, parts, budget, room)
    known = {one.model: one for one in there}
    evicted = [known[name] for name in told.evicts]
    staying = [one.parts for one in there if one.model not in told.evicts]

    assert not any(one.pinned or one.model == model for one in evicted)
    assert [one.used for one in evicted] == sorted(one.used for one in evicted)  # the oldest first
    if told.fits and total(*staying, parts) + room <= budget:
        for one in evicted:  # each that went had to go
            assert total(*staying, one.parts, parts) + room > budget
    if model in known:
        assert told.fits and told.resident and told.loads == 0
    elif told.fits:
        assert total(*staying, parts) + room <= budget
        assert told.loads == total(*known_parts(there), parts) - total(*known_parts(there))
    else:
        assert evicted == [] and told.loads == 0
        pinned = [one.parts for one in there if one.pinned]
        assert total(*pinned, parts) + room > budget
        assert told.needs == sum(parts.values()) + room


def known_parts(there: list[Held]) -> list[dict[str, int]]:
    return [one.parts for one in there]


@given(HELD, PARTS, st.integers(0, 200))
def test_asking_changes_nothing(there: list[Held], parts: dict[str, int], budget: int) -> None:
    assert forecast(there, "z", parts, budget) == forecast(iter(there), "z", parts, budget)
