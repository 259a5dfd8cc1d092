"""Failures that a person can act on: one class a kind, each message one sentence that names what is wrong."""

import re

LONGEST_WORD = 200


class AdrecError(Exception):
    """The base of them all; ``str(error)`` is the sentence that the command line and the app show."""

    def __str__(self) -> str:
        return _readable(super().__str__())


def refusal(error: OSError) -> str:
    """What the operating system refused, in one sentence: a full disk, a name that is too long, a missing permission."""
    place = f"'{error.filename}': " if error.filename else ""
    return _readable(f"{place}{error.strerror or error or type(error).__name__}.")


def _readable(sentence: str) -> str:
    """The sentence with what somebody typed, or a path, cut in its middle where it is endless."""
    return re.sub(rf"\S{{{LONGEST_WORD},}}", lambda found: f"{found[0][:80]}…{found[0][-40:]}", sentence)


class ConfigError(AdrecError):
    """A setting outside what is allowed."""


class DataError(AdrecError):
    """Interactions or an item table that cannot be read or used."""


class RunError(AdrecError):
    """A run folder that is missing, damaged, or in a state that forbids what was asked."""


class WeightsError(AdrecError):
    """Weights or an embedding matrix that cannot be read or do not fit the model."""


class ProcessError(AdrecError):
    """The other processes of a training that cannot be reached any more."""
