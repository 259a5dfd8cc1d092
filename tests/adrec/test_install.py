"""The wheel: what lies in it, and that it works in a folder with nothing of the checkout in it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

import adrec
from adrec.folders import app_folder, home, runs_folder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the wheel's contents."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    wheel.unlink()
    return folder


@pytest.fixture
def installed(site: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has installed the wheel and nothing else of ours."""
    return {**os.environ, "PYTHONPATH": str(site), "ADREC_HOME": str(tmp_path / "home"), "ADREC_RUNS": ""}


def run(environment: dict[str, str], folder: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, *words], env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_puts_one_folder_called_adrec_beside_its_metadata(site: Path) -> None:
    assert sorted(p.name for p in site.iterdir()) == ["adrec", f"adrec_explorer-{adrec.__version__}.dist-info"]


def test_the_wheel_holds_every_file_of_the_library_and_the_app_that_git_knows(site: Path) -> None:
    known = subprocess.run(["git", "ls-files", "adrec", "app", "pages", "assets"], cwd=ROOT, capture_output=True, text=True, check=False)
    if known.returncode:
        pytest.skip("not a git checkout")
    there = [path for path in known.stdout.splitlines() if (ROOT / path).is_file()]
    missing = [p for p in there if not (site / p).is_file() and not (site / "adrec" / "_app" / p).is_file()]
    assert there and missing == []


def test_the_wheel_asks_for_what_requirements_txt_lists(site: Path) -> None:
    (metadata,) = site.glob("*.dist-info/METADATA")
    lines = metadata.read_text(encoding="utf-8").lower().splitlines()  # a package's name has no case
    asked = [line.partition(": ")[2] for line in lines if line.startswith("requires-dist") and "extra ==" not in line]
    assert sorted(asked) == sorted((ROOT / "requirements.txt").read_text(encoding="utf-8").lower().split())


def test_an_installed_package_has_the_app_inside_and_its_runs_elsewhere(installed: dict[str, str], site: Path, tmp_path: Path) -> None:
    found = run(installed, tmp_path, "-c", "from adrec.folders import *; print(app_folder(), runs_folder(), sep='\\n')").split()
    assert found == [str(site / "adrec" / "_app"), str(tmp_path / "home" / "runs")]


def test_the_installed_app_opens_in_a_folder_with_an_app_py_of_its_own(installed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("raise SystemExit('the wrong app')\n", encoding="utf-8")
    program = """
from streamlit.testing.v1 import AppTest
from adrec.folders import app_folder
at = AppTest.from_file(str(app_folder() / "app" / "script.py"), default_timeout=120).run()
assert not at.exception, at.exception
at = at.switch_page(str(app_folder() / "pages" / "collapse.py")).run()
assert not at.exception, at.exception
print(at.title[0].value)
"""
    assert run(installed, tmp_path, "-W", "ignore", "-c", program).strip()


def test_adrec_app_serves_from_any_folder_with_the_apps_own_settings(installed: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "adrec", "app", "--no-browser", "--port", str(port)]
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(command, env=installed, cwd=tmp_path, stdout=log, stderr=log)
    try:
        assert answer(f"http://localhost:{port}/_stcore/health", server) == b"ok"
    finally:
        server.terminate()
        assert server.wait(30) in (0, -15)
    assert "Collecting usage statistics" not in (tmp_path / "log").read_text()  # browser.gatherUsageStats is false


def answer(url: str, server: "subprocess.Popen[bytes]") -> bytes:
    for _ in range(600):
        assert server.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=2) as reply:
                return bytes(reply.read())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("The server does not answer.")


def test_a_checkout_keeps_its_runs_beside_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADREC_RUNS", raising=False)
    assert (app_folder(), runs_folder()) == (ROOT, ROOT / "runs")


def test_adrec_home_is_where_data_are_cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADREC_HOME", str(tmp_path))
    assert home() == tmp_path
