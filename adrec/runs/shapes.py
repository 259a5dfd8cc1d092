"""Checks of what readers of a run folder rely on; what is damaged is a RunError that names the file."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adrec.errors import ConfigError, RunError

FORMAT = 1
"""The version of run.json. Older folders have none and open unchanged."""
LONGEST = {"title": 100, "purpose": 400, "question": 200}
"""The texts in run.json that say what a run is for, and their maximum length."""
STAGES = ("pretrain", "warmup", "finetune")
TABLES = ("initial", *STAGES)
BARE = "tables"
"""The ``kind`` in run.json of a folder that holds item tables and no model."""
EVENT_NUMBERS = {
    "stage": ("time", "epoch", "step", "max_epochs", "steps_per_epoch"),
    "step": ("time", "epoch", "step"),
    "validation": ("time", "epoch", "step"),
    "stage_end": ("seconds",),
}
"""The finite numbers of an event, by kind; a step also has a ``loss``, a validation ``ndcg@10`` and ``seconds`` in its ``metrics``."""
LATER_NUMBERS = ("first_epoch", "last_step", "validations")
"""Optional numbers of a stage, missing in older runs."""


def require(ok: bool, path: Path, what: str) -> None:
    """A RunError that says what is wrong with the file, unless ``ok``."""
    if not ok:
        raise RunError(f"'{path}' is damaged: {what}.")


def _is_number(value: object) -> bool:
    """Whether it is a float (even an infinite one) or an integer that fits into one."""
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)


def _is_finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def check_info(path: Path, info: Mapping[str, Any]) -> None:
    """Check the parts of run.json. The values of settings are checked by their config classes."""
    written = info.get("format", FORMAT)
    require(isinstance(written, int) and not isinstance(written, bool), path, "'format' must be an integer")
    if written > FORMAT:
        raise RunError(f"'{path}' was written by a newer version, in format {written}; this one reads formats up to {FORMAT}: update it.")
    for name in LONGEST:
        require(isinstance(info.get(name), str | None), path, f"'{name}' must be text")
    for part in ("model", "train", "dataset"):
        require(isinstance(info.get(part, {}), dict), path, f"'{part}' must be an object")
    for part, names in (("dataset", ("name", "title", "hash")), ("model", ("model",))):
        for name in names:
            require(isinstance(info.get(part, {}).get(name), str | None), path, f"'{name}' of '{part}' must be text")
    same = info.get("same", {})
    earlier = isinstance(same, dict) and all(s in TABLES[1:] and t in TABLES[: TABLES.index(s)] and t not in same for s, t in same.items())
    require(earlier, path, "'same' must name an earlier table by stage")
    if info.get("kind") == BARE:
        tables = info.get("tables")
        named = isinstance(tables, list) and bool(tables) and all(isinstance(n, str) and n for n in tables)
        require(named and len(set(info["tables"])) == len(info["tables"]), path, "its 'tables' must be a list of different names")


def check_texts(about: Mapping[str, str | None]) -> dict[str, str]:
    """The texts that a person gives a run; one that is too long is a ConfigError."""
    texts = {name: text for name in LONGEST if (text := about.get(name))}
    for name, text in texts.items():
        if len(text) > LONGEST[name] or not text.isprintable():
            raise ConfigError(f"The {name} has {len(text):,} characters; it must be one line of at most {LONGEST[name]}.")
    return texts


def check_event(path: Path, event: Mapping[str, Any]) -> None:
    """Check one line of events.jsonl. Events of unknown kinds may hold anything."""
    kind, metrics = event.get("kind"), event.get("metrics")
    for name in EVENT_NUMBERS.get(kind, ()) if isinstance(kind, str) else ():
        require(_is_finite(event.get(name)), path, f"an event of kind '{kind}' has no number '{name}'")
    for name in LATER_NUMBERS if kind == "stage" else ():
        absent = name not in event and (name != "validations" or "last_step" not in event)
        require(absent or _is_finite(event.get(name)), path, f"an event of kind 'stage' has no number '{name}'")
    require(kind != "step" or _is_number(event.get("loss")), path, "an event of kind 'step' has no number 'loss'")
    for name in ("ndcg@10", "seconds") if kind == "validation" else ():
        number = isinstance(metrics, dict) and _is_number(metrics.get(name))
        require(number, path, f"a validation has no number '{name}' in its metrics")


def check_metrics(path: Path, found: Mapping[str, Any]) -> None:
    """Check a stage's metrics.json."""
    for split in ("val", "test"):
        values = found.get(split, {})
        numbers = isinstance(values, dict) and all(_is_number(v) for k, v in values.items() if k != "split")
        require(numbers, path, f"'{split}' must be an object of numbers")
