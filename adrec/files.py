"""Files that appear complete or not at all: text, JSON, safetensors and npz, written to a temporary name and renamed into place."""

import contextlib
import errno
import json
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from adrec.errors import RunError, refusal
from adrec.system import replace

if TYPE_CHECKING:
    import pandas as pd


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Characters that start a formula in a spreadsheet."""


def csv_for_people(frame: "pd.DataFrame") -> str:
    """A table as CSV for spreadsheets: text that would run as a formula is prefixed with an apostrophe.

    Numbers stay unchanged. Source: OWASP, "CSV Injection".
    """

    def harmless(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = value.replace("\r", " ")  # on its own it would start a new row
        return f"'{text}" if value.startswith(FORMULA) else text

    safe = frame.apply(lambda column: column if column.dtype.kind in "biuf" else column.astype(object).map(harmless))
    return safe.set_axis([harmless(str(name)) for name in frame.columns], axis=1).to_csv(index=False)


SHORT = 40
"""Characters of a file's name repeated in its temporary name, since names may be as long as the system allows."""


@contextlib.contextmanager
def atomic(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file next to ``path`` and rename it into place if the block succeeds; a failed block leaves no trace."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:SHORT]}-", suffix=".tmp")
    try:
        with open(handle, mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        replace(name, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


LARGEST_JSON, LARGEST_TEXT = 256 << 20, 2 << 30
"""Bytes of a JSON file, and of a table or a record as text, in a run's folder."""


def check_file(path: Path, most: int | None = None) -> None:
    """A RunError if something else lies where a file should: a folder, or a pipe or a device, which may never end; or a file larger than
    ``most`` bytes. What is missing is for who reads it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:  # a link to itself
        raise RunError(refusal(error)) from None
    if not stat.S_ISREG(found.st_mode):
        raise RunError(f"'{path}' is not a file.")
    if most is not None and found.st_size > most:
        raise RunError(f"'{path}' has {found.st_size:,} bytes; expected at most {most:,}.")


def write_text(path: Path, text: str) -> None:
    """Write text, atomically."""
    with atomic(path, "w") as file:
        file.write(text)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write ``data`` as indented JSON, atomically."""
    with atomic(path, "w") as file:
        json.dump(data, file, indent=1, ensure_ascii=False)
        file.write("\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from ``path``; a missing or damaged file is a RunError."""
    check_file(path, LARGEST_JSON)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"'{path.parent}' is not a run folder: it has no {path.name}.") from None
    except OSError as error:
        raise RunError(refusal(error)) from None
    except (ValueError, RecursionError) as error:  # ValueError: not UTF-8, not JSON, or a number with thousands of digits
        raise RunError(f"'{path}' is damaged and cannot be read as JSON ({type(error).__name__}).") from None
    if not isinstance(data, dict):
        raise RunError(f"'{path}' is damaged: it must hold one JSON object.")
    return data


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as safetensors, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:SHORT]}-{os.getpid()}.tmp")
    try:
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, temporary)
        replace(temporary, path)
    except SafetensorError as error:  # how it reports a full disk
        raise OSError(errno.EIO, str(error).rstrip("."), str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)


def load_arrays(path: Path, names: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
    """The named (default: all) arrays of a safetensors file."""
    check_file(path)
    try:
        with safe_open(path, "np") as file:
            return {k: file.get_tensor(k) for k in (names or file.keys())}
    except FileNotFoundError:
        raise RunError(f"'{path}' does not exist.") from None
    except (SafetensorError, OSError, TypeError) as error:  # TypeError: a type that numpy lacks, such as bfloat16
        raise RunError(f"'{path}' cannot be read as safetensors of numpy's types ({str(error).rstrip('.')}).") from None


def save_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as compressed npz, atomically."""
    with atomic(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_npz(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The named (default: all) arrays of an npz file."""
    check_file(path)
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in names or file.files}
    except (OSError, KeyError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError(f"'{path}' is not a readable npz file ({type(error).__name__}).") from None


def array_names(path: Path) -> list[str]:
    """The names of the arrays in a safetensors file, from its header."""
    check_file(path)
    try:
        with safe_open(path, "np") as file:
            return list(file.keys())
    except FileNotFoundError:
        return []
    except (SafetensorError, OSError) as error:
        raise RunError(f"'{path}' cannot be read as safetensors ({str(error).rstrip('.')}).") from None


def array_shape(path: Path, name: str) -> tuple[int, ...]:
    """The shape of one array in a safetensors file, from its header."""
    check_file(path)
    try:
        with safe_open(path, "np") as file:
            return tuple(file.get_slice(name).get_shape())
    except (SafetensorError, OSError) as error:
        raise RunError(f"'{path}' cannot be read as safetensors ({str(error).rstrip('.')}).") from None


def changed(path: Path) -> int:
    """When a file last changed, in nanoseconds; 0 if it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
