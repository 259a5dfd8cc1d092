"""Training with catalogues too large for the full softmax: sampled softmax, and updates of the touched rows only.

A step draws negatives (`Proposal.draw`), takes its own small table out of the large one (`own_table`: every row that the batch
looks up or scores), computes losses and gradients on that as if it were the whole, and puts the updated rows back (`RowAdam`).
Its time and its memory depend on the batch and the number of negatives, not on the catalogue.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from adrec.data.batches import Negatives, PackedBatch
from adrec.errors import ConfigError

UNIFORM_SHARE = 0.5
BLOCK = 2**20


@dataclass(frozen=True)
class Proposal:
    """The distribution that negatives are drawn from. expected: (V + 1,) float64, how often a draw is expected to hold each row."""

    expected: np.ndarray

    @classmethod
    def of(cls, popularity: np.ndarray, negatives: int, uniform_share: float = UNIFORM_SHARE) -> "Proposal":
        """``negatives`` draws a sample: a share of them uniform over all rows, the rest in proportion to popularity.

        popularity: (V + 1,) training occurrences. The uniform share bounds the weight of a row by (V + 1) / (share * negatives),
        so an item that nobody took cannot dominate an estimate.
        """
        if negatives < 1:
            raise ConfigError(f"Number of negatives is {negatives}; allowed is a whole number from 1 up.")
        if not 0 < uniform_share <= 1:
            raise ConfigError(f"Share of uniform negatives is {uniform_share}; allowed is a number above 0, at most 1.")
        taken = popularity.sum()
        share = uniform_share if taken else 1.0
        return cls(negatives * share / len(popularity) + negatives * (1 - share) * popularity / max(taken, 1))

    @cached_property
    def _cumulative(self) -> np.ndarray:
        return np.cumsum(self.expected)

    def draw(self, rng: np.random.Generator) -> Negatives:
        """One sample, stratified: draw k is uniform over the k-th unit of the expected counts laid end to end.

        Each row is expected exactly ``expected`` times, as with independent draws, with less variance; and with as many uniform
        negatives as rows every row is drawn once, which makes the sampled softmax the full one.
        """
        cumulative = self._cumulative
        strata = np.arange(round(cumulative[-1]))
        places = (strata + rng.random(len(strata))) * (cumulative[-1] / len(strata))
        drawn = np.searchsorted(cumulative, places, side="right").clip(max=len(cumulative) - 1)
        rows, counts = np.unique(drawn, return_counts=True)
        log_weights = np.log(counts / self.expected[rows])
        return Negatives(torch.from_numpy(rows), torch.from_numpy(log_weights.astype(np.float32)))


# -- the loss ---------------------------------------------------------------------------------------------------------


class _SampledCrossEntropy(torch.autograd.Function):
    """Sum over tokens of log(exp(own) + sum over negatives of weight * exp(score)) - own, gradients computed with the loss.

    A negative that is the token's own target (an accidental hit) is left out: the target is in the sum already, exactly once.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor, targets: Tensor, rows: Tensor, log_weights: Tensor) -> Tensor:
        negatives, own_rows = table[rows], table[targets]
        own = (x * own_rows).sum(-1, keepdim=True)
        places = torch.searchsorted(rows, targets).clamp_(max=len(rows) - 1)
        hits = rows[places] == targets
        of_x, own_share = torch.empty_like(x), torch.empty_like(own)
        of_negatives = torch.zeros_like(negatives) if ctx.needs_input_grad[1] else None
        total = x.new_zeros(())
        size = max(BLOCK // len(rows), 16)
        block = x.new_empty(min(size, len(x)), len(rows))
        for start in range(0, len(x), size):
            part = slice(start, min(start + size, len(x)))
            logits = torch.addmm(log_weights, x[part], negatives.T, out=block[: part.stop - start])
            hit = hits[part].nonzero().squeeze(1)
            logits[hit, places[part][hit]] = -torch.inf
            largest = torch.maximum(logits.amax(-1, keepdim=True), own[part])
            weights = logits.sub_(largest).exp_()
            of_own = (own[part] - largest).exp_()
            sums = weights.sum(-1, keepdim=True) + of_own
            total += (sums.log() + largest - own[part]).sum()
            torch.mm(weights, negatives, out=of_x[part]).div_(sums)
            own_share[part] = of_own.div_(sums).sub_(1)
            if of_negatives is not None:
                of_negatives.addmm_(weights.T, x[part] / sums)
        of_x.addcmul_(own_share, own_rows)
        of_table = None
        if of_negatives is not None:
            of_table = torch.zeros_like(table).index_copy_(0, rows, of_negatives).index_add_(0, targets, x * own_share)
        ctx.save_for_backward(of_x, of_table)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        of_x, of_table = ctx.saved_tensors
        return of_x * gradient, None if of_table is None else of_table * gradient, None, None, None


def sampled_cross_entropy(x0_hat: Tensor, table: Tensor, targets: Tensor, negatives: Negatives, total_tokens: int | None = None) -> Tensor:
    """Mean over tokens of -log of the target's share in a softmax whose denominator is estimated from a sample.

    x0_hat: (N, D), table: (U, D), targets: (N,), negatives: of this table. total_tokens: what the sum is divided by where these
    tokens are a part of an optimiser step's (default: N).

    Importance sampling of the denominator (Bengio & Senecal 2003; Jean et al. 2015, arXiv 1412.2007): a negative's score is
    corrected by -log of its expected count. The target is in the sum with certainty, so its own score needs no correction
    (Khrylchenko et al. 2025, arXiv 2507.09331, on the usual "log-Q correction", which corrects it as well): the estimate of the
    denominator is unbiased whatever the sample's size, and the loss tends to the full softmax's from below.
    """
    total = _SampledCrossEntropy.apply(x0_hat, table, targets, negatives.rows, negatives.log_weights.to(x0_hat.dtype))
    return total / (len(x0_hat) if total_tokens is None else total_tokens)


# -- a batch's own table ----------------------------------------------------------------------------------------------


def own_table(batch: PackedBatch, negatives: Negatives) -> tuple[Tensor, PackedBatch]:
    """The rows (U,), ascending, that the batch looks up or scores; the batch with its negatives, places among the rows for ids.

    Row 0, the padding, is always among them and stays 0.
    """
    rows = torch.unique(torch.cat([torch.zeros_like(batch.items[:1]), batch.items, batch.targets, negatives.rows]))
    items, targets, drawn = (torch.searchsorted(rows, ids) for ids in (batch.items, batch.targets, negatives.rows))
    return rows, replace(batch, items=items, targets=targets, negatives=replace(negatives, rows=drawn))


@contextmanager
def small_table(model: nn.Module, rows: Tensor) -> Iterator[nn.Parameter]:
    """Within the block the model's item table is a copy of these rows alone, a parameter that gradients can be taken for."""
    embedding: nn.Embedding = model.item_embedding  # type: ignore[assignment]
    whole = embedding.weight
    embedding.weight = nn.Parameter(whole.detach()[rows], requires_grad=whole.requires_grad)
    try:
        yield embedding.weight
    finally:
        embedding.weight = whole


class RowAdam:
    """Adam that updates the rows of a table that have a gradient, and nothing else: what `torch.optim.SparseAdam` does.

    The rows' moments are gathered, `torch.optim.Adam` updates the rows with its own settings, and they are put back: the same
    numbers as dense Adam where every row has a gradient, with L2 weight decay inside the gradient.

    Different from dense Adam on purpose ("lazy"): a row without a gradient neither moves on its momentum, nor are its moments
    decayed, nor does weight decay pull it; the bias correction counts the steps of the table, not of the row.
    """

    def __init__(self, table: Tensor, weight_decay: float = 0.0) -> None:
        self.table, self.weight_decay = table.detach(), weight_decay
        self.exp_avg, self.exp_avg_sq = torch.zeros_like(self.table), torch.zeros_like(self.table)
        self.steps = 0

    def step(self, rows: Tensor, gradient: Tensor, lr: float) -> None:
        """One update. rows: (U,), each once. gradient: (U, D)."""
        local = nn.Parameter(self.table[rows])
        local.grad = gradient
        adam = torch.optim.Adam([local], lr=lr, weight_decay=self.weight_decay, fused=True)
        moments = {"exp_avg": self.exp_avg[rows], "exp_avg_sq": self.exp_avg_sq[rows]}
        adam.state[local] = {"step": torch.tensor(float(self.steps), device=local.device), **moments}
        adam.step()
        self.steps += 1
        self.table.index_copy_(0, rows, local.detach())
        self.exp_avg.index_copy_(0, rows, moments["exp_avg"])
        self.exp_avg_sq.index_copy_(0, rows, moments["exp_avg_sq"])

    def state_dict(self) -> dict[str, Any]:
        """The moments themselves, not copies, and the number of steps."""
        return {"exp_avg": self.exp_avg, "exp_avg_sq": self.exp_avg_sq, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state of a table of the same shape."""
        self.exp_avg.copy_(state["exp_avg"])
        self.exp_avg_sq.copy_(state["exp_avg_sq"])
        self.steps = int(state["steps"])
