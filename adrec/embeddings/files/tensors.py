"""safetensors, and torch's files without torch: the tensors are taken from them, and nothing in them is imported or called."""

import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from adrec.embeddings.files import pickled
from adrec.embeddings.files.checks import LONGEST_PICKLE, MOST_ARRAYS, Matrix, as_numbers, bfloat, check_shape, choose, is_item_table, taken
from adrec.errors import WeightsError
from adrec.reading.account import shown

REAL = ("F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64")
RECBOLE = (
    "A checkpoint of RecBole, which numbers items by their first appearance in its files, after a row of padding: the data set that it "
    "saves (save_dataset: True) holds the ids, for --table-option ids=FILE; without it orders of rows are tried (--order)."
)
DEPTH = 6
"""How deep a table may be nested in a checkpoint's dictionaries."""
KINDS = {
    **{"Double": "f8", "Float": "f4", "Half": "f2", "BFloat16": "u2", "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1"},
    **{f"UInt{bits}": f"u{bits // 8}" for bits in (16, 32, 64)},
}
"""numpy's name for each kind of number that torch stores."""


def read_safetensors(path: Path, key: str | None) -> Matrix:
    """One matrix of a safetensors file."""
    try:
        with safe_open(path, "np") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - not a dict
            name = choose(path, shapes, key)
            check_shape(path, shapes[name], shown(name))
            kind = file.get_slice(name).get_dtype()
            if kind not in (*REAL, "BF16"):
                raise WeightsError(f"'{path}': {shown(name)} has type {kind}; expected floats of 16, 32 or 64 bits, or integers.")
            table = _bfloat(path, name) if kind == "BF16" else as_numbers(file.get_tensor(name))
    except SafetensorError as error:
        reason = str(error).splitlines()[0][:200].rstrip(".")
        raise WeightsError(f"'{path}' is damaged and cannot be read as safetensors ({reason}).") from None
    return Matrix(table, notes=taken(name, shapes), padded=is_item_table(name))


def _bfloat(path: Path, name: str) -> Any:
    """A bfloat16 tensor as float32 (numpy has no bfloat16)."""
    with safe_open(path, "pt") as file:
        return file.get_tensor(name).float().numpy()


def read_torch(path: Path, key: str | None) -> Matrix:
    """One matrix of a torch file: a tensor, a state dict, or a checkpoint with dictionaries in dictionaries (names joined by dots).

    Objects beside the tensors, such as settings, are passed over.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _of_archive(path, archive, key)
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, NotImplementedError, EOFError, IndexError, KeyError) as error:
        if path.suffix.lower() == ".bin":
            raise WeightsError(f"'{path}' is neither a torch file ({type(error).__name__}) nor in word2vec's binary format.") from None
        old = f"in torch's format since version 1.6 ({type(error).__name__}): save it again with torch.save"
        raise WeightsError(f"'{path}' is not a torch file {old}.") from None


def _of_archive(path: Path, archive: zipfile.ZipFile, key: str | None) -> Matrix:
    packed = [m.filename for m in archive.infolist() if m.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise WeightsError(f"'{path}' has compressed parts, which torch does not write; expected a file written by torch.save.")
    pickles = [m for m in archive.infolist() if m.filename.endswith("data.pkl")]
    if len(pickles) != 1 or pickles[0].file_size > LONGEST_PICKLE:
        raise WeightsError(f"'{path}' is not a torch file: it must hold one data.pkl of at most {LONGEST_PICKLE >> 20} MiB.")
    whole = pickled.interpreted(archive.read(pickles[0]))
    try:
        found = pickled.tensors(whole, DEPTH, MOST_ARRAYS)
    except ValueError as error:
        raise WeightsError(f"'{path}' holds more than {MOST_ARRAYS:,} entries, the last under {shown(str(error))}.") from None
    shapes = {name: tensor.shape for name, tensor in found.items()}
    if not shapes:
        kept = "a dense tensor, a state dict or a checkpoint: torch.save(model.state_dict(), FILE)"
        raise WeightsError(f"'{path}' holds no table that can be read without running code; expected {kept}.")
    name = choose(path, shapes, key)
    check_shape(path, shapes[name], shown(name) if name else "its tensor")
    root = pickles[0].filename.removesuffix("data.pkl")
    recbole = (RECBOLE,) if isinstance(whole, dict) and whole.keys() >= {"config", "state_dict", "other_parameter"} else ()
    table = _numbers(path, archive, root, name, found[name])
    return Matrix(table, notes=(*taken(name, shapes), *recbole), padded=is_item_table(name))


def _numbers(path: Path, archive: zipfile.ZipFile, root: str, name: str, tensor: pickled.Described) -> np.ndarray:
    """The numbers of a tensor, from the part of the archive where they lie."""
    kind = KINDS.get(tensor.storage.kind)
    if kind is None:
        raise WeightsError(f"'{path}': {shown(name)} has type {tensor.storage.kind[:30]}; expected a dense tensor of real numbers.")
    members = archive.namelist()
    order = archive.read(root + "byteorder") if root + "byteorder" in members else sys.byteorder.encode()
    type = np.dtype(kind).newbyteorder(">" if order == b"big" else "<")
    rows, width = tensor.shape
    needed = 0 if not rows * width else tensor.offset + (rows - 1) * tensor.stride[0] + (width - 1) * tensor.stride[1] + 1
    part = f"{root}data/{tensor.storage.key}"
    there = archive.getinfo(part).file_size // type.itemsize if part in members else 0
    if needed > there:
        raise WeightsError(f"'{path}' is cut short or damaged: {shown(name)} needs {needed:,} numbers, and {there:,} are there.")
    with archive.open(part) as file:
        flat = np.frombuffer(file.read(needed * type.itemsize), dtype=type)
    if len(flat) < needed:
        raise WeightsError(f"'{path}' is cut short or damaged: {shown(name)} needs {needed:,} numbers, and {len(flat):,} are there.")
    strides = [step * type.itemsize for step in tensor.stride]
    view = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, strides, writeable=False)
    if tensor.storage.kind == "BFloat16":
        return bfloat(view)
    return np.array(as_numbers(view))
