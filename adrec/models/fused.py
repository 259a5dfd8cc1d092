"""Operations with a backward pass of their own, where the obvious chain of torch operations would cost several times as much.

Each equals that chain in a test (tests/adrec/test_fused.py); docs/PERFORMANCE.md says what each gains.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

SLOPE = 2 * math.sqrt(2 / math.pi)
CUBIC = 0.044715 * SLOPE


class _Gelu(torch.autograd.Function):
    """x sigmoid(x (SLOPE + CUBIC x^2)), times a mask: tanh-GELU written with the sigmoid, which a CPU computes in vectors.

    Only the derivative is kept for the backward pass, already multiplied by the mask.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor | None) -> Tensor:
        square = x * x
        learns = ctx.needs_input_grad[0]
        gate = (square * CUBIC if learns else square.mul_(CUBIC)).add_(SLOPE).mul_(x).sigmoid_()
        if learns:
            slope = square.mul_(3 * CUBIC).add_(SLOPE).mul_(x).mul_(gate)
            slope = slope.addcmul_(slope, gate, value=-1).add_(gate)
            ctx.save_for_backward(slope if mask is None else slope.mul_(mask))
        out = gate.mul_(x)
        return out if mask is None else out.mul_(mask)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return slope.mul(gradient), None


def gelu(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """tanh-GELU (Hendrycks & Gimpel 2016, arXiv 1606.08415), times ``mask`` where one is given. Both of one shape."""
    return _Gelu.apply(x, mask)
