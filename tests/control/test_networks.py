"""Every detector with weights: brought by the registry, run with random ones, refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from studio.catalog import COMPLETE, store_of
from studio.control import DETECT, taken
from studio.controls import DETECTORS
from studio.errors import StudioError, say_trouble
from studio.messages import DetectorSpec, HubSource
from studio.models import detectors
from studio.models.detectors import FOLDERS, NETWORKS
from studio.models.devices import Device
from studio.models.registry import Registry
from tests.control.samples import scene
from tests.control.tiny import detector_spec, network_file, network_folder, published

HEAVY = {"openpose", "openpose_hand", "openpose_face", "leres", "bae", "line_art_anime"}
"""Hundreds of megabytes of random weights: whoever changes detectors runs these."""
BEHIND = "openpose_hand", "openpose_face"
"""They see what another one cuts out for them."""


def marked(ids: Any) -> list[Any]:
    return [pytest.param(id, marks=pytest.mark.slow) if id in HEAVY else id for id in sorted(ids)]


def reads(network: str) -> list[str]:
    """The detectors that take maps with a network."""
    return [id for id, detector in DETECTORS.items() if detector.entered == network and id in DETECT]


def registry(data: Path, budget: int = 10**10) -> Registry:
    return Registry(Device("cpu", torch.float32, budget), data)


def brought(detector: str, folder: Path) -> DetectorSpec:
    make = network_folder if detector in FOLDERS else network_file
    return detector_spec(detector, make(detector, folder))


def settings(detector: str, **more: float) -> dict[str, float]:
    own = {one.name: one.default for one in DETECTORS[detector].settings}
    return own | ({"resolution": 128} if "resolution" in own else {}) | more


def refused(data: Path, spec: DetectorSpec) -> StudioError:
    kept = registry(data)
    with pytest.raises(StudioError) as told, kept.lease(spec):
        pass
    assert kept.held() == ()
    assert say_trouble("zh", told.value.trouble) != say_trouble("en", told.value.trouble)
    return told.value


def test_every_detector_with_weights_has_a_network_and_every_one_takes_maps() -> None:
    weighty = {detector.entered for detector in DETECTORS.values() if detector.weights}
    assert set(NETWORKS) | set(FOLDERS) == weighty and not set(NETWORKS) & set(FOLDERS)
    assert set(DETECT) == set(DETECTORS) - set(BEHIND)


@pytest.mark.parametrize("detector", marked(set(NETWORKS) | set(FOLDERS)))
def test_a_detector_is_brought_counted_and_run_and_its_map_has_the_references_size(
    detector: str, tmp_path: Path
) -> None:
    spec, kept = brought(detector, tmp_path), registry(tmp_path)
    foreseen = kept.forecast(spec).loads
    with kept.lease(spec) as loaded:
        network = loaded.parts["network"]
        weights = sum(4 * one.numel() for one in network.state_dict().values())
        assert kept.held()[0].bytes == foreseen == weights
        assert bool(reads(detector)) == (detector not in BEHIND)
        for one in reads(detector):
            found = taken(one, scene(), settings(one), loaded.parts)
            assert (found.size, found.mode) == ((150, 100), "RGB")
    kept.unload()
    assert kept.held() == ()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (1, 400), (3000, 2)])
@pytest.mark.parametrize("detector", sorted({*NETWORKS, *FOLDERS} - HEAVY))
def test_a_picture_of_hardly_any_pixels_has_a_map_too(
    detector: str, size: tuple[int, int], tmp_path: Path
) -> None:
    with registry(tmp_path).lease(brought(detector, tmp_path)) as loaded:
        for one in reads(detector):
            assert taken(one, scene(*size), settings(one), loaded.parts).size == size


@pytest.mark.parametrize("detector", ["hed", "pidinet"])
def test_a_scribble_has_strokes_of_two_levels(detector: str, tmp_path: Path) -> None:
    with registry(tmp_path).lease(brought(detector, tmp_path)) as loaded:
        drawn = taken(detector, scene(128, 128), settings(detector, scribble=1), loaded.parts)
        shaded = taken(detector, scene(128, 128), settings(detector), loaded.parts)
    assert set(np.unique(np.asarray(drawn))) <= {0, 255}
    assert drawn.tobytes() != shaded.tobytes()


@pytest.mark.parametrize("detector", ["midas", "zoe"])
def test_depth_takes_all_levels_and_two_ways_of_counting_it_are_opposite(
    detector: str, tmp_path: Path
) -> None:
    with registry(tmp_path).lease(brought(detector, tmp_path)) as loaded:
        found = taken(detector, scene(), settings(detector), loaded.parts)
    assert found.getextrema()[0] == (0, 255)


def test_near_is_bright_and_nothing_is_near_where_depth_does_not_differ() -> None:
    from studio.control.levels import as_levels

    ramp = np.tile(np.linspace(2.0, 9.0, 50), (20, 1))
    levels = np.asarray(as_levels(ramp))[0, :, 0]
    assert (np.diff(levels.astype(int)) >= 0).all() and (levels[0], levels[-1]) == (0, 255)
    assert as_levels(np.full((4, 4), 7.0)).getextrema() == ((0, 0),) * 3
    assert as_levels(np.array([[np.nan, 1.0], [2.0, np.inf]])).size == (2, 2)


def test_regions_have_the_colours_of_their_classes(tmp_path: Path) -> None:
    with registry(tmp_path).lease(brought("segformer", tmp_path)) as loaded:
        found = taken("segformer", scene(), settings("segformer"), loaded.parts)
    known = {tuple(colour) for colour in detectors.library("util").ade_palette()}
    assert set(map(tuple, np.asarray(found).reshape(-1, 3).tolist())) <= known


@pytest.mark.slow
def test_hands_and_faces_are_looked_for_with_weights_of_their_own(tmp_path: Path) -> None:
    kept = registry(tmp_path)
    with (
        kept.lease(brought("openpose", tmp_path)) as body,
        kept.lease(brought("openpose_hand", tmp_path)) as hand,
        kept.lease(brought("openpose_face", tmp_path)) as face,
    ):
        tools = body.parts | {"hands": hand.parts["network"], "face": face.parts["network"]}
        found = taken("openpose", scene(), settings("openpose", hands=1, face=1), tools)
    assert found.size == (150, 100)


def test_lines_are_drawn_where_the_network_sees_them_and_its_errors_are_errors(tmp_path: Path) -> None:
    with registry(tmp_path).lease(brought("mlsd", tmp_path)) as loaded:
        some = taken("mlsd", scene(), settings("mlsd"), loaded.parts)
        none = taken("mlsd", scene(), settings("mlsd", score=0.99), loaded.parts)
    assert some.getextrema()[0][1] == 255 and none.getextrema() == ((0, 0),) * 3
    with pytest.raises(AttributeError):
        taken("mlsd", scene(), settings("mlsd"), {"network": None})


# -- what is refused ------------------------------------------------------------------------------


def test_a_missing_weight_is_refused_by_its_name(tmp_path: Path) -> None:
    file = network_file("hed", tmp_path)
    weights = load_file(file)
    del weights["block3.convs.1.weight"]
    save_file(weights, file)
    told = refused(tmp_path, detector_spec("hed", file))
    assert (told.code, told.params["key"]) == ("weights_incomplete", "block3.convs.1.weight")


def test_weights_of_another_detector_are_refused(tmp_path: Path) -> None:
    file = network_file("hed", tmp_path)
    assert refused(tmp_path, detector_spec("line_art_realistic", file)).code == "weights_incomplete"


def test_a_folder_that_lacks_a_weight_or_its_input_is_refused(tmp_path: Path) -> None:
    folder = network_folder("midas", tmp_path)
    weights = load_file(folder / "model.safetensors")
    unused = [name for name in weights if name.startswith(detectors.NEVER_CALLED)]
    # What the library never calls is missing in what is published too.
    fewer = {name: one for name, one in weights.items() if name not in unused}
    save_file(fewer, folder / "model.safetensors", metadata={"format": "pt"})
    with registry(tmp_path).lease(detector_spec("midas", folder)) as loaded:
        assert unused and loaded.bytes > 0
    fewer.pop("head.head.0.weight")
    save_file(fewer, folder / "model.safetensors", metadata={"format": "pt"})
    told = refused(tmp_path / "other", detector_spec("midas", folder))
    assert (told.code, told.params["key"]) == ("weights_incomplete", "head.head.0.weight")
    network_folder("midas", tmp_path)
    (folder / detectors.PROCESSOR).unlink()
    assert refused(tmp_path / "third", detector_spec("midas", folder)).code == "weights_missing"


def test_what_is_no_file_or_cut_short_or_a_pickle_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, detector_spec("hed", tmp_path / "no.safetensors")).code == "weights_missing"
    file = network_file("pidinet", tmp_path)
    file.write_bytes(file.read_bytes()[:-100])
    assert refused(tmp_path, detector_spec("pidinet", file)).code == "weights_truncated"
    torch.save({"a": torch.zeros(1)}, tmp_path / "x.pth")
    assert refused(tmp_path, detector_spec("hed", tmp_path / "x.pth")).code == "weights_pickled"


def test_an_entry_for_a_detector_without_weights_is_refused(tmp_path: Path) -> None:
    file = network_file("pidinet", tmp_path)
    assert refused(tmp_path, detector_spec("canny", file)).code == "detector_weightless"


def test_a_detector_goes_for_another_like_any_entry(tmp_path: Path) -> None:
    first, second = brought("line_art_realistic", tmp_path), brought("hed", tmp_path)
    larger = registry(tmp_path).forecast(second).loads
    kept = registry(tmp_path, budget=larger + 10**6)
    for spec in (first, second):
        with kept.lease(spec):
            assert [one.model for one in kept.held()] == [spec.id]


# -- pickles that the catalog names ---------------------------------------------------------------

WRAPPED = {"pidinet": "state_dict", "line_art_realistic": ""}


@pytest.mark.parametrize(("detector", "wrapping"), WRAPPED.items())
def test_a_pickle_that_the_catalog_names_is_made_safetensors_once_and_used(
    detector: str, wrapping: str, tmp_path: Path
) -> None:
    spec = pickled(detector, wrapping, tmp_path)
    with registry(tmp_path).lease(spec) as loaded:
        assert taken(detector, scene(), settings(detector), loaded.parts).size == (150, 100)
    made = tmp_path / "converted" / f"{spec.source.sha256}.safetensors"
    assert made.is_file()


def test_the_wrapping_of_leres_is_known_and_a_changed_pickle_is_refused(tmp_path: Path) -> None:
    from studio.models.converting import weights_of

    spec = pickled("pidinet", "depth_model", tmp_path)
    assert load_file(weights_of(spec, tmp_path)).keys() == published("pidinet").keys()
    other = spec.model_copy(update={"source": spec.source.model_copy(update={"sha256": "0" * 64})})
    assert refused(tmp_path, other).code == "hash_wrong"


def pickled(detector: str, wrapping: str, data: Path) -> DetectorSpec:
    """An entry whose fetched file is a pickle, as training programs write them."""
    import hashlib
    import json

    weights = published(detector)
    file = data / "w.pth"
    torch.save({wrapping: weights, "epoch": 3} if wrapping else weights, file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    source = HubSource(repo="some/one", file="w.pth", sha256=sha256)
    store = store_of(source, data)
    store.mkdir(parents=True)
    file.rename(store / "w.pth")
    size = (store / "w.pth").stat().st_size
    (store / COMPLETE).write_text(json.dumps({"files": {"w.pth": size}}), "utf-8")
    return detector_spec(detector, data).model_copy(update={"source": source})


def test_a_picture_with_more_classes_than_there_are_colours_is_refused(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from studio.control import regions

    with pytest.raises(StudioError, match="weights_unusable"):
        regions._palette(SimpleNamespace(num_labels=151).num_labels)
    assert Image.fromarray(regions._palette(150)[None]).size == (150, 1)
