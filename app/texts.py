"""The words of pages and browser modules, kept in assets/texts/, and the glossary that explains their terms."""

import html
import json
import re
from functools import cache
from typing import Any

import streamlit as st

from app import loaders

MARKS = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*|\[([^\]]+)\]\(\?([\w-]+)\)")
CSS = """<style>
.said {position: relative; line-height: 1.5} .said.small {font-size: .875rem; opacity: .86}
.said .term {border-bottom: 1px dotted currentColor; cursor: help}
.said .meaning {display: none; position: absolute; z-index: 50; left: 0; top: calc(100% + 2px); max-width: min(30rem, 100%);
 padding: .5rem .7rem; border-radius: 6px; border: 1px solid rgba(128, 138, 148, .6); background: var(--st-background-color, Canvas);
 color: var(--st-text-color, CanvasText); font-size: .9rem; box-shadow: 0 3px 14px rgba(0, 0, 0, .25)}
.said .term:is(:hover, :focus) .meaning {display: block}
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


def _marked(text: str) -> str:
    found, end = "", 0
    for match in MARKS.finditer(text):
        strong, emphasis, words, key = (html.escape(part) if part else "" for part in match.groups())
        found += html.escape(text[end : match.start()])
        end = match.end()
        found += f"<b>{strong}</b>" if strong else f"<i>{emphasis}</i>" if emphasis else term(words, key)
    found += html.escape(text[end:])
    return re.sub("\ue000([0-9a-f]+);", lambda m: chr(int(m[1], 16)), found)


def term(words: str, key: str) -> str:
    """HTML of a word with its explanation; ``say`` holds its style."""
    meaning = html.escape(texts("glossary")[key]["meaning"])
    return f"<span class='term' tabindex='0'>{words}<span class='meaning' role='tooltip'>{meaning}</span></span>"
