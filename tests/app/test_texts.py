"""Paragraphs whose terms explain themselves."""

import html
import re
from pathlib import Path

import pytest

from adrec.explain import words
from app import loaders
from app.texts import STYLE, _marked, linked, texts, unmarked


def test_a_marked_word_carries_its_explanation_and_can_be_reached_by_keyboard_and_tap() -> None:
    said = _marked("The [effective rank](?effective-rank) fell.")
    meaning = html.escape(texts("glossary")["effective-rank"]["meaning"])
    assert said.startswith("The <span") and 'tabindex="0"' in said and f'data-meaning="{meaning}"' in said


def test_the_explanation_is_no_part_of_the_sentence() -> None:
    assert re.sub(r"<[^>]*>", "", _marked("**The [rank](?rank)** is *one*.")) == "The rank is one."


@pytest.mark.parametrize("title", ["M*A*S*H", "[REC](?rank)", "<b>bold</b>", "Ocean's **11**", "a & b"])
def test_a_title_is_shown_as_it_is(title: str) -> None:
    said = _marked(f"First {STYLE.title(title)}.")
    assert html.unescape(re.sub(r"</?i>", "", said)) == f"First {title}." and "<span" not in said and "<b>" not in said


def test_only_the_first_whole_word_becomes_a_term() -> None:
    assert linked("ranked by rank, then rank", {"rank": "rank"}) == "ranked by [rank](?rank), then rank"
    assert linked(unmarked("[hits]"), {"hit": "hit"}) == unmarked("[hits]")


def test_every_term_that_a_page_links_is_in_the_glossary() -> None:
    used: set[str] = set()
    for path in [Path(words.__file__), *(loaders.ROOT / "pages").glob("*.py"), *(loaders.ROOT / "app").rglob("*.py")]:
        code = path.read_text(encoding="utf-8")
        for found in re.findall(r"linked\([^{]*(\{\"[^}]*\})|TERMS = (\{[^}]*\})", code):
            used |= set(re.findall(r"\": \"([\w-]+)\"", "".join(found)))
    assert len(used) >= 5 and used <= set(texts("glossary"))
