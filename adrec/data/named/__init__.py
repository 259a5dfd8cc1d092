"""Data sets that are known by name, one file each: what it is, where it comes from, under which licence, how it is read."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from adrec.data.dataset import SequenceDataset
from adrec.registry import Registry


@dataclass(frozen=True)
class NamedDataset:
    """title, description: what it is, for people. source, licence: who made it, and on which terms. credit: how its makers ask to be
    cited; it goes into the runs. options: those of `adrec.data.readers` that ``load`` takes.

    load(settings, folder, **options): settings is what follows a colon in the name, folder where its files are kept.
    available(folder): whether it loads without the network. fetch(folder): sees to it that it does.
    """

    title: str
    description: str
    source: str
    licence: str
    load: Callable[..., SequenceDataset]
    credit: str | None = None
    options: tuple[str, ...] = ()
    available: Callable[[Path], bool] = lambda folder: True
    fetch: Callable[[Path], object] = lambda folder: None


@cache
def _discover() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


DATASETS: Registry[NamedDataset] = Registry("data set", _discover)
