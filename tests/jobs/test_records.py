"""Job records: whole or not at all, and strange ones left alone."""

from __future__ import annotations

from pathlib import Path

from studio.jobs import records
from studio.jobs.records import JobRecords
from studio.messages import Draft, Job
from tests.samples import training


def job(id: str, **changes: object) -> Job:
    return Job(id=id, person="p", draft=Draft(model="m"), requests=(), created=1.0).model_copy(update=changes)


def test_the_last_state_written_is_the_one_read(tmp_path: Path) -> None:
    kept = JobRecords(tmp_path)
    kept.write(job("1"))
    kept.write(job("1", state="running"))
    assert [one.state for one in JobRecords(tmp_path).read()] == ["running"]
    assert not list(tmp_path.glob("**/*.part"))


def test_a_record_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    JobRecords(tmp_path).write(job("2"))
    (tmp_path / "jobs" / "1.json").write_text('{"format": 99}', encoding="utf-8")
    assert [one.id for one in JobRecords(tmp_path).read()] == ["2"]
    assert (tmp_path / "jobs" / "1.json").is_file()


def test_only_the_newest_records_are_kept(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(records, "KEPT", 2)
    for id in ("1", "2", "3"):
        JobRecords(tmp_path).write(job(id))
    assert [one.id for one in JobRecords(tmp_path).read()] == ["2", "3"]
    assert len(list((tmp_path / "jobs").iterdir())) == 2


def test_a_training_that_may_go_on_is_kept_however_old_it_is(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(records, "KEPT", 2)
    kept = JobRecords(tmp_path)
    kept.write(job("1", requests=(training(id="1-1", job="1"),), state="cancelled"))
    kept.write(job("2", requests=(training(id="2-1", job="2"),), state="done", ended=("2-1",)))
    for id in ("3", "4"):
        kept.write(job(id))
    assert [one.id for one in JobRecords(tmp_path).read()] == ["1", "3", "4"]
    assert not (tmp_path / "jobs" / "2.json").exists()
