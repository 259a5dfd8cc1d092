"""Torch's files: the tensors are taken, whatever lies beside them, and nothing is made or run."""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adrec.embeddings.files import pickled, read_table
from adrec.errors import WeightsError

TABLE = np.random.default_rng(0).standard_normal((7, 4))
RAN: list[str] = []


class Settings(dict[str, Any]):
    """Settings as libraries keep them: a dictionary with attributes."""

    def __init__(self, **values: Any) -> None:
        super().__init__(values)
        self.own = {"nested": [Path("a"), (1, {2.5})]}


class Command:
    """An object that runs something when it is read carelessly."""

    def __reduce__(self) -> tuple[Any, ...]:
        return RAN.append, ("ran",)


def _saved(path: Path, value: Any, **how: Any) -> Path:
    torch.save(value, path, **how)
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("beside", [Settings(width=4), Command(), np.float64(0.1), {1, 2}, torch.Size([2]), b"bytes", 10**30, "text"])
def test_tensors_are_taken_from_beside_any_object(tmp_path: Path, beside: Any, protocol: int) -> None:
    state = OrderedDict(item_embedding=torch.nn.Parameter(torch.from_numpy(TABLE)))
    path = _saved(tmp_path / "run.ckpt", {"settings": beside, "state_dict": state, "after": beside}, pickle_protocol=protocol)
    assert np.array_equal(read_table(path).table, TABLE) and not RAN


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "bfloat16", "int8", "uint8", "int16", "int32", "int64"])
@pytest.mark.parametrize("view", [lambda t: t, lambda t: t.T, lambda t: t[2:, 1:], lambda t: t[1:2].expand(5, -1), lambda t: t[::2]])
def test_every_kind_of_number_and_every_view_is_read_as_torch_reads_it(tmp_path: Path, kind: str, view: Any) -> None:
    tensor = view((torch.from_numpy(TABLE) * 9).to(getattr(torch, kind)))
    found = read_table(_saved(tmp_path / "pytorch_model.bin", {"w": tensor}), padding="none").table
    assert np.array_equal(found, tensor.to(torch.float64).numpy())


def test_a_settings_object_is_a_word_without_content() -> None:
    found = pickled.interpreted(pickle.dumps([Settings(width=4), Path("a")]))
    assert [part.name for part in found] == [f"{__name__}.Settings", "pathlib.PosixPath"]


def test_dictionaries_that_hold_each_other_many_times_end_with_a_sentence(tmp_path: Path) -> None:
    inner: dict[str, Any] = {}
    for _ in range(6):
        inner = {str(i): inner for i in range(90)}
    with pytest.raises(WeightsError, match="entries"):
        read_table(_saved(tmp_path / "t.pt", inner))


def test_numbers_outside_the_archive_are_refused(tmp_path: Path) -> None:
    whole = _saved(tmp_path / "whole.pt", {"w": torch.from_numpy(TABLE)})
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(tmp_path / "cut.pt", "w") as cut:
        for name in archive.namelist():
            cut.writestr(name, archive.read(name)[:-8] if name.endswith("data/0") else archive.read(name))
    with pytest.raises(WeightsError, match="needs 28 numbers, and 27 are there"):
        read_table(tmp_path / "cut.pt")
