"""Models that torch trains, and those among them that answer by a reverse process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from adrec.config import ModelConfig, TrainConfig, require, require_integers, require_words
from adrec.data.batches import PART_TOKENS, PackedBatch, training_batch
from adrec.data.dataset import SequenceDataset
from adrec.diffusion import Diffusion, Predict, reverse_process, user_noise
from adrec.diffusion.schedules import SCHEDULES, betas
from adrec.errors import DataError
from adrec.models.base import Between, Model, Space, Stage
from adrec.models.recording import Recording
from adrec.models.rng import RandomSource


class NeuralModel(nn.Module, Model):
    """What the training loop needs. An item table is an ``nn.Embedding`` called ``item_embedding``.

    Dropout is active in a forward pass exactly where a source of random numbers ``rng`` is passed; there is no train/eval switch.
    loss_names: of what ``losses`` returns, in its order.
    """

    abilities: ClassVar[tuple[str, ...]] = ("recommend", "item_table")
    space: ClassVar[Space] = {"lr": Between(3e-4, 1e-2, log=True), "dropout": Between(0.0, 0.5), "hidden_size": (64, 128)}
    loss_names: tuple[str, ...]
    item_embedding: nn.Embedding

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def stages(cls, config: Any, train: TrainConfig) -> list[Stage]:
        return [Stage("finetune", cls, config, 0, train.epochs, frozen_table=train.frozen_table)]

    @property
    def table(self) -> Tensor:
        return self.item_embedding.weight

    @property
    def output_table(self) -> Tensor:
        return self.table

    def initialise(self, generator: torch.Generator) -> None:
        """Set all weights, drawn from ``generator``: here every matrix N(0, 0.1), every bias 0."""
        for name, weight in self.named_parameters():
            if "bias" in name:
                weight.data.zero_()
            elif weight.ndim > 1:
                weight.data.normal_(0, 0.1, generator=generator)

    def training_batch(self, data: SequenceDataset, users: np.ndarray, rng: np.random.Generator) -> PackedBatch:
        """What one step trains on: here each user's history and the item after each of its items. users: positions in the data."""
        return training_batch(data, users, self.config.length)

    def parts(self, batch: PackedBatch) -> list[PackedBatch]:
        """What one worker computes of a step's batch at a time; the losses of the parts add up to the batch's."""
        return batch.split(PART_TOKENS)

    def computed_rows(self, part: PackedBatch) -> int:
        """How many rows the layers compute of a part: its tokens, unless pads are computed too."""
        return part.tokens

    def official_names(self) -> Mapping[str, tuple[str, ...]]:
        """Of a model that the official ADRec code has too: the tensors of its state dict that each of our parameters consists of, stacked
        along the rows."""
        return {}

    def replayed(self, recording: Recording) -> Mapping[str, tuple[Tensor, Tensor]]:
        """Of a model with recorded numbers: each recorded quantity, (ours, recorded), for `adrec verify`."""
        return {}

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """The batch's part of its step's losses, whose mean is minimised; what is random is drawn from ``rng``."""
        raise NotImplementedError

    def answers(self, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> Tensor:
        """The model's output at each user's last token."""
        return self(batch)[batch.last]


@dataclass(frozen=True)
class DiffusionConfig(ModelConfig):
    """hidden_size: the width D of the item table. sampling_steps: denoising steps wherever no other number is asked for (0: all
    timesteps)."""

    hidden_size: int = 128
    timesteps: int = 32
    schedule: str = "trunc_lin"
    sampling_steps: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integers(self, {"hidden_size": (2, 4096), "timesteps": (2, 4000)})
        require(self.hidden_size % 2 == 0, "hidden_size", self.hidden_size, "an even number")
        require_words(self, {"schedule": list(SCHEDULES)})
        betas(self.schedule, self.timesteps)  # some schedules need more timesteps
        require(0 <= self.sampling_steps <= self.timesteps, "sampling_steps", self.sampling_steps, f"an integer from 0 to {self.timesteps}")

    @property
    def steps(self) -> int:
        """Denoising steps wherever no other number is asked for."""
        return self.sampling_steps or self.timesteps


class DiffusionModel(NeuralModel):
    """A model that answers by a reverse process over the embedding of the next item."""

    abilities: ClassVar[tuple[str, ...]] = ("recommend", "denoise", "item_table")
    alpha_bar: Tensor

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.diffusion = Diffusion.from_schedule(config.schedule, config.timesteps)
        self.register_buffer("alpha_bar", torch.from_numpy(self.diffusion.alpha_bar), persistent=False)

    @property
    def about_steps(self) -> str:
        """What a step of the reverse process does, as a sentence for those who watch it."""
        return "Each step removes some noise and guesses again."

    def last_token(self, batch: PackedBatch, copies: int = 1) -> Predict:
        """The denoiser of each user's last token as a function (x_t (B * copies, D), t) -> x0_hat of the same shape.

        copies: several seeds of the noise for each user, user by user.
        """
        raise NotImplementedError

    def sample(
        self,
        predict: Predict,
        x_start: Tensor,
        step_noise: Tensor,
        diffusion: Diffusion,
        record: Callable[[int, Tensor, Tensor], None] | None = None,
    ) -> Tensor:
        """From pure noise to an answer, as `adrec.diffusion.reverse_process`, which it is unless a model has a sampler of its own."""
        return reverse_process(predict, x_start, step_noise, diffusion, record)

    def answers(self, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> Tensor:
        """Each user's denoised last token. steps: denoising steps (default: the model's own)."""
        diffusion = self.diffusion.strided(self.config.steps if steps is None else steps)
        x_start, step_noise = user_noise(seed, batch.users, len(diffusion.timesteps), self.config.hidden_size)
        device = batch.items.device
        return self.scorable(self.sample(self.last_token(batch), x_start.to(device), step_noise.to(device), diffusion))

    def scorable(self, x_0: Tensor) -> Tensor:
        """Vectors of the width of the item table (M, D) as ``output_table`` scores them, (M, W); here unchanged."""
        return x_0

    def scores(self, x_0: Tensor) -> Tensor:
        """The scores (M, V + 1) of vectors (M, D) as answers."""
        return self.scorable(x_0) @ self.output_table.T

    def noise_share(self, batch: PackedBatch, x: Tensor) -> Tensor | None:
        """How loud noise x (B, D) is beside the history, to which it is added: ratios of lengths (B,); None if it is not added to it."""
        return None


class Augmenter(NeuralModel):
    """A model that invents items before histories by a reverse process; others are trained on both (see ``Model.augmented``)."""

    abilities: ClassVar[tuple[str, ...]] = (*NeuralModel.abilities, "augment")

    @property
    def about_steps(self) -> str:
        """As a `DiffusionModel`'s."""
        return "Each step removes some noise and guesses all items again."

    def invent(
        self,
        histories: list[np.ndarray],
        rng: np.random.Generator,
        steps: int | None = None,
        record: Callable[[int, Tensor, Tensor], None] | None = None,
    ) -> np.ndarray:
        """The M items before each history, oldest first, (B, M) int64. rng: for the noise. steps: of denoising (default: the model's
        own). record(t, x0_hat, x_next) notes every step, (B, M * D) each."""
        raise NotImplementedError

    def rounded(self, x_0: Tensor) -> Tensor:
        """The items that M vectors stand for, (B, M). x_0: (B, M * D)."""
        raise NotImplementedError


def denoising(model: Model) -> DiffusionModel:
    """The model as one with a reverse process; a DataError if it has none."""
    if not isinstance(model, DiffusionModel):
        raise DataError(f"The model '{model.title}' has no reverse process to step through.")
    return model
