"""Trainings as background processes: real ones, small."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from adrec.errors import RunError
from adrec.files import read_json, write_json
from adrec.runs import ENDED, RunFolder
from app import jobs
from tests.app.conftest import LONG, QUICK, process_of, state, trains, wait_for

pytestmark = pytest.mark.slow


def test_without_anyone_looking_a_run_trains_to_the_end_after_one_that_fails_and_says_why(root: Path) -> None:
    jobs.submit(root, "bad", ["--dataset=/no/such/file.csv"])
    jobs.submit(root, "one", QUICK)
    wait_for(lambda: (root / "one" / "status.json").is_file() and read_json(root / "one" / "status.json")["state"] == "finished")
    assert RunFolder(root / "one").stages == ["pretrain", "warmup", "finetune"]
    job = jobs.job(root, "bad")
    assert job is not None and job.state == "failed" and str(job.error).startswith("'/no/such/file.csv' is neither a named data set")


def test_runs_train_one_after_the_other_and_one_taken_out_of_the_queue_never_starts(root: Path) -> None:
    jobs.submit(root, "first", LONG)
    wait_for(lambda: trains(root, "first"))
    for name in ("second", "third"):
        jobs.submit(root, name, QUICK)
    time.sleep(3 * jobs.POLL)
    second = jobs.job(root, "second")
    assert second is not None and (second.state, second.ahead) == ("queued", 1)  # it waits for the first
    jobs.work(root)  # returns at once: only one worker works at a time
    assert state(root, "second") == "queued"
    jobs.stop(root, "third")
    jobs.stop(root, "first")
    wait_for(lambda: state(root, "second") == "finished")  # it starts when the one before it has stopped
    assert state(root, "first") == "stopped"
    jobs._workers[root].wait(20)
    assert state(root, "third") == "stopped" and not RunFolder(root / "third").exists


def test_a_stopped_run_says_stopping_and_goes_on_from_its_checkpoint_and_when_a_command_line_goes_on_it_is_not_stopping(root: Path) -> None:
    jobs.submit(root, "one", LONG)
    wait_for(lambda: trains(root, "one"))
    process_of(root, "one").suspend()
    jobs.stop(root, "one")
    during = state(root, "one")
    process_of(root, "one").resume()
    wait_for(lambda: state(root, "one") == "stopped")
    assert during == "stopping"
    before = max(e.get("step", 0) for e in RunFolder(root / "one").events()[0])
    jobs.resume(root, "one")
    wait_for(lambda: trains(root, "one") and RunFolder(root / "one").events()[0][-1].get("step", 0) > before)
    kinds = [e["kind"] for e in RunFolder(root / "one").events()[0]]
    assert kinds.count("resumed") == 1
    process_of(root, "one").suspend()
    jobs.stop(root, "one")
    process_of(root, "one").kill()
    wait_for(lambda: state(root, "one") == "stopped")
    command = [sys.executable, "-m", "adrec", "train", f"--run={root / 'one'}", "--resume"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as again:
        wait_for(lambda: read_json(root / "one" / "status.json").get("pid") == again.pid)
        job = jobs.job(root, "one")
        assert job is not None and job.state == "running" and job.stop_asked is None and not job.can_force
        jobs.stop(root, "one")  # it does not know the worker, but its folder is asked
        assert again.wait(60) == 0
    assert state(root, "one") == "stopped"


def test_before_the_machine_goes_trainings_checkpoint_and_what_waits_stays_in_the_queue(root: Path) -> None:
    jobs.submit(root, "one", LONG)
    wait_for(lambda: trains(root, "one"))
    jobs.submit(root, "two", QUICK)
    jobs.stop_all(root, patience=60)
    jobs._workers[root].wait(10)
    assert (state(root, "one"), state(root, "two")) == ("stopped", "queued")
    assert (root / "one" / "checkpoint.pt").is_file()


def test_a_public_server_that_ends_leaves_the_trainings_of_others_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADREC_MODE", "public")
    monkeypatch.setattr(psutil, "process_iter", lambda: pytest.fail("looks for what trains"))
    monkeypatch.setattr(jobs, "jobs", lambda _: pytest.fail("looks for what trains"))
    jobs.stop_all(root, patience=0)


def test_a_training_outlives_its_worker_the_next_run_still_waits_and_when_killed_it_has_failed_and_can_be_resumed(root: Path) -> None:
    jobs.submit(root, "first", LONG)
    wait_for(lambda: trains(root, "first"))
    jobs._workers[root].kill()
    jobs._workers[root].wait()
    jobs.submit(root, "second", QUICK)
    time.sleep(4 * jobs.POLL)
    assert (state(root, "first"), state(root, "second")) == ("running", "queued")
    process_of(root, "first").kill()
    wait_for(lambda: state(root, "first") == "failed")
    job = jobs.job(root, "first")
    assert job is not None and job.can_resume and "ended unexpectedly" in str(job.error)


def test_looking_often_starts_one_worker_only(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    real = jobs.subprocess.Popen

    def counting(command: list[str], **options: Any) -> Any:
        started.append(command)
        return real(command, **options)

    monkeypatch.setattr(jobs.subprocess, "Popen", counting)
    jobs.submit(root, "one", LONG)
    for _ in range(20):  # the worker takes seconds to come up and hold the lock
        jobs.ensure_worker(root)
    assert len(started) == 1


def test_a_worker_is_not_sent_away_by_a_page_that_looks_at_the_lock(root: Path) -> None:
    with jobs._queue(root):
        jobs.write_json(root / "one" / "job.json", {"arguments": QUICK, "submitted": 1.0, "queued": 1.0})
        jobs._set(root / "one", "queued")
        jobs.ensure_worker(root)  # the lock is held: none is started
        assert root not in jobs._workers
        worker = threading.Thread(target=jobs.work, args=(root,))
        worker.start()
        time.sleep(0.3)
    worker.join(60)
    assert state(root, "one") == "finished"


def taken_over(root: Path) -> None:
    """A run that was left as running by a process whose id is now this one's."""
    identity = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    write_json(root / "old" / "job.json", {"arguments": [], "submitted": 1.0, "queued": 1.0, "pid": os.getpid()})
    write_json(root / "old" / "status.json", {"state": "running", "error": None, "heartbeat": 1.0, **identity})


def test_another_process_with_the_same_id_is_not_the_training(root: Path) -> None:
    taken_over(root)
    assert state(root, "old") == "failed"


def test_stopping_a_run_never_signals_a_process_that_took_over_its_id(root: Path) -> None:
    taken_over(root)
    jobs.stop(root, "old", force=True)  # would end this very process
    assert state(root, "old") == "failed"


def test_a_started_training_is_known_by_its_command_line_until_it_owns_the_folder(root: Path) -> None:
    folder = root / "one"
    with subprocess.Popen([sys.executable, "-c", "input()", f"--run={folder}"], stdin=subprocess.PIPE) as child:
        write_json(folder / "job.json", {"arguments": [], "submitted": 1.0, "queued": 1.0, "pid": child.pid})
        jobs._set(folder, "queued")
        assert state(root, "one") == "running"
        child.kill()
    assert state(root, "one") == "failed"


def test_a_progress_bar_is_not_what_a_killed_training_said(root: Path) -> None:
    folder = root / "one"
    jobs._set(folder, "queued")
    write_json(folder / "job.json", {"arguments": [], "submitted": 1.0, "queued": 1.0, "pid": 2**22 + 1})
    (folder / "log.txt").write_bytes(b"\r1 pre-train:  19%|##   | 97/500 [00:33<02:17,  2.93epoch/s, loss=4.81]")
    job = jobs.job(root, "one")
    assert job is not None and job.error == ENDED


@pytest.mark.parametrize(
    ("log", "error"),
    [
        (b"begin\n\radrec: Setting 'lr' is 7.\n\r  0%|  | 0/5 [00:00<?]", "Setting 'lr' is 7."),
        (b"Traceback (most recent call last):\n  line 1\nMemoryError: 8 GB\n", "The training ended with an error: MemoryError: 8 GB"),
    ],
)
def test_a_training_that_said_why_it_failed_is_quoted(root: Path, log: bytes, error: str) -> None:
    folder = root / "one"
    jobs._set(folder, "queued")
    earlier = b"adrec: An earlier process failed.\n"
    write_json(folder / "job.json", {"arguments": [], "queued": 1.0, "pid": 2**22 + 1, "log": len(earlier)})
    (folder / "log.txt").write_bytes(earlier + log)
    job = jobs.job(root, "one")
    assert job is not None and job.error == error


def test_a_folder_that_could_not_be_queued_does_not_keep_the_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(jobs, "write_json", full)
    with pytest.raises(OSError, match="No space left"):
        jobs.submit(root, "one", QUICK)
    assert not (root / "one").exists()


def test_a_finished_run_cannot_be_resumed(root: Path) -> None:
    write_json(root / "done" / "job.json", {"arguments": [], "submitted": 1.0})
    write_json(root / "done" / "status.json", {"state": "finished", "error": None})
    with pytest.raises(RunError, match="only a stopped or failed run can be resumed"):
        jobs.resume(root, "done")


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", ".hidden", "a b", "x" * 61, "ä"])
def test_a_name_that_could_leave_the_folder_is_refused(root: Path, name: str) -> None:
    with pytest.raises(RunError, match="is not valid"):
        jobs.check_name(root, name)


def test_a_taken_name_is_refused(root: Path) -> None:
    (root / "one").mkdir()
    with pytest.raises(RunError, match="already a run called 'one'"):
        jobs.submit(root, "one", QUICK)


def test_a_progress_bar_counts_as_its_last_picture(root: Path) -> None:
    (root / "one").mkdir()
    (root / "one" / "log.txt").write_bytes(b"begin\n 1 %\r 2 %\r 3 %\r\nend\n")
    assert jobs.log_tail(RunFolder(root / "one")) == "begin\n 3 %\nend"


def test_a_damaged_status_is_told_and_not_raised(root: Path) -> None:
    write_json(root / "one" / "job.json", {"arguments": [], "submitted": 1.0})
    (root / "one" / "status.json").write_text("{")
    job = jobs.job(root, "one")
    assert job is not None and job.state == "failed" and "damaged" in str(job.error)


@pytest.mark.parametrize("damaged", [{}, {"submitted": "x", "queued": "x", "pid": "x", "log": "x"}, {"queued": "x"}])
def test_a_damaged_job_is_listed_and_takes_nothing_from_the_others(root: Path, damaged: dict[str, Any]) -> None:
    for name, data in (("bad", damaged), ("good", {"arguments": [], "submitted": 1.0, "queued": 1.0})):
        write_json(root / name / "job.json", data)
        jobs._set(root / name, "queued")
    assert {j.name for j in jobs.jobs(root)} == {"bad", "good"} and root / "good" in jobs._queued(root)


def test_a_training_that_asked_for_consent_is_queued_again_with_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ensure_worker", lambda root: None)
    write_json(root / "one" / "job.json", {"arguments": QUICK, "submitted": 1.0, "queued": 1.0})
    jobs._set(root / "one", "failed", "This training may need 80 h; start it with --yes if that is meant.")
    job = jobs.job(root, "one")
    assert job is not None and job.asks
    jobs.resume(root, "one", "--yes")
    assert read_json(root / "one" / "job.json")["arguments"] == [*QUICK, "--yes"] and state(root, "one") == "queued"


def waiting(root: Path, name: str) -> None:
    """A run in the queue, with nobody to start it."""
    write_json(root / name / "job.json", {"arguments": [], "submitted": 1.0, "queued": 1.0})
    jobs._set(root / name, "queued")


def test_no_more_runs_wait_than_may(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ensure_worker", lambda root: None)
    for number in range(jobs.MOST_WAITING):
        jobs.submit(root, f"run-{number}", QUICK)
    with pytest.raises(RunError, match="20 runs are waiting, and no more may"):
        jobs.submit(root, "more", QUICK)
    assert not (root / "more").exists()
    jobs.stop(root, "run-0")
    jobs.submit(root, "more", QUICK)
    with pytest.raises(RunError, match="no more may"):
        jobs.resume(root, "run-0")


def test_what_is_known_of_a_run_is_read_again_when_its_folder_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SETTLED", 0.0)
    waiting(root, "one")
    first, reads = jobs.job(root, "one"), []
    monkeypatch.setattr(jobs, "_read", lambda path, read=jobs._read: reads.append(path) or read(path))
    assert first is not None and jobs.job(root, "one") == first and not reads
    time.sleep(0.02)
    jobs._set(root / "one", "stopped")
    assert state(root, "one") == "stopped" and reads
    waiting(root, "two")
    assert [job.name for job in jobs.jobs(root) if job.state == "queued"] == ["two"] and jobs._queued(root) == [root / "two"]


def test_a_folder_that_has_just_changed_is_not_taken_as_known(root: Path) -> None:
    waiting(root, "one")
    jobs.jobs(root)
    assert root / "one" not in jobs._looks


def test_a_public_server_trains_stops_and_resumes_nothing_whoever_asks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(root, "left")
    monkeypatch.setenv("ADREC_MODE", "public")
    for ask in (lambda: jobs.submit(root, "one", QUICK), lambda: jobs.stop(root, "left"), lambda: jobs.resume(root, "left")):
        with pytest.raises(RunError, match="This server trains nothing"):
            ask()
    jobs.ensure_worker(root)
    jobs.work(root)
    assert not jobs._workers and state(root, "left") == "queued" and not (root / "one").exists()


@pytest.mark.parametrize("name", ["", "..", "../runs/one", "one/tables", "/"])
def test_only_a_run_of_the_folder_is_deleted(root: Path, name: str) -> None:
    (root / "one" / "tables").mkdir(parents=True)
    with pytest.raises(RunError, match="There is no run"):
        jobs.delete(root, name)
    assert (root / "one" / "tables").is_dir()
