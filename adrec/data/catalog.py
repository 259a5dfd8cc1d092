"""Data sets by name or by path: loading, preparing, finding a run's data again."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from adrec.data import prepared
from adrec.data.dataset import SequenceDataset
from adrec.data.named import DATASETS, NamedDataset
from adrec.data.options import Options
from adrec.data.readers import FORMATS, read_dataset
from adrec.errors import DataError
from adrec.folders import home


def named(name: str) -> tuple[NamedDataset, str, Path] | None:
    """The data set of this name, the settings after a colon in the name, and the folder of its files; None if there is no such data set."""
    known, _, settings = name.partition(":")
    return (DATASETS[known], settings, home() / "data" / known) if known in DATASETS else None


def identity(name_or_path: str) -> str:
    """Where a run's data came from, as recorded in the run: the name of a named data set, otherwise the absolute path."""
    return name_or_path if named(name_or_path) else str(Path(name_or_path).resolve())


def load(name_or_path: str | Path, **options: Any) -> SequenceDataset:
    """A named data set, or the one in a file or folder, with the options of `readers`. A named one may be downloaded on first use."""
    return _load(name_or_path, options)


def _load(name_or_path: str | Path, options: Mapping[str, Any], into: Path | None = None) -> SequenceDataset:
    """into: a folder for arrays too large for memory."""
    name = str(name_or_path)
    found = named(name)
    if found is None:
        if not _exists(name):
            raise DataError(
                f"'{name}' is neither a named data set ({', '.join(sorted(DATASETS))}) nor an existing file or folder; expected {FORMATS}."
            )
        return read_dataset(name, into=into, **options)
    entry, settings, folder = found
    refused = next((key for key in options if key not in entry.options), None)
    if refused is not None:
        raise DataError(f"The data set '{name}' has no option '{refused}'.")
    return entry.load(settings, folder, **options, **({"into": into} if entry.mapped else {}))


def prepare(name_or_path: str | Path, out: str | Path, **options: Any) -> SequenceDataset:
    """Load a data set and write it to the folder ``out``, which `load` opens instantly; returns the data set."""
    with prepared.writing(Path(out)) as folder:
        dataset = _load(name_or_path, options, folder)
        prepared.write(dataset, folder)
    return dataset


def load_for_run(info: Mapping[str, Any]) -> SequenceDataset:
    """The data set that a run was trained on, from its run.json; a DataError if it is missing or has changed."""
    entry = info.get("dataset")
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise DataError("The run does not record which data set it was trained on.")
    name, options = entry["name"], entry.get("options")
    options = options if isinstance(options, Mapping) else {}
    found = named(name)
    if found is None and not _exists(name):
        raise DataError(f"The run was trained on '{name}', which no longer exists.")
    if options.get("format", "dataset.pkl") != "dataset.pkl" and "repeats" not in options:
        options = {**options, "repeats": "keep"}  # recorded when every row of a file was kept
    accepted: tuple[str, ...] = tuple(f.name for f in fields(Options))
    if found is not None:
        accepted = found[0].options
    elif prepared.is_prepared(Path(name).expanduser()):
        accepted = ()
    dataset = load(name, **{k: options[k] for k in accepted if k in options})
    if entry.get("hash") and dataset.content_hash != entry["hash"]:
        counts = f"{dataset.n_users:,} users, {dataset.n_items:,} items and {dataset.n_interactions:,} interactions"
        raise DataError(f"The data set '{name}' is not the one the run was trained on: it now has {counts}, and its contents differ.")
    return dataset


def available(name: str) -> bool:
    """Whether `load` would work without the network, as far as one can tell without reading everything."""
    found = named(name)
    return _exists(name) if found is None else found[0].available(found[2])


def fetch(name: str) -> None:
    """Download a named data set so that it is available offline."""
    found = named(name)
    if found is None:
        raise DataError(f"There is no data set named '{name}'; the named ones are {', '.join(DATASETS)}.")
    found[0].fetch(found[2])


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # name too long, unknown home folder, null byte
        return False
