"""DiffRec (Du et al., "Sequential Recommendation with Diffusion Models", arXiv 2304.04541): only the next item is noised.

The rows of a Transformer are the clean history's items and, last, the noised target; the last output is the guess of the target, and an
output matrix of its own makes it scores. It answers in one step from pure noise, several times over, and the guesses are averaged.
Not the model of the same name for ratings without order (Wang et al., SIGIR 2023).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import TrainConfig, require
from adrec.data.batches import PackedBatch
from adrec.diffusion import Diffusion, Predict, betas, q_sample
from adrec.losses.full import last_item_loss
from adrec.models.attention import Layout
from adrec.models.base import Between, Preset, Stage, register
from adrec.models.blocks import CausalTransformer, KeyValueCache, TransformerConfig, dropout
from adrec.models.conditioned import initialise_layers, time_features
from adrec.models.neural import DiffusionConfig, DiffusionModel
from adrec.models.prefixes import PrefixConfig, PrefixTrained
from adrec.models.rng import RandomSource


@dataclass(frozen=True)
class DiffRecConfig(TransformerConfig, DiffusionConfig, PrefixConfig):
    """sampling_steps: K, how many one-step answers are averaged; a step of this model is one of them. padding: masked, since what is
    added to every row, the time, differs between sequences and pads are shared by all of them. table_std: of the numbers that items and
    places start with."""

    padding: str = "masked"
    sampling_steps: int = 10
    table_std: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.table_std > 0, "table_std", self.table_std, "a number above 0")
        require(self.padding == "masked", "padding", self.padding, "masked, the only one that this model has")


@register
class DiffRec(PrefixTrained, DiffusionModel):
    """Input row of an item: its embedding, its place's and the time's; last row: the noised target in place of an embedding."""

    name = "diffrec"
    title = "DiffRec"
    source = "Du et al. 2023 (arXiv 2304.04541), from the paper's text; no code of the authors is known"
    differences = (
        "not published and taken from the ADRec authors' code: T = 32, its noise schedule, uniform t, causal attention, blocks, norms and "
        "dropout, a table N(0, 0.1); chosen here: K = 10 answers averaged (steps count them), masked pads, cross-entropy as the only loss"
    )
    Config = DiffRecConfig
    presets = {
        "diffrec": Preset(
            "DiffRec",
            "Only the next item is noised, the history stays clean; ten answers of one step each are averaged.",
            {"batch_size": 16, "epochs": 60, "validate_every": 4, "patience": 5},
        ),
    }
    space = {**PrefixTrained.space, "embedding_dropout": Between(0.0, 0.5), "blocks": (1, 2, 3)}
    loss_names = ("ce",)
    config: DiffRecConfig
    time_table: Tensor

    @classmethod
    def stages(cls, config: DiffRecConfig, train: TrainConfig) -> list[Stage]:
        expected = "full: sampled negatives are rows of the item table, and DiffRec scores by a matrix of its own"
        require(train.loss == "full", "loss", train.loss, expected)
        return super().stages(config, train)

    def __init__(self, config: DiffRecConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.item_embedding = nn.Embedding(config.n_items + 1, width)
        self.position_embedding = nn.Embedding(config.length + 1, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.encoder = CausalTransformer(config.blocks, width, config.heads, config.dropout)
        self.time_embed = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))
        self.output = nn.Linear(width, config.n_items + 1)
        self.start_std = float(betas(config.schedule, config.timesteps)[0]) ** 0.5
        self.register_buffer("time_table", time_features(torch.arange(config.timesteps), config.timesteps, width), persistent=False)

    def initialise(self, generator: torch.Generator) -> None:
        """Items and places N(0, table_std); the layers as ADRec's."""
        initialise_layers(self, (self.encoder,), generator)
        for table in (self.item_embedding, self.position_embedding):
            table.weight.data.normal_(0, self.config.table_std, generator=generator)

    # -- scores ---------------------------------------------------------------------------------------------------

    @property
    def output_table(self) -> Tensor:
        """The output matrix with its bias as one more column, (V + 1, D + 1)."""
        return torch.cat([self.output.weight, self.output.bias.unsqueeze(1)], 1)

    def scorable(self, x_0: Tensor) -> Tensor:
        return F.pad(x_0, (0, 1), value=1.0)

    # -- training -------------------------------------------------------------------------------------------------

    def noised(self, batch: PackedBatch, t: Tensor, start: Tensor, eps: Tensor) -> Tensor:
        """Each target at its noise level, (B, D): h_0 ~ N(E[target], beta_0 I), noised to t (B,). start, eps: (B, D) standard normal."""
        h_0 = F.embedding(batch.targets[batch.last], self.item_embedding.weight) + self.start_std * start
        return q_sample(h_0, t, eps, self.alpha_bar)

    def rows(self, batch: PackedBatch, x: Tensor, t: Tensor) -> tuple[Tensor, Layout, Tensor]:
        """The Transformer's input (N + B, D), each history followed by x, its layout, and where the last rows are. x: (B, D), t: (B,)."""
        lengths, device = batch.lengths + 1, x.device
        last = np.cumsum(lengths) - 1
        order = np.empty(lengths.sum(), dtype=np.int64)  # of each row among the histories' items and then the x
        order[last] = batch.tokens + np.arange(len(lengths))
        order[np.delete(np.arange(len(order)), last)] = np.arange(batch.tokens)
        places = torch.cat([batch.positions, torch.full((len(lengths),), batch.frame, device=device)])
        h = torch.cat([F.embedding(batch.items, self.item_embedding.weight), x]) + F.embedding(places, self.position_embedding.weight)
        layout = Layout(lengths, 0, batch.frame + 1, device)
        time = self.time_embed(self.time_table)[t].repeat_interleave(torch.from_numpy(lengths).to(device), 0)
        return h[torch.from_numpy(order).to(device)] + time, layout, torch.from_numpy(last).to(device)

    def forward(self, batch: PackedBatch, x: Tensor, t: Tensor, rng: RandomSource | None = None) -> Tensor:
        """The guess of each clean target, (B, D). x: (B, D) noised targets, t: (B,)."""
        h, layout, last = self.rows(batch, x, t)
        return self.encoder(dropout(self.norm(h), self.config.embedding_dropout, rng), layout, rng)[last]

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """Cross-entropy of each sequence's target, the mean over sequences."""
        users, width = len(batch.lengths), self.config.hidden_size
        t = rng.timesteps(self.config.timesteps, users)
        x = self.noised(batch, t, rng.normal(users, width), rng.normal(users, width))
        return {"ce": last_item_loss(self.scorable(self(batch, x, t, rng)), self.output_table, batch)}

    # -- inference ------------------------------------------------------------------------------------------------

    @property
    def about_steps(self) -> str:
        return (
            "Each step is a guess of its own, in one step from fresh noise; x̂₀ is the average of the guesses so far, and the list is that "
            "of the average."
        )

    def last_token(self, batch: PackedBatch, copies: int = 1) -> Predict:
        """The denoiser of each user's last row: see `DiffusionModel`. What attention needs of the history is kept, for one t at a time."""
        layout = Layout(batch.lengths, 0, batch.frame, batch.items.device)
        history = F.embedding(batch.items, self.item_embedding.weight) + F.embedding(batch.positions, self.position_embedding.weight)
        time, place = self.time_embed(self.time_table), self.position_embedding.weight[batch.frame]
        kept: dict[int, KeyValueCache] = {}

        def predict(x: Tensor, t: int) -> Tensor:
            if t not in kept:
                kept.clear()
                kept[t] = KeyValueCache(self.encoder, self.norm(history + time[t]), layout, copies)
            return kept[t].last_token(self.norm(x + place + time[t]))

        return predict

    def sample(
        self,
        predict: Predict,
        x_start: Tensor,
        step_noise: Tensor,
        diffusion: Diffusion,
        record: Callable[[int, Tensor, Tensor], None] | None = None,
    ) -> Tensor:
        """The mean of as many one-step answers as there are steps, each from pure noise at the noisiest t."""
        t, mean = int(diffusion.timesteps[-1]), torch.zeros_like(x_start)
        for number, start in enumerate((x_start, *step_noise[:-1]), start=1):
            mean = mean + (predict(start, t) - mean) / number
            if record is not None:
                record(t, mean, mean)
        return mean
