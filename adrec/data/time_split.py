"""The split by global time: two moments, the same for everybody; nothing from the first one on is trained on."""

from dataclasses import dataclass

import numpy as np

REASONS = (
    "after the test answer of their user",
    "between validation and test of users without a test answer",
    "of users with neither a training row nor a test answer",
)
"""Why a row is left out, from 1: `Cut.reasons`."""


@dataclass(frozen=True)
class Cut:
    """What becomes of the rows of whole users, (n,), and of these users, (m,).

    reasons: 0 for a row that goes on, otherwise the number of its reason in ``REASONS``. users: their codes, ascending. train, between:
    how many rows of each are trained on, and how many lie between training and the test answer.
    """

    reasons: np.ndarray
    users: np.ndarray
    train: np.ndarray
    between: np.ndarray


def cut(u: np.ndarray, t: np.ndarray, first: float, second: float) -> Cut:
    """Divide rows sorted by user and time at two moments: training lies before ``first``, test answers from ``second`` on.

    A user's first row from ``first`` on and before ``second`` is the validation answer, if something is trained on; the first from
    ``second`` on is the test answer, if anything lies before it. All rows before the test answer are known then.
    """
    begins = np.flatnonzero(np.append(True, u[1:] != u[:-1]))
    owner = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(u))))
    place = np.arange(len(u)) - begins[owner]
    part = (t >= first).astype(np.int8) + (t >= second)
    before, within, after = (np.bincount(owner[part == p], minlength=len(begins)) for p in range(3))
    tested = (before + within > 0) & (after > 0)
    between = np.where(tested, within, np.minimum(within, before > 0))
    ends = before + between  # rows before the test answer
    reasons = np.zeros(len(u), dtype=np.int8)
    reasons[(part == 1) & (place >= ends[owner])] = 2
    reasons[(part == 2) & (place > ends[owner])] = 1
    reasons[((before == 0) & ~tested)[owner]] = 3
    return Cut(reasons, u[begins], before, between)
