"""Named data sets, one file each: contents, source, licence and how to read it."""

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
    """title, description: what it is, for people. source, licence: who made it, and on what terms. credit: how its makers ask to be cited,
    recorded in runs. options: those of `adrec.data.readers` that ``load`` takes.

    load(settings, folder, **options): settings is the part of the name after a colon, folder is where its files are kept. mapped: whether
    it also takes ``into``, a folder for arrays too large for memory.
    available(folder): whether it loads without the network. fetch(folder): download it so that it does.
    """

    title: str
    description: str
    source: str
    licence: str
    load: Callable[..., SequenceDataset]
    credit: str | None = None
    options: tuple[str, ...] = ()
    mapped: bool = False
    available: Callable[[Path], bool] = lambda folder: True
    fetch: Callable[[Path], object] = lambda folder: None


@cache
def _discover() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


DATASETS: Registry[NamedDataset] = Registry("data set", _discover)
