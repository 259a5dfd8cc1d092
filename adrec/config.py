"""Settings: frozen dataclasses, checked when built, to and from JSON. This module holds what all models and trainings share.

A model's own settings extend `ModelConfig` in the model's file; `require` and `require_integers` check them.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from adrec.errors import ConfigError

LOSSES = ("full", "sampled")
KEPT_WEIGHTS = ("best", "every")
LARGEST_SEED = 2**32 - 1
KINDS = {"int": "an integer", "float": "a finite number", "bool": "true or false", "str": "a word"}
FRACTION = "a number of at least 0 and below 1"

Config = TypeVar("Config", bound="ModelConfig | TrainConfig")


def setting(default: Any, label: str, text: str, choices: Sequence[Any] = ()) -> Any:
    """A field with its own widget in forms, with ``label`` and the help ``text``; other fields are set as ``key = value``."""
    return dataclasses.field(default=default, metadata={"label": label, "text": text, "choices": choices})


def require(ok: bool, field: str, value: object, expected: str) -> None:
    """Raise a ConfigError that names the field and what was expected, unless ``ok``."""
    if not ok:
        raise ConfigError(f"Setting '{field}' is {value!r}; it must be {expected}.")


def require_integers(config: object, limits: Mapping[str, tuple[int, int]]) -> None:
    """Check integers against limits, so that a typo is reported at once rather than by running out of memory."""
    for field, (low, high) in limits.items():
        value = getattr(config, field)
        require(low <= value <= high, field, value, f"an integer from {low} to {high}")


def require_words(config: object, words: Mapping[str, Sequence[str]]) -> None:
    """Check words against the possible choices."""
    for field, allowed in words.items():
        value = getattr(config, field)
        require(value in allowed, field, value, "one of " + ", ".join(allowed))


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
        require(ok, field.name, value, KINDS[kind])


def _kind(field: dataclasses.Field[Any]) -> str:
    """A field's type in words: int, float, bool, str, or "int | None"."""
    return field.type.__name__ if isinstance(field.type, type) else str(field.type)


@dataclass(frozen=True)
class ModelConfig:
    """What every model has. n_items: the size of the catalogue, set by the data; length: how many items of a history it reads."""

    n_items: int
    length: int = 50

    def __post_init__(self) -> None:
        _require_types(self)
        require(self.n_items >= 1, "n_items", self.n_items, "an integer of at least 1")
        require_integers(self, {"length": (1, 10_000)})


@dataclass(frozen=True)
class TrainConfig:
    """Training settings shared by all stages of any model. Defaults are the paper's.

    epochs: maximum per stage; validate_every: epochs between validations, the first after epoch ``validate_every + 1``; patience:
    validations without a better ndcg@10 before a stage ends; max_steps: maximum optimiser steps per stage; frozen_table: keep the item
    table as it was at the start of the last stage; loss: cross-entropy over the full catalogue, or over ``negatives`` rows sampled per
    step with updates of the touched rows only (``losses.sampled``, for catalogues too large for the full one); checkpoint_seconds: at most
    this much work is repeated after a kill; filter_seen: validate and test on items that are new to their user, as `evaluate
    --filter-seen` does; keep_weights: only of each stage's ``best`` epoch, or also of ``every`` validated epoch and
    the last state, in half precision.
    """

    seed: int = setting(2025, "Seed", "Fixes every random number: the same seed on the same machine gives the same run.")
    batch_size: int = 512
    epochs: int = 500
    lr: float = 1e-3
    weight_decay: float = 1e-5
    validate_every: int = 5
    patience: int = 4
    max_steps: int | None = None
    frozen_table: bool = False
    loss: str = "full"
    negatives: int = 8192
    checkpoint_seconds: float = 20.0
    user_share: float = 1.0
    keep_weights: str = "best"
    filter_seen: bool = False

    def __post_init__(self) -> None:
        _require_types(self)
        require_integers(self, dict.fromkeys(("batch_size", "epochs", "validate_every", "patience"), (1, 1_000_000)))
        require_integers(self, {"seed": (0, LARGEST_SEED), "negatives": (1, 10_000_000)})
        require(self.max_steps is None or self.max_steps >= 1, "max_steps", self.max_steps, "an integer of at least 1, or none")
        require_words(self, {"loss": LOSSES, "keep_weights": KEPT_WEIGHTS})
        require(0 < self.lr <= 1, "lr", self.lr, "a number above 0 and at most 1")
        require(0 <= self.weight_decay < 1, "weight_decay", self.weight_decay, FRACTION)
        require(0 < self.user_share <= 1, "user_share", self.user_share, "a number above 0 and at most 1")
        require(self.checkpoint_seconds >= 0, "checkpoint_seconds", self.checkpoint_seconds, "a number of seconds of at least 0")


def from_json(kind: type[Config], data: Mapping[str, Any]) -> Config:
    """The config ``kind`` from a plain dict; an error names unknown fields."""
    known = {f.name: f for f in dataclasses.fields(kind)}
    check_known(data, known)
    absent = [f.name for f in known.values() if f.default is dataclasses.MISSING and f.name not in data]
    if absent:
        raise ConfigError(f"Setting '{absent[0]}' is missing; it has no default.")
    return kind(**data)


def check_known(given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raise a ConfigError that lists the known settings, unless all given ones are known."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ConfigError(f"Unknown setting '{unknown[0]}'; known are {', '.join(sorted(known))}.")


def parse_settings(kinds: Sequence[type["ModelConfig | TrainConfig"]], texts: Mapping[str, str]) -> dict[str, Any]:
    """``key=value`` texts as values of these configs' fields, each on its own. ``n_items`` is not settable: the data decide it."""
    fields = {f.name: f for kind in kinds for f in dataclasses.fields(kind) if f.name != "n_items"}
    check_known(texts, fields)
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
        raise ConfigError(f"Setting '{key}' is '{text}'; it must be {'an integer' if kind.startswith('int') else 'a number'}.") from None
    if kind == "bool":
        if lowered not in ("true", "false", "1", "0"):
            raise ConfigError(f"Setting '{key}' is '{text}'; it must be true or false.")
        return lowered in ("true", "1")
    return text
