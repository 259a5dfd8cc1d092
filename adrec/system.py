"""Differences between operating systems; no other module imports anything that only one of them has.

Each function works everywhere, with less detail where the system reports less.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import psutil


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def own_address() -> str | None:
    """This machine's address in its network, None without one. Nothing is sent: the system says from where it would send."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("198.51.100.1", 9))  # RFC 5737: for documents, nobody's
        except OSError:
            return None
        return str(asked.getsockname()[0])


def spawn(command: Sequence[str], folder: Path, log: Path, more: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Start a process that outlives this one and ignores its Ctrl-C; its output is appended to the file ``log``. more: environment
    variables besides this process's."""
    own: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    with open(log, "ab") as file:
        return subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env={**os.environ, **(more or {})}, **own
        )


def end_with_parent() -> None:
    """From now on, end this process when its parent closes its standard input or dies."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):  # sys.stdin itself would hold a lock that Python waits for at exit
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def replace(source: str | Path, target: Path) -> None:
    """Rename a file over another. Windows refuses while the other is being read, so it is retried there for a second."""
    for _ in range(20 if sys.platform == "win32" else 0):
        with contextlib.suppress(PermissionError):
            return os.replace(source, target)
        time.sleep(0.05)
    os.replace(source, target)


def allow_many_handles() -> None:
    """Let this process open as many files and connections as the system allows it, rather than the 1,024 that most begin with."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # other systems have no such limit, or keep it
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def peak_memory_mib() -> float:
    """The peak resident memory of this process, or its current one if the system does not record the peak."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:  # getrusage may count the process that started this one
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        now = psutil.Process().memory_info()
        return float(getattr(now, "peak_wset", now.rss) / 2**20)  # Windows has the former
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def processor() -> dict[str, str]:
    """What Linux reports about the first processor, such as ``model name`` and ``flags``; empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    pairs = (line.partition(":")[::2] for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, value in pairs}


TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # malloc.h
LARGEST_KEPT = 32 * 2**20
"""The largest threshold that glibc allows."""


@cache
def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next tensor instead of returning it and faulting in every page again."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(ImportError, AttributeError):  # another C library has no mallopt
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((MMAP_THRESHOLD, LARGEST_KEPT), (TRIM_THRESHOLD, 2**31 - 1), (TOP_PAD, 2 * LARGEST_KEPT)):
            mallopt(option, value)
