"""Tables as libraries save them: files that those libraries made (``tests/assets/tables/make.py``) give back the numbers and the ids."""

import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pytest

from adrec.embeddings.bring import bring
from adrec.embeddings.files import TableDoubt, pickled, read_table
from adrec.errors import WeightsError
from tests.assets.tables import said
from tests.assets.tables.make import HERE, NUMBERS, TABLE, WORDS

COUNTS = tuple(map(str, NUMBERS.tolist()))
MADE: dict[str, tuple[str, ...] | None] = {
    "numpy-words.npz": tuple(WORDS),
    "numpy-numbers.npz": COUNTS,
    "faiss-l2.faiss": None,
    "faiss-ip.faiss": None,
    "faiss-l1.faiss": None,
    "faiss-ids.index": COUNTS,
    "faiss-ids2.index": COUNTS,
    "gensim-word2vec.bin": tuple(WORDS),
    "recbole.pth": None,
    "safetensors-folder": None,
    "safetensors-folder/model.safetensors.index.json": None,
    "arrow.feather": tuple(WORDS),
    "arrow.arrow": COUNTS,
    "arrow-stream.arrow": COUNTS,
    "gensim-whole.kv": tuple(WORDS),
    "gensim-parts.kv": tuple(WORDS),
    "gensim-word2vec.model": tuple(WORDS),
    "gensim-parts.model": tuple(WORDS),
    "h5py-words.h5": tuple(WORDS),
    "h5py-packed.hdf5": COUNTS,
    "h5py-latest.h5": tuple(WORDS),
    "pandas-fixed.h5": tuple(WORDS),
    "keras.keras": None,
    "keras.weights.h5": None,
    "keras.h5": None,
}
"""The ids in each file."""
KEYS = {"keras.h5": "films", "h5py-latest.h5": "table"}
"""The array to take, where the file has several."""


@pytest.mark.parametrize("name", MADE)
def test_a_file_made_by_a_library_gives_back_numbers_and_ids(name: str) -> None:
    found = read_table(HERE / name, KEYS.get(name))
    assert found.labels == MADE[name] and np.array_equal(found.table, TABLE)


@pytest.mark.parametrize("name", [name for name in MADE if not name.startswith("safetensors") and name != "arrow-stream.arrow"])
def test_a_cut_file_of_a_library_is_one_sentence(name: str, tmp_path: Path) -> None:
    path, data = tmp_path / name, (HERE / name).read_bytes()
    for end in sorted({1, 3, 8, 20, 40, 60, *range(100, len(data) - 1, len(data) // 20), len(data) - 1}):
        path.write_bytes(data[:end])
        with pytest.raises(WeightsError) as caught:
            read_table(path, KEYS.get(name))
        assert name in str(caught.value) and "\n" not in str(caught.value), end


def test_the_list_of_formats_says_what_is_said_of_each_file_today() -> None:
    assert said.README.read_text(encoding="utf-8") == said.rows()


def test_every_file_is_small_and_tells_nothing_of_the_machine_that_made_it() -> None:
    for path in HERE.iterdir():
        if path.is_file():
            assert path.stat().st_size < 20 * 1024 and not re.search(rb"/tmp/|/home/|Linux", path.read_bytes()), path.name


def test_bfloat16_is_read_from_npy() -> None:
    found = read_table(HERE / "ml_dtypes-bfloat16.npy")
    assert np.abs(found.table - TABLE).max() < 0.01 * np.abs(TABLE).max() and "bfloat16" in found.notes[0]


# -- ids beside the table ----------------------------------------------------------------------------------------------


def test_ids_beside_a_table_are_said_to_be_so() -> None:
    assert "Item ids are the array 'item_ids'" in " ".join(read_table(HERE / "numpy-words.npz").notes)


@pytest.mark.parametrize(
    ("beside", "says"),
    [
        ({"ids": np.zeros(48, int)}, "'ids' is not taken for the item ids"),
        ({"words": np.array(WORDS), "labels": np.array(WORDS)}, "'words' and 'labels' may both hold"),
        ({"popularity": NUMBERS}, ""),
        ({"ids": NUMBERS[:-1]}, ""),
        ({"ids": NUMBERS.astype(float)}, ""),
        ({"ids": np.array(WORDS, dtype=object)}, ""),
    ],
)
def test_what_may_not_be_ids_is_not_taken_for_them(beside: dict[str, np.ndarray], says: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", table=TABLE, **beside)
    found = read_table(tmp_path / "t.npz")
    assert found.labels is None and np.array_equal(found.table, TABLE) and says in " ".join(found.notes)


# -- RecBole, and ids in a file of their own ---------------------------------------------------------------------------


def test_a_checkpoint_of_recbole_explains_how_it_numbers_items() -> None:
    notes = " ".join(read_table(HERE / "recbole.pth").notes)
    assert "numbers items by their first appearance" in notes and "--table-option ids=FILE" in notes


def test_the_data_set_that_recbole_saved_names_the_rows_of_its_checkpoint() -> None:
    found = read_table(HERE / "recbole.pth", options={"ids": str(HERE / "recbole-dataset.pth")})
    assert found.labels == tuple(WORDS) and np.array_equal(found.table, TABLE)
    assert "the order in which RecBole numbered the items" in found.notes[-2] and "ids=FILE" not in " ".join(found.notes)


@pytest.mark.parametrize("table", ["t.npy", "t.csv"])
def test_ids_in_a_file_of_their_own_are_taken_row_by_row(table: str, tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", TABLE.astype(np.float64))
    np.savetxt(tmp_path / "t.csv", TABLE, delimiter=",", fmt="%.17g")
    (tmp_path / "ids.txt").write_text("\n".join(WORDS) + "\n")
    np.save(tmp_path / "ids.npy", NUMBERS)
    for name, ids in {"ids.txt": tuple(WORDS), "ids.npy": COUNTS}.items():
        found = read_table(tmp_path / table, options={"ids": str(tmp_path / name)})
        assert found.labels == ids and np.array_equal(found.table, TABLE)
    (source,) = bring([tmp_path / table], table_options={"ids": str(tmp_path / "ids.txt")})
    assert source.labels == tuple(WORDS)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("ids.txt", b"a\nb\n", "has 48 rows, and '.*' 2 ids"),
        ("ids.txt", b"\xff\xfe", "not UTF-8"),
        ("ids.pth", pickle.dumps([1, 2]), "no data set that RecBole saved"),
        ("ids.pth", b"\x80\x04garbage", "is damaged"),
        ("ids.npy", b"nonsense", "header cannot be read"),
        ("ids.txt", b"x" * 600, "at most 512 characters"),
    ],
)
def test_a_broken_file_of_ids_is_one_sentence(name: str, data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(WeightsError, match=says):
        read_table(HERE / "faiss-l2.faiss", options={"ids": str(tmp_path / name)})


# -- safetensors in a folder, Arrow -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "says"),
    [
        (b"{", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "no weight_map"),
        (b'{"weight_map": {"item_emb": 3}}', "no weight_map"),
        (b'{"weight_map": {"item_emb": "../t.safetensors"}}', "names the file '../t.safetensors', which is not beside it"),
        (b'{"weight_map": {"item_emb": "gone.safetensors"}}', "which is not beside it"),
        (b'{"weight_map": {"item_emb": "t.safetensors"}}', "is damaged"),
    ],
)
def test_a_broken_index_of_safetensors_is_one_sentence(index: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors.index.json").write_bytes(index)
    (tmp_path / "t.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=says):
        read_table(tmp_path)


def test_a_folder_with_an_index_is_judged_as_a_table() -> None:
    (source,) = bring([HERE / "safetensors-folder"])
    assert np.array_equal(source.table, TABLE)


@pytest.mark.parametrize("data", [b"FEA1 and more", b"ARROW1 and more", b"nothing", b"\xff\xff\xff\xff\xff\xff\xff\x7f"])
def test_a_broken_file_of_arrow_is_one_sentence(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.feather").write_bytes(data)
    with pytest.raises(WeightsError, match="t.feather' is (Feather's first|damaged)"):
        read_table(tmp_path / "t.feather")


def test_a_doubt_about_a_file_of_arrow_names_that_file(tmp_path: Path) -> None:
    pyarrow.feather.write_feather(pa.table({"a": list(TABLE), "b": list(TABLE)}), str(tmp_path / "t.feather"))
    with pytest.raises(TableDoubt) as caught:
        read_table(tmp_path / "t.feather")
    assert "t.feather" in str(caught.value) and "plain.parquet" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["pkl", "joblib"])
def test_what_is_not_read_says_how_to_save_it(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"t.{suffix}").write_bytes(b"anything")
    with pytest.raises(WeightsError, match=r"is not a readable matrix file \(.*numpy.save"):
        read_table(tmp_path / f"t.{suffix}")


# -- HDF5 and Keras ----------------------------------------------------------------------------------------------------


def test_a_layer_of_keras_is_called_by_its_name_and_only_embeddings_are_asked_about() -> None:
    assert "'films', one of 2 arrays" in read_table(HERE / "keras.keras").notes[0]  # the other is a Dense layer named item_tower
    with pytest.raises(TableDoubt, match=r"holds 2 matrices, 'films' \(48 x 8\), 'users' \(5 x 8\)"):
        read_table(HERE / "keras.h5")


def test_links_of_hdf5_that_lead_elsewhere_are_not_followed() -> None:
    assert b"/etc/hostname" in (HERE / "h5py-words.h5").read_bytes()
    with pytest.raises(WeightsError, match="has no array 'elsewhere'; it holds 'model/losses'.*'model/vectors'.*'model/words'"):
        read_table(HERE / "h5py-words.h5", "elsewhere")


@pytest.mark.parametrize(
    ("key", "says"), [("items", "lie in other files"), ("outside", "lie in other files"), ("links", "no real numbers")]
)
def test_hdf5_whose_data_lie_in_other_files_is_refused(key: str, says: str) -> None:
    with pytest.raises(WeightsError, match=says):
        read_table(HERE / "h5py-elsewhere.h5", key)


def test_hdf5_of_a_kind_that_is_not_read_says_how_to_save_it() -> None:
    with pytest.raises(WeightsError, match=r"libver='latest'; numpy.save\(FILE, h5py.File\(THIS\)\[NAME\]\[:\]\) is always read"):
        read_table(HERE / "h5py-latest.h5", "packed")


def test_a_keras_archive_without_weights_is_one_sentence(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(WeightsError, match="has no model.weights.h5 in it"):
        read_table(tmp_path / "t.keras")


@pytest.mark.parametrize("name", ["h5py-words.h5", "h5py-packed.hdf5", "h5py-latest.h5", "keras.keras", "keras.h5"])
def test_hdf5_whose_bytes_are_changed_is_read_or_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    whole, path = (HERE / name).read_bytes(), tmp_path / name
    for seed in range(100):
        random, data = np.random.default_rng(seed), bytearray(whole)
        for at in random.integers(len(data), size=random.choice([1, 4, 40])):
            data[at] = random.choice([0, 1, 8, 127, 255, random.integers(256)])
        path.write_bytes(data)
        try:
            read_table(path, KEYS.get(name))
        except WeightsError as error:
            assert name in str(error) and "\n" not in str(error), seed


# -- word2vec and faiss ------------------------------------------------------------------------------------------------


def test_the_original_programs_line_break_after_a_vector_is_no_part_of_a_word(tmp_path: Path) -> None:
    rows = b"".join(word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(WORDS, TABLE, strict=True))
    (tmp_path / "t.bin").write_bytes(b"48 8\n" + rows)
    assert read_table(tmp_path / "t.bin").labels == tuple(WORDS)


@pytest.mark.parametrize("name", ["gensim-parts.kv", "gensim-parts.model"])
def test_vectors_that_gensim_wrote_beside_a_file_are_asked_for(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes((HERE / name).read_bytes())
    with pytest.raises(WeightsError, match="vectors.npy', which gensim wrote beside it and which is not there; model.wv.save_word2vec"):
        read_table(path)


def test_fasttexts_pieces_are_no_table() -> None:
    with pytest.raises(WeightsError, match="fastText puts them together from pieces"):
        read_table(HERE / "gensim-fasttext.model")


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("kind", [np.float32, np.float64, ">f4"])
def test_an_array_in_a_pickle_is_read_at_every_protocol(protocol: int, kind: Any) -> None:
    for table in (TABLE.astype(kind), np.asfortranarray(TABLE.astype(kind))):
        found = pickled.interpreted(pickle.dumps({"a": table, "b": [1]}, protocol))["a"].entries()
        assert np.array_equal(found, table)


def test_a_backslash_in_a_text_of_a_pickle_warns_nobody() -> None:
    assert pickled.interpreted(b"S'\\h'\n.") == "\\h"


def test_an_array_in_a_pickle_that_is_not_what_it_says_is_none() -> None:
    assert pickled.Array("<f4", (2, 3), False, b"").entries() is None
    assert pickled.Array("O", (2, 3), False, bytes(6)).entries() is None
    assert pickled.Array("<f4", (-1, -1), False, bytes(4)).entries() is None


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("t.bin", b"2 3\nking " + bytes(12), "cut short: 2 words of 3 numbers do not fit"),
        ("t.bin", b"999999999 3\nking " + bytes(12), "claims shape"),
        ("t.bin", b"2 3\nking " + bytes(12) + b"queen" + bytes(12), "word 2 of 2 is not followed by 3 numbers"),
        ("t.bin", b"2 1\n\xff\xfe " + bytes(4) + b"a " + bytes(4), "word 1, .* is not UTF-8"),
        ("t.bin", b"2 1\na " + bytes(4) + b"b " + bytes(4) + b"more", "4 bytes follow its 2 words of 1 number"),
        ("t.bin", b"\xba\x16\x4f\x2f" + bytes(50), "is a model of fastText"),
        ("t.bin", b"something", "neither a torch file .* nor in word2vec's"),
        ("t.faiss", b"IxF2" + b"\xff" * 60, "impossible shape"),
        ("t.faiss", b"IxF2" + (2**30).to_bytes(4, "little") + (2**40).to_bytes(8, "little") + bytes(50), "claims shape"),
        ("t.faiss", (HERE / "faiss-packed.faiss").read_bytes(), "a faiss index of the kind 'IxPq'; expected a flat one, or its vectors"),
        ("t.index", b"something else", "is not a faiss index"),
    ],
)  # fmt: skip
def test_a_broken_binary_file_is_one_sentence(name: str, data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(WeightsError, match=says):
        read_table(tmp_path / name)
