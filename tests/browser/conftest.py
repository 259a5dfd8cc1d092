"""A server of its own for the browser, on a free port, with its own runs; skipped with a reason where Chromium is missing."""

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

from app import jobs

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
"""Pages are composed in software: no page needs WebGL, and an emulated GPU takes ten times as long for a frame."""
HARMLESS = ("404 (Not Found)",)  # Streamlit asks for /<page>/_stcore/* first when a page is opened by its own address


class Server:
    """``adrec app`` that can be stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.runs = folder / "runs"
        self.runs.mkdir(exist_ok=True)
        self.log = folder / "server.log"
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "ADREC_RUNS": str(self.runs), "OMP_NUM_THREADS": "1"}
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


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A running server; its trainings are killed at the end."""
    started = Server(folder)
    started.start()
    yield started
    for path in started.runs.glob("*/job.json"):
        jobs.stop(started.runs, path.parent.name, force=True)
    started.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own. Tests that only look have one for all of their file."""
    with serving(tmp_path) as started:
        yield started


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def window(browser: Any) -> Iterator[Any]:
    """One browser window for the tests of a file, so that scripts are fetched and compiled once."""
    opened = browser.new_context(viewport={"width": 1440, "height": 900})
    yield opened
    opened.close()


@pytest.fixture
def page(window: Any, server: Server) -> Iterator[Any]:
    """A page that must stay free of console errors and of requests to other machines."""
    opened = window.new_page()
    complaints: list[str] = []
    opened.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda e: complaints.append(str(e)))
    opened.on("request", lambda r: complaints.append(f"request to {r.url}") if _foreign(r.url, server.port) else None)
    opened.expected = []  # texts of complaints that a test causes on purpose
    yield opened
    for tab in window.pages:
        tab.close()
    assert [c for c in complaints if not any(h in c for h in (*HARMLESS, *opened.expected))] == []


def _foreign(url: str, port: int) -> bool:
    return not url.startswith((f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}", "data:", "blob:"))


def settle(page: Any) -> None:
    """Wait until the script has run."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=60_000)
