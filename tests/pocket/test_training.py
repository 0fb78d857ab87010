"""The training code: settings, the autoencoder's head start, the judge's truth, the evaluation's prompts."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import pocket.train
from pocket.prompts import LANGUAGES, TASKS, task_prompts
from pocket.train.settings import Settings, from_dict
from pocket.world import draw, is_held_out, sample

torch = pytest.importorskip("torch")


def test_unknown_settings_are_errors() -> None:
    with pytest.raises(ValueError, match="unknown settings speed"):
        from_dict(Settings, {"speed": 1})
    with pytest.raises(ValueError, match="unknown settings depth"):
        from_dict(Settings, {"vae": {"depth": 1}})


def test_settings_read_nested_values() -> None:
    assert from_dict(Settings, {"unet": {"minutes": 5}}).unet.minutes == 5


def settings_of(name: str) -> Settings:
    """The settings of a file beside the training."""
    return from_dict(Settings, json.loads((Path(pocket.train.__file__).parent / name).read_text("utf-8")))


def test_the_settings_for_a_gpu_can_be_read() -> None:
    settings = settings_of("gpu.json")
    assert settings.beside and not settings.from_weights
    assert settings.unet.batch > Settings().unet.batch


def test_the_settings_that_a_curve_is_recorded_with_count_steps_and_touch_no_weights() -> None:
    settings = settings_of("cpu.json")
    assert all(stage.steps for stage in (settings.vae, settings.words, settings.unet))
    assert not settings.beside and not settings.from_weights
    assert settings.weights != Settings().weights


def test_evaluation_prompts_are_held_out_in_both_languages() -> None:
    for lang in LANGUAGES:
        prompts = task_prompts(60, lang)
        assert {p.task for p in prompts} == set(TASKS)
        assert all(is_held_out(p.scene) for p in prompts)


def test_both_languages_ask_for_the_same_scenes() -> None:
    english, chinese = (task_prompts(30, lang) for lang in LANGUAGES)
    assert [(p.scene, p.seed) for p in english] == [(p.scene, p.seed) for p in chinese]


def test_an_untrained_autoencoder_already_keeps_colour() -> None:
    from pocket.models import build_vae
    from pocket.start import start_linear
    from pocket.train.common import to_input

    torch.manual_seed(0)
    pixels = np.stack([draw(sample(i, plain=True)).pixels for i in range(3)])
    x = to_input(pixels, torch.device("cpu"))
    with torch.no_grad():
        vae = start_linear(build_vae())
        y = vae.decode(vae.encode(x).latent_dist.mode()).sample
    assert float((y.mean((2, 3)) - x.mean((2, 3))).abs().max()) < 0.1


def test_the_learning_rate_rises_then_falls_with_time() -> None:
    from pocket.train.common import Budget

    assert Budget(1).rate(1.0, 0) < 0.05
    assert Budget(1).rate(1.0, 500) > 0.95
    assert Budget(1, spent=60).rate(1.0, 500) < 0.05


def test_the_evaluation_believes_only_what_it_sees() -> None:
    from pocket.evaluate import shows
    from pocket.judge import Seen, Verdict

    scene = replace(sample(1, kind="pair"), relation="left")
    a, b = scene.things
    things = Seen(a.subject, a.colour, 0.2, 0.5), Seen(b.subject, b.colour, 0.8, 0.5)
    seen = Verdict(things, "sea", "flat", "day", ())
    assert shows("position", scene, seen) and shows("colour binding", scene, seen)
    assert not shows("position", replace(scene, relation="right"), seen)
    assert not shows("two objects", scene, replace(seen, things=things[:1]))


def test_the_evaluation_says_so_when_there_is_no_judge(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pocket.evaluate", "--weights", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "no judge yet" in told.stderr


def test_a_base_that_goes_on_keeps_the_scale_of_its_latents(tmp_path: Path) -> None:
    from pocket.train.latents import scaling

    drawn = (3 * np.random.default_rng(0).standard_normal((64, 4, 8, 8))).astype(np.float16)
    anew = replace(Settings(), run=tmp_path)
    assert scaling(anew, drawn) == pytest.approx(1 / 3, rel=0.05)
    kept = json.loads((anew.weights / "vae" / "config.json").read_text("utf-8"))["scaling_factor"]
    assert scaling(replace(anew, from_weights=True), drawn) == kept


def test_only_the_decoder_learns_from_rough_latents() -> None:
    from pocket.models import build_vae
    from pocket.start import start_linear
    from pocket.train.settings import VaeSettings
    from pocket.train.vae import decoder_loss, roughened

    torch.manual_seed(0)
    vae, x = start_linear(build_vae()), torch.rand(2, 3, 64, 64) * 2 - 1
    decoder_loss(vae, x, VaeSettings())[0].backward()
    assert all(p.grad is None for p in vae.encoder.parameters())
    assert any(p.grad is not None and p.grad.any() for p in vae.decoder.parameters())
    latents = torch.randn(64, 4, 8, 8)
    moved = (roughened(latents, 0.5) - latents).flatten(1).std(1)
    assert moved.min() < 0.1 < 0.3 < moved.max() < 0.6, "some stay clean, some get much of it"


def test_repainted_latents_and_pixels_lie_at_the_same_place(tmp_path: Path) -> None:
    from pocket.data import about
    from pocket.train.repaint import MARGIN, Repainted

    cells = np.arange(32 * 32, dtype=np.float16).reshape(32, 32)
    np.save(tmp_path / "repainted.npy", np.broadcast_to(cells, (3, 4, 32, 32)))
    np.save(tmp_path / "repainted-rows.npy", np.array([0, 2, 4]))
    whole = np.kron(cells, np.ones((8, 8)))[..., None] // 8
    np.save(tmp_path / "learned-256.npy", np.broadcast_to(whole.astype(np.uint8), (5, 256, 256, 1)))
    (tmp_path / "learned-256.done").write_text(about(5, 256))
    settings = replace(Settings(), run=tmp_path, data=tmp_path, pictures=5)
    latents, drawn = Repainted(settings).some(20, 16, np.random.default_rng(0))
    inner = latents[:, 0, MARGIN:-MARGIN, MARGIN:-MARGIN].numpy() // 8
    assert np.array_equal(drawn[:, ::8, ::8, 0].numpy(), inner.astype(np.uint8))
    assert len(np.unique(latents[:, 0, 0, 0])) > 10, "from everywhere"


def test_what_teaches_composition_gives_way_by_the_middle() -> None:
    from pocket.train.unet import falling, times

    assert [falling(0.5, 0.1, share) for share in (0, 0.25, 0.5, 1)] == pytest.approx([0.5, 0.3, 0.1, 0.1])
    s = Settings().unet
    begun, over = times(s, 0.0), times(s, 1.0)
    assert begun.late > over.late and begun.fine < over.fine


def test_times_lie_where_they_are_wanted() -> None:
    from pocket.train.unet import FINE, LATE, Times

    torch.manual_seed(0)
    for at, ends in ((Times(1.0, 0.0), LATE), (Times(0.0, 1.0), FINE), (Times(0.0, 0.0), (0, 1000))):
        drawn = at.draw(2000, torch.device("cpu"))
        assert ends[0] <= drawn.min() < ends[0] + 10 and ends[1] - 10 < drawn.max() < ends[1]
    assert (Times(0.5, 0.0).draw(4000, torch.device("cpu")) >= 600).float().mean() == pytest.approx(
        0.7, abs=0.04
    )


def test_a_control_net_is_trained_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from pocket.train.__main__ import STAGES, read_args

    monkeypatch.setattr(sys, "argv", ["train"])
    assert set(STAGES) - set(read_args().stages) == {"maps", "control", "detectors"}
    monkeypatch.setattr(sys, "argv", ["train", "control"])
    assert read_args().stages == ["control"]


def test_places_that_show_a_thing_count_more_and_all_together_as_much_as_before() -> None:
    torch = pytest.importorskip("torch")
    from pocket.train.feed import Batch
    from pocket.train.guide import Said
    from pocket.train.unet import counted

    subjects = torch.zeros(2, 16, 16, dtype=torch.long)
    subjects[0, 4:8, 8:12] = 3
    counts = counted(Batch(torch.zeros(2, 4, 32, 32), Said(subjects, subjects, subjects)), 3.0)
    assert counts.shape == (2, 1, 32, 32) and float(counts.mean()) == pytest.approx(1)
    thing, other = counts[0, 0, 8:16, 16:24], counts[1]
    assert thing.min() == thing.max() and float(thing.min() / other.max()) == pytest.approx(3)


def test_late_times_are_seen_blind_and_still_ask_for_the_picture() -> None:
    torch = pytest.importorskip("torch")
    from diffusers import DDPMScheduler

    from pocket.painter import BETAS
    from pocket.train.unet import BLIND, noised

    plan = DDPMScheduler(prediction_type="v_prediction", **BETAS)
    x, t = 5 * torch.ones(6, 4, 32, 32), torch.tensor([20, BLIND - 1, BLIND, 900, 950, 999])
    kept = plan.alphas_cumprod[t][:, None, None, None]
    for blind, traces in ((0.0, [True] * 6), (1.0, [True, True, False, False, False, False])):
        torch.manual_seed(0)
        seen, velocity = noised(plan, x, t, blind)
        assert [float(one.mean()) > 0.2 for one in seen] == traces
        back = kept.sqrt() * seen - (1 - kept).sqrt() * velocity
        assert torch.allclose(back, x, atol=1e-4)


def test_words_are_taught_kept_and_taken_only_by_a_run_that_grew_from_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    from pocket.models import build_text_encoder
    from pocket.train import words
    from pocket.train.feed import Feed
    from pocket.train.guide import Layout, build_teller
    from pocket.train.settings import WordsSettings

    ids = torch.ones(2, 1, 77, dtype=torch.int16)
    ids[:, 0, :4] = torch.tensor([(0, 10, 12, 11), (0, 10, 13, 11)])
    cells = torch.ones(2, 16, 16, dtype=torch.uint8)
    cells[0, :, 8:], cells[1, :, :8] = 2, 2
    things = torch.tensor([[0, 3, 5, 0]] * 2)
    feed = Feed(torch.zeros(2, 4, 8, 8), ids, Layout(cells, things, things), ids[0, 0].long(), 1.0, 2)
    monkeypatch.setattr(words, "open_feed", lambda _settings: feed)
    monkeypatch.setattr(words, "pick_device", lambda: torch.device("cpu"))
    quick = WordsSettings(minutes=0.02, batch=4)
    settings = Settings(run=tmp_path, compiled=False, from_weights=True, words=quick)
    encoder = build_text_encoder(50, 0, 1)
    words.train_words(settings, encoder)
    fresh = build_text_encoder(50, 0, 1)
    words.take_words(settings, fresh, build_teller(fresh))
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, fresh.state_dict()[name])
    with pytest.raises(SystemExit, match=r"words\.pt grew from other weights"):
        words.take_words(replace(settings, from_weights=False), fresh, build_teller(fresh))


def test_a_feed_takes_in_what_has_been_made_since_and_shows_nothing_else(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from pocket.growing import Growing
    from pocket.train.feed import Feed, Source
    from pocket.train.guide import Layout
    from pocket.train.settings import UnetSettings

    made, grown = np.arange(1, 9, dtype=np.float16), Growing(tmp_path / "latents.npy")
    latents = np.broadcast_to(made[:, None, None, None], (8, 4, 2, 2))
    captions, cells = np.ones((8, 1, 77), np.int16), np.ones((8, 16, 16), np.uint8)
    held = Layout(torch.zeros(8, 16, 16, dtype=torch.uint8), *[torch.tensor([[0, 3, 5, 0]] * 8)] * 2)
    feed = Feed(
        torch.zeros(8, 4, 2, 2), torch.zeros(8, 1, 77, dtype=torch.int16), held, torch.ones(77).long(),
        1.0, 0, Source(latents, captions, cells, grown),
    )  # fmt: skip
    for there in (3, 8):
        grown.tell(there)
        feed.grow()
        batch = feed.batch(UnetSettings(batch=400), np.random.default_rng(0))
        assert set(batch.latents[:, 0, 0, 0].tolist()) == set(range(1, there + 1))
        assert (batch.said.subjects == 3).all()
        assert len(feed.said(50, 1.0, np.random.default_rng(1)).ids) == 50


def test_what_stops_growing_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pocket import growing

    monkeypatch.setattr(growing, "PATIENCE", 0.05)
    monkeypatch.setattr(growing, "PAUSE", 0.01)
    grown = growing.Growing(tmp_path / "drawn.npy")
    grown.tell(5)
    assert grown.wait(4) == 5
    with pytest.raises(SystemExit, match="stopped growing at 5 of 6"):
        grown.wait(6)


def test_on_a_gpu_drawing_and_encoding_go_on_beside_the_training() -> None:
    from pocket.train.__main__ import lane_of

    asked = ["draw", "vae", "latents", "words", "unet", "export", "maps", "control"]
    assert lane_of("draw", asked) == ("draw", "maps") and lane_of("latents", asked) == ("latents",)
    assert not lane_of("unet", asked), "it is what they go on beside"
    assert not lane_of("draw", ["draw", "maps"]), "nothing to be beside of"


class Process:
    """One that is over when it is waited for, or broke off before."""

    pid = 0

    def __init__(self, name: str, told: list[str], broke: bool = False) -> None:
        self.name, self.told, self.returncode = name, told, 1 if broke else None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self) -> int:
        self.told.append(f"wait for {self.name}")
        self.returncode = self.returncode or 0
        return self.returncode


@pytest.fixture
def gone_through(monkeypatch: pytest.MonkeyPatch):
    """What happens while stages are gone through, maybe with a lane that breaks off at once."""
    from pocket.train import __main__ as command

    def go(asked: list[str], breaks: str = "") -> list[str]:
        told: list[str] = []

        def start(lane: tuple[str, ...], args: object) -> Process:
            told.append(f"start {' '.join(lane)}")
            return Process(" ".join(lane), told, broke=breaks in lane)

        monkeypatch.setattr(command, "start", start)
        monkeypatch.setattr(command, "stop", lambda beside: told.append(f"stop {len(beside)}"))
        monkeypatch.setattr(command, "begin", lambda stage, settings: told.append(f"begin {stage}"))
        monkeypatch.setattr(
            command, "run_stage", lambda stage, now: told.append(f"{stage}{' beside' if now.beside else ''}")
        )
        args = SimpleNamespace(aside=False)
        try:
            command.go_through(asked, args, replace(Settings(), beside=True))
        except SystemExit as error:
            told.append(str(error))
        return told

    return go


def test_a_lane_begins_at_its_turn_and_is_waited_for_where_it_is_needed(gone_through) -> None:
    asked = ["draw", "vae", "latents", "words", "unet", "decoder", "manner", "export", "maps", "control"]
    assert gone_through(asked) == [
        "begin draw", "begin maps", "start draw maps", "vae beside", "begin latents", "start latents",
        "words beside", "unet beside", "wait for draw maps", "wait for latents", "decoder beside",
        "manner beside", "export beside", "control beside", "stop 0",
    ]  # fmt: skip
    assert gone_through(["latents"]) == ["latents", "stop 0"], "alone it waits for nobody"


def test_what_broke_off_beside_is_not_gone_on_without(gone_through) -> None:
    told = gone_through(["draw", "latents", "words", "unet"], breaks="latents")
    assert told[-2:] == ["stop 2", "latents failed: what was wrong stands above"]
    assert not {"words beside", "unet beside"} & set(told)


def test_who_waits_for_what_failed_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pocket.train import __main__ as command
    from pocket.train.stages import encoded_beside

    def fails(stage: str, settings: Settings) -> None:
        encoded_beside(settings).tell(5)
        raise OSError("the disk is full")

    monkeypatch.setattr(command, "run_stage", fails)
    settings = Settings(run=tmp_path)
    with pytest.raises(OSError, match="disk is full"):
        command.tried("latents", settings, aside=True)
    with pytest.raises(SystemExit, match="stays incomplete"):
        encoded_beside(settings).wait(4)


def test_latents_follow_the_drawings_and_nothing_of_an_earlier_run_is_taken_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pocket.growing import Growing
    from pocket.train import latents
    from pocket.train.stages import begin, drawn_beside, encoded_beside

    monkeypatch.setattr(latents, "BATCH", 1)
    monkeypatch.setattr(latents, "SCALED", 2)
    monkeypatch.setattr(latents, "encoder", lambda _: lambda pixels, rows: (pixels.mean(), len(rows)))
    settings = Settings(run=tmp_path / "run", data=tmp_path / "data", pictures=3, beside=True)
    drawn, encoded = drawn_beside(settings), encoded_beside(settings)
    for stale in (drawn, encoded):
        stale.tell(99)
    for stage in ("draw", "latents"):
        begin(stage, settings)
    assert (drawn.count(), encoded.count()) == (0, 0)
    steps: list[tuple[int, int]] = []

    def wait(one: Growing, wanted: int) -> int:
        steps.append((wanted, encoded.count()))
        return wanted

    monkeypatch.setattr(Growing, "wait", wait)
    latents.make_latents(settings, np.arange(3, dtype=np.uint8)[:, None, None, None])
    assert steps == [(1, 0), (2, 0), (3, 2)], "one is not enough to know the scale by"
    assert encoded.count() == 3
    assert np.load(encoded.path)[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_half_made_latents_are_no_latents(tmp_path: Path) -> None:
    from pocket.growing import Growing
    from pocket.train.feed import open_source

    settings = Settings(run=tmp_path, pictures=3)
    for there in (None, 2):
        if there:
            Growing(tmp_path / "latents.npy").tell(there)
        with pytest.raises(SystemExit, match=f"{there or 0} of 3 latents"):
            open_source(settings)


def test_every_defect_has_its_lessons_and_the_faint_ones_more() -> None:
    from collections import Counter

    from pocket.train.scenes import FAINT, anything, first_of, flawed, learned
    from pocket.world.scene import DEFECTS

    count = 3_000
    some = first_of(count, anything, flawed)
    found = Counter(d for k in some for d in learned(k).defects)
    assert not any(learned(k).defects for k in set(range(some[-1])) - set(some)), "all other sorts are sound"
    faint, clear = ([found[d] / count for d in DEFECTS if (d in FAINT) == wanted] for wanted in (True, False))
    assert set(FAINT) < set(DEFECTS)
    assert min(clear) > 0.01 and min(faint) > 1.3 * max(clear)
    assert sum(found.values()) < 0.2 * some[-1]
