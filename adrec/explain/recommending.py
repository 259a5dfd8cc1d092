"""Recommendations of a run for given histories: one call for scripts and the command line."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adrec.data import columns
from adrec.data.tables import TABLES
from adrec.data.titles import Finder
from adrec.errors import ConfigError, DataError
from adrec.runs import RunFolder

if TYPE_CHECKING:
    from torch import Tensor

    from adrec.models.base import Model

SCORES = 1 << 24
"""Scores held in memory at once: 64 MB."""
HISTORIES = 256
"""Histories encoded in one batch."""

History = str | Sequence[int | str]


def recommend(
    run: str | Path | RunFolder,
    histories: Sequence[History] | Mapping[str, History],
    k: int = 10,
    seed: int = 0,
    steps: int | None = None,
    *,
    exclude_seen: bool = False,
    users: Sequence[int] | None = None,
) -> dict[str, Any]:
    """The ``k`` items that a run's final model ranks highest after each history, as
    ``{"users": [{"history": [{"id", "title"}], "items": [{"id", "title", "score", "probability"}]}]}``, best first.

    histories: one per user, oldest item first, each a sequence or a text with ';' between items. A mapping from user id to history
    returns the ids as ``user``. Strings are titles or the data set's own ids, ints are ids 1..V. The model reads the last ``length``
    items; ``history`` returns these.
    seed, steps: noise seed and denoising steps (default: all timesteps), as in ``trajectory`` and ``evaluate``; a model without a
    reverse process takes no steps. exclude_seen: never recommend an item of the history, including items too far back to be read.
    users: positions of the users whose noise each history gets (default: user 0 for all, so that an answer depends only on its history).
    score: inner product with the model's answer. probability: softmax over the whole table, including seen items and the padding row.

    Raises a DataError that names an unknown item and the closest titles, a RunError, or a ConfigError.
    """
    from adrec.models.loading import load_model

    run = run if isinstance(run, RunFolder) else RunFolder(run)
    items, finder = run.items, Finder(run.items)
    if isinstance(histories, str):
        histories = [histories]
    names = [f"User '{u}': " for u in histories] if isinstance(histories, Mapping) else _numbered(len(histories))
    given = histories.values() if isinstance(histories, Mapping) else histories
    found = [_found(name, history, finder) for name, history in zip(names, given, strict=True)]
    if not found:
        raise DataError("No history given; expected at least one.")
    if k < 1:
        raise ConfigError(f"The number of items to recommend must be an integer of at least 1, not {k}.")
    noise_of = np.zeros(len(found), dtype=np.int64) if users is None else np.asarray(users, dtype=np.int64)
    if noise_of.shape != (len(found),) or (noise_of < 0).any():
        raise ConfigError(f"'users' must hold one position of at least 0 for each of the {len(found)} histories.")
    model = load_model(run)
    ranked = _ranked(model, found, noise_of, min(k, model.config.n_items), seed, steps, exclude_seen)
    ids = [{"user": u} for u in histories] if isinstance(histories, Mapping) else [{}] * len(found)
    read, titles = [h[-model.config.length :] for h in found], items["title"].tolist()
    return {"users": [u | _entry(h, best, titles) for u, h, best in zip(ids, read, ranked, strict=True)]}


Ranked = list[tuple[int, float, float]]
"""(id, score, probability) of items, best first."""


def _numbered(count: int) -> list[str]:
    return [f"History {n}: " for n in range(1, count + 1)] if count > 1 else [""] * count


def _found(name: str, history: History, finder: Finder) -> list[int]:
    try:
        return finder.history(history)
    except DataError as error:
        raise DataError(f"{name}{error}") from None


def _entry(history: Sequence[int], ranked: Ranked, titles: Sequence[str]) -> dict[str, Any]:
    return {
        "history": [{"id": i, "title": titles[i - 1]} for i in history],
        "items": [{"id": i, "title": titles[i - 1], "score": s, "probability": p} for i, s, p in ranked],
    }


def _ranked(
    model: "Model", histories: Sequence[list[int]], users: np.ndarray, k: int, seed: int, steps: int | None, exclude_seen: bool
) -> Iterator[Ranked]:
    """The best items for each history; fewer than ``k`` if excluding seen items leaves fewer."""
    import torch

    from adrec.data.batches import pack
    from adrec.evaluation import answers

    if steps is not None and "denoise" not in model.abilities:
        raise ConfigError(f"The model '{model.title}' has no reverse process, so the number of steps cannot be set.")
    frame = model.config.length
    rows = max(1, SCORES // (model.config.n_items + 1))
    for start in range(0, len(histories), HISTORIES):
        part = histories[start : start + HISTORIES]
        batch = pack([np.asarray(h[-frame:]) for h in part], frame, users=users[start : start + HISTORIES])
        order = np.argsort([len(h[-frame:]) for h in part], kind="stable")  # a batch is ordered by length
        found = answers(model, batch, steps, seed)[torch.from_numpy(np.argsort(order, kind="stable"))]
        for row in range(0, len(part), rows):
            seen = part[row : row + rows] if exclude_seen else []
            answered = found[row : row + rows]
            yield from _best(answered if model.table is None else answered @ model.table.T, seen, k)


def _best(scores: "Tensor", seen: Sequence[list[int]], k: int) -> Iterator[Ranked]:
    """scores: (B, V + 1). seen: a list of excluded ids for each row, or an empty list."""
    total = scores.double().logsumexp(-1, keepdim=True)
    hidden = scores[:, 1:].clone()  # never recommend the padding row
    for row, items in enumerate(seen):
        hidden[row, np.asarray(items) - 1] = -np.inf
    best = hidden.topk(k, -1)
    probabilities = (best.values.double() - total).exp()
    for ids, values, shares in zip((best.indices + 1).tolist(), best.values.tolist(), probabilities.tolist(), strict=True):
        yield [(i, s, p) for i, s, p in zip(ids, values, shares, strict=True) if s > -np.inf]


# -- histories in files -----------------------------------------------------------------------------------------------


def read_histories(path: str | Path) -> list[list[str]] | dict[str, list[str]]:
    """Histories for `recommend` from a file: a text with one history per line and ';' between items, or a table (``tables.TABLES``) with
    user and item columns, whose histories come back by user id. Rows are sorted by the time column if there is one."""
    path = Path(path)
    return _table(path) if path.suffix.lower() in TABLES else _lines(path)


def _lines(path: Path) -> list[list[str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError:
        raise DataError(f"'{path}' is not UTF-8 text; expected one history per line, or a .csv, .tsv or .parquet table.") from None
    histories = [[word.strip() for word in line.split(";") if word.strip()] for line in lines]
    if not histories:
        raise DataError(f"'{path}' is empty; expected one history per line, with ';' between items.")
    empty = next((number for number, history in enumerate(histories, 1) if not history), None)
    if empty is not None:
        raise DataError(f"'{path}': line {empty} is empty; each line needs at least one title or id, with ';' between them.")
    return histories


def _table(path: Path) -> dict[str, list[str]]:
    names, read = TABLES[path.suffix.lower()](path)
    places: dict[str, int] = {}
    for role in ("user", "item", "title", "time"):  # a title column can stand in for item ids
        place = columns.find(path, names, role, None, required=role == "user", taken=tuple(places.values()))
        if place is not None:
            places[role] = place
    item = places["item"] if "item" in places else places.get("title")
    if item is None:
        raise DataError(f"'{path}' has no column that looks like the item; its columns are: {columns.listed(names)}.")
    users, items, *rest = read([p for p in (places["user"], item, places.get("time")) if p is not None])
    codes, ids = columns.ids(path, names[places["user"]], users, "user")
    texts = columns.texts(items)
    if (texts == "").any():
        raise DataError(f"'{path}' has no item in row {columns.first(texts == '')} (column {columns.shown(names[item])}).")
    when = columns.times(path, names[places["time"]], rest[0]) if rest else None
    order = np.arange(len(codes)) if when is None else np.argsort(when, kind="stable")
    histories: dict[str, list[str]] = {str(ids[code]): [] for code in codes}  # users as they first appear in the file
    for row in order:
        histories[str(ids[codes[row]])].append(str(texts[row]))
    return histories
