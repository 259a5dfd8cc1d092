"""Failures that a person can act on: one class a kind, each message one sentence that names what is wrong."""


class AdrecError(Exception):
    """The base of them all; ``str(error)`` is the sentence that the command line and the app show."""


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
