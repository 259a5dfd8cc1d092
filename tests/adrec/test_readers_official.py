"""The official dataset.pkl: read as pickle reads it, and never executed."""

import io
import os
import pickle
import re
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrec.data.pickles import _Machine
from adrec.data.readers import read_dataset
from adrec.errors import DataError

GOOD = {"train": [[1, 2], [3]], "val": [[4], [1]], "test": [[2], [5]]}
BY_NUMBER = {"train": {7: [1, 2], 3: [3]}, "val": {3: [1], 7: [4]}, "test": {7: [2], 3: [5]}}
"""The same by user number, in an order of its own in each part."""


def write(folder: Path, content: object) -> Path:
    """A pickle of the content; bytes are written as they are."""
    path = folder / "dataset.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content))
    return path


def check(path: Path, said: str) -> None:
    """Reading fails with one sentence that names the file and says this."""
    with pytest.raises(DataError) as caught:
        read_dataset(path)
    told = str(caught.value)
    assert re.search(said, told), told
    assert str(path) in told and told.endswith(".") and "\n" not in told and len(told) < 400
    assert caught.value.__cause__ is None and (caught.value.__suppress_context__ or caught.value.__context__ is None)


# -- what is read -------------------------------------------------------------------------------------------------


def as_arrays(sequences):
    """A list of arrays of unequal lengths as an array of objects."""
    array = np.empty(len(sequences), dtype=object)
    array[:] = [np.array(s, dtype=">i2") for s in sequences]
    return array


FORMS = {
    "lists": lambda s: s,
    "tuples": lambda s: tuple(map(tuple, s)),
    "arrays": lambda s: [np.array(u, dtype=np.int32) for u in s],
    "numpy numbers": lambda s: [[np.int64(i) for i in u] for u in s],
    "an array of arrays": as_arrays,
    "one matrix where it can be": lambda s: np.array(s) if len({len(u) for u in s}) == 1 else s,
    "bare numbers where there is one": lambda s: [u[0] if len(u) == 1 else u for u in s],
}


PROTOCOLS = [("arrays", protocol) for protocol in range(pickle.HIGHEST_PROTOCOL)]


@pytest.mark.parametrize(("form", "protocol"), [*((form, pickle.HIGHEST_PROTOCOL) for form in FORMS), *PROTOCOLS])
def test_every_protocol_and_form_gives_the_same_data_set(tmp_path, form, protocol):
    data = pickle.dumps({k: FORMS[form](v) for k, v in GOOD.items()}, protocol=protocol)
    dataset = read_dataset(write(tmp_path, data))
    assert [dataset.train(u).tolist() for u in range(2)] == GOOD["train"]
    assert (dataset.val.tolist(), dataset.test.tolist(), dataset.n_items) == ([4, 1], [2, 5], 5)


SIMPLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(SIMPLE, st.integers(3, pickle.HIGHEST_PROTOCOL))
def test_containers_numbers_and_strings_are_read_as_pickle_reads_them(value, protocol):
    assert _Machine().run(pickle.dumps(value, protocol)) == value


def test_a_dict_by_user_number_is_the_same_data_set_in_the_order_of_its_training_part(tmp_path):
    dataset = read_dataset(write(tmp_path, BY_NUMBER))
    assert dataset.content_hash == read_dataset(write(tmp_path, GOOD)).content_hash
    assert dataset.user_ids.tolist() == ["7", "3"]


def test_raw_ids_are_those_of_the_maps_in_the_file(tmp_path):
    maps = {"umap": {"ann": 3, "bob": 7}, "smap": {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "never used": 6}}
    dataset = read_dataset(write(tmp_path, BY_NUMBER | maps))
    assert dataset.user_ids.tolist() == ["bob", "ann"]
    assert dataset.items.frame["item"].tolist() == list(maps["smap"])


@pytest.mark.parametrize(
    ("name", "users", "items", "interactions"), [("ml-1m", 6040, 3706, 1_000_209), ("amazon-beauty", 22_363, 12_101, 198_502)]
)
def test_diffurecs_own_files_have_their_counts(test_data, name, users, items, interactions):
    dataset = read_dataset(test_data / "diffurec" / f"{name}.pkl")
    assert (dataset.n_users, dataset.n_items, dataset.n_interactions) == (users, items, interactions)


def test_diffurecs_item_ids_join_with_movielens_titles(test_data):
    films = pd.read_csv(test_data / "ml-1m" / "items.csv", dtype=str)
    dataset = read_dataset(test_data / "diffurec" / "ml-1m.pkl", items=test_data / "ml-1m" / "items.csv")
    assert set(dataset.items.frame["item"]) <= set(films.iloc[:, 0])
    assert (dataset.items.frame["title"] != dataset.items.frame["item"]).all()


def test_the_folder_names_the_data_set(tmp_path):
    folder = tmp_path / "baby"
    folder.mkdir()
    write(folder, GOOD)
    assert read_dataset(folder).name == read_dataset(folder / "dataset.pkl").name == "baby"


def test_an_item_file_gives_official_ids_their_titles(tmp_path):
    (tmp_path / "items.csv").write_text("id,title\n3,Ran\n")
    assert read_dataset(write(tmp_path, GOOD), items=tmp_path / "items.csv").items.frame["title"][3] == "Ran"


def test_filters_are_refused_as_the_file_is_split_already(tmp_path):
    with pytest.raises(DataError, match="already filtered and split; k_core cannot be applied"):
        read_dataset(write(tmp_path, GOOD), k_core=5)


# -- what is refused ----------------------------------------------------------------------------------------------


class Payload:
    """Pickles as a call of ``function``."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class WithState:
    pass


def persistent() -> bytes:
    class Persistent(pickle.Pickler):
        def persistent_id(self, obj):
            return "outside" if obj == "x" else None

    buffer = io.BytesIO()
    Persistent(buffer).dump({"train": "x"})
    return buffer.getvalue()


REFUSED = {
    "os.system": (lambda mark: pickle.dumps(Payload(os.system, f"touch {mark}")), r"contains (posix|nt)\.system, which is refused"),
    "os.system, protocol 0": (lambda mark: pickle.dumps(Payload(os.system, f"touch {mark}"), 0), r"contains (posix|nt)\.system"),
    "eval": (lambda mark: pickle.dumps(Payload(eval, f"open({str(mark)!r}, 'w')")), r"contains builtins\.eval"),
    "exec inside a data set": (
        lambda mark: pickle.dumps({**GOOD, "x": Payload(exec, f"open({str(mark)!r}, 'w')")}),
        r"contains builtins\.exec",
    ),
    "the old instruction INST": (lambda mark: f"(S'touch {mark}'\nios\nsystem\n.".encode(), r"contains os\.system"),
    "getattr of numpy": (lambda mark: b"cnumpy\nload\n.", r"contains numpy\.load"),
    "a dotted way through numpy": (lambda mark: b"\x80\x04\x8c\x05numpy\x8c\x0bcore.os.sys\x93.", r"contains numpy\.core\.os\.sys"),
    "a pandas table": (lambda mark: pickle.dumps(pd.DataFrame({"a": [1]})), r"contains pandas\.\S*DataFrame"),
    "an object": (lambda mark: pickle.dumps(WithState()), r"contains \S*\.WithState"),
    "another container": (lambda mark: pickle.dumps(OrderedDict(a=1)), r"contains collections\.OrderedDict"),
    "a set": (lambda mark: pickle.dumps({1}), "contains the pickle instruction EMPTY_SET"),
    "a persistent id": (lambda mark: persistent(), "contains a persistent id"),
    "an extension code": (lambda mark: b"\x80\x02\x82\x01.", "contains the pickle instruction EXT1"),
    "a call of a string": (lambda mark: b"\x80\x04\x8c\x04eval)R.", "contains a call of something that is no function"),
    "a state for a list": (lambda mark: b"\x80\x04]}b.", "contains an object with a state of its own"),
    "a numpy array of records": (lambda mark: pickle.dumps(np.zeros(2, dtype=[("a", int)])), "contains a numpy array of type 'V8'"),
    "complex numbers": (lambda mark: pickle.dumps(np.zeros(2, dtype=complex)), "contains a numpy array of type 'c16'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_but_containers_and_numbers_is_refused_by_name_and_not_executed(tmp_path, case):
    make, said = REFUSED[case]
    mark = tmp_path / "executed"
    check(write(tmp_path, make(mark)), said)
    assert not mark.exists()


# -- what is broken -----------------------------------------------------------------------------------------------

DAMAGED = "is not a pickle, or is truncated or damaged"
BROKEN = {
    "empty file": (b"", "is empty"),
    "text": (b"user_id,item_id\n1,2\n", f"{DAMAGED}|which is refused"),
    "binary garbage": (bytes(range(255, -1, -1)) * 9, DAMAGED),
    "a zip archive": (b"PK\x03\x04" + b"\x00" * 60, f"{DAMAGED}|which is refused"),
    "cut off": (pickle.dumps(GOOD)[:-6], DAMAGED),
    "no end": (pickle.dumps(GOOD)[:-1], DAMAGED),
    "a memo entry that was never made": (b"\x80\x04h\x07.", DAMAGED),
    "a huge memo": (b"\x80\x04]r\xff\xff\xff\x7f.", "holds a list, but a data set is a dict"),
    "a string longer than the file": (b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"x.", DAMAGED),
    "an array that claims too much": (
        pickle.dumps(np.arange(4)).replace(b"K\x04\x85", b"J\xff\xff\xff\x7f\x85"),
        f"{DAMAGED}|holds a Array",
    ),
    "very deep lists": (b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b".", "holds a list, but a data set is a dict"),
    "very deep tuples as a key": (b"\x80\x04})" + b"\x85" * 200_000 + b"K\x01s.", DAMAGED),
    "deep lists among the items": (
        b"\x80\x04}(\x8c\x05train]]" + b"]" * 50_000 + b"a" * 50_001 + b"\x8c\x03val](K\x01e\x8c\x04test](K\x02eu.",
        "'train' holds a list; expected an item id",
    ),  # noqa: E501
    "a list": ([1, 2, 3], "holds a list, but a data set is a dict of train, val and test"),
    "no test part": ({"train": [[1]], "val": [[1]]}, "lacks test; a data set is a dict"),
    "parts of different sizes": (GOOD | {"val": [[4]]}, "different numbers of users in its parts: train 2, val 1, test 2"),
    "no users": ({"train": [], "val": [], "test": []}, "has no users"),
    "a user without training items": (GOOD | {"train": [[1, 2], []]}, "user 1 has no training item"),
    "two validation items": (GOOD | {"val": [[4], [1, 2]]}, "'val' of user 1 holds 2 items, but must hold exactly one"),
    "text for users": (GOOD | {"train": "ab"}, "'train' holds a str, but must be a list or a dict with one entry per user"),
    "a user of the dict missing": (BY_NUMBER | {"val": {7: [4], 9: [1]}}, "'val' lacks the user 3, who is in 'train'"),
    "a number without an id": (BY_NUMBER | {"smap": {"a": 1, "b": 2, "c": 3, "e": 5}}, "'smap' has no id with the number 4"),
    "a user without an id": (BY_NUMBER | {"umap": {"x": 3}}, "'umap' has no id with the number 7"),
    "one number for two ids": (BY_NUMBER | {"umap": {"x": 3, "y": 3}}, "'umap' uses a number or an id twice"),
    "ids that look alike": (BY_NUMBER | {"umap": {"3": 3, 3: 7}}, "'umap' uses a number or an id twice"),
    "a map that is a list": (BY_NUMBER | {"smap": [1, 2]}, "'smap' must be a dict from the data's own ids to integers"),
    "a map to text": (BY_NUMBER | {"smap": {1: "a"}}, "'smap' must be a dict"),
    "a map to more items than there can be": (
        BY_NUMBER | {"smap": {"a": 10**12}},
        "'smap' holds the number 1000000000000, .* at most 7 here",
    ),
    "a user of a thousand digits": (GOOD | {"train": {10**5000: [1], 1: [2]}}, "'val' lacks the user of more than 20 digits"),
    "an own id of a thousand digits": (BY_NUMBER | {"umap": {10**5000: 3, 1: 7}}, "holds an id that is too long"),
    "a user that is text": (GOOD | {"train": [[1, 2], "ab"]}, "'train' of user 1 is a str"),
    "item ids in words": (GOOD | {"train": [[1, "two"], [3]]}, "'train' holds 'two'; expected an item id"),
    "fractional ids": (GOOD | {"train": [[1, 2.5], [3]]}, "'train' holds 2.5; expected an item id"),
    "missing ids": (GOOD | {"train": [[1, None], [3]]}, "'train' holds a NoneType; expected an item id"),
    "truth values": (GOOD | {"test": [[True], [3]]}, "'test' holds True; expected an item id"),
    "the padding id": (GOOD | {"val": [[0], [3]]}, "'val' holds the item id 0, but ids are numbered from 1"),
    "a negative id": (GOOD | {"val": [[-4], [3]]}, "'val' holds the item id -4"),
    "an id beyond all items": (GOOD | {"test": [[10**9], [3]]}, "'test' holds the item id 1000000000, .* at most 7 here"),
    "an id of a thousand digits": (GOOD | {"test": [[10**1000], [3]]}, "the item id of more than 20 digits"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_pickle_is_one_sentence_that_says_what_is_wrong(tmp_path, case):
    content, said = BROKEN[case]
    check(write(tmp_path, content), said)


def test_lists_repeated_beyond_the_files_size_are_not_unfolded(tmp_path):
    long = [1] * 3000
    many = {"train": [long] * 3000, "val": [[1]] * 3000, "test": [[1]] * 3000}
    check(write(tmp_path, many), "repeats its lists to 9,006,000 interactions, more than fit in a file of its size")


@given(st.binary(max_size=200), st.integers(0, 60))
def test_random_damage_never_gives_another_error_than_a_sentence(tmp_path_factory, noise, place):
    data = bytearray(pickle.dumps(GOOD))
    data[place : place + len(noise)] = noise
    path = write(tmp_path_factory.mktemp("noise"), bytes(data))
    try:
        read_dataset(path)
    except DataError as error:
        assert str(path) in str(error)
