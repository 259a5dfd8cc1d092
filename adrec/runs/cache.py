"""What is computed from a run and kept with it, to be fast the next time."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from adrec.errors import RunError
from adrec.folders import home
from adrec.runs.folder import RunFolder

T = TypeVar("T")


class Cache:
    """One file in the run folder or, if that is read-only, under ADREC_HOME, where its name must say what it was computed from."""

    def __init__(self, run: RunFolder, file: str, elsewhere: str) -> None:
        self.paths = (run.path / file, home() / elsewhere)

    def load(self, read: Callable[[Path], T], holds: Callable[[T], bool]) -> T | None:
        """The first of the files that can be read and still ``holds``, or None. read: raises a RunError for a missing or damaged file."""
        for path in self.paths:
            try:
                found = read(path)
            except RunError:
                continue
            if holds(found):
                return found
        return None

    def save(self, write: Callable[[Path], object]) -> None:
        """Write the first of the files that can be written; none is no failure."""
        for path in self.paths:
            with contextlib.suppress(OSError):
                write(path)
                return
