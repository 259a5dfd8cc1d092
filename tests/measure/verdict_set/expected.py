"""What an expert would say of a table, by rule, from how it was made, how well it ranks and its plain geometry; never from a verdict.

Written before any table of the set was judged. Meaning is how well the rows alone rank what users take next: each user's two left-out
items against items *of the same popularity* that the user never had, by cosine to the mean of the last ten items; beside it, how well the
better of two plain factorisations of the same interactions does that. Geometry follows the definitions in docs/VERDICT.md, measured here
by other code, with a band around each line in which either side is right.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from tests.measure.verdict_set.libraries.shared import matrix, neighbours
from tests.measure.verdict_set.registry import Training

FEWEST = 5
"""Items with fewer training occurrences are hardly trained; docs/VERDICT.md leaves them out too."""
NEGATIVES, NEAR, USERS, LAST = 20, 40, 3000, 10
CHANCE = 3.0
"""Standard errors above one half below which a table ranks no better than chance."""
LITTLE, MUCH = 0.2, 0.5
"""Shares of what the reference ranks above chance: below the first a table has learnt little, above the second it means something."""


@dataclass(frozen=True)
class Ranking:
    """auc: the chance that the item taken beats one of its popularity. error: its standard error over users."""

    auc: float
    error: float

    @property
    def z(self) -> float:
        return (self.auc - 0.5) / max(self.error, 1e-9)


class Ranker:
    """One data set's questions: the same users, answers and rivals for every table."""

    def __init__(self, data: Training) -> None:
        rng = np.random.default_rng(0)
        self.data = data
        self.popularity = np.bincount(data.items, minlength=data.n_items)
        order = np.argsort(self.popularity + rng.random(data.n_items) * 0.5)
        place = np.empty(data.n_items, dtype=np.int64)
        place[order] = np.arange(data.n_items)
        users = rng.permutation(data.n_users)[:USERS]
        asked = np.repeat(users, 2)
        answers = data.answers[users].ravel().astype(np.int64)
        good = self.popularity[answers] >= FEWEST
        asked, answers = asked[good], answers[good]
        near = place[answers][:, None] + rng.integers(1, NEAR + 1, (len(answers), NEGATIVES)) * rng.choice(
            [-1, 1], (len(answers), NEGATIVES)
        )
        rivals = order[near.clip(0, data.n_items - 1)]
        had = np.unique(
            np.concatenate(
                [data.users * data.n_items + data.items, (np.arange(data.n_users)[:, None] * data.n_items + data.answers).ravel()]
            )
        )
        codes = asked[:, None] * data.n_items + rivals
        self.valid = ~np.isin(codes, had) & (self.popularity[rivals] >= FEWEST)
        self.asked, self.answers, self.rivals = asked, answers, rivals
        last = [data.items[max(a, b - LAST) : b] for a, b in zip(data.offsets[:-1], data.offsets[1:], strict=True)]
        lengths = np.array([len(part) for part in last])
        means = np.repeat(1 / np.maximum(lengths, 1), lengths)
        self.means = sparse.csr_matrix(
            (means, (np.repeat(np.arange(len(last)), lengths), np.concatenate(last))), shape=(len(last), data.n_items)
        )
        self.reference = max((self(table) for table in self._plain()), key=lambda ranking: ranking.auc)

    def _plain(self) -> list[np.ndarray]:
        """32 directions of users by items, rows of unit length; and of the positive mutual information of neighbours."""
        known = matrix(self.data)
        width = min(32, min(known.shape) - 1)
        rows = sparse.diags(1 / np.sqrt(np.maximum(np.asarray(known.sum(axis=1)).ravel(), 1))) @ known
        _, values, items = svds(rows.astype(np.float64), k=width, random_state=0)
        first, second = neighbours(self.data)
        counts = sparse.csr_matrix((np.ones(len(first)), (first, second)), shape=(self.data.n_items,) * 2).tocoo()
        total = np.asarray(counts.sum(axis=0)).ravel()
        information = np.log(np.maximum(counts.data * len(first) / (total[counts.row] * total[counts.col]), 1e-12)).clip(min=0)
        found, strength, _ = svds(sparse.csr_matrix((information, (counts.row, counts.col)), shape=counts.shape), k=width, random_state=0)
        return [items.T * values, found * np.sqrt(strength)]

    def __call__(self, table: np.ndarray) -> Ranking:
        seen = self.popularity >= FEWEST
        with np.errstate(all="ignore"):
            rows = np.nan_to_num(table.astype(np.float64), posinf=0, neginf=0)
            rows = rows - rows[seen].mean(axis=0)
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
        people = self.means[self.asked] @ rows
        right = np.einsum("nd,nd->n", people, rows[self.answers])
        wrong = np.stack([np.einsum("nd,nd->n", people, rows[rival]) for rival in self.rivals.T], axis=1)
        wins = np.where(self.valid, (right[:, None] > wrong + 1e-12) + 0.5 * (np.abs(right[:, None] - wrong) <= 1e-12), 0).sum(axis=1)
        count = self.valid.sum(axis=1)
        share = wins[count > 0] / count[count > 0]
        return Ranking(
            float(share.mean()), float(share.std() / np.sqrt(max(len(share) / 2, 1)))
        )  # a user's two answers are not independent

    def level(self, ranking: Ranking) -> str:
        """none, little, some or much."""
        share = (ranking.auc - 0.5) / max(self.reference.auc - 0.5, 1e-9)
        if ranking.z < CHANCE:
            return "none"
        return "little" if share < LITTLE else "some" if share < MUCH else "much"


@dataclass(frozen=True)
class Geometry:
    """cone: the larger of offset and mean cosine. twins: share of rows with an equal. few: directions in use over the line of few."""

    cone: float
    twins: float
    few: float


def geometry(table: np.ndarray, popularity: np.ndarray) -> Geometry:
    rows = table[popularity >= FEWEST].astype(np.float64) if (popularity >= FEWEST).sum() >= 20 else table.astype(np.float64)
    largest = np.abs(rows).max()
    if not np.isfinite(largest) or largest == 0:
        return Geometry(1.0, 1.0, 0.0)
    rows = rows / largest
    lengths = np.linalg.norm(rows, axis=1)
    common = rows.mean(axis=0)
    cosine = np.linalg.norm((rows / np.maximum(lengths, 1e-300)[:, None]).mean(axis=0)) ** 2  # a row of zeros has a cosine of 0
    offset = (common**2).sum() / (lengths**2).mean()
    _, counts = np.unique(np.round(rows, 9), axis=0, return_counts=True)
    twins = counts[counts > 1].sum() / len(rows)

    def ranks(values: np.ndarray) -> tuple[float, float]:
        sigma = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)
        share = sigma[sigma > 0] / sigma.sum() if sigma.sum() > 0 else np.ones(1)
        return float(np.exp(-(share * np.log(share)).sum())), float((sigma**2).sum() ** 2 / max((sigma**4).sum(), 1e-300))

    noise = ranks(np.random.default_rng(0).standard_normal(rows.shape))
    mine = ranks(rows)
    return Geometry(float(max(cosine, offset)), float(twins), min(mine[0] / noise[0] / 0.5, mine[1] / noise[1] / 0.25))


def kinds(untrained: bool, level: str | None, shape: Geometry) -> tuple[set[str], set[str]]:
    """The kinds that are right, and those that are acceptable besides. level None: no interactions are given."""
    right: set[str] = set()
    if shape.cone > 0.93 and level in ("some", "much"):  # one direction is common, but what differs still ranks
        return {"narrowing"}, {"complete-collapse"}
    if shape.cone > 0.93:
        right.add("complete-collapse")
    if 0.25 < shape.cone < 0.97:
        right.add("narrowing")
    if shape.cone > 0.35:
        return right, set()
    if shape.twins > 0.4:
        right.add("low-rank")
        if shape.twins > 0.6:
            return right, set()
    few, many = shape.few < 1.25, shape.few > 0.8
    if untrained:
        return right | {"noise-like"}, set()
    if level is None:
        return right | ({"low-rank"} if few else set()) | ({"spectral-only"} if many else set()), {"noise-like"} if many else set()
    if level == "none":
        return right | ({"low-rank", "spectral-only"} if few else set()) | ({"spectral-only", "noise-like"} if many else set()), set()
    if level == "little":
        return right | {"weakly-learned"} | ({"low-rank"} if few else set()), {"noise-like", "spectral-only"}
    good = ({"concentrated"} if few else set()) | ({"healthy"} if many else set())
    if level == "some":
        return right | good | {"weakly-learned"}, {"low-rank"} if few else set()
    return right | good, {"healthy", "concentrated"} - good
