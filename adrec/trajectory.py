"""The reverse process of one last token, recorded at every step: from pure noise to a recommendation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from adrec.data.batches import pack
from adrec.data.dataset import SequenceDataset
from adrec.diffusion import reverse_process, user_noise
from adrec.errors import ConfigError, DataError
from adrec.evaluation import ranks_of
from adrec.models import DiffusionModel, Model

HIT, NEAR = 10, 50


@dataclass(frozen=True)
class Trajectory:
    """One reverse process of S steps. Scores are inner products with x0_hat over items 1..V and the padding row 0.

    timesteps: (S,) t at each step, falling. x_t: (S + 1, D), x_t[0] pure noise, x_t[i] after step i. x0_hat: (S, D).
    top, top_scores, top_probabilities: (S, K), best first; top_ten: (S, 10) ids, whatever K is.
    target_*: (S,) or None without a target; rank 1 is best, ties count against the model. entropy: (S,) of the
    softmax over all rows, in nats. cosine_*, distance_*: (S,) of x0_hat to the target's embedding and to the final answer.
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
    entropy: np.ndarray
    cosine_to_final: np.ndarray
    distance_to_final: np.ndarray
    target_rank: np.ndarray | None
    target_probability: np.ndarray | None
    cosine_to_target: np.ndarray | None
    distance_to_target: np.ndarray | None

    @property
    def steps(self) -> int:
        return len(self.timesteps)

    @property
    def commit_step(self) -> int:
        """The first step, counted from 1, after which the top 10 as a set no longer changes."""
        return _settled([frozenset(row) for row in self.top_ten.tolist()])

    @property
    def order_commit_step(self) -> int:
        """The first step, counted from 1, after which the top 10 no longer changes, order included."""
        return _settled([tuple(row) for row in self.top_ten.tolist()])

    @property
    def changed_mind(self) -> bool:
        """Whether the first item changes after step 1."""
        return bool((self.top[:, 0] != self.top[0, 0]).any())

    @property
    def outcome(self) -> str | None:
        """``hit`` (target in the final top 10), ``near miss`` (ranks 11 to 50), ``miss``, or None without a target."""
        if self.target_rank is None:
            return None
        rank = int(self.target_rank[-1])
        return "hit" if rank <= HIT else "near miss" if rank <= NEAR else "miss"

    def to_json(self, title: Callable[[int], str], user_id: str | None = None) -> dict[str, Any]:
        """Everything as plain lists, titles beside ids."""
        return {
            "user": user_id,
            "history": [{"id": i, "title": title(i)} for i in self.history],
            "target": None if self.target is None else {"id": self.target, "title": title(self.target)},
            "seed": self.seed,
            "outcome": self.outcome,
            "commit_step": self.commit_step,
            "order_commit_step": self.order_commit_step,
            "changed_mind": self.changed_mind,
            "x_start": _rounded(self.x_t[0]),
            "steps": [self._step(i, title) for i in range(self.steps)],
        }

    def _step(self, i: int, title: Callable[[int], str]) -> dict[str, Any]:
        ranked = zip(self.top[i], self.top_scores[i], self.top_probabilities[i], strict=True)
        per_step = {
            "target_probability": self.target_probability,
            "entropy": self.entropy,
            "cosine_to_target": self.cosine_to_target,
            "cosine_to_final": self.cosine_to_final,
            "distance_to_target": self.distance_to_target,
            "distance_to_final": self.distance_to_final,
        }
        return {
            "t": int(self.timesteps[i]),
            "top": [{"id": int(k), "title": title(int(k)), "score": float(s), "probability": float(p)} for k, s, p in ranked],
            "target_rank": None if self.target_rank is None else int(self.target_rank[i]),
            **{name: None if values is None else float(values[i]) for name, values in per_step.items()},
            "x_t": _rounded(self.x_t[i + 1]),
            "x0_hat": _rounded(self.x0_hat[i]),
        }


def _settled(states: Sequence[object]) -> int:
    changes = [i for i in range(1, len(states)) if states[i] != states[i - 1]]
    return changes[-1] + 1 if changes else 1


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
) -> Trajectory:
    """Denoise the token after ``history`` (item ids 1..V, oldest first; the last ``config.length`` count).

    target: the true next item, if known. steps: denoising steps (default: all timesteps). The noise is a function of
    (seed, user), the same as in ``evaluation.evaluate``; a composed history takes user 0.
    """
    if not isinstance(model, DiffusionModel):
        raise DataError(f"A model of kind '{model.config.model}' has no reverse process to step through.")
    if top < 1:
        raise ConfigError(f"Number of top items is {top}; allowed is a whole number from 1 up.")
    ids = _checked(history, model.config.n_items)[-model.config.length :]
    if target is not None:
        _checked([target], model.config.n_items)
    diffusion = model.diffusion.strided(model.config.timesteps if steps is None else steps)
    x_start, step_noise = user_noise(seed, np.array([user]), len(diffusion.timesteps), model.config.hidden_size)
    seen: list[tuple[int, Tensor, Tensor]] = []
    batch = pack([np.asarray(ids)], model.config.length)
    predict = model.last_token(batch)
    reverse_process(predict, x_start, step_noise, diffusion, lambda t, x0, x: seen.append((t, x0[0].clone(), x[0].clone())))
    x0_hat = torch.stack([x0 for _, x0, _ in seen])
    states = torch.stack([x_start[0], *(x for _, _, x in seen)])
    return _describe(model, ids, target, seed, np.array([t for t, _, _ in seen]), states, x0_hat, top)


def user_trajectory(
    model: Model, data: SequenceDataset, index: int, *, seed: int = 0, steps: int | None = None, top: int = 10
) -> Trajectory:
    """The trajectory of the user at position ``index`` towards the test item."""
    if not 0 <= index < data.n_users:
        raise DataError(f"User position {index} is not in '{data.name}'; positions go from 0 to {data.n_users - 1}.")
    history = data.history(index, "test", model.config.length).tolist()
    return trajectory(model, history, target=int(data.test[index]), seed=seed, steps=steps, user=index, top=top)


def _checked(items: Sequence[int], n_items: int) -> list[int]:
    ids = [int(i) for i in items]
    if not ids:
        raise DataError("The history is empty; it needs at least one item.")
    wrong = [i for i in ids if not 1 <= i <= n_items]
    if wrong:
        raise DataError(f"Item id {wrong[0]} is not in the catalogue; ids go from 1 to {n_items}.")
    return ids


def _describe(
    model: Model, history: list[int], target: int | None, seed: int, timesteps: np.ndarray, states: Tensor, x0_hat: Tensor, top: int
) -> Trajectory:
    table = model.item_embedding.weight
    scores = x0_hat @ table.T
    log_p = scores.double().log_softmax(-1)
    ranked = scores[:, 1:].topk(min(max(top, HIT), model.config.n_items), -1)
    ids = ranked.indices[:, :top] + 1
    final = x0_hat[-1:].expand_as(x0_hat)
    of_target: dict[str, np.ndarray | None] = dict.fromkeys(("target_rank", "target_probability", "cosine_to_target", "distance_to_target"))
    if target is not None:
        wanted = table[target].expand_as(x0_hat)
        of_target = {
            "target_rank": ranks_of(scores, torch.full((len(scores),), target)).numpy(),
            "target_probability": log_p[:, target].exp().numpy(),
            "cosine_to_target": torch.cosine_similarity(x0_hat, wanted).numpy(),
            "distance_to_target": (x0_hat - wanted).norm(dim=-1).numpy(),
        }
    return Trajectory(
        history=history,
        target=target,
        seed=seed,
        timesteps=timesteps,
        x_t=states.numpy(),
        x0_hat=x0_hat.numpy(),
        top_ten=ranked.indices[:, :HIT].numpy() + 1,
        top=ids.numpy(),
        top_scores=ranked.values[:, :top].numpy(),
        top_probabilities=log_p.gather(1, ids).exp().numpy(),
        entropy=-(log_p.exp() * log_p).sum(-1).numpy(),
        cosine_to_final=torch.cosine_similarity(x0_hat, final).numpy(),
        distance_to_final=(x0_hat - final).norm(dim=-1).numpy(),
        **of_target,
    )


def titled(items: pd.DataFrame) -> Callable[[int], str]:
    """Titles of ids from a run's item frame; id 0 is the padding row."""
    titles = items["title"].tolist()
    return lambda item: "(padding)" if item == 0 else str(titles[item - 1])
