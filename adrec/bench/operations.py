"""Useful floating-point operations: what the method itself needs for the valid tokens, however it is implemented.

A multiplication and the addition of its result count as two operations. Counted for each valid token, with width D:

- linear layers of a block: 24 D^2 (query, key, value 6 D^2, output 2 D^2, ff 16 D^2);
- attention of a block: 4 D for each pair of a query and a key it may see (2 D the logit, 2 D the mixing). A history of n
  tokens has n (n + 1) / 2 causal pairs and, with fewer tokens than the frame, one more a token: the sink of the pads;
- logits over the catalogue: 2 D (V + 1).

Training is counted as three forward passes (the backward pass has two products for each one). Not counted: pads, look-ups,
norms, activations, softmax, dropout, losses, the optimiser, the features of time (T rows a step, whatever its tokens).
"""

import numpy as np

from adrec.models.blocks import TransformerConfig


def pairs(config: TransformerConfig, lengths: np.ndarray) -> int:
    """Query-key pairs of one block without positions. lengths: (U,) valid tokens per user, at most ``config.length``."""
    n = lengths.astype(np.int64)
    sinks = 0 if config.padding == "masked" else (n * (n < config.length)).sum()
    return int((n * (n + 1) // 2).sum() + sinks)


def forward_operations(config: TransformerConfig, lengths: np.ndarray, blocks: int) -> float:
    """One forward pass over all positions, logits included. blocks: of all stacks."""
    width, tokens = config.hidden_size, int(lengths.sum())
    return float(blocks * (24 * width**2 * tokens + 4 * width * pairs(config, lengths)) + 2 * width * (config.n_items + 1) * tokens)


def training_operations(config: TransformerConfig, lengths: np.ndarray, blocks: int) -> float:
    """Forward and backward pass over all positions."""
    return 3 * forward_operations(config, lengths, blocks)


def evaluation_operations(config: TransformerConfig, lengths: np.ndarray, steps: int) -> float:
    """The answers and scores of the default model for every user: the histories once, then ``steps`` times the last token in the denoiser.

    The history stays clean, so the denoiser needs its blocks only up to the keys and values of the last one.
    """
    width, blocks, users, n = config.hidden_size, config.blocks, len(lengths), lengths.astype(np.int64)
    tokens, before, seen = int(n.sum()), int((n - 1).sum()), pairs(config, lengths)
    last = int(n.sum()) + (0 if config.padding == "masked" else int((n < config.length).sum()))
    encoder = blocks * (24 * width**2 * tokens + 4 * width * seen)
    history = (blocks - 1) * (24 * width**2 * before + 4 * width * (seen - last)) + 4 * width**2 * before
    sampling = steps * blocks * (24 * width**2 * users + 4 * width * last)
    return float(encoder + history + sampling + 2 * width * (config.n_items + 1) * users)
