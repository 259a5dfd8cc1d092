"""Repairs of a trained table, and what they do to a ranking of held-out items. Each is a pure function; none replaces a better training."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from adrec.collapse.cooccurrence import WINDOW
from adrec.collapse.facts import facts, zero_point
from adrec.data.dataset import SequenceDataset
from adrec.errors import ConfigError
from adrec.maps.tables import as_table, principal_axes

REPAIRS = {
    "dequantise": "the zero point of a table of codes is subtracted",
    "centre": "the mean row is subtracted",
    "remove-top:K": "the mean row and the K strongest directions are removed",
    "whiten:DEGREE": "directions are brought closer to equal strength: 0 not at all, 1 wholly, weak ones excepted",
    "unit": "all rows get the same length",
}
RIDGE = 0.01
"""Directions weaker than this share of the mean variance are not raised further: they are noise or dead."""
BLOCK = 512


def repaired(table: ArrayLike, repairs: Sequence[str]) -> np.ndarray:
    """The table (V, D) with these repairs, one after another; float64. Rows of zeros belong to no item and stay.

    dequantise: only a table with a zero point (``facts``) has one to subtract. centre, remove-top: Mu & Viswanath 2018. whiten: in the
    table's own axes (ZCA), direction i times (variance_i + RIDGE times the mean variance)^(-DEGREE / 2); the total variance stays. unit:
    the length is the root mean square of all rows'. Unknown ones are ConfigErrors.
    """
    w = as_table(table)
    used = w.any(axis=1)
    rows = w[used]
    for text in repairs:
        name, number = _parsed(text, min(w.shape))
        if name == "dequantise":
            rows = rows - _zero_point(rows)
            continue
        if name == "unit":
            length = np.linalg.norm(rows, axis=1, keepdims=True)
            rows = rows / np.where(length > 0, length, 1.0) * np.sqrt((length**2).mean() if len(rows) else 0.0)
            continue
        rows = rows - rows.mean(axis=0) if len(rows) else rows
        if name == "centre" or not rows.any():
            continue
        lam, axes = principal_axes(rows)
        if name == "remove-top":
            top = axes[:, : int(number)]
            rows = rows - rows @ top @ top.T
        else:
            lam = lam.clip(min=0)
            strength = (lam + RIDGE * lam.mean()) ** (-number / 2)
            strength *= np.sqrt(lam.sum() / (lam * strength**2).sum())
            rows = (rows @ axes * strength) @ axes.T
    result = np.zeros_like(w)
    result[used] = rows
    return result


def _zero_point(rows: np.ndarray) -> float:
    found = zero_point(facts(rows)) if len(rows) else None
    if found is None:
        raise ConfigError("There is no zero point to subtract: the table's entries are not whole numbers of a byte around 128.")
    return found


def _parsed(text: str, directions: int) -> tuple[str, float]:
    """A repair's name and number; 0 for none."""
    name, _, number = text.partition(":")
    kinds = {repair.partition(":")[0]: ":" in repair for repair in REPAIRS}
    if name not in kinds or kinds[name] != bool(number):
        raise ConfigError(f"Unknown repair '{text[:40]}'; must be one of {', '.join(REPAIRS)}.")
    if name == "remove-top":
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) < directions):
            raise ConfigError(f"The number of directions to remove must be 1 to {directions - 1}, not '{number[:20]}'.")
        return name, float(number[:9])
    try:
        degree = float(number or 0)
    except ValueError:
        degree = -1.0
    if not 0 <= degree <= 1:
        raise ConfigError(f"The degree of a whitening must be 0 to 1, not '{number[:20]}'.")
    return name, degree


def held_out_ranks(table: np.ndarray, data: SequenceDataset) -> np.ndarray:
    """Rank of each user's validation item, 1 = best, by dot product with the mean row of the five items before it: (U,).

    Ties count against the table, and items of the training history are not recommended again. Users whose validation item or whole
    history has no row are left out. table: (V, D), row i is item i + 1.
    """
    rows = np.asarray(table, dtype=np.float64)
    ranks = []
    last = data.train_offsets[1:]
    known = np.flatnonzero((data.val > 0) & (last > data.train_offsets[:-1]))
    for start in range(0, len(known), BLOCK):
        users = known[start : start + BLOCK]
        histories = [data.train(user) - 1 for user in users]
        people = np.stack([rows[history[-WINDOW:]].mean(axis=0) for history in histories])
        scores, target = people @ rows.T, data.val[users] - 1
        own = scores[np.arange(len(users)), target]
        for i, history in enumerate(histories):
            scores[i, history] = -np.inf
        scores[np.arange(len(users)), target] = own
        ranks.append((scores >= own[:, None]).sum(axis=1))
    return np.concatenate([np.zeros(0, dtype=np.int64), *ranks])
