"""What a person does on the Train page: start, reload, stop, resume, wait, go on to the other pages."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from adrec.runs import RunFolder
from tests.browser.conftest import Server, settle

pytestmark = pytest.mark.browser

SMALL = "max_steps = {steps}\nhidden_size = 16\ntimesteps = 4\nlength = 10\nvalidate_every = {every}"


@pytest.fixture(autouse=True)
def nothing_trains_on(server: Server) -> Iterator[None]:
    """What a test left training is killed."""
    yield
    server.end_trainings()


def begin(page: Any, server: Server, settings: str, name: str) -> None:
    """Fill in the form and press Start; each entry has arrived when the command below the form shows it."""
    page.set_viewport_size({"width": 1280, "height": 1600})  # a list closes when the page scrolls, which Playwright does at once
    page.goto(f"{server.url}/train")
    settle(page)
    page.get_by_text("As a command").click()
    command = page.get_by_test_id("stCode").filter(has_text="adrec train").first  # another while the form is drawn anew
    page.get_by_role("combobox", name="Data", exact=True).click()
    page.get_by_role("option", name="synthetic", exact=True).click()
    expect(command).to_contain_text("--dataset=synthetic", timeout=30_000)
    page.get_by_text("Settings", exact=True).click()
    area = page.get_by_role("textbox", name="Other settings")
    area.fill(settings)
    area.press("Control+Enter")
    expect(command).to_contain_text("timesteps=4", timeout=30_000)
    field = page.get_by_role("textbox", name="Run name")
    field.fill(name)
    field.press("Enter")
    expect(command).to_contain_text(f"/{name}", timeout=30_000)
    page.get_by_role("button", name="Start training").click()


def long_run(page: Any, server: Server, name: str) -> None:
    """Start a training that lasts for minutes and wait for its first steps."""
    begin(page, server, SMALL.format(steps="none", every=100) + "\nepochs = 1000\nlr = 0.0001", name)
    expect(page.get_by_text(re.compile(rf"{name} is in its pre-train stage, epoch"))).to_be_visible(timeout=60_000)


def test_a_run_trains_to_the_end_and_leads_on_to_the_other_pages(page: Any, server: Server) -> None:
    begin(page, server, SMALL.format(steps=24, every=5), "whole")
    expect(page.get_by_text("whole has finished")).to_be_visible(timeout=180_000)
    expect(page).to_have_url(re.compile(r"run=whole"))
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    page.get_by_role("link", name="See its embeddings").click()
    expect(page).to_have_url(re.compile(r"/collapse\?.*run=whole"))


def test_a_running_training_is_shown_after_a_reload_in_a_second_tab_and_by_another_server_and_resumes_where_it_was_stopped(
    page: Any, server: Server
) -> None:
    page.expected = ["ERR_CONNECTION", "WebSocket", "Client Error", "disconnected from server", "server is not responding"]
    long_run(page, server, "carried")
    page.reload()
    expect(page.get_by_text(re.compile(r"carried is in its pre-train stage"))).to_be_visible(timeout=60_000)
    second = page.context.new_page()
    second.goto(page.url)
    expect(second.get_by_text(re.compile(r"carried is in its pre-train stage"))).to_be_visible(timeout=60_000)
    second.close()
    server.stop()
    server.start()
    page.reload()
    expect(page.get_by_text(re.compile(r"carried is in its pre-train stage"))).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("carried is stopped and can be resumed")).to_be_visible(timeout=60_000)
    before = max(e.get("step", 0) for e in RunFolder(server.runs / "carried").events()[0])
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=60_000)
    for _ in range(120):
        page.wait_for_timeout(500)
        steps = [e["step"] for e in RunFolder(server.runs / "carried").events()[0] if e["kind"] == "step"]
        if steps and steps[-1] > before:
            break
    assert steps[-1] > before and steps == sorted(steps)


def test_a_file_that_cannot_be_read_is_refused_with_its_sentence_before_the_start(page: Any, server: Server) -> None:
    (server.runs / "empty.csv").write_text("user,item,timestamp\n")
    page.goto(f"{server.url}/train")
    settle(page)
    page.get_by_role("combobox", name=re.compile("Data")).click()
    page.get_by_role("option", name="My own file or folder").click()
    path = page.get_by_role("textbox", name="Path on this machine")
    path.fill(str(server.runs / "empty.csv"))
    path.press("Enter")
    settle(page)
    expect(page.get_by_role("alert")).to_contain_text("empty.csv", timeout=60_000)
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()


def test_back_returns_to_the_run_that_was_shown_before(page: Any, server: Server, run: RunFolder) -> None:
    for name in ("first", "second"):
        shutil.copytree(run.path, server.runs / name)
    page.goto(f"{server.url}/train?run=second")
    expect(page.get_by_text("second has finished")).to_be_visible(timeout=60_000)
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    settle(page)
    page.get_by_role("button", name="Run:").click()
    page.get_by_test_id("stPopoverBody").get_by_text("· first ·").click()
    expect(page.get_by_text("first has finished")).to_be_visible(timeout=30_000)
    page.go_back()
    expect(page.get_by_text("second has finished")).to_be_visible(timeout=30_000)


def test_the_server_says_nothing_but_its_address(page: Any, server: Server) -> None:
    for path in ("", "train"):
        page.goto(f"{server.url}/{path}")
        settle(page)
    text = server.log.read_text()
    assert "Traceback" not in text and "warn" not in text.lower() and "error" not in text.lower()
