"""What every family must do. A family that joins the table is tested here at once, or fails by its name."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from studio.diffusion.families import Painter, painter, register
from studio.diffusion.run import Watcher, paint
from studio.diffusion.samplers import scheduler
from studio.diffusion.stopping import Stopped
from studio.errors import StudioError
from studio.families import FAMILIES, Family
from studio.messages import GenerationRequest
from studio.models.loading import load_weights, plan
from studio.models.registry import Loaded
from studio.weights import Hashes
from tests.diffusion.painting import loaded, pixels, quietly, request
from tests.tiny_families import BUILDERS, VARIANTS

CASES = {name: (name, BUILDERS.get(name)) for name in FAMILIES} | VARIANTS


@dataclass(frozen=True)
class Case:
    """A family, one tiny checkpoint of it, and that checkpoint loaded."""

    family: Family
    checkpoint: Path
    model: Loaded

    def asked(self, **changes: object) -> GenerationRequest:
        return request(**{"sampler": self.family.samplers[0].id} | changes)

    def picture(self, **changes: object) -> bytes:
        return quietly(self.model, self.asked(**changes)).data


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    family, builder = CASES[request.param]
    assert builder, f"family {family} has no tiny checkpoint: add one to BUILDERS in tests/tiny_families.py"
    checkpoint = builder(tmp_path_factory.mktemp(request.param))
    return Case(FAMILIES[family], checkpoint, loaded(checkpoint, family))


def test_a_picture_equals_the_library_called_by_hand(case: Case) -> None:
    ours = painter(case.family.id)
    # Parts that a checkpoint does without have to be named to the library.
    absent = dict.fromkeys({"text_encoder_3", "tokenizer_3"} & ours.parts - case.model.parts.keys())
    by_hand = ours.pipeline.from_pretrained(
        str(case.checkpoint), local_files_only=True, **absent, **ours.settings
    )
    asked = case.asked()
    by_hand.scheduler = scheduler(asked.sampler, by_hand.scheduler)
    picture = by_hand(
        asked.prompt,
        negative_prompt=asked.negative,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.steps,
        guidance_scale=asked.guidance,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
    ).images[0]
    painted = np.frombuffer(quietly(case.model, asked).data, np.uint8).astype(int)
    assert np.abs(painted - np.asarray(picture).astype(int).ravel()).max() <= 1


def test_a_picture_has_the_size_asked_for(case: Case) -> None:
    media = quietly(case.model, case.asked(width=128, height=64))
    assert (media.size.width, media.size.height, len(media.data)) == (128, 64, 128 * 64 * 3)


def test_the_smallest_step_between_sizes_works(case: Case) -> None:
    media = quietly(case.model, case.asked(width=64 + case.family.multiple, height=64))
    assert media.size.width == 64 + case.family.multiple


def test_the_same_request_gives_the_same_bytes(case: Case) -> None:
    assert case.picture() == case.picture()


def test_every_setting_changes_the_picture(case: Case) -> None:
    changes = [{}, {"seed": 8}, {"prompt": "a blue house"}, {"guidance": 7.0}, {"steps": 4}]
    changes += [{"negative": ""}] if case.family.negative else []
    assert len({case.picture(**change) for change in changes}) == len(changes)


def test_without_guidance_there_is_nothing_to_paint_against(case: Case) -> None:
    pictures = {case.picture(guidance=guidance, negative=text) for guidance in (0, 1) for text in ("", "cat")}
    assert len(pictures) == 1 and len(set(pictures.pop())) > 10


def test_an_unwanted_picture_stops_at_its_next_step(case: Case) -> None:
    seen: list[int] = []
    watcher = Watcher(lambda stage, step, *_: seen.append(step), lambda: len(seen) == 2)
    with pytest.raises(Stopped) as stopped:
        paint(case.model, case.asked(steps=9), "cpu", watcher)
    assert stopped.value.step == 3 and seen == [1, 2]
    assert len(case.picture()) == 64 * 64 * 3


def test_the_first_step_shows_a_preview_of_the_right_shape(case: Case) -> None:
    previews: list[bytes | None] = []
    watcher = Watcher(lambda *told: previews.append(told[3]), lambda: False)
    paint(case.model, case.asked(width=128, height=64), "cpu", watcher)
    assert previews[0]
    width, height = Image.open(io.BytesIO(previews[0])).size
    assert width == 2 * height


def test_every_sampler_it_names_paints_to_the_end_and_no_two_alike(case: Case) -> None:
    pictures = set()
    for sampler in case.family.samplers:
        steps: list[tuple[int, int]] = []
        watcher = Watcher(lambda stage, step, of, _, told=steps: told.append((step, of)), lambda: False)
        media = pixels(paint(case.model, case.asked(sampler=sampler.id, steps=6), "cpu", watcher))
        assert steps[-1][0] == steps[-1][1], sampler.id
        assert len(set(media.data)) > 10, sampler.id
        pictures.add(media.data)
    assert len(pictures) == len(case.family.samplers)


def test_painting_leaves_the_shared_weights_as_they_were(case: Case) -> None:
    denoiser = case.model.parts[case.family.denoiser]
    before = {name: tensor.clone() for name, tensor in denoiser.state_dict().items()}
    case.picture()
    after = denoiser.state_dict()
    assert all(
        after[name].dtype == tensor.dtype and after[name].equal(tensor) for name, tensor in before.items()
    )


def test_what_the_table_says_of_its_latents_is_so(case: Case) -> None:
    vae = case.model.parts["vae"]
    assert vae.config.latent_channels == case.family.channels
    assert 2 ** (len(vae.config.block_out_channels) - 1) == case.family.factor


def test_its_plan_names_its_parts_and_counts_their_numbers(case: Case, tmp_path: Path) -> None:
    parts = plan(case.checkpoint, case.family.id, Hashes(tmp_path))
    assert {part.name for part in parts} >= set(case.family.parts)
    for part in parts:
        # Some encoders hold one table of words under two names.
        held = {one.data_ptr(): one.numel() for one in case.model.parts[part.name].state_dict().values()}
        assert part.elements == sum(held.values())


def test_a_checkpoint_of_another_family_is_refused(case: Case, tmp_path: Path) -> None:
    for other in set(FAMILIES) - {case.family.id}:
        with pytest.raises(StudioError) as error:
            plan(case.checkpoint, other, Hashes(tmp_path))
        assert error.value.code == "family_wrong"


def test_a_denoiser_that_lacks_a_weight_is_refused(case: Case, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(case.checkpoint, tmp_path / "model"))
    file = broken / case.family.denoiser / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    lost = sorted(weights)[0]
    save_file({name: tensor for name, tensor in weights.items() if name != lost}, file)
    with pytest.raises(StudioError) as error:
        load_weights(broken, case.family.id, case.family.parts, "cpu", torch.float32)
    assert error.value.code == "weights_incomplete" and error.value.params["key"] == lost


def test_a_checkpoint_without_a_part_it_needs_is_refused(case: Case, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(case.checkpoint, tmp_path / "model"))
    index = json.loads((broken / "model_index.json").read_text())
    (broken / "model_index.json").write_text(json.dumps(index | {"text_encoder": [None, None]}))
    with pytest.raises(StudioError) as error:
        plan(broken, case.family.id, Hashes(tmp_path))
    assert error.value.code == "part_missing" and error.value.params["part"] == "text_encoder"


def test_every_family_has_a_painter_and_a_tiny_checkpoint() -> None:
    assert {painter(name).family for name in FAMILIES} == set(BUILDERS) == set(FAMILIES)


def test_a_second_painter_of_one_family_is_refused() -> None:
    known = painter("sd1")
    with pytest.raises(ValueError, match="sd1"):
        register(Painter("sd1", known.pipeline, known.encode))
