"""``adrec metrics``: what can be chosen by name."""

import argparse
from typing import Any

from adrec.cli.options import command, show_entries


def add(commands: Any) -> None:
    """Its options."""
    command(commands, "metrics", metrics_command, "list the ranking metrics that are reported", as_json=True)


def metrics_command(arguments: argparse.Namespace) -> None:
    from adrec.evaluation.metrics import METRICS

    show_entries({name: {"title": m.title, "source": m.source, "keys": list(m.keys)} for name, m in METRICS.items()}, arguments.json)
