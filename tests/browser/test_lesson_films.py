"""The chapters about people and films, in the exported lesson: what is pressed, dragged or typed shows at once."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from adrec.browser import wire
from adrec.lesson import export, setup

pytestmark = pytest.mark.browser
CONTENT = wire.unblock(setup.bundled())[0]
TITLES = CONTENT["films"]["titles"]


@pytest.fixture(scope="module")
def tab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The lesson's file, opened once."""
    file = tmp_path_factory.mktemp("lesson") / "lesson.html"
    file.write_text(export.page(setup.bundled()), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    page.goto(file.as_uri())
    yield page
    page.close()


@pytest.fixture
def at(tab: Any) -> Any:
    """Opens a step of a chapter in a new visit."""

    def open_at(chapter: int, step: int) -> Any:
        tab.goto(f"{tab.url.split('#')[0]}#chapter={chapter}")
        tab.evaluate("sessionStorage.clear(); localStorage.clear()")
        tab.reload()
        for _ in range(step):
            tab.locator(".lesson .next").click()
        expect(tab.locator(".lesson")).to_have_attribute("data-step", str(step))
        return tab

    return open_at


def shown(page: Any, selector: str) -> list[str]:
    return page.locator(f"{selector} .name").all_text_contents()


def test_the_hook_shows_that_the_narrow_model_gives_two_people_the_same_ten(at: Any) -> None:
    page = at(0, 1)
    for model, shared in (("narrow", 20), ("healthy", 0)):
        expect(page.locator(f".hook .of-{model} li.shared")).to_have_count(shared)


def test_the_figures_of_the_hook_keep_to_their_columns(at: Any) -> None:
    wide = (
        at(0, 2)
        .locator(".hook .counts span")
        .evaluate_all("all => all.filter(one => one.scrollWidth > one.parentElement.clientWidth).length")
    )
    assert wide == 0


def test_a_collapsed_table_stands_beside_a_healthy_one_two_presses_after_opening(at: Any) -> None:
    page = at(0, 2)
    expect(page.locator(".hook canvas")).to_have_count(3)
    for canvas in page.locator(".hook canvas").all():
        assert canvas.is_visible()


def test_a_pressed_candidate_is_the_guess_and_the_twelve_take_the_models_order(at: Any) -> None:
    page = at(1, 0)
    page.locator(".twelve .candidate").nth(2).click()
    expect(page.locator(".twelve .is-chosen .mark")).to_have_count(1)
    ranked = sorted(zip(CONTENT["1"]["ranks"], CONTENT["1"]["candidates"], strict=True))
    assert shown(page, ".twelve .candidate") == [TITLES[film] for _, film in ranked]


def test_the_list_follows_a_removed_a_moved_and_an_added_film(at: Any) -> None:
    page = at(1, 2)
    ten, cards = page.locator(".live-ten .films"), page.locator(".next-film .cards")
    before = ten.inner_text()
    cards.locator(".away").first.click()
    expect(ten).not_to_have_text(before, use_inner_text=True)
    first, second = shown(page, ".next-film .card")[:2]
    cards.locator(".grip").first.focus()
    page.keyboard.press("ArrowRight")
    assert shown(page, ".next-film .card")[:2] == [second, first]
    expect(page.locator(".lesson")).to_have_attribute("data-step", "2")  # the arrow moved the card, not the lesson
    page.locator(".next-film .search input").fill("toy st")
    page.keyboard.press("Enter")
    assert shown(page, ".next-film .card")[-1] == "Toy Story"


def test_the_twelve_are_asked_about_the_first_person_and_the_visitors_own_comes_back(at: Any) -> None:
    page = at(1, 2)
    page.locator(".next-film .chip").nth(2).click()
    for _ in range(2):
        page.locator(".lesson .previous").click()
    first, third = ([TITLES[film] for film in one["history"][one["begun"] :]] for one in (CONTENT["people"][at] for at in (0, 2)))
    assert shown(page, ".next-film .card") == first
    for _ in range(2):
        page.locator(".lesson .next").click()
    assert shown(page, ".next-film .card") == third


def test_a_film_is_dragged_to_another_place(at: Any) -> None:
    page = at(1, 2)
    cards, before = page.locator(".next-film .card"), shown(page, ".next-film .card")
    start, end = cards.nth(0).bounding_box(), cards.nth(2).bounding_box()
    page.mouse.move(start["x"] + 60, start["y"] + 15)
    page.mouse.down()
    page.mouse.move(end["x"] + 60, end["y"] + 15, steps=6)
    page.mouse.up()
    assert shown(page, ".next-film .card") == [*before[1:3], before[0], *before[3:]]


def test_rows_of_neighbouring_lists_stand_on_one_line_and_squares_are_of_one_size(at: Any) -> None:
    page = at(2, 1)
    tops = page.locator(".three-lists li:first-child").evaluate_all("rows => rows.map(row => Math.round(row.getBoundingClientRect().top))")
    assert len(tops) == 4 and len(set(tops)) == 1
    page = at(2, 3)
    widths = page.locator(".start-end canvas").evaluate_all("all => all.map(one => Math.round(one.getBoundingClientRect().width))")
    assert len(widths) == 2 and len(set(widths)) == 1


def test_any_films_nearest_are_shown_at_any_time_of_the_training(at: Any) -> None:
    page = at(2, 2)
    near = CONTENT["2.near"].reshape(len(CONTENT["2"]["frames"]), -1, 10)
    page.locator(".training-film .search input").fill("alien")
    page.keyboard.press("Enter")
    film = TITLES.index("Alien")
    assert shown(page, ".training-film .films") == [TITLES[other] for other in near[-1, film - 1]]
    page.locator(".training-film input[type=range]").fill("0")
    assert shown(page, ".training-film .films") == [TITLES[other] for other in near[0, film - 1]]


def test_the_guesses_stand_beside_the_answers_in_the_last_chapter(at: Any) -> None:
    page = at(0, 0)
    page.locator(".hook .of-narrow .ask").click()
    page.goto(page.url.split("#")[0] + "#chapter=8")
    page.reload()
    for _ in range(2):
        page.locator(".lesson .next").click()
    row = page.locator(".guesses tr").nth(1).locator("td")
    expect(row.nth(1)).to_have_text("Model C")
    expect(row.nth(2)).to_have_text("Model B")
