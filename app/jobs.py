"""Trainings as background processes: a queue of run folders that outlives page, server and browser.

A run folder in state ``queued`` waits. One detached worker (``python -m app.jobs ROOT``) holds the lock of the runs' folder
and starts the oldest queued run whenever fewer than ``limit()`` are running; if it dies, the trainings go on and the next page that looks
starts another. ``job.json`` holds the arguments of ``python -m adrec train``; everything else is the run folder's own.
No Streamlit here: the worker imports this file too.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from adrec.errors import RunError
from adrec.files import check_file, read_json, write_json
from adrec.folders import app_folder
from adrec.runs import ALIVE, ENDED, RunFolder
from adrec.runs.shapes import LONGEST, check_texts
from adrec.system import spawn
from app.serving import modes

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
CLI_PREFIX = "adrec: "  # starts the command line's error message
POLL = 0.3
STOP_PATIENCE = 20.0
WORKER = "app.jobs"
TRIES = 10
MOST_WAITING = 20
"""Runs that may wait at once."""
SETTLED = 2.0
"""Seconds after which a folder's time of change tells one state of it from the next; file systems count in up to two."""

_workers: dict[Path, subprocess.Popen[bytes]] = {}
_spawning = threading.Lock()


def limit() -> int:
    """How many trainings run at once: ``ADREC_PARALLEL`` or 1."""
    text = os.environ.get("ADREC_PARALLEL", "1")
    return max(1, int(text)) if text.isdigit() else 1


@dataclass(frozen=True)
class Job:
    """A run as the Train page shows it: its folder, its state in one word, and the error message of a failure."""

    run: RunFolder
    state: str
    error: str | None
    ahead: int = 0
    stop_asked: float | None = None

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def alive(self) -> bool:
        """Whether its state will change by itself."""
        return self.state in ("queued", "running", "stopping")

    @property
    def can_stop(self) -> bool:
        return self.state in ("queued", "running")

    @property
    def can_force(self) -> bool:
        """Whether a stop takes so long that it may be forced; the last checkpoint stays."""
        return self.state == "stopping" and self.stop_asked is not None and time.time() - self.stop_asked > STOP_PATIENCE

    @property
    def asks(self) -> bool:
        """Whether it was not started because it may need a lot of memory, disk or time."""
        return self.state == "failed" and "--yes" in str(self.error)

    @property
    def can_resume(self) -> bool:
        return self.state in ("stopped", "failed")


# -- reading ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Look:
    """What a run's folder held when it last changed. job: None if its state also depends on what else happens."""

    changed: int
    begun: float
    queued: float | None
    job: Job | None


_looks: dict[Path, _Look] = {}
"""By folder; every page and every poll looks at all of them. A folder changes whenever a file in it is replaced."""


def jobs(root: Path) -> list[Job]:
    """Every training under ``root``, latest first; queued ones know how many runs are ahead of them."""
    looks = _scan(root)
    found = [look.job or _job(RunFolder(path)) for path, look in sorted(looks.items(), key=lambda pair: pair[1].begun, reverse=True)]
    running = sum(job.state in ("running", "stopping") for job in found)
    order = {p: running + i for i, p in enumerate(_in_order(looks))}
    return [Job(j.run, j.state, j.error, order[j.run.path], j.stop_asked) if j.run.path in order else j for j in found]


def job(root: Path, name: str) -> Job | None:
    """The job of this name. Of one that does not wait, nothing but its own folder is read."""
    look = _look(root / name) if Path(name).name == name else None
    if look is None:
        return None
    return next((j for j in jobs(root) if j.name == name), None) if look.queued is not None else look.job or _job(RunFolder(root / name))


def _scan(root: Path) -> dict[Path, _Look]:
    """The trainings among the folders."""
    found = {path: look for path in _folders(root) if (look := _look(path)) is not None}
    for gone in [path for path in list(_looks) if path.parent == root and path not in found]:
        _looks.pop(gone, None)
    return found


def _folders(root: Path) -> list[Path]:
    try:
        with os.scandir(root) as entries:
            return [root / entry.name for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return []


def _look(folder: Path) -> _Look | None:
    """None for a folder that is no training."""
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return None
    known = _looks.get(folder)
    if known is not None and known.changed == changed:
        return known
    if not ((folder / "job.json").is_file() or ((folder / "run.json").is_file() and not (folder / "tables").is_dir())):
        return None
    data, status = _read(folder / "job.json"), _read(folder / "status.json")
    waits = "pid" not in data and status.get("state") == "queued"
    settled = (waits or status.get("state") not in (None, "queued", *ALIVE)) and time.time() - changed / 1e9 > SETTLED
    look = _Look(changed, _begun(folder, data), _time(data, "queued") if waits else None, _job(RunFolder(folder)) if settled else None)
    if settled:
        _looks[folder] = look
    return look


def log_tail(run: RunFolder, lines: int = 12, start: int = 0) -> str:
    """The last lines of the training's output from byte ``start`` on; of a progress bar, only its final state."""
    try:
        check_file(run.path / "log.txt")
        with open(run.path / "log.txt", "rb") as file:
            file.seek(max(start, os.fstat(file.fileno()).st_size - 20_000))
            text = file.read().decode("utf-8", "replace")
    except (OSError, RunError):
        return ""
    shown = [line.rstrip("\r").rsplit("\r", 1)[-1].rstrip() for line in text.split("\n")]
    return "\n".join([line for line in shown if line][-lines:])


def _job(run: RunFolder) -> Job:
    data, status = _read(run.path / "job.json"), _status(run)
    state, error, asked = str(status.get("state", "missing")), status.get("error"), run.stop_asked
    if state == "queued" and "pid" in data:  # started, but it has not reported so itself yet
        state, error = ("running", None) if _process(run.path, data) else _ended(run, data)
    if state == "running" and asked is not None:
        state = "stopping"
    return Job(run, state, error if state == "failed" else None, stop_asked=asked)


def _process(folder: Path, data: dict[str, Any]) -> psutil.Process | None:
    """The process that was started to train ``folder``. Recognised by its command line, despite clock steps and reused process ids."""
    try:
        process = psutil.Process(int(data["pid"]))
        return process if f"--run={folder}" in process.cmdline() else None
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None


def _ended(run: RunFolder, data: dict[str, Any]) -> tuple[str, str | None]:
    """State and message of a process that ended without recording either; the message is its own last error, if any."""
    if run.stop_asked is not None:
        return "stopped", None
    lines = log_tail(run, 200, int(_time(data, "log"))).splitlines()
    errors = [line.removeprefix(CLI_PREFIX) for line in lines if line.startswith(CLI_PREFIX)]
    if not errors and any(line.startswith("Traceback") for line in lines):
        errors = [f"The training ended with an error: {lines[-1]}"]
    return "failed", errors[-1] if errors else ENDED


def _status(run: RunFolder) -> dict[str, Any]:
    try:
        return run.status
    except RunError as error:
        return {"state": "failed", "error": str(error)}


def _begun(path: Path, data: dict[str, Any]) -> float:
    submitted = _time(data, "submitted")
    with contextlib.suppress(OSError):  # the folder may disappear meanwhile
        return submitted or (path / "run.json").stat().st_mtime
    return 0.0


def _time(data: dict[str, Any], key: str) -> float:
    """A time from job.json; 0 if it is missing or not a number."""
    return float(data[key]) if isinstance(data.get(key), int | float) else 0.0


def _queued(root: Path) -> list[Path]:
    """Waiting folders, oldest first."""
    return _in_order(_scan(root))


def _in_order(looks: Mapping[Path, _Look]) -> list[Path]:
    return [folder for _, folder in sorted((look.queued, path) for path, look in looks.items() if look.queued is not None)]


def _waits(folder: Path) -> bool:
    """Whether the run waits, as its files say now."""
    return "pid" not in _read(folder / "job.json") and _read(folder / "status.json").get("state") == "queued"


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except RunError:
        return {}


# -- asking -------------------------------------------------------------------------------------------------------


def check_name(root: Path, name: str) -> None:
    """Raise a RunError that says what is wrong with a new run's name."""
    if not NAME.fullmatch(name):
        expected = "at most 60 letters, digits, '.', '-' and '_', starting with a letter or digit"
        raise RunError(f"The run name '{name}' is not valid; expected {expected}.")
    if (root / name).exists():
        raise RunError(f"There is already a run called '{name}': choose another name, or resume that one.")


def _check_allowed() -> None:
    """A RunError where nothing may be trained. Whatever starts, stops or goes on with a training asks here."""
    if modes.public():
        raise RunError(modes.NO_TRAINING)


def _check_room(root: Path) -> None:
    """A RunError if too many runs wait."""
    if len(_queued(root)) >= MOST_WAITING:
        raise RunError(f"{MOST_WAITING} runs are waiting, and no more may: take one out of the queue, or wait until one has started.")


def submit(root: Path, name: str, arguments: Sequence[str]) -> Job:
    """Queue ``python -m adrec train --run ROOT/NAME ARGUMENTS`` and make sure that a worker runs."""
    _check_allowed()
    check_name(root, name)
    folder = root / name
    folder.mkdir(parents=True)
    try:
        with _states(root):
            _check_room(root)
            write_json(folder / "job.json", {"arguments": list(arguments), "submitted": time.time(), "queued": time.time()})
            _set(folder, "queued")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    ensure_worker(root)
    return _job(RunFolder(folder))


def stop(root: Path, name: str, force: bool = False) -> None:
    """Take a run out of the queue, or ask its process to checkpoint and end (force: end it at once)."""
    _check_allowed()
    run = RunFolder(root / name)
    with _states(root):
        status, process = _status(run), _process(run.path, _read(run.path / "job.json"))
        if status.get("state") in ALIVE or process is not None:
            run.ask_to_stop()
            with contextlib.suppress(psutil.Error, KeyError, TypeError, ValueError):
                process = process or psutil.Process(int(status["pid"]))
                if force:
                    process.kill()
                elif not run.held:  # before its first step it has nothing to lose
                    process.terminate()
        elif status.get("state") == "queued":
            _set(run.path, "stopped")


def stop_all(root: Path, patience: float) -> None:
    """Before this machine goes: let nothing start any more, ask what trains to checkpoint and end, and wait for it up to ``patience``
    seconds. What waits in the queue stays there. A public server has started none, so those that train are left to who has."""
    if modes.public():
        return
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[-2:] == [WORKER, str(root)]:
                process.terminate()
    training = [job.name for job in jobs(root) if job.state in ("running", "stopping")]
    for name in training:
        stop(root, name)
    end = time.monotonic() + patience
    while time.monotonic() < end and any(found.alive for name in training if (found := job(root, name)) is not None):
        time.sleep(POLL)


def resume(root: Path, name: str, *more: str) -> None:
    """Queue a stopped or failed run again, with ``more`` arguments; it continues from its last checkpoint."""
    _check_allowed()
    folder = root / name
    with _states(root):
        _check_room(root)
        current = _job(RunFolder(folder))
        if not current.can_resume:
            raise RunError(f"The run '{name}' is {current.state}; only a stopped or failed run can be resumed.")
        data = _read(folder / "job.json")
        current.run.forget_stop()
        arguments = [*data.get("arguments", []), *more]  # none needed: the run's own run.json decides
        write_json(folder / "job.json", {"arguments": arguments, "submitted": data.get("submitted", time.time()), "queued": time.time()})
        _set(folder, "queued")
    ensure_worker(root)


def describe(root: Path, name: str, about: Mapping[str, str]) -> None:
    """Write a run's title, purpose and question; an empty one is removed. A training writes to its folder itself and is refused."""
    with _states(root), _resting(root, name, "naming it") as run:
        path, texts = run.path / "run.json", check_texts(about)
        if not run.exists:
            raise RunError(f"The run '{name}' has not begun, so it cannot be named yet.")
        write_json(path, {key: value for key, value in read_json(path).items() if key not in LONGEST} | texts)


def delete(root: Path, name: str) -> None:
    """Delete a run's folder with all it holds; one that trains or waits is refused."""
    with _states(root), _resting(root, name, "deleting it") as run:
        shutil.rmtree(run.path)


@contextlib.contextmanager
def _resting(root: Path, name: str, before: str) -> Iterator[RunFolder]:
    """The run, which must be among the user's own and may neither train nor wait."""
    run = RunFolder(root / name)
    if run.path.name in ("", "..") or run.path.parent != root or not run.path.is_dir():
        raise RunError(f"There is no run called '{run.name}' here.")
    if _job(run).alive or run.held:
        raise RunError(f"The run '{run.name}' is training or waiting to: stop it before {before}.")
    yield run


def ensure_worker(root: Path) -> None:
    """Start a worker if runs wait and no worker runs. Cheap: pages call it on every refresh.

    A worker takes seconds to start before it holds the lock, so one started by this process counts until it ends.
    """
    with _spawning:
        mine = _workers.get(root)
        if modes.public() or (mine is not None and mine.poll() is None) or not _queued(root):  # polling also reaps it
            return
        try:
            with _queue(root):
                pass  # it is free
        except Timeout:
            return
        command = [sys.executable, "-m", WORKER, str(root)]
        _workers[root] = spawn(command, app_folder(), root / ".queue.log")


# -- working ------------------------------------------------------------------------------------------------------


def work(root: Path) -> None:
    """Start queued runs one after another until none is waiting; give up if another process does it.

    A page that checks whether the lock is free holds it for an instant, hence several tries.
    """
    tries = 0
    while not modes.public() and _queued(root) and tries < TRIES:
        try:
            with _queue(root):
                _serve(root)
                tries = 0
        except Timeout:
            tries += 1
            time.sleep(0.1)


def _serve(root: Path) -> None:
    children: dict[Path, subprocess.Popen[bytes]] = {}
    while True:
        for folder in [f for f, child in children.items() if child.poll() is not None]:
            _settle(folder, children.pop(folder))
        waiting = _queued(root)
        running = sum(j.state in ("running", "stopping") for j in jobs(root))
        if waiting and running < limit():
            started = _start(root, waiting[0])
            if started is not None:
                children[waiting[0]] = started
            continue
        if not waiting and not children:
            return
        time.sleep(POLL)


def _start(root: Path, folder: Path) -> subprocess.Popen[bytes] | None:
    with _states(root):
        if not _waits(folder):
            return None
        data = _read(folder / "job.json")
        command = [sys.executable, "-m", "adrec", "train", f"--run={folder}", "--resume", *data.get("arguments", [])]
        log = folder / "log.txt"
        begin = log.stat().st_size if log.is_file() else 0
        child = spawn(command, app_folder(), log)
        write_json(folder / "job.json", {**data, "pid": child.pid, "log": begin})
        return child


def _settle(folder: Path, child: subprocess.Popen[bytes]) -> None:
    """Record how the process ended, if it did not do so itself."""
    status, data = _read(folder / "status.json"), _read(folder / "job.json")
    if status.get("state") not in ("queued", "running") or data.get("pid") != child.pid:
        return
    _set(folder, *_ended(RunFolder(folder), data))


def _set(folder: Path, state: str, error: str | None = None) -> None:
    write_json(folder / "status.json", {"state": state, "error": error, "heartbeat": time.time()})


def _states(root: Path) -> FileLock:
    """Only one process at a time changes states."""
    return FileLock(root / ".state.lock")


def _queue(root: Path) -> FileLock:
    """The worker's lock; a Timeout if another process holds it."""
    return FileLock(root / ".queue.lock", blocking=False)


if __name__ == "__main__":
    work(Path(sys.argv[1]))
