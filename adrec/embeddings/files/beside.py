"""Ids in an array beside the table, in files of several arrays."""

import re
from collections.abc import Callable, Mapping

import numpy as np

from adrec.reading.account import shown
from adrec.reading.limits import LONGEST_ID

NAMED = re.compile(r"(^|[^a-z])(i?ids?|items?|asins?|isbns?|keys?|labels?|index|words?|vocab|names?|tokens?)($|[^a-z])")


def ids_beside(
    lengths: Mapping[str, tuple[str, tuple[int, ...]]], rows: int, load: Callable[[str], np.ndarray]
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The ids of a table with so many rows, one a row, or None; and sentences about where they are from.

    lengths: numpy's kind of number ("iu" whole, "US" text) and the shape of each array. Only an array as long as the table, of texts or of
    whole numbers, that is named like ids is taken, and only if it is the only one and all its values differ. load: reads an array.
    """
    named = [name for name, (kind, shape) in lengths.items() if shape == (rows,) and kind in "iuUS" and NAMED.search(name.lower())]
    exact = [name for name in named if re.search(r"(^|[^a-z])i?ids?($|[^a-z])", name.lower())]
    found = exact if len(exact) == 1 else named
    if len(found) > 1:
        return None, (f"The arrays {shown(found[0])} and {shown(found[1])} may both hold the item ids, so that neither is taken for them.",)
    if not found:
        return None, ()
    values = load(found[0])
    texts = [text.decode(errors="replace") if isinstance(text, bytes) else str(text).strip() for text in values.tolist()]
    if len(set(texts)) < rows or max(map(len, texts), default=0) > LONGEST_ID:
        return None, (f"The array {shown(found[0])} is not taken for the item ids: its values are not different in each row, or too long.",)
    return tuple(texts), (f"Item ids are the array {shown(found[0])}: it is named so, and has a different value for each row.",)
