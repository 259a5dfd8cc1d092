"""Whom this server is for: one person on their own machine, the public, or a class and its presenter. Chosen once, when it starts."""

import os

from adrec.cli.app import MODE, MODES
from adrec.errors import ConfigError

NO_TRAINING = "This server trains nothing: it is shared, and one training would take the room of all its other visitors."
"""Said to whoever asks a public server for a training."""


def mode() -> str:
    """The server's mode, one of ``MODES``; a ConfigError if the environment names another."""
    chosen = os.environ.get(MODE) or "own"
    if chosen not in MODES:
        raise ConfigError(f"{MODE} is '{chosen}'; it must be one of {', '.join(MODES)}.")
    return chosen


def public() -> bool:
    """Whether strangers come: no training, no paths of this machine, limits on what one visitor may use."""
    return mode() != "own"


def classroom() -> bool:
    """Whether a presenter leads a class."""
    return mode() == "classroom"
