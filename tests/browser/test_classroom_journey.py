"""A class with its presenter and phones: following, wandering, guessing, and what a reload, a late phone and a restart change."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from adrec.lesson import setup
from tests.browser.conftest import Server, serving

pytestmark = pytest.mark.browser
WORDS = setup.words("lesson")
CLASS = WORDS["shell"]["class"]
PATIENCE = 30_000
"""Milliseconds: whoever lost the server asks again after a wait that grows."""
LOST = ("net::ERR_", "403 (Forbidden)")
"""What a browser says while the server is away, and of a request that it refuses."""


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("class")
    with serving(folder, ADREC_MODE="classroom", ADREC_HOME=str(folder / "home")) as started:
        yield started


@pytest.fixture
def opened(browser: Any, classroom: Server) -> Iterator[Callable[..., Any]]:
    """Opens a page in a browser of its own; all of them must stay free of complaints and of requests to other machines."""
    contexts, complaints = [], []

    def opened(address: str, width: int = 390, height: int = 844) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("request", lambda r: complaints.append(r.url) if not r.url.startswith((classroom.url, "blob:", "data:")) else None)
        page.goto(f"{classroom.url}/class{address}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(lost in text for lost in LOST)] == []


def key(server: Server) -> str:
    return (Path(server.environment["ADREC_HOME"]) / "classroom.key").read_text(encoding="ascii")


def is_at(page: Any, chapter: int, step: int) -> None:
    lesson = page.locator(".lesson")
    expect(lesson).to_have_attribute("data-chapter", str(chapter), timeout=PATIENCE)
    expect(lesson).to_have_attribute("data-step", str(step), timeout=PATIENCE)


def option(page: Any, number: int) -> Any:
    return page.locator(".guess .option").nth(number)


def test_a_class_follows_wanders_guesses_and_goes_on_after_reloads_and_a_restart(opened: Callable[..., Any], classroom: Server) -> None:
    leads = opened(f"/present#key={key(classroom)}", 1280, 720)
    expect(leads.locator("dialog")).to_contain_text(CLASS["here"]["none"])
    assert key(classroom) not in leads.url
    code = leads.locator(".how .code strong").inner_text()
    typed = opened("")
    typed.get_by_label(CLASS["entrance"]["title"]).fill(code.lower())
    typed.keyboard.press("Enter")
    ada, bob = typed, opened(f"/{code}")
    for page in (ada, bob):
        expect(page.locator(".company")).to_contain_text(CLASS["with"])
        assert page.url.startswith(f"{classroom.url}/class/{code}")
    expect(leads.locator("dialog .here")).to_have_text("2 phones")
    leads.keyboard.press("ArrowRight")
    expect(leads.locator("dialog")).to_be_hidden()
    is_at(leads, 0, 0)

    option(ada, 2).click()
    option(bob, 1).click()
    option(ada, 1).click()
    expect(leads.locator(".guessed")).to_have_text("2 of 2 have guessed")
    expect(leads.locator(".tally b")).to_have_text(["0", "2", "0"])
    expect(ada.locator(".held")).to_contain_text("Model B")
    is_at(ada, 0, 0)
    leads.keyboard.press("ArrowRight")
    for page in (ada, bob):
        is_at(page, 0, 1)
        expect(page.locator(".outcome")).to_contain_text("You guessed “Model B”, and that is the answer")
    expect(leads.locator(".guessed")).to_have_text("2 of 2 guessed the answer.")

    bob.get_by_role("button", name=re.compile(WORDS["4"]["short"])).click()
    expect(bob.locator(".company")).to_contain_text("The class is at 0.")
    leads.get_by_role("button", name=re.compile(WORDS["1"]["short"])).click()
    is_at(ada, 1, 0)
    expect(bob.locator(".company")).to_contain_text("The class is at 1.")
    is_at(bob, 4, 0)
    bob.get_by_role("button", name=CLASS["back"]).click()
    is_at(bob, 1, 0)
    ada.locator(".candidate").nth(3).click()
    bob.locator(".candidate").nth(3).click()
    expect(leads.locator(".tally li:visible b")).to_have_text(["2"])

    bob.locator(".next").click()
    expect(bob.locator(".outcome")).to_contain_text("You guessed")
    bob.get_by_role("button", name=CLASS["back"]).click()

    ada.reload()
    expect(ada.locator(".held")).to_be_visible()
    leads.reload()
    is_at(leads, 1, 0)
    expect(leads.locator(".tally li:visible b")).to_have_text(["2"])
    expect(leads.locator("dialog")).to_be_hidden()
    for _ in range(2):
        leads.keyboard.press("ArrowRight")
    is_at(ada, 1, 2)
    person = leads.locator(".chip:not([aria-pressed=true])").first
    name = person.inner_text()
    person.click()
    late = opened(f"/{code}")
    for page in (ada, bob, late):
        is_at(page, 1, 2)
        expect(page.locator(".chip[aria-pressed=true]")).to_have_text(name)
        expect(page.locator(".company")).to_contain_text(CLASS["with"])

    classroom.stop()
    expect(ada.locator(".company")).to_contain_text(CLASS["lost"], timeout=PATIENCE)
    leads.keyboard.press("ArrowRight")
    classroom.start()
    for page in (ada, bob, late):
        is_at(page, 1, 3)
        expect(page.locator(".company")).to_contain_text(CLASS["with"])
    for _ in range(3):
        leads.keyboard.press("ArrowLeft")
    expect(leads.locator(".tally li:visible b")).to_have_text(["2"], timeout=PATIENCE)


def test_who_has_no_secret_is_told_so_and_moves_nothing(opened: Callable[..., Any], classroom: Server) -> None:
    stranger = opened("/present#key=guessed")
    expect(stranger.get_by_role("alert")).to_contain_text("This browser is not the presenter's")
    assert not stranger.locator(".lesson button").count()
