"""safetensors, and torch's files through the restricted reader: names are checked before torch sees them, and nothing is called."""

import pickletools
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from adrec.data.columns import shown
from adrec.embeddings.files.checks import MOST_ARRAYS, Matrix, as_numbers, check_shape, choose, is_item_table, taken
from adrec.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

REAL = ("F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64")
LONGEST_PICKLE = 2**26
DEPTH = 6
"""How deep a table may be nested in a checkpoint's dictionaries."""
HARMLESS = ("collections.OrderedDict", "torch.Size", "torch.device", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter")


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
    """One matrix of a torch file: a tensor, a state dict, or a checkpoint with dictionaries in dictionaries (names joined by dots)."""
    _check_archive(path)
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols, of no use to the user
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # on a damaged file, torch's reader may raise anything, even AssertionError and IndexError
        raise WeightsError(f"'{path}' is damaged and cannot be read as a torch file ({type(error).__name__}).") from None
    tensors = dict(_tensors(path, loaded))
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    name = choose(path, shapes, key)
    check_shape(path, shapes[name], shown(name) if name else "its tensor")
    tensor = tensors[name]
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta or tensor.is_complex() or tensor.dtype == torch.bool:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise WeightsError(f"'{path}': {shown(name)} has type {kind}; expected a dense tensor of real numbers.")
    wide = tensor.dtype == torch.float64 or not tensor.is_floating_point()
    table = tensor.detach().to(torch.float64 if wide else torch.float32).contiguous().numpy()
    return Matrix(table.copy(), notes=taken(name, shapes), padded=is_item_table(name))


def _tensors(path: Path, value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, "Tensor"]]:
    from torch import Tensor

    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping) and depth < DEPTH:
        if len(value) > MOST_ARRAYS:
            raise WeightsError(f"'{path}' holds {len(value):,} entries under {shown(name)}; must be at most {MOST_ARRAYS:,}.")
        for inner, part in value.items():
            yield from _tensors(path, part, f"{name}.{inner}" if name else str(inner), depth + 1)


def _check_archive(path: Path) -> None:
    """Refuse files that are not plain torch archives, that ask for code or that are compressed, before torch opens them."""
    try:
        with zipfile.ZipFile(path) as archive:
            packed = [m.filename for m in archive.infolist() if m.compress_type != zipfile.ZIP_STORED]
            if packed:
                raise WeightsError(f"'{path}' has compressed parts, which torch does not write; expected a file written by torch.save.")
            pickles = [m for m in archive.infolist() if m.filename.endswith("data.pkl")]
            if len(pickles) != 1 or pickles[0].file_size > LONGEST_PICKLE:
                raise WeightsError(f"'{path}' is not a torch file: it must hold one data.pkl of at most {LONGEST_PICKLE >> 20} MiB.")
            names = set(_named(archive.read(pickles[0])))
    except (zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, EOFError, IndexError, UnicodeError) as error:
        old = f"in torch's format since version 1.6 ({type(error).__name__}): save it again with torch.save"
        raise WeightsError(f"'{path}' is not a torch file {old}.") from None
    refused = sorted(name for name in names if not _harmless(name))
    if refused:
        asked = f"asks for {shown(refused[0])}, which only running code could give"
        raise WeightsError(f"'{path}' {asked}, so it was not opened; save the tensors alone: torch.save(model.state_dict(), FILE).")


def _named(data: bytes) -> Iterator[str]:
    """Every global that a pickle names; a name assembled at run time counts as 'a computed name'."""
    for code, argument, _ in pickletools.genops(data):
        if code.name in ("GLOBAL", "INST"):
            yield str(argument).replace(" ", ".")
        elif code.name in ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
            yield "a computed name"


def _harmless(name: str) -> bool:
    if name in HARMLESS:
        return True
    module, _, last = name.rpartition(".")
    storage = module in ("torch", "torch.cuda") and last.endswith("Storage") and last != "UntypedStorage"
    return storage or (module == "torch" and last.removesuffix("fn").rstrip("0123456789") in ("float", "bfloat", "int", "uint"))
