"""Matrix files: every format gives the same matrix, every broken file one sentence."""

import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from adrec.errors import WeightsError
from adrec.matrices import read_matrix

TABLE = np.random.default_rng(0).standard_normal((6, 4))


def _npy_with_header(shape: str, data: bytes = b"") -> bytes:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def _npy_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _zip(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name + ".npy", data)
    return file.getvalue()


def _safetensors(shape: list[int], end: int, kind: str = "F32") -> bytes:
    header = json.dumps({"w": {"dtype": kind, "shape": shape, "data_offsets": [0, end]}}).encode()
    return struct.pack("<Q", len(header)) + header + b"\0" * min(end, 64)


WRITERS: dict[str, Callable[[Path], object]] = {
    "t.npy": lambda p: np.save(p, TABLE),
    "fortran.npy": lambda p: np.save(p, np.asfortranarray(TABLE)),
    "one.npz": lambda p: np.savez(p, table=TABLE),
    "packed.npz": lambda p: np.savez_compressed(p, table=TABLE, losses=np.arange(9.0)),
    "t.safetensors": lambda p: save_file({"w": TABLE, "bias": np.zeros(3)}, p),
    "bare.csv": lambda p: np.savetxt(p, TABLE, delimiter=","),
    "bare.tsv": lambda p: np.savetxt(p, TABLE, delimiter="\t"),
    "semicolons.csv": lambda p: np.savetxt(p, TABLE, delimiter=";"),
    "named.csv": lambda p: pd.DataFrame(TABLE, columns=list("abcd")).to_csv(p, index=False),
    "numbered.csv": lambda p: pd.DataFrame(TABLE).to_csv(p, index=False),
    "labelled.csv": lambda p: pd.DataFrame(TABLE).to_csv(p),
    "titles.csv": lambda p: pd.DataFrame(TABLE, index=pd.Index([f"film, {i}" for i in range(6)], name="item")).to_csv(p),
    "mark.csv": lambda p: pd.DataFrame(TABLE).to_csv(p, index=False, encoding="utf-8-sig"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_matrix_written_in_an_accepted_format_comes_back(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    assert read_matrix(tmp_path / name) == pytest.approx(TABLE, rel=1e-12)


def test_a_model_files_item_table_comes_without_its_padding_row(tmp_path: Path) -> None:
    save_file({"item_embedding.weight": TABLE, "encoder.weight": np.ones((3, 3))}, tmp_path / "model.safetensors")
    assert np.array_equal(read_matrix(tmp_path / "model.safetensors"), TABLE[1:])


def test_a_key_chooses_among_matrices(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=np.ones((3, 3)), b=TABLE)
    assert np.array_equal(read_matrix(tmp_path / "t.npz", key="b"), TABLE)


def test_single_precision_is_read_exactly(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", TABLE.astype(np.float32))
    assert np.array_equal(read_matrix(tmp_path / "t.npy"), TABLE.astype(np.float32))


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty.npy": (b"", "is empty"),
    "no-magic.npy": (b"hello, world, this is text", "header cannot be read"),
    "cut-header.npy": (_npy_bytes(TABLE)[:40], "header cannot be read"),
    "cut-data.npy": (_npy_bytes(TABLE)[:-8], "cut short"),
    "objects.npy": (_npy_bytes(np.array([{}, []], dtype=object)), "Python objects"),
    "texts.npy": (_npy_bytes(np.array([["a", "b"]])), "real numbers"),
    "complex.npy": (_npy_bytes(TABLE.astype(complex)), "real numbers"),
    "vector.npy": (_npy_bytes(TABLE[0]), "accepted is a matrix"),
    "cube.npy": (_npy_bytes(np.ones((2, 2, 2))), "accepted is a matrix"),
    "one-row.npy": (_npy_bytes(TABLE[:1]), "at least 2 rows"),
    "no-columns.npy": (_npy_bytes(np.ones((4, 0))), "1 column"),
    "nan.npy": (_npy_bytes(np.where(TABLE > 1, np.nan, TABLE)), "NaN or infinity"),
    "absurd.npy": (_npy_with_header("(1000000000, 1000000000)"), "claims shape"),
    "negative.npy": (_npy_with_header("(-4, 4)"), "impossible shape"),
    "lying.npy": (_npy_with_header("(1000, 1000)", bytes(800)), "cut short"),
    "code.npy": (_npy_with_header("__import__('os').getcwd()"), "header cannot be read"),
    "text.npz": (b"this is no archive", "cannot be read as npz"),
    "cut.npz": (_zip(a=_npy_bytes(TABLE))[:-30], "cannot be read as npz"),
    "several.npz": (_zip(a=_npy_bytes(TABLE), b=_npy_bytes(TABLE)), "2 matrices, 'a', 'b'"),
    "vectors.npz": (_zip(a=_npy_bytes(TABLE[0])), "no matrix, only 'a'"),
    "nothing.npz": (_zip(), "only nothing"),
    "objects.npz": (_zip(a=_npy_bytes(np.array([[{}]], dtype=object))), "no matrix"),
    "absurd.npz": (_zip(a=_npy_with_header("(1000000000, 1000000000)")), "claims shape"),
    "lying.npz": (_zip(a=_npy_with_header("(10000, 10000)", bytes(800))), "cut short"),
    "text.safetensors": (b"not a tensor at all", "cannot be read as safetensors"),
    "long-header.safetensors": (struct.pack("<Q", 2**60) + b"{}", "cannot be read as safetensors"),
    "absurd.safetensors": (_safetensors([10**9, 10**9], 4 * 10**18), "cannot be read as safetensors"),
    "lying.safetensors": (_safetensors([4, 4], 32), "cannot be read as safetensors"),
    "truth.safetensors": (_safetensors([4, 4], 16, "BOOL"), "type BOOL"),
    "words.csv": (b"a,b\n1,2\nx,3\n", "line 3, column 'a': 'x' is not a number"),
    "gap.csv": (b"1,2\n3,\n", "line 2"),
    "ragged.csv": (b"1,2\n3,4,5\n", "cannot be read as a table"),
    "short.csv": (b"1,2,3\n4,5\n6,7,8\n", "is not a number"),
    "header-only.csv": (b"a,b,c\n", "at least 2 rows"),
    "binary.csv": (bytes(range(128, 256)), "cannot be read as a table"),
    "infinite.csv": (b"1,2\n3,inf\n", "NaN or infinity"),
    "weights.pth": (b"PK", "accepted are .npy"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_matrix_file_is_one_sentence_that_names_it(name: str, tmp_path: Path) -> None:
    data, words = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        read_matrix(tmp_path / name)
    assert words in str(caught.value) and name in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="gone.npy' does not exist"):
        read_matrix(tmp_path / "gone.npy")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(WeightsError, match="is not a file"):
        read_matrix(tmp_path / "folder.npy")


def test_an_unknown_key_lists_what_is_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=TABLE)
    with pytest.raises(WeightsError, match="no array 'c'; it holds 'a'"):
        read_matrix(tmp_path / "t.npz", key="c")


@pytest.mark.parametrize("name", ["absurd.npy", "lying.npz", "absurd.npz", "absurd.safetensors"])
def test_a_claimed_size_takes_no_memory(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BROKEN[name][0])
    tracemalloc.start()
    with pytest.raises(WeightsError):
        read_matrix(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22
