"""Somebody comes with a table and a log: a verdict, the report, the laboratory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.conftest import Server, settle

pytestmark = pytest.mark.browser
V = 80
GROUPS = np.arange(V) % 8


def test_from_a_npy_and_a_csv_to_the_report_and_the_laboratory(page: Any, server: Server, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "mine.npy", np.eye(8)[GROUPS] * 3 + rng.standard_normal((V, 8)))
    rows = [f"{u},{i},{t}" for u in range(150) for t, i in enumerate(rng.permutation(np.flatnonzero(u % 8 == GROUPS)))]
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(rows))
    page.goto(server.url)
    settle(page)
    page.get_by_role("link", name="Your embeddings").first.click()
    page.wait_for_selector("input[type=file]", state="attached")
    page.locator("input[type=file]").nth(0).set_input_files(tmp_path / "mine.npy")
    page.get_by_text("Not decided").wait_for(timeout=60_000)
    page.locator("input[type=file]").nth(1).set_input_files(tmp_path / "log.csv")
    page.get_by_text("Not decided").wait_for(state="detached", timeout=60_000)
    settle(page)
    with page.expect_download() as found:
        page.get_by_role("button", name="Download the report (HTML)").click()
    text = Path(found.value.path()).read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and "mine.npy" in text
    page.get_by_role("button", name="Open in the collapse laboratory").click()
    page.wait_for_url("**/collapse?run=mine", timeout=60_000)
    settle(page)
    page.get_by_text("mine.npy").first.wait_for(timeout=60_000)
