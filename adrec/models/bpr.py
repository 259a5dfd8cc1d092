"""BPR-MF (Rendle et al. 2009): matrix factorisation that ranks what a person took above what they did not.

A person's vector is not stored but solved for, in training as in answering: with the item table given, it is the minimum of a convex
function of their history. So the model answers histories that it has not seen, and needs no row for each of a million people. The
gradient for the item table is the same: at a minimum, the vector's own change does not matter (variable projection, Golub & Pereyra 1973).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from adrec.config import ModelConfig, TrainConfig, require, require_integers, setting
from adrec.data.batches import PackedBatch
from adrec.data.dataset import SequenceDataset, windows
from adrec.errors import ConfigError
from adrec.models.base import Between, Preset, Stage, register
from adrec.models.counting import ages_of, decay
from adrec.models.neural import NeuralModel
from adrec.models.rng import RandomSource

FITTED = {"batch_size": 64, "lr": 0.03, "filter_seen": True, "epochs": 60, "validate_every": 3}
"""Settings of the training, chosen on MovieLens-100K."""


@dataclass(frozen=True)
class BPRConfig(ModelConfig):
    """hidden_size: the width D; user_decay: lambda of the people's vectors (the items' is the training's weight_decay); compared: how many
    random items a history is compared with, drawn afresh at every step of training; answer_compared: in an answer, drawn once for
    everybody, or all; solver_steps: towards a person's vector; half_life: of the items of a history that is answered, 0 if all count alike.
    """

    hidden_size: int = setting(64, "Width D", "How many numbers describe an item.", (16, 32, 64, 128))
    user_decay: float = 0.1
    compared: int = 100
    answer_compared: int = 2000
    solver_steps: int = 5
    half_life: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integers(
            self, {"hidden_size": (2, 4096), "compared": (1, 100_000), "answer_compared": (1, 100_000), "solver_steps": (1, 1000)}
        )
        require(self.half_life >= 0, "half_life", self.half_life, "a number of items of at least 0")
        require(self.user_decay > 0, "user_decay", self.user_decay, "a number above 0")


@dataclass(frozen=True)
class Comparison:
    """Histories and what they are compared with, each row one person: own (B, n, D) with weights (B, n), 0 for pads, which sum to 1;
    others (M, D) with weights (B, M), 0 for items of the history, which sum to 1."""

    own: Tensor
    own_weights: Tensor
    others: Tensor
    other_weights: Tensor

    def deficits(self, users: Tensor) -> Tensor:
        """How far each item of a history scores below each other item: (B, n, M)."""
        return (users @ self.others.T).unsqueeze(1) - (self.own @ users.unsqueeze(2))

    def loss(self, users: Tensor) -> Tensor:
        """Mean of -log sigmoid(-deficit) over the pairs of each person, (B,)."""
        pairs = F.softplus(self.deficits(users))
        return (self._of_own(pairs) * self.own_weights).sum(1)

    def gradient(self, users: Tensor) -> Tensor:
        """Of ``loss`` with respect to the people's vectors, (B, D)."""
        pairs = self.deficits(users).sigmoid_()
        down = (self.own_weights.unsqueeze(1) @ pairs).squeeze(1) * self.other_weights
        up = self._of_own(pairs) * self.own_weights
        return down @ self.others - (up.unsqueeze(1) @ self.own).squeeze(1)

    def _of_own(self, pairs: Tensor) -> Tensor:
        """The mean over the others of what each item of a history has with them: (B, n, M) -> (B, n)."""
        return (pairs @ self.other_weights.unsqueeze(2)).squeeze(2)

    def curvature(self) -> Tensor:
        """A matrix (B, D, D) that bounds the second derivative of ``loss`` everywhere (Boehning & Lindsay 1988): a quarter of the mean of
        (own - other) (own - other)^T."""
        weighted = self.own * self.own_weights.unsqueeze(2)
        width = self.others.shape[1]
        squares = (self.others.unsqueeze(2) * self.others.unsqueeze(1)).flatten(1)
        second = weighted.transpose(1, 2) @ self.own + (self.other_weights @ squares).view(-1, width, width)
        mixed = weighted.sum(1).unsqueeze(2) * (self.other_weights @ self.others).unsqueeze(1)
        return (second - mixed - mixed.transpose(1, 2)) / 4


@register
class BPR(NeuralModel):
    """Minimises over people and items the mean of -log sigmoid(w . (h_i - h_j)) + lambda / 2 |w|^2, i taken and j not (section 4)."""

    name = "bpr"
    title = "BPR-MF"
    source = "Rendle et al., UAI 2009 (arXiv 1205.2618)"
    differences = (
        "people's vectors are solved for from the history that is read, not stored, so that anybody's history is answered, also by recency "
        "(half_life); Adam; all items of a history are compared with the same random items; validated and tested on new items "
        "(filter_seen), since it ranks what it "
        "was given on top"
    )
    Config = BPRConfig
    presets = {
        "bpr": Preset(
            "BPR-MF",
            "Matrix factorisation: what somebody took is ranked above what they did not, the latest items of the history weighted up.",
            {**FITTED, "half_life": 3.0},
        ),
        "bpr-original": Preset("BPR-MF, as published", "Matrix factorisation of histories as sets, whatever came first.", FITTED),
    }
    space = {
        "lr": Between(3e-3, 0.1, log=True),
        "hidden_size": (32, 64, 128),
        "user_decay": Between(0.01, 1.0, log=True),
        "half_life": Between(0.0, 20.0),
    }
    loss_names = ("bpr",)
    config: BPRConfig

    def __init__(self, config: BPRConfig) -> None:
        super().__init__(config)
        self.item_embedding = nn.Embedding(config.n_items + 1, config.hidden_size)

    @classmethod
    def stages(cls, config: BPRConfig, train: TrainConfig) -> list[Stage]:
        if train.loss != "full":
            raise ConfigError("The model 'bpr' draws its own items to compare with; it takes no loss=sampled. Use compared=N for fewer.")
        return super().stages(config, train)

    def training_batch(self, data: SequenceDataset, users: np.ndarray, rng: np.random.Generator) -> PackedBatch:
        """Whole histories; nothing is held back as a target."""
        lengths = np.minimum(np.diff(data.train_offsets)[users], self.config.length)
        order = np.argsort(lengths, kind="stable")
        users, lengths = users[order], lengths[order]
        items = torch.from_numpy(data.train_items[windows(data.train_offsets[users + 1], lengths)].astype(np.int64))
        return PackedBatch(items, torch.zeros_like(items), lengths, users, self.config.length)

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """The objective, every item of every history weighted alike."""
        compared = self.comparison(batch, 1 + rng.timesteps(self.config.n_items, self.config.compared))
        users = self.solved(compared)
        each = compared.loss(users) + self.config.user_decay / 2 * users.square().sum(1)
        return {"bpr": (each * torch.from_numpy(batch.lengths).to(each)).sum() / batch.total_tokens}

    def comparison(self, batch: PackedBatch, ids: Tensor, half_life: float = 0.0) -> Comparison:
        """The batch's histories against these items, of which nobody is compared with those that they have."""
        table, lengths = self.item_embedding.weight, batch.lengths.tolist()
        items = pad_sequence(batch.items.split(lengths), batch_first=True)
        weights = torch.from_numpy(decay(ages_of(batch.lengths), half_life)).to(table)
        inside = pad_sequence(weights.split(lengths), batch_first=True)
        taken = table.new_zeros(len(lengths), len(table)).scatter_(1, items, 1.0)
        free = 1 - taken[:, ids]
        free = torch.where(free.any(1, keepdim=True), free, 1.0)
        return Comparison(table[items], inside / inside.sum(1, keepdim=True), table[ids], free / free.sum(1, keepdim=True))

    @torch.no_grad()
    def solved(self, compared: Comparison) -> Tensor:
        """People's vectors (B, D), from 0 towards the minimum; each step lowers the objective, as its quadratic bound does."""
        decay = self.config.user_decay
        factor = torch.linalg.cholesky(compared.curvature() + decay * torch.eye(self.config.hidden_size).to(compared.own))
        users = compared.own.new_zeros(len(compared.own), self.config.hidden_size)
        for _ in range(self.config.solver_steps):
            slope = compared.gradient(users) + decay * users
            users = users - torch.cholesky_solve(slope.unsqueeze(2), factor).squeeze(2)
        return users

    def answers(self, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> Tensor:
        """The vector of each history, compared with all items or with some drawn once for everybody."""
        every = torch.arange(1, self.config.n_items + 1)
        if self.config.n_items > self.config.answer_compared:
            every = every[torch.randperm(len(every), generator=torch.Generator().manual_seed(seed))[: self.config.answer_compared]]
        return self.solved(self.comparison(batch, every.to(batch.items.device), self.config.half_life))
