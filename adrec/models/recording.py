"""What a model's file needs to replay numbers that were recorded while the official ADRec code ran it (``adrec verify``)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adrec.data.batches import PackedBatch

BLOCK = "transformer_blocks"


@dataclass(frozen=True)
class Recording:
    """values: arrays by name, their first dimension the recorded users in their own order; batch: the same users, packed."""

    values: Mapping[str, np.ndarray]
    batch: PackedBatch

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def users(self, name: str, dim: int = 0) -> Tensor:
        """A recorded array with its users, in dimension ``dim``, in the batch's order."""
        return torch.from_numpy(self.values[name]).index_select(dim, torch.from_numpy(self.batch.users))

    def tokens(self, name: str) -> Tensor:
        """(B, L, ...) at the positions that hold an item, in the batch's order: (N, ...)."""
        return self.at_tokens(self.users(name))

    def at_tokens(self, frames: Tensor) -> Tensor:
        """(B, L, ...), whose users are in the batch's order already, likewise."""
        return frames[torch.from_numpy(np.repeat(np.arange(len(frames)), self.batch.lengths)), self.batch.positions]


def block_names(ours: str, theirs: str, blocks: int) -> dict[str, tuple[str, ...]]:
    """Our parameters of a stack of blocks -> the official ones that each consists of (several are stacked along the rows)."""
    names: dict[str, tuple[str, ...]] = {}
    for i in range(blocks):
        a, b = f"{ours}.blocks.{i}", f"{theirs}.{BLOCK}.{i}"
        for part in ("weight", "bias"):
            names[f"{a}.qkv.{part}"] = tuple(f"{b}.attention.linear_layers.{j}.{part}" for j in range(3))
            names[f"{a}.out.{part}"] = (f"{b}.attention.w_layer.{part}",)
            names[f"{a}.attention_norm.{part}"] = (f"{b}.input_sublayer.norm.{part}",)
            names[f"{a}.wide.{part}"] = (f"{b}.feed_forward.w_1.{part}",)
            names[f"{a}.narrow.{part}"] = (f"{b}.feed_forward.w_2.{part}",)
            names[f"{a}.ff_norm.{part}"] = (f"{b}.output_sublayer.norm.{part}",)
    return names
