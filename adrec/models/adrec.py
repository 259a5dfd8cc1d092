"""ADRec (KDD 2025, arXiv 2505.19544): a causal encoder reads the history, a denoiser restores each noised target."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import TrainConfig, require, require_integers, require_words, setting
from adrec.data.batches import PackedBatch
from adrec.diffusion import q_sample
from adrec.losses.full import next_item_loss, token_error
from adrec.models.attention import Layout, with_pads
from adrec.models.base import Between, Preset, Stage, register
from adrec.models.blocks import CausalTransformer, KeyValueCache, TransformerConfig
from adrec.models.conditioned import ConditionedConfig, ConditionedModel, initialise_layers
from adrec.models.rng import RandomSource
from adrec.models.sasrec import SASRec, SASRecConfig

OBJECTIVES = {"both": ("ce", "mse"), "ce": ("ce",), "mse": ("mse",)}


@dataclass(frozen=True)
class ADRecConfig(ConditionedConfig):
    """Defaults are the paper's.

    noise_weight: lambda, how much of the noised token reaches the denoiser. pretrain: whether there is a stage 1; warmup_epochs: of
    stage 2, which shares its schedule with stage 3; warmup_drift: let weight decay move the "frozen" table as the official code does;
    objective: which of the two losses are minimised; pcgrad: project their conflicting gradients.
    """

    noise_weight: float = setting(
        0.001,
        "Noise weight λ",
        "λ: how much of the noised item reaches the denoiser. At the paper's 0.001 it hardly does, so 1 denoising step gives the same "
        "ranking as 32; at 1 the noise matters.",
        (0.0, 0.001, 0.01, 0.1, 1.0),
    )
    denoiser: str = "transformer"
    pretrain: bool = True
    warmup_epochs: int = setting(5, "Warm-up epochs", "Epochs in which the item table is frozen while the new denoiser learns to use it.")
    warmup_drift: bool = setting(
        False,
        "Let the frozen table drift, as the official code does",
        "The official code's “frozen” table still shrinks, because weight decay goes on. Off: truly frozen, as the paper says.",
    )
    objective: str = "both"
    pcgrad: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.noise_weight >= 0, "noise_weight", self.noise_weight, "a number of at least 0")
        require_integers(self, {"warmup_epochs": (0, 1_000_000)})
        require_words(self, {"denoiser": ("transformer", "mlp"), "objective": tuple(OBJECTIVES)})


class MLPDenoiser(nn.Module):
    """The paper's smaller denoiser: each token on its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide, self.narrow, self.norm = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.LayerNorm(width)

    def forward(self, h: Tensor) -> Tensor:
        return self.norm(self.narrow(F.silu(self.wide(h))))


@register
class ADRec(ConditionedModel):
    """The denoiser's input is c + lambda (x_t + time(t)), the condition and the noised target of the same token."""

    name = "adrec"
    title = "ADRec"
    source = "Chen, Xu & Jiang, KDD 2025 (arXiv 2505.19544), sections 3 and 4, and the authors' code (Nemo-1024/ADRec)"
    differences = (
        "the warm-up's table is truly frozen, pads get no dropout, and validation NDCG@10 alone selects and stops (docs/DECISIONS.md)"
    )
    Config = ADRecConfig
    abilities = (*ConditionedModel.abilities, "browser")
    presets = {
        "paper": Preset(
            "ADRec",
            "The paper's settings: each stage ends when validation NDCG@10 has not improved four times. MovieLens-100K took 12 minutes on "
            "two cores without a GPU.",
        ),
        "quick": Preset(
            "ADRec, a quick look",
            "Half the width, fewer epochs, a higher learning rate: for a first look, not for figures to quote.",
            {"hidden_size": 64, "epochs": 40, "lr": 3e-3, "patience": 2},
        ),
        "no-pretrain": Preset(
            "ADRec without stage 1",
            "The item table starts at random and is first trained in the fine-tuning. What the pre-training is good for.",
            {"pretrain": False},
        ),
        "no-warmup": Preset(
            "ADRec without stage 2",
            "The untrained denoiser moves the pre-trained table from the first step. What the warm-up is good for.",
            {"warmup_epochs": 0},
        ),
        "warmup-drift": Preset(
            "ADRec with a drifting warm-up",
            "As the official code runs it: weight decay goes on shrinking the table that the warm-up should leave alone.",
            {"warmup_drift": True},
        ),
        "one-t": Preset(
            "ADRec with one noise level a history",
            "One noise level for a whole history instead of one for each of its items.",
            {"timestep_per": "sequence"},
        ),
        "mse-only": Preset(
            "ADRec with squared error alone",
            "It only minimises the squared error to the target's embedding, which is itself trained: nothing but the selection by "
            "validation keeps the table from shrinking onto one point.",
            {"objective": "mse"},
        ),
        "ce-only": Preset("ADRec with cross-entropy alone", "It only minimises the cross-entropy over the catalogue.", {"objective": "ce"}),
        "frozen-random": Preset(
            "ADRec on a frozen random table",
            "A random item table that is never trained: what is left to learn without it.",
            {"pretrain": False, "frozen_table": True},
        ),
    }
    space = {**ConditionedModel.space, "embedding_dropout": Between(0.0, 0.5), "noise_weight": (0.0, 0.001, 0.01, 0.1, 1.0)}
    config: ADRecConfig

    @classmethod
    def stages(cls, config: ADRecConfig, train: TrainConfig) -> list[Stage]:
        """Pre-training of the item table in SASRec, warm-up with that table frozen, fine-tuning of everything."""
        first = config.warmup_epochs
        require(first < train.epochs, "warmup_epochs", first, f"less than epochs = {train.epochs}")
        touched = config.warmup_drift and train.loss == "sampled"
        require(not touched, "warmup_drift", config.warmup_drift, "false with loss = sampled, which updates touched rows only")
        shared = {field.name: getattr(config, field.name) for field in dataclasses.fields(TransformerConfig)}
        pretrain = [Stage("pretrain", SASRec, SASRecConfig(**shared), 0, train.epochs)] if config.pretrain else []
        warmup = Stage("warmup", cls, config, 0, first, frozen_table=True, selects=False, drift=config.warmup_drift, pcgrad=config.pcgrad)
        finetune = Stage("finetune", cls, config, first, train.epochs, continues=first > 0, frozen_table=train.frozen_table)
        finetune = dataclasses.replace(finetune, drift=config.warmup_drift, pcgrad=config.pcgrad)
        return [*pretrain, *([warmup] if first else []), finetune]

    def __init__(self, config: ADRecConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.loss_names = OBJECTIVES[config.objective]
        self.denoiser: nn.Module = (
            CausalTransformer(config.blocks, width, config.heads, config.dropout)
            if config.denoiser == "transformer"
            else MLPDenoiser(width)
        )

    def initialise(self, generator: torch.Generator) -> None:
        """Weights of the blocks Xavier-normal, the rest as torch does by default; drawn from ``generator``."""
        initialise_layers(self, (self.encoder, self.denoiser), generator)
        self.item_embedding.weight.data.normal_(0, 0.1, generator=generator)

    # -- the parts ------------------------------------------------------------------------------------------------

    def denoiser_input(self, condition: Tensor, x: Tensor, time: Tensor) -> Tensor:
        """c + lambda (x_t + time). condition, x: (M, D), time: (M, D) or (D,), rows of the embedded ``time_table``."""
        return condition + self.config.noise_weight * (x + time)

    def denoise(self, condition: Tensor, x: Tensor, t: Tensor, layout: Layout, rng: RandomSource | None = None) -> Tensor:
        """x0_hat of every token. condition: (N + P, D), x: (N, D), t: (N,) -> (N, D). Pads enter clean, at t = 0."""
        time = self.time_embed(self.time_table)[F.pad(t, (0, layout.prefix))]
        h = self.denoiser_input(condition, with_pads(x, self.item_embedding.weight, layout.prefix), time)
        if isinstance(self.denoiser, MLPDenoiser):
            return self.denoiser(h[: layout.tokens])
        return self.denoiser(h, layout, rng)[: layout.tokens]

    # -- training -------------------------------------------------------------------------------------------------

    def forward(self, batch: PackedBatch, t: Tensor, eps: Tensor, rng: RandomSource | None = None) -> tuple[Tensor, Tensor]:
        """(x0_hat, x_0), both (N, D), for one timestep t (N,) and one noise eps (N, D) a token."""
        layout = self.layout(batch)
        x_0 = F.embedding(batch.targets, self.item_embedding.weight)
        x_t = q_sample(x_0, t, eps, self.alpha_bar)
        return self.denoise(self.encode(batch, layout, rng), x_t, t, layout, rng), x_0

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """The losses of the objective, whose mean is minimised; timesteps, noise and dropout drawn from ``rng``."""
        x0_hat, x_0 = self(batch, self.draw_timesteps(batch, rng), rng.normal(batch.tokens, self.config.hidden_size), rng)
        losses = {}
        if "ce" in self.loss_names:
            losses["ce"] = next_item_loss(x0_hat, self.item_embedding.weight, batch)
        if "mse" in self.loss_names:
            losses["mse"] = token_error(x0_hat, x_0, batch.token_weights)
        return losses

    # -- inference ------------------------------------------------------------------------------------------------

    def last_token(self, batch: PackedBatch, copies: int = 1) -> Callable[[Tensor, int], Tensor]:
        """The denoiser of each user's last token as a function (x_t (B * copies, D), t) -> x0_hat of the same shape.

        The history is encoded once and its keys and values are kept: it stays clean (x = E[next item], t = 0), and
        causality makes it independent of the last token. copies: several noise seeds for each user, user by user. Run through the
        steps by `DiffusionModel.answers`.
        """
        layout, last = self.layout(batch), batch.last
        condition = self.encode(batch, layout)
        of_last = condition[last].repeat_interleave(copies, 0)
        time = self.time_embed(self.time_table)
        if isinstance(self.denoiser, MLPDenoiser):
            net: Callable[[Tensor], Tensor] = self.denoiser
        else:
            net = self._history_cache(batch, condition, layout, copies, time[0]).last_token
        return lambda x, t: net(self.denoiser_input(of_last, x, time[t]))

    def noise_share(self, batch: PackedBatch, x: Tensor) -> Tensor:
        """Length of lambda x over that of the condition of each user's last token."""
        return self.config.noise_weight * x.norm(dim=-1) / self.encode(batch)[batch.last].norm(dim=-1)

    def _history_cache(self, batch: PackedBatch, condition: Tensor, layout: Layout, copies: int, time: Tensor) -> KeyValueCache:
        assert isinstance(self.denoiser, CausalTransformer)
        history = torch.from_numpy(np.delete(np.arange(batch.tokens), np.cumsum(batch.lengths) - 1)).to(condition.device)
        table = self.item_embedding.weight
        x = with_pads(F.embedding(batch.targets[history], table), table, layout.prefix)
        clean = torch.cat([condition[history], condition[batch.tokens :]])
        h = self.denoiser_input(clean, x, time)
        # the frame is one shorter as well, so that the number of pads is the same
        return KeyValueCache(self.denoiser, h, Layout(layout.lengths - 1, layout.prefix, layout.frame - 1, layout.device), copies)
