"""Every measure of a comparison, with its unit, definition and source; each a function of what one run did for the test users."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adrec.data.dataset import SequenceDataset
from adrec.evaluation.metrics import METRICS, user_metrics
from adrec.experiments.lists import TEN, Lists

HEAD = 0.2
BINS = 10
PARTS = ("short", "middle", "long")


class Users:
    """What is the same for every run on a data set, of the users who have a test answer."""

    def __init__(self, data: SequenceDataset) -> None:
        self.data = data
        self.users = data.evaluated("test")
        self.targets = data.test[self.users]

    @cached_property
    def owners(self) -> np.ndarray:
        """Users who have each item in training, (V + 1,)."""
        data = self.data
        of = np.repeat(np.arange(data.n_users), np.diff(data.train_offsets))
        pairs = np.unique(of.astype(np.int64) * (data.n_items + 1) + data.train_items)
        return np.bincount(pairs % (data.n_items + 1), minlength=data.n_items + 1)

    @cached_property
    def head(self) -> np.ndarray:
        """Whether each item (V + 1,) is among the most popular ``HEAD`` of the catalogue; ties by id."""
        order = np.argsort(-self.data.popularity[1:], kind="stable") + 1
        found = np.zeros(self.data.n_items + 1, bool)
        found[order[: max(1, round(HEAD * self.data.n_items))]] = True
        return found

    @cached_property
    def histories(self) -> float:
        """The mean training count of the items in a user's history, mean over users."""
        items, offsets = self.data.histories(self.users, "test")
        counts = np.concatenate([[0.0], np.cumsum(self.data.popularity[items])])
        lengths = np.diff(offsets)
        means = (counts[offsets[1:]] - counts[offsets[:-1]])[lengths > 0] / lengths[lengths > 0]
        return float(means.mean()) if len(means) else 0.0

    @cached_property
    def third(self) -> np.ndarray:
        """Each user's third by the length of the history, (E,): 0 for the shortest."""
        order = np.argsort(self.data.known("test")[self.users], kind="stable")
        found = np.zeros(len(order), np.int64)
        for part, rows in enumerate(np.array_split(order, len(PARTS))):
            found[rows] = part
        return found

    @cached_property
    def category(self) -> str | None:
        """The column by which lists are called diverse: the genre or, without one, the first there is."""
        columns = self.data.items.columns
        return "genre" if "genre" in columns else next(iter(columns), None)

    @cached_property
    def categories(self) -> np.ndarray | None:
        """Which categories each item (V + 1, C) has."""
        if self.category is None:
            return None
        words = [set(filter(None, str(text).split("|"))) for text in self.data.items.frame[self.category].fillna("")]
        columns = {word: i for i, word in enumerate(sorted(set().union(*words)))}
        found = np.zeros((self.data.n_items + 1, len(columns)), np.float32)
        for item, own in enumerate(words, start=1):
            found[item, [columns[word] for word in own]] = 1
        return found if len(columns) > 1 else None


@dataclass(frozen=True)
class Evidence:
    """One run: the test answers' ranks (E,), and the lists if it has a model."""

    of: Users
    ranks: np.ndarray
    lists: Lists | None

    def metric(self, name: str) -> np.ndarray:
        """Each user's value of a ranking metric, (E,)."""
        return user_metrics(self.ranks)[name]


Value = Callable[[Evidence], float | None]


@dataclass(frozen=True)
class Measure:
    """title, unit, definition, source: what a person reads. group: of ``GROUPS``. better: 1 if more is better, -1 if less, 0 if neither.
    value: of one run; None where it has none. Measures without a ``value`` are filled in by the report."""

    name: str
    title: str
    unit: str
    definition: str
    source: str
    group: str
    better: int = 0
    value: Value | None = None


GROUPS = {
    "ranking": "Ranking",
    "cost": "Cost",
    "table": "Item tables",
    "lists": "Beyond ranking",
    "whom": "For whom",
}


def coverage(e: Evidence) -> float | None:
    return None if e.lists is None else len(np.unique(e.lists.items[e.lists.items > 0])) / e.of.data.n_items


def popularity_lift(e: Evidence) -> float | None:
    if e.lists is None or not e.of.histories:
        return None
    there = e.lists.items > 0  # in a small catalogue a list may be shorter
    counts = e.of.data.popularity[e.lists.items].sum(axis=1)[there.any(axis=1)] / there.sum(axis=1)[there.any(axis=1)]
    return float(counts.mean() / e.of.histories - 1) if len(counts) else None


def novelty(e: Evidence) -> float | None:
    if e.lists is None or not e.lists.items.any():
        return None
    shares = (e.of.owners[e.lists.items[e.lists.items > 0]] + 1) / (e.of.data.n_users + 1)
    return float(-np.log2(shares).mean())


def diversity(e: Evidence) -> float | None:
    table = e.of.categories
    if e.lists is None or table is None:
        return None
    total, pairs = 0.0, 0
    upper = np.triu_indices(TEN, 1)
    for rows in np.array_split(e.lists.items, max(1, len(e.lists.items) // 500)):
        own = table[rows]
        sizes = own.sum(axis=2)
        shared = own @ own.transpose(0, 2, 1)
        union = sizes[:, :, None] + sizes[:, None, :] - shared
        known = ((sizes > 0)[:, :, None] & (sizes > 0)[:, None, :])[:, *upper]
        total += float((1 - shared / np.maximum(union, 1))[:, *upper][known].sum())
        pairs += int(known.sum())
    return total / pairs if pairs else None


def _confidence(e: Evidence) -> tuple[np.ndarray, np.ndarray] | None:
    """Each user's probability of the ten items together, and whether the answer is among them."""
    if e.lists is None:
        return None
    return e.lists.probabilities.sum(axis=1).astype(np.float64), (e.lists.items == e.of.targets[:, None]).any(axis=1)


def calibration_error(e: Evidence) -> float | None:
    found = _confidence(e)
    if found is None or not np.isfinite(found[0]).all():
        return None
    sure, right = found
    bins = np.array_split(np.argsort(sure, kind="stable"), BINS)
    return float(sum(len(b) * abs(sure[b].mean() - right[b].mean()) for b in bins if len(b)) / len(sure))


def overconfidence(e: Evidence) -> float | None:
    found = _confidence(e)
    return None if found is None or not np.isfinite(found[0]).all() else float(found[0].mean() - found[1].mean())


def _among(chosen: Callable[[Evidence], np.ndarray]) -> Value:
    def value(e: Evidence) -> float | None:
        rows = chosen(e)
        return float(e.metric("ndcg@10")[rows].mean()) if rows.any() else None

    return value


def _of_third(part: int) -> Value:
    return _among(lambda e: e.of.third == part)


def _ranking() -> list[Measure]:
    """The registered metrics of ranks, at every cutoff."""
    found = []
    for _, entry in METRICS.items():
        for key in entry.keys:

            def value(e: Evidence, key: str = key) -> float:
                return float(e.metric(key).mean())

            found.append(Measure(key, key.upper(), "%", f"{entry.title}, mean over users.", entry.source, "ranking", 1, value))
    return found


SECONDS = "wall-clock seconds of steps and validations, a shared stage 1 included; of the machine on which it was trained"


def all_measures() -> list[Measure]:
    """All measures of a table, in its order."""
    return [
        *_ranking(),
        Measure("training", "Training", "s", f"Training time: {SECONDS}.", "recorded by the training", "cost", -1),
        Measure("search", "Search", "s", "Time of the search for the settings, once for all seeds.", "recorded by the search", "cost", -1),
        Measure(
            "inference",
            "Inference a user",
            "ms",
            "Processor time of one thread from a history to a ranked catalogue, in batches, on this machine.",
            "measured with the lists",
            "cost",
            -1,
        ),
        Measure("effective_rank", "Effective rank", "dimensions", "Of the centred item table.", "Roy & Vetterli 2007", "table"),
        Measure("mean_cosine", "Mean cosine", "", "Mean cosine of all pairs of items.", "docs/VERDICT.md", "table"),
        Measure(
            "coverage@10",
            "Coverage",
            "%",
            "Share of the catalogue that is in at least one user's ten.",
            "Ge, Delgado-Battenfeld & Jannach 2010, doi 10.1145/1864708.1864761",
            "lists",
            1,
            coverage,
        ),
        Measure(
            "popularity_lift@10",
            "Popularity lift",
            "%",
            "Mean training count of the ten items, over that of the user's history, less 1; each a mean over users. Above 0: lists are "
            "more popular than what people chose.",
            "Abdollahpouri et al. 2020, arXiv 2007.12230",
            "lists",
            0,
            popularity_lift,
        ),
        Measure(
            "novelty@10",
            "Novelty",
            "bits",
            "Mean of -log2 of the share of users who have the item in training (one added to both counts), over the ten items and users.",
            "Vargas & Castells 2011, doi 10.1145/2043932.2043955",
            "lists",
            0,
            novelty,
        ),
        Measure(
            "diversity@10",
            "Diversity",
            "",
            "One less the Jaccard index of two items' genres (or first category), mean over pairs of a list and users; 0: all alike.",
            "Ziegler et al. 2005, doi 10.1145/1060745.1060754",
            "lists",
            0,
            diversity,
        ),
        Measure(
            "calibration@10",
            "Calibration error",
            "% points",
            f"Distance between the probability of the ten items together and how often the answer is among them, mean over {BINS} bins of "
            "equally many users.",
            "Naeini, Cooper & Hauskrecht 2015, doi 10.1609/aaai.v29i1.9602",
            "lists",
            -1,
            calibration_error,
        ),
        Measure(
            "overconfidence@10",
            "Overconfidence",
            "% points",
            "Mean probability of the ten items together less the share of users whose answer is among them; below 0: too modest.",
            "as the calibration error, with its sign",
            "lists",
            0,
            overconfidence,
        ),
        Measure(
            "ndcg@10:head",
            "NDCG@10, head",
            "%",
            f"Of users whose answer is among the most popular {HEAD:.0%} of items.",
            "Park & Tuzhilin 2008, doi 10.1145/1454008.1454012",
            "whom",
            1,
            _among(lambda e: e.of.head[e.of.targets]),
        ),
        Measure(
            "ndcg@10:tail",
            "NDCG@10, tail",
            "%",
            "Of all other users.",
            "Park & Tuzhilin 2008, doi 10.1145/1454008.1454012",
            "whom",
            1,
            _among(lambda e: ~e.of.head[e.of.targets]),
        ),
        *(
            Measure(
                f"ndcg@10:{name}",
                f"NDCG@10, {name} histories",
                "%",
                f"Of the third of users with {words} histories.",
                "as NDCG@10",
                "whom",
                1,
                _of_third(part),
            )
            for part, (name, words) in enumerate(zip(PARTS, ("the shortest", "middling", "the longest"), strict=True))
        ),
    ]
