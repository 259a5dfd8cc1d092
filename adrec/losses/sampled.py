"""Training with catalogues too large for the full softmax: sampled softmax, and updates of the touched rows only.

A step draws negatives (`Proposal.draw`), copies the rows that the batch looks up or scores into a small table (`own_table`), computes
losses and gradients on that, and writes the updated rows back (`RowAdam`). Its time and memory depend on the batch and the number of
negatives, not on the catalogue.
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
    """The distribution of negatives. expected: (V + 1,) float64, the expected count of each row in a draw."""

    expected: np.ndarray

    @classmethod
    def from_popularity(cls, popularity: np.ndarray, negatives: int, uniform_share: float = UNIFORM_SHARE) -> "Proposal":
        """``negatives`` draws per sample: a share of them uniform over all rows, the rest in proportion to popularity.

        popularity: (V + 1,) training occurrences. The uniform share bounds a row's weight by (V + 1) / (share * negatives), so that an
        item nobody chose cannot dominate an estimate.
        """
        if negatives < 1:
            raise ConfigError(f"The number of negatives must be an integer of at least 1, not {negatives}.")
        if not 0 < uniform_share <= 1:
            raise ConfigError(f"The share of uniform negatives must be above 0 and at most 1, not {uniform_share}.")
        taken = popularity.sum()
        share = uniform_share if taken else 1.0
        return cls(negatives * share / len(popularity) + negatives * (1 - share) * popularity / max(taken, 1))

    @cached_property
    def _cumulative(self) -> np.ndarray:
        return np.cumsum(self.expected)

    def draw(self, rng: np.random.Generator) -> Negatives:
        """One stratified sample: draw k is uniform over the k-th unit of the expected counts laid end to end.

        Each row has the same expected count as with independent draws, but with less variance. With as many uniform negatives as rows,
        every row is drawn once and the sampled softmax equals the full one.
        """
        cumulative = self._cumulative
        strata = np.arange(round(cumulative[-1]))
        points = (strata + rng.random(len(strata))) * (cumulative[-1] / len(strata))
        drawn = np.searchsorted(cumulative, points, side="right").clip(max=len(cumulative) - 1)
        rows, counts = np.unique(drawn, return_counts=True)
        log_weights = np.log(counts / self.expected[rows])
        return Negatives(torch.from_numpy(rows), torch.from_numpy(log_weights.astype(np.float32)))


# -- the loss ---------------------------------------------------------------------------------------------------------


class _SampledCrossEntropy(torch.autograd.Function):
    """Sum over tokens of log(exp(own) + sum over negatives of weight * exp(score)) - own, gradients computed with the loss.

    A negative that is the token's own target (an accidental hit) is excluded: the target is already in the sum, exactly once.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor, targets: Tensor, rows: Tensor, log_weights: Tensor) -> Tensor:
        negatives, own_rows = table[rows], table[targets]
        own = (x * own_rows).sum(-1, keepdim=True)
        positions = torch.searchsorted(rows, targets).clamp_(max=len(rows) - 1)
        hits = rows[positions] == targets
        grad_x, own_share = torch.empty_like(x), torch.empty_like(own)
        grad_negatives = torch.zeros_like(negatives) if ctx.needs_input_grad[1] else None
        total = x.new_zeros(())
        size = max(BLOCK // len(rows), 16)
        block = x.new_empty(min(size, len(x)), len(rows))
        for start in range(0, len(x), size):
            part = slice(start, min(start + size, len(x)))
            logits = torch.addmm(log_weights, x[part], negatives.T, out=block[: part.stop - start])
            hit = hits[part].nonzero().squeeze(1)
            logits[hit, positions[part][hit]] = -torch.inf
            largest = torch.maximum(logits.amax(-1, keepdim=True), own[part])
            weights = logits.sub_(largest).exp_()
            own_exp = (own[part] - largest).exp_()
            sums = weights.sum(-1, keepdim=True) + own_exp
            total += (sums.log() + largest - own[part]).sum()
            torch.mm(weights, negatives, out=grad_x[part]).div_(sums)
            own_share[part] = own_exp.div_(sums).sub_(1)
            if grad_negatives is not None:
                grad_negatives.addmm_(weights.T, x[part] / sums)
        grad_x.addcmul_(own_share, own_rows)
        grad_table = None
        if grad_negatives is not None:
            grad_table = torch.zeros_like(table).index_copy_(0, rows, grad_negatives).index_add_(0, targets, x * own_share)
        ctx.save_for_backward(grad_x, grad_table)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        grad_x, grad_table = ctx.saved_tensors
        return grad_x * gradient, None if grad_table is None else grad_table * gradient, None, None, None


def sampled_cross_entropy(x0_hat: Tensor, table: Tensor, targets: Tensor, negatives: Negatives, total_tokens: int | None = None) -> Tensor:
    """Mean over tokens of -log of the target's share in a softmax whose denominator is estimated from a sample.

    x0_hat: (N, D), table: (U, D), targets: (N,), negatives: rows of this table. total_tokens: the divisor, if these tokens are only part
    of an optimiser step (default: N).

    Importance sampling of the denominator (Bengio & Senecal 2003; Jean et al. 2015, arXiv 1412.2007): a negative's score is
    corrected by -log of its expected count. The target is always in the sum, so its score needs no correction (unlike in the usual "log-Q
    correction"; Khrylchenko et al. 2025, arXiv 2507.09331). The estimate of the denominator is unbiased for any sample size, and the loss
    approaches that of the full softmax from below.
    """
    total = _SampledCrossEntropy.apply(x0_hat, table, targets, negatives.rows, negatives.log_weights.to(x0_hat.dtype))
    return total / (len(x0_hat) if total_tokens is None else total_tokens)


# -- a batch's own table ----------------------------------------------------------------------------------------------


def own_table(batch: PackedBatch, negatives: Negatives) -> tuple[Tensor, PackedBatch]:
    """The rows (U,), ascending, that the batch looks up or scores; and the batch with its negatives, ids replaced by positions in ``rows``.

    Row 0, the padding, is always included and stays 0.
    """
    rows = torch.unique(torch.cat([torch.zeros_like(batch.items[:1]), batch.items, batch.targets, negatives.rows]))
    items, targets, drawn = (torch.searchsorted(rows, ids) for ids in (batch.items, batch.targets, negatives.rows))
    return rows, replace(batch, items=items, targets=targets, negatives=replace(negatives, rows=drawn))


@contextmanager
def small_table(model: nn.Module, rows: Tensor) -> Iterator[nn.Parameter]:
    """Within the block, the model's item table is a copy of only these rows, as a parameter with gradients."""
    embedding: nn.Embedding = model.item_embedding  # type: ignore[assignment]
    whole = embedding.weight
    embedding.weight = nn.Parameter(whole.detach()[rows], requires_grad=whole.requires_grad)
    try:
        yield embedding.weight
    finally:
        embedding.weight = whole


class RowAdam:
    """Adam that updates only the rows of a table that have a gradient, as `torch.optim.SparseAdam` does.

    The rows' moments are gathered, `torch.optim.Adam` updates the rows with its own settings, and both are written back: the same numbers
    as dense Adam if every row has a gradient, with L2 weight decay as part of the gradient.

    Deliberately different from dense Adam ("lazy"): a row without a gradient does not move on its momentum, its moments do not decay and
    weight decay does not act on it; the bias correction counts the table's steps, not the row's.
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
        """The moments (not copies) and the number of steps."""
        return {"exp_avg": self.exp_avg, "exp_avg_sq": self.exp_avg_sq, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state of a table of the same shape."""
        self.exp_avg.copy_(state["exp_avg"])
        self.exp_avg_sq.copy_(state["exp_avg_sq"])
        self.steps = int(state["steps"])
