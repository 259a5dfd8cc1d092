"""The living picture in the exported lesson: the model answers in the page while its films are moved, and its boxes open."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from adrec.lesson import export, setup
from adrec.lesson.people import START

pytestmark = pytest.mark.browser
WORDS = setup.words("lesson")
PICTURE = WORDS["picture"]
COVERED = """() => {
  const panel = document.querySelector(".detail").getBoundingClientRect(), wide = innerWidth > 760;
  const open = document.querySelector(wide ? ".living" : ".living .opener[aria-expanded=true]").getBoundingClientRect();
  return open.left < panel.right && panel.left < open.right && open.top < panel.bottom && panel.top < open.bottom;
}"""
BROKEN = """cards => cards.map(card => card.querySelector(".title")).flatMap(title => {
  const range = document.createRange(), text = title.firstChild, words = [...text.data.matchAll(/[^\\s-]+/g)];
  return words.filter(word => {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return range.getClientRects().length > 1 || range.getBoundingClientRect().right > title.getBoundingClientRect().right + 1;
  }).map(word => word[0]);
})"""
TITLES = """selector => [...document.querySelectorAll(selector)]
    .sort((a, b) => a.dataset.at - b.dataset.at).map(card => card.querySelector(".title").textContent)"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lesson") / "lesson.html"
    path.write_text(export.page(setup.bundled()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tab(browser: Any) -> Iterator[Any]:
    """One tab for the tests of this file, so that scripts are compiled once."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def lesson(tab: Any, file: Path) -> Iterator[Any]:
    """Chapter 4 in a new visit, once the model has answered in the page."""
    errors: list[str] = []
    told = {"console": lambda message: errors.append(message.text), "pageerror": lambda error: errors.append(str(error))}
    for event, listener in told.items():
        tab.on(event, listener)
    tab.set_viewport_size({"width": 1440, "height": 900})
    tab.emulate_media(reduced_motion="no-preference")
    tab.goto(file.as_uri() + "#chapter=4")
    expect(tab.locator(".living .flow .arc").first).to_be_attached(timeout=60_000)  # attention
    yield tab
    tab.evaluate("sessionStorage.clear(); localStorage.clear()")
    tab.goto("about:blank")
    for event, listener in told.items():
        tab.remove_listener(event, listener)
    assert errors == []


FIRST = len(START)
"""The place of the first film that is drawn."""


def history(page: Any) -> list[str]:
    return list(page.evaluate(TITLES, ".living .card.is-history"))


def listed(page: Any) -> list[str]:
    return list(page.locator(".living .row .title").all_inner_texts())


def test_a_film_dragged_to_another_place_changes_the_history_and_the_list(lesson: Any) -> None:
    films, before = history(lesson), listed(lesson)
    first, last = (lesson.locator(f'.living .card.is-history[data-at="{at}"]').bounding_box() for at in (FIRST, FIRST + 4))
    lesson.mouse.move(first["x"] + 20, first["y"] + 30)
    lesson.mouse.down()
    lesson.mouse.move(last["x"] + 20, last["y"] + 30, steps=6)
    lesson.mouse.up()
    expect(lesson.locator(".living .row .title")).not_to_have_text(before, timeout=10_000)
    assert history(lesson) == [*films[1:], films[0]]


def test_the_history_is_edited_by_the_keyboard_and_the_step_stays(lesson: Any) -> None:
    films = history(lesson)
    lesson.locator(f'.living .card.is-history[data-at="{FIRST}"]').focus()
    lesson.keyboard.press("Shift+ArrowRight")
    assert history(lesson)[:2] == [films[1], films[0]]
    lesson.keyboard.press("Delete")
    assert history(lesson)[1:] == [films[1], *films[2:]]  # the film before them comes into the picture
    lesson.locator(".living .search input").fill("toy story")
    lesson.keyboard.press("Enter")
    assert history(lesson)[-1] == "Toy Story"
    assert lesson.locator(".lesson").get_attribute("data-step") == "0"


SIZES = ((1440, 900), (1280, 720), (390, 844))


@pytest.mark.parametrize("size", SIZES)
def test_every_box_opens_in_three_depths_covers_nothing_of_the_picture_and_closes_by_escape(lesson: Any, size: tuple[int, int]) -> None:
    lesson.set_viewport_size({"width": size[0], "height": size[1]})
    lesson.emulate_media(reduced_motion="reduce")
    for box in lesson.locator(".living .opener").all():
        if not box.is_visible():
            continue
        box.focus()
        for depth in PICTURE["depths"].values():
            lesson.keyboard.press("Enter" if depth == PICTURE["depths"]["sentence"] else "ArrowRight")
            tab = lesson.locator(".detail [aria-selected=true]")
            expect(tab).to_have_text(depth)
            tab.focus()
            assert lesson.locator(".detail .body").inner_text().strip()
            assert not lesson.evaluate(COVERED), f"{box.inner_text()}, {depth}"
        lesson.keyboard.press("Escape")
        expect(lesson.locator(".detail")).to_be_hidden()
        expect(box).to_be_focused()


@pytest.mark.parametrize("size", SIZES)
def test_no_word_of_a_film_s_title_is_parted_on_its_card(lesson: Any, size: tuple[int, int]) -> None:
    lesson.set_viewport_size({"width": size[0], "height": size[1]})
    for title in ("deconstructing", "independence day"):
        lesson.locator(".living .search input").fill(title)
        lesson.keyboard.press("Enter")
    cards = lesson.locator(".living .card.is-history")
    expect(cards.last).to_contain_text("Independence")
    lesson.wait_for_timeout(400)
    assert cards.evaluate_all(BROKEN) == []


def test_a_film_s_card_and_the_unknown_one_open_what_their_row_says(lesson: Any) -> None:
    for card, box in ((".card.is-history", "history"), (".card.is-unknown", "next")):
        lesson.locator(f".living {card}").last.click()
        expect(lesson.locator(".detail .sentence")).to_have_text(PICTURE["boxes"][box]["sentence"])
        lesson.keyboard.press("Escape")


def test_the_words_and_the_number_follow_the_lambda_that_was_chosen(lesson: Any) -> None:
    lesson.get_by_role("button", name="Step 4 of 5").press("Enter")
    choices = lesson.get_by_role("radiogroup", name=WORDS["4"]["weight"]["label"])
    choices.get_by_role("radio", name="1", exact=True).click()
    expect(lesson.locator("p.number")).to_contain_text("At λ = 1 ")
    expect(lesson.locator("p.says[aria-live]")).to_contain_text(WORDS["4"]["weight"]["other"].format(weight=1))
    choices.get_by_role("radio", name="0.001").click()
    expect(lesson.locator("p.number")).to_contain_text("At λ = 0.001 ")
    expect(lesson.locator("p.says[aria-live]")).not_to_contain_text(WORDS["4"]["weight"]["other"].format(weight=0.001))


def test_another_way_to_noise_says_that_the_list_stays_the_same(lesson: Any) -> None:
    lesson.get_by_role("button", name="Step 3 of 5").press("Enter")
    stays = WORDS["4"]["noise"]["stays"].replace("*", "")
    expect(lesson.locator("p.says[aria-live]")).not_to_contain_text(stays)
    lesson.get_by_role("radio", name=WORDS["4"]["noise"]["last"]["name"]).click()
    expect(lesson.locator("p.says[aria-live]")).to_contain_text(stays)


def test_the_toy_s_words_follow_its_switches_and_its_numbers(lesson: Any, file: Path) -> None:
    lesson.goto("about:blank")
    lesson.emulate_media(reduced_motion="reduce")  # where it ends, at once
    lesson.goto(file.as_uri() + "#chapter=5")
    lesson.get_by_role("button", name="Step 2 of 6").press("Enter")
    words, toy = lesson.locator(".says5"), WORDS["5"]["toy"]
    noise = {key: text.replace("*", "") for key, text in WORDS["5"]["noise"].items()}
    error, distance = lesson.locator(".meters output").all()
    expect(words).to_contain_text(toy["met"][1].format(error="0.00"))
    expect(words).to_contain_text(noise["off"])
    for name in ("push", "noise"):
        lesson.get_by_role("switch", name=WORDS["5"]["switches"][name]).click()
    expect(words).to_contain_text(noise["on"])
    expect(words).to_contain_text("part, and stay apart")
    expect(words).not_to_contain_text("one point")
    assert float(error.inner_text()) > 0.1 and float(distance.inner_text()) > 1


def test_which_table_was_pressed_is_remembered_for_the_visit(lesson: Any, file: Path) -> None:
    lesson.goto("about:blank")
    lesson.goto(file.as_uri() + "#chapter=5")
    lesson.get_by_role("button", name="Step 5 of 6").press("Enter")
    lesson.locator(".name5").first.press("Enter")
    told = lesson.locator(".three5 > p strong").inner_text()
    for chapter in ("6", "5"):
        lesson.goto(file.as_uri() + f"#chapter={chapter}")
    lesson.get_by_role("button", name="Step 5 of 6").press("Enter")
    expect(lesson.locator(".three5 > p strong")).to_have_text(told)
    expect(lesson.locator(".name5").first).to_be_disabled()


def test_on_a_phone_the_lengths_of_the_stages_stand_apart_and_none_of_them_fades(lesson: Any, file: Path) -> None:
    lesson.set_viewport_size({"width": 390, "height": 844})
    lesson.goto(file.as_uri() + "#chapter=6")
    lesson.get_by_role("button", name="Step 3 of 6").press("Enter")
    boxes = [line.bounding_box() for line in lesson.locator(".lengths6 li").all()]
    assert len(boxes) == 3 and all(above["y"] + above["height"] <= below["y"] for above, below in zip(boxes, boxes[1:], strict=False))
    assert lesson.locator(".is-dim text, .lengths6 .is-dim").count() == 0


def test_attention_stands_beside_what_leaving_a_film_out_does(lesson: Any) -> None:
    reader = lesson.locator(".living .opener.is-reader")
    reader.click(position={"x": 20, "y": 40})
    lesson.get_by_role("tab", name=PICTURE["depths"]["numbers"]).click()
    lesson.get_by_role("button", name=PICTURE["attention"]["open"]).click()
    expect(lesson.locator(".detail .heat rect")).to_have_count(36)
    expect(lesson.locator(".detail .without .changed")).to_have_text([re.compile(r"\d+ of 10")] * 8, timeout=20_000)


def test_in_training_there_is_no_unknown_film_and_no_way_back(lesson: Any) -> None:
    expect(lesson.locator(".living .card.is-unknown")).to_have_count(1)
    lesson.get_by_role("radio", name=WORDS["4"]["mode"]["training"]).click()
    expect(lesson.locator(".living .card.is-unknown")).to_have_count(0)
    expect(lesson.locator(".living .opener.is-back")).to_be_hidden()
    expect(lesson.locator(".living .is-pull")).to_be_visible()


def test_the_player_goes_from_noise_to_the_answer_and_back_by_the_keyboard(lesson: Any, file: Path) -> None:
    lesson.goto("about:blank")
    lesson.emulate_media(reduced_motion="reduce")  # the answer at once
    lesson.goto(file.as_uri() + "#chapter=7")
    lesson.keyboard.press("ArrowRight")
    slider = lesson.get_by_role("slider", name=WORDS["7"]["player"]["step"])
    expect(slider).to_have_value("32", timeout=60_000)
    answer = listed(lesson)
    slider.focus()
    lesson.keyboard.press("Home")
    expect(slider).to_have_value("0")
    assert listed(lesson) != answer
    lesson.keyboard.press("End")
    assert listed(lesson) == answer


def test_a_phone_loads_no_model_for_a_picture_that_it_does_not_show(browser: Any, file: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(file.as_uri() + "#chapter=5")
    expect(page.locator(".toy")).to_be_visible()
    page.wait_for_timeout(1000)
    assert page.workers == []
    page.evaluate("location.hash = 'chapter=4'")
    expect(page.locator(".living .flow .arc").first).to_be_attached(timeout=60_000)
    assert len(page.workers) == 1
    page.close()
