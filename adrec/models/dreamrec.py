"""DreamRec (Yang et al., NeurIPS 2023, arXiv 2310.20453): the next item's embedding is generated from noise, guided by the history.

Squared error on a trainable item table is its only loss. Two forms of the denoiser: the ADRec harness's four linear layers
(recorded in ``golden/dreamrec.npz``) and the original's single one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import FRACTION, require, require_words
from adrec.data.batches import PackedBatch
from adrec.diffusion import q_sample
from adrec.losses.full import token_error
from adrec.models.attention import Layout, looked_up
from adrec.models.base import Preset, register
from adrec.models.blocks import dropout
from adrec.models.conditioned import ConditionedConfig, ConditionedModel, initialise_layers
from adrec.models.rng import RandomSource


@dataclass(frozen=True)
class DreamRecConfig(ConditionedConfig):
    """positions: a learned embedding of each place is added to the history. targets: the loss is at each user's last position or at
    all. infer_from: the reverse process is conditioned on the encoder's output or, as the ADRec harness does, on the last item's
    embedding. condition_drop, guidance: classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598): the share of
    conditions replaced in training by an untrained one, and the weight of the condition against it in the reverse process.
    """

    positions: bool = False
    denoiser: str = "mlp"
    targets: str = "last"
    infer_from: str = "encoder"
    condition_drop: float = 0.0
    guidance: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.condition_drop < 1, "condition_drop", self.condition_drop, FRACTION)
        require(self.guidance >= 0, "guidance", self.guidance, "a number of at least 0")
        unguided = self.guidance == 0 or self.condition_drop > 0
        require(unguided, "guidance", self.guidance, "0 where condition_drop = 0, which trains no denoiser without a condition")
        require_words(self, {"denoiser": ("mlp", "linear"), "targets": ("last", "all"), "infer_from": ("encoder", "item")})


class HarnessDenoiser(nn.Module):
    """[x; time; condition] (M, 3 D) -> (M, D): two pairs of linear layers with SiLU, then a layer norm."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.p = dropout
        self.wide1, self.narrow1 = nn.Linear(3 * width, 4 * width), nn.Linear(4 * width, width)
        self.wide2, self.narrow2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, h: Tensor, rng: RandomSource | None = None) -> Tensor:
        h = self.narrow1(dropout(F.silu(self.wide1(h)), self.p, rng))
        return self.norm(self.narrow2(dropout(F.silu(self.wide2(h)), self.p, rng)))


class LinearDenoiser(nn.Linear):
    """[x; time; condition] (M, 3 D) -> (M, D)."""

    def __init__(self, width: int) -> None:
        super().__init__(3 * width, width)

    def forward(self, h: Tensor, rng: RandomSource | None = None) -> Tensor:
        return super().forward(h)


@register
class DreamRec(ConditionedModel):
    """The parameter ``nothing`` takes the place of the conditions that are dropped."""

    name = "dreamrec"
    title = "DreamRec"
    source = "Yang et al., NeurIPS 2023 (arXiv 2310.20453), and as the ADRec authors' code compares it"
    differences = "this project's blocks, time embedding, learning rate and selection (docs/DECISIONS.md)"
    Config = DreamRecConfig
    abilities = (*ConditionedModel.abilities, "browser")
    presets = {
        "dreamrec-harness": Preset(
            "DreamRec, as ADRec's authors compare it",
            "At inference the history's encoder is skipped and the last item alone is the condition.",
            {"timestep_per": "sequence", "infer_from": "item"},
        ),
        "dreamrec-harness-fixed": Preset(
            "DreamRec, as ADRec's authors compare it, with its encoder in use",
            "As ADRec's authors compare it, but with the encoder at inference too, as it was trained.",
            {"timestep_per": "sequence"},
        ),
        "dreamrec-original": Preset(
            "DreamRec, its own settings",
            "Its published settings (those for YooChoose: 500 steps, exponential schedule, guidance 2, 64 numbers an item) on this "
            "project's blocks.",
            {"denoiser": "linear", "hidden_size": 64, "blocks": 1, "heads": 1, "positions": True, "embedding_dropout": 0.1}
            | {"timesteps": 500, "schedule": "exp", "targets": "all", "condition_drop": 0.1, "guidance": 2.0}
            | {"batch_size": 16, "epochs": 200, "weight_decay": 0.0, "validate_every": 10, "patience": 200},
        ),
        "dreamrec-long": Preset(
            "DreamRec, trained long",
            "Every position as a target and thousands of steps, without an early stop: does its item table ever leave its start?",
            {"targets": "all", "batch_size": 32, "epochs": 100, "validate_every": 10, "patience": 100},
        ),
    }
    space = {**ConditionedModel.space, "batch_size": (16, 32, 128, 512), "targets": ("last", "all")}
    loss_names = ("mse",)
    config: DreamRecConfig

    def __init__(self, config: DreamRecConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        if config.positions:
            self.position_embedding = nn.Embedding(config.length, width)
        if config.condition_drop:
            self.nothing = nn.Parameter(torch.zeros(width))
        self.denoiser = LinearDenoiser(width) if config.denoiser == "linear" else HarnessDenoiser(width, config.dropout)

    def initialise(self, generator: torch.Generator) -> None:
        """Item table, positions and the empty condition N(0, 1); the layers as ADRec's."""
        initialise_layers(self, (self.encoder,), generator)
        tables = [getattr(self, name) for name in ("item_embedding", "position_embedding") if hasattr(self, name)]
        for weight in [table.weight for table in tables] + ([self.nothing] if self.config.condition_drop else []):
            weight.data.normal_(0, 1, generator=generator)

    # -- the parts ------------------------------------------------------------------------------------------------

    def layout(self, batch: PackedBatch) -> Layout:
        return Layout.of(batch, self.config.padding, self.config.positions)

    def history(self, batch: PackedBatch, layout: Layout) -> Tensor:
        positions = self.position_embedding.weight if self.config.positions else None
        return looked_up(batch, layout, self.item_embedding.weight, positions)

    def denoise(self, condition: Tensor, x: Tensor, t: Tensor, rng: RandomSource | None = None) -> Tensor:
        """x0_hat, each row on its own. condition, x: (M, D), t: (M,) -> (M, D)."""
        return self.denoiser(torch.cat([x, self.time_embed(self.time_table)[t], condition], -1), rng)

    # -- training -------------------------------------------------------------------------------------------------

    def forward(self, batch: PackedBatch, t: Tensor, eps: Tensor, rng: RandomSource | None = None) -> tuple[Tensor, Tensor]:
        """(x0_hat, x_0), both (M, D), at the positions of ``chosen``. t: (M,), eps: (M, D)."""
        chosen = self.chosen(batch)
        x_0 = F.embedding(batch.targets[chosen], self.item_embedding.weight)
        condition = self._dropped(self.encode(batch, rng=rng)[: batch.tokens][chosen], rng)
        return self.denoise(condition, q_sample(x_0, t, eps, self.alpha_bar), t, rng), x_0

    def chosen(self, batch: PackedBatch) -> Tensor | slice:
        """The tokens that the loss is at: each user's last, or all."""
        return batch.last if self.config.targets == "last" else slice(None)

    def _dropped(self, condition: Tensor, rng: RandomSource | None) -> Tensor:
        """Each row replaced by ``nothing`` with the probability config.condition_drop, in training alone."""
        if rng is None or not self.config.condition_drop:
            return condition
        kept = rng.keep((len(condition), 1), self.config.condition_drop) > 0
        return torch.where(kept, condition, self.nothing)

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """The squared error, mean over D, over each user's chosen tokens and over users."""
        t = self.draw_timesteps(batch, rng)[self.chosen(batch)]
        x0_hat, x_0 = self(batch, t, rng.normal(len(t), self.config.hidden_size), rng)
        weights = batch.user_weights if self.config.targets == "last" else batch.token_weights
        return {"mse": token_error(x0_hat, x_0, weights)}

    # -- inference ------------------------------------------------------------------------------------------------

    def last_token(self, batch: PackedBatch, copies: int = 1) -> Callable[[Tensor, int], Tensor]:
        """The denoiser of each user's last token: see `DiffusionModel`. With guidance w it answers
        (1 + w) x0_hat(condition) - w x0_hat(nothing)."""
        if self.config.infer_from == "item":
            condition = self.hist_norm(self.history(batch, self.layout(batch)))[batch.last]
        else:
            condition = self.encode(batch)[batch.last]
        condition = condition.repeat_interleave(copies, 0)
        time, w = self.time_embed(self.time_table), self.config.guidance

        def predict(x: Tensor, t: int) -> Tensor:
            of_time = time[t].expand_as(x)
            guided = self.denoiser(torch.cat([x, of_time, condition], -1))
            if not w:
                return guided
            return (1 + w) * guided - w * self.denoiser(torch.cat([x, of_time, self.nothing.expand_as(x)], -1))

        return predict
