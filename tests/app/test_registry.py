"""A page is one file: putting it into the folder is all that registers it."""

from pathlib import Path

import pytest

from app import registry
from app.loaders import ROOT


def test_every_page_of_the_app_has_a_card_and_an_order_of_its_own() -> None:
    cards = [registry.card(path) for path in (ROOT / "pages").glob("*.py")]
    assert len(cards) >= 5 and len({c["order"] for c in cards}) == len(cards)


def test_a_new_file_is_a_new_page_in_its_place(tmp_path: Path) -> None:
    for name, order in (("last", 9), ("first", 1)):
        (tmp_path / f"{name}.py").write_text(f'PAGE = {{"title": "{name.title()}", "icon": None, "order": {order}}}\n')
    assert [(path.stem, card["title"]) for path, card in registry.pages(tmp_path)] == [("first", "First"), ("last", "Last")]


def test_a_file_without_a_card_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text("import os\n")
    with pytest.raises(LookupError, match=r"odd\.py' has no PAGE"):
        registry.pages(tmp_path)
