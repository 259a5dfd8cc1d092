"""What a person does on the Denoising page: step, play, drag, copy a link, go back, compose."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from adrec.data.titles import titled
from adrec.explain import words
from adrec.explain.trajectory import trajectory
from adrec.models.loading import load_model
from adrec.runs import RunFolder
from app import loaders
from tests.browser.conftest import Server, settle

pytestmark = pytest.mark.browser
COUNT_MESSAGES = """() => {
  const send = WebSocket.prototype.send;
  window.sent = 0;
  WebSocket.prototype.send = function (...message) { window.sent++; return send.apply(this, message); };
}"""

FOCUSED = """() => {
  let e = document.activeElement;
  while (e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement;
  return (e.getAttribute("aria-label") || e.innerText || "").split("\\n").at(-1);
}"""


def open_scrubber(page: Any, server: Server, **parameters: str) -> Any:
    """The scrubber, once it is drawn."""
    query = "&".join(f"{k}={v}" for k, v in {"run": "tiny", **parameters}.items())
    page.goto(f"{server.url}/denoising?{query}")
    scrubber = page.locator(".scrubber[data-step]")
    expect(scrubber).to_be_visible(timeout=60_000)
    settle(page)
    return scrubber


def shown(scrubber: Any) -> list[str]:
    """The list as it is read out."""
    return scrubber.locator("ol.answer li").all_inner_texts()


def test_stepping_with_the_keyboard_moves_list_clock_and_url_and_back_returns_to_the_step_before(
    page: Any, server: Server, run: RunFolder
) -> None:
    scrubber = open_scrubber(page, server)
    expect(scrubber).to_have_attribute("data-step", "4")
    scrubber.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    expect(scrubber).to_have_attribute("data-step", "0")
    expect(scrubber.locator(".changes")).to_have_text("Pure noise, ranked as if it were the answer.")
    expect(page).to_have_url(re.compile(r"step=0\b"))
    settle(page)
    page.keyboard.press("ArrowRight")
    expect(scrubber.locator("output")).to_have_text(re.compile(r"Step\s*1\s*of 4"))
    expect(page).to_have_url(re.compile(r"step=1\b"))
    expect(scrubber.locator(".row.shown")).to_have_count(11 if scrubber.locator(".row.is-target .place").inner_text() > "10" else 10)
    settle(page)
    page.go_back()
    expect(scrubber).to_have_attribute("data-step", "0", timeout=30_000)


def test_the_mouse_moves_the_clock_and_nothing_is_sent_until_it_is_let_go_or_leaves(page: Any, server: Server, run: RunFolder) -> None:
    scrubber = open_scrubber(page, server)
    page.evaluate(COUNT_MESSAGES)
    box = scrubber.locator(".rank .chart").bounding_box()
    page.mouse.move(box["x"] + 42, box["y"] + 60)  # passing over the chart
    expect(scrubber).to_have_attribute("data-step", "0")
    page.wait_for_timeout(600)
    assert page.evaluate("window.sent") == 0
    page.mouse.move(box["x"] + 42, box["y"] - 80)
    expect(page).to_have_url(re.compile(r"step=0\b"))
    settle(page)
    scrubber.locator("input[type=range]").focus()
    page.keyboard.press("End")
    expect(page).to_have_url(re.compile(r"step=4\b"))
    settle(page)
    page.evaluate("window.sent = 0")
    box = scrubber.locator(".rank .chart").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 60)
    page.mouse.down()  # scrubbing
    page.mouse.move(box["x"] + 45, box["y"] + 60, steps=12)
    page.wait_for_timeout(600)
    assert scrubber.get_attribute("data-step") == "0" and page.evaluate("window.sent") == 0
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"step=0\b"))
    assert page.evaluate("window.sent") > 0


def test_a_point_of_the_path_moves_the_clock_the_speed_changes_and_the_anatomy_opens(page: Any, server: Server, run: RunFolder) -> None:
    scrubber = open_scrubber(page, server)
    scrubber.locator(".speed").click()
    expect(scrubber.locator(".speed")).to_have_text("2×")
    expect(scrubber.locator(".facts")).to_contain_text("with the history mean")
    scrubber.locator("summary").click()
    for name in ("chance", "margin", "cosine", "entropy"):
        expect(scrubber.locator(f".{name} .chart svg")).to_be_visible()
    scrubber.locator(".stop.noised").first.hover(force=True)
    expect(scrubber).to_have_attribute("data-step", "0")


def test_playing_goes_from_noise_to_the_answer_and_stops(page: Any, server: Server, run: RunFolder) -> None:
    scrubber = open_scrubber(page, server)
    before = shown(scrubber)
    scrubber.locator(".play").click()
    expect(scrubber).to_have_attribute("data-step", "0")
    expect(scrubber.locator(".play")).to_have_text("Pause")
    expect(scrubber).to_have_attribute("data-step", "4", timeout=10_000)
    expect(scrubber.locator(".play")).to_have_text("Replay")
    expect(page).to_have_url(re.compile(r"step=4\b"))
    assert shown(scrubber) == before


def test_a_copied_link_shows_the_same_view(page: Any, server: Server, run: RunFolder) -> None:
    scrubber = open_scrubber(page, server, seed="3", steps="3")
    kinds = page.get_by_role("combobox", name="Draw at random")
    kinds.click()
    kinds.press_sequentially("A miss")
    kinds.press("Enter")
    expect(page).to_have_url(re.compile(r"user="))
    settle(page)
    scrubber.locator(".previous").click()
    expect(page).to_have_url(re.compile(r"step=2\b"))
    second = page.context.new_page()
    second.goto(page.url)
    copy = second.locator(".scrubber[data-step]")
    expect(copy).to_have_attribute("data-step", "2", timeout=60_000)
    expect(copy.locator(".live")).to_have_text(scrubber.locator(".live").inner_text())
    assert shown(copy) == shown(scrubber)


def test_other_noise_is_answered_in_the_browser_as_by_the_server(page: Any, server: Server, run: RunFolder) -> None:
    scrubber = open_scrubber(page, server, view="own", history="9-3-20", compare="item", place="1", by="7")
    scrubber.locator(".first").click()
    expect(page).to_have_url(re.compile(r"step=0\b"))
    settle(page)
    before = shown(scrubber)
    scrubber.evaluate("e => { e.marked = true }")
    page.evaluate("WebSocket.prototype.send = () => {}")  # from here on the server hears nothing
    scrubber.get_by_role("button", name="Other noise").click()
    expect(scrubber.locator("ol.answer").first).not_to_have_text("".join(before[:10]))
    lists = [shown(scrubber)]
    for step in ("2", "4"):
        scrubber.locator(".next").click(click_count=2)
        expect(scrubber.locator(".live")).to_contain_text(f"Step {step} of 4")
        lists.append(shown(scrubber))
    assert scrubber.evaluate("e => e.marked") is True
    copy = open_scrubber(page, server, view="own", history="9-3-20", compare="item", place="1", by="7", seed="1", step="0")
    assert shown(copy) == lists[0]
    for step, found in zip(("2", "4"), lists[1:], strict=True):
        copy.locator(".next").click(click_count=2)
        expect(copy.locator(".live")).to_contain_text(f"Step {step} of 4")
        assert shown(copy) == found


def test_of_a_bundled_run_the_browser_makes_picture_and_words_from_the_history_and_the_server_where_it_cannot(
    page: Any, server: Server
) -> None:
    bundled, history = loaders.BUNDLED / "noise-1", [50, 100, 200]
    model, title = load_model(RunFolder(bundled)), titled(RunFolder(bundled).items)
    link = {"run": "noise-1", "view": "own", "history": "50-100-200"}

    def told(seed: int) -> Any:
        """The list of Python's own answer, and what it says of it."""
        walk = trajectory(model, history, seed=seed)
        return [title(item) for item in walk.top[-1]], words.headline(walk, title, words.TEXT)

    scrubber, said = open_scrubber(page, server, **link), page.locator(".words .answer")
    for seed in (0, 1):
        titles, headline = told(seed)
        expect(said).to_have_text(headline)
        assert [text.split(" (")[0] for text in shown(scrubber)] == titles
        if not seed:
            scrubber.get_by_role("button", name="Other noise").click()
            expect(page).to_have_url(re.compile(r"seed=1\b"))
            settle(page)
    page.expected.append("Failed to load resource")
    page.route("**/model/*", lambda route: route.abort())
    try:
        scrubber = open_scrubber(page, server, **link, seed="2")
        expect(page.locator(".said").first).to_have_text(told(2)[1])
        expect(said).to_have_count(0)
    finally:
        page.unroute("**/model/*")


def test_after_other_noise_the_words_follow_and_the_picture_stays(page: Any, server: Server, run: RunFolder) -> None:
    scrubber = open_scrubber(page, server)
    scrubber.locator(".row").first.evaluate("e => { e.marked = true }")
    for seed in ("1", "2"):
        scrubber.get_by_role("button", name="Other noise").click()
        expect(page).to_have_url(re.compile(rf"seed={seed}\b"))
        if seed == "1":
            scrubber.locator(".row").first.evaluate("e => { e.marked = true }")
            settle(page)
            assert scrubber.locator(".row").first.evaluate("e => e.marked") is True
    settle(page)
    expect(page.get_by_label("Noise seed")).to_have_value("2")


def test_fewer_steps_are_answered_in_the_browser_as_by_the_server(page: Any, server: Server, run: RunFolder) -> None:
    scrubber = open_scrubber(page, server)
    scrubber.get_by_label("Steps, 1 to 4").fill("2")
    page.keyboard.press("Enter")
    expect(scrubber.locator("output")).to_have_text(re.compile(r"Step\s*2\s*of 2"))
    found = shown(scrubber)
    expect(page).to_have_url(re.compile(r"steps=2\b"))
    assert shown(open_scrubber(page, server, steps="2")) == found


def test_a_history_is_composed_from_titles_and_its_link_shows_it(page: Any, server: Server, run: RunFolder) -> None:
    titles = run.items["title"]
    page.goto(f"{server.url}/denoising?run=tiny&view=own")
    field = page.get_by_role("combobox", name="Add an item")
    for item, history in ((7, "7"), (30, "7-30")):
        field.fill(titles[item])
        page.get_by_role("option", name=titles[item], exact=True).click()
        expect(page).to_have_url(re.compile(rf"history={history}(&|$)"))
        expect(page.locator(".scrubber[data-step]")).to_be_visible(timeout=60_000)
        settle(page)
    expect(page.get_by_text("Its first choice is")).to_be_visible()


def test_on_a_phone_the_clock_stays_within_reach(page: Any, server: Server, run: RunFolder) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    scrubber = open_scrubber(page, server)
    scrubber.locator(".rank").scroll_into_view_if_needed()
    expect(scrubber.locator(".bar")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("width", [1280, 1440])
def test_the_page_opens_with_the_player_and_the_first_five_of_each_list_in_sight(page: Any, server: Server, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{server.url}/denoising")
    scrubber = page.locator(".scrubber[data-step]")
    expect(scrubber).to_be_visible(timeout=60_000)
    settle(page)
    expect(scrubber.locator(".bar")).to_be_in_viewport(ratio=1)
    expect(scrubber.locator(".panel")).to_have_count(2)
    for panel in scrubber.locator(".panel").all():
        for place in "12345":
            row = panel.locator(".row.shown").filter(has=page.locator(".place", has_text=re.compile(rf"^{place}$")))
            expect(row).to_be_in_viewport(ratio=1)


def test_a_link_to_a_comparison_moves_both_panels_with_one_clock(page: Any, server: Server, run: RunFolder) -> None:
    scrubber = open_scrubber(page, server, view="own", history="9-3-20", compare="item", place="1", by="7", step="4")
    titles = run.items["title"]
    expect(page.get_by_text(f"Replacing {titles[9]} with {titles[7]}")).to_contain_text("both start from the same noise", ignore_case=True)
    panels = scrubber.locator(".panel[role=group]")
    expect(panels).to_have_count(2)
    expect(panels.nth(1)).to_have_accessible_name(f"B: {titles[7]} instead of {titles[9]}")
    before = [panels.nth(i).locator("ol.answer li").all_inner_texts() for i in (0, 1)]
    shared, others = ({t.split(" (")[0] for t in texts if t.endswith("(in both lists)")} for texts in before)
    assert shared == others
    expect(scrubber.locator(".both")).to_contain_text(f"At this step {len(shared)} of 10 items")
    chart = panels.nth(1).locator(".rank .chart")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.evaluate(COUNT_MESSAGES)
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 45, box["y"] + 60, steps=8)
    for i in (0, 1):
        expect(panels.nth(i).locator(".changes")).to_have_text("Pure noise, ranked as if it were the answer.")
    assert page.evaluate("window.sent") == 0
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"step=0\b"))
    expect(scrubber.locator(".live")).to_contain_text(re.compile(r"A, The original history: Pure noise.*B, .*: Pure noise.*10 of 10"))
    lists = [panels.nth(i).locator("ol.answer li").all_inner_texts() for i in (0, 1)]
    first, second = ([text.split(" (")[0] for text in texts] for texts in lists)
    assert first == second and lists[0] != before[0]  # the same noise, ranked as an answer: the same list
    scrubber.locator("input[type=range]").focus()
    page.keyboard.press("End")
    expect(page).to_have_url(re.compile(r"step=4\b"))
    settle(page)
    assert [panels.nth(i).locator("ol.answer li").all_inner_texts() for i in (0, 1)] == before


def test_the_page_can_be_worked_by_keyboard_alone(page: Any, server: Server, run: RunFolder) -> None:
    scrubber = open_scrubber(page, server)
    key = page.keyboard

    def reach(name: str, back: bool = False) -> None:
        """Tab on to the control of this name."""
        for _ in range(80):
            key.press("Shift+Tab" if back else "Tab")
            if re.fullmatch(name, page.evaluate(FOCUSED)):
                return
        pytest.fail(f"'{name}' is not reached by Tab")

    def choose(text: str) -> None:
        key.type(text)
        expect(page.get_by_role("option").first).to_contain_text(text)
        key.press("Enter")

    reach("User")
    key.press("Control+A")
    choose("27")
    expect(page).to_have_url(re.compile(r"user=27\b"))
    settle(page)
    reach("Draw at random")
    choose("A miss")
    expect(page).not_to_have_url(re.compile(r"user=27\b"))
    settle(page)
    reach("Denoising step")
    key.press("Home")
    expect(scrubber).to_have_attribute("data-step", "0")
    key.press("Space")  # plays
    expect(scrubber).to_have_attribute("data-step", "4", timeout=10_000)
    reach("Steps, 1 to 4")
    key.press("Control+A")
    key.type("2")
    key.press("Enter")
    expect(page).to_have_url(re.compile(r"steps=2\b"))
    settle(page)
    reach("Compare with something else, noise seed, map", back=True)
    key.press("Enter")
    page.wait_for_function("() => document.getAnimations().every((moving) => moving.playState !== 'running')")  # it opens slowly
    reach("Compare with")
    choose("One item")
    expect(scrubber.locator(".panel")).to_have_count(2, timeout=30_000)
    settle(page)
    reach("Edit this history", back=True)
    key.press("Enter")
    expect(page).to_have_url(re.compile(r"view=own"))
    settle(page)
    before = re.search(r"history=([\d-]+)", page.url)
    reach("Position in the history")
    choose("2:")
    settle(page)
    reach("Earlier")
    key.press("Enter")
    assert before is not None
    first, second, *others = before[1].split("-")
    expect(page).to_have_url(re.compile(f"history={'-'.join([second, first, *others])}"))
