"""What a person does on the Collapse page: look, choose, enlarge, copy a link, go back."""

import re
import shutil
import signal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import expect

from adrec.maps.neighbours import neighbours
from adrec.runs import RunFolder
from app.collapse import items
from tests.browser.conftest import Server, settle

pytestmark = pytest.mark.browser
TIMEOUT = 60_000
BRIGHT = """canvas => { const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n }"""
POSITION = """([root, stage, row]) => { const p = root.maps.panels.find(p => p.stage === stage);
    return p.dots.project(root.maps.xy[stage], row) }"""


def open_maps(page: Any, server: Server, **parameters: str) -> Any:
    """The maps, once they know the chosen item."""
    query = "&".join(f"{k}={v}" for k, v in {"run": "tiny", **parameters}.items())
    page.goto(f"{server.url}/collapse?{query}")
    maps = page.locator(".maps[data-item]")
    expect(maps).to_be_visible(timeout=TIMEOUT)
    settle(page)
    return maps


def listed(page: Any, place: int) -> list[str]:
    """The titles of one stage's neighbours as they are read out."""
    return page.locator(".lists section").nth(place).locator(".text").all_inner_texts()


def nearest(run: RunFolder, stage: str, row: int) -> list[str]:
    """The same from the table itself."""
    titles = items.titles(run)
    return [titles[r] for r in neighbours(run.table(stage), row)[0]]


def test_see_the_collapse_one_map_a_stage_spectra_and_measures(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server)
    assert maps.locator(".head .name").all_inner_texts() == ["✕ Initial", "● Pre-train = warm-up", "▲ Fine-tune"]
    assert all(canvas.evaluate(BRIGHT) > 500 for canvas in maps.locator("canvas.base").all())
    expect(page.locator(".spectra path.curve")).to_have_count(3, timeout=TIMEOUT)
    page.get_by_text("All measures").click()
    expect(page.locator(".measures", has_text="RankMe").first).to_be_visible(timeout=TIMEOUT)


def test_a_click_on_a_point_chooses_its_item_in_every_stage(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server)
    x, y = maps.evaluate_handle("root => root").evaluate(f"root => ({POSITION})([root, 'finetune', 20])")
    row = maps.evaluate("(root, [x, y]) => root.maps.find(root.maps.panels[2], x, y)", [x, y])
    maps.locator("canvas.over").nth(2).click(position={"x": x, "y": y})
    page.wait_for_url(f"**item={row + 1}*", timeout=TIMEOUT)
    expect(page.locator(".lists section").nth(2).locator(".text").first).to_have_text(nearest(run, "finetune", row)[0], timeout=TIMEOUT)
    assert [listed(page, 0), listed(page, 2)] == [nearest(run, "initial", row), nearest(run, "finetune", row)]


def test_searching_a_title_highlights_it_in_the_maps(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server)
    title = items.titles(run)[33]
    box = page.get_by_role("combobox", name="Item")
    box.click()
    box.fill(title)
    page.get_by_role("option", name=title, exact=True).first.click()
    expect(maps).to_have_attribute("data-item", "33", timeout=TIMEOUT)


def test_arrow_keys_walk_over_the_map_and_the_browsers_back_returns_to_the_item_before(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server, item="5")
    before = maps.evaluate(f"root => ({POSITION})([root, 'finetune', Number(root.dataset.item)])")
    maps.locator("canvas.over").nth(2).focus()
    away = "ArrowLeft" if before[0] > 200 else "ArrowRight"
    page.keyboard.press(away)
    after = maps.evaluate(f"root => ({POSITION})([root, 'finetune', Number(root.dataset.item)])")
    assert (after[0] < before[0]) == (away == "ArrowLeft") and after != before
    page.wait_for_url(f"**item={int(maps.get_attribute('data-item')) + 1}*", timeout=TIMEOUT)
    settle(page)
    page.go_back()
    expect(maps).to_have_attribute("data-item", "4", timeout=TIMEOUT)


def test_a_neighbour_in_a_list_is_chosen_with_mouse_and_keyboard(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server, item="5")
    chosen = int(neighbours(run.table("initial"), 4)[0][0])
    page.locator(".lists button").first.click()
    page.wait_for_url(f"**item={chosen + 1}*", timeout=TIMEOUT)
    settle(page)
    target = int(neighbours(run.table("finetune"), chosen)[0][2])
    page.locator(".lists section").nth(2).locator("button").nth(2).focus()
    page.keyboard.press("Enter")
    expect(maps).to_have_attribute("data-item", str(target), timeout=TIMEOUT)


def test_one_map_moves_between_the_stages_without_the_server(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server, view="one", stage="initial")
    end = maps.evaluate("root => Array.from(root.maps.xy.finetune.slice(0, 2))")
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        maps.locator(".head").nth(2).click()
        page.wait_for_timeout(2000)
        reached = maps.evaluate("root => Array.from(root.maps.current().slice(0, 2))")
    finally:
        server.process.send_signal(signal.SIGCONT)
    np.testing.assert_allclose(reached, end)


def test_a_copied_link_shows_the_same_view(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server, item="12", colour="popularity")
    maps.locator(".head").nth(1).click()
    page.wait_for_url("**stage=pretrain*", timeout=TIMEOUT)
    settle(page)
    page.wait_for_timeout(1500)
    link, picture = page.url, maps.locator("canvas.base").first.evaluate("canvas => canvas.toDataURL()")
    page.goto("about:blank")
    page.goto(link)
    expect(maps).to_have_attribute("data-item", "11", timeout=TIMEOUT)
    settle(page)
    page.wait_for_timeout(500)
    assert maps.get_attribute("data-stage") == "pretrain" and "one" in str(maps.get_attribute("class"))
    assert maps.locator("canvas.base").first.evaluate("canvas => canvas.toDataURL()") == picture


@pytest.mark.long  # tests/app/test_collapse.py presses it too, without a browser
def test_umap_is_computed_at_the_press_of_a_button(page: Any, server: Server, run: RunFolder) -> None:
    own = RunFolder(shutil.copytree(run.path, server.runs / "unlaid"))
    page.goto(f"{server.url}/collapse?run=unlaid&method=umap")
    page.get_by_role("button", name="Compute UMAP").click(timeout=TIMEOUT)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=TIMEOUT)
    expect(page.locator(".maps[data-item]")).to_be_visible(timeout=2 * TIMEOUT)
    assert list((own.path / "projections").glob("umap-*"))


def test_on_a_phone_the_maps_stand_one_under_the_other(page: Any, server: Server, run: RunFolder) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    maps = open_maps(page, server)
    boxes = [plot.bounding_box() for plot in maps.locator(".plot").all()]
    assert len({box["x"] for box in boxes}) == 1 and boxes[0]["y"] < boxes[1]["y"] < boxes[2]["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def draw(page: Any, maps: Any, mode: str, panel: int) -> None:
    """A region over the left half of a map."""
    maps.locator(f"button[data-mode={mode}]").click()
    canvas = maps.locator("canvas.over").nth(panel)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    left, top, right, bottom = box["x"] + 3, box["y"] + 3, box["x"] + box["width"] / 2, box["y"] + box["height"] - 3
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in [(right, top), (right, bottom), *([(left, bottom)] if mode == "lasso" else [])]:
        page.mouse.move(*corner, steps=3)
    page.mouse.up()


LEFT = """(root, panel) => { const m = root.maps, p = m.panels[panel], xy = m.xy[p.stage];
    return [...Array(m.n).keys()].filter(i => p.dots.project(xy, i)[0] < p.dots.w / 2).length }"""
COLOURED = """canvas => { const copy = document.createElement('canvas');
    copy.width = canvas.width; copy.height = canvas.height;
    const c = copy.getContext('2d', { willReadFrequently: true });
    c.drawImage(canvas, 0, 0);
    const d = c.getImageData(0, 0, copy.width, copy.height).data;
    let n = 0;
    for (let i = 0; i < d.length; i += 4) {
      const c = [d[i], d[i + 1], d[i + 2]];
      n += d[i + 3] > 150 && Math.max(...c) - Math.min(...c) > 60;
    }
    return n }"""


@pytest.mark.parametrize("mode", ["lasso", "box"])
def test_a_region_selects_in_all_maps_without_the_server(page: Any, server: Server, run: RunFolder, mode: str) -> None:
    maps = open_maps(page, server)
    others = [maps.locator("canvas.base").nth(i) for i in (0, 1)]
    before = [other.evaluate(COLOURED) for other in others]
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        draw(page, maps, mode, 2)
        expect(maps).to_have_attribute("data-selected", str(maps.evaluate(LEFT, 2)))
        after = [other.evaluate(COLOURED) for other in others]
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert all(0 < a < b for a, b in zip(after, before, strict=True))


INSIDE = """(root, corners) => { const m = root.maps, p = m.panels[2], xy = m.xy[p.stage];
    return { found: Array.from(m.within(p, corners)), places: [...Array(m.n).keys()].map(i => p.dots.project(xy, i)) } }"""


def inside(x: float, y: float, corners: np.ndarray) -> bool:
    """The even-odd rule, side by side of the polygon."""
    odd = False
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        odd ^= bool((ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return odd


def test_a_lasso_holds_what_lies_inside_whatever_its_shape(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server)
    box = maps.locator("canvas.over").nth(2).bounding_box()
    generator = np.random.default_rng(0)
    for count in (3, 40, 700):  # sides that cross each other
        corners = generator.uniform(-20, 20 + np.array([box["width"], box["height"]]), (count, 2))
        answer = maps.evaluate(INSIDE, corners.tolist())
        assert answer["found"] == [int(inside(x, y, corners)) for x, y in answer["places"]] and sum(answer["found"]) > 0
    assert sum(maps.evaluate(INSIDE, [[0, 100], [300, 100], [50, 100]])["found"]) == 0  # without any height


def test_a_selection_is_in_the_link_and_escape_clears_it(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server)
    draw(page, maps, "box", 2)
    page.wait_for_url("**selected=*", timeout=TIMEOUT)
    count, link = maps.get_attribute("data-selected"), page.url
    expect(page.get_by_role("heading", name=f"{count} selected")).to_be_visible(timeout=TIMEOUT)
    page.goto("about:blank")
    page.goto(link)
    expect(maps).to_have_attribute("data-selected", str(count), timeout=TIMEOUT)
    settle(page)
    maps.locator("canvas.over").nth(0).focus()
    page.keyboard.press("Escape")
    expect(maps).to_have_attribute("data-selected", "0")
    page.wait_for_url(lambda url: "selected" not in url, timeout=TIMEOUT)


def test_space_adds_the_item_and_shift_and_alt_clicks_add_and_remove(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server, item="5")
    canvas = maps.locator("canvas.over").nth(2)
    canvas.focus()
    page.keyboard.press(" ")
    expect(maps).to_have_attribute("data-selected", "1")
    x, y = maps.evaluate(f"root => ({POSITION})([root, 'finetune', 20])")
    canvas.click(position={"x": x, "y": y}, modifiers=["Shift"])
    expect(maps).to_have_attribute("data-selected", "2")
    canvas.click(position={"x": x, "y": y}, modifiers=["Alt"])
    expect(maps).to_have_attribute("data-selected", "1")


def test_the_maps_are_saved_as_png_and_svg(page: Any, server: Server, run: RunFolder) -> None:
    maps = open_maps(page, server)
    saved = {}
    for kind in ("PNG", "SVG"):
        with page.expect_download() as download:
            maps.get_by_text(kind, exact=True).click()
        saved[kind] = Path(download.value.path()).read_bytes()
    root = ElementTree.fromstring(saved["SVG"])
    assert saved["PNG"].startswith(b"\x89PNG") and len(root.findall("{http://www.w3.org/2000/svg}svg")) == 3


def test_the_film_steps_by_key_without_the_server_and_writes_the_frame_to_the_url_and_plays_to_its_end(
    page: Any, server: Server, run: RunFolder
) -> None:
    open_maps(page, server, frame="1")
    film = page.locator(".film[data-frame]")
    expect(film).to_have_attribute("data-frame", "1", timeout=TIMEOUT)
    film.focus()
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        page.keyboard.press("ArrowLeft")
        expect(film).to_have_attribute("data-frame", "0")
        assert film.locator("canvas").evaluate(BRIGHT) > 100 and film.locator(".curve path.now").get_attribute("d")
    finally:
        server.process.send_signal(signal.SIGCONT)
    page.wait_for_url("**frame=0*", timeout=TIMEOUT)
    last = film.locator("input").get_attribute("max")
    film.locator(".play").click()
    expect(film).to_have_attribute("data-frame", str(last), timeout=20_000)
    expect(film.locator(".play")).to_have_text("▶ Play")
    page.wait_for_url(f"**frame={last}*", timeout=TIMEOUT)


def test_two_runs_are_laid_side_by_side_by_keyboard_alone(page: Any, server: Server, run: RunFolder) -> None:
    shutil.copytree(run.path, server.runs / "other", dirs_exist_ok=True)
    open_maps(page, server)
    page.get_by_role("button", name="Compare", exact=True).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="With:").press("Enter")
    page.get_by_test_id("stPopoverBody").get_by_role("radio", name="other").press("Space")
    expect(dialog.get_by_text("Tables of other")).to_be_visible()
    for _ in range(12):  # none of them leaves the dialog
        page.keyboard.press("Tab")
        if dialog.get_by_role("button", name="Show side by side").evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"run=tiny-vs-other\b"), timeout=TIMEOUT)
    expect(dialog).to_have_count(0)
