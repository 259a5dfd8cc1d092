"""Errors that people can act on: one class per kind, each message one sentence that says what is wrong."""

import re
import unicodedata

LONGEST_WORD, LONGEST_SENTENCE = 200, 1200
CONTROL = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Characters of files that must not reach a terminal: control characters, directions, halves of pairs, ends of lines."""


class AdrecError(Exception):
    """The base class; ``str(error)`` is the sentence that the command line and the app show."""

    def __str__(self) -> str:
        return readable(super().__str__())


def refusal(error: OSError) -> str:
    """One sentence about what the operating system refused: a full disk, too long a name, a missing permission."""
    place = f"'{error.filename}': " if error.filename else ""
    return readable(f"{place}{error.strerror or error or type(error).__name__}.")


def printable(text: str) -> str:
    """The text on one line and without control characters, for a terminal or a log."""
    return "".join("?" if unicodedata.category(c) in CONTROL else c for c in text.replace("\n", " "))


def readable(sentence: str) -> str:
    """The sentence on one line, without control characters, and with overlong input or paths shortened in the middle."""
    sentence = printable(sentence)
    sentence = re.sub(rf"\S{{{LONGEST_WORD},}}", lambda found: f"{found[0][:80]}…{found[0][-40:]}", sentence)
    return sentence if len(sentence) <= LONGEST_SENTENCE else f"{sentence[:800]}…{sentence[-300:]}"


class ConfigError(AdrecError):
    """A setting is invalid."""


class DataError(AdrecError):
    """Interactions or an item table cannot be read or used."""


class RunError(AdrecError):
    """A run folder is missing, damaged, or in a state that does not allow the request."""


class WeightsError(AdrecError):
    """Weights or an embedding matrix cannot be read or do not fit the model."""


class ProcessError(AdrecError):
    """The other processes of a training can no longer be reached."""
