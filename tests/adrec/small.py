"""Small models and trainings by name: fields of the model's settings and of the training's mixed, as ``--set`` takes them."""

import dataclasses
from typing import Any

import torch

from adrec.config import TrainConfig
from adrec.models.base import MODELS
from adrec.models.settings import Settings, fields_of


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
