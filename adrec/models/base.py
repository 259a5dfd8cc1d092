"""What a model is. Each is one file: its settings, layers, losses, answers, stages and presets, and where they come from.

Extend `adrec.models.neural.NeuralModel` if torch trains it, `adrec.models.neural.DiffusionModel` if it answers by a reverse process,
`Model` if nothing is learnt by gradient. ``@register`` makes it known. Files in this folder are discovered automatically, files
elsewhere when they are imported; for the command line and the app, name their modules in the environment variable ``ADREC_PLUGINS``.

A model that only counts, and needs no torch: `adrec.models.popularity`.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from adrec.config import ModelConfig, TrainConfig
from adrec.errors import ConfigError
from adrec.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adrec.data.batches import PackedBatch
    from adrec.data.dataset import SequenceDataset

ABILITIES = {
    "recommend": "ranks all items after a history",
    "denoise": "answers by a reverse process, which can be watched step by step",
    "item_table": "has one vector for each item",
    "codes": "reads histories through a codebook, whose use Collapse shows",
    "augment": "invents what came before a history, which can be watched step by step",
    "browser": "answers in the browser too (adrec/browser/engine)",
}


@dataclass(frozen=True)
class Preset:
    """Settings with a name: of the model and of its training. title, line: what a person reads in a list of presets."""

    title: str
    line: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Between:
    """The numbers from low to high that a search may try; log: evenly by orders of magnitude. Integers, if both ends are."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


Space = Mapping[str, Between | tuple[Any, ...]]
"""What a search may change: settings of a model and its training by name, each a range or a few values."""


@dataclass(frozen=True)
class Stage:
    """One stage of a training.

    name: "pretrain", "warmup" or "finetune", which is the last. model, config: what is trained; it need not be the model that the
    training is named after. first_epoch, last_epoch: its part of the learning-rate schedule, counted from 0 and exclusive; if
    they are equal, nothing is trained. continues: goes on with the previous stage's model and optimiser; otherwise a new model takes
    over the item table, unless it has a new_table. frozen_table: the table gets no gradient; drift: but weight decay still moves it.
    pcgrad: project conflicting gradients of the losses. selects: validated along the way, ends when
    validation stops improving, and keeps its best weights (otherwise validated once, at its end).
    """

    name: str
    model: "type[Model]"
    config: ModelConfig
    first_epoch: int = 0
    last_epoch: int = 0
    continues: bool = False
    new_table: bool = False
    frozen_table: bool = False
    drift: bool = False
    pcgrad: bool = False
    selects: bool = True

    @property
    def trains(self) -> bool:
        """Whether there are steps to make."""
        return self.last_epoch > self.first_epoch


class Model:
    """A model as training, evaluation and pages use it; on its own it needs no torch.

    name: in commands and run folders. title, source, differences: what a person reads, what it is based on (paper, equations), and
    how it knowingly differs. Config: the class of its settings. presets: by name, the default first. abilities: of ``ABILITIES``.
    space: what ``adrec tune`` searches, every model with the same number of trials; settings that the model does not have are left out.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    differences: ClassVar[str] = ""
    Config: ClassVar[type[ModelConfig]] = ModelConfig
    presets: ClassVar[Mapping[str, Preset]]
    abilities: ClassVar[tuple[str, ...]] = ("recommend",)
    space: ClassVar[Space] = {}

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def stages(cls, config: Any, train: TrainConfig) -> list[Stage]:
        """The stages of a training, in order; incompatible settings raise a ConfigError."""
        return [Stage("finetune", cls, config)]

    def fit(self, data: "SequenceDataset") -> None:
        """Compute from the training data whatever is counted rather than learnt by gradient; called when a stage creates this model."""

    def augmented(self, data: "SequenceDataset", rng: "np.random.Generator") -> "SequenceDataset":
        """What the following stages are trained on, made by this one when it is trained; evaluation stays on the real data."""
        return data

    @property
    def table(self) -> "Tensor | None":
        """The item table (V + 1, D), row 0 the padding; None for a model without one."""
        return None

    @property
    def output_table(self) -> "Tensor | None":
        """The vectors (V + 1, W) that answers are compared with: the item table, unless a model has an output layer of its own, whose
        bias is then one of the W columns."""
        return self.table

    def answers(self, batch: "PackedBatch", steps: int | None = None, seed: int = 0) -> "Tensor | np.ndarray":
        """After each history of the batch a vector (B, W), whose inner products with ``output_table`` are the scores of the items;
        without one the scores themselves, (B, V + 1): logits, whose softmax is shown as probability. steps, seed: of the reverse
        process, where there is one."""
        raise NotImplementedError

    def quantised(self, data: "SequenceDataset") -> "tuple[np.ndarray, np.ndarray] | None":
        """Of a model that gives each history a code of a codebook: each user's before the test item, (U,), and the codebook, (K, W)."""
        return None

    def state_dict(self) -> Mapping[str, Any]:
        """What a run folder keeps of the model: arrays by name, float32, with the same shapes before ``fit`` as after."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> Any:
        """Take over what ``state_dict`` gave."""

    def to(self, device: Any) -> Any:
        """Compute on a device of torch, if it is torch that computes."""
        return self


@cache
def _discover() -> None:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        importlib.import_module(module.name)


MODELS: Registry[type[Model]] = Registry("model", _discover)
Registered = TypeVar("Registered", bound=type[Model])


def register(model: Registered) -> Registered:
    """Make a model known under its ``name``; used as a decorator. One that lacks what lists show is a ConfigError."""
    absent = [field for field in ("name", "title", "source", "presets") if not getattr(model, field, None)]
    if absent:
        raise ConfigError(f"The model class {model.__name__} has no {absent[0]}: a model needs name, title, source and presets.")
    MODELS.register(model.name, model)
    return model
