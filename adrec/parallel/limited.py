"""A child process with limits on memory and time, so that a stranger's file cannot cost more."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from adrec.errors import AdrecError
from adrec.folders import app_folder


class OverLimit(AdrecError):
    """A process exceeded its limits or failed; the message is the second half of a sentence."""


POLL = 0.05
"""Seconds between two checks of the process."""


def run_worker(module: str, folder: Path, *, memory: int, seconds: float, on_poll: Callable[[], object]) -> None:
    """Run ``python -m MODULE FOLDER`` as `run_limited` does; its temporary files lie in the folder, where a killed process leaves them."""
    command, environment = [sys.executable, "-m", module, str(folder)], os.environ | {"TMPDIR": str(folder)}
    run_limited(command, app_folder(), memory=memory, seconds=seconds, on_poll=on_poll, env=environment)


def run_limited(
    command: Sequence[str],
    folder: Path,
    *,
    memory: int,
    seconds: float,
    on_poll: Callable[[], object] = lambda: None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command in ``folder`` to its end; an OverLimit if it takes more than ``memory`` bytes or ``seconds``, or fails.

    on_poll: called while it runs; an exception in it ends the process too. The command must exit when its standard input closes, so that
    it does not outlive this process. env: its environment (default: this one's).
    """
    child = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, env=env)
    try:
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = child.wait(POLL)
                break
            if _resident(child.pid) > memory:
                raise OverLimit(f"it needs more than {memory / 2**30:.0f} GiB of memory")
            if time.monotonic() > end:
                raise OverLimit(f"it takes longer than {seconds / 60:.0f} minutes")
            on_poll()
    finally:
        child.kill()
        child.communicate()
    if code:
        raise OverLimit(f"the process that read it ended unexpectedly ({code})")


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0
