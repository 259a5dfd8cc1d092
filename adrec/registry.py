"""Lookup by name: models, noise schedules, metrics, data sets. Each entry is registered where it is defined."""

import difflib
import importlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Generic, TypeVar

from adrec.errors import ConfigError

PLUGINS = "ADREC_PLUGINS"
"""The environment variable that names modules outside this package, separated by commas; subprocesses inherit it."""

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """Entries by name, in the order in which they were registered.

    kind: what an entry is, in words for messages ("model"). discover: imports the modules that register entries; called before
    the registry is first asked, as are the modules that ``ADREC_PLUGINS`` names.
    """

    def __init__(self, kind: str, discover: Callable[[], None] = lambda: None) -> None:
        self.kind, self._discover = kind, discover
        self._entries: dict[str, Entry] = {}

    def register(self, name: str, entry: Entry) -> Entry:
        """Register ``entry`` and return it; a name that is taken is a ConfigError."""
        if name in self._entries:
            raise ConfigError(f"There are two {self.kind}s named '{name}'; rename one of them.")
        self._entries[name] = entry
        return entry

    def __getitem__(self, name: str) -> Entry:
        """The entry with this name; otherwise a ConfigError with the closest name and all known ones."""
        entries = self._all()
        if name not in entries:
            near = difflib.get_close_matches(name, entries, 1)
            hint = f"; did you mean '{near[0]}'?" if near else "."
            raise ConfigError(f"Unknown {self.kind} '{name}'{hint} Known: {', '.join(entries) or 'none'}.")
        return entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def items(self) -> list[tuple[str, Entry]]:
        """(name, entry) of all, in order."""
        return list(self._all().items())

    def _all(self) -> dict[str, Entry]:
        self._discover()
        _import_plugins(os.environ.get(PLUGINS, ""))
        return self._entries


@cache
def _import_plugins(modules: str) -> None:
    for module in modules.replace(",", " ").split():
        try:
            importlib.import_module(module)
        except ConfigError:
            raise
        except Exception as error:  # other people's modules may raise anything
            why = f"{type(error).__name__}: {error}"
            raise ConfigError(f"{PLUGINS} names the module '{module}', which cannot be imported ({why}).") from error
