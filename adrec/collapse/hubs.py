"""What else collapse means, beside the spectrum: hubs and orphans, the spectrum's decay, popularity in the scores, unused codes."""

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from adrec.collapse.moments import Moments, blocks
from adrec.collapse.nulls import wishart_spectrum
from adrec.collapse.semantics import popularity_basis
from adrec.collapse.thresholds import FEWEST_ITEMS, THRESHOLDS
from adrec.data.dataset import SequenceDataset, histories_of
from adrec.maps.neighbours import neighbour_sets

NEIGHBOURS = 10
ALL_ITEMS = 5_000
"""Up to so many items hubs are counted among all of them; above, in CROWDS crowds of CROWD items drawn at random."""
CROWDS, CROWD = 8, 2_000
STUDENT = 2.365
"""Half a 95 % interval of a mean of CROWDS values, in standard errors (Student's t, 7 degrees of freedom)."""
MOST_USERS = 20_000
WIDEST = 4_096
"""Popularity in the scores is left out for wider tables, whose products would not fit."""
MOST_COLUMNS = 16
"""Integers in more columns than this are quantised numbers, not codes."""


def more(table: np.ndarray, data: SequenceDataset | None = None) -> dict[str, Any]:
    """``hubs``, ``decay``, ``popularity`` and ``codes`` of a checked table (V, D), as JSON types; each has ``says`` or is None.

    data: whose item i + 1 is row i.
    """
    return {
        "hubs": hubs(table),
        "decay": decay(table),
        "popularity": None if data is None else popularity(table, data),
        "codes": codes(table),
    }


# -- hubs -------------------------------------------------------------------------------------------------------------


def hubs(table: np.ndarray, seed: int = 0) -> dict[str, Any] | None:
    """Hubness: how often items are among the 10 nearest of others (cosine of the rows as they are). None for fewer than 20 items.

    skew: of that count over the items, with its 95 % interval (the value itself where all items were counted); skew_null: of a Gaussian
    table. nobody: the share of items that are nobody's neighbour, likewise. Radovanovic et al. 2010 (JMLR 11).
    """
    n = len(table)
    if n < FEWEST_ITEMS:
        return None
    rng, size = np.random.default_rng([seed, 4]), n
    if n <= ALL_ITEMS:
        crowds = [np.arange(n)]
    else:
        size = min(CROWD, n)
        crowds = [np.sort(rng.choice(n, size, replace=False)) for _ in range(CROWDS)]
    found = np.array([_counted(np.asarray(table[crowd], dtype=np.float32)) for crowd in crowds])
    value = found.mean(axis=0)
    half = STUDENT * found.std(axis=0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.zeros(2)
    null = _hubs_of_noise(size, table.shape[1], seed)
    low, high = value - half, value + half
    part = "" if n == size else f", among {size:,} items drawn at random ({CROWDS} times)"
    return {
        "skew": float(value[0]), "skew_low": float(low[0]), "skew_high": float(high[0]), "skew_null": null[0],
        "nobody": float(value[1]), "nobody_low": float(max(low[1], 0)), "nobody_high": float(min(high[1], 1)), "nobody_null": null[1],
        "neighbours": NEIGHBOURS, "of": size,
        "says": f"{value[1]:.0%} of the items are among nobody's {NEIGHBOURS} nearest (random numbers: {null[1]:.0%}), and the skew of how "
        f"often an item is a neighbour is {value[0]:.1f} (random numbers: {null[0]:.1f}){part}.",
    }  # fmt: skip


def _counted(table: np.ndarray) -> tuple[float, float]:
    """Skew of the k-occurrence, and the share of items with none."""
    near = neighbour_sets(table, min(NEIGHBOURS, len(table) - 1))
    count = np.bincount(near.ravel(), minlength=len(table)).astype(np.float64)
    apart = count - count.mean()
    spread = float(np.sqrt((apart**2).mean()))
    return float((apart**3).mean()) / spread**3 if spread > 0 else 0.0, float((count == 0).mean())


@lru_cache(maxsize=64)
def _hubs_of_noise(items: int, width: int, seed: int) -> tuple[float, float]:
    return _counted(np.random.default_rng([seed, 5]).standard_normal((items, width), dtype=np.float32))


# -- decay ------------------------------------------------------------------------------------------------------------


def decay(table: np.ndarray, seed: int = 0) -> dict[str, Any] | None:
    """The exponent a of a spectrum whose i-th variance falls like i^-a; None for fewer than 4 directions.

    Fitted to the stronger half of the directions, every doubling of i counting the same. null: of a Gaussian table. Near 1 in
    representations that generalise (Stringer et al. 2019; Agrawal et al. 2022, arXiv 2202.05808); far above, few directions carry all.
    """
    spectrum = Moments.from_table(table).spectrum
    if len(spectrum) < 4:
        return None
    value = _exponent(spectrum)
    null = _exponent(wishart_spectrum(np.random.default_rng([seed, 6]), len(table) - 1, table.shape[1]))
    said = f"The variance of the i-th direction falls like i to the power of {-value:.2f} (random numbers: {-null:.2f})."
    return {"exponent": value, "null": null, "says": said}


def _exponent(spectrum: np.ndarray) -> float:
    lam = spectrum[: max(len(spectrum) // 2, 2)]
    lam = lam[lam > 0]
    if len(lam) < 2:
        return 0.0
    index = np.arange(1, len(lam) + 1)
    weight = 1 / index
    x, y = np.log(index), np.log(lam)
    x, y = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
    return float(-(weight * x * y).sum() / (weight * x * x).sum())


# -- popularity -------------------------------------------------------------------------------------------------------


def popularity(table: np.ndarray, data: SequenceDataset) -> dict[str, Any] | None:
    """How much of what tells a person's scores apart follows popularity; None if fewer than 20 items occur often enough.

    A person is the mean of the rows of their training history, a score its dot product with an item's row; None too for tables wider than
    WIDEST. share: of the variance over the items of each person's scores that log popularity and its square explain. common: the share that
    is the same for everybody.
    """
    counts = data.popularity[1:]
    items = np.flatnonzero(counts >= THRESHOLDS.fewest)
    if len(items) < FEWEST_ITEMS or table.shape[1] > WIDEST:
        return None
    place = np.full(data.n_items + 1, -1, dtype=np.int64)
    place[items + 1] = np.arange(len(items))
    rows = np.asarray(table[items], dtype=np.result_type(table.dtype, np.float32))
    scale = float(np.abs(rows).max()) or 1.0
    users = np.arange(0, data.n_users, max(-(-data.n_users // MOST_USERS), 1))
    history, offsets = histories_of(users, data.train_items, data.train_offsets)
    width = table.shape[1]
    people, total = np.zeros((width, width)), np.zeros(width)
    step = max(2**22 // width, 1)
    for start in range(0, len(users), step):
        ends = offsets[start : start + step + 1]
        known = place[history[ends[0] : ends[-1]]]
        owner = np.repeat(np.arange(len(ends) - 1), np.diff(ends))[known >= 0]
        number = np.bincount(owner, minlength=len(ends) - 1)
        mean = _summed(rows, known[known >= 0], owner, len(number)) / np.maximum(number, 1)[:, None] / scale
        people += mean.T @ mean
        total += mean.sum(axis=0)
    basis = popularity_basis(counts[items])
    centre, gram, along = rows.mean(axis=0, dtype=np.float64) / scale, np.zeros((width, width)), np.zeros((basis.shape[1] - 1, width))
    for start, part in blocks(rows):
        part = part / scale - centre
        gram += part.T @ part
        along += basis[start : start + len(part), 1:].T @ part
    every = float((people * gram).sum())
    if every <= 0:
        return None
    share, common = float(((along @ people) * along).sum()) / every, float(total @ gram @ total) / len(users) / every
    said = f"{share:.0%} of what tells a person's scores apart follows popularity, and {common:.0%} is the same for everybody"
    return {"share": share, "common": common, "users": len(users), "says": f"{said} (a person is the mean of their items' rows)."}


def _summed(rows: np.ndarray, which: np.ndarray, owner: np.ndarray, owners: int) -> np.ndarray:
    """The sum of ``rows[which]`` by owner: (owners, D)."""
    chosen = sparse.csr_array((np.ones(len(which), dtype=np.float32), (owner, which)), (owners, len(rows)))
    return np.asarray(chosen @ rows)


# -- codes ------------------------------------------------------------------------------------------------------------


def codes(table: np.ndarray) -> dict[str, Any] | None:
    """How well a table of codes (semantic ids; integers from 0 in few columns) uses them; None for any other table.

    size: of a codebook, the power of two above the largest code. used: codes in use by column. perplexity: exp of their entropy. shared:
    the share of items whose whole code is another item's too.
    """
    if table.shape[1] > MOST_COLUMNS or not all((rows == np.floor(rows)).all() and (rows >= 0).all() for _, rows in blocks(table)):
        return None
    whole = np.asarray(table, dtype=np.float64)
    largest = int(whole.max())
    if not 1 <= largest < 2**16:
        return None
    size = 2 ** int(np.ceil(np.log2(largest + 1)))
    counts = [np.bincount(column.astype(np.int64), minlength=size) for column in whole.T]
    used = [int((c > 0).sum()) for c in counts]
    shares = [c[c > 0] / len(table) for c in counts]
    perplexity = [float(np.exp(-(p * np.log(p)).sum())) for p in shares]
    _, which, often = np.unique(whole, axis=0, return_inverse=True, return_counts=True)
    shared = float((often[which.ravel()] > 1).mean())
    columns = f"{min(used):,} to {max(used):,}" if min(used) < max(used) else f"{used[0]:,}"
    effective = f"as if {min(perplexity):,.1f} to {max(perplexity):,.1f} were used evenly"
    said = f"It looks like codes: each column uses {columns} of {size:,}, {effective}; {shared:.0%} of the items share all of theirs."
    return {"size": size, "used": used, "perplexity": perplexity, "shared": shared, "says": said}
