"""Items by what a person types: a title, a raw id, or the closest titles to a misspelt one."""

import difflib

import pandas as pd

from adrec.errors import DataError


def parse_history(text: str, items: pd.DataFrame) -> list[int]:
    """Ids 1..V of a history written as titles or raw ids separated by ``;``, oldest first. items: index 1..V, ``item``, ``title``."""
    words = [w.strip() for w in text.split(";") if w.strip()]
    if not words:
        raise DataError("The history is empty; it needs at least one title or id, several separated by ';'.")
    return [find_item(word, items) for word in words]


def find_item(text: str, items: pd.DataFrame) -> int:
    """The id whose title (whatever the case) or raw id this is."""
    wanted = text.strip().casefold()
    for column in ("title", "item"):
        found = items.index[items[column].str.strip().str.casefold() == wanted]
        if len(found):
            return int(found[0])
    close = closest(text, items)
    hint = f"the closest titles are {', '.join(close)}" if close else "no title is close to it"
    raise DataError(f"'{text}' is neither a title nor an id in the catalogue; {hint}.")


def closest(text: str, items: pd.DataFrame, count: int = 3) -> list[str]:
    """Up to ``count`` titles most like ``text``, best first."""
    titles = {t.casefold(): t for t in items["title"]}
    inside = [t for low, t in titles.items() if text.strip().casefold() in low]
    similar = [titles[low] for low in difflib.get_close_matches(text.strip().casefold(), list(titles), count)]
    return list(dict.fromkeys([*similar, *sorted(inside, key=len)]))[:count]
