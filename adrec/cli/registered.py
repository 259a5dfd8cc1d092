"""``adrec models`` and ``metrics``: what can be chosen by name."""

import argparse
import dataclasses
from typing import Any

from adrec.cli.options import command, show_entries


def add(commands: Any) -> None:
    """Add the commands."""
    command(commands, "models", models_command, "list the models, what they can do, and their presets", as_json=True)
    command(commands, "metrics", metrics_command, "list the ranking metrics that are reported", as_json=True)


def metrics_command(arguments: argparse.Namespace) -> None:
    from adrec.evaluation.metrics import METRICS

    show_entries({name: {"title": m.title, "source": m.source, "keys": list(m.keys)} for name, m in METRICS.items()}, arguments.json)


def models_command(arguments: argparse.Namespace) -> None:
    from adrec.models.base import ABILITIES, MODELS

    found: dict[str, dict[str, Any]] = {}
    for name, model in MODELS.items():
        found[name] = {"title": model.title, "source": model.source, "differences": model.differences}
        if arguments.json:
            found[name]["abilities"] = {ability: ability in model.abilities for ability in ABILITIES}
            found[name]["presets"] = {preset: dataclasses.asdict(entry) for preset, entry in model.presets.items()}
        else:
            found[name] |= {"can": [ABILITIES[ability] for ability in model.abilities], "presets": list(model.presets)}
    show_entries(found, arguments.json)
