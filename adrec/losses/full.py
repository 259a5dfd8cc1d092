"""The losses. Cross-entropy over the whole catalogue holds only one block of logits at a time."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from adrec.data.batches import PackedBatch
from adrec.losses.sampled import sampled_cross_entropy

ALIGNED = 16
BLOCK = 2**20
FEWEST_ROWS, LARGEST = 16, 2**24
"""Logits per block, so that they stay in a CPU's cache; above 65,536 items at least 16 rows, as long as they fit in 64 MB."""


def rows_a_block(n_rows: int) -> int:
    """How many tokens' logits over ``n_rows`` table rows are held at once; memory does not grow with the catalogue."""
    return max(BLOCK // n_rows, min(FEWEST_ROWS, LARGEST // n_rows), 1)


class _CrossEntropy(torch.autograd.Function):
    """Sum over tokens of log sum exp(x E^T) - x . E[target]. The gradient is computed with the loss, while a block's exponentials are in
    memory: (softmax - one hot) E for x, its transpose times x for E."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor, targets: Tensor) -> Tensor:
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_table = torch.zeros_like(table) if ctx.needs_input_grad[1] else None
        own = table[targets]
        total = -(x * own).sum()
        rows, items = rows_a_block(len(table)), len(table)
        aligned = -(-items // ALIGNED) * ALIGNED  # matrix products into rows of odd length are slow
        block = x.new_empty(min(rows, len(x)), aligned)
        for start in range(0, len(x), rows):
            part = x[start : start + rows]
            logits = block[: len(part), :items]
            torch.mm(part, table.T, out=logits)
            largest = logits.amax(-1, keepdim=True)
            weights = logits.sub_(largest).exp_()
            sums = weights.sum(-1, keepdim=True)
            total += (sums.log() + largest).sum()
            if grad_x is not None:
                torch.mm(weights, table, out=grad_x[start : start + rows]).div_(sums)
            if grad_table is not None:
                grad_table.addmm_(weights.T, part / sums)
        if grad_x is not None:
            grad_x -= own
        if grad_table is not None:
            grad_table.index_add_(0, targets, x, alpha=-1)
        ctx.save_for_backward(grad_x, grad_table)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        grad_x, grad_table = ctx.saved_tensors
        return None if grad_x is None else grad_x * gradient, None if grad_table is None else grad_table * gradient, None


def cross_entropy(x0_hat: Tensor, table: Tensor, targets: Tensor, total_tokens: int | None = None) -> Tensor:
    """Mean over tokens of -log softmax(x0_hat E^T)[target], over all V + 1 rows.

    x0_hat: (N, D), table: (V + 1, D), targets: (N,). total_tokens: the divisor, if these tokens are only part of an optimiser step
    (default: N).
    """
    return _CrossEntropy.apply(x0_hat, table, targets) / (len(x0_hat) if total_tokens is None else total_tokens)


def next_item_loss(x0_hat: Tensor, table: Tensor, batch: PackedBatch) -> Tensor:
    """The batch's contribution to its step's mean cross-entropy, over the whole table or over the batch's negatives, if any.

    x0_hat: (N, D), table: (V + 1, D) or the batch's small table (``adrec.losses.sampled.own_table``).
    """
    if batch.negatives is None:
        return cross_entropy(x0_hat, table, batch.targets, batch.total_tokens)
    return sampled_cross_entropy(x0_hat, table, batch.targets, batch.negatives, batch.total_tokens)


def last_item_loss(x0_hat: Tensor, table: Tensor, batch: PackedBatch) -> Tensor:
    """The same where only each sequence's last item has a target that counts. x0_hat: (B, D)."""
    targets, sequences = batch.targets[batch.last], batch.whole[1] if batch.whole else len(batch.lengths)
    if batch.negatives is None:
        return cross_entropy(x0_hat, table, targets, sequences)
    return sampled_cross_entropy(x0_hat, table, targets, batch.negatives, sequences)


def token_error(x0_hat: Tensor, x_0: Tensor, weights: Tensor) -> Tensor:
    """Squared error, mean over D, weighted over tokens. x0_hat, x_0: (N, D), weights: (N,) as ``PackedBatch.token_weights``."""
    return torch.dot((x0_hat - x_0).square().mean(-1), weights)
