"""Packed batches: the valid tokens of many users, concatenated without padding.

Users are sorted by length, so that each part of a batch holds users of similar length and its attention is one dense product.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from adrec.data.dataset import SequenceDataset, Split, windows
from adrec.errors import DataError

PART_TOKENS = 2048
"""Tokens that one worker processes at a time: few enough to fit in a CPU's cache, enough for efficient matrix products."""


@dataclass(frozen=True)
class Negatives:
    """A sample of the table's rows, shared by all tokens of a step.

    rows: (M,) int64, ascending, unique. log_weights: (M,) float32, log(times drawn / expected times): added to the scores, they make the
    sum of exp(score) over the sample an unbiased estimate of the sum over the whole table.
    """

    rows: Tensor
    log_weights: Tensor

    def to(self, device: torch.device) -> "Negatives":
        return Negatives(self.rows.to(device), self.log_weights.to(device))


@dataclass(frozen=True)
class PackedBatch:
    """items: (N,) history ids; targets: (N,) the item after each, 0 for the unknown answer.

    lengths: (B,) ascending; users: (B,) positions in the data set, in this batch's order; frame: L, the padded length that the official
    code would use, which determines how many pads each user has. whole: (tokens, users) of the full batch that this part belongs to, over
    which losses are averaged; None if this is the full batch. negatives: the rows that targets compete with in training instead of the
    whole table (see ``adrec.losses.sampled``).
    """

    items: Tensor
    targets: Tensor
    lengths: np.ndarray
    users: np.ndarray
    frame: int
    whole: tuple[int, int] | None = None
    negatives: Negatives | None = None

    @property
    def tokens(self) -> int:
        return len(self.items)

    @property
    def total_tokens(self) -> int:
        return self.whole[0] if self.whole else self.tokens

    @property
    def last(self) -> Tensor:
        """Index of each user's last token, (B,)."""
        return torch.from_numpy(np.cumsum(self.lengths) - 1).to(self.items.device)

    @property
    def positions(self) -> Tensor:
        """Each token's position in the left-padded frame, (N,): the last token is at L - 1."""
        positions = self.frame - np.repeat(np.cumsum(self.lengths), self.lengths) + np.arange(self.tokens)
        return torch.from_numpy(positions).to(self.items.device)

    @property
    def token_weights(self) -> Tensor:
        """Weights (N,) that give every user the same share, whatever their length; they sum to 1 over the full batch."""
        users = self.whole[1] if self.whole else len(self.lengths)
        return torch.from_numpy(np.repeat(1.0 / (self.lengths * users), self.lengths)).float().to(self.items.device)

    @property
    def user_weights(self) -> Tensor:
        """Weights (B,), equal for every user; they sum to 1 over the full batch."""
        users = self.whole[1] if self.whole else len(self.lengths)
        return torch.full((len(self.lengths),), 1.0 / users, device=self.items.device)

    def to_tokens(self, values: Tensor) -> Tensor:
        """A value (B,) of each user at each of the user's tokens, (N,)."""
        return values.repeat_interleave(torch.from_numpy(self.lengths).to(values.device))

    def to(self, device: torch.device) -> "PackedBatch":
        """The same batch with its ids on ``device``."""
        negatives = self.negatives and self.negatives.to(device)
        return replace(self, items=self.items.to(device), targets=self.targets.to(device), negatives=negatives)

    def split(self, tokens: int) -> "list[PackedBatch]":
        """Parts of complete users with about ``tokens`` tokens each; their number divides evenly among two or four workers."""
        parts = min(4 * -(-self.tokens // (4 * tokens)), len(self.lengths))
        ends = np.cumsum(self.lengths)
        cuts = np.searchsorted(ends, self.tokens * np.arange(1, parts) / parts)
        bounds = np.unique([0, *cuts, len(ends)]).tolist()
        offsets = np.append(0, ends)
        return [
            replace(
                self,
                items=self.items[offsets[a] : offsets[b]],
                targets=self.targets[offsets[a] : offsets[b]],
                lengths=self.lengths[a:b],
                users=self.users[a:b],
                whole=self.whole or (self.tokens, len(self.lengths)),
            )
            for a, b in zip(bounds, bounds[1:], strict=False)
        ]


def pack(
    histories: Sequence[np.ndarray], frame: int, targets: Sequence[np.ndarray] | None = None, users: np.ndarray | None = None
) -> PackedBatch:
    """A batch from separate histories of 1 to ``frame`` ids each. targets: the next ids of each history (default: the history shifted)."""
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


def trainable_users(data: SequenceDataset) -> np.ndarray:
    """The users with at least two training items, that is, a training pair; a DataError if there are none."""
    users = np.flatnonzero(np.diff(data.train_offsets) > 1)
    if not len(users):
        need = "training needs a user with two training items, an item and the one after it"
        raise DataError(f"Every user of the data set '{data.name}' has a single training item; {need}.")
    return users


def training_batch(data: SequenceDataset, users: np.ndarray, frame: int) -> PackedBatch:
    """History train[:-1], targets train[1:], the last ``frame`` of each. Users with one training item have no pair and are skipped."""
    offsets = data.train_offsets
    lengths = np.minimum(np.diff(offsets)[users] - 1, frame)
    users, lengths = users[lengths > 0], lengths[lengths > 0]
    order = np.argsort(lengths, kind="stable")
    users, lengths = users[order], lengths[order]
    index = windows(offsets[users + 1] - 1, lengths)
    items, targets = data.train_items[index], data.train_items[index + 1]
    return PackedBatch(torch.from_numpy(items.astype(np.int64)), torch.from_numpy(targets.astype(np.int64)), lengths, users, frame)


def prefix_batch(data: SequenceDataset, users: np.ndarray, frame: int, share: float, rng: np.random.Generator) -> PackedBatch:
    """One sequence for each chosen prefix of the users' training items, the last ``frame`` of it; its target is the item that follows.

    share: how many of all prefixes are chosen, at random without repetition, at least one. In the batch a user appears once for each of
    the user's chosen prefixes.
    """
    offsets = data.train_offsets
    counts = np.maximum(np.diff(offsets)[users] - 1, 0)
    chosen = np.sort(rng.permutation(counts.sum())[: max(1, round(share * counts.sum()))])
    owner = np.searchsorted(np.cumsum(counts), chosen, side="right")
    known = chosen - (np.cumsum(counts) - counts)[owner] + 1  # items of the history
    lengths = np.minimum(known, frame)
    order = np.argsort(lengths, kind="stable")
    owner, known, lengths = owner[order], known[order], lengths[order]
    index = windows(offsets[users[owner]] + known, lengths)
    items, targets = data.train_items[index], data.train_items[index + 1]
    return PackedBatch(torch.from_numpy(items.astype(np.int64)), torch.from_numpy(targets.astype(np.int64)), lengths, users[owner], frame)


def evaluation_batches(data: SequenceDataset, split: Split, frame: int, users_per_batch: int = 2048) -> Iterator[PackedBatch]:
    """Batches of the history before the answer of ``split`` of every user who has one, sorted by length; each is built on demand."""
    users = data.evaluated(split)
    order = users[np.argsort(np.minimum(data.known(split)[users], frame), kind="stable")]
    for i in range(0, len(order), users_per_batch):
        users = order[i : i + users_per_batch]
        history, offsets = data.histories(users, split, frame)
        items = history.astype(np.int64)
        targets = np.append(items[1:], 0)
        targets[offsets[1:] - 1] = 0
        yield PackedBatch(torch.from_numpy(items), torch.from_numpy(targets), np.diff(offsets), users, frame)
