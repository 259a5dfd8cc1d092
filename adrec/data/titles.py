"""Finds items by title or raw id, and suggests the closest titles for a misspelt one."""

import difflib
from collections.abc import Callable, Sequence

import pandas as pd

from adrec.errors import DataError


class RawId(str):
    """An id from a column of ids: it is matched exactly, and never a title."""


class Finder:
    """Looks up items in one table. items: index 1..V, columns ``item`` (the raw id) and ``title``."""

    def __init__(self, items: pd.DataFrame) -> None:
        self.items = items
        self.ids = {text: item for text, item in zip(items["item"], items.index.tolist(), strict=True)}
        self.titles: dict[str, list[int]] = {}
        self.loose: dict[str, list[int]] = {}
        for text, item in zip(items["title"], items.index.tolist(), strict=True):
            self.titles.setdefault(text, []).append(item)
        for texts in (items["title"], items["item"]):
            for text, item in zip(texts, items.index.tolist(), strict=True):
                found = self.loose.setdefault(text.strip().casefold(), [])
                if item not in found:
                    found.append(item)

    def item(self, text: str) -> int:
        """The item that is meant: the one with exactly this raw id, or else this title, or else one of them but for case and blanks.

        A `RawId` means its id only. Several candidates are a DataError that lists them.
        """
        text, exact = text.strip(), isinstance(text, RawId)
        if text in self.ids:
            return self.ids[text]
        found = [] if exact else self.titles.get(text) or self.loose.get(text.casefold(), [])
        if len(found) == 1:
            return found[0]
        if found:
            told = ", ".join(f"'{self.items['title'][i]}' (id {self.items['item'][i]})" for i in found[:5])
            raise DataError(f"'{text}' may be {len(found)} items: {told}; give the id of one of them.")
        if exact:
            raise DataError(f"'{text}' is not among the ids of the catalogue{self._other_spelling(text)}.")
        close = closest(text, self.items)
        hint = f"the closest titles are {', '.join(close)}" if close else "no title is similar"
        raise DataError(f"'{text}' is neither a title nor an id in the catalogue; {hint}.")

    def _other_spelling(self, text: str) -> str:
        """The id that differs in case or in leading zeros, as a hint."""
        zeros = next((i for i in self.ids if i.isdigit() and i.lstrip("0") == text.lstrip("0")), None) if text.isdigit() else None
        other = zeros or next((i for i in self.ids if i.casefold() == text.casefold()), None)
        return f", which has '{other}'" if other else ""

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


def most_popular(items: pd.DataFrame) -> int | None:
    """The id with the most training occurrences in a run's item frame, the lowest on a tie; None if they are unknown."""
    return int(items["popularity"].to_numpy().argmax()) + 1 if "popularity" in items else None
