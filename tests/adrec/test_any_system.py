"""Any desktop: what one operating system alone has is used in one module, and everything works without it."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adrec import system
from tests.adrec.one_system.lacking import ARGUMENTS, FUNCTIONS, MODULES, SIGNALS, SYSTEM
from tests.adrec.test_errors_layers import ROOT, nodes, sources, tops

pytestmark = pytest.mark.slow

BLOCKER = Path(__file__).parent / "one_system"


def what_only_some_systems_have(path: Path) -> list[str]:
    """What of that a file uses."""
    tree = nodes(path)
    used = {ast.unparse(n) for n in tree if isinstance(n, ast.Attribute)}
    texts = {n.value for n in tree if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    found = tops(path) & MODULES
    found |= used & {f"os.{name}" for name in FUNCTIONS}
    found |= {name for name in used if name.startswith("signal.SIG")} - {f"signal.{name}" for name in SIGNALS}
    found |= {str(n.arg) for n in tree if isinstance(n, ast.keyword)} & ARGUMENTS
    return sorted(found | {text for text in texts if text.startswith(("/proc/", "/dev/", "/sys/"))})


def test_only_one_module_uses_what_some_systems_lack() -> None:
    found = {path.relative_to(ROOT).as_posix(): what_only_some_systems_have(path) for path in sources("adrec", "app", "pages")}
    assert [path for path, used in found.items() if used] == [SYSTEM]


def run(program: str, folder: Path) -> list[list[str]]:
    """Run a program without what one system alone has; gives the command lines of all processes that lacked it."""
    environment = {**os.environ, "PYTHONPATH": str(BLOCKER), "BLOCKED": str(folder / "blocked"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (folder / "blocked").read_text(encoding="utf-8").splitlines()]


def test_the_blocker_refuses_what_it_says(tmp_path: Path) -> None:
    run(
        """
import os, signal, psutil
assert not hasattr(os, "fork") and not hasattr(signal, "SIGHUP")
try:
    import resource  # psutil has loaded it
except ImportError:
    pass
else:
    raise SystemExit("resource")
""",
        tmp_path,
    )


def test_the_library_works_and_a_training_stops_and_resumes_without_it(tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    run(
        f"""
import adrec, numpy as np
from adrec.cli import main
run = adrec.load_run("assets/runs/ml-100k")
assert len(run.recommend(["Toy Story; Aladdin"], 3)[0]["items"]) == 3
assert run.trajectory(history="Toy Story").steps == 32
assert adrec.diagnose(np.random.default_rng(0).standard_normal((100, 8))).verdict.kind == "noise-like"
assert main(["collapse", "assets/runs/ml-100k", "--report", {str(tmp_path / "report.html")!r}]) == 0
seen = []
how = {{"preset": "quick", "settings": {{"hidden_size": 16, "max_steps": 6}}}}
run = adrec.train("synthetic:items=60,users=80", {folder!r}, **how, stop=lambda: len(seen) > 3, listener=seen.append)
assert run.status["state"] == "stopped"
assert main(["train", "--run", {folder!r}, "--resume"]) == 0
assert run.status["state"] == "finished"
""",
        tmp_path,
    )


def test_the_queue_runs_stops_and_resumes_trainings_without_it(tmp_path: Path) -> None:
    started = run(
        f"""
import time
from pathlib import Path
from app import jobs

root = Path({str(tmp_path / "runs")!r})
small = ["--dataset=synthetic:items=60,users=80", "--preset=quick", "--set=hidden_size=16"]

def until(name, *states):
    end = time.time() + 240
    while jobs.job(root, name).state not in states:
        assert time.time() < end, (name, jobs.job(root, name), jobs.log_tail(jobs.job(root, name).run))
        jobs.ensure_worker(root)
        time.sleep(0.1)

jobs.submit(root, "long", [*small, "--set=epochs=100000", "--set=patience=100000", "--set=validate_every=100000"])
jobs.submit(root, "short", [*small, "--set=max_steps=3"])
until("long", "running")
run = jobs.job(root, "long").run
end = time.time() + 240
while not any(event["kind"] == "step" for event in run.events()[0]):
    assert time.time() < end
    time.sleep(0.1)
jobs.stop(root, "long")
until("long", "stopped")
until("short", "finished")
jobs.resume(root, "long")
until("long", "running")
jobs.stop(root, "long", force=True)
until("long", "stopped", "failed")
""",
        tmp_path,
    )
    assert any("app.jobs" in words for words in started) and any("train" in words for words in started)


def test_a_file_that_somebody_reads_is_replaced_when_they_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to rename over an open file."""
    source, target, refused = tmp_path / "new", tmp_path / "old", [PermissionError, PermissionError]
    source.write_text("new")
    real = os.replace

    def replace(*paths: object) -> None:
        if refused:
            raise refused.pop()
        real(*paths)

    monkeypatch.setattr("os.replace", replace)
    monkeypatch.setattr("sys.platform", "win32")
    system.replace(source, target)
    assert target.read_text() == "new"


def test_a_system_that_tells_nothing_of_memory_or_processor_is_asked_for_what_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError()))
    monkeypatch.setattr("builtins.open", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError()))
    assert system.processor() == {}
    assert system.peak_memory_mib() > 1
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "resource", None)
    assert system.peak_memory_mib() > 1
