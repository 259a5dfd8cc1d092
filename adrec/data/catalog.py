"""Data sets by name or by path: loading, preparing, finding a run's data again."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from adrec.data import prepared
from adrec.data.dataset import SequenceDataset
from adrec.data.named import DATASETS, NamedDataset
from adrec.data.readers import FORMATS, Options, read_dataset
from adrec.errors import DataError
from adrec.folders import home


def named(name: str) -> tuple[NamedDataset, str, Path] | None:
    """The data set of this name, the settings that the name holds behind a colon, and the folder of its files; None if there is none."""
    known, _, settings = name.partition(":")
    return (DATASETS[known], settings, home() / "data" / known) if known in DATASETS else None


def identity(name_or_path: str) -> str:
    """What a run records of where its data came from: the name of a named data set, otherwise the whole path."""
    return name_or_path if named(name_or_path) else str(Path(name_or_path).resolve())


def load(name_or_path: str | Path, **options: Any) -> SequenceDataset:
    """A named data set, or the one in a file or folder, with the options of `readers`. A named one may be fetched at its first use."""
    name = str(name_or_path)
    found = named(name)
    if found is None:
        if not _exists(name):
            raise DataError(
                f"'{name}' is neither a named data set ({', '.join(DATASETS)}) nor an existing file or folder; accepted are {FORMATS}."
            )
        return read_dataset(name, **options)
    entry, settings, folder = found
    refused = next((key for key in options if key not in entry.options), None)
    if refused is not None:
        raise DataError(f"The data set '{name}' takes no option '{refused}'.")
    return entry.load(settings, folder, **options)


def prepare(name_or_path: str | Path, out: str | Path, **options: Any) -> SequenceDataset:
    """Write the data set that `load` gives into the folder ``out``, which `load` then opens at once; returns it."""
    out = Path(out)
    prepared.check_free(out)  # before the work
    dataset = load(name_or_path, **options)
    prepared.save(dataset, out)
    return dataset


def load_for_run(info: Mapping[str, Any]) -> SequenceDataset:
    """The data set that a run was trained on, from its run.json; a DataError if it cannot be had or is no longer the same."""
    entry = info.get("dataset")
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise DataError("The run does not say which data set it was trained on.")
    name, options = entry["name"], entry.get("options")
    options = options if isinstance(options, Mapping) else {}
    found = named(name)
    if found is None and not _exists(name):
        raise DataError(f"The run was trained on '{name}', which is not there (any more).")
    accepted: tuple[str, ...] = tuple(f.name for f in fields(Options))
    if found is not None:
        accepted = found[0].options
    elif prepared.is_prepared(Path(name).expanduser()):
        accepted = ()
    dataset = load(name, **{k: options[k] for k in accepted if k in options})
    if entry.get("hash") and dataset.content_hash != entry["hash"]:
        told = f"{dataset.n_users:,} users, {dataset.n_items:,} items and {dataset.n_interactions:,} interactions"
        raise DataError(f"The data set '{name}' is not the one the run was trained on: it now has {told}, and its contents differ.")
    return dataset


def available(name: str) -> bool:
    """Whether `load` would work without the network, as far as can be seen without reading all of it."""
    found = named(name)
    return _exists(name) if found is None else found[0].available(found[2])


def fetch(name: str) -> None:
    """Make a named data set available offline from now on."""
    found = named(name)
    if found is None:
        raise DataError(f"There is no data set named '{name}'; the named ones are {', '.join(DATASETS)}.")
    found[0].fetch(found[2])


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # a name too long, a home folder unknown, a null byte
        return False
