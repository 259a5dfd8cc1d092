"""Recommendations of a run for given histories: one call for scripts and the command line."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adrec.data.building import ids_of
from adrec.data.options import Options
from adrec.data.titles import Finder, RawId
from adrec.errors import ConfigError, DataError
from adrec.reading.account import Account, shown, shown_path
from adrec.reading.engine import as_sentences, connect, quoted
from adrec.reading.names import named
from adrec.reading.opened import present
from adrec.reading.roles import interaction_roles
from adrec.reading.rows import known, open_rows
from adrec.reading.sampled import IGNORED
from adrec.reading.text import FREE, HOW
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
    serve_rest: bool = False,
) -> dict[str, Any]:
    """The ``k`` items that a run's final model ranks highest after each history, as
    ``{"users": [{"history": [{"id", "title"}], "items": [{"id", "title", "score", "probability"}]}]}``, best first.

    histories: one per user, oldest item first, each a sequence or a text with ';' between items. A mapping from user id to history
    returns the ids as ``user``. Strings are titles or the data set's own ids, ints are ids 1..V. The model reads the last ``length``
    items; ``history`` returns these.
    seed, steps: noise seed and denoising steps (default: the model's own), as in ``trajectory`` and ``evaluate``; a model without a
    reverse process takes no steps. exclude_seen: never recommend an item of the history, including items too far back to be read.
    users: positions of the users whose noise each history gets (default: user 0 for all, so that an answer depends only on its history).
    serve_rest: leave out histories that cannot be found instead of refusing all, and name them in ``left_out``.
    score: inner product with the model's answer. probability: softmax over the whole table, including seen items and the padding row.

    Raises a DataError that names an unknown item and the closest titles, a RunError, or a ConfigError.
    """
    from adrec.models.loading import load_model

    run = run if isinstance(run, RunFolder) else RunFolder(run)
    items, finder = run.items, Finder(run.items)
    if isinstance(histories, str):
        histories = [histories]
    names = [f"User '{u}': " for u in histories] if isinstance(histories, Mapping) else _numbered(len(histories))
    left_out: list[str] = []
    if serve_rest:
        histories, names, left_out = _without_unknown(histories, names, finder)
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
    answers = [u | _entry(h, best, titles) for u, h, best in zip(ids, read, ranked, strict=True)]
    return {"users": answers, **({"left_out": left_out} if serve_rest else {})}


Ranked = list[tuple[int, float, float]]
"""(id, score, probability) of items, best first."""


def _numbered(count: int) -> list[str]:
    return [f"History {n}: " for n in range(1, count + 1)] if count > 1 else [""] * count


def _found(name: str, history: History, finder: Finder) -> list[int]:
    try:
        return finder.history(history)
    except DataError as error:
        raise DataError(f"{name}{error}") from None


def _without_unknown(
    histories: Sequence[History] | Mapping[str, History], names: Sequence[str], finder: Finder
) -> tuple[Sequence[History] | Mapping[str, History], list[str], list[str]]:
    """The histories that can be found, their names, and a sentence for each other; a DataError if there is none."""
    given: list[tuple[Any, History]] = list(histories.items()) if isinstance(histories, Mapping) else list(enumerate(histories))
    served: list[tuple[Any, History]] = []
    called: list[str] = []
    left_out: list[str] = []
    for (key, history), name in zip(given, names, strict=True):
        try:
            _found(name, history, finder)
        except DataError as error:
            left_out.append(str(error))
        else:
            served.append((key, history))
            called.append(name)
    if left_out and not served:
        raise DataError(left_out[0])
    return (dict(served) if isinstance(histories, Mapping) else [history for _, history in served]), called, left_out


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
    frame, table = model.config.length, model.output_table
    rows = max(1, SCORES // (model.config.n_items + 1))
    for start in range(0, len(histories), HISTORIES):
        part = histories[start : start + HISTORIES]
        batch = pack([np.asarray(h[-frame:]) for h in part], frame, users=users[start : start + HISTORIES])
        order = np.argsort([len(h[-frame:]) for h in part], kind="stable")  # a batch is ordered by length
        found = answers(model, batch, steps, seed)[torch.from_numpy(np.argsort(order, kind="stable"))]
        for row in range(0, len(part), rows):
            seen = part[row : row + rows] if exclude_seen else []
            answered = found[row : row + rows]
            yield from _best(answered if table is None else answered @ table.T, seen, k)


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


ABLE = (*HOW, "user", "item", "title", "time", "dates", "unit", "missing")
"""Options of a file of histories with rows and columns."""


def read_histories(path: str | Path, **options: Any) -> tuple[list[list[str]] | dict[str, list[str]], Account]:
    """Histories for `recommend` from a file, and the file's account: a text with one history per line and ';' between items, or any other
    file of rows with users and items, whose histories come back by user id; a column of ids gives `RawId`. Rows are sorted by the time if
    there is one.

    options: of a file with rows, those of `adrec.data.options.Options` in ABLE. title: a column of titles, instead of ``item``.
    ``missing=drop`` leaves out rows without a user, an item or a time.
    """
    path, given = Path(path), Options.check(options)
    lines = path.suffix.lower() in FREE or not known(path)
    for name in given.given():
        if lines:
            raise DataError(f"{shown_path(path)} is read as one history per line, which takes no option such as {name}.")
        if name not in ABLE:
            raise DataError(f"The option {name} is not one of histories; these are {', '.join(ABLE)}.")
    return _lines(present(path)) if lines else _table(path, given)


def _lines(path: Path) -> tuple[list[list[str]], Account]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"'{path}' is not UTF-8 text; expected one history per line, or a .csv, .tsv or .parquet table.") from None
    whole, lines = text.removesuffix("\n").split("\n"), text.rstrip().split("\n")
    histories = [[word.strip() for word in line.split(";") if word.strip()] for line in lines]
    if not text.strip():
        raise DataError(f"'{path}' is empty; expected one history per line, with ';' between items.")
    empty = next((number for number, history in enumerate(histories, 1) if not history), None)
    if empty is not None:
        raise DataError(f"'{path}': line {empty} is empty; each line needs at least one title or id, with ';' between them.")
    rows = len(histories)
    kinds = {"total": len(whole), "header": 0, "rows": rows, "blank": len(whole) - rows, "inside_quotes": 0}
    return histories, Account(str(path), "text, one history a line, ';' between items", kinds, rows, read=rows)


def _table(path: Path, options: Options) -> tuple[dict[str, list[str]], Account]:
    title = None if options.title == IGNORED else options.title
    if options.missing == "keep" or (title and options.item):
        wrong = "missing is drop" if options.missing == "keep" else "say item=COLUMN of ids or title=COLUMN of titles, not both"
        raise DataError(f"{shown_path(path)} is a file of histories: {wrong}.")
    with connect() as con, open_rows(path, con, **options.values(*HOW)) as rows, as_sentences(path):
        titles = named(rows.names, "title") if options.title != IGNORED else []
        if not title and not options.item and not named(rows.names, "item"):
            title = next(iter(titles), None)  # a column of titles can stand in for ids
        wanted = options.values("user", "item", "time", "dates", "unit") | dict.fromkeys(("title", "rating", "category", "event"), IGNORED)
        roles = interaction_roles(rows, con, wanted | ({"item": title} if title else {}))
        rows, times, drop = roles.rows, roles.times, options.missing == "drop"
        user_of, _ = ids_of(con, rows.relation(con, {"value": roles.user}), rows, roles.user, "user")
        item_of, _ = ids_of(con, rows.relation(con, {"value": roles.item}), rows, roles.item, "item")
        if times is not None:
            written = rows.relation(con, list(times.columns))
            times.check(con, times.filled(written) if drop else written, path)
        order = times.sql(*(f"time{i}" for i in range(len(times.columns)))) if times is not None else "0"
        source = {"user": roles.user, "item": roles.item} | {f"time{i}": c for i, c in enumerate(roles.time)}
        lines = rows.relation(con, source).project(
            f"row, {user_of(quoted('user'))} as user_id, {item_of('item')} as item_id, {order} as tick"
        )
        found = lines.order("row").fetchall()
        rows.check(con, len(found))
    if drop:
        found = [line for line in found if None not in line]
        if len(found) < rows.account.rows:
            rows.account.left_out["without a user, an item or a time"] = rows.account.rows - len(found)
    for row, user, item, _ in found:
        for role, value in (("user", user), ("item", item)):
            if value is None:
                where = f"row {row:,} (column {shown(getattr(roles, role))})"
                raise DataError(f"{shown_path(path)} has no {role} in {where}; missing=drop leaves such rows out.")
    histories: dict[str, list[str]] = {user: [] for _, user, _, _ in found}  # users as they first appear in the file
    for _, user, item, _ in sorted(found, key=lambda line: line[3]):
        histories[user].append(item if title or roles.item in titles else RawId(item))
    roles.tell(rows.account)
    rows.account.read, rows.account.users = len(found), len(histories)
    return histories, rows.account
