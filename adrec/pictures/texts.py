"""The words of pictures, kept in assets/texts/."""

from functools import cache
from typing import Any

from adrec.lesson import setup


@cache
def texts(name: str) -> dict[str, Any]:
    """The texts of one file, shared: not to be changed."""
    return setup.words(name)
