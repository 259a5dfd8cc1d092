"""The words of pages and browser modules, kept in assets/texts/, and the glossary that explains their terms."""

import html
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import streamlit as st

from adrec.explain.words import Style
from app import loaders

MARKS = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*|\[([^\]]+)\]\(\?([\w-]+)\)")
CSS = """<style>
.said {position: relative; line-height: 1.5} .said.small {font-size: .875rem; opacity: .86}
.said .term {border-bottom: 1px dotted currentColor; cursor: help}
.said .term:is(:hover, :focus)::after {content: attr(data-meaning); position: absolute; z-index: 60; left: 0; top: calc(100% + 2px);
 max-width: min(30rem, 100%); padding: .5rem .7rem; border-radius: 6px; border: 1px solid rgba(128, 138, 148, .6);
 background: var(--st-background-color, Canvas); color: var(--st-text-color, CanvasText); font-size: .9rem; font-weight: 400;
 white-space: normal; box-shadow: 0 3px 14px rgba(0, 0, 0, .25)}
</style>"""


@cache
def texts(name: str) -> dict[str, Any]:
    """The texts of one file, shared: not to be changed."""
    found: dict[str, Any] = json.loads((loaders.ROOT / "assets" / "texts" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def say(text: str, small: bool = False) -> None:
    """Show a paragraph. ``[word](?key)`` is explained by the glossary on hover, focus and tap; ``**strong**`` and ``*emphasis*`` work too.

    The text is ours; what comes from files must be escaped by ``unmarked`` before it is filled in.
    """
    st.html(f"{CSS}<div class='said{' small' if small else ''}'>{_marked(text)}</div>")


def unmarked(text: str) -> str:
    """Text from elsewhere, so that ``say`` shows it as it is."""
    return re.sub(r"[*\[\]]", lambda m: f"\ue000{ord(m[0]):x};", text)


STYLE = Style(lambda text: f"**{text}**", lambda text: f"*{unmarked(text)}*")
"""How ``adrec.explain.words`` marks up a sentence for ``say``."""


def linked(text: str, terms: Mapping[str, str]) -> str:
    """A text with the first occurrence of each of these words marked as a term, by its key in the glossary."""
    for words, key in terms.items():
        text = re.sub(rf"(?<![\w\[]){re.escape(words)}(?!\w)", f"[{words}](?{key})", text, count=1)
    return text


def _marked(text: str) -> str:
    found, end = "", 0
    for match in MARKS.finditer(text):
        strong, emphasis, words, key = match.groups()
        found += html.escape(text[end : match.start()])
        end = match.end()
        found += f"<b>{_marked(strong)}</b>" if strong else f"<i>{_marked(emphasis)}</i>" if emphasis else term(words, key)
    found += html.escape(text[end:])
    return re.sub("\ue000([0-9a-f]+);", lambda m: html.escape(chr(int(m[1], 16))), found)


def term(words: str, key: str) -> str:
    """HTML of a word with its explanation, which is not part of the sentence; ``CSS`` holds its style."""
    meaning = html.escape(texts("glossary")[key]["meaning"], quote=True)
    return f'<span class="term" tabindex="0" data-meaning="{meaning}" aria-description="{meaning}">{html.escape(words)}</span>'
