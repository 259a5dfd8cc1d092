"""DiffuRec (Li, Sun & Li, TOIS 2023, arXiv 2304.00686): the noised next item reaches every item of the history.

Row j of the history enters as hist_norm(E[item_j]) + lambda_j (x_t + time(t)), where x_t is the noised embedding of the next item and
lambda_j is drawn afresh from N(noise_weight, noise_weight_std) for each number; a Transformer without a causal mask reads the rows, and
its last one is the estimate of x_0. Recorded in ``golden/diffurec.npz``.

Pads are rows like any other, and since each has its own lambda, they cannot be summed up in one as in `adrec.models.attention`: the
frame is computed whole.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import require
from adrec.data.batches import PackedBatch
from adrec.diffusion import Diffusion, Predict, q_sample, reverse_process
from adrec.losses.full import last_item_loss
from adrec.models.base import Between, Preset, register
from adrec.models.blocks import TransformerConfig, dropout, keep_mask
from adrec.models.conditioned import initialise_layers, time_features
from adrec.models.fused import gelu
from adrec.models.neural import DiffusionConfig, DiffusionModel
from adrec.models.prefixes import PrefixConfig, PrefixTrained
from adrec.models.recording import Recording, block_names
from adrec.models.rng import RandomSource
from adrec.runs import ITEM_TABLE

PART_ROWS = 4096
"""Rows of histories, pads included, that are computed at a time."""


@dataclass(frozen=True)
class DiffuRecConfig(TransformerConfig, PrefixConfig, DiffusionConfig):
    """noise_weight, noise_weight_std: mean and standard deviation of lambda. padding: "sink" reads a history's pads as the original does,
    "masked" leaves them out, which also costs less where histories are short. table_std: of the item table at its start."""

    blocks: int = 4
    noise_weight: float = 0.001
    noise_weight_std: float = 0.001
    table_std: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.table_std > 0, "table_std", self.table_std, "a number above 0")
        for field in ("noise_weight", "noise_weight_std"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "a number of at least 0")


@dataclass(frozen=True)
class Frame:
    """Histories with pads on the left. items, real: (B, L), 0 and False at the pads; bias: added to the logits of each row as a key,
    (B, 1, 1, L), or the number 0."""

    items: Tensor
    real: Tensor
    bias: Tensor | float

    @staticmethod
    def width(batch: PackedBatch, padding: str) -> int:
        """L: with masked pads no more than the longest history needs."""
        return int(batch.lengths.max()) if padding == "masked" else batch.frame

    @classmethod
    def of(cls, batch: PackedBatch, padding: str) -> "Frame":
        width = cls.width(batch, padding)
        items = batch.items.new_zeros(len(batch.lengths), width)
        rows = batch.to_tokens(torch.arange(len(items), device=items.device))
        items[rows, batch.positions - (batch.frame - width)] = batch.items
        lengths = torch.from_numpy(batch.lengths).to(items.device)
        real = torch.arange(width, device=items.device) >= width - lengths.unsqueeze(1)
        unseen = torch.zeros(items.shape, device=items.device).masked_fill_(~real, -math.inf)
        return cls(items, real, unseen[:, None, None] if padding == "masked" else 0.0)

    def of_rows(self, rows: slice | Tensor) -> "Frame":
        """These histories alone, in this order."""
        return Frame(self.items[rows], self.real[rows], self.bias[rows] if isinstance(self.bias, Tensor) else self.bias)


class PreNormBlock(nn.Module):
    """h + attention(LN(h)), then h + ff(LN(h)); ff with tanh-GELU, four times as wide. Every row sees every other one."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.p = heads, dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.ff_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, h: Tensor, frame: Frame, rng: RandomSource | None = None, last: bool = False) -> Tensor:
        """h: (B, L, D) -> (B, L, D), or the last row alone, (B, 1, D)."""
        mixed = self._attention(self.attention_norm(h), frame, rng, last)
        h = (h[:, -1:] if last else h) + dropout(self.out(mixed), self.p, rng)
        inner = self.wide(self.ff_norm(h))
        h = h + dropout(self.narrow(gelu(inner, keep_mask(inner, self.p, rng))), self.p, rng)
        return dropout(h, self.p, rng)

    def _attention(self, h: Tensor, frame: Frame, rng: RandomSource | None, last: bool) -> Tensor:
        shape = (*h.shape[:2], 3, self.heads, -1)
        q, k, v = self.qkv(h).view(shape).permute(2, 0, 3, 1, 4)  # (B, H, L, dh) each
        q = q[:, :, -1:] if last else q * frame.real[:, None, :, None]  # a pad's logits are equal: it attends to all rows alike
        weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]) + frame.bias).softmax(-1)
        return (dropout(weights, self.p, rng) @ v).transpose(1, 2).flatten(2)


class BidirectionalTransformer(nn.Module):
    """A stack of blocks; dropout and a layer norm behind them."""

    def __init__(self, blocks: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.p = dropout
        self.blocks = nn.ModuleList(PreNormBlock(width, heads, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, h: Tensor, frame: Frame, rng: RandomSource | None = None, last: bool = True) -> Tensor:
        """h: (B, L, D) -> (B, L, D), or the last row alone, (B, 1, D): no other is needed of the last block."""
        for block in self.blocks[:-1]:
            h = block(h, frame, rng)
        return self.norm(dropout(self.blocks[-1](h, frame, rng, last), self.p, rng))

    def initialise(self, generator: torch.Generator) -> None:
        """Output and feed-forward Xavier-normal, the rest as torch does by default."""
        for block in self.blocks:
            for layer in (block.out, block.wide, block.narrow):
                nn.init.xavier_normal_(layer.weight.data, generator=generator)  # type: ignore[union-attr, arg-type]


@dataclass(frozen=True)
class Restoring:
    """The denoiser of each user's next item, (x_t (M, D), t) -> x0_hat. spread(t): what is drawn of lambda at step t, (M, L, D) standard
    normal; without it lambda is its mean."""

    model: "DiffuRec"
    history: Tensor
    frame: Frame
    spread: Callable[[int], Tensor] | None = None

    def __call__(self, x: Tensor, t: int) -> Tensor:
        drawn = None if self.spread is None else self.spread(t).to(x.device)
        times = torch.full((len(x),), t, device=x.device)
        size = max(1, PART_ROWS // self.history.shape[1])
        found = []
        for part in (slice(i, i + size) for i in range(0, len(x), size)):
            own = None if drawn is None else drawn[part]
            found.append(self.model.denoise(self.history[part], x[part], times[part], self.frame.of_rows(part), own)[:, -1])
        return torch.cat(found)


@register
class DiffuRec(PrefixTrained, DiffusionModel):
    """Cross-entropy of the next item over the catalogue is its only loss; the timestep is uniform."""

    name = "diffurec"
    title = "DiffuRec"
    source = "Li, Sun & Li, TOIS 2023 (arXiv 2304.00686); layers as recorded from the ADRec authors' code, dropout as in its own"
    differences = (
        "a share of the prefixes an epoch instead of all of them, this project's learning rate, selection and random numbers; row 0 of the "
        "item table does not learn by being looked up"
    )
    Config = DiffuRecConfig
    presets = {
        "diffurec": Preset(
            "DiffuRec",
            "Its published sizes, but an item table that starts ten times smaller, which learns sooner; a tenth of the prefixes an epoch, "
            "for as many epochs as one core trains in minutes; answers in 4 of 32 steps.",
            {"table_std": 0.1, "batch_size": 16, "epochs": 24, "validate_every": 2, "patience": 6, "weight_decay": 0.0}
            | {"sampling_steps": 4},
        ),
        "diffurec-original": Preset(
            "DiffuRec, its own settings",
            "Every prefix in each of up to 500 epochs, validated every 20: days on a CPU.",
            {"prefix_share": 1.0, "batch_size": 9, "epochs": 500, "validate_every": 20, "patience": 5, "weight_decay": 0.0},
        ),
    }
    space = {**DiffusionModel.space, "embedding_dropout": Between(0.0, 0.5), "batch_size": (8, 16, 32, 64)}
    loss_names: tuple[str, ...] = ("ce",)
    config: DiffuRecConfig
    time_table: Tensor

    def __init__(self, config: DiffuRecConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.item_embedding = nn.Embedding(config.n_items + 1, width)
        self.hist_norm = nn.LayerNorm(width, eps=1e-12)
        self.time_embed = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))
        self.transformer = BidirectionalTransformer(config.blocks, width, config.heads, config.dropout)
        self.register_buffer("time_table", time_features(torch.arange(config.timesteps), config.timesteps, width), persistent=False)

    def initialise(self, generator: torch.Generator) -> None:
        """Item table N(0, table_std), linear layers as torch does by default; drawn from ``generator``."""
        initialise_layers(self, (), generator)
        self.transformer.initialise(generator)
        self.item_embedding.weight.data.normal_(0, self.config.table_std, generator=generator)

    # -- the parts ------------------------------------------------------------------------------------------------

    def history(self, frame: Frame, rng: RandomSource | None = None) -> Tensor:
        """The clean rows, (B, L, D)."""
        rows = F.embedding(frame.items, self.item_embedding.weight, padding_idx=0)
        return self.hist_norm(dropout(rows, self.config.embedding_dropout, rng))

    def guidance(self, frame: Frame, rng: RandomSource | None = None) -> Tensor:
        """The rows that the noised item is added to, (B, L, D): here the clean ones."""
        return self.history(frame, rng)

    def noised(self, history: Tensor, x: Tensor, t: Tensor, drawn: Tensor | None) -> Tensor:
        """The history with x_t and the time in every row. history, drawn: (B, L, D), x: (B, D), t: (B,)."""
        weights = self.config.noise_weight
        added = (x + self.time_embed(self.time_table)[t]).unsqueeze(1)
        return history + (weights if drawn is None else weights + self.config.noise_weight_std * drawn) * added

    def denoise(
        self,
        history: Tensor,
        x: Tensor,
        t: Tensor,
        frame: Frame,
        drawn: Tensor | None = None,
        rng: RandomSource | None = None,
        last: bool = True,
    ) -> Tensor:
        """x0_hat in the last row, (B, 1, D), or what all rows become, (B, L, D). drawn: lambda's, (B, L, D) standard normal."""
        return self.transformer(self.noised(history, x, t, drawn), frame, rng, last)

    # -- training -------------------------------------------------------------------------------------------------

    def parts(self, batch: PackedBatch) -> list[PackedBatch]:
        return batch.split(max(1, PART_ROWS * batch.tokens // (batch.frame * len(batch.lengths))))

    def computed_rows(self, part: PackedBatch) -> int:
        return len(part.lengths) * Frame.width(part, self.config.padding)

    def forward(self, batch: PackedBatch, t: Tensor, eps: Tensor, drawn: Tensor | None = None, rng: RandomSource | None = None) -> Tensor:
        """x0_hat of each sequence, (B, D). t: (B,), eps: (B, D), drawn: (B, L, D)."""
        frame = Frame.of(batch, self.config.padding)
        x_t = q_sample(F.embedding(batch.targets[batch.last], self.item_embedding.weight), t, eps, self.alpha_bar)
        return self.denoise(self.guidance(frame, rng), x_t, t, frame, drawn, rng)[:, 0]

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """The cross-entropy of the next item, mean over sequences."""
        return {"ce": last_item_loss(self.estimates(batch, rng), self.item_embedding.weight, batch)}

    def estimates(self, batch: PackedBatch, rng: RandomSource) -> Tensor:
        """x0_hat of each sequence, (B, D), at random timesteps."""
        sequences, width = len(batch.lengths), self.config.hidden_size
        t, eps = rng.timesteps(self.config.timesteps, sequences), rng.normal(sequences, width)
        drawn = None
        if self.config.noise_weight_std:
            drawn = rng.normal(sequences * Frame.width(batch, self.config.padding), width).view(sequences, -1, width)
        return self(batch, t, eps, drawn, rng)

    # -- inference ------------------------------------------------------------------------------------------------

    def last_token(self, batch: PackedBatch, copies: int = 1) -> Restoring:
        frame = Frame.of(batch, self.config.padding)
        rows = torch.arange(len(batch.lengths), device=batch.items.device).repeat_interleave(copies)
        return Restoring(self, self.guidance(frame)[rows], frame.of_rows(rows))

    def sample(
        self,
        predict: Predict,
        x_start: Tensor,
        step_noise: Tensor,
        diffusion: Diffusion,
        record: Callable[[int, Tensor, Tensor], None] | None = None,
    ) -> Tensor:
        """The usual reverse process, with lambda drawn afresh at every step: for each user by the noise that the process starts from, so
        that an answer depends on seed and user alone."""
        if isinstance(predict, Restoring) and predict.spread is None and self.config.noise_weight_std:
            predict = replace(predict, spread=partial(_spread, x_start, predict.frame.items.shape[1], self.config.length))
        return reverse_process(predict, x_start, step_noise, diffusion, record)

    def noise_share(self, batch: PackedBatch, x: Tensor) -> Tensor:
        """Length of lambda x, with lambda its mean, over that of each user's last row."""
        return self.config.noise_weight * x.norm(dim=-1) / self.guidance(Frame.of(batch, self.config.padding))[:, -1].norm(dim=-1)

    # -- recorded numbers -----------------------------------------------------------------------------------------

    def official_names(self) -> Mapping[str, tuple[str, ...]]:
        names = {ITEM_TABLE: (ITEM_TABLE,), **block_names("transformer", "diffu.net.transencoder", self.config.blocks)}
        for part in ("weight", "bias"):
            names |= {f"hist_norm.{part}": (f"hist_norm.{part}",), f"transformer.norm.{part}": (f"diffu.net.norm_diffu_rep.{part}",)}
            names |= {f"time_embed.{i}.{part}": (f"diffu.net.time_embed.{i}.{part}",) for i in (0, 2)}
        return names

    def replayed(self, recording: Recording) -> Mapping[str, tuple[Tensor, Tensor]]:
        batch, table = recording.batch, self.item_embedding.weight
        t, eps, drawn = (recording.users(name) for name in ("t", "noise", "lambda_noise"))
        frame = Frame.of(batch, "sink")
        x_t = q_sample(table[batch.targets[batch.last]], t, eps[:, -1], self.alpha_bar)
        out = self.denoise(self.history(frame), x_t, t, frame, drawn, last=False)
        found = {
            "x_t": (x_t, recording.users("x_t")[:, -1]),
            "out": (recording.at_tokens(out), recording.tokens("out")),
            "ce": (last_item_loss(self(batch, t, eps[:, -1], drawn), table, batch), torch.as_tensor(recording.values["ce"])),
        }
        spreads = recording.users("step_lambda_noise", 1).flip(0)
        start, noise = recording.users("init_noise")[:, 0], recording.users("step_noise", 1)[:, :, 0]
        last = self.sample(replace(self.last_token(batch), spread=spreads.__getitem__), start, noise, self.diffusion)
        return found | {"last": (last, recording.users("last")), "scores": (last @ table.T, recording.users("scores"))}


def _spread(x_start: Tensor, width: int, length: int, t: int) -> Tensor:
    """What is drawn of lambda at step t, (M, L, D): each row's numbers by the bits of its x_start (M, D); of a frame that leaves pads out,
    as of a whole one."""
    drawn, generator = torch.empty(len(x_start), length, x_start.shape[1]), torch.Generator()
    for row, bits in enumerate(x_start.cpu().contiguous().numpy().view(np.uint32)):
        generator.manual_seed(int(np.random.SeedSequence([*bits[:4].tolist(), t]).generate_state(1, np.uint64)[0]) >> 1)
        torch.randn(drawn.shape[1:], generator=generator, out=drawn[row])
    return drawn[:, length - width :]
