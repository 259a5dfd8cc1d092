"""Runs that repeat each other: the same settings and data under other seeds."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

IDLE = ("seed", "checkpoint_seconds", "keep_weights")
"""Settings that tell no two results apart, or that only repeat one."""
DATA, START = "data", "stage 1"


def recipe(info: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a training's result apart from its seed, by name. info: a run's run.json."""
    model, train = (part if isinstance(part, dict) else {} for part in (info.get("model"), info.get("train")))
    settings = {name: value for name, value in {**train, **model}.items() if name not in IDLE}
    return settings | {DATA: info.get("dataset", {}).get("hash"), START: "given" if info.get("pretrained") else "its own"}


def same(one: Mapping[str, Any]) -> str:
    """A text that is equal for equal recipes."""
    return json.dumps(one, sort_keys=True)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings in which two recipes differ, with both values; of different models only the model."""
    if one.get("model") != other.get("model"):
        return {"model": (one.get("model"), other.get("model"))}
    return {name: (one.get(name), other.get(name)) for name in {**one, **other} if one.get(name) != other.get(name)}


def stem(names: Sequence[str]) -> str:
    """What the names of repeated runs have in common: ``wide`` of ``wide-1`` and ``wide-2``; a single name is kept."""
    common = os.path.commonprefix(list(names)) if len(names) > 1 else ""
    return common.rstrip("-_. ") or names[0]
