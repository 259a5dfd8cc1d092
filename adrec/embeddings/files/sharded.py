"""A safetensors model in several files: an index says in which file of its folder each tensor lies."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from adrec.embeddings.files.checks import MOST_ARRAYS, Matrix, choose, taken
from adrec.embeddings.files.tensors import read_safetensors
from adrec.errors import WeightsError
from adrec.reading.account import shown

INDEX = ".safetensors.index.json"
LARGEST = 2**26
"""Bytes of an index."""


def index_of(path: Path) -> Path | None:
    """The index that a path is, or that lies in the folder that it is, if there is exactly one."""
    if path.name.endswith(INDEX):
        return path
    found = sorted(file for file in path.iterdir() if file.name.endswith(INDEX)) if path.is_dir() else []
    return found[0] if len(found) == 1 else None


def read_sharded(index: Path, key: str | None) -> Matrix:
    """One matrix of a model in several files. Only files in the index's own folder are opened."""
    try:
        if index.stat().st_size > LARGEST:
            raise WeightsError(f"'{index}' is larger than {LARGEST >> 20} MiB; expected the index of a safetensors model.")
        said = json.loads(index.read_bytes())
    except (ValueError, RecursionError):
        raise WeightsError(f"'{index}' is no JSON; expected the index of a safetensors model.") from None
    places = said.get("weight_map") if isinstance(said, dict) else None
    if not isinstance(places, dict) or not places or not all(isinstance(name, str) for name in places.values()):
        raise WeightsError(f"'{index}' has no weight_map with a file for each tensor; expected the index of a safetensors model.")
    if len(places) > MOST_ARRAYS:
        raise WeightsError(f"'{index}' names {len(places):,} tensors; must be at most {MOST_ARRAYS:,}.")
    shapes: dict[str, tuple[int, ...]] = {}
    for part in dict.fromkeys(places.values()):
        shapes |= _shapes(index, part)
    shapes = {name: shape for name, shape in shapes.items() if name in places}
    name = choose(index, shapes, key)
    found = read_safetensors(index.with_name(places[name]), name)
    return Matrix(found.table, found.labels, taken(name, shapes), found.padded)


def _shapes(index: Path, part: str) -> dict[str, tuple[int, ...]]:
    """The tensors of one of the files."""
    if Path(part).name != part or "\0" in part or not index.with_name(part).is_file():
        raise WeightsError(
            f"'{index}' names the file {shown(part)}, which is not beside it; expected all files of the model in one folder."
        )
    try:
        with safe_open(index.with_name(part), "np") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - not a dict
    except SafetensorError:
        raise WeightsError(f"'{index.with_name(part)}' is damaged and cannot be read as safetensors.") from None
