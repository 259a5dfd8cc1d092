"""Named data sets: the cache, the download it comes from, and finding a run's data again."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from adrec.data import catalog
from adrec.data.named import DATASETS, NamedDataset, ml_100k, synthetic
from adrec.errors import DataError

DATA = os.environ.get("ADREC_TEST_DATA", "")
needs_data = pytest.mark.skipif(not DATA, reason="ADREC_TEST_DATA does not say where the large data files are")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty ADREC_HOME, and no way to download."""
    monkeypatch.setenv("ADREC_HOME", str(tmp_path / "home"))

    def no_network(*args, **kwargs):
        raise AssertionError("a test tried to download")

    monkeypatch.setattr(subprocess, "run", no_network)
    return tmp_path / "home"


@pytest.fixture
def cached(home):
    """An ADREC_HOME that already holds ml-100k."""
    folder = home / "data" / "ml-100k"
    folder.mkdir(parents=True)
    for name in ml_100k.FILES:
        (folder / name).write_bytes((Path(DATA) / "recbole" / "ml-100k" / name).read_bytes())
    return folder


def official(name):
    """One of the official files, through plain pickle: a reading independent of ours."""
    with open(Path(DATA) / "official" / name / "dataset.pkl", "rb") as file:
        return pickle.load(file)


def as_lists(dataset):
    return {
        "train": [dataset.train(u).tolist() for u in range(dataset.n_users)],
        "val": [[v] for v in dataset.val.tolist()],
        "test": [[v] for v in dataset.test.tolist()],
    }


# -- ml-100k ------------------------------------------------------------------------------------------------------


@needs_data
@pytest.mark.data
def test_ml_100k_equals_the_official_split_exactly(cached):
    assert as_lists(catalog.load("ml-100k")) == official("ml-100k")


@needs_data
@pytest.mark.data
def test_ml_100k_has_the_official_counts(cached):
    dataset = catalog.load("ml-100k")
    assert (dataset.n_users, dataset.n_items, dataset.n_interactions) == (938, 1008, 54413)


@needs_data
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "counts"), [("baby", (11761, 4731, 92823)), ("beauty", (10553, 6086, 94148)), ("ml-100k", (938, 1008, 54413))]
)
def test_official_files_have_their_known_counts(name, counts):
    dataset = catalog.load(Path(DATA) / "official" / name)
    assert (dataset.n_users, dataset.n_items, dataset.n_interactions) == counts


@needs_data
@pytest.mark.data
@pytest.mark.parametrize("name", ["baby", "beauty"])
def test_official_files_are_read_as_pickle_reads_them(name):
    assert as_lists(catalog.load(Path(DATA) / "official" / name / "dataset.pkl")) == official(name)


@needs_data
@pytest.mark.data
def test_ml_100k_has_titles_in_reading_order_with_genres_and_years(cached):
    frame = catalog.load("ml-100k").items.frame.set_index("item")
    assert frame.loc["12", ["title", "genre", "year"]].tolist() == ["The Usual Suspects", "Crime|Thriller", "1995"]
    assert frame.loc["1", ["title", "genre", "year"]].tolist() == ["Toy Story", "Animation|Children's|Comedy", "1995"]


@needs_data
@pytest.mark.data
def test_titles_attach_to_official_ids(cached):
    dataset = catalog.load("ml-100k")
    assert [dataset.items.frame["title"][i][:15] for i in (1, 10, 11)] == ["Dr. Strangelove", "Toy Story", "Aladdin"]


@needs_data
@pytest.mark.data
def test_the_official_filters_of_ml_100k_can_be_taken_off(cached):
    dataset = catalog.load("ml-100k", min_rating=None, k_core=None)
    assert (dataset.n_users, dataset.n_items, dataset.n_interactions) == (943, 1682, 100000)


@needs_data
@pytest.mark.data
def test_a_damaged_cache_is_noticed(cached):
    data = bytearray((cached / "ml-100k.inter").read_bytes())
    data[1000] ^= 1
    (cached / "ml-100k.inter").write_bytes(data)
    assert not catalog.available("ml-100k")


@needs_data
@pytest.mark.data
def test_a_run_on_ml_100k_finds_its_data_again(cached):
    dataset = catalog.load("ml-100k", k_core=10)
    info = json.loads(json.dumps({"dataset": {"name": "ml-100k", "options": dataset.options, "hash": dataset.content_hash}}))
    assert catalog.load_for_run(info).content_hash == dataset.content_hash


@needs_data
@pytest.mark.data
def test_the_files_of_the_verified_wheel_are_unpacked_byte_for_byte(tmp_path, monkeypatch):
    wheel = tmp_path / ml_100k.WHEEL
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ml_100k.FILES:
            archive.write(Path(DATA) / "recbole" / "ml-100k" / name, f"{ml_100k.FOLDER_IN_WHEEL}/{name}")
    monkeypatch.setattr(ml_100k, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    ml_100k.unpack(wheel, tmp_path / "out")
    assert ml_100k.intact(tmp_path / "out")


# -- the download -------------------------------------------------------------------------------------------------


def test_a_wheel_with_another_checksum_is_not_used(tmp_path):
    wheel = tmp_path / ml_100k.WHEEL
    wheel.write_bytes(b"not it")
    with pytest.raises(DataError, match="is not the expected file"):
        ml_100k.unpack(wheel, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_wheel_whose_member_differs_is_not_used(tmp_path, monkeypatch):
    wheel = tmp_path / ml_100k.WHEEL
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{ml_100k.FOLDER_IN_WHEEL}/ml-100k.inter", b"x" * 3_000_000)
    monkeypatch.setattr(ml_100k, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    with pytest.raises(DataError, match="ml-100k.inter .* is not the expected one"):
        ml_100k.unpack(wheel, tmp_path / "out")


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution found for recbole\n"), "No matching distribution found"),
        (subprocess.CompletedProcess([], 1, "", "python: No module named pip\n"), "No module named pip"),
        (subprocess.CompletedProcess([], 0, "", ""), "it left no file"),
    ],
)
def test_a_failed_download_is_one_sentence_with_pips_reason(home, monkeypatch, done, said):
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: done)
    with pytest.raises(DataError) as caught:
        catalog.load("ml-100k")
    assert said in str(caught.value) and "synthetic" in str(caught.value) and "\n" not in str(caught.value)


def test_a_download_that_hangs_ends_in_a_sentence(home, monkeypatch):
    def hang(*args, **kwargs):
        raise subprocess.TimeoutExpired("pip", kwargs["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(DataError, match="could not be downloaded .*pip gave no answer"):
        catalog.load("ml-100k")


def test_the_download_is_of_this_interpreters_pip_and_without_dependencies(home, monkeypatch):
    seen = []

    def record(command, **kwargs):
        seen.append(command)
        return subprocess.CompletedProcess(command, 1, "", "ERROR: stop\n")

    monkeypatch.setattr(subprocess, "run", record)
    with pytest.raises(DataError):
        catalog.fetch("ml-100k")
    assert seen[0][:4] == [sys.executable, "-m", "pip", "download"] and "--no-deps" in seen[0] and "recbole==1.2.1" in seen[0]


def test_without_a_cache_ml_100k_is_not_available(home):
    assert not catalog.available("ml-100k")


# -- names and runs -----------------------------------------------------------------------------------------------


def test_a_data_set_registered_from_outside_is_loaded_by_name_and_found_again_by_its_run(monkeypatch, home):
    monkeypatch.setattr(DATASETS, "_entries", dict(DATASETS._entries))

    def load(settings, folder, k_core=None):
        assert folder == home / "data" / "mine"
        return synthetic.generate(items=50, users=int(settings))

    DATASETS.register("mine", NamedDataset("Mine", "A test", "here", "none", load, options=("k_core",)))
    dataset = catalog.load("mine:30", k_core=5)
    info = {"dataset": {"name": catalog.identity("mine:30"), "options": {"k_core": 5}, "hash": dataset.content_hash}}
    assert catalog.load_for_run(info).n_users == 30 and catalog.available("mine:30")


def test_a_data_set_without_settings_refuses_those_in_its_name(home):
    with pytest.raises(DataError, match="ml-100k takes no settings in its name, but 'items=3' was given"):
        catalog.load("ml-100k:items=3")


def test_an_unknown_name_is_told_the_named_sets_and_the_formats(home):
    with pytest.raises(DataError, match=r"'movies' is neither a named data set \(ml-100k, synthetic\).*\.csv.*\.inter.*dataset\.pkl"):
        catalog.load("movies")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "~nobody-here/x"])
def test_an_impossible_path_is_an_unknown_name(name):
    with pytest.raises(DataError, match="is neither a named data set"):
        catalog.load(name)


def test_a_run_whose_file_is_gone_says_so(tmp_path):
    with pytest.raises(DataError, match="The run was trained on '.*gone.csv', which no longer exists"):
        catalog.load_for_run({"dataset": {"name": str(tmp_path / "gone.csv"), "hash": "0"}})


def test_a_run_whose_data_changed_says_so():
    with pytest.raises(DataError, match="is not the one the run was trained on"):
        catalog.load_for_run({"dataset": {"name": "synthetic:items=40,users=20", "options": {}, "hash": "0"}})


@pytest.mark.parametrize("info", [{}, {"dataset": None}, {"dataset": {"name": 3}}])
def test_a_run_that_names_no_data_says_so(info):
    with pytest.raises(DataError, match="does not record which data set"):
        catalog.load_for_run(info)


def test_a_run_on_a_file_is_reloaded_with_its_own_options(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("who,what,stars\n" + "".join(f"u{u},i{i},{(u + i) % 5 + 1}\n" for u in range(6) for i in range(9)))
    dataset = catalog.load(path, user="who", item="what", min_rating=2, k_core=2)
    info = json.loads(json.dumps({"dataset": {"name": str(path), "options": dataset.options, "hash": dataset.content_hash}}))
    assert catalog.load_for_run(info).content_hash == dataset.content_hash


def test_a_run_on_synthetic_data_finds_its_data_again():
    dataset = catalog.load("synthetic:items=50,users=30,seed=4")
    info = json.loads(json.dumps({"dataset": {"name": dataset.name, "options": dataset.options, "hash": dataset.content_hash}}))
    assert catalog.load_for_run(info).content_hash == dataset.content_hash
