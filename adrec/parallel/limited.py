"""A process that may take so much memory and time and no more: what a stranger's file can cost."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from adrec.errors import AdrecError


class OverLimit(AdrecError):
    """A process that took more than it may, or failed; the message is the second half of a sentence."""


POLL = 0.05
"""Seconds between two looks at the process."""


def run_limited(
    command: Sequence[str], folder: Path, *, memory: int, seconds: float, on_poll: Callable[[], object] = lambda: None, **how: Any
) -> None:
    """Run a command in ``folder`` to its end; an OverLimit if it takes more than ``memory`` bytes or ``seconds``, or fails.

    on_poll: called while it runs; whatever it raises ends the process too. The command is expected to end when its standard input is
    closed, so that it doesn't outlive this process. how: more for ``subprocess.Popen``.
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
