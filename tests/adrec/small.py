"""Small models and trainings by name: fields of the model's settings and of the training's mixed, as ``--set`` takes them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from adrec.config import TrainConfig
from adrec.data.dataset import SequenceDataset
from adrec.models.base import MODELS
from adrec.models.settings import Settings, fields_of
from adrec.runs import RunFolder
from adrec.training.session import train_run


def plan(model: str = "adrec", *, n_items: int = 60, preset: str | None = "paper", **fields: Any) -> Settings:
    """The defaults of a model and its training, with these fields."""
    return varied(Settings(MODELS[model], MODELS[model].Config(n_items=n_items), preset=preset), **fields)


def varied(settings: Settings, **fields: Any) -> Settings:
    """The same with other fields."""
    homes = fields_of(settings.model)
    train = {key: value for key, value in fields.items() if homes.get(key) is TrainConfig}
    config = {key: value for key, value in fields.items() if key not in train}
    return dataclasses.replace(
        settings, config=dataclasses.replace(settings.config, **config), train=dataclasses.replace(settings.train, **train)
    )


def built(settings: Settings, seed: int = 0) -> Any:
    """The model with random weights, without gradients."""
    model: Any = settings.model(settings.config)
    model.initialise(torch.Generator().manual_seed(seed))
    return model.requires_grad_(False)


def build(config: Any) -> Any:
    """The model whose settings these are, as torch made it."""
    return next(model for _, model in MODELS.items() if model.Config is type(config))(config)


def loud(model: Any) -> Any:
    """The model with every weight drawn from N(0, 0.3): none stays at a start that hides a mistake."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model


def in_pieces(path: Path, data: SequenceDataset, info: Mapping[str, Any], every: int) -> tuple[RunFolder, int]:
    """The run of a training that is stopped after every few steps and goes on, and the number of its pieces."""
    run, state, pieces = RunFolder(path), "stopped", 0
    while state == "stopped":
        left = iter(range(every))
        state = train_run(run, data, dict(info), resume=True, stop=lambda left=left: next(left, None) is None)
        assert run.status["state"] == state
        pieces += 1
    return run, pieces
