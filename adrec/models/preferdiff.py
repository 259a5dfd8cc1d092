"""PreferDiff (Liu et al., ICLR 2025, arXiv 2410.13117): DreamRec's generator with a loss that prefers the target to other items.

The target's embedding and the mean of the other targets of the batch are noised to the same t and estimated; the loss is the target's
distance in cosines, and that it be smaller than the other's. Answers come from DDIM in few steps, with classifier-free guidance.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import FRACTION, require, setting
from adrec.data.batches import PackedBatch
from adrec.diffusion import Diffusion, Predict, ddim_process, q_sample
from adrec.models.attention import Layout, looked_up
from adrec.models.base import Between, Preset, register
from adrec.models.blocks import CausalTransformer, TransformerConfig, dropout
from adrec.models.conditioned import initialise_layers, time_features
from adrec.models.neural import DiffusionConfig, DiffusionModel
from adrec.models.prefixes import PrefixConfig, PrefixTrained
from adrec.models.rng import RandomSource

TRAINING = {"batch_size": 48, "epochs": 150, "weight_decay": 0.0, "validate_every": 5, "patience": 10}
"""48 users give about as many sequences a step as the original's 256, with a tenth of the prefixes of MovieLens-100K."""


@dataclass(frozen=True)
class PreferDiffConfig(TransformerConfig, PrefixConfig, DiffusionConfig):
    """distance_weight: lambda, the share of the target's own distance in the loss, the rest being the preference; sharpness: gamma, how
    steeply that falls. condition_drop, guidance: the share of conditions replaced in training by a learnt one that stands for no history,
    and the weight w of the condition against it in an answer, (1 + w) cond - w uncond."""

    hidden_size: int = setting(128, "Width D", "How many numbers describe an item; the original takes 3072.", (64, 128, 256, 512))
    length: int = 10
    blocks: int = 1
    heads: int = 2
    padding: str = "masked"
    embedding_dropout: float = 0.1
    timesteps: int = 2000
    schedule: str = "ddpm"
    sampling_steps: int = 21
    distance_weight: float = 0.5
    sharpness: float = 5.0
    condition_drop: float = 0.1
    guidance: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.distance_weight <= 1, "distance_weight", self.distance_weight, "a number from 0 to 1")
        require(self.sharpness > 0, "sharpness", self.sharpness, "a number above 0")
        require(0 <= self.condition_drop < 1, "condition_drop", self.condition_drop, FRACTION)
        require(self.guidance >= 0, "guidance", self.guidance, "a number of at least 0")
        unguided = self.guidance == 0 or self.condition_drop > 0
        require(unguided, "guidance", self.guidance, "0 where condition_drop = 0, which trains no denoiser without a condition")


@register
class PreferDiff(PrefixTrained, DiffusionModel):
    """The parameter ``nothing`` takes the place of the conditions that are dropped."""

    name = "preferdiff"
    title = "PreferDiff"
    source = "Liu et al., ICLR 2025 (arXiv 2410.13117), and facts read off the authors' code; item ids alone, no texts"
    differences = (
        "64 to 512 numbers an item instead of 3072; this project's blocks and time features; prefixes are drawn anew each epoch; selected "
        "by NDCG@10 instead of recall@5. Losses are means over the whole batch, which one worker computes"
    )
    Config = PreferDiffConfig
    presets = {
        "preferdiff": Preset(
            "PreferDiff",
            "DDIM in 21 of 2,000 noise levels, guided by the history. Its published settings but for the width, and learning ten times as "
            "fast, as far fewer steps need.",
            TRAINING,
        ),
        "preferdiff-original": Preset("PreferDiff, its own learning rate", "The same with the published 0.0001.", {**TRAINING, "lr": 1e-4}),
        "preferdiff-wide": Preset(
            "PreferDiff, 512 wide",
            "The widest that is affordable here: its author says that a random item table needs width.",
            {**TRAINING, "hidden_size": 512},
        ),
    }
    space = {
        **PrefixTrained.space,
        "lr": Between(1e-4, 1e-2, log=True),
        "hidden_size": (64, 128, 256, 512),
        "distance_weight": Between(0.4, 0.6),
        "guidance": Between(2.0, 8.0),
    }
    loss_names = ("preference",)
    config: PreferDiffConfig
    time_table: Tensor

    def __init__(self, config: PreferDiffConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.item_embedding = nn.Embedding(config.n_items + 1, width)
        self.position_embedding = nn.Embedding(config.length, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.encoder = CausalTransformer(config.blocks, width, config.heads, config.dropout)
        self.nothing = nn.Parameter(torch.zeros(width))
        self.time_embed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.denoiser = nn.Linear(3 * width, width)
        self.register_buffer("time_table", time_features(torch.arange(config.timesteps), config.timesteps, width), persistent=False)

    def initialise(self, generator: torch.Generator) -> None:
        """Items, places and the condition of no history N(0, 1); the layers as ADRec's."""
        initialise_layers(self, (self.encoder,), generator)
        for weight in (self.item_embedding.weight, self.position_embedding.weight, self.nothing):
            weight.data.normal_(0, 1, generator=generator)

    # -- the parts ------------------------------------------------------------------------------------------------

    def condition(self, batch: PackedBatch, rng: RandomSource | None = None) -> Tensor:
        """The encoder's output at each sequence's last item, (B, D)."""
        layout = Layout.of(batch, self.config.padding, positions=True)
        h = self.norm(looked_up(batch, layout, self.item_embedding.weight, self.position_embedding.weight))
        return self.encoder(dropout(h, self.config.embedding_dropout, rng, layout.tokens), layout, rng)[batch.last]

    def denoise(self, condition: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """x0_hat, each row on its own. condition, x: (B, D), t: (B,) -> (B, D)."""
        return self.denoiser(torch.cat([x, condition, self.time_embed(self.time_table[t])], -1))

    # -- training -------------------------------------------------------------------------------------------------

    def parts(self, batch: PackedBatch) -> list[PackedBatch]:
        """The batch itself: what is preferred to what is a mean over all of it."""
        return [batch]

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """lambda L+ - (1 - lambda) log sigmoid(-gamma (L+ - L-)), L+ and L- being the mean distances of both estimates."""
        config, count = self.config, len(batch.lengths)
        positive = F.embedding(batch.targets[batch.last], self.item_embedding.weight)
        negative = (positive.sum(0) - positive) / max(count - 1, 1)
        condition = self.condition(batch, rng)
        if config.condition_drop:
            condition = torch.where(rng.keep((count, 1), config.condition_drop) > 0, condition, self.nothing)
        t = rng.timesteps(config.timesteps, count)

        def distance(x_0: Tensor) -> Tensor:
            x_t = q_sample(x_0, t, rng.normal(*x_0.shape), self.alpha_bar)
            return (F.cosine_similarity(self.denoise(condition, x_t, t), x_0) - 1).square().mean()

        own, other = distance(positive), distance(negative)
        preference = -F.logsigmoid(-config.sharpness * (own - other))
        return {"preference": config.distance_weight * own + (1 - config.distance_weight) * preference}

    # -- inference ------------------------------------------------------------------------------------------------

    @property
    def about_steps(self) -> str:
        words = (
            f"Each step guesses again at one of the {self.config.timesteps:,} noise levels and jumps to a lower one without adding noise "
            "(DDIM): only the start is random."
        )
        if not self.config.guidance:
            return words
        return f"{words} Its guess is moved away from that without a history (guidance, w = {self.config.guidance:g})."

    def last_token(self, batch: PackedBatch, copies: int = 1) -> Predict:
        """The guided denoiser of each user's next item: see `DiffusionModel`."""
        condition = self.condition(batch).repeat_interleave(copies, 0)
        w = self.config.guidance

        def predict(x: Tensor, t: int) -> Tensor:
            when = torch.full((len(x),), t, device=x.device)
            guided = self.denoise(condition, x, when)
            return (1 + w) * guided - w * self.denoise(self.nothing.expand_as(x), x, when) if w else guided

        return predict

    def sample(
        self,
        predict: Predict,
        x_start: Tensor,
        step_noise: Tensor,
        diffusion: Diffusion,
        record: Callable[[int, Tensor, Tensor], None] | None = None,
    ) -> Tensor:
        return ddim_process(predict, x_start, diffusion, record)
