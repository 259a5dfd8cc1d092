"""The reverse process of one last token, recorded at every step: from pure noise to a recommendation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrec.data.batches import pack
from adrec.data.dataset import SequenceDataset
from adrec.data.titles import checked_ids
from adrec.diffusion import user_noise
from adrec.errors import ConfigError, DataError
from adrec.evaluation import ranks_of, top_items
from adrec.explain import HIT, NEAR_TIE, OUTCOMES
from adrec.models.base import Model
from adrec.models.neural import DiffusionModel, denoising

SCORES = 1 << 24
"""Scores held in memory at once: 64 MB."""


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


def ranks_and_lists(model: DiffusionModel, x0_hat: Tensor, targets: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (B,) of the targets and top tens (B, 10), a few rows at a time. x0_hat: (B, D). targets: (B,)."""
    ranks, lists = [], []
    rows = max(1, SCORES // (model.config.n_items + 1))
    for estimates, items in zip(x0_hat.split(rows), targets.split(rows), strict=True):
        scores = model.scores(estimates)
        ranks.append(ranks_of(scores, items).numpy())
        lists.append(top_items(scores[:, 1:], min(HIT, model.config.n_items))[1].numpy() + 1)
    return np.concatenate(ranks), np.concatenate(lists)


def _rounded(vector: np.ndarray) -> list[float]:
    return [float(f"{v:.6g}") for v in vector.tolist()]


@torch.no_grad()
def trajectory(
    model: Model,
    history: Sequence[int],
    *,
    target: int | None = None,
    seed: int = 0,
    steps: int | None = None,
    user: int = 0,
    top: int = 10,
    popular: int | None = None,
) -> Trajectory:
    """Denoise the token after ``history`` (item ids 1..V, oldest first; the last ``config.length`` are read).

    target: the true next item, if known. steps: denoising steps (default: the model's own). (seed, user) determine the noise, as in
    ``evaluation.evaluate``; use user 0 for a composed history. popular: the most popular item (`adrec.data.titles.most_popular`), for
    comparison.
    """
    model, ids = checked(model, history, target)
    if top < 1:
        raise ConfigError(f"The number of top items must be an integer of at least 1, not {top}.")
    diffusion = model.diffusion.strided(model.config.steps if steps is None else steps)
    x_start, step_noise = user_noise(seed, np.array([user]), len(diffusion.timesteps), model.config.hidden_size)
    seen: list[tuple[int, Tensor, Tensor]] = []
    batch = pack([np.asarray(ids)], model.config.length)
    predict = model.last_token(batch)
    model.sample(predict, x_start, step_noise, diffusion, lambda t, x0, x: seen.append((t, x0[0].clone(), x[0].clone())))
    x0_hat = torch.stack([x0 for _, x0, _ in seen])
    states = torch.stack([x_start[0], *(x for _, _, x in seen)])
    share = model.noise_share(batch, x_start)
    found = _describe(model, ids, target, seed, np.array([t for t, _, _ in seen]), states, x0_hat, top, popular)
    return found if share is None else replace(found, noise_weight=model.config.noise_weight, noise_share=float(share[0]))


def user_trajectory(
    model: Model,
    data: SequenceDataset,
    index: int,
    *,
    seed: int = 0,
    steps: int | None = None,
    top: int = 10,
    popular: int | None = None,
) -> Trajectory:
    """The trajectory of the user at position ``index`` towards the test item."""
    if not 0 <= index < data.n_users:
        raise DataError(f"User position {index} is not in '{data.name}'; positions go from 0 to {data.n_users - 1}.")
    if not data.test[index]:
        raise DataError(f"User '{data.user_ids[index]}' has no test answer in '{data.name}', which is split by time; choose another user.")
    history = data.history(index, "test", model.config.length).tolist()
    return trajectory(model, history, target=int(data.test[index]), seed=seed, steps=steps, user=index, top=top, popular=popular)


def checked(model: Model, history: Sequence[int], target: int | None) -> tuple[DiffusionModel, list[int]]:
    """The model and the part of the history it reads; a DataError if it has no reverse process or an id is not in its catalogue."""
    diffuser = denoising(model)
    ids = checked_ids(history, model.config.n_items)[-model.config.length :]
    if target is not None:
        checked_ids([target], model.config.n_items)
    return diffuser, ids


def _describe(
    model: DiffusionModel,
    history: list[int],
    target: int | None,
    seed: int,
    timesteps: np.ndarray,
    states: Tensor,
    x0_hat: Tensor,
    top: int,
    popular: int | None,
) -> Trajectory:
    table = model.item_embedding.weight
    scores = model.scores(torch.cat([states[:1], x0_hat]))  # the noise itself first
    below_best = (scores - scores.amax(-1, keepdim=True)).double()
    likelihood = below_best.exp()
    total = likelihood.sum(-1, keepdim=True)
    best, places = top_items(scores[:, 1:], min(max(top, HIT), model.config.n_items))
    ids = places[:, :top] + 1
    shown, values, probabilities = ids.numpy(), best[:, :top].numpy(), (likelihood.gather(1, ids) / total).numpy()
    margin, rival = _margins(scores[1:, 1:], places[1:], target)

    def cosine(vector: Tensor) -> np.ndarray:
        return torch.cosine_similarity(x0_hat, vector.expand_as(x0_hat)).numpy()

    def ranks(item: int) -> np.ndarray:
        return ranks_of(scores, torch.full((len(scores),), item)).numpy()

    names = ("target_rank", "target_probability", "cosine_to_target", "distance_to_target", "start_target_rank", "start_target_probability")
    target_fields: dict[str, Any] = dict.fromkeys(names)
    if target is not None:
        target_ranks, target_probabilities = ranks(target), (likelihood[:, target] / total.squeeze(1)).numpy()
        target_fields = {
            "target_rank": target_ranks[1:],
            "target_probability": target_probabilities[1:],
            "cosine_to_target": cosine(table[target]),
            "distance_to_target": (x0_hat - table[target]).norm(dim=-1).numpy(),
            "start_target_rank": int(target_ranks[0]),
            "start_target_probability": float(target_probabilities[0]),
        }
    return Trajectory(
        history=history,
        target=target,
        seed=seed,
        timesteps=timesteps,
        x_t=states.numpy(),
        x0_hat=x0_hat.numpy(),
        top_ten=places[1:, :HIT].numpy() + 1,
        top=shown[1:],
        top_scores=values[1:],
        top_probabilities=probabilities[1:],
        start_top=shown[0],
        start_scores=values[0],
        start_probabilities=probabilities[0],
        answer_rank=ranks(int(shown[-1, 0])),
        entropy=(total.log().squeeze(1) - torch.linalg.vecdot(likelihood, below_best) / total.squeeze(1))[1:].numpy(),
        margin=margin,
        rival=rival,
        cosine_to_final=cosine(x0_hat[-1]),
        distance_to_final=(x0_hat - x0_hat[-1]).norm(dim=-1).numpy(),
        cosine_to_history=cosine(table[history].mean(0)),
        cosine_to_popular=None if popular is None else cosine(table[popular]),
        popular=popular,
        about_steps=model.about_steps,
        swaps=_swaps(scores[1:], best[1:, :HIT], places[1:, :HIT] + 1),
        **target_fields,
    )


def _swaps(scores: Tensor, best: Tensor, lists: Tensor) -> tuple[int, ...]:
    """See ``Trajectory``. scores: (S, V + 1). best, lists: (S, 10), the largest first and their ids."""
    each = [set(row) for row in lists.tolist()]
    moving = sorted(set.union(*each) - set.intersection(*each))
    apart = (scores[:, moving] - best[:, -1:]).abs()
    return tuple(moving) if bool((apart < NEAR_TIE * (best[:, :1] - best[:, -1:])).all()) else ()


def _margins(scores: Tensor, best: Tensor, target: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The margin of the target, or of the first item, over the best other item, and that rival's id: (S,) each. scores: (S, V).
    best: (S, K) columns, largest first. In a catalogue of one item, the item is its own rival."""
    first = best[:, :1]
    own = first if target is None else torch.full_like(first, target - 1)
    rival = best[:, :2][:, -1:].where(first == own, first)
    return (scores.gather(1, own) - scores.gather(1, rival)).squeeze(1).numpy(), rival.squeeze(1).numpy() + 1
