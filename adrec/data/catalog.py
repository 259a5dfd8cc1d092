"""Named data sets and their cache: ``ml-100k`` from the package index, ``synthetic`` generated, and any file or folder by path."""

import hashlib
import logging
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from adrec.data import prepared, synthetic
from adrec.data.dataset import SequenceDataset
from adrec.data.readers import FORMATS, Options, read_dataset
from adrec.errors import DataError
from adrec.files import atomic
from adrec.folders import home

log = logging.getLogger(__name__)

NAMED = {
    "ml-100k": "MovieLens-100K: ratings of 4 and 5 by 938 users for 1,008 films, 5-core. GroupLens forbids passing the ratings on, "
    "so they are fetched once from the package index.",
    "synthetic": "Generated: users drifting through clusters of items; 500 items and 1,000 users, "
    "or as named, for example synthetic:items=60000,users=5000,seed=1.",
}
TITLES = {"ml-100k": "MovieLens-100K", "synthetic": "Synthetic clusters"}
ML_100K_FILTERS = {"min_rating": 4, "k_core": 5}
PACKAGE = "recbole==1.2.1"
WHEEL = "recbole-1.2.1-py3-none-any.whl"
WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
FOLDER_IN_WHEEL = "recbole/dataset_example/ml-100k"
FILES = {  # name: (bytes, sha256)
    "ml-100k.inter": (1979230, "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff"),
    "ml-100k.item": (66632, "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532"),
    "ml-100k.user": (22697, "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972"),
}
PIP_SECONDS = 300


def load(name_or_path: str | Path, **options: Any) -> SequenceDataset:
    """A named data set, or the one in a file or folder, with the options of `readers`.

    ``ml-100k`` takes the official filters unless told otherwise and is fetched at its first use.
    """
    name = str(name_or_path)
    if name == "ml-100k":
        return read_dataset(fetch_ml_100k(), name=name, **(ML_100K_FILTERS | options))
    if is_synthetic(name):
        if options:
            told = next(iter(options))
            raise DataError(f"The synthetic data set takes no option '{told}'; its settings are in its name, as in synthetic:items=60000.")
        return synthetic.generate(**synthetic.parse(name.partition(":")[2]))
    if not _exists(name):
        named = ", ".join(NAMED)
        raise DataError(f"'{name}' is neither a named data set ({named}) nor an existing file or folder; accepted are {FORMATS}.")
    return read_dataset(name, **options)


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
    if not (name in NAMED or is_synthetic(name) or _exists(name)):
        raise DataError(f"The run was trained on '{name}', which is not there (any more).")
    as_it_is = is_synthetic(name) or prepared.is_prepared(Path(name).expanduser())
    accepted = () if as_it_is else tuple(f.name for f in fields(Options))
    dataset = load(name, **{k: options[k] for k in accepted if k in options})
    if entry.get("hash") and dataset.content_hash != entry["hash"]:
        told = f"{dataset.n_users:,} users, {dataset.n_items:,} items and {dataset.n_interactions:,} interactions"
        raise DataError(f"The data set '{name}' is not the one the run was trained on: it now has {told}, and its contents differ.")
    return dataset


def available(name: str) -> bool:
    """Whether `load` would work without the network, as far as can be seen without reading all of it."""
    if name == "ml-100k":
        return intact(ml_100k_folder())
    if is_synthetic(name):
        return True
    return _exists(name)


def fetch(name: str) -> None:
    """Make a named data set available offline from now on."""
    if name == "ml-100k":
        fetch_ml_100k()
    elif not is_synthetic(name):
        raise DataError(f"There is no data set named '{name}'; the named ones are {', '.join(NAMED)}.")


def is_synthetic(name: str) -> bool:
    """Whether a name asks for the generated data set."""
    return name == "synthetic" or name.startswith("synthetic:")


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # a name too long, a home folder unknown, a null byte
        return False


def ml_100k_folder() -> Path:
    """Where the files of ``ml-100k`` are kept."""
    return home() / "data" / "ml-100k"


def intact(folder: Path) -> bool:
    """Whether all files are in the folder, byte for byte."""
    try:
        return all(_sha256((folder / name).read_bytes()) == digest for name, (_, digest) in FILES.items())
    except OSError:
        return False


def fetch_ml_100k() -> Path:
    """The folder with RecBole's files of MovieLens-100K, downloaded unless an intact copy is there."""
    folder = ml_100k_folder()
    if intact(folder):
        return folder
    if folder.exists():
        log.warning("The copy of ml-100k in %s is incomplete or damaged and is fetched again.", folder)
    with tempfile.TemporaryDirectory(prefix="adrec-") as temporary:
        unpack(_download(Path(temporary)), folder)
    return folder


def _download(folder: Path) -> Path:
    """The wheel that carries the data files, from the package index into ``folder``."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run([*command, PACKAGE, "--dest", str(folder)], capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unobtainable(f"pip gave no answer, {type(error).__name__}") from None
    wheel = folder / WHEEL
    if done.returncode or not wheel.is_file():
        reasons = [line for line in done.stderr.splitlines() if line.strip()]
        reason = next((line for line in reversed(reasons) if line.startswith("ERROR")), reasons[-1] if reasons else "it left no file")
        raise _unobtainable(f"pip says: {reason.removeprefix('ERROR: ').rstrip('.')}")
    return wheel


def _unobtainable(reason: str) -> DataError:
    return DataError(
        f"The data set ml-100k is not in '{ml_100k_folder()}' and could not be fetched from the package index as {PACKAGE} ({reason}); "
        "try again with a network connection, or use the data set synthetic."
    )


def unpack(wheel: Path, folder: Path) -> None:
    """Verify the wheel and write its data files into ``folder``, each whole or not at all. Nothing else of the wheel is touched."""
    digest = _sha256(wheel.read_bytes())
    if digest != WHEEL_SHA256:
        told = f"SHA-256 {digest[:12]}..., expected {WHEEL_SHA256[:12]}..."
        raise DataError(f"The downloaded {wheel.name} is not the expected file ({told}), so nothing was taken from it.")
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, (size, expected) in FILES.items():
                with archive.open(f"{FOLDER_IN_WHEEL}/{name}") as member:
                    data = member.read(size + 1)
                if len(data) != size or _sha256(data) != expected:
                    raise DataError(f"The file {name} in {wheel.name} is not the expected one, so it was not used.")
                with atomic(folder / name) as file:
                    file.write(data)
    except OSError as error:
        raise DataError(f"The data folder '{folder}' cannot be written ({error.strerror}); set ADREC_HOME to a folder that can.") from None
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"The downloaded {wheel.name} is damaged ({type(error).__name__}).") from None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
