"""What is recorded of a denoising: arrays of numbers and what they say. No torch here: pages hold these, another process computes them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adrec.explain import OUTCOMES

QUANTILES = (0.0, 0.1, 0.5, 0.9, 1.0)
"""The band of ranks: minimum, first decile, median, last decile, maximum."""


@dataclass(frozen=True)
class Case:
    """Whose reverse process is recorded: what ``trajectory`` takes, but for the number of steps."""

    history: tuple[int, ...]
    target: int | None = None
    seed: int = 0
    user: int = 0
    popular: int | None = None


@dataclass(frozen=True)
class Trajectory:
    """One reverse process of S steps. Scores are the model's of x0_hat, over items 1..V and the padding row 0.

    timesteps: (S,) t at each step, descending. x_t: (S + 1, D), x_t[0] pure noise, x_t[i] after step i. x0_hat: (S, D).
    top, top_scores, top_probabilities: (S, K), best first; top_ten: (S, 10) ids, whatever K is.
    start_top, start_scores, start_probabilities: (K,), and start_target_*: the noise x_t[0] itself, ranked as if it were an answer.
    answer_rank: (S + 1,) rank of the final first choice, first under the noise, then at every step.
    target_*: (S,) or None without a target; rank 1 is best, ties count against the model. entropy: (S,) of the softmax over all rows,
    in nats. margin: (S,) score of the target, or without one of the first choice, minus that of the best other item, its ``rival``
    (S,). Rivals are items 1..V, so a margin above 0 means first in the list.
    cosine_*, distance_*: (S,) from x0_hat to the target's embedding, to the final answer, to the mean embedding of the history
    (cosine_to_history) and to the most popular item's (cosine_to_popular), None if that is unknown.
    noise_weight: lambda, the weight with which noise is added to the condition. noise_share: norm of the initial weighted noise over
    that of the condition. Both None if the model does not add them.
    swaps: the items that enter or leave the top 10 if they are near ties (``NEAR_TIE``), else none. about_steps: the model's.
    """

    history: list[int]
    target: int | None
    seed: int
    timesteps: np.ndarray
    x_t: np.ndarray
    x0_hat: np.ndarray
    top_ten: np.ndarray
    top: np.ndarray
    top_scores: np.ndarray
    top_probabilities: np.ndarray
    start_top: np.ndarray
    start_scores: np.ndarray
    start_probabilities: np.ndarray
    answer_rank: np.ndarray
    entropy: np.ndarray
    cosine_to_final: np.ndarray
    distance_to_final: np.ndarray
    cosine_to_history: np.ndarray
    margin: np.ndarray
    rival: np.ndarray
    cosine_to_popular: np.ndarray | None
    target_rank: np.ndarray | None
    target_probability: np.ndarray | None
    cosine_to_target: np.ndarray | None
    distance_to_target: np.ndarray | None
    start_target_rank: int | None
    start_target_probability: float | None
    about_steps: str
    popular: int | None = None
    noise_weight: float | None = None
    noise_share: float | None = None
    swaps: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        return len(self.timesteps)

    @property
    def commit_step(self) -> int:
        """The first step, counted from 1, after which the top 10 as a set no longer changes."""
        return int(commit_steps(np.sort(self.top_ten)[:, None])[0])

    @property
    def order_commit_step(self) -> int:
        """The first step, counted from 1, after which the top 10 no longer changes, order included."""
        return int(commit_steps(self.top_ten[:, None])[0])

    @property
    def changed_mind(self) -> bool:
        """Whether the first item changes after step 1."""
        return bool((self.top[:, 0] != self.top[0, 0]).any())

    @property
    def outcome(self) -> str | None:
        """``hit`` (target in the final top 10), ``near miss`` (ranks 11 to 50), ``miss``, or None without a target."""
        if self.target_rank is None:
            return None
        rank = self.target_rank[-1]
        return next(outcome for outcome, (first, last) in OUTCOMES.items() if first <= rank <= last)

    def entered(self, i: int) -> list[int]:
        """Items that entered the top K at row ``i``, best first; at row 0, all of them."""
        return self.top[i].tolist() if i == 0 else _without(self.top[i], self.top[i - 1])

    def left(self, i: int) -> list[int]:
        """Items that left the top K at row ``i``, in their previous order."""
        return [] if i == 0 else _without(self.top[i - 1], self.top[i])

    def to_json(self, title: Callable[[int], str], user_id: str | None = None) -> dict[str, Any]:
        """Everything as plain lists, with titles next to ids."""
        return {
            "user": user_id,
            "history": named(self.history, title),
            "target": None if self.target is None else named([self.target], title)[0],
            "popular": None if self.popular is None else named([self.popular], title)[0],
            "seed": self.seed,
            "outcome": self.outcome,
            "commit_step": self.commit_step,
            "order_commit_step": self.order_commit_step,
            "changed_mind": self.changed_mind,
            "noise_weight": self.noise_weight,
            "noise_share": self.noise_share,
            "about_steps": self.about_steps,
            "x_start": _rounded(self.x_t[0]),
            "start": {
                "top": _listed(self.start_top, self.start_scores, self.start_probabilities, title),
                "target_rank": self.start_target_rank,
                "target_probability": self.start_target_probability,
                "answer_rank": int(self.answer_rank[0]),
            },
            "steps": [self._step(i, title) for i in range(self.steps)],
        }

    def _step(self, i: int, title: Callable[[int], str]) -> dict[str, Any]:
        per_step = {
            "target_probability": self.target_probability,
            "entropy": self.entropy,
            "margin": self.margin,
            "cosine_to_target": self.cosine_to_target,
            "cosine_to_final": self.cosine_to_final,
            "cosine_to_history": self.cosine_to_history,
            "cosine_to_popular": self.cosine_to_popular,
            "distance_to_target": self.distance_to_target,
            "distance_to_final": self.distance_to_final,
        }
        return {
            "t": int(self.timesteps[i]),
            "top": _listed(self.top[i], self.top_scores[i], self.top_probabilities[i], title),
            "target_rank": None if self.target_rank is None else int(self.target_rank[i]),
            "answer_rank": int(self.answer_rank[i + 1]),
            **{name: None if values is None else float(values[i]) for name, values in per_step.items()},
            "rival": named([int(self.rival[i])], title)[0],
            "entered": named(self.entered(i), title),
            "left": named(self.left(i), title),
            "x_t": _rounded(self.x_t[i + 1]),
            "x0_hat": _rounded(self.x0_hat[i]),
        }


def named(items: Sequence[int], title: Callable[[int], str]) -> list[dict[str, Any]]:
    """Ids with their titles, ready for JSON."""
    return [{"id": i, "title": title(i)} for i in items]


def _listed(ids: np.ndarray, scores: np.ndarray, probabilities: np.ndarray, title: Callable[[int], str]) -> list[dict[str, Any]]:
    ranked = zip(ids.tolist(), scores.tolist(), probabilities.tolist(), strict=True)
    return [{"id": k, "title": title(k), "score": score, "probability": probability} for k, score, probability in ranked]


def _without(items: np.ndarray, others: np.ndarray) -> list[int]:
    return [i for i in items.tolist() if i not in others.tolist()]


def commit_steps(lists: np.ndarray) -> np.ndarray:
    """The step, counted from 1, after which a list no longer changes. lists: (S, B, K), sorted if their order does not count -> (B,)."""
    changed = (lists[1:] != lists[:-1]).any(axis=2)
    return 1 + np.max(changed * np.arange(1, len(lists))[:, None], axis=0, initial=0)


def _rounded(vector: np.ndarray) -> list[float]:
    return [float(f"{v:.6g}") for v in vector.tolist()]


@dataclass(frozen=True)
class SeedSweep:
    """R reverse processes of S steps that differ only in their noise seed.

    seeds: (R,). timesteps: (S,), descending. item: the item whose ranks are tracked: the target or, without one, the most frequent
    first choice (on a tie, the earliest seed's). ranks: (S, R) among all rows, 1 is best. top_ten: (S, R, 10) ids, best first.
    """

    history: list[int]
    target: int | None
    seeds: np.ndarray
    timesteps: np.ndarray
    item: int
    ranks: np.ndarray
    top_ten: np.ndarray

    @property
    def band(self) -> np.ndarray:
        """``QUANTILES`` of the ranks over seeds at every step, (S, 5); each is the rank of an actual seed."""
        return np.quantile(self.ranks, QUANTILES, axis=1, method="nearest").T.astype(np.int64)

    @property
    def shares(self) -> list[tuple[int, float]]:
        """Final first choices with the share of seeds that end at each, largest first."""
        return [(item, count / len(self.seeds)) for item, count in Counter(self.top_ten[-1, :, 0].tolist()).most_common()]

    @property
    def appearances(self) -> list[tuple[int, float]]:
        """Items in any final top 10 with the share of seeds that list each, largest first."""
        return [(item, count / len(self.seeds)) for item, count in Counter(self.top_ten[-1].ravel().tolist()).most_common()]

    @property
    def distinct_lists(self) -> int:
        """Number of distinct final top tens, as sets."""
        return len({frozenset(row) for row in self.top_ten[-1].tolist()})

    @property
    def distinct_orders(self) -> int:
        """Number of distinct final top tens, order included."""
        return len({tuple(row) for row in self.top_ten[-1].tolist()})

    @property
    def commit_steps(self) -> np.ndarray:
        """Each seed's commit step, (R,)."""
        return commit_steps(np.sort(self.top_ten))

    def to_json(self, title: Callable[[int], str]) -> dict[str, Any]:
        """The sweep as plain lists, with titles next to ids."""
        return {
            "history": named(self.history, title),
            "target": None if self.target is None else named([self.target], title)[0],
            "item": named([self.item], title)[0],
            "seeds": self.seeds.tolist(),
            "timesteps": self.timesteps.tolist(),
            "quantiles": list(QUANTILES),
            "band": self.band.tolist(),
            "ends_at": [named([item], title)[0] | {"share": share} for item, share in self.shares],
            "in_top_10": [named([item], title)[0] | {"share": share} for item, share in self.appearances],
            "distinct_lists": self.distinct_lists,
            "distinct_orders": self.distinct_orders,
            "commit_steps": self.commit_steps.tolist(),
        }


@dataclass(frozen=True)
class FewerSteps:
    """The result of only ``steps`` denoising steps for each of R seeds. common: (R,) number of items shared with the same seed's top 10
    after all its steps. ranks: (R,) of the tracked item."""

    steps: int
    common: np.ndarray
    ranks: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """Means over seeds and quantiles of the ranks."""
        band = np.quantile(self.ranks, QUANTILES, method="nearest").astype(int)
        return {"steps": self.steps, "common": float(self.common.mean()), "fewest_common": int(self.common.min()), "ranks": band.tolist()}


# -- the forward process ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Schedule:
    """Weights at t = 0..T-1, (T,) each. signal: of the clean embedding, sqrt(alpha_bar). noise: of the Gaussian noise,
    sqrt(1 - alpha_bar). snr: signal-to-noise ratio, alpha_bar / (1 - alpha_bar)."""

    signal: np.ndarray
    noise: np.ndarray
    snr: np.ndarray


@dataclass(frozen=True)
class NoisedItem:
    """One item noised to every t, (T,) each, over ``draws`` noise draws.

    cosine: mean cosine between x_t and the clean embedding. found: share of draws in which the item is the nearest of all to x_t by
    cosine. rank: median rank of the item by cosine to x_t, 1 is nearest. snr: |signal|^2 / expected |noise|^2, which depends on the
    item's norm and the embedding width.
    """

    item: int
    draws: int
    cosine: np.ndarray
    found: np.ndarray
    rank: np.ndarray
    snr: np.ndarray
