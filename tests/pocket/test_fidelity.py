"""The table of fidelity, from a painter whose truth is known: it tells what follows from what does not."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pocket import fidelity
from pocket.evaluate import WEIGHTS, Row
from pocket.eyes import Eyes, open_eyes
from pocket.fidelity import GOAL, KINDS, Desk, Pictures, Reference, Shown, maps_for, measure, references
from pocket.world import Picture, draw, is_held_out
from pocket.world.sampling import settle
from pocket.world.truth import depth, people, soft_edges
from studio.catalog import read_catalog

torch = pytest.importorskip("torch")
SIDE, COUNT = 256, 2
OTHER = settle("boy", "black", "night sky")


@dataclass
class Fake:
    """Paints the reference where it is shown a map, and always the same other drawing where it is not."""

    known: dict[bytes, Picture] = field(default_factory=dict)
    asked: list[tuple[str, bool]] = field(default_factory=list)
    obeys: bool = True

    def paint(self, prompts: list[str], seeds: list[int], shown: Shown | None) -> Pictures:
        """Pictures whose truth it remembers."""
        self.asked += [(prompt, shown is not None) for prompt in prompts]
        meant = {one.prompt: one.drawing for one in references(shown.kind, COUNT)} if shown else {}
        drawn = [meant[prompt] if meant and self.obeys else draw(OTHER, SIDE) for prompt in prompts]
        self.known |= {one.pixels.tobytes(): one for one in drawn}
        return np.stack([one.pixels for one in drawn])


class Knowing(Eyes):
    """Knows the truth of what the fake painted; edges and colours it takes as the studio does."""

    def __init__(self, fake: Fake) -> None:
        super().__init__({})
        object.__setattr__(self, "fake", fake)

    def picture(self, shown: Image.Image) -> Picture:
        """What a picture was drawn from."""
        fake: Fake = self.fake  # type: ignore[attr-defined]
        return fake.known[np.asarray(shown).tobytes()]

    def map(self, detector: str, picture: Image.Image) -> Image.Image:
        """The true map."""
        truths = {"small_edges": soft_edges, "small_depth": depth}
        if detector not in truths:
            return super().map(detector, picture)
        return Image.fromarray(truths[detector](self.picture(picture)))

    def figures(self, picture: Image.Image) -> tuple[Any, ...]:
        """The true joints."""
        return tuple(people(self.picture(picture)))


def desk(fake: Fake, follows: bool = True, shown: Any = None) -> Desk:
    """A desk at which everything is known."""
    fake.known |= {one.drawing.pixels.tobytes(): one.drawing for k in KINDS for one in references(k, COUNT)}
    return Desk(fake.paint, Knowing(fake), shown, follows)


def table(at: Desk, *kinds: str) -> dict[str, Row]:
    """The rows by their names."""
    return {found.name: found for found in measure(at, list(kinds or KINDS), COUNT)}


def test_what_follows_its_reference_is_many_times_closer() -> None:
    rows = table(desk(Fake()))
    for kind in KINDS:
        alone, led = (rows[f"{kind}: distance {how} control"].value for how in ("without", "with"))
        assert led < 0.005 < 0.05 < alone, kind
        assert rows[f"{kind}: times closer"].value > GOAL and rows[f"{kind}: times closer"].ok


def test_a_net_that_changes_nothing_is_no_closer() -> None:
    rows = table(desk(Fake(obeys=False)))
    for kind in KINDS:
        assert rows[f"{kind}: times closer"].value == pytest.approx(1), kind
        assert not rows[f"{kind}: times closer"].ok


def test_without_a_net_nothing_is_said_of_control() -> None:
    fake = Fake()
    rows = table(desk(fake, follows=False))
    assert list(rows) == [f"{kind}: distance without control" for kind in KINDS]
    assert all(found.ok and found.goal is None for found in rows.values())
    assert not any(shown for _, shown in fake.asked), "no map is shown to anybody"


def test_what_control_costs_the_prompt_is_told_where_it_can_be_judged() -> None:
    def shown(pictures: Pictures, some: list[Reference]) -> float:
        return 0.6 if len({one.tobytes() for one in pictures}) > 1 else 0.7

    row = table(desk(Fake(), shown=shown), "canny")["canny: prompt, with less without"]
    assert row.value == pytest.approx(-0.1) and not row.ok


def test_references_are_held_out_and_the_same_each_time() -> None:
    for kind in ("pose", "depth"):
        some = references(kind, 3)
        assert all(is_held_out(one.drawing.scene) for one in some)
        assert [one.prompt for one in some] == [one.prompt for one in references(kind, 3)]
        assert all(one.drawing.scene.things[0].subject in one.prompt for one in some)
    assert all(len(people(one.drawing)) == 1 for one in references("pose", 3))


def test_beside_a_palette_another_thing_is_asked_for_than_the_one_it_is_taken_from() -> None:
    some, plain = references("palette", 3), references("colour", 3)
    assert [one.drawing.scene for one in some] == [one.drawing.scene for one in plain]
    assert [one.prompt for one in some] == [one.prompt for one in (*plain[1:], plain[0])]
    assert all(one.asked.things[0].subject in one.prompt for one in some)


def test_the_net_is_shown_what_the_studios_detectors_see() -> None:
    eyes, some = open_eyes(WEIGHTS), references("depth", COUNT)
    for kind, detector in (("canny", "canny"), ("soft_edge", "small_edges"), ("depth", "small_depth")):
        for one, shown in zip(some, maps_for(eyes, kind, some), strict=True):
            seen = eyes.map(detector, one.drawing.image).convert("RGB")
            assert np.array_equal(shown, np.asarray(seen)), kind


def test_a_figure_that_is_not_there_is_as_far_as_can_be() -> None:
    (one,) = references("pose", 1)
    empty = Knowing(Fake(known={one.drawing.pixels.tobytes(): draw(settle("car", "red", "plain"), SIDE)}))
    assert fidelity.pose_distance(empty, one.drawing.image, one.drawing, one.drawing.image) == 1.0


def test_a_net_that_is_silent_paints_what_is_painted_without_one() -> None:
    from pocket.painter import load_painter
    from pocket.train.controls import build_net

    torch.manual_seed(0)
    painter = load_painter(WEIGHTS)
    painter.fast = False
    some = references("canny", 2)
    net = build_net(painter.unet, Path("none")).eval().to(painter.device)
    paint = fidelity.painting(painter, net, steps=2, batch=1)
    words = [one.prompt for one in some], [one.seed for one in some]
    alone, led = (
        paint(*words, None),
        paint(*words, Shown("canny", maps_for(open_eyes(WEIGHTS), "canny", some))),
    )
    assert np.abs(alone.astype(int) - led).max() <= 1


class Net:
    """Says how light its maps are."""

    def __call__(self, x: Any, t: Any, words: Any, controlnet_cond: Any, return_dict: bool) -> Any:
        return (), controlnet_cond.mean((1, 2, 3))


class Unet:
    """Guesses what it is told in its middle."""

    config, parameters = None, None

    def __call__(self, x: Any, t: Any, words: Any, **more: Any) -> Any:
        return SimpleNamespace(sample=more["mid_block_additional_residual"])


def test_each_picture_of_a_batch_follows_its_own_map_as_loud_as_in_the_studio() -> None:
    painter = SimpleNamespace(unet=Unet(), device="cpu")
    maps = np.stack([np.full((8, 8, 3), level, np.uint8) for level in (51, 204)])
    told = fidelity.Following(painter, Net(), Shown("canny", maps))(torch.zeros(4, 4, 1, 1), 0, None).sample
    loud = read_catalog(fidelity.CATALOG).controls[fidelity.NET].loudness("even")
    each = [level * side for side in (loud.opposite, loud.own) for level in (0.2, 0.8)]
    assert told.tolist() == pytest.approx(each), "without words, then with them"
    assert loud.own != loud.opposite


@pytest.mark.parametrize("kind", ["colour", "palette"])
def test_colours_are_held_without_the_net(kind: str) -> None:
    from pocket.painter import load_painter

    class Guess(Unet):
        def __call__(self, x: Any, t: Any, words: Any, **more: Any) -> Any:
            assert not more
            return SimpleNamespace(sample=torch.zeros_like(x))

    painter = SimpleNamespace(unet=Guess(), vae=load_painter(WEIGHTS).vae.cpu(), device="cpu")
    shown = Shown(kind, maps_for(open_eyes(WEIGHTS), kind, references(kind, 1)))
    noise, time = torch.randn(2, 4, 32, 32, generator=torch.Generator().manual_seed(0)), torch.tensor(500)
    moved = fidelity.Following(painter, Net(), shown)(noise, time, None).sample
    assert moved.abs().mean() > 0.01 and torch.equal(moved[0], moved[1]), "without words as with them"


def test_what_follows_no_map_is_painted_once_and_what_follows_one_every_time() -> None:
    asked = []

    def paint(prompts: list[str], seeds: list[int], maps: Any) -> Any:
        asked.append((tuple(prompts), tuple(seeds), maps is None))
        return np.full((1, 2, 2, 3), len(asked), np.uint8)

    remembered, map = fidelity.remembering(paint), np.zeros((1, 2, 2, 3), np.uint8)
    first, again = (remembered(["a cat"], [1], None) for _ in range(2))
    others = [remembered(*other) for other in ((["a cat"], [2], None), (["a dog"], [1], None))]
    led = [remembered(["a cat"], [1], map) for _ in range(2)]
    assert [int(one.max()) for one in (first, again, *others, *led)] == [1, 1, 2, 3, 4, 5]
    assert [alone for *_, alone in asked] == [True, True, True, False, False]


def test_the_command_says_so_when_there_is_no_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fidelity", "--weights", str(tmp_path)])
    with pytest.raises(SystemExit) as told:
        fidelity.main()
    assert told.value.code == 2 and "no reader yet" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["fidelity", "smell"])
    with pytest.raises(SystemExit):
        fidelity.main()
    assert "unknown kinds smell" in capsys.readouterr().err


def test_the_command_says_plainly_that_there_is_no_net_and_writes_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    (tmp_path / "detectors").mkdir()
    (tmp_path / "detectors" / "reader.safetensors").touch()
    told = tmp_path / "rows.json"
    monkeypatch.setattr(fidelity, "open_desk", lambda weights, steps: desk(Fake(), follows=False))
    monkeypatch.setattr(
        sys, "argv", ["f", "colour", "--weights", str(tmp_path), "--count", "2", "--json", str(told)]
    )
    fidelity.main()
    said = capsys.readouterr().out
    assert "no control net in" in said and "colour: distance without control" in said
    (found,) = json.loads(told.read_text())
    assert found["name"] == "colour: distance without control" and found["goal"] is None
