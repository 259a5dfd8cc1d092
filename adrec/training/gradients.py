"""From the losses of a batch's parts to one gradient: summed over parts in order, then combined over losses."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

Gradient = list[Tensor]
"""One tensor per parameter."""


def mean_gradient(losses: Sequence[Tensor], parameters: Sequence[Tensor]) -> Gradient:
    """The mean of the losses' gradients (zeros for parameters that a loss does not reach)."""
    return _gradient(torch.stack(list(losses)).mean(), parameters, keep_graph=False)


def separate_gradients(losses: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[Gradient]:
    """The gradient of each loss; the graph is kept."""
    return [_gradient(loss, parameters, keep_graph=True) for loss in losses]


def projected_mean(separate: Sequence[Gradient]) -> Gradient:
    """PCGrad (Yu et al. 2020, arXiv 2001.06782): if the dot product of two losses' gradients over all parameters is negative, each loses
    its component along the other; then the mean is taken."""
    adjusted = []
    for i, own in enumerate(separate):
        own = [g.clone() for g in own]
        for j, other in enumerate(separate):
            if i == j:
                continue
            along = sum(float((a * b).sum(dtype=torch.float64)) for a, b in zip(own, other, strict=True))
            if along < 0:
                size = sum(float(b.square().sum(dtype=torch.float64)) for b in other)
                for a, b in zip(own, other, strict=True):
                    a.sub_(b, alpha=along / size)
        adjusted.append(own)
    return [torch.stack(parts).mean(0) for parts in zip(*adjusted, strict=True)]


def summed(parts: Iterable[Gradient]) -> Gradient:
    """The sum of the parts' gradients in their given order, so that it does not depend on which part finishes first."""
    total: Gradient = []
    for gradient in parts:
        if total:
            torch._foreach_add_(total, gradient)
        else:
            total = gradient
    return total


def _gradient(loss: Tensor, parameters: Sequence[Tensor], *, keep_graph: bool) -> Gradient:
    found = torch.autograd.grad(loss, list(parameters), retain_graph=keep_graph, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
