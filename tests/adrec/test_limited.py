"""A process with limits: over them, or when nobody waits for it any more, it is gone."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from adrec.parallel.limited import OverLimit, run_limited

pytestmark = pytest.mark.slow

PLENTY = {"memory": 2**33, "seconds": 60.0}
TELLS_PID = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); "


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def gone(folder: Path) -> bool:
    return not psutil.pid_exists(int((folder / "pid").read_text()))


def test_a_command_that_ends_in_time_is_left_alone(tmp_path: Path) -> None:
    run_limited(python("open('made', 'w')"), tmp_path, **PLENTY)
    assert (tmp_path / "made").exists()


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(OverLimit, match="takes longer than 0 minutes"):
        run_limited(python(TELLS_PID + "time.sleep(600)"), tmp_path, memory=2**33, seconds=1.5)
    assert gone(tmp_path)


def test_a_process_that_takes_too_much_memory_is_ended(tmp_path: Path) -> None:
    with pytest.raises(OverLimit, match="needs more than 0 GiB of memory"):
        run_limited(python(TELLS_PID + "held = b'x' * 2**28; time.sleep(600)"), tmp_path, memory=2**27, seconds=60)
    assert gone(tmp_path)


def test_whatever_the_caller_raises_ends_the_process(tmp_path: Path) -> None:
    def leave() -> None:
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_limited(python(TELLS_PID + "time.sleep(600)"), tmp_path, on_poll=leave, **PLENTY)
    assert gone(tmp_path)


def test_a_process_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OverLimit, match="ended unexpectedly"):
        run_limited(python("raise SystemExit(3)"), tmp_path, **PLENTY)


def test_the_worker_for_brought_files_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{}")
    code = "import sys, time; from adrec.embeddings import worker; worker.answer = lambda folder: time.sleep(600); "
    code += f"sys.argv = ['worker', {str(tmp_path)!r}]; worker.main()"
    worker = subprocess.Popen(python(code), stdin=subprocess.PIPE)
    worker.communicate(timeout=60)  # closes the pipe
    assert worker.returncode == 1
