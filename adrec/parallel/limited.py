"""A child process with limits on memory and time, so that a stranger's file cannot cost more."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from adrec.errors import AdrecError


class OverLimit(AdrecError):
    """A process exceeded its limits or failed; the message is the second half of a sentence."""


POLL = 0.05
"""Seconds between two checks of the process."""


def run_limited(
    command: Sequence[str], folder: Path, *, memory: int, seconds: float, on_poll: Callable[[], object] = lambda: None, **how: Any
) -> None:
    """Run a command in ``folder`` to its end; an OverLimit if it takes more than ``memory`` bytes or ``seconds``, or fails.

    on_poll: called while it runs; an exception in it ends the process too. The command must exit when its standard input closes, so that
    it does not outlive this process. how: further arguments of ``subprocess.Popen``.
    """
    child = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, **how)
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
