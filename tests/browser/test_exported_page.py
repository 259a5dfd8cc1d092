"""The exported trajectory, opened from a file without any server."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from adrec.data.dataset import SequenceDataset
from adrec.explain import export, scene
from adrec.explain.trajectory import user_trajectory
from adrec.models.loading import load_model
from adrec.runs import RunFolder

pytestmark = pytest.mark.browser
HOSTILE = "</script><img src=x onerror=alert(1)> {{SCENE}} \u2028 ' \" &amp; "


def test_the_exported_page_works_from_a_file_whatever_the_titles_hold(
    browser: Any, tiny_run: RunFolder, tiny_data: SequenceDataset, tmp_path: Path
) -> None:
    walk = user_trajectory(load_model(tiny_run), tiny_data, 5, seed=2)
    text = export.page(walk, scene.layout(tiny_run.tables(), "finetune"), lambda i: f"{HOSTILE}{i}", name=HOSTILE, user=HOSTILE)
    (tmp_path / "out.html").write_text(text, encoding="utf-8")
    page, complaints = browser.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto((tmp_path / "out.html").as_uri())
    scrubber = page.locator(".scrubber")
    expect(scrubber).to_have_attribute("data-step", "4")
    scrubber.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(scrubber).to_have_attribute("data-step", "1")
    expect(scrubber.locator(".row.is-answer .title")).to_contain_text(f"{HOSTILE}{walk.top[0][0]}".strip(), use_inner_text=False)
    scrubber.locator(".stop.noised").first.hover(force=True)
    expect(scrubber).to_have_attribute("data-step", "0")
    assert page.locator("img").count() == 0 and complaints == []
    page.close()
