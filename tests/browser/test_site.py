"""The site, served by a plain file server below a path: it asks nobody else for anything."""

import http.server
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from adrec.errors import RunError
from adrec.lesson import setup
from adrec.lesson.people import PEOPLE
from adrec.runs import RunFolder
from adrec.site.build import of_run

pytestmark = pytest.mark.browser
WORDS = setup.words("lesson")
SITE = setup.words("site")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def address(built_site: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(built_site.parents[1])))
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
    page.goto(f"{address}?chapter=3")
    lesson.locator(".door").first.click()
    expect(lesson.locator(".notice")).to_have_text(WORDS["shell"]["look"].format(page="Denoising"))
    page.goto(f"{address}?chapter=7")
    lesson.locator(".door").first.click()
    expect(page.locator(".scrubber .panel")).to_have_count(2, timeout=20_000)


def listed(page: Any, panel: int = 0) -> list[str]:
    """The list of the last step, for screen readers."""
    found = page.locator(".scrubber .panel").nth(panel).locator(".answer li")
    expect(found).to_have_count(10, timeout=20_000)
    return [str(text).split(" (")[0] for text in found.all_inner_texts()]


@pytest.mark.parametrize(("name", "seed", "steps"), [("ml-1m", 3, 32), ("noise-1", 4, 7), ("ml-100k", 0, 1)])
def test_a_model_answers_and_explains_on_denoising_as_in_python(page: Any, address: str, name: str, seed: int, steps: int) -> None:
    from adrec.data.titles import most_popular
    from adrec.explain import words
    from adrec.explain.trajectory import trajectory
    from adrec.models.loading import load_model

    run = RunFolder(setup.ASSETS / "runs" / name)
    history, following = next(person for person in PEOPLE if person.key == "horror").ids(run.items)
    here = trajectory(load_model(run), history, target=following, seed=seed, steps=steps, popular=most_popular(run.items))
    page.goto(f"{address}denoising.html?run={name}&person=horror&seed={seed}&steps={steps}&against=")
    titles = run.items["title"]
    expect(page.locator("p.answer")).to_have_text(words.headline(here, titles.__getitem__, words.TEXT), timeout=20_000)
    expect(page.locator("p.why")).to_have_text(words.why(here, words.TEXT))
    assert listed(page) == [titles[i].split(" (")[0] for i in here.top[-1].tolist()]


def test_two_models_are_shown_as_in_python_and_a_history_is_changed(page: Any, address: str) -> None:
    from adrec.explain import words
    from adrec.explain.trajectory import trajectory
    from adrec.models.loading import load_model

    runs = [RunFolder(setup.ASSETS / "runs" / name) for name in ("noise-1", "ml-100k")]
    history, following = next(person for person in PEOPLE if person.key == "family").ids(runs[0].items)
    walks = [trajectory(load_model(run), history, target=following) for run in runs]
    page.goto(f"{address}denoising.html")
    expect(page.locator("p.answer")).to_have_text(words.describe_weights(*walks, words.TEXT), timeout=20_000)
    before = listed(page)
    page.locator(".noise").click()
    page.wait_for_url("**seed=1**")
    assert listed(page) != before
    page.get_by_role("button", name="Remove Dumbo").click()
    expect(page.locator(".history .cards")).not_to_contain_text("Dumbo")
    page.get_by_role("combobox", name="Add a film").fill("alien")
    page.locator(".history .found li").first.click()
    expect(page.locator(".history .cards")).to_contain_text("Alien")
    expect(page.get_by_label("Whose next film")).to_have_value("own")
    page.get_by_label("Model").first.select_option("ml-1m")
    expect(page.locator(".history .cards")).to_contain_text("Alien")
    expect(page.locator("p.answer")).to_contain_text("Decided")
    page.goto(f"{address}denoising.html?run=noise-1&against=&history=1.5-3-x-99999")  # of which only one is a film
    expect(page.locator("p.answer")).to_contain_text("Decided", timeout=20_000)
    expect(page.locator(".history .card:not(.is-new) .name")).to_have_text([runs[0].items["title"][3]])


def test_the_runs_on_collapse_are_chosen_and_their_items_found(page: Any, address: str) -> None:
    page.goto(f"{address}?chapter=5")
    page.locator(".lesson .door").first.click()
    expect(page.get_by_label("Run")).to_have_value("narrow", timeout=20_000)
    expect(page.locator(".film")).to_be_visible()
    page.get_by_label("Run").select_option("ml-100k")
    expect(page.locator(".said").filter(has_text="Measured:")).to_contain_text("Healthy", timeout=20_000)
    expect(page.locator(".strip .card")).to_have_count(3)
    page.get_by_role("combobox", name="Find an item").fill("alien")
    page.locator(".found li").first.click()
    run = RunFolder(setup.ASSETS / "runs" / "ml-100k")
    table, titles = run.table("finetune"), run.items["title"].tolist()
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    nearest = np.argsort(-(unit @ unit[titles.index("Alien")]))[1:11]
    expect(page.locator(".list").last.locator(".text")).to_have_text([titles[row] for row in nearest])
    assert "item=" in page.url


def test_a_dial_on_collapse_says_who_notices_as_in_python(page: Any, address: str) -> None:
    from adrec.collapse.dialled import changes, dialled
    from adrec.pictures import dials

    kept = dialled(RunFolder(setup.ASSETS / "runs" / "ml-100k"))

    def shown(kind: str, degree: int) -> None:
        rows = dials.rows_of(changes(kept, kind, degree), "healthy", kept["degrees"][kind][str(degree)]["verdict"])
        expect(page.locator(".dials .saw")).to_have_text(dials.lesson(rows, degree), timeout=20_000)
        words = [[dials.PICTURES[p][1], before, after, "● yes" if seen else "○ no"] for p, before, after, seen in rows]
        assert (
            page.locator(".dials tbody tr").evaluate_all("all => all.map((row) => [...row.cells].map((cell) => cell.textContent))") == words
        )

    page.goto(f"{address}collapse.html?run=ml-100k&dial=rank&degree=90")
    shown("rank", 90)
    curves = page.locator(".dials .curve")
    before = curves.last.get_attribute("d")
    page.get_by_label("Degree").press("ArrowRight")
    shown("rank", 100)
    assert "degree=100" in page.url and curves.last.get_attribute("d") != before
    page.locator(".dials select").select_option("offset")
    shown("offset", 100)
    page.get_by_label("Degree").press("Home")
    expect(page.locator(".dials .saw")).to_have_text(dials.lesson([], 0))
    page.get_by_label("Run").select_option("narrow")
    expect(page.locator(".dials")).to_contain_text("This starts from a healthy one: ADRec, the paper's settings")


def test_any_run_becomes_a_site_of_its_own(trained_run: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(trained_run.path, tmp_path / "mine"))
    made, missing = of_run(run.path)
    assert missing == "" and {"index.html", "denoising.html"} <= set(made.files) and (run.path / "dials.json").exists()
    with pytest.raises(RunError, match="is no run"):
        of_run(tmp_path)
