"""The exported lesson, opened from a file: it works without a server, and all its words come from the files of texts."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from adrec.browser import wire
from adrec.lesson import export, setup

pytestmark = pytest.mark.browser
WORDS = setup.words("lesson")
SEEN = r"""() => {
  const found = [];
  const walk = (node) => {
    if (node.nodeType === 3) { found.push(node.data); return }
    if (node.nodeType !== 1 || ["SCRIPT", "STYLE"].includes(node.tagName)) return;
    for (const name of ["aria-label", "aria-description", "aria-valuetext", "title", "alt", "placeholder"]) {
      if (node.hasAttribute(name)) found.push(node.getAttribute(name));
    }
    node.childNodes.forEach(walk);
  };
  walk(document.querySelector(".lesson"));
  return found;
}"""


def marked(words: Any) -> Any:
    """The same words with letters that no code would hold; placeholders and the names of quantities and terms stay."""
    if isinstance(words, dict):
        return {key: marked(value) for key, value in words.items()}
    if isinstance(words, list):
        return [marked(value) for value in words]
    if not isinstance(words, str):
        return words
    return re.sub(r"\{\w+\}|\]\(\??[\w-]+\)|[A-Za-z]", lambda m: m[0] if len(m[0]) > 1 else chr(ord(m[0]) + 0xFEE0), words)


def strings(value: Any) -> Iterator[str]:
    """All strings of the content."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (found for each in value.values() for found in strings(each))
    elif isinstance(value, list):
        yield from (found for each in value for found in strings(each))


@pytest.fixture
def file(browser: Any) -> Iterator[Any]:
    """A page that must stay silent and ask nobody for anything."""
    page, complaints = browser.new_page(viewport={"width": 1280, "height": 720}), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: complaints.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    yield page
    page.close()
    assert complaints == []


def test_every_word_on_every_step_comes_from_the_texts_or_the_content(file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = setup.words
    monkeypatch.setattr(setup, "words", lambda name: marked(words(name)))
    (tmp_path / "lesson.html").write_text(export.page(setup.bundled()), encoding="utf-8")
    (content,) = wire.unblock(setup.bundled())
    known = sorted({s for s in strings({k: v for k, v in content.items() if k != "arrays"}) if s}, key=len, reverse=True)
    held = re.compile("|".join(map(re.escape, known)) or "$^")
    file.goto((tmp_path / "lesson.html").as_uri() + "#chapter=0")
    lesson, found = file.locator(".lesson"), set()
    for chapter in range(9):
        for step in range(len(WORDS[str(chapter)]["notes"])):
            expect(lesson).to_have_attribute("data-chapter", str(chapter))
            expect(lesson).to_have_attribute("data-step", str(step))
            file.wait_for_timeout(50)
            found |= {f"chapter {chapter}: {text}" for text in file.evaluate(SEEN) if re.search("[A-Za-z]{2}", held.sub("", text))}
            file.keyboard.press("ArrowRight")
    assert found == set()


OVERFLOWING = """() => [".words", ".stage", ".noiseplayer p.says"].flatMap((name) => [...document.querySelectorAll(`.lesson ${name}`)])
  .filter((place) => place.scrollHeight > place.clientHeight).map((place) => place.className)"""


def test_while_somebody_presents_all_words_of_every_step_are_on_the_screen(file: Any, tmp_path: Path) -> None:
    (tmp_path / "lesson.html").write_text(export.page(setup.bundled()), encoding="utf-8")
    file.goto((tmp_path / "lesson.html").as_uri() + "#chapter=0")
    file.emulate_media(reduced_motion="reduce")  # what plays is at its end at once
    file.get_by_role("button", name=WORDS["shell"]["present"], exact=True).click()
    found = {}
    for chapter in range(9):
        for step in range(len(WORDS[str(chapter)]["notes"])):
            expect(file.locator(".lesson")).to_have_attribute("data-step", str(step))
            file.wait_for_timeout(50)
            if chapter == 7:
                expect(file.locator(".noiseplayer p.says")).not_to_contain_text("…", timeout=20_000)
            found[chapter, step] = file.evaluate(OVERFLOWING)
            file.keyboard.press("ArrowRight")
    assert {at: places for at, places in found.items() if places} == {}


DRAWN = """() => {
  const place = (node) => node.getBoundingClientRect(), host = document.querySelector(".lesson"), { x, y, width, height } = place(host);
  const lit = Math.min(...[...document.querySelectorAll(".living :is(.card, .more).is-lit")].map((node) => place(node).left));
  const off = Math.abs(place(document.querySelector(".lines polyline")).left - lit);
  return { laid: [host.offsetWidth, host.offsetHeight], drawn: [x, y, width, height], off };
}"""


@pytest.mark.parametrize(("width", "height", "laid"), [(1920, 1080, [1280, 720]), (1024, 768, [1280, 960]), (2560, 1600, [1280, 800])])
def test_a_presentation_is_laid_out_once_and_drawn_as_large_as_the_screen(
    file: Any, tmp_path: Path, width: int, height: int, laid: list[int]
) -> None:
    (tmp_path / "lesson.html").write_text(export.page(setup.bundled()), encoding="utf-8")
    file.set_viewport_size({"width": width, "height": height})
    file.emulate_media(reduced_motion="reduce")
    file.goto((tmp_path / "lesson.html").as_uri() + "#chapter=1")
    file.get_by_role("button", name=WORDS["shell"]["present"], exact=True).click()
    file.wait_for_timeout(200)
    found = file.evaluate(DRAWN)
    assert found["laid"] == laid
    assert found["drawn"] == pytest.approx([0, 0, width, height], abs=1)
    assert found["off"] < 2
