"""What gensim's ``save`` writes: a pickle, which is not run, and beside it an .npy file for each large array."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.embeddings.files import arrays, pickled
from adrec.embeddings.files.checks import LONGEST_PICKLE, Matrix, as_numbers, check_shape, choose, taken
from adrec.errors import WeightsError

INSTEAD = "model.wv.save_word2vec_format(FILE, binary=True), with FILE ending in .bin, is always read"


def read_gensim(path: Path, key: str | None) -> Matrix:
    """The vectors of words, or of whatever the model calls so, and the words as ids. key: ``wv`` or ``dv``, where it has both."""
    if path.stat().st_size > LONGEST_PICKLE:
        raise WeightsError(f"'{path}' is larger than {LONGEST_PICKLE >> 20} MiB; {INSTEAD}.")
    try:
        whole = pickled.interpreted(path.read_bytes())
    except pickled.Unreadable as error:
        raise WeightsError(f"'{path}' is damaged, or not what gensim's save writes ({error}); {INSTEAD}.") from None
    found = _holders(whole)
    if not found:
        raise WeightsError(f"'{path}' holds no vectors as gensim keeps them; {INSTEAD}.")
    vectors = {name: _vectors(path, name, parts) for name, parts in found.items()}
    shapes = {name: table.shape for name, table in vectors.items()}
    name = next(iter(shapes)) if len(shapes) == 1 and key is None else choose(path, shapes, key)
    check_shape(path, shapes[name], "its table")
    labels = _words(found[name])
    if labels is None or len(labels) != len(vectors[name]):
        raise WeightsError(f"'{path}' is damaged: it has {len(vectors[name]):,} vectors and another number of words; {INSTEAD}.")
    return Matrix(vectors[name], labels, taken(name, shapes))


def _holders(whole: Any) -> dict[str, dict[Any, Any]]:
    """The attributes of what holds vectors, by where it lies in the file: '' for the file itself."""
    if not isinstance(whole, pickled.Record):
        return {}
    if _words(whole.parts) is not None:
        return {"": whole.parts}
    inner = {name: whole.parts.get(name) for name in ("wv", "dv")}
    return {name: part.parts for name, part in inner.items() if isinstance(part, pickled.Record) and _words(part.parts)}


def _words(parts: dict[Any, Any]) -> tuple[str, ...] | None:
    """The words, in the order of their rows; before version 4 of gensim they had another name."""
    words = parts.get("index_to_key", parts.get("index2word"))
    return tuple(map(str, words)) if isinstance(words, list) and all(isinstance(word, str | int) for word in words) else None


def _vectors(path: Path, name: str, parts: dict[Any, Any]) -> np.ndarray:
    beside = parts.get("__numpys")
    if isinstance(beside, list) and "vectors" in beside:
        companion = path.with_name(f"{path.name}.{name + '.' if name else ''}vectors.npy")
        if not companion.is_file():
            where = f"'{companion.name}', which gensim wrote beside it and which is not there"
            raise WeightsError(f"'{path}' keeps its vectors in {where}; {INSTEAD}.")
        return arrays.read_npy(companion, None).table
    array = parts.get("vectors")
    found = array.entries() if isinstance(array, pickled.Array) else None
    if not isinstance(found, np.ndarray) or found.dtype.kind != "f":
        raise WeightsError(f"'{path}' does not hold its vectors themselves (fastText puts them together from pieces); {INSTEAD}.")
    return as_numbers(found)
