"""UMAP in a process of its own: the server stays quick, progress can be watched from any tab, and cancelling ends it at once.

``python -m app.projecting RUN`` computes the run's UMAP, saves it where ``adrec.maps.projection`` looks, and writes one JSON line a step.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from adrec.errors import AdrecError
from adrec.folders import app_folder
from adrec.maps.projection import project
from adrec.runs import Progress, RunFolder
from adrec.system import end_with_parent
from app.serving import limits, modes
from app.serving.limits import OverLimits


@dataclass
class Job:
    """A running or finished projection."""

    process: subprocess.Popen[str]
    fraction: float = 0.0
    words: str = "starting"
    error: str | None = None
    cancelled: bool = False
    begun: float = field(default_factory=time.monotonic)
    reader: threading.Thread | None = field(default=None, repr=False)
    owner: str = ""
    """Who started it."""

    @property
    def alive(self) -> bool:
        return self.reader is not None and self.reader.is_alive()

    @property
    def mine(self) -> bool:
        """Whether this visitor started it; others see it and cannot end it."""
        return self.owner == _me()

    @property
    def left(self) -> float | None:
        """Estimated seconds left at the pace so far; None while it is too early to tell."""
        spent = time.monotonic() - self.begun
        return spent * (1 - self.fraction) / self.fraction if self.fraction > 0.1 else None


MODULE = "app.projecting"
_jobs: dict[tuple[str, ...], Job] = {}
_lock = threading.Lock()


def job(*runs: RunFolder, module: str = MODULE) -> Job | None:
    """The runs' projection (or another module's job) since the server started, if any."""
    return _jobs.get((module, *_paths(runs)))


def start(*runs: RunFolder, module: str = MODULE) -> Job:
    """Start the runs' projection (``python -m module RUN ...``) unless it is running."""
    key = (module, *_paths(runs))
    with _lock:
        found = _jobs.get(key)
        if found is not None and found.alive:
            return found
        if modes.public() and sum(one.alive for one in _jobs.values()) >= limits.limits().at_once:
            raise OverLimits("This server computes something for another visitor; please try again in a minute.")
        command = [sys.executable, "-m", *key]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=app_folder(), text=True, stdin=pipe, stdout=pipe, stderr=nowhere)
        begun = Job(process, owner=_me())
        begun.reader = threading.Thread(target=_read, args=(begun,), daemon=True)
        begun.reader.start()
        _jobs[key] = begun
        return begun


def _me() -> str:
    from app.serving import visitors  # needs Streamlit, which the process that computes does without

    return visitors.me()


def cancel(*runs: RunFolder, module: str = MODULE) -> None:
    """Cancel the runs' projection, if this visitor started it; nothing is kept."""
    found = job(*runs, module=module)
    if found is not None and found.alive and found.mine:
        found.cancelled = True
        found.process.kill()


def forget_gone() -> None:
    """End the computations whose runs have been deleted, so that nothing is kept of those, and forget them."""
    with _lock:
        for key in [key for key in _jobs if not all(map(os.path.isdir, key[1:]))]:
            gone = _jobs.pop(key)
            gone.cancelled = True
            gone.process.kill()


def _paths(runs: Iterable[RunFolder]) -> list[str]:
    return [str(run.path.resolve()) for run in runs]


def _read(found: Job) -> None:
    process = found.process
    assert process.stdin is not None and process.stdout is not None
    for line in process.stdout:
        try:
            said = json.loads(line)
            found.fraction, found.words, found.error = float(said["fraction"]), str(said["words"]), said.get("error")
        except (ValueError, KeyError, TypeError):
            continue  # not ours
    process.wait()
    process.stdin.close()
    process.stdout.close()
    if process.returncode != 0 and not found.cancelled and found.error is None:
        found.error = f"The process ended unexpectedly (exit code {process.returncode})."


def _say(fraction: float, words: str, error: str | None = None) -> None:
    print(json.dumps({"fraction": fraction, "words": words, "error": error}), flush=True)


def run_job(work: Callable[[Progress], object]) -> NoReturn:
    """Run ``work`` with a function to report progress, then end the process: with 0, or with 2 after reporting an error."""
    end_with_parent()
    code = 0
    try:
        work(_say)
    except AdrecError as error:
        _say(0.0, "failed", str(error))
        code = 2
    os._exit(code)  # at once, whatever threads a library keeps


if __name__ == "__main__":
    run_job(lambda say: project(RunFolder(sys.argv[1]), "umap", progress=say))
