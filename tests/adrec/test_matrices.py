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
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from adrec.embeddings.files import TableDoubt, read_table
from adrec.errors import WeightsError

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

NAMES = tuple(f"film-{i}" for i in range(6))


def _word2vec(path: Path) -> None:
    lines = [f"{name} " + " ".join(map(repr, row.tolist())) for name, row in zip(NAMES, TABLE, strict=True)]
    path.write_text("\n".join([f"{len(TABLE)} {TABLE.shape[1]}", *lines]) + "\n")


def _parquet(path: Path, **columns: object) -> None:
    pd.DataFrame(columns).to_parquet(path, index=False)


WRITERS |= {
    "t.pt": lambda p: torch.save(torch.from_numpy(TABLE), p),
    "state.pth": lambda p: torch.save({"w.weight": torch.from_numpy(TABLE), "bias": torch.zeros(3)}, p),
    "deep.ckpt": lambda p: torch.save({"epoch": 3, "state_dict": {"emb": torch.nn.Parameter(torch.from_numpy(TABLE))}}, p),
    "words.txt": _word2vec,
    "words.vec": _word2vec,
    "glove.txt": lambda p: p.write_text("\n".join(_word2vec(p) or p.read_text().splitlines()[1:])),
    "t.parquet": lambda p: _parquet(p, **{str(i): TABLE[:, i] for i in range(4)}),
    "lists.parquet": lambda p: _parquet(p, item_id=NAMES, embedding=list(TABLE)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_matrix_written_in_an_accepted_format_comes_back(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    assert read_table(tmp_path / name).table == pytest.approx(TABLE, rel=1e-12)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_npy_file_is_mapped_not_copied(order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adrec.embeddings.files.arrays.MAPPED", 10)
    np.save(tmp_path / "x.npy", np.asarray(TABLE, order=order))
    found = read_table(tmp_path / "x.npy").table
    assert np.array_equal(found, TABLE) and isinstance(found, np.memmap) and not found.flags.writeable


def test_a_model_files_item_table_comes_without_its_padding_row(tmp_path: Path) -> None:
    save_file({"item_embedding.weight": TABLE, "encoder.weight": np.ones((3, 3))}, tmp_path / "model.safetensors")
    assert np.array_equal(read_table(tmp_path / "model.safetensors").table, TABLE[1:])


def test_a_key_chooses_among_matrices(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=np.ones((3, 3)), b=TABLE)
    assert np.array_equal(read_table(tmp_path / "t.npz", key="b").table, TABLE)


def test_single_precision_is_read_exactly(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", TABLE.astype(np.float32))
    assert np.array_equal(read_table(tmp_path / "t.npy").table, TABLE.astype(np.float32))


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty.npy": (b"", "is empty"),
    "no-magic.npy": (b"hello, world, this is text", "header cannot be read"),
    "cut-header.npy": (_npy_bytes(TABLE)[:40], "header cannot be read"),
    "cut-data.npy": (_npy_bytes(TABLE)[:-8], "cut short"),
    "objects.npy": (_npy_bytes(np.array([{}, []], dtype=object)), "Python objects"),
    "texts.npy": (_npy_bytes(np.array([["a", "b"]])), "real numbers"),
    "complex.npy": (_npy_bytes(TABLE.astype(complex)), "real numbers"),
    "vector.npy": (_npy_bytes(TABLE[0]), "expected a matrix"),
    "cube.npy": (_npy_bytes(np.ones((2, 2, 2))), "expected a matrix"),
    "one-row.npy": (_npy_bytes(TABLE[:1]), "at least 2 rows"),
    "no-columns.npy": (_npy_bytes(np.ones((4, 0))), "1 column"),
    "nan.npy": (_npy_bytes(np.where(TABLE > 1, np.nan, TABLE)), "NaN or infinity"),
    "signalling.npy": (_npy_bytes(np.full((4, 3), 0x7F800001, np.uint32).view(np.float32)), "NaN or infinity"),
    "indented.npy": (_npy_with_header("(1,\n  1)\n 2"), "header cannot be read"),
    "absurd.npy": (_npy_with_header("(1000000000, 1000000000)"), "claims shape"),
    "negative.npy": (_npy_with_header("(-4, 4)"), "impossible shape"),
    "truth.npy": (_npy_with_header("(12, True)"), "impossible shape"),
    "lying.npy": (_npy_with_header("(1000, 1000)", bytes(800)), "cut short"),
    "code.npy": (_npy_with_header("__import__('os').getcwd()"), "header cannot be read"),
    "text.npz": (b"this is no archive", "cannot be read as npz"),
    "cut.npz": (_zip(a=_npy_bytes(TABLE))[:-30], "cannot be read as npz"),
    "several.npz": (_zip(a=_npy_bytes(TABLE), b=_npy_bytes(TABLE)), "2 matrices, 'a' (6 x 4), 'b' (6 x 4): choose one"),
    "wild.npz": (_zip(a=_npy_bytes(TABLE), item_id=_npy_bytes(np.array(list("abcdef"))).replace(b"c\0\0\0", b"c\0\0\x7f")), "no character"),
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
    "ragged.csv": (b"1,2\n3,4,5\n", "has more values than the first line"),
    "short.csv": (b"1,2,3\n4,5\n6,7,8\n", "Line 2 of"),
    "header-only.csv": (b"a,b,c\n", "looks like data"),
    "binary.csv": (bytes(range(128, 256)), "is not UTF-8 text"),
    "infinite.csv": (b"1,2\n3,inf\n", "NaN or infinity"),
    "weights.pth": (b"PK", "is not a torch file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_matrix_file_is_one_sentence_that_names_it(name: str, tmp_path: Path) -> None:
    data, words = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        read_table(tmp_path / name)
    assert words in str(caught.value) and name in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="gone.npy' does not exist"):
        read_table(tmp_path / "gone.npy")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(WeightsError, match="is not a file"):
        read_table(tmp_path / "folder.npy")


def test_an_unknown_key_lists_what_is_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=TABLE)
    with pytest.raises(WeightsError, match="no array 'c'; it holds 'a'"):
        read_table(tmp_path / "t.npz", key="c")


@pytest.mark.parametrize("name", ["absurd.npy", "lying.npz", "absurd.npz", "absurd.safetensors"])
def test_a_claimed_size_takes_no_memory(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BROKEN[name][0])
    tracemalloc.start()
    with pytest.raises(WeightsError):
        read_table(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


# -- labels, padding, choice ------------------------------------------------------------------------------------------


LABELLED: dict[str, Callable[[Path], object]] = {
    "words.txt": _word2vec,
    "glove.txt": WRITERS["glove.txt"],
    "lists.parquet": WRITERS["lists.parquet"],
    "wide.parquet": lambda p: _parquet(p, asin=NAMES, **{f"e{i}": TABLE[:, i] for i in range(4)}),
    "named.csv": lambda p: pd.DataFrame(TABLE, index=pd.Index(NAMES, name="item_id:token")).to_csv(p),
    "bare.csv": lambda p: pd.DataFrame(TABLE, index=list(NAMES)).to_csv(p, header=False),
}


@pytest.mark.parametrize("name", LABELLED)
def test_item_ids_beside_the_numbers_are_kept(name: str, tmp_path: Path) -> None:
    LABELLED[name](tmp_path / name)
    found = read_table(tmp_path / name)
    assert found.labels == NAMES and found.table == pytest.approx(TABLE, rel=1e-12)


def test_whole_numbers_before_fractions_are_item_ids(tmp_path: Path) -> None:
    pd.DataFrame(TABLE, index=[7, 3, 9, 1, 2, 8]).to_csv(tmp_path / "t.csv", header=False)
    found = read_table(tmp_path / "t.csv")
    assert found.labels == ("7", "3", "9", "1", "2", "8") and "different whole numbers" in found.notes[0]


def test_a_first_row_of_zeros_is_padding_and_that_is_said(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.concatenate([np.zeros((1, 4)), TABLE]))
    found = read_table(tmp_path / "t.npy")
    assert np.array_equal(found.table, TABLE) and found.notes == ("Row 0 was removed: it is all zeros.",)


def test_zeros_stay_where_an_item_has_them_or_where_asked(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.concatenate([np.zeros((1, 4)), TABLE]))
    pd.DataFrame(np.concatenate([np.zeros((1, 4)), TABLE]), index=["film", *NAMES]).to_csv(tmp_path / "t.csv", header=False)
    assert len(read_table(tmp_path / "t.npy", padding="none").table) == len(read_table(tmp_path / "t.csv").table) == 7
    assert len(read_table(tmp_path / "t.csv", padding="first").table) == 6


def test_a_checkpoints_item_table_is_found_by_name(tmp_path: Path) -> None:
    state = {"pos_emb.weight": torch.ones(9, 4), "user_embedding.weight": torch.ones(8, 4), "fc.weight": torch.ones(4, 4)}
    torch.save({"model": {**state, "item_emb.weight": torch.from_numpy(TABLE)}}, tmp_path / "sasrec.pth")
    found = read_table(tmp_path / "sasrec.pth")
    assert np.array_equal(found.table, TABLE) and "model.item_emb.weight" in found.notes[0]


def test_several_candidates_are_listed_with_their_shapes(tmp_path: Path) -> None:
    torch.save({"item_emb_a": torch.ones(9, 4), "item_emb_b": torch.ones(8, 4), "fc": torch.ones(3, 3)}, tmp_path / "t.pt")
    with pytest.raises(TableDoubt, match="'item_emb_a' .9 x 4., 'item_emb_b' .8 x 4.: choose one") as caught:
        read_table(tmp_path / "t.pt")
    assert caught.value.option == "key" and caught.value.candidates == [("item_emb_a", "9 x 4"), ("item_emb_b", "8 x 4")]
    assert len(read_table(tmp_path / "t.pt", key="item_emb_b").table) == 8


def test_half_precision_is_read_exactly(tmp_path: Path) -> None:
    torch.save(torch.from_numpy(TABLE).bfloat16(), tmp_path / "t.pt")
    save_tensors({"w": torch.from_numpy(TABLE).bfloat16()}, tmp_path / "t.safetensors")
    expected = torch.from_numpy(TABLE).bfloat16().float().numpy()
    assert all(np.array_equal(read_table(tmp_path / name).table, expected) for name in ("t.pt", "t.safetensors"))
