"""Workers of this machine: what happens to one does not happen to the studio."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from studio.engine import local
from studio.engine.local import LocalEngine, ProcessHost, ThreadHost
from studio.messages import Answered, Cancelled, Done, Draft, Failed, Loading, Person, Saved, Step
from studio.service import Studio
from studio.settings import Settings
from tests.training.bringing import draft as set_of_four
from tests.worlds import PATIENCE, local_engine, paint, tiny_catalog, told, wait_for

ANN = Person(id="ann")
ADMIN = Person(id="ann", role="admin")
Host = type[ThreadHost] | type[ProcessHost]


def make(folder: Path, checkpoint: Path, host: Host, silence_seconds: float = PATIENCE) -> Studio:
    catalog = tiny_catalog(folder, tiny=checkpoint)
    engine = local_engine(folder / "data", host, silence_seconds)
    return Studio(Settings(data=folder / "data"), catalog, engine)


@pytest.fixture
def studio(tmp_path: Path, tiny_checkpoint: Path) -> Iterator[Studio]:
    studio = make(tmp_path, tiny_checkpoint, ThreadHost)
    studio.start()
    yield studio
    studio.close()


@pytest.fixture(scope="module")
def with_process(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Iterator[Studio]:
    studio = make(tmp_path_factory.mktemp("process"), tiny_checkpoint, ProcessHost)
    studio.start()
    yield studio
    studio.close()


def draft(**changes: object) -> Draft:
    return Draft(model="tiny", prompt="a red cat", seed=7, steps=3).model_copy(update=changes)


def lane(studio: Studio) -> local.Lane:
    engine = studio._engine
    assert isinstance(engine, LocalEngine)
    return engine._lanes["cpu"]


def worker_pid(studio: Studio) -> int:
    return host_of(studio).process.pid


def host_of(studio: Studio) -> ProcessHost:
    host = lane(studio).start().host
    assert isinstance(host, ProcessHost)
    return host


def test_the_model_is_loaded_for_the_first_picture_only(studio: Studio) -> None:
    assert studio.models(ANN)[0].place == "disk"
    assert any(isinstance(event, Loading) for event in paint(studio, draft(), ANN))
    assert studio.models(ANN)[0].place == "resident"
    assert not any(isinstance(event, Loading) for event in paint(studio, draft(), ANN))


def test_the_same_request_gives_the_same_bytes(studio: Studio) -> None:
    pictures = [
        event.picture for _ in range(2) for event in paint(studio, draft(), ANN) if isinstance(event, Saved)
    ]
    files = [studio.picture_file(picture.id, ANN) for picture in pictures]
    from PIL import Image

    assert Image.open(files[0]).tobytes() == Image.open(files[1]).tobytes()


def test_the_recipe_says_what_the_picture_was_made_on(studio: Studio) -> None:
    paint(studio, draft(), ANN)
    recipe = studio.pictures(ANN)[0].recipe
    assert recipe.mode in ("cpu float32", "cpu bfloat16")
    assert len(recipe.model_hash) == 10
    assert recipe.took > 0


def test_a_stop_takes_effect_within_a_step_and_the_next_job_runs(studio: Studio) -> None:
    job = studio.submit(draft(steps=50), ANN)
    wait_for(studio, job, ANN, Step)
    studio.cancel(job, ANN)
    last = told(studio, job, ANN)[-1]
    assert isinstance(last, Cancelled) and last.step < 50
    assert isinstance(paint(studio, draft(), ANN)[-1], Done)


def test_a_picture_is_the_same_after_another_was_stopped(studio: Studio) -> None:
    def pixels() -> bytes:
        from PIL import Image

        saved = next(event for event in paint(studio, draft(), ANN) if isinstance(event, Saved))
        return Image.open(studio.picture_file(saved.picture.id, ANN)).tobytes()

    before = pixels()
    job = studio.submit(draft(steps=50, seed=8), ANN)
    wait_for(studio, job, ANN, Step)
    studio.cancel(job, ANN)
    told(studio, job, ANN)
    assert pixels() == before


def test_a_checkpoint_that_lacks_a_key_is_refused_and_the_next_model_paints(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    broken = copy_without_a_key(tiny_checkpoint, tmp_path / "broken")
    catalog = tiny_catalog(tmp_path, broken=broken, tiny=tiny_checkpoint)
    engine = local_engine(tmp_path / "data", ThreadHost)
    studio = Studio(Settings(data=tmp_path / "data"), catalog, engine)
    studio.start()
    last = paint(studio, draft(model="broken"), ANN)[-1]
    assert isinstance(last, Failed) and last.code == "weights_incomplete"
    assert last.params["part"] == "unet"
    assert isinstance(paint(studio, draft(), ANN)[-1], Done)
    assert [held.model for held in engine.devices()[0].held] == ["tiny"]
    studio.close()


def copy_without_a_key(checkpoint: Path, to: Path) -> Path:
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(checkpoint, to)
    path = to / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, path)
    return to


def test_a_killed_worker_fails_its_job_with_try_again_and_the_next_one_runs(with_process: Studio) -> None:
    job = with_process.submit(draft(steps=50, count=2), ANN)
    wait_for(with_process, job, ANN, Step)
    killed = worker_pid(with_process)
    os.kill(killed, signal.SIGKILL)
    last = told(with_process, job, ANN)[-1]
    assert isinstance(last, Failed) and last.code == "worker_lost"
    assert with_process.models(ANN)[0].place == "disk"
    assert isinstance(paint(with_process, draft(), ANN)[-1], Done)
    assert worker_pid(with_process) != killed


def test_a_worker_that_died_while_idle_is_replaced_unnoticed(with_process: Studio) -> None:
    paint(with_process, draft(), ANN)
    host = host_of(with_process)
    os.kill(host.process.pid, signal.SIGKILL)
    host.process.wait()
    assert isinstance(paint(with_process, draft(), ANN)[-1], Done)


def test_a_worker_that_says_nothing_for_too_long_is_replaced(tmp_path: Path, tiny_checkpoint: Path) -> None:
    studio = make(tmp_path, tiny_checkpoint, ProcessHost, silence_seconds=2.0)
    studio.start()
    stopped = worker_pid(studio)
    os.kill(stopped, signal.SIGSTOP)
    last = paint(studio, draft(), ANN)[-1]
    assert isinstance(last, Failed) and last.code == "worker_hung"
    studio.close()


def test_the_end_of_the_studio_is_the_end_of_its_worker(tmp_path: Path, tiny_checkpoint: Path) -> None:
    studio = make(tmp_path, tiny_checkpoint, ProcessHost)
    studio.start()
    host = host_of(studio)
    host.connection.close()  # as when the web process is gone, in whatever way
    deadline = time.monotonic() + PATIENCE
    while host.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert host.process.poll() is not None
    studio.close()


def test_a_worker_that_cannot_start_fails_the_job_and_not_the_studio(
    tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local.sys, "executable", "/bin/false")
    studio = make(tmp_path, tiny_checkpoint, ProcessHost)
    studio.start()
    last = paint(studio, draft(), ANN)[-1]
    assert isinstance(last, Failed) and last.code == "worker_lost"
    studio.close()


# -- training --------------------------------------------------------------------------------------


def test_a_worker_paints_while_a_lora_learns_which_is_then_on_the_shelf(studio: Studio) -> None:
    plain = next(event for event in paint(studio, draft(), ADMIN) if isinstance(event, Saved))
    wish = set_of_four(studio.settings.data, steps=40, rank=4, batch=1, sample_every=40)
    training = studio.train(wish, ADMIN)
    wait_for(studio, training, ADMIN, Step)
    painted = next(event for event in paint(studio, draft(), ADMIN) if isinstance(event, Saved))
    files = (studio.picture_file(one.picture.id, ADMIN).read_bytes() for one in (plain, painted))
    assert len({Image.open(io.BytesIO(file)).tobytes() for file in files}) == 1
    events = told(studio, training, ADMIN)
    assert isinstance(events[-1], Done)
    answered = next(event for event in events if isinstance(event, Answered))
    assert answered.lora == "zub.safetensors"
    # The shelf looks at its folders no more than once a second.
    deadline = time.monotonic() + PATIENCE
    while not studio.library.loras and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [lora.title.en for lora in studio.library.loras.values()] == ["zub"]


def test_what_a_lost_worker_did_fails_and_nothing_that_the_new_one_does(with_process: Studio) -> None:
    wish = set_of_four(with_process.settings.data, steps=20000, rank=4, batch=1, sample_every=20000)
    training = with_process.train(wish, ADMIN)
    wait_for(with_process, training, ADMIN, Step)
    os.kill(worker_pid(with_process), signal.SIGKILL)
    painted = paint(with_process, draft(), ADMIN)
    if isinstance(painted[-1], Failed):  # it was handed over before the end was noticed
        painted = paint(with_process, draft(), ADMIN)
    last = told(with_process, training, ADMIN)[-1]
    assert isinstance(last, Failed) and last.code == "worker_lost"
    assert isinstance(painted[-1], Done)
    with_process.resume(training, ADMIN)
    wait_for(with_process, training, ADMIN, Step)
    with_process.cancel(training, ADMIN)
    assert isinstance(told(with_process, training, ADMIN)[-1], Cancelled)
