"""A server for the browser, on a free port, with its own runs; skipped with a reason where Chromium is missing."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adrec.runs import RunFolder
from app import jobs

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
"""Pages are composed in software: no page needs WebGL, and an emulated GPU takes ten times as long for a frame."""
VIEWPORT = {"width": 1440, "height": 900}
HARMLESS = ("404 (Not Found)",)  # Streamlit asks for /<page>/_stcore/* first when a page is opened by its own address


class Server:
    """``adrec app`` that can be stopped and started again on the same port."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.environment = environment
        self.runs = folder / "runs"
        self.runs.mkdir(exist_ok=True)
        self.log = folder / "server.log"
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "ADREC_RUNS": str(self.runs), "OMP_NUM_THREADS": "1", **self.environment}
        command = [sys.executable, "-m", "adrec", "app", "--no-browser", "--port", str(self.port)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        end = time.time() + 60
        while time.time() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"The server did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def end_trainings(self) -> None:
        for path in self.runs.glob("*/job.json"):
            jobs.stop(self.runs, path.parent.name, force=True)


@contextlib.contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Server]:
    """A running server; its trainings are killed at the end."""
    started = Server(folder, **environment)
    started.start()
    yield started
    started.end_trainings()
    started.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests, so that scripts are fetched, compiled and imported once."""
    with serving(tmp_path_factory.mktemp("app")) as started:
        yield started


@pytest.fixture(scope="session")
def run(server: Server, trained_run: RunFolder) -> RunFolder:
    """The tiny run, in the server's folder of runs: four steps, lambda 1."""
    return RunFolder(shutil.copytree(trained_run.path, server.runs / "tiny"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium, until the last test here has ended: while Playwright runs, its thread has an event loop and can run no other."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def tab(browser: Any) -> Iterator[Any]:
    """One tab for all tests: a new one compiles the app's scripts again, which takes longer than most tests."""
    window = browser.new_context(viewport=VIEWPORT)
    yield window.new_page()
    window.close()


@pytest.fixture
def page(tab: Any, server: Server) -> Iterator[Any]:
    """A page that must stay free of console errors and of requests to other machines. It begins empty and remembers nothing."""
    complaints: list[str] = []
    told = {
        "console": lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None,
        "pageerror": lambda e: complaints.append(str(e)),
        "request": lambda r: complaints.append(f"request to {r.url}") if _foreign(r.url, server.port) else None,
    }
    for event, listener in told.items():
        tab.on(event, listener)
    tab.expected = []  # texts of complaints that a test causes on purpose
    tab.set_viewport_size(VIEWPORT)
    yield tab
    for other in tab.context.pages:
        if other != tab:
            other.close()
    if tab.url.startswith(server.url):
        tab.evaluate("sessionStorage.clear(); localStorage.clear()")
    tab.goto("about:blank")
    for event, listener in told.items():
        tab.remove_listener(event, listener)
    assert [c for c in complaints if not any(h in c for h in (*HARMLESS, *tab.expected))] == []


def _foreign(url: str, port: int) -> bool:
    return not url.startswith((f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}", "data:", "blob:"))


def settle(page: Any) -> None:
    """Wait until the script has run."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=60_000)
