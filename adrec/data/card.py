"""What a data set is like: its size, lengths, popularity, repeats and split, and what the split lets a model know too early."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from adrec.data import timeline
from adrec.data.dataset import SequenceDataset
from adrec.data.options import BY_TIME, LEAVE_ONE_OUT, shares
from adrec.errors import DataError
from adrec.reading.account import counted

QUANTILES = {"least": 0, "quarter": 0.25, "half": 0.5, "three_quarters": 0.75, "nine_tenths": 0.9, "most": 1}
TOP = {"top_1": 0.01, "top_10": 0.1, "top_50": 0.5}
"""Shares of the items, the most popular first."""
MOST_INTERACTIONS = 4_000_000
"""Repeats in larger data are counted among about so many interactions of evenly spaced users."""


def card(data: SequenceDataset) -> dict[str, Any]:
    """The card as JSON types. Shares are fractions.

    lengths: quantiles of the interactions of a user. popularity: the share of all interactions that the most popular 1, 10 and 50 % of
    the items have, and the Gini coefficient. repeats: the share of interactions with an item that the user had before. tied: the share
    that have the same time as another of the user. answers: users with a validation and a test answer. untrained: items without a
    training interaction, and the share of answers that are such items. times: `adrec.data.timeline`; tied and times are None where the
    data have no times or keep none.
    """
    account = data.account or {}
    times = timeline.checked(account.get("times"))
    lengths = data.known("test") + (data.test > 0)
    trained = data.popularity > 0
    answers = {split: data.answers(split)[data.evaluated(split)] for split in ("val", "test")}
    return {
        "users": data.n_users,
        "items": data.n_items,
        "interactions": data.n_interactions,
        "density": data.n_interactions / (data.n_users * data.n_items),
        "lengths": {name: int(value) for name, value in zip(QUANTILES, _quantiles(lengths), strict=True)},
        "popularity": _popularity(data),
        "repeats": _repeats(data),
        "tied": None if times is None else times["tied"],
        "split": _split(data),
        "answers": {split: len(items) for split, items in answers.items()},
        "untrained": {
            "items": data.n_items - int(np.count_nonzero(trained)),
            **{split: float(1 - trained[items].mean()) if len(items) else 0.0 for split, items in answers.items()},
        },
        **{end: _moment(account.get(end)) for end in ("first", "last")},
        "times": times,
    }


def _split(data: SequenceDataset) -> str:
    """The split as an option; without its shares where the record of them is damaged."""
    if data.between_items is None:
        return LEAVE_ONE_OUT
    try:
        return BY_TIME + ",".join(map(str, shares(str(data.options.get("split")))))
    except DataError:
        return BY_TIME


def _moment(text: Any) -> str | None:
    """An ISO time; None for anything else."""
    try:
        datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return str(text)


def _quantiles(lengths: np.ndarray) -> np.ndarray:
    return np.asarray(np.quantile(lengths, list(QUANTILES.values()), method="nearest"))


def _popularity(data: SequenceDataset) -> dict[str, float]:
    counts = data.popularity.copy()
    for items in (data.between[0], data.test):
        counts += np.bincount(items, minlength=len(counts))
    counts = np.sort(counts[1:])
    running, n = np.cumsum(counts), len(counts)
    whole = int(running[-1])
    top = {name: float(counts[n - int(np.ceil(share * n)) :].sum() / whole) for name, share in TOP.items()}
    return {**top, "gini": float(1 + 1 / n - 2 * running.sum() / (n * whole))}


def _repeats(data: SequenceDataset) -> float:
    step = max(-(-data.n_interactions // MOST_INTERACTIONS), 1)
    if step > 1:
        data = data.restricted(np.arange(0, data.n_users, step))
    items, offsets = data.histories(np.arange(data.n_users), "test")
    owner = np.repeat(np.arange(data.n_users), np.diff(offsets))
    tested = data.evaluated("test")
    owner, items = np.append(owner, tested), np.append(items, data.test[tested])
    pairs = owner * (data.n_items + 1) + items
    pairs.sort()
    return float(np.count_nonzero(pairs[1:] == pairs[:-1]) / len(pairs))


def sentences(card: Mapping[str, Any]) -> list[str]:
    """The card in words, the same on the command line and in the app."""
    lengths, popularity, untrained, times = (card[part] for part in ("lengths", "popularity", "untrained", "times"))
    told = [
        f"{counted(card['users'], 'user')}, {counted(card['items'], 'item')}, {counted(card['interactions'], 'interaction')}: "
        f"{_percent(card['density'])} of all pairs.",
        f"A user has {lengths['least']:,} to {lengths['most']:,} interactions; half of them have at most {lengths['half']:,}, nine in ten "
        f"at most {lengths['nine_tenths']:,}.",
        f"The most popular 1 % of the items have {_percent(popularity['top_1'])} of the interactions, 10 % have "
        f"{_percent(popularity['top_10'])}, 50 % have {_percent(popularity['top_50'])} (Gini {popularity['gini']:.2f}).",
        f"{_percent(card['repeats'])} of the interactions are with an item that the user had before.",
    ]
    if card["tied"] is not None:
        told.append(f"{_percent(card['tied'])} have the same time as another of the user, so their order is that of the file.")
    kind, _, parts = card["split"].partition(":")
    split = f"Split by {kind}" if kind == LEAVE_ONE_OUT else f"Split by global time{parts and f' ({parts})'}"
    answers = card["answers"]
    told.append(f"{split}: {answers['val']:,} users have a validation answer, {answers['test']:,} a test answer.")
    if untrained["items"]:
        items = counted(untrained["items"], "item")
        told.append(f"{_percent(untrained['test'])} of the test answers are among the {items} without a training interaction.")
    return [*told, _leaks(times, answers["test"])]


def _leaks(times: Mapping[str, Any] | None, answers: int) -> str:
    if times is None:
        return "No times are known, so what the split lets a model know too early cannot be told."
    leaks = times["leaks"]["test"]
    unborn = f"{_percent(leaks['unborn'])} of the candidate items are first seen"
    if not leaks["before"]:
        return f"No test answer lies before a training interaction. After an answer, on average, {unborn}."
    before = f"{_percent(leaks['before'] / max(answers, 1))} of the test answers lie before training interactions of other users"
    return f"{before}: after an answer, on average, come {_percent(leaks['later'])} of all training, and {unborn}."


def _percent(share: float) -> str:
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if share < 0.0001:
        return "under 0.01 %"
    return f"{min(100 * share, 99.9):.{1 if share >= 0.01 else 2}f} %"
