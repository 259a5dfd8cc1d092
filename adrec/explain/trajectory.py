"""The reverse process of one last token, recorded at every step: from pure noise to a recommendation."""

from collections.abc import Sequence
from dataclasses import replace
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
from adrec.explain import HIT, NEAR_TIE
from adrec.explain.records import Case, Trajectory
from adrec.models.base import Model
from adrec.models.neural import DiffusionModel, denoising

SCORES = 1 << 24
"""Scores held in memory at once: 64 MB."""


def ranks_and_lists(model: DiffusionModel, x0_hat: Tensor, targets: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (B,) of the targets and top tens (B, 10), a few rows at a time. x0_hat: (B, D). targets: (B,)."""
    ranks, lists = [], []
    rows = max(1, SCORES // (model.config.n_items + 1))
    for estimates, items in zip(x0_hat.split(rows), targets.split(rows), strict=True):
        scores = model.scores(estimates)
        ranks.append(ranks_of(scores, items).numpy())
        lists.append(top_items(scores[:, 1:], min(HIT, model.config.n_items))[1].numpy() + 1)
    return np.concatenate(ranks), np.concatenate(lists)


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
    return trajectories(model, [Case(tuple(history), target, seed, user, popular)], steps=steps, top=top)[0]


@torch.no_grad()
def trajectories(model: Model, cases: Sequence[Case], *, steps: int | None = None, top: int = 10) -> list[Trajectory]:
    """``trajectory`` of several cases, in one batch."""
    read = [checked(model, case.history, case.target) for case in cases]
    diffuser, histories = read[0][0], [ids for _, ids in read]
    if top < 1:
        raise ConfigError(f"The number of top items must be an integer of at least 1, not {top}.")
    diffusion = diffuser.diffusion.strided(diffuser.config.steps if steps is None else steps)
    batch = pack([np.asarray(ids) for ids in histories], diffuser.config.length)  # which has an order of its own
    count, width = len(diffusion.timesteps), diffuser.config.hidden_size
    noise = [user_noise(cases[row].seed, np.array([cases[row].user]), count, width) for row in batch.users]
    x_start, step_noise = torch.cat([start for start, _ in noise]), torch.cat([step for _, step in noise], 1)
    seen: list[tuple[int, Tensor, Tensor]] = []
    diffuser.sample(diffuser.last_token(batch), x_start, step_noise, diffusion, lambda t, x0, x: seen.append((t, x0.clone(), x.clone())))
    x0_hat, states = torch.stack([x0 for _, x0, _ in seen]), torch.stack([x_start, *(x for _, _, x in seen)])
    shares, timesteps = diffuser.noise_share(batch, x_start), np.array([t for t, _, _ in seen])
    found: dict[int, Trajectory] = {}
    for at, row in enumerate(batch.users.tolist()):
        case = cases[row]
        own = states[:, at], x0_hat[:, at]
        told = _describe(diffuser, histories[row], case.target, case.seed, timesteps, *own, top, case.popular)
        share = {} if shares is None else {"noise_weight": diffuser.config.noise_weight, "noise_share": float(shares[at])}
        found[row] = replace(told, **share)
    return [found[row] for row in range(len(cases))]


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
