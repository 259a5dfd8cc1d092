"""The site, served by a plain file server below a path: it asks nobody else for anything."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import expect

from adrec.lesson import setup
from adrec.site.build import site

pytestmark = pytest.mark.browser
WORDS = setup.words("lesson")
SITE = setup.words("site")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("served")
    site().write(root / "some" / "where")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/some/where/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """A page that must stay silent and ask nobody else for anything."""
    page, complaints = browser.new_page(viewport={"width": 1440, "height": 900}), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: complaints.append(r.url) if not r.url.startswith((address, "data:", "blob:")) else None)
    yield page
    page.close()
    assert complaints == []


def test_the_lesson_is_walked_to_its_end_and_its_models_answer(page: Any, address: str) -> None:
    page.goto(address)
    lesson = page.locator(".lesson")
    for chapter in range(9):
        for step in range(len(WORDS[str(chapter)]["notes"])):
            expect(lesson).to_have_attribute("data-chapter", str(chapter))
            expect(lesson).to_have_attribute("data-step", str(step))
            if (chapter, step) == (1, 2):
                expect(lesson.locator(".stage")).to_contain_text("Star Trek", timeout=20_000)
            page.wait_for_timeout(50)
            page.keyboard.press("ArrowRight")
    lesson.locator(".way.is-train").click()
    expect(lesson.locator(".notice")).to_contain_text("adrec app")
