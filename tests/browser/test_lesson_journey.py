"""What a person does on the Learn page: arrive, walk through the chapters by the keyboard, go back, take a door, present."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from adrec.data import catalog
from adrec.lesson import setup
from app import loaders
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser
TIMEOUT = 60_000
CHAPTERS = range(9)
WORDS = setup.words("lesson")
OUTSIDE = """ways => ways.map(way => way.getBoundingClientRect())
    .filter(r => r.top < 0 || r.bottom > innerHeight || r.left < 0 || r.right > innerWidth).length"""
CUT = "parts => parts.filter(part => part.scrollHeight > part.clientHeight + 2).length"
SIDEWAYS = """lesson => [...lesson.querySelectorAll('*')].filter(part => {
  const { left, right, width } = part.getBoundingClientRect(), slides = /auto|scroll/.test(getComputedStyle(part).overflowX);
  const outside = left < -1 || right > innerWidth + 1 || (slides && part.scrollWidth > part.clientWidth + 1);
  return part.checkVisibility() && width > 1 && outside;
}).map(part => `${part.tagName}.${part.getAttribute('class')}`)"""
"""Parts of the lesson that stick out of the window, or that have to be slid sideways."""
SCROLLS = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  return main.scrollHeight - main.clientHeight;
}"""


def open_lesson(page: Any, server: Server, query: str = "") -> Any:
    """The lesson, once it shows a chapter."""
    page.goto(f"{server.url}/{query}")
    return shown(page)


def shown(page: Any) -> Any:
    lesson = page.locator(".lesson[data-chapter]")
    expect(lesson).to_be_visible(timeout=TIMEOUT)
    return lesson


def test_the_three_doors_stand_on_the_first_screen_without_scrolling(page: Any, server: Server) -> None:
    for width, height in ((1280, 720), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        lesson = open_lesson(page, server, "?chapter=0")
        expect(lesson.locator(".way")).to_have_count(3)
        assert lesson.locator(".way").evaluate_all(OUTSIDE) == 0, f"{width} x {height}"


def test_the_whole_lesson_is_walked_by_the_keyboard_without_scrolling_or_asking_the_server(page: Any, server: Server) -> None:
    frames: list[str] = []

    def listen(socket: Any) -> None:
        for way in ("framesent", "framereceived"):
            socket.on(way, lambda _, way=way: frames.append(way))

    page.on("websocket", listen)
    page.set_viewport_size({"width": 1280, "height": 720})
    lesson = open_lesson(page, server, "?chapter=0")
    page.wait_for_load_state("networkidle")
    frames.clear()
    for chapter in CHAPTERS:
        expect(lesson).to_have_attribute("data-chapter", str(chapter))
        for step in range(len(WORDS[str(chapter)]["notes"])):
            expect(lesson).to_have_attribute("data-step", str(step))
            assert page.evaluate(SCROLLS) <= 0 and lesson.locator(".words, .stage").evaluate_all(CUT) == 0, (
                f"chapter {chapter}, step {step}"
            )
            page.keyboard.press("ArrowRight")
    assert page.url.endswith("chapter=8") and frames == []


def test_a_chapter_opens_by_its_address_back_leads_to_the_last_one_and_who_returns_lands_where_they_left(page: Any, server: Server) -> None:
    lesson = open_lesson(page, server, "?chapter=5")
    expect(lesson.locator(".heading")).to_have_text(WORDS["5"]["title"])
    lesson.locator(".stepper button").nth(3).press("Enter")
    expect(lesson).to_have_attribute("data-chapter", "3")
    page.go_back()
    expect(shown(page)).to_have_attribute("data-chapter", "5")
    page.get_by_role("link", name="Train").click()
    expect(page.locator(".lesson")).to_have_count(0, timeout=TIMEOUT)
    page.get_by_role("link", name="Learn").click()
    expect(shown(page)).to_have_attribute("data-chapter", "5")
    open_lesson(page, server, "?chapter=0").get_by_role("button", name=WORDS["shell"]["ways"]["check"]["label"]).press("Enter")
    page.wait_for_url("**/own*", timeout=TIMEOUT)
    page.go_back()
    expect(shown(page)).to_have_attribute("data-chapter", "0")


def test_a_guess_by_the_keyboard_stands_beside_the_answer_ticks_the_chapter_and_is_kept_until_one_starts_over(
    page: Any, server: Server
) -> None:
    lesson = open_lesson(page, server, "?chapter=0")
    lesson.locator(".option").nth(0).press("Enter")
    expect(lesson).to_have_attribute("data-step", "1")
    expect(lesson.locator(".option.is-right .mark").first).to_have_text(WORDS["shell"]["answer"])
    expect(lesson.locator(".option.is-chosen")).to_have_count(1)
    expect(lesson.locator(".stepper button").nth(0)).to_have_class("is-done")
    expect(lesson.locator(".next")).to_be_focused()
    lesson = open_lesson(page, server, "?chapter=0")
    expect(lesson.locator(".option.is-chosen")).to_have_count(1)
    lesson.locator(".restart").press("Enter")
    expect(lesson.locator("button.option")).to_have_count(len(WORDS["0"]["guess"]["options"]))
    expect(lesson.locator(".stepper .is-done")).to_have_count(0)


def test_next_without_a_guess_is_a_skipped_question_and_ticks_nothing_and_a_guess_ticks_a_chapter_with_more_to_do(
    page: Any, server: Server
) -> None:
    lesson, ticks, said = (
        open_lesson(page, server, "?chapter=2"),
        page.locator(".lesson .stepper .is-done"),
        page.locator(".lesson .outcome"),
    )
    lesson.locator(".next").press("Enter")
    expect(said).to_have_class("outcome is-skipped is-above")
    expect(lesson.locator(".is-chosen")).to_have_count(0)
    expect(ticks).to_have_count(0)
    lesson.locator(".stepper button").nth(1).press("Enter")
    lesson.locator(".candidate").nth(1).press("Enter")
    expect(ticks).to_have_count(1)
    lesson.locator(".next").press("Enter")
    expect(lesson.locator(".words .guess")).to_be_hidden()  # a later screen asks and shows something else
    expect(lesson.locator(".step-title")).to_have_text(WORDS["1"]["headings"][2])


def test_on_a_phone_words_come_before_what_they_are_about_and_a_turned_page_begins_at_its_top(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    lesson, top = open_lesson(page, server, "?chapter=7"), "part => part.getBoundingClientRect().top"
    assert lesson.locator(".guess").evaluate(top) < lesson.locator(".picture").evaluate(top) < lesson.locator(".stage").evaluate(top)
    lesson.locator(".stepper button").nth(1).press("Enter")
    expect(lesson.locator(".picture")).to_be_hidden()
    lesson.locator(".candidate").last.scroll_into_view_if_needed()
    lesson.locator(".next").press("Enter")
    expect(lesson.locator(".heading")).to_be_in_viewport()
    lesson.locator(".stepper button").nth(0).press("Enter")
    assert lesson.locator(".hook .model").last.evaluate(top) < lesson.locator(".guess").evaluate(top)


def test_who_comes_back_from_the_laboratory_finds_the_step_they_left(page: Any, server: Server) -> None:
    lesson = open_lesson(page, server, "?chapter=6")
    for _ in range(2):
        lesson.locator(".next").press("Enter")
    lesson.locator(".door").press("Enter")
    page.get_by_role("link", name=WORDS["shell"]["wayBack"]["chapter"].format(number=6)).click(timeout=TIMEOUT)
    expect(shown(page)).to_have_attribute("data-step", "2", timeout=TIMEOUT)


def test_on_a_phone_what_is_presented_can_be_left(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    lesson = open_lesson(page, server, "?chapter=0")
    lesson.locator(".way.is-show").press("Enter")
    expect(lesson).to_have_class(re.compile(r"\bpresenting\b"))
    lesson.locator(".present").click()
    expect(lesson).not_to_have_class(re.compile(r"\bpresenting\b"))


def test_on_a_phone_nothing_on_any_step_is_wider_than_the_screen_and_every_page_begins_at_its_top(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    lesson = open_lesson(page, server, "?chapter=0")
    for chapter in CHAPTERS:
        for step in range(len(WORDS[str(chapter)]["notes"])):
            expect(lesson).to_have_attribute("data-chapter", str(chapter))
            expect(lesson).to_have_attribute("data-step", str(step))
            assert lesson.evaluate(SIDEWAYS) == [], f"chapter {chapter}, step {step}"
            assert lesson.locator(".heading").evaluate("part => part.getBoundingClientRect().top") > 60, f"chapter {chapter}, step {step}"
            page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTo(0, main.scrollHeight)")
            if lesson.locator(".next").is_visible():
                lesson.locator(".next").press("Enter")
    expect(lesson.locator(".way")).to_have_count(3)  # the last step has no next one, but ways on


def test_the_small_picture_holds_as_many_films_in_training_as_in_use(page: Any, server: Server) -> None:
    lesson, films = open_lesson(page, server, "?chapter=6"), page.locator(".living.is-strip .card.is-history")
    expect(lesson.locator(".living.in-training .card.is-history").first).to_be_visible()
    before = films.count()
    lesson.locator(".dot").last.click()
    expect(lesson.locator(".living.in-use")).to_be_visible()
    assert films.count() == before


def test_the_small_picture_shows_the_noise_only_after_chapter_4_and_says_when_it_is_the_model_in_training(
    page: Any, server: Server
) -> None:
    lesson, shown = open_lesson(page, server, "?chapter=1"), page.locator(".living :is(.is-denoiser, .is-valve, .is-x0, .is-next)")
    for chapter, visible in ((1, False), (2, False), (3, False), (5, True)):
        lesson.locator(".stepper button").nth(chapter).click()
        assert any(each.is_visible() for each in shown.all()) is visible, chapter
    expect(lesson.locator(".lit")).to_have_text(WORDS["shell"]["strip"]["training"])


@pytest.mark.skipif(not catalog.available(loaders.FIRST), reason="the ratings of MovieLens-100K are not on this machine")
def test_a_real_person_is_shown_by_number_stays_until_their_films_change_and_plays_in_chapter_7(page: Any, server: Server) -> None:
    lesson = open_lesson(page, server, "?chapter=1")
    for _ in range(2):
        lesson.locator(".next").click()
    real, ten = lesson.locator(".real"), lesson.locator(".live-ten .films")
    composed = ten.inner_text()
    real.locator("input").fill("99999")
    page.keyboard.press("Enter")
    expect(real.locator(".note")).to_have_text(WORDS["real"]["nobody"].format(number=99999))
    real.locator("input").fill("17")
    page.keyboard.press("Enter")
    expect(real.locator(".note")).to_contain_text("person 17 liked")
    expect(ten).not_to_have_text(composed, use_inner_text=True, timeout=TIMEOUT)
    page.evaluate("history.pushState(null, '', '?chapter=7'); dispatchEvent(new PopStateEvent('popstate'))")
    for _ in range(3):
        lesson.locator(".next").click()
    expect(lesson.locator(".noiseplayer select option:checked")).to_have_text(WORDS["people"]["real"].format(number=17))
    expect(lesson.locator(".noiseplayer p.says")).to_contain_text(WORDS["people"]["real"].format(number=17), timeout=TIMEOUT)
    page.evaluate("history.pushState(null, '', '?chapter=1'); dispatchEvent(new PopStateEvent('popstate'))")
    for _ in range(2):
        lesson.locator(".next").click()
    lesson.locator(".next-film .away").first.click()
    expect(real.locator(".note")).to_have_text("")
    real.get_by_text(WORDS["real"]["draw"]).click()
    expect(real.locator(".note")).to_contain_text("liked")


def test_a_door_opens_the_laboratory_in_the_state_that_was_just_seen_and_a_link_leads_back(page: Any, server: Server) -> None:
    open_lesson(page, server, "?chapter=5").locator(".evidence .door").press("Enter")
    page.wait_for_url("**/collapse?run=narrow*", timeout=TIMEOUT)
    page.get_by_role("link", name=WORDS["shell"]["wayBack"]["chapter"].format(number=5)).click()
    expect(shown(page)).to_have_attribute("data-chapter", "5")


def test_a_presenter_sees_the_notes_of_every_step_and_a_clock_in_a_second_window(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    lesson = open_lesson(page, server, "?chapter=0")
    with page.expect_popup() as opened:
        lesson.get_by_role("button", name=WORDS["shell"]["ways"]["show"]["label"]).press("Enter")
    notes = opened.value
    expect(notes.locator(".say")).to_have_text(WORDS["0"]["notes"][0])
    page.keyboard.press("ArrowRight")
    expect(notes.locator(".say")).to_have_text(WORDS["0"]["notes"][1])
    notes.keyboard.press("ArrowLeft")
    expect(lesson).to_have_attribute("data-step", "0")
    expect(notes.locator(".clock")).not_to_have_text("0:00", timeout=5000)
    page.keyboard.press("Escape")
    expect(lesson).not_to_have_class(re.compile(r"\bpresenting\b"))
    assert notes.is_closed()


def test_a_control_that_a_presenter_pressed_gives_the_arrows_back_to_the_talk(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    lesson = open_lesson(page, server, "?chapter=4")
    lesson.locator(".present").click()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(lesson).to_have_attribute("data-step", "3")
    lesson.locator("[role=radiogroup] button, [role=radiogroup] input, [role=radiogroup] label").last.click()
    page.keyboard.press("ArrowRight")
    expect(lesson).to_have_attribute("data-step", "4")
    page.keyboard.press("Escape")
    expect(lesson).not_to_have_class(re.compile(r"\bpresenting\b"))


def test_while_somebody_presents_tab_goes_to_what_the_step_offers_and_the_arrows_still_turn_pages(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    lesson = open_lesson(page, server, "?chapter=4")
    lesson.locator(".present").press("Enter")
    page.keyboard.press("Tab")
    expect(lesson.locator("button.option").first).to_be_focused()
    page.keyboard.press("Enter")  # a guess, which turns to the answer
    expect(lesson).to_have_attribute("data-step", "1")
    page.keyboard.press("Tab")
    expect(lesson.get_by_role("radio", name=WORDS["4"]["mode"]["training"])).to_be_focused()
    page.keyboard.press("Escape")  # the arrows belong to the talk again
    page.keyboard.press("ArrowRight")
    expect(lesson).to_have_attribute("data-step", "2")
    page.keyboard.press("Escape")
    expect(lesson).not_to_have_class(re.compile(r"\bpresenting\b"))


def test_a_pressed_letter_of_chapter_5_is_answered_where_it_was_asked(page: Any, server: Server) -> None:
    lesson = open_lesson(page, server, "?chapter=5")
    lesson.get_by_role("button", name="Step 5 of 6").press("Enter")
    lesson.locator(".name5").first.press("Enter")
    expect(lesson.locator(".three5 > p strong")).to_have_text(WORDS["5"]["missed"].format(letter="A", right="C"))
    expect(lesson.locator(".name5").first).to_be_disabled()


def test_the_answer_to_chapter_5s_three_tables_fits_the_screen(page: Any, server: Server) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    lesson = open_lesson(page, server, "?chapter=5")
    lesson.get_by_role("button", name="Step 5 of 6").press("Enter")
    lesson.get_by_role("button", name=WORDS["5"]["reveal"]).press("Enter")
    expect(lesson.locator(".three5 .healthbar")).to_be_visible()
    assert lesson.locator(".words, .stage").evaluate_all(CUT) == 0
