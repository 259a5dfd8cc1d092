"""Packed batches: the valid tokens of many users one after the other, no padding anywhere.

Users are ordered by length, so users of equal length lie together and their attention is one dense product.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adrec.data.dataset import SequenceDataset, Split


@dataclass(frozen=True)
class Group:
    """``users`` sequences of equal ``length``: tokens ``start`` to ``start + users * length``, user after user."""

    start: int
    users: int
    length: int

    @property
    def stop(self) -> int:
        return self.start + self.users * self.length


@dataclass(frozen=True)
class PackedBatch:
    """items: (N,) history ids; targets: (N,) the item after each, 0 where it is the unknown answer.

    lengths: (B,) ascending; users: (B,) positions in the data set, in this batch's order; frame: L, the padded length
    that the official code would use, which decides how many pads each user has.
    """

    items: Tensor
    targets: Tensor
    lengths: np.ndarray
    users: np.ndarray
    frame: int

    @property
    def tokens(self) -> int:
        return len(self.items)

    @property
    def groups(self) -> list[Group]:
        """The runs of equal length."""
        values, first, counts = np.unique(self.lengths, return_index=True, return_counts=True)
        starts = np.concatenate([[0], np.cumsum(self.lengths)])[first]
        return [Group(int(s), int(c), int(v)) for s, c, v in zip(starts, counts, values, strict=True)]

    @property
    def last(self) -> Tensor:
        """Index of each user's last token, (B,)."""
        return torch.from_numpy(np.cumsum(self.lengths) - 1)

    @property
    def positions(self) -> Tensor:
        """Each token's place in the left-padded frame, (N,): the last token is at L - 1."""
        return torch.from_numpy(self.frame - np.repeat(np.cumsum(self.lengths), self.lengths) + np.arange(self.tokens))

    @property
    def token_weights(self) -> Tensor:
        """Weights (N,) that sum to 1 and give every user the same share, whatever its length."""
        return torch.from_numpy(np.repeat(1.0 / (self.lengths * len(self.lengths)), self.lengths)).float()


def pack(
    histories: Sequence[np.ndarray], frame: int, targets: Sequence[np.ndarray] | None = None, users: np.ndarray | None = None
) -> PackedBatch:
    """A batch from separate histories, each with 1 to ``frame`` ids. targets: for each the next ids (default: shifted history)."""
    lengths = np.array([len(h) for h in histories])
    order = np.argsort(lengths, kind="stable")
    followers = targets if targets is not None else [np.append(h[1:], 0) for h in histories]
    return PackedBatch(
        items=torch.from_numpy(np.concatenate([histories[i] for i in order]).astype(np.int64)),
        targets=torch.from_numpy(np.concatenate([followers[i] for i in order]).astype(np.int64)),
        lengths=lengths[order],
        users=(np.arange(len(lengths)) if users is None else users)[order],
        frame=frame,
    )


def _windows(flat: np.ndarray, stops: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Indices into ``flat`` of the ``lengths`` entries before each stop, one window after the other."""
    begins = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(stops - lengths - begins, lengths)


def training_batch(data: SequenceDataset, users: np.ndarray, frame: int) -> PackedBatch:
    """History train[:-1], targets train[1:], the last ``frame`` of each. Users with one training item have no pair and are left out."""
    offsets = data.train_offsets
    lengths = np.minimum(np.diff(offsets)[users] - 1, frame)
    users, lengths = users[lengths > 0], lengths[lengths > 0]
    order = np.argsort(lengths, kind="stable")
    users, lengths = users[order], lengths[order]
    index = _windows(data.train_items, offsets[users + 1] - 1, lengths)
    items, targets = data.train_items[index], data.train_items[index + 1]
    return PackedBatch(torch.from_numpy(items.astype(np.int64)), torch.from_numpy(targets.astype(np.int64)), lengths, users, frame)


def evaluation_batches(data: SequenceDataset, split: Split, frame: int, users_per_batch: int = 2048) -> list[PackedBatch]:
    """Every user's history before the answer of ``split``, users of similar length together."""
    flat, offsets = data.train_items, data.train_offsets
    if split == "test":
        flat = np.insert(flat, offsets[1:], data.val)
        offsets = offsets + np.arange(len(offsets))
    lengths = np.minimum(np.diff(offsets), frame)
    order = np.argsort(lengths, kind="stable")
    batches = []
    for i in range(0, len(order), users_per_batch):
        users = order[i : i + users_per_batch]
        index = _windows(flat, offsets[users + 1], lengths[users])
        items = flat[index].astype(np.int64)
        targets = np.append(items[1:], 0)
        targets[np.cumsum(lengths[users]) - 1] = 0
        batches.append(PackedBatch(torch.from_numpy(items), torch.from_numpy(targets), lengths[users], users, frame))
    return batches
