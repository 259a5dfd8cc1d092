"""Prepared folders: the same data set as the one they were prepared from, opened without reading it all, and refused if damaged."""

import json
import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adrec.data import catalog, prepared
from adrec.data.batches import evaluation_batches, training_batch
from adrec.data.dataset import SequenceDataset
from adrec.errors import DataError
from tests.adrec import histories
from tests.adrec.hostile import header
from tests.adrec.plain_building import build

ARRAYS = ("train_items", "train_offsets", "val", "test", "user_ids")
SEQUENCES = ("train_items", "train_offsets", "val", "test")


def written(folder: Path, kind: str) -> tuple[str, dict]:
    """The name or path of a small data set of this kind, and options to read it with."""
    if kind == "synthetic":
        return "synthetic:items=60,users=80", {}
    if kind == "official":
        (folder / "official").mkdir()
        content = {"train": [[1, 2], [3]], "val": [[4], [1]], "test": [[2], [5]]}
        (folder / "official" / "dataset.pkl").write_bytes(pickle.dumps(content))
        return str(folder / "official"), {}
    rows = [(f"u{u % 7}", f"i{(3 * u + i * i) % 11}", 100 - 7 * i + u, (u + i) % 5 + 1) for u in range(9) for i in range(9)]
    frame = pd.DataFrame(rows, columns=["who", "item", "time", "rating"])
    if kind == "csv":
        frame.assign(title='Fílm "' + frame["item"], genre="A|" + frame["item"]).to_csv(folder / "films.csv", index=False)
        return str(folder / "films.csv"), {"user": "who", "min_rating": 2, "k_core": 3}
    frame.to_parquet(folder / "films.parquet")
    return str(folder / "films.parquet"), {"user": "who", "k_core": 3}


KINDS = ("synthetic", "csv", "parquet", "official")


def check_equal(found: SequenceDataset, expected: SequenceDataset) -> None:
    for name in ARRAYS:
        assert np.array_equal(getattr(found, name), getattr(expected, name))
    assert [getattr(found, n).dtype for n in SEQUENCES] == [getattr(expected, n).dtype for n in SEQUENCES]
    pd.testing.assert_frame_equal(found.items.frame, expected.items.frame)
    assert np.array_equal(found.popularity, expected.popularity)
    assert found.describe() == expected.describe()


@pytest.fixture
def folder(tmp_path) -> Path:
    """A prepared folder of the synthetic data set."""
    catalog.prepare("synthetic:items=60,users=80", tmp_path / "out")
    return tmp_path / "out"


# -- the same data ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_prepared_folder_is_the_data_set_it_was_prepared_from(tmp_path, kind):
    source, options = written(tmp_path, kind)
    catalog.prepare(source, tmp_path / "out", **options)
    check_equal(catalog.load(tmp_path / "out"), catalog.load(source, **options))


IDS = st.text(min_size=1, max_size=6)
ROWS = st.lists(st.tuples(st.integers(0, 3), IDS, st.integers(-9, 9)), min_size=4, max_size=40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, users=st.lists(IDS.filter(lambda s: "\0" not in s), min_size=4, max_size=4))
def test_any_ids_survive(tmp_path, rows, users):
    frame = pd.DataFrame([(users[u], i, t) for u, i, t in [(0, "x", 0)] * 3 + rows], columns=["user", "item", "time"])
    expected = build("any", histories.interactions(frame))
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    prepared.save(expected, tmp_path / "out")
    check_equal(prepared.load(tmp_path / "out"), expected)


def test_a_prepared_folder_can_be_prepared_again(folder, tmp_path):
    catalog.prepare(folder, tmp_path / "again")
    check_equal(catalog.load(tmp_path / "again"), catalog.load(folder))


def test_a_moved_folder_opens_where_it_is(folder, tmp_path):
    expected = catalog.load("synthetic:items=60,users=80")
    check_equal(catalog.load(folder.rename(tmp_path / "elsewhere.csv")), expected)


def test_the_arrays_are_mapped_and_cannot_be_changed(folder):
    data = catalog.load(folder)
    for name in ARRAYS:
        array = getattr(data, name)
        assert isinstance(array.base, np.memmap) and not array.flags.writeable


# -- what is made of it -----------------------------------------------------------------------------------------------


def same_batch(found, expected) -> None:
    assert torch.equal(found.items, expected.items) and torch.equal(found.targets, expected.targets)
    assert np.array_equal(found.lengths, expected.lengths) and np.array_equal(found.users, expected.users)


@pytest.mark.parametrize("frame", [1, 4, 50])
def test_training_batches_of_mapped_arrays_are_the_same(folder, tiny_data, frame):
    users = np.random.default_rng(0).permutation(80)[:33]
    same_batch(training_batch(catalog.load(folder), users, frame), training_batch(tiny_data, users, frame))


@pytest.mark.parametrize("split", ["val", "test"])
def test_evaluation_batches_of_mapped_arrays_are_the_same(folder, tiny_data, split):
    found, expected = (evaluation_batches(d, split, 10, 7) for d in (catalog.load(folder), tiny_data))
    for ours, theirs in zip(found, expected, strict=True):
        same_batch(ours, theirs)


def test_a_run_trained_on_a_file_goes_with_the_folder_and_the_other_way_round(tmp_path):
    source, options = written(tmp_path, "csv")
    direct = catalog.load(source, **options)
    catalog.prepare(source, tmp_path / "out", **options)
    for recorded in (direct, catalog.load(tmp_path / "out")):
        told = json.loads(json.dumps({"options": recorded.options, "hash": recorded.content_hash}))
        for place in (source, str(tmp_path / "out")):
            assert catalog.load_for_run({"dataset": {"name": place, **told}}).content_hash == direct.content_hash


def test_a_run_on_prepared_synthetic_data_finds_it_again(folder):
    data = catalog.load(folder)
    told = {"name": str(folder), "options": dict(data.options), "hash": data.content_hash}
    assert catalog.load_for_run({"dataset": told}).content_hash == data.content_hash


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_options_are_refused_as_the_folder_is_prepared_already(folder):
    with pytest.raises(DataError, match=r"out' is already prepared; min_rating and k_core can only be applied"):
        catalog.load(folder, k_core="5", min_rating="4")


def test_an_unknown_option_is_refused_by_name(folder):
    with pytest.raises(DataError, match="no data option 'colour'"):
        catalog.load(folder, colour="red")


def test_an_empty_folder_may_become_the_prepared_one(tmp_path, tiny_data):
    (tmp_path / "out").mkdir()
    check_equal(catalog.prepare("synthetic:items=60,users=80", tmp_path / "out"), tiny_data)
    check_equal(catalog.load(tmp_path / "out"), tiny_data)


def test_a_folder_with_anything_in_it_is_refused_before_the_data_are_read(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match=r"out' is not empty; choose a folder that does not exist yet or is empty"):
        catalog.prepare("no such data", tmp_path / "out")
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "mine.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(DataError, match="out' is not a folder"):
        catalog.prepare("synthetic", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_preparation_that_fails_leaves_nothing(tmp_path, monkeypatch, tiny_data):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prepared.pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        prepared.save(tiny_data, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# -- damage -----------------------------------------------------------------------------------------------------------


def array(name: str, change) -> object:
    """Damage: the array of this name rewritten as ``change`` makes it."""

    def damage(folder: Path) -> None:
        path = folder / f"{name}.npy"
        np.save(path, change(np.load(path)))

    return damage


def at(name: str, place: int, value: int) -> object:
    """Damage: one value of an array changed."""

    def change(values: np.ndarray) -> np.ndarray:
        values[place] = value
        return values

    return array(name, change)


def cut(name: str, bytes_left: int) -> object:
    """Damage: a file cut off."""
    return lambda folder: os.truncate(folder / name, bytes_left)


def told(**changes) -> object:
    """Damage: entries of prepared.json changed."""

    def damage(folder: Path) -> None:
        path = folder / prepared.INFO
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def items(change) -> object:
    """Damage: the item table rewritten as ``change`` makes it."""

    def damage(folder: Path) -> None:
        path = folder / prepared.ITEMS
        pq.write_table(change(pq.read_table(path)), path)

    return damage


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def trapped(folder: Path) -> None:
    np.save(folder / "user_ids.npy", np.array([Trap(folder / "sprung")] * 80, dtype=object), allow_pickle=True)


def no_text(folder: Path) -> None:
    ids = np.load(folder / "user_ids.npy")
    ids.view(np.uint32)[5] = 0x7FFFFFFF
    np.save(folder / "user_ids.npy", ids)


def swapped(folder: Path) -> None:
    np.savez(folder / "other.npz", x=np.zeros(80))
    (folder / "other.npz").rename(folder / "val.npy")


DAMAGE = {
    "json that is none": (lambda f: (f / prepared.INFO).write_text("{"), r"prepared\.json cannot be read as JSON"),
    "json of nothing": (cut(prepared.INFO, 0), r"prepared\.json cannot be read as JSON"),
    "json that is a list": (lambda f: (f / prepared.INFO).write_text("[]"), "does not name the format"),
    "json that is binary": (lambda f: (f / prepared.INFO).write_bytes(b"\xff\xfe"), "cannot be read as JSON"),
    "json nested too deep": (lambda f: (f / prepared.INFO).write_text("[" * 100_000), "cannot be read as JSON"),
    "another format": (told(format="other"), "does not name the format"),
    "another version": (told(version=3), "has another version than 1 and 2"),
    "no name": (told(name=None), "lacks a usable 'name'"),
    "options that are a list": (told(options=[]), "lacks a usable 'options'"),
    "a count that is a truth value": (told(users=True), "lacks a usable 'users'"),
    "an account whose lines are words": (told(account={"rows": 3, "read": 3, "lines": {"total": "3"}}), "lacks a usable 'account'"),
    "a count in words": (told(items="many"), "lacks a usable 'items'"),
    "no users": (told(users=0), "counts .* are impossible"),
    "a negative count": (told(interactions=-1), "counts .* are impossible"),
    "more users than fit": (told(users=10**9), "counts .* are impossible"),
    "another number of users": (told(users=81), r"train_items\.npy has the shape"),
    "another number of items": (told(items=61), r"items\.parquet does not hold 61 rows"),
    "another number of interactions": (told(interactions=10**12), r"train_items\.npy has the shape .* instead of"),
    "another hash": (told(hash="0" * 64), "is not the recorded one"),
    "no training items": (lambda f: (f / "train_items.npy").unlink(), r"it has no train_items\.npy"),
    "no user ids": (lambda f: (f / "user_ids.npy").unlink(), r"it has no user_ids\.npy"),
    "no items": (lambda f: (f / prepared.ITEMS).unlink(), r"it has no items\.parquet"),
    "an array cut off": (cut("train_items.npy", 130), r"train_items\.npy cannot be read as an array"),
    "user ids cut off": (cut("user_ids.npy", 130), r"user_ids\.npy cannot be read as an array"),
    "an empty array": (cut("val.npy", 0), r"val\.npy cannot be read as an array"),
    "an array of something else": (lambda f: (f / "val.npy").write_bytes(b"garbage" * 99), r"val\.npy cannot be read as an array"),
    "an archive in place of an array": (swapped, r"val\.npy cannot be read as an array"),
    "an array header of garbage": (lambda f: (f / "val.npy").write_bytes(b"\x93NUMPY\x01\x00\x06\x00{'a': "), "cannot be read as an array"),
    "an array of an endless shape": (lambda f: (f / "val.npy").write_bytes(header("(9223372036854775807,)")), "cannot be read as an array"),
    "a folder in place of an array": (lambda f: ((f / "val.npy").unlink(), (f / "val.npy").mkdir()), "cannot be read as an array"),
    "other integers": (array("train_items", lambda a: a.astype(np.int64)), r"train_items\.npy holds int64 instead of int32"),
    "integers of the other byte order": (array("val", lambda a: a.astype(">i4")), r"val\.npy holds >i4 instead of int32"),
    "real numbers": (array("train_offsets", lambda a: a.astype(np.float64)), r"train_offsets\.npy holds float64 instead of int64"),
    "a matrix": (array("val", lambda a: a.reshape(2, 40)), r"val\.npy has the shape \(2, 40\) instead of \(80,\)"),
    "one number": (array("val", lambda a: a[0]), r"val\.npy has the shape \(\)"),
    "too few": (array("test", lambda a: a[1:]), r"test\.npy has the shape \(79,\) instead of \(80,\)"),
    "offsets that fall": (at("train_offsets", 5, 0), r"train_offsets\.npy does not rise from 0"),
    "offsets that begin late": (at("train_offsets", 0, 1), r"train_offsets\.npy does not rise from 0"),
    "offsets that end late": (at("train_offsets", -1, 10**6), r"train_offsets\.npy does not rise from 0"),
    "a training item 0": (at("train_items", 3, 0), r"train_items\.npy holds the item id 0, but ids are 1 to 60"),
    "a negative answer": (at("test", 3, -7), r"test\.npy holds the item id -7"),
    "an answer too high": (at("val", 3, 61), r"val\.npy holds the item id 61, but ids are 1 to 60"),
    "two users' answers exchanged": (array("val", lambda a: a[::-1]), "is not the recorded one"),
    "user ids that are numbers": (array("user_ids", lambda a: np.arange(80)), r"user_ids\.npy holds int64 instead of text"),
    "user ids that are bytes": (array("user_ids", lambda a: a.astype("S")), r"user_ids\.npy holds .* instead of text"),
    "user ids that are objects": (trapped, r"user_ids\.npy cannot be read as an array"),
    "user ids that are no text": (no_text, r"user_ids\.npy holds invalid text"),
    "items cut off": (cut(prepared.ITEMS, 100), r"items\.parquet cannot be read as Parquet"),
    "items of garbage": (lambda f: (f / prepared.ITEMS).write_bytes(b"PAR1" * 99), r"items\.parquet cannot be read as Parquet"),
    "too few items": (items(lambda t: t.slice(1)), r"items\.parquet does not hold 60 rows of text"),
    "items without title": (items(lambda t: t.drop_columns("title")), r"items\.parquet lacks the column item or title"),
    "items that are numbers": (items(lambda t: t.set_column(0, "item", pa.array(range(60)))), "does not hold 60 rows of text"),
    "a missing title": (items(lambda t: t.set_column(1, "title", pa.array([None] * 60, pa.string()))), "does not hold 60 rows of text"),
    "two columns of a name": (items(lambda t: t.append_column("title", t["title"])), "in columns of different names"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_one_sentence_that_names_the_folder(folder, what):
    damage, said = DAMAGE[what]
    damage(folder)
    with pytest.raises(DataError) as caught:
        catalog.load(folder)
    sentence = str(caught.value)
    assert re.search(said, sentence), sentence
    assert str(folder) in sentence and sentence.endswith("; prepare it again.") and "\n" not in sentence
    assert caught.value.__cause__ is None and (caught.value.__suppress_context__ or caught.value.__context__ is None)
    assert not (folder / "sprung").exists()


def test_a_folder_without_its_json_is_no_prepared_one(folder):
    (folder / prepared.INFO).unlink()
    with pytest.raises(DataError, match=r"holds neither a \.inter file, a dataset\.pkl nor a prepared\.json"):
        catalog.load(folder)
