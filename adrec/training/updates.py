"""One optimiser step, with the item table frozen where the stage says so: Adam on everything, or on the sampled softmax's rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from adrec.config import TrainConfig
from adrec.data.batches import PackedBatch
from adrec.losses.sampled import Proposal, RowAdam, own_table, small_table
from adrec.models.base import Stage
from adrec.models.neural import NeuralModel
from adrec.training.gradients import Gradient

GradientOf = Callable[[PackedBatch, list[Parameter]], tuple[dict[str, float], Gradient]]
"""Computes the losses of a whole batch and their gradient with respect to these parameters."""


class FullUpdates:
    """Adam on every parameter. A frozen table is excluded, or gets a gradient of zeros if the stage lets it drift."""

    def __init__(self, model: NeuralModel, config: TrainConfig) -> None:
        self.table = model.item_embedding.weight if "item_table" in model.abilities else None
        self.parameters = list(model.parameters())
        self.adam = _adam(self.parameters, config)

    def step(self, batch: PackedBatch, gradient_of: GradientOf, lr: float, stage: Stage, rng: np.random.Generator) -> dict[str, float]:
        """One step; returns the losses. Nothing is drawn from ``rng``."""
        trained = [p for p in self.parameters if not (stage.frozen_table and p is self.table)]
        losses, gradient = gradient_of(batch, trained)
        if stage.frozen_table and self.table is not None:
            # with zero gradients instead of none, Adam still applies weight decay: the official code's drift
            self.table.grad = torch.zeros_like(self.table) if stage.drift else None
        _step(self.adam, trained, gradient, lr)
        return losses

    def state_dict(self) -> dict[str, Any]:
        return self.adam.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.adam.load_state_dict(state)


class SampledUpdates:
    """Negatives drawn from ``proposal`` for the whole batch; RowAdam on the rows that it touches, Adam on the other parameters.

    Build it after the model's table is filled and on its device, since both share the storage.
    """

    def __init__(self, model: NeuralModel, config: TrainConfig, proposal: Proposal) -> None:
        self.model, self.proposal = model, proposal
        table = model.item_embedding.weight
        self.others = [p for p in model.parameters() if p is not table]
        self.adam, self.rows_adam = _adam(self.others, config), RowAdam(table, config.weight_decay)

    def step(self, batch: PackedBatch, gradient_of: GradientOf, lr: float, stage: Stage, rng: np.random.Generator) -> dict[str, float]:
        """One step; returns the losses. rng: for drawing negatives."""
        frozen = stage.frozen_table
        rows, batch = own_table(batch, self.proposal.draw(rng))
        rows = rows.to(self.rows_adam.table.device)
        with small_table(self.model, rows) as local:
            local.requires_grad_(not frozen)
            losses, gradient = gradient_of(batch, self.others if frozen else [*self.others, local])
        _step(self.adam, self.others, gradient[: len(self.others)], lr)
        if not frozen:
            self.rows_adam.step(rows, gradient[-1], lr)
        return losses

    def state_dict(self) -> dict[str, Any]:
        return {"adam": self.adam.state_dict(), "rows": self.rows_adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.adam.load_state_dict(state["adam"])
        self.rows_adam.load_state_dict(state["rows"])


def updates_of(model: NeuralModel, config: TrainConfig, popularity: np.ndarray) -> FullUpdates | SampledUpdates:
    """The updates for the setting ``loss``. popularity: (V + 1,) training occurrences."""
    if config.loss == "sampled":
        return SampledUpdates(model, config, Proposal.from_popularity(popularity, config.negatives))
    return FullUpdates(model, config)


def _adam(parameters: Sequence[Parameter], config: TrainConfig) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=config.lr, weight_decay=config.weight_decay, fused=True)


def _step(adam: torch.optim.Adam, parameters: Sequence[Parameter], gradient: Sequence[Tensor], lr: float) -> None:
    for group in adam.param_groups:
        group["lr"] = lr
    for parameter, part in zip(parameters, gradient, strict=True):
        parameter.grad = part
    adam.step()
