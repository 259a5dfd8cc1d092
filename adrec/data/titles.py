"""Finds items by title or raw id, and suggests the closest titles for a misspelt one."""

import difflib
from collections.abc import Callable, Sequence

import pandas as pd

from adrec.errors import DataError


class Finder:
    """Looks up items in one table. items: index 1..V, columns ``item`` (the raw id) and ``title``."""

    def __init__(self, items: pd.DataFrame) -> None:
        self.items = items
        self.ids: dict[str, int] = {}
        for column in ("title", "item"):  # a title takes precedence over another item's id
            for text, item in zip(items[column].str.strip().str.casefold(), items.index.tolist(), strict=True):
                self.ids.setdefault(text, item)

    def item(self, text: str) -> int:
        """The id of the item with this title or raw id, ignoring case."""
        found = self.ids.get(text.strip().casefold())
        if found is not None:
            return found
        close = closest(text, self.items)
        hint = f"the closest titles are {', '.join(close)}" if close else "no title is similar"
        raise DataError(f"'{text}' is neither a title nor an id in the catalogue; {hint}.")

    def history(self, history: str | Sequence[int | str]) -> list[int]:
        """Ids 1..V, oldest first. history: titles or raw ids separated by ``;``, or a sequence of ids 1..V (int), titles and raw ids."""
        if isinstance(history, str):
            history = [w.strip() for w in history.split(";") if w.strip()]
            if not history:
                raise DataError("The history is empty; it needs at least one title or id, with ';' between them.")
        return checked_ids([self.item(i) if isinstance(i, str) else i for i in history], len(self.items))


def checked_ids(items: Sequence[int], n_items: int) -> list[int]:
    """The history as ints; a DataError if it is empty or an id is not among 1..``n_items``."""
    ids = [int(i) for i in items]
    if not ids:
        raise DataError("The history is empty; it needs at least one item.")
    wrong = [i for i in ids if not 1 <= i <= n_items]
    if wrong:
        raise DataError(f"Item id {wrong[0]} is not in the catalogue; ids are 1 to {n_items}.")
    return ids


def closest(text: str, items: pd.DataFrame, count: int = 3) -> list[str]:
    """Up to ``count`` titles most similar to ``text``, best first."""
    titles = {t.casefold(): t for t in items["title"]}
    inside = [t for low, t in titles.items() if text.strip().casefold() in low]
    similar = [titles[low] for low in difflib.get_close_matches(text.strip().casefold(), list(titles), count)]
    return list(dict.fromkeys([*similar, *sorted(inside, key=len)]))[:count]


def titled(items: pd.DataFrame) -> Callable[[int], str]:
    """Titles of ids from a run's item frame; id 0 is the padding row."""
    titles = items["title"].tolist()
    return lambda item: "(padding)" if item == 0 else str(titles[item - 1])
