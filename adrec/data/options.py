"""The options of reading interactions, from keywords or from the text of a command line."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from adrec.errors import DataError
from adrec.reading.account import shown

CHOICES = {
    "missing": ("drop", "keep"),
    "repeats": ("exact", "keep", "consecutive", "first"),
    "dates": ("dmy", "mdy"),
    "unit": ("s", "ms", "us", "ns", "each"),
}
"""Options with a few possible values."""
LEAVE_ONE_OUT, BY_TIME = "leave-one-out", "time:"
"""How data are split."""


@dataclass(frozen=True)
class Options:
    """Options of a reader. Columns are found if None (``none`` ignores one); filters are off if None.

    items: a separate item file. missing: what to do with rows without an id (None: refuse). repeats: which rows of a user with an item
    met before are left out (None: copies with the same time). events: the kinds that count. drop_users: ids to leave out. split: None for
    leave-one-out, or ``time:`` with the shares of the interactions in the order of time for training, validation and test.
    """

    user: str | None = None
    item: str | None = None
    time: str | None = None
    rating: str | None = None
    title: str | None = None
    category: str | None = None
    event: str | None = None
    items: str | None = None
    min_rating: float | None = None
    k_core: int | None = None
    split: str | None = None
    missing: str | None = None
    repeats: str | None = None
    events: str | None = None
    drop_users: str | None = None
    dates: str | None = None
    unit: str | None = None
    separator: str | None = None
    header: str | None = None
    quotes: str | None = None
    layout: str | None = None
    cut: str | None = None

    @classmethod
    def check(cls, given: Mapping[str, Any]) -> "Options":
        """Options from keywords or from the text of a command line."""
        known = [f.name for f in fields(cls)]
        for key in given:
            if key not in known:
                raise DataError(f"There is no data option '{key}'; the options are {', '.join(known)}.")
        values: dict[str, Any] = {k: str(v) for k, v in given.items() if v is not None and v != ""}
        for key, choices in CHOICES.items():
            if values.get(key, choices[0]) not in choices:
                raise DataError(f"The option {key} must be {', '.join(choices[:-1])} or {choices[-1]}, not '{values[key]}'.")
        if "min_rating" in values:
            values["min_rating"] = _number("min_rating", values["min_rating"])
        if "k_core" in values:
            k = _number("k_core", values["k_core"])
            if k != int(k) or not 0 <= k < 1e9:
                raise DataError(f"The option k_core must be an integer of at least 0, not '{given['k_core']}'.")
            values["k_core"] = int(k) or None
        if values.get("split") == LEAVE_ONE_OUT:
            del values["split"]
        if "split" in values:
            values["split"] = BY_TIME + ",".join(map(str, shares(values["split"])))
        if "items" in values:
            values["items"] = str(Path(values["items"]).expanduser().resolve())
        return cls(**values)

    def given(self, *names: str) -> list[str]:
        """Which of these options (default: all) are set."""
        return [f.name for f in fields(self) if (not names or f.name in names) and getattr(self, f.name) is not None]

    def values(self, *names: str) -> dict[str, Any]:
        """These options, set or not."""
        return {name: getattr(self, name) for name in names}


def shares(split: str) -> tuple[float, float, float]:
    """The shares of training, validation and test in ``time:0.8,0.1,0.1``; a DataError unless all are above 0 and they sum to 1."""
    kind, _, text = split.partition(":")
    try:
        found = [float(word) for word in text.split(",")]
    except ValueError:
        found = []
    if kind + ":" == BY_TIME and len(found) == 3 and all(0 < share < 1 for share in found) and abs(sum(found) - 1) < 1e-6:
        return found[0], found[1], found[2]
    wanted = f"{LEAVE_ONE_OUT} or {BY_TIME}TRAIN,VALIDATION,TEST with three shares above 0 that sum to 1, as in {BY_TIME}0.8,0.1,0.1"
    raise DataError(f"The option split must be {wanted}, not {shown(split)}.")


def words(text: str | None) -> list[str]:
    """The different parts of an option that lists several values, separated by commas."""
    return list(dict.fromkeys(word.strip() for word in (text or "").split(",") if word.strip()))


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise DataError(f"The option {name} must be a number, not '{value}'.")
    return number
