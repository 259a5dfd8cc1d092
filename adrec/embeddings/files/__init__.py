"""Embedding matrices from files of all common formats. Nothing in a file is executed, and no declared size is trusted."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from adrec.embeddings.files import arrays, arrow, columns, faiss, gensim, hdf5, idfile, sharded, tensors, words
from adrec.embeddings.files.checks import Matrix, TableDoubt, tell_odd
from adrec.errors import DataError, WeightsError
from adrec.maps.tables import checked
from adrec.reading.account import Account, Doubt, Use, counted, shown
from adrec.reading.opened import PACKED
from adrec.reading.rows import FORMATS, HEAD_COLUMNS, HEAD_ROWS
from adrec.reading.text import HOW

__all__ = ["IDS", "OPTIONS", "PADDINGS", "SUFFIXES", "Matrix", "TableDoubt", "read_table", "rows_and_columns"]


def _read_bin(path: Path, key: str | None) -> Matrix:
    """A .bin file: torch's, or word2vec's own."""
    if words.is_words(path):
        return words.read_words(path, key)
    if words.is_fasttext(path):
        raise WeightsError(f"'{path}' is a model of fastText; expected its vectors as text, which fastText writes beside it (.vec).")
    return tensors.read_torch(path, key)


READERS: dict[str, Callable[[Path, str | None], Matrix]] = {
    ".npy": arrays.read_npy,
    ".npz": arrays.read_npz,
    ".safetensors": tensors.read_safetensors,
    ".pt": tensors.read_torch,
    ".pth": tensors.read_torch,
    ".ckpt": tensors.read_torch,
    ".bin": _read_bin,
    ".faiss": faiss.read_faiss,
    ".index": faiss.read_faiss,
    ".kv": gensim.read_gensim,
    ".model": gensim.read_gensim,
    ".h5": hdf5.read_hdf5,
    ".hdf5": hdf5.read_hdf5,
    ".keras": hdf5.read_keras,
}
"""Readers of arrays by suffix; everything else has rows and columns."""
SUFFIXES = (*READERS, *FORMATS, *arrow.SUFFIXES, *PACKED)
HINTS = dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle may hold code; save the table with numpy.save")
"""How to save what is not read, by suffix."""
IDS = "ids"
"""The option that names a file with the ids of the rows."""
OPTIONS = (*HOW, *columns.ROLES, IDS)
"""What ``options`` of ``read_table`` may say, all but IDS of a file with rows and columns only."""
PADDINGS = ("auto", "first", "none")
"""Which row is padding: auto, the first row if it is known to be padding or is all zeros; first, the first row; none, no row."""
PADDING_LABELS = ("0", "", "[pad]", "<pad>", "pad", "padding")
REMOVED = "Row 0 was removed"
PADDING_LEFT_OUT = "padding or unknown, the first row"
UNKNOWN_LABELS = ("[unk]", "<unk>", "unk", "<unknown>", "[unknown]", "[oov]", "<oov>", "oov", "</s>")
"""Labels of a first row that stands for no item, even where it is not zero."""


def read_table(path: str | Path, key: str | None = None, padding: str = "auto", options: Mapping[str, str] | None = None) -> Matrix:
    """The embedding matrix in a file, with the items' ids if it has them; every failure is a WeightsError, and a doubt a TableDoubt.

    If there are several arrays, it takes the one named ``key``, else the only matrix, else the one named like an item table; otherwise it
    raises a TableDoubt that lists them. padding: one of PADDINGS. options: OPTIONS of a file with rows and columns. The table is
    (V, D), float32 or float64, finite, with at least 2 rows.
    """
    path, options = Path(path), dict(options or {})
    if padding not in PADDINGS:
        raise WeightsError(f"Unknown padding '{padding}'; must be one of {', '.join(PADDINGS)}.")
    for name in options:
        if name not in OPTIONS:
            raise WeightsError(f"'{name[:40]}' is not an option of a table; the options are {', '.join(OPTIONS)}.")
    index = sharded.index_of(path)
    suffix, path = (sharded.INDEX, index) if index is not None else (path.suffix.lower(), path)
    if suffix not in (*SUFFIXES, sharded.INDEX):
        hint = f" ({HINTS[suffix]})" if suffix in HINTS else ""
        raise WeightsError(f"'{path}' is not a readable matrix file{hint}; expected one of {', '.join(SUFFIXES)}.")
    if not path.is_file():
        problem = "is not a file" if path.exists() else "does not exist"
        raise WeightsError(f"'{path}' {problem}; expected a file with one embedding matrix.")
    if path.stat().st_size == 0:
        raise WeightsError(f"'{path}' is empty; expected a file with one embedding matrix.")
    ids = options.pop(IDS, None)
    if options and not rows_and_columns(path):
        raise WeightsError(f"'{path}' holds arrays without named columns, so the option {next(iter(options))} says nothing of it.")
    try:
        if suffix == sharded.INDEX:
            found = sharded.read_sharded(path, key)
        elif suffix in arrow.SUFFIXES:
            found = arrow.read_arrow(path, key, options)
        else:
            found = READERS[suffix](path, key) if suffix in READERS else columns.read_columns(path, key, options)
    except OSError as error:
        raise WeightsError(f"'{path}' cannot be read ({error.strerror or type(error).__name__}).") from None
    except MemoryError:
        raise WeightsError(f"'{path}' needs more memory than there is; expected a table that fits in memory.") from None
    except Doubt as doubt:
        asked = TableDoubt(doubt.problem, doubt.option, doubt.candidates, doubt.proposed, doubt.instead, doubt.say)
        raise asked.about(path, doubt.head) from None
    except DataError as error:
        raise WeightsError(str(error)) from None
    checked(found.table, f"'{path}'")
    if ids is not None:
        found = _named(path, found, Path(ids))
    if found.account is None:
        found = _with_ids(path, found)
    return _without_padding(path, found, padding)


def rows_and_columns(path: Path) -> bool:
    """Whether a file is one of rows and columns, which ``options`` are about."""
    return path.suffix.lower() not in READERS and not path.name.endswith(sharded.INDEX) and not path.is_dir()


def _named(path: Path, found: Matrix, beside: Path) -> Matrix:
    """A table with the ids that a file of their own gives."""
    labels, why = idfile.read_ids(beside)
    if len(labels) != len(found.table):
        raise WeightsError(f"'{path}' has {len(found.table):,} rows, and '{beside}' {len(labels):,} ids; expected one for each row.")
    notes = tuple(note for note in found.notes if note != tensors.RECBOLE)
    if found.account is not None:
        found.account.uses = [use for use in found.account.uses if use.role != "item"] + [Use(beside.name, "item", why)]
    return replace(found, labels=labels, notes=(*notes, f"Item ids are from {shown(beside.name)}: {why}."))


def _with_ids(path: Path, found: Matrix) -> Matrix:
    """An array with its account, and with a column of ids taken for what it is."""
    account = Account(str(path), f"an array of {found.table.shape[0]:,} x {found.table.shape[1]:,}", notes=list(found.notes))
    account.rows = account.read = len(found.table)
    account.head = [{f"column {i}": f"{x:.6g}" for i, x in enumerate(row[:HEAD_COLUMNS], 1)} for row in found.table[:HEAD_ROWS]]
    column = arrays.ids_in(found.table) if found.labels is None else None
    if found.labels is not None:
        account.uses.append(Use("ids", "item", "they stand beside the table"))
        account.items = len(set(found.labels))
        tell_odd(found.labels, account)
        found = replace(found, notes=tuple(account.notes))
    if column is not None:
        ids = tuple(str(int(x)) for x in found.table[:, column])
        why = "different whole numbers beside columns of fractions"
        account.uses.append(Use(f"column {column + 1}", "item", why))
        note = f"Column {column + 1} of the array holds {why}: it is taken for the item ids, not for a dimension."
        found = replace(found, table=np.delete(found.table, column, axis=1), labels=ids, notes=(*found.notes, note), padded=False)
    account.uses.append(Use(counted(found.table.shape[1], "column"), "dimensions", "all others are numbers" if found.labels else "numbers"))
    return replace(found, account=account)


def _without_padding(path: Path, found: Matrix, padding: str) -> Matrix:
    table = found.table
    zeros = not table[0].any() and bool(table[1:].any(axis=1).all())
    label = None if found.labels is None else found.labels[0].lower()
    labelled = label is not None and label not in PADDING_LABELS
    unknown = label in UNKNOWN_LABELS
    drop = padding == "first" or (padding == "auto" and (found.padded or (zeros and not labelled) or unknown))
    if not drop:
        return found
    if len(table) < 3:
        raise WeightsError(f"'{path}' has only one row besides its padding row; expected at least 2 rows (items).")
    why = "the first row of an item table is padding" if found.padded else "it is all zeros"
    if padding == "first":
        why = "as asked"
    elif unknown and found.labels is not None:
        why = f"its label {shown(found.labels[0])} stands for no item"
    account = found.account
    if account is not None:
        account.left_out[PADDING_LEFT_OUT] = 1
        account.read -= 1
    return replace(
        found,
        table=table[1:],
        labels=None if found.labels is None else found.labels[1:],
        titles=None if found.titles is None else found.titles[1:],
        notes=(*found.notes, f"{REMOVED}: {why}."),
        padded=True,
        removed=table[0].copy(),
    )
