"""The ids of a table's rows from a file of their own: one a line, an .npy file, or the data set that RecBole saved."""

from pathlib import Path

import numpy as np

from adrec.embeddings.files import arrays, pickled
from adrec.embeddings.files.checks import LONGEST_PICKLE
from adrec.errors import WeightsError
from adrec.reading.limits import LONGEST_ID

PICKLE = b"\x80"
LARGEST = 2**28
"""Bytes of a file of ids."""


def read_ids(path: Path) -> tuple[tuple[str, ...], str]:
    """The ids in the order of the rows, and what they were taken from."""
    if not path.is_file():
        raise WeightsError(f"'{path}' is not a file; expected one with the ids of the rows.")
    if path.stat().st_size > LARGEST:
        raise WeightsError(f"'{path}' has {path.stat().st_size:,} bytes; a file of ids must have at most {LARGEST:,}.")
    try:
        with open(path, "rb") as file:
            begin = file.read(1)
        if begin == PICKLE:
            found, why = _of_recbole(path), "the order in which RecBole numbered the items"
        elif path.suffix.lower() == ".npy":
            values = arrays.read_vector(path).tolist()
            found, why = [v.decode() if isinstance(v, bytes) else str(v) for v in values], "its entries"
        else:
            found, why = path.read_text(encoding="utf-8-sig").splitlines(), "its lines"
    except OSError as error:
        raise WeightsError(f"'{path}' cannot be read ({error.strerror or type(error).__name__}).") from None
    except ValueError:
        raise WeightsError(f"'{path}' is damaged or not UTF-8 text; expected the ids of the rows, one a line.") from None
    ids = tuple(text.strip() for text in found)
    if max(map(len, ids), default=0) > LONGEST_ID:
        raise WeightsError(f"'{path}': ids have at most {LONGEST_ID} characters.")
    return ids, why


def _of_recbole(path: Path) -> list[str]:
    """The item ids of a saved data set, by RecBole's number; the first is its padding."""
    if path.stat().st_size > LONGEST_PICKLE:
        raise WeightsError(f"'{path}' is larger than {LONGEST_PICKLE >> 20} MiB; expected the ids of the rows, one a line.")
    whole = pickled.interpreted(path.read_bytes())
    parts = whole.parts if isinstance(whole, pickled.Record) else {}
    ids_of, item = parts.get("field2id_token"), parts.get("iid_field")
    found = ids_of.get(item) if isinstance(ids_of, dict) and isinstance(item, str) else None
    entries = found.entries() if isinstance(found, pickled.Array) else None
    if entries is None:
        raise WeightsError(f"'{path}' is no data set that RecBole saved; expected one, or the ids of the rows, one a line.")
    return [str(entry) for entry in (entries.tolist() if isinstance(entries, np.ndarray) else entries)]
