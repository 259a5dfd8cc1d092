"""Where an experiment's trainings run: as processes of this machine, or as tasks of Ray on any number of machines.

Ray's machines must see the folders of runs and data under the same paths and have this package installed. A task that is lost with its
machine is started again elsewhere, and goes on from the run's last checkpoint.
"""

import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from adrec.errors import ConfigError
from adrec.system import processors, spawn

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


class Process(Protocol):
    """A training on its way; as `subprocess.Popen`."""

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""

    def terminate(self) -> None:
        """Ask it to leave a resumable run and end."""

    def kill(self) -> None:
        """End it at once."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; a `subprocess.TimeoutExpired` if it does not within so many seconds."""


class Engine(Protocol):
    """processes: how many trainings it can run at once."""

    processes: int

    def start(self, command: Sequence[str], log: Path) -> Process:
        """Run ``python COMMAND`` with one thread, its output appended to ``log``."""

    def close(self) -> None:
        """Give back what it holds."""


class Local:
    """Processes of this machine, one a core."""

    def __init__(self) -> None:
        self.processes = processors()

    def start(self, command: Sequence[str], log: Path) -> Process:
        return spawn([sys.executable, *command], Path.cwd(), log, ONE_THREAD)

    def close(self) -> None:
        """Processes end by themselves."""


class Ray:
    """Tasks of Ray, one a CPU. address: of a cluster; None starts one on this machine."""

    def __init__(self, address: str | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
        try:
            self.ray: Any = importlib.import_module("ray")
        except ImportError:
            raise ConfigError("Ray is not installed: install it with 'pip install adrec-explorer[ray]'.") from None
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        own: dict[str, Any] = {"num_cpus": processors(), "include_dashboard": False} if address is None else {"address": address}
        try:
            self.ray.init(**quiet, **own)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(f"There is no Ray cluster at '{address}' ({type(error).__name__}).") from None
        self.processes = max(1, int(self.ray.cluster_resources().get("CPU", 1)))

        # Defined here, so that Ray sends it by value.
        @self.ray.remote(num_cpus=1, max_retries=-1)
        def task(command: list[str], folder: str, log: str, more: dict[str, str]) -> int:
            import os
            import subprocess
            import sys
            import time

            with open(log, "ab") as file:
                child = subprocess.Popen(
                    [sys.executable, *command],
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    env={**os.environ, **more},
                )
                try:
                    while child.poll() is None:
                        time.sleep(0.3)  # a wait would not notice that the task is cancelled
                finally:
                    if child.poll() is None:
                        child.terminate()
                        child.wait()
            return int(child.returncode)

        self.task = task

    def start(self, command: Sequence[str], log: Path) -> Process:
        return RayProcess(self.ray, self.task.remote(list(command), str(Path.cwd()), str(log.absolute()), ONE_THREAD))

    def close(self) -> None:
        self.ray.shutdown()


class RayProcess:
    """A task of Ray as a process. reference: of its exit code."""

    def __init__(self, ray: Any, reference: Any) -> None:
        self.ray, self.reference = ray, reference

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        ready, _ = self.ray.wait([self.reference], timeout=timeout)
        if not ready:
            raise subprocess.TimeoutExpired("a task of Ray", timeout or 0.0)
        try:
            return int(self.ray.get(self.reference))
        except self.ray.exceptions.RayError:  # cancelled, or its machine is gone for good
            return 1

    def terminate(self) -> None:
        self.ray.cancel(self.reference, force=False)

    def kill(self) -> None:
        self.ray.cancel(self.reference, force=True)


def engine_of(where: str) -> Engine:
    """The engine that a command line names: "local", "ray", or "ray:ADDRESS"."""
    name, _, address = where.partition(":")
    if name == "local" and not address:
        return Local()
    if name == "ray":
        return Ray(address or None)
    raise ConfigError(f"There is no engine '{where}'; expected local, ray or ray:ADDRESS.")
