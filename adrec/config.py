"""Settings of a model and of its training: frozen, checked when built, JSON both ways."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from adrec.errors import ConfigError

SCHEDULES = ("trunc_lin", "linear", "cosine", "sqrt", "trunc_cos", "exp")
MODELS = ("adrec", "sasrec", "dreamrec")
DENOISERS = ("transformer", "mlp", "linear")
DENOISERS_OF = {"adrec": ("transformer", "mlp"), "dreamrec": ("mlp", "linear")}
"""By model, for those that have a denoiser and so a reverse process."""
PADDINGS = ("sink", "masked")
LOSSES = ("full", "sampled")
OBJECTIVES = ("both", "ce", "mse")
TIMESTEP_PER = ("token", "sequence")
TARGETS = ("last", "all")
INFER_FROM = ("encoder", "item")

KEPT_WEIGHTS = ("best", "every")
LARGEST_SEED = 2**32 - 1
KINDS = {"int": "a whole number", "float": "a finite number", "bool": "true or false", "str": "a word"}

Config = TypeVar("Config", bound="ModelConfig | TrainConfig")


def _require(ok: bool, field: str, value: object, allowed: str) -> None:
    if not ok:
        raise ConfigError(f"Setting '{field}' is {value!r}; allowed is {allowed}.")


def _require_whole(config: object, limits: Mapping[str, tuple[int, int]]) -> None:
    """Fields that are whole numbers within limits, so that a slip of the finger is told at once and not by a lack of memory."""
    for field, (low, high) in limits.items():
        value = getattr(config, field)
        _require(low <= value <= high, field, value, f"a whole number from {low} to {high}")


def _require_types(config: "ModelConfig | TrainConfig") -> None:
    for field in dataclasses.fields(config):
        kind, optional, _ = _kind(field).partition(" | None")
        value = getattr(config, field.name)
        if optional and value is None:
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool)
        ok = {
            "int": number and isinstance(value, int),
            "float": number and math.isfinite(value),
            "bool": isinstance(value, bool),
            "str": isinstance(value, str),
        }[kind]
        _require(ok, field.name, value, KINDS[kind])


def _kind(field: dataclasses.Field[Any]) -> str:
    """A field's type in words: int, float, bool, str, or "int | None"."""
    return field.type.__name__ if isinstance(field.type, type) else str(field.type)


@dataclass(frozen=True)
class ModelConfig:
    """The architecture. Defaults are the paper's; ``n_items`` comes from the data.

    timestep_per: in training each token draws its own t, or all of a user's tokens share one. Of DreamRec alone: targets, the loss
    is at each user's last position or at all; infer_from, the reverse process is conditioned on the encoder's output or on the last
    item's embedding; condition_drop, share of conditions dropped in training; guidance, weight of the condition against none.
    """

    n_items: int
    model: str = "adrec"
    hidden_size: int = 128
    heads: int = 4
    blocks: int = 2
    length: int = 50
    positions: bool = False
    padding: str = "sink"
    dropout: float = 0.1
    embedding_dropout: float = 0.3
    timesteps: int = 32
    timestep_per: str = "token"
    schedule: str = "trunc_lin"
    noise_weight: float = 0.001
    denoiser: str = "transformer"
    targets: str = "last"
    infer_from: str = "encoder"
    condition_drop: float = 0.0
    guidance: float = 0.0

    def __post_init__(self) -> None:
        _require_types(self)
        _require(self.n_items >= 1, "n_items", self.n_items, "a whole number from 1 up")
        _require_whole(
            self, {"hidden_size": (2, 4096), "heads": (1, 4096), "blocks": (1, 64), "length": (1, 10_000), "timesteps": (2, 4000)}
        )
        _require(self.hidden_size % self.heads == 0, "heads", self.heads, f"a divisor of hidden_size = {self.hidden_size}")
        _require(self.hidden_size % 2 == 0, "hidden_size", self.hidden_size, "an even number")
        for field in ("dropout", "embedding_dropout", "condition_drop"):
            _require(0 <= getattr(self, field) < 1, field, getattr(self, field), "a number from 0 up to, not including, 1")
        _require(self.noise_weight >= 0, "noise_weight", self.noise_weight, "a number from 0 up")
        _require(self.guidance >= 0, "guidance", self.guidance, "a number from 0 up")
        unguided = self.guidance == 0 or self.condition_drop > 0
        _require(unguided, "guidance", self.guidance, "0 where condition_drop = 0, which trains no denoiser without a condition")
        words = {"model": MODELS, "schedule": SCHEDULES, "padding": PADDINGS, "timestep_per": TIMESTEP_PER}
        words |= {"denoiser": DENOISERS_OF.get(self.model, DENOISERS), "targets": TARGETS, "infer_from": INFER_FROM}
        for field, allowed in words.items():
            _require(getattr(self, field) in allowed, field, getattr(self, field), "one of " + ", ".join(allowed))
        # with fewer its last beta, 0.02 * 1000 / timesteps, reaches 1
        enough = self.schedule != "linear" or self.timesteps > 20
        _require(enough, "timesteps", self.timesteps, "a whole number from 21 up with the schedule linear")


@dataclass(frozen=True)
class TrainConfig:
    """The training of all stages. Defaults are METHOD's settings (preset ``paper``).

    epochs: at most so many a stage's schedule (stages 2 and 3 share one); validate_every: epochs between validations,
    the first after epoch ``validate_every + 1``; patience: validations without a better ndcg@10 before a stage ends;
    max_steps: each stage ends after so many optimiser steps; pretrain: whether ADRec has its stage 1; frozen_table: the item
    table stays as stage 1 (or its random start) left it, through all stages; objective: which of a model's two losses are
    minimised (one that has a single loss keeps it); warmup_drift: let weight decay move the "frozen" table as
    the official code does; pcgrad: project conflicting gradients of the two losses; loss: cross-entropy over the full
    catalogue, or over ``negatives`` rows sampled a step with updates of the touched rows only (``losses.sampled``: for
    catalogues too large for the full one); sampling_steps: denoising steps of a validation (0: all timesteps);
    checkpoint_seconds: at most so much work is repeated after a kill; keep_weights: of each stage's ``best`` epoch alone,
    or of ``every`` validated one, and the last state, in half precision too.
    """

    seed: int = 2025
    batch_size: int = 512
    epochs: int = 500
    warmup_epochs: int = 5
    lr: float = 1e-3
    weight_decay: float = 1e-5
    validate_every: int = 5
    patience: int = 4
    max_steps: int | None = None
    pretrain: bool = True
    frozen_table: bool = False
    objective: str = "both"
    warmup_drift: bool = False
    pcgrad: bool = False
    loss: str = "full"
    negatives: int = 8192
    sampling_steps: int = 0
    checkpoint_seconds: float = 20.0
    keep_weights: str = "best"

    def __post_init__(self) -> None:
        _require_types(self)
        _require_whole(self, dict.fromkeys(("batch_size", "epochs", "validate_every", "patience"), (1, 1_000_000)))
        _require_whole(self, {"warmup_epochs": (0, 1_000_000), "seed": (0, LARGEST_SEED), "sampling_steps": (0, 4000)})
        _require(self.warmup_epochs < self.epochs, "warmup_epochs", self.warmup_epochs, f"less than epochs = {self.epochs}")
        _require(self.max_steps is None or self.max_steps >= 1, "max_steps", self.max_steps, "a whole number from 1 up, or none")
        _require(self.keep_weights in KEPT_WEIGHTS, "keep_weights", self.keep_weights, "one of " + ", ".join(KEPT_WEIGHTS))
        _require(self.loss in LOSSES, "loss", self.loss, "one of " + ", ".join(LOSSES))
        _require(self.objective in OBJECTIVES, "objective", self.objective, "one of " + ", ".join(OBJECTIVES))
        _require_whole(self, {"negatives": (1, 10_000_000)})
        frozen = not (self.warmup_drift and self.loss == "sampled")
        _require(frozen, "warmup_drift", self.warmup_drift, "false with loss = sampled, which updates touched rows only")
        _require(0 < self.lr <= 1, "lr", self.lr, "a number above 0, at most 1")
        _require(0 <= self.weight_decay < 1, "weight_decay", self.weight_decay, "a number from 0 up to, not including, 1")
        _require(self.checkpoint_seconds >= 0, "checkpoint_seconds", self.checkpoint_seconds, "a number of seconds from 0 up")


PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "quick": {"hidden_size": 64, "epochs": 40, "lr": 3e-3, "patience": 2},
    # ADRec with one thing changed, to see what that thing is good for
    "no-pretrain": {"pretrain": False},
    "no-warmup": {"warmup_epochs": 0},
    "warmup-drift": {"warmup_drift": True},
    "one-t": {"timestep_per": "sequence"},
    "mse-only": {"objective": "mse"},
    "ce-only": {"objective": "ce"},
    "frozen-random": {"pretrain": False, "frozen_table": True},
    # peers
    "sasrec": {"model": "sasrec", "positions": True},
    "dreamrec-harness": {"model": "dreamrec", "denoiser": "mlp", "timestep_per": "sequence", "infer_from": "item"},
    "dreamrec-harness-fixed": {"model": "dreamrec", "denoiser": "mlp", "timestep_per": "sequence"},
    "dreamrec-original": {"model": "dreamrec", "denoiser": "linear", "hidden_size": 64, "blocks": 1, "heads": 1, "positions": True}
    | {"embedding_dropout": 0.1, "timesteps": 500, "schedule": "exp", "targets": "all", "condition_drop": 0.1, "guidance": 2.0}
    | {"batch_size": 16, "epochs": 200, "weight_decay": 0.0, "validate_every": 10, "patience": 200},
    "dreamrec-long": {"model": "dreamrec", "denoiser": "mlp", "targets": "all"}
    | {"batch_size": 32, "epochs": 100, "validate_every": 10, "patience": 100},
}


def to_json(config: "ModelConfig | TrainConfig") -> dict[str, Any]:
    """The fields as a plain dict."""
    return dataclasses.asdict(config)


def from_json(kind: type[Config], data: Mapping[str, Any]) -> Config:
    """The config ``kind`` from a plain dict; unknown fields are named."""
    known = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise ConfigError(f"Unknown setting '{unknown[0]}'; known are {', '.join(sorted(known))}.")
    absent = [f.name for f in known.values() if f.default is dataclasses.MISSING and f.name not in data]
    if absent:
        raise ConfigError(f"Setting '{absent[0]}' is missing; it has no default.")
    return kind(**data)


def settings(preset: str, overrides: Mapping[str, str]) -> tuple[dict[str, Any], TrainConfig]:
    """The model's fields and the training settings of a preset with ``key=value`` texts laid over it.

    A key belongs to whichever of the two configs has it. ``n_items`` is not settable: the data decide it.
    """
    if preset not in PRESETS:
        raise ConfigError(f"Unknown preset '{preset}'; known are {', '.join(PRESETS)}.")
    model_fields = {f.name for f in dataclasses.fields(ModelConfig)}
    model: dict[str, Any] = {}
    train: dict[str, Any] = {}
    for key, value in PRESETS[preset].items():
        (model if key in model_fields else train)[key] = value
    for key, value in parse_settings(overrides).items():
        (model if key in model_fields else train)[key] = value
    model = with_denoiser(model)
    architecture, training = from_json(ModelConfig, {"n_items": 1, **model}), from_json(TrainConfig, train)
    most = architecture.timesteps
    _require(training.sampling_steps <= most, "sampling_steps", training.sampling_steps, f"at most timesteps = {most}")
    return model, training


def with_denoiser(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A model's fields, with its own usual denoiser where they name none and the default is not one of its kinds."""
    own = DENOISERS_OF.get(fields.get("model", "adrec"), DENOISERS)
    return dict(fields) if DENOISERS[0] in own else {"denoiser": own[0], **fields}


def parse_settings(texts: Mapping[str, str]) -> dict[str, Any]:
    """``key=value`` texts as values of their fields' types, each on its own."""
    fields = {f.name: f for kind in (ModelConfig, TrainConfig) for f in dataclasses.fields(kind) if f.name != "n_items"}
    for key in texts:
        if key not in fields:
            raise ConfigError(f"Unknown setting '{key}'; known are {', '.join(sorted(fields))}.")
    return {key: _parse(key, text, _kind(fields[key])) for key, text in texts.items()}


def _parse(key: str, text: str, kind: str) -> Any:
    lowered = text.strip().lower()
    if kind.endswith("None") and lowered in ("none", ""):
        return None
    try:
        if kind.startswith("int"):
            return int(text)
        if kind == "float":
            return float(text)
    except ValueError:
        raise ConfigError(f"Setting '{key}' is '{text}'; allowed is a {'whole ' if kind.startswith('int') else ''}number.") from None
    if kind == "bool":
        if lowered not in ("true", "false", "1", "0"):
            raise ConfigError(f"Setting '{key}' is '{text}'; allowed is true or false.")
        return lowered in ("true", "1")
    return text
