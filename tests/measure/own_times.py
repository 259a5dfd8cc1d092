"""How long a verdict takes a newcomer's browser: ``python -m tests.measure.own_times http://localhost:8501`` prints one JSON object.

A made-up table of 1,000 items x 128 as .npy and 50,000 interactions as CSV, in a fresh browser context, by the clicks of one who has
read nothing: open the app, go to *Your embeddings*, give the table, give the interactions. Seconds from the first address to each
answer, without the time a person takes to read and to find the files. Three times: the first loads what the server needs.
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.measure.page_times import summary

ITEMS, WIDTH, USERS, LENGTH, GROUPS, REPEATS = 1000, 128, 1000, 50, 20, 3


def make(folder: Path) -> tuple[Path, Path]:
    """Items in groups, and users who stay in one group each."""
    rng = np.random.default_rng(0)
    group = np.arange(ITEMS) % GROUPS
    np.save(folder / "mine.npy", rng.standard_normal((GROUPS, WIDTH))[group] + rng.standard_normal((ITEMS, WIDTH)))
    chosen = [rng.choice(np.flatnonzero(group == user % GROUPS), LENGTH, replace=False) for user in range(USERS)]
    rows = [f"{user},{item},{place}" for user, items in enumerate(chosen) for place, item in enumerate(items)]
    (folder / "log.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(rows))
    return folder / "mine.npy", folder / "log.csv"


def walk(browser: Any, base: str, table: Path, log: Path) -> dict[str, float]:
    """Seconds from the address to each answer."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page, times, begin = context.new_page(), {}, time.perf_counter()
    page.set_default_timeout(60_000)
    page.goto(base)
    page.get_by_role("link", name="Your embeddings").first.click()
    page.wait_for_selector("input[type=file]", state="attached")
    times["page_s"] = time.perf_counter() - begin
    page.locator("input[type=file]").nth(0).set_input_files(table)
    page.get_by_text("Not decided").wait_for()
    times["spectral_verdict_s"] = time.perf_counter() - begin
    page.locator("input[type=file]").nth(1).set_input_files(log)
    page.get_by_text("Not decided").wait_for(state="detached")
    page.get_by_text("Items used together").first.wait_for()
    times["full_verdict_s"] = time.perf_counter() - begin
    context.close()
    return times


def main() -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        files = make(Path(folder))
        walks = [walk(browser, sys.argv[1].rstrip("/"), *files) for _ in range(REPEATS)]
        browser.close()
    found = {name: {"first": round(walks[0][name], 2), **summary([w[name] for w in walks[1:]], 2)} for name in walks[0]}
    print(json.dumps({"items": ITEMS, "width": WIDTH, "interactions": USERS * LENGTH, **found}))


if __name__ == "__main__":
    main()
