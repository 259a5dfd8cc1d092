"""How the losses' gradients become one."""

from collections.abc import Sequence

import torch
from torch import Tensor


def mean_gradient(losses: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """The mean of the losses' gradients, one tensor a parameter (zeros where a loss does not reach it)."""
    return _gradient(torch.stack(list(losses)).mean(), parameters, keep_graph=False)


def projected_gradient(losses: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """PCGrad (Yu et al. 2020, arXiv 2001.06782): each loss's gradient over all parameters loses its component along
    another's where their dot product is negative; then the mean is taken."""
    separate = [_gradient(loss, parameters, keep_graph=True) for loss in losses]
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


def _gradient(loss: Tensor, parameters: Sequence[Tensor], *, keep_graph: bool) -> list[Tensor]:
    found = torch.autograd.grad(loss, list(parameters), retain_graph=keep_graph, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
