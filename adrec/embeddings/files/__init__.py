"""Embedding matrices from files of all common formats. Nothing in a file is executed, and no declared size is trusted."""

from collections.abc import Callable
from pathlib import Path

from adrec.embeddings.files import arrays, columns, tensors, text
from adrec.embeddings.files.checks import AmbiguousTable, Matrix
from adrec.errors import WeightsError
from adrec.maps.tables import checked

__all__ = ["PADDINGS", "SUFFIXES", "AmbiguousTable", "Matrix", "read_table"]

READERS: dict[str, Callable[[Path, str | None], Matrix]] = {
    ".npy": arrays.read_npy,
    ".npz": arrays.read_npz,
    ".safetensors": tensors.read_safetensors,
    ".pt": tensors.read_torch,
    ".pth": tensors.read_torch,
    ".ckpt": tensors.read_torch,
    ".bin": tensors.read_torch,
    ".csv": text.read_text,
    ".tsv": text.read_text,
    ".parquet": columns.read_parquet,
    ".pq": columns.read_parquet,
    ".txt": text.read_text,
    ".vec": text.read_text,
    ".w2v": text.read_text,
}
SUFFIXES = tuple(READERS)
PADDINGS = ("auto", "first", "none")
"""Which row is padding: auto, the first row if it is known to be padding or is all zeros; first, the first row; none, no row."""
PADDING_LABELS = ("0", "", "[pad]", "<pad>", "pad", "padding")


def read_table(path: str | Path, key: str | None = None, padding: str = "auto") -> Matrix:
    """The embedding matrix in a file, with the items' ids if it has them; every failure is a WeightsError.

    If there are several arrays, it takes the one named ``key``, else the only matrix, else the one named like an item table; otherwise it
    raises an AmbiguousTable that lists them. padding: one of PADDINGS. The table is (V, D), float32 or float64, finite, with at least 2
    rows.
    """
    path = Path(path)
    if padding not in PADDINGS:
        raise WeightsError(f"Unknown padding '{padding}'; must be one of {', '.join(PADDINGS)}.")
    suffix = path.suffix.lower()
    if suffix not in READERS:
        hint = " (a pickle may hold code; save the table with numpy.save)" if suffix in (".pkl", ".pickle", ".joblib") else ""
        raise WeightsError(f"'{path}' is not a readable matrix file{hint}; expected one of {', '.join(SUFFIXES)}.")
    if not path.is_file():
        problem = "is not a file" if path.exists() else "does not exist"
        raise WeightsError(f"'{path}' {problem}; expected a file with one embedding matrix.")
    if path.stat().st_size == 0:
        raise WeightsError(f"'{path}' is empty; expected a file with one embedding matrix.")
    try:
        found = READERS[suffix](path, key)
    except OSError as error:
        raise WeightsError(f"'{path}' cannot be read ({error.strerror or type(error).__name__}).") from None
    except MemoryError:
        raise WeightsError(f"'{path}' needs more memory than there is; expected a table that fits in memory.") from None
    checked(found.table, f"'{path}'")
    return _without_padding(path, found, padding)


def _without_padding(path: Path, found: Matrix, padding: str) -> Matrix:
    table = found.table
    zeros = not table[0].any() and bool(table[1:].any(axis=1).all())
    labelled = found.labels is not None and found.labels[0].lower() not in PADDING_LABELS
    drop = padding == "first" or (padding == "auto" and (found.padded or (zeros and not labelled)))
    if not drop:
        return found
    if len(table) < 3:
        raise WeightsError(f"'{path}' has only one row besides its padding row; expected at least 2 rows (items).")
    why = "as asked" if padding == "first" else "the first row of an item table is padding" if found.padded else "it is all zeros"
    labels = None if found.labels is None else found.labels[1:]
    return Matrix(table[1:], labels, (*found.notes, f"Row 0 was removed: {why}."), padded=True)
