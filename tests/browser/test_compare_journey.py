"""What a person does on the Compare page: sort, filter, follow a link back, look at it on a phone."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, settle

pytestmark = pytest.mark.browser


def test_the_table_sorts_and_filters_in_the_browser_keeps_both_in_the_link_and_is_cards_on_a_phone(page: Any, server: Server) -> None:
    page.goto(f"{server.url}/compare?runs=ml-100k,sasrec,dreamrec-original")
    settle(page)
    names = page.locator(".comparison tbody th .comparison-name")
    expect(names).to_have_text([re.compile("ADRec"), re.compile("SASRec"), re.compile("DreamRec")])
    page.get_by_role("button", name="Training").first.click()
    expect(names.first).to_contain_text("SASRec")
    expect(page).to_have_url(re.compile("sort=training-up"))
    field = page.get_by_placeholder("Words of a row")
    field.fill("dreamrec")
    expect(names).to_have_count(1)
    field.press("Enter")
    expect(page).to_have_url(re.compile("filter=dreamrec"))
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    settle(page)
    expect(names).to_have_text([re.compile("DreamRec")])
    expect(page.locator(".comparison thead button").first).not_to_be_in_viewport()
    expect(page.get_by_label("Sort by")).to_have_value("training-up")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
