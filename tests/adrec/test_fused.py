"""Operations with a backward pass of their own equal the obvious chain of torch operations, value and gradient."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from adrec.losses import full as losses
from adrec.losses.full import cross_entropy
from adrec.models.fused import gelu
from adrec.models.rng import RandomSource
from adrec.parallel.workers import Workers


@pytest.mark.parametrize("masked", [False, True])
def test_gelu_equals_torchs(masked):
    x = torch.linspace(-12, 12, 20_001).requires_grad_()
    mask = RandomSource(np.random.default_rng(0)).keep(x.shape, 0.3) if masked else None
    ours, theirs = gelu(x, mask), F.gelu(x, approximate="tanh") * (1 if mask is None else mask)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=2e-6)
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    (a,), (b,) = (torch.autograd.grad((out * weights).sum(), x) for out in (ours, theirs))
    torch.testing.assert_close(a, b, rtol=1e-5, atol=5e-6)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 40), items=st.integers(1, 70), block=st.integers(1, 900), scale=st.floats(0.01, 30), seed=st.integers(0, 99))
def test_cross_entropy_in_blocks_equals_torchs(n, items, block, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    x, table = (torch.randn(rows, 8, generator=generator) * scale for rows in (n, items + 1))
    targets = torch.randint(items + 1, (n,), generator=generator)
    before = losses.BLOCK
    losses.BLOCK = block
    try:
        ours = _value_and_gradients(lambda a, b: cross_entropy(a, b, targets), x, table)
    finally:
        losses.BLOCK = before
    plain = _value_and_gradients(lambda a, b: F.cross_entropy(a.double() @ b.double().T, targets), x, table)
    for a, b in zip(ours, plain, strict=True):
        torch.testing.assert_close(a.double(), b.double(), rtol=2e-4, atol=2e-5 * max(1, scale**2))


def _value_and_gradients(function, x, table):
    x, table = x.clone().requires_grad_(), table.clone().requires_grad_()
    value = function(x, table)
    return value.detach(), *torch.autograd.grad(value, [x, table])


def test_logits_held_at_once_do_not_grow_with_the_catalogue():
    assert all(losses.rows_a_block(v) * v <= losses.LARGEST for v in (10, 10_000, 65_536, 100_000, 1_000_000, 16_000_000))
    assert losses.rows_a_block(1_000_001) == 16


def test_half_the_dropout_mask_of_16_bits_is_zero_and_its_mean_is_one():
    mask = RandomSource(np.random.default_rng(0)).keep((1000, 333), 0.5)
    assert set(mask.unique().tolist()) == {0.0, 2.0}
    assert abs(float(mask.mean()) - 1) < 0.01


def test_workers_keep_the_order_of_their_parts():
    with Workers(3) as workers:
        assert list(workers.map(lambda n: n * n, range(50))) == [n * n for n in range(50)]


def test_workers_pass_on_a_failure_and_leave_torchs_threads_as_they_were():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), Workers(2) as workers:
        list(workers.map(lambda n: 1 / n, [1, 0, 2]))
    assert torch.get_num_threads() == before
