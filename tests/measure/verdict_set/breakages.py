"""What can go wrong with a table after training: how its rows are told apart (the join), and what its numbers are.

Each is a function of a trained table that gives the file a person would have, and what that file means to say, which is what the rule in
``expected.py`` is asked about. Tables of the second group come with item ids, so that the join is not in question.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Trained:
    """A trained table by item (V, D), and what is known of its training. first_seen: the items in order of first appearance in the file."""

    table: np.ndarray
    ids: list[str]
    popularity: np.ndarray
    first_seen: np.ndarray
    seed: int
    initial: np.ndarray | None = None
    users: np.ndarray | None = None
    untrained: bool = False

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, len(self.table), self.table.shape[1]])


@dataclass(frozen=True)
class Given:
    """A file as a person has it. table: its rows. truth: each row's item (raw id), "" for none. with_ids: whether the file says them;
    labels: what it says where that is not the truth.

    meant: (V, D), the rows by item that a right reading ends with. facts: codes of the plain facts that must be named. as_given: whether a
    verdict on the numbers as they are, damage included, is acceptable too. untrained: whether the numbers are a random start. refuse:
    whether one sentence of refusal is right. scrambled: whether no join can be right. partly: whether a part of what was learnt is there by
    construction, even where too little for ranking to show it.
    """

    table: np.ndarray
    truth: list[str]
    meant: np.ndarray
    labels: list[str] | None = None
    with_ids: bool = False
    facts: tuple[str, ...] = ()
    as_given: bool = False
    untrained: bool = False
    refuse: bool = False
    scrambled: bool = False
    partly: bool = False
    initial: np.ndarray | None = None


def rows(t: Trained, order: np.ndarray) -> Given:
    """The table's rows in this order, -1 for a row of no item."""
    filler = t.rng.normal(0, t.table.std() or 1.0, (len(order), t.table.shape[1])).astype(t.table.dtype)
    table = np.where((order >= 0)[:, None], t.table[order.clip(min=0)], filler)
    return Given(table, [t.ids[i] if i >= 0 else "" for i in order], t.table, untrained=t.untrained)


def by(t: Trained, keys: np.ndarray) -> np.ndarray:
    return np.argsort(keys, kind="stable")


def framed(t: Trained, before: np.ndarray | None = None, after: np.ndarray | None = None) -> Given:
    """Other rows before or after the items."""
    parts = [part for part in (before, t.table, after) if part is not None]
    names = [""] * (0 if before is None else len(before)) + t.ids + [""] * (0 if after is None else len(after))
    return Given(np.concatenate(parts), names, t.table, untrained=t.untrained)


def users(t: Trained) -> np.ndarray:
    """The users' rows; where a library hides them, as many mixtures of three items as there are items over two."""
    if t.users is not None and t.users.shape[1] == t.table.shape[1]:
        return t.users.astype(t.table.dtype)
    mixed = t.rng.integers(0, len(t.table), (len(t.table) // 2 + 7, 3))
    return t.table[mixed].mean(axis=1)


JOINS: dict[str, Callable[[Trained], Given]] = {
    "in the ids' order": lambda t: rows(t, np.arange(len(t.table))),
    "one row too early": lambda t: rows(t, np.append(np.arange(1, len(t.table)), -1)),
    "one row too late": lambda t: rows(t, np.append(-1, np.arange(len(t.table) - 1))),
    "a random padding row first": lambda t: rows(t, np.append(-1, np.arange(len(t.table)))),
    "a padding row of zeros first": lambda t: framed(t, before=np.zeros((1, t.table.shape[1]), t.table.dtype)),
    "a padding row last": lambda t: rows(t, np.append(np.arange(len(t.table)), -1)),
    "ids sorted as text": lambda t: rows(t, by(t, np.array(t.ids))),
    "by first appearance": lambda t: rows(t, t.first_seen),
    "by first appearance, a padding row first": lambda t: rows(t, np.append(-1, t.first_seen)),
    "by descending popularity": lambda t: rows(t, by(t, -t.popularity)),
    "users before the items": lambda t: framed(t, before=users(t)),
    "users after the items": lambda t: framed(t, after=users(t)),
    "surplus rows": lambda t: rows(t, np.append(np.arange(len(t.table)), [-1] * 37)),
    "transposed": lambda t: replace(rows(t, np.arange(len(t.table))), table=np.ascontiguousarray(t.table.T)),
    "shuffled": lambda t: replace(rows(t, t.rng.permutation(len(t.table))), scrambled=True),
    "ids shifted by one": lambda t: replace(rows(t, np.roll(np.arange(len(t.table)), 1)), with_ids=True, labels=t.ids),
}
"""How the rows are told apart; the first is right."""


def numbers(t: Trained, table: np.ndarray, meant: np.ndarray | None = None, **more) -> Given:
    more = {"untrained": t.untrained} | more
    return Given(table, t.ids, table if meant is None else meant, with_ids=True, **more)


def part(t: Trained, share: float) -> np.ndarray:
    """Random items."""
    return t.rng.permutation(len(t.table))[: int(share * len(t.table))]


def start(t: Trained) -> np.ndarray:
    """The table before training, or such a one."""
    return t.initial if t.initial is not None else t.rng.normal(0, 0.1, t.table.shape).astype(np.float32)


def dead_columns(t: Trained) -> Given:
    table, dead = t.table.copy(), t.rng.permutation(t.table.shape[1])[: int(0.6 * t.table.shape[1])]
    table[:, dead] = 0.0123
    return numbers(t, table, np.delete(table, dead, axis=1), facts=("dead-columns",), as_given=True)


def duplicate_columns(t: Trained) -> Given:
    table, half = t.table.copy(), t.table.shape[1] // 2
    table[:, half : 2 * half] = table[:, :half]
    return numbers(t, table, facts=("duplicate-columns",))


def replaced(t: Trained, share: float, by_rows: np.ndarray, facts: tuple[str, ...], with_initial: bool = False) -> Given:
    table, chosen = t.table.copy(), part(t, share)
    table[chosen] = by_rows[chosen]
    return numbers(t, table, facts=facts, initial=by_rows if with_initial else None, partly=True)


def half_columns(t: Trained) -> Given:
    table, half = t.table.copy(), t.table.shape[1] // 2
    table[:, half:] = start(t)[:, half:]
    return numbers(t, table, partly=True)


def giant_row(t: Trained) -> Given:
    table = t.table.copy()
    table[int(np.argsort(-t.popularity)[7])] *= 1000
    return numbers(t, table, t.table, facts=("giant-row",), as_given=True)


def heavy_column(t: Trained, column: np.ndarray, facts: tuple[str, ...]) -> Given:
    return numbers(t, np.column_stack([t.table, column]).astype(np.float32), t.table, facts=facts, as_given=True)


def quantised(t: Trained, levels: int, zero: int) -> Given:
    low, high = np.quantile(t.table, [0.001, 0.999])
    most = max(abs(low), abs(high)) or 1.0
    codes = np.round(t.table / most * (levels // 2 - 1)).clip(-(levels // 2), levels // 2 - 1)
    table = (codes + zero).astype(np.uint8 if zero else np.int8)
    return numbers(t, table, codes.astype(np.float32), facts=("quantised",) if levels == 256 else ("integer-values",))


def overflowed(t: Trained) -> Given:
    table = t.table.copy()
    table[part(t, 0.02)] = np.inf
    return numbers(t, table, t.table, refuse=True, facts=("not-finite",))


def common_offset(t: Trained, times: float) -> Given:
    lengths = np.sqrt((t.table.astype(np.float64) ** 2).sum(axis=1).mean()) or 1.0
    way = t.rng.standard_normal(t.table.shape[1])
    return numbers(t, (t.table + times * lengths * way / np.linalg.norm(way)).astype(np.float32))


def rank(t: Trained, directions: int) -> Given:
    mean = t.table.mean(axis=0)
    u, s, v = np.linalg.svd((t.table - mean).astype(np.float64), full_matrices=False)
    return numbers(t, ((u[:, :directions] * s[:directions]) @ v[:directions]).astype(np.float32))


def shared_rows(t: Trained, share: float) -> Given:
    """By a hash, several items read the same row: that of one of them."""
    of = t.rng.permutation(len(t.table))[: max(int(share * len(t.table)), 2)]
    return numbers(t, t.table[of[t.rng.integers(0, len(of), len(t.table))]], facts=("duplicate-rows",))


def zeroed(t: Trained, share: float) -> Given:
    return numbers(t, np.where(t.rng.random(t.table.shape) < share, 0, t.table).astype(np.float32))


def mixed(t: Trained, share: float) -> Given:
    """A share of the variance stays, the rest is noise."""
    noise = t.rng.standard_normal(t.table.shape) * t.table.std(axis=0)
    return numbers(t, (np.sqrt(share) * t.table + np.sqrt(1 - share) * noise).astype(np.float32), partly=True)


def gaussian(t: Trained) -> Given:
    return numbers(t, t.rng.normal(0, 0.05, t.table.shape).astype(np.float32), untrained=True)


def whitened(t: Trained) -> Given:
    centred = (t.table - t.table.mean(axis=0)).astype(np.float64)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    return numbers(t, (u[:, s > 1e-6 * s[0]]).astype(np.float32))


def turned(t: Trained) -> Given:
    q, _ = np.linalg.qr(t.rng.standard_normal((t.table.shape[1],) * 2))
    return numbers(t, (t.table @ q).astype(np.float32))


def unit(t: Trained) -> Given:
    return numbers(t, t.table / np.maximum(np.linalg.norm(t.table, axis=1, keepdims=True), 1e-12))


NUMBERS: dict[str, Callable[[Trained], Given]] = {
    "as trained, with ids": lambda t: numbers(t, t.table),
    "60 % of the columns dead": dead_columns,
    "half of the columns copies": duplicate_columns,
    "30 % of the rows unmoved, start given": lambda t: replaced(t, 0.3, start(t), ("unmoved-rows",), with_initial=True),
    "half of the rows not loaded": lambda t: replaced(t, 0.5, start(t), ()),
    "half of the columns not loaded": half_columns,
    "30 % of the rows zero": lambda t: replaced(t, 0.3, np.zeros_like(t.table), ("dead-rows",)),
    "a ten-thousandth of its scale": lambda t: numbers(t, (t.table * 1e-4).astype(np.float32), facts=("small-scale",)),
    "a thousand times its scale": lambda t: numbers(t, (t.table * 1e3).astype(np.float32), facts=("large-scale",)),
    "one giant row": giant_row,
    "a heavy-tailed bias appended": lambda t: heavy_column(t, t.rng.standard_t(2, len(t.table)) * 30 * t.table.std(), ("heavy-column",)),
    "the popularity appended": lambda t: heavy_column(t, t.popularity, ("heavy-column",)),
    "uint8 around 128": lambda t: quantised(t, 256, 128),
    "int8": lambda t: quantised(t, 256, 0),
    "4 bits": lambda t: quantised(t, 16, 0),
    "half precision": lambda t: numbers(t, t.table.astype(np.float16)),
    "rows overflowed": overflowed,
    "a common offset of 6 lengths": lambda t: common_offset(t, 6.0),
    "a common offset of one length": lambda t: common_offset(t, 1.0),
    "2 directions left": lambda t: rank(t, 2),
    "a quarter of the directions left": lambda t: rank(t, max(t.table.shape[1] // 4, 2)),
    "a tenth as many rows, shared by hash": lambda t: shared_rows(t, 0.1),
    "99 % of the entries dropped": lambda t: zeroed(t, 0.99),
    "half of the entries dropped": lambda t: zeroed(t, 0.5),
    "1 % signal, the rest noise": lambda t: mixed(t, 0.01),
    "half signal, half noise": lambda t: mixed(t, 0.5),
    "a Gaussian instead": gaussian,
    "signs only": lambda t: numbers(t, np.sign(t.table - t.table.mean(axis=0)).astype(np.float32)),
    "whitened": whitened,
    "turned": turned,
    "rows of unit length": unit,
}
"""What the numbers are; the first and the last three do no harm."""
