"""A server under test: of a checkout, started here, or one that runs already; and what it has used so far."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from adrec.errors import ConfigError

START_SECONDS = 120.0
HERE = ("127.0.0.1", "localhost", "::1")


class Used(NamedTuple):
    """What a server's processes hold and have used. cpu: seconds, those of children that have ended included."""

    cpu: float
    rss_mib: float
    handles: int
    threads: int
    processes: int


class Server(NamedTuple):
    """name: a checkout or an address. process: None where it could not be found."""

    name: str
    url: str
    process: psutil.Process | None

    def used(self) -> Used | None:
        """What it has used; None if its process is unknown or gone."""
        if self.process is None:
            return None
        cpu, rss, handles, threads, count = 0.0, 0, 0, 0, 0
        try:
            for process in (self.process, *self.process.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess) if process != self.process else contextlib.nullcontext():
                    times = process.cpu_times()
                    cpu += times.user + times.system + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
                    rss += process.memory_info().rss
                    handles += process.num_handles() if sys.platform == "win32" else process.num_fds()
                    threads += process.num_threads()
                    count += 1
        except psutil.Error:
            return None
        return Used(cpu, rss / 2**20, handles, threads, count)


@contextlib.contextmanager
def started(checkout: Path) -> Iterator[Server]:
    """``adrec app`` of a checkout on a free port of this machine, in a process of its own; it and its children end with this."""
    if not (checkout / "app" / "main.py").is_file():
        raise ConfigError(f"'{checkout}' is no checkout of this project: it has no app/main.py.")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    command = [sys.executable, "-m", "adrec", "app", "--no-browser", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=checkout, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        seen = psutil.Process(process.pid)
        try:
            if not _answers(f"http://127.0.0.1:{port}", process):
                log.seek(0)
                raise ConfigError(f"The server of '{checkout}' did not start: {log.read().decode(errors='replace')[-500:].strip()}")
            yield Server(str(checkout), f"http://127.0.0.1:{port}", seen)
        finally:
            _end(seen)
            process.wait()


def _answers(url: str, process: "subprocess.Popen[bytes]") -> bool:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return True
        except OSError:
            time.sleep(0.1)
    return False


def _end(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.terminate()
        for member in psutil.wait_procs(family, timeout=10)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()


def running(url: str) -> Server:
    """A server that runs on this machine; a load test has no business with any other."""
    place = urlsplit(url if "//" in url else f"http://{url}")
    if place.scheme != "http" or place.hostname not in HERE or place.port is None:
        raise ConfigError(f"'{url}' must be the address of a server on this machine, such as http://127.0.0.1:8501.")
    address = f"http://{place.netloc}{place.path.rstrip('/')}"
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=10):
            pass
    except OSError as error:
        raise ConfigError(f"No server answers at '{address}': {error}.") from error
    return Server(address, address, _listening(place.port))


def _listening(port: int) -> psutil.Process | None:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:  # some systems tell only the administrator
        return None
    owners = [c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.port == port and c.pid not in (None, os.getpid())]
    return psutil.Process(owners[0]) if owners else None
