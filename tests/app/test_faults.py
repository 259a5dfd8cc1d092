"""What goes wrong around a server: run folders and disks that go away under a viewer, clocks, kills, a second server."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adrec.files import read_json, write_json
from adrec.folders import app_folder
from adrec.runs import RunFolder
from app import jobs, loaders, own_data, registry
from tests.app.conftest import QUICK, state, wait_for
from tests.app.pages import open_page, plainly
from tests.browser.conftest import serving

long = pytest.mark.long


@pytest.mark.slow
@pytest.mark.parametrize("page", ["collapse", "denoising", "compare", "train"])
def test_a_run_folder_that_is_removed_under_a_viewer_is_told_and_another_run_is_shown(root: Path, tiny_run: RunFolder, page: str) -> None:
    shutil.copytree(tiny_run.path, root / "gone")
    app = open_page(page, run="gone", runs="gone,sasrec")
    assert not app.exception and not app.error
    shutil.rmtree(root / "gone")
    app.run()
    assert not app.exception and not app.error
    assert any("gone" in plainly(warning.value) for warning in app.warning)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["app.collapse.headline.answer", "app.denoising.data.stage"])
def test_a_run_folder_that_is_removed_while_a_page_is_drawn_is_one_sentence(
    root: Path, tiny_run: RunFolder, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    import pkgutil

    usual = pkgutil.resolve_name(step)
    shutil.copytree(tiny_run.path, root / "going")

    def goes(*arguments: object) -> object:
        shutil.rmtree(root / "going", ignore_errors=True)
        return usual(*arguments)

    monkeypatch.setattr(step, goes)
    app = open_page(step.split(".")[1], run="going")
    assert not app.exception and len(app.error) <= 1


@pytest.mark.slow
def test_a_full_disk_is_told_to_who_starts_a_training_and_the_name_stays_free(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("train")

    def full(path: Path, data: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(jobs, "write_json", full)
    next(box for box in app.text_input if box.key == "train.name").set_value("mine")
    next(button for button in app.button if button.label == "Start training").click().run()
    assert not app.exception and [e for e in app.error if "No space left on device" in plainly(e.value)]
    assert not (root / "mine").exists()


@pytest.mark.slow
def test_a_full_disk_under_an_upload_is_one_sentence(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(own_data, "write_json", full)
    app = open_page("own")
    table = next(f for f in app.file_uploader if f.label == "Item tables")
    table.set_value([("table.csv", b"a,b\n1,2\n3,4\n", "text/csv")]).run()
    assert not app.exception and [plainly(e.value) for e in app.error] == ["'table.csv' was not diagnosed: No space left on device."]


def test_a_clock_that_is_set_back_hides_no_change_of_a_run(tiny_run: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(tiny_run.path, tmp_path / "run"))
    before = loaders.key(run)
    assert loaders.key(run) == before
    write_json(run.path / "run.json", {**read_json(run.path / "run.json"), "title": "other"})
    os.utime(run.path / "run.json", (1, 1))  # older than all else in the folder
    assert loaders.key(run) != before


def test_a_clock_that_is_set_back_loses_nobodys_place_but_puts_later_ones_before_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ensure_worker", lambda root: None)
    now = time.time()
    for name, at in (("first", now), ("second", now - 3600)):
        monkeypatch.setattr(time, "time", lambda at=at: at)
        jobs.submit(root, name, QUICK)
    assert [folder.name for folder in jobs._queued(root)] == ["second", "first"]
    assert {job.name: job.state for job in jobs.jobs(root)} == {"first": "queued", "second": "queued"}


def test_pages_are_found_by_many_threads_at_once() -> None:
    registry._card.cache_clear()
    with ThreadPoolExecutor(16) as many:
        found = list(many.map(lambda _: (registry._card.cache_clear(), registry.pages(loaders.ROOT / "pages"))[1], range(200)))
    assert all(pages == found[0] for pages in found)


@long
def test_two_servers_on_one_folder_train_each_run_once(root: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "ensure_worker", lambda root: None)
        for name in ("one", "two", "three"):
            jobs.submit(root, name, QUICK)
    command = [sys.executable, "-m", "app.jobs", str(root)]
    workers = [subprocess.Popen(command, cwd=app_folder()) for _ in range(3)]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0]
    for name in ("one", "two", "three"):
        assert state(root, name) == "finished"
        assert [e["kind"] for e in RunFolder(root / name).events()[0]].count("finished") == 1


@long
def test_a_server_that_is_killed_takes_no_training_with_it_and_leaves_no_half_file(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        jobs.submit(server.runs, "one", QUICK)
        before = {path for path in server.runs.rglob("*") if ".tmp" in path.name}
        with socket.create_connection(("127.0.0.1", server.port)) as up, socket.create_connection(("127.0.0.1", server.port)) as down:
            up.sendall(b"PUT /_stcore/upload_file/a/b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100_000)
            down.sendall(b"GET /static/index.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert server.process is not None
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(30)
        server.start()
        wait_for(lambda: state(server.runs, "one") == "finished", 120)
        assert {path for path in server.runs.rglob("*") if ".tmp" in path.name} == before


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such limit")
def test_a_server_may_open_as_many_files_as_the_system_allows() -> None:
    code = "import resource as r; from adrec.system import allow_many_handles as a; r.setrlimit(r.RLIMIT_NOFILE, (64, 128)); a(); "
    code += "print(r.getrlimit(r.RLIMIT_NOFILE))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "(128, 128)\n"
