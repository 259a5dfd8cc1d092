"""MovieLens-100K with the filters of the official code.

GroupLens does not allow redistribution, so the ratings are downloaded once, from the package index: RecBole's package includes them.
"""

import hashlib
import logging
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from adrec.data.dataset import SequenceDataset
from adrec.data.named import DATASETS, NamedDataset
from adrec.data.options import Options
from adrec.data.readers import read_dataset
from adrec.errors import DataError
from adrec.files import atomic

log = logging.getLogger(__name__)

NAME = "ml-100k"
FILTERS = {"min_rating": 4, "k_core": 5}
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


def load(settings: str, folder: Path, **options: Any) -> SequenceDataset:
    """Ratings of 4 and 5 by 938 users for 1,008 films, unless ``options`` change the filters."""
    if settings:
        raise DataError(f"The data set {NAME} takes no settings in its name, but '{settings}' was given.")
    fetch(folder)
    return read_dataset(folder, name=NAME, **(FILTERS | options))


def intact(folder: Path) -> bool:
    """Whether all files are in the folder, byte for byte."""
    try:
        return all(_sha256((folder / name).read_bytes()) == digest for name, (_, digest) in FILES.items())
    except OSError:
        return False


def fetch(folder: Path) -> None:
    """Download RecBole's files of MovieLens-100K into the folder, unless an intact copy is there."""
    if intact(folder):
        return
    if folder.exists():
        log.warning("The copy of %s in %s is incomplete or damaged; downloading it again.", NAME, folder)
    with tempfile.TemporaryDirectory(prefix="adrec-") as temporary:
        unpack(_download(Path(temporary), folder), folder)


def _download(temporary: Path, folder: Path) -> Path:
    """Download the wheel with the data files from the package index into ``temporary``. folder: where the files will be kept."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check"]
    command += [PACKAGE, "--dest", str(temporary)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unobtainable(f"pip gave no answer, {type(error).__name__}", folder) from None
    wheel = temporary / WHEEL
    if done.returncode or not wheel.is_file():
        reasons = [line for line in done.stderr.splitlines() if line.strip()]
        reason = next((line for line in reversed(reasons) if line.startswith("ERROR")), reasons[-1] if reasons else "it left no file")
        raise _unobtainable(f"pip says: {reason.removeprefix('ERROR: ').rstrip('.')}", folder)
    return wheel


def _unobtainable(reason: str, folder: Path) -> DataError:
    return DataError(
        f"The data set {NAME} is not in '{folder}' and could not be downloaded from the package index as {PACKAGE} ({reason}); "
        "try again with a network connection, or use the data set synthetic."
    )


def unpack(wheel: Path, folder: Path) -> None:
    """Verify the wheel and write its data files to ``folder``, each atomically. Nothing else in the wheel is touched."""
    digest = _sha256(wheel.read_bytes())
    if digest != WHEEL_SHA256:
        hashes = f"SHA-256 {digest[:12]}..., expected {WHEEL_SHA256[:12]}..."
        raise DataError(f"The downloaded {wheel.name} is not the expected file ({hashes}), so nothing in it was used.")
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
        raise DataError(f"The data folder '{folder}' cannot be written ({error.strerror}); set ADREC_HOME to a writable folder.") from None
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"The downloaded {wheel.name} is damaged ({type(error).__name__}).") from None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


DATASETS.register(
    NAME,
    NamedDataset(
        title="MovieLens-100K",
        description="Ratings of 4 and 5 by 938 users for 1,008 films, 5-core, with titles, genres and years.",
        source=f"GroupLens Research, University of Minnesota; fetched from the package index as the data files of {PACKAGE}",
        licence="GroupLens's: research use with attribution, no redistribution",
        load=load,
        credit="MovieLens-100K, GroupLens Research, University of Minnesota (Harper & Konstan 2015, doi 10.1145/2827872)",
        options=tuple(field.name for field in fields(Options)),
        available=intact,
        fetch=fetch,
    ),
)
