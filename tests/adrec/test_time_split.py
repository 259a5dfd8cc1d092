"""Data split by global time: users without an answer count nowhere, and everything before the test answer is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrec.collapse.reference import _last_items
from adrec.collapse.replaced import difference, some_users
from adrec.data import catalog, prepared
from adrec.data.batches import evaluation_batches
from adrec.data.dataset import SequenceDataset
from adrec.data.time_split import cut
from adrec.data.timeline import BINS, FINE, Timeline
from adrec.embeddings.orders import numberings
from adrec.errors import DataError
from adrec.evaluation import evaluate, ranking_metrics
from adrec.explain.all_users import measure
from adrec.explain.trajectory import user_trajectory
from adrec.models.loading import load_model
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from app.denoising import controls
from app.denoising.data import user_ids
from tests.adrec.small import plan

OPTIONS = {"time": "time", "unit": "s", "split": "time:0.6,0.2,0.2"}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Interactions of 40 users who come and go."""
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("timed") / "rows.csv"
    rows = [(f"u{u}", f"i{rng.integers(30)}", rng.integers(20 * (u % 5), 150)) for u in range(40) for _ in range(rng.integers(1, 12))]
    pd.DataFrame(rows, columns=["user", "item", "time"]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def data(source) -> SequenceDataset:
    return catalog.load(source, **OPTIONS)


@pytest.fixture(scope="module")
def run(source, data, tmp_path_factory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("trained") / "run")
    size = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 6, "timesteps": 4}
    tiny = plan(**size, seed=1, batch_size=16, epochs=2, warmup_epochs=1, validate_every=1)
    train_run(run, data, describe_run(data, str(source), tiny, "tests"))
    return run


def test_the_data_have_users_of_every_kind(data):
    trained, validated, tested = np.diff(data.train_offsets) > 0, data.val > 0, data.test > 0
    for kind in (
        trained & validated & tested,
        trained & ~validated & ~tested,
        trained & validated & ~tested,
        trained & ~validated & tested,
    ):
        assert kind.any()
    assert (~trained & tested).any() and (np.diff(data.between[1]) > 1).any()


def test_a_run_ranks_the_users_with_an_answer_and_no_others(run, data):
    ranks, metrics = run.test_ranks("finetune"), run.metrics("finetune")["test"]
    assert np.array_equal(ranks > 0, data.test > 0)
    assert metrics["users"] == np.count_nonzero(data.test) and metrics["hr@10"] == np.mean(ranks[ranks > 0] <= 10)
    assert ranking_metrics(ranks) == ranking_metrics(ranks[ranks > 0])
    assert difference(ranks, ranks).users == metrics["users"]
    assert catalog.load_for_run(run.info).content_hash == data.content_hash


def test_every_view_of_a_run_asks_only_those_with_an_answer(run, data):
    model = load_model(run)
    with pytest.raises(DataError, match=r"User 'u\d+' has no test answer"):
        user_trajectory(model, data, int(np.flatnonzero(data.test == 0)[0]))
    report = measure(model, data)
    assert report["users"] == sum(report["commit_steps"]) == sum(g["users"] for g in report["by_length"]) == np.count_nonzero(data.test)
    assert set(report["changed_users"]) <= set(data.evaluated("test").tolist())
    kinds, _ = controls._kinds(run)
    assert set(np.concatenate(list(kinds.values()))) == set(data.evaluated("test"))
    assert user_ids(run) == [u for u, answer in zip(data.user_ids, data.test, strict=True) if answer]


def test_leave_one_out_written_as_a_split_by_time_gives_the_same_ranks(tiny_run, tiny_data):
    model = load_model(tiny_run)
    written = replace(tiny_data, between_items=tiny_data.val, between_offsets=np.arange(tiny_data.n_users + 1))
    silent = replace(written, test=np.where(np.arange(80) % 3, written.test, 0))
    for split in ("val", "test"):
        whole = evaluate(model, tiny_data, split, filter_seen=True).ranks
        assert np.array_equal(evaluate(model, written, split, filter_seen=True).ranks, whole)
        expected = np.where(np.arange(80) % 3, whole, 0) if split == "test" else whole
        assert np.array_equal(evaluate(model, silent, split, filter_seen=True).ranks, expected)
    assert np.array_equal(written.interactions, tiny_data.interactions) and written.n_interactions == tiny_data.n_interactions
    assert written.content_hash != tiny_data.content_hash


def test_evaluation_batches_hold_everything_before_the_answer(data):
    for split in ("val", "test"):
        found = {}
        for batch in evaluation_batches(data, split, 4, 7):
            for user, end, length in zip(batch.users, np.cumsum(batch.lengths), batch.lengths, strict=True):
                found[int(user)] = batch.items[end - length : end].tolist()
        assert found == {int(u): data.history(u, split, 4).tolist() for u in data.evaluated(split)}


def test_a_part_of_the_users_keeps_what_they_took(data):
    part = some_users(data, 11, seed=1)
    for place, name in enumerate(part.user_ids):
        user = data.position(name)
        assert np.array_equal(part.history(place, "test", 99), data.history(user, "test", 99)) and part.val[place] == data.val[user] > 0


def test_the_tests_of_meaning_and_the_orders_of_items_see_every_item(data):
    by_user = next(n for n in numberings(data) if n.name == "users")
    first = pd.unique(np.concatenate([data.interactions, np.arange(1, data.n_items + 1)])) - 1
    assert np.array_equal(np.argsort(by_user.places), first)
    for user, items in enumerate(_last_items(data, np.arange(data.n_users), "test")):
        known = data.history(user, "test", len(items))[::-1]
        assert items.tolist() == [*known, *[0] * (len(items) - len(known))]


def test_a_prepared_folder_of_a_split_by_time_is_the_same_data(source, data, tmp_path):
    catalog.prepare(source, tmp_path / "out", **OPTIONS)
    found = prepared.load(tmp_path / "out")
    assert found.describe() == data.describe() and np.array_equal(found.interactions, data.interactions)
    catalog.prepare(tmp_path / "out", tmp_path / "again")
    assert prepared.load(tmp_path / "again").content_hash == data.content_hash
    with pytest.raises(DataError, match="is already prepared; split can only be applied to the original data"):
        catalog.load(tmp_path / "out", split="time:0.8,0.1,0.1")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("val", lambda val: np.where(val > 0, 1 + val % 3, 0).astype("<i4"), "does not hold each user's first item after training"),
        ("test", lambda test: np.zeros_like(test), "its parts do not hold"),
        ("test", lambda test: test - 1, "holds the item id -1, but ids are 0 to"),
        ("between_items", lambda items: items[:-1], r"between_offsets\.npy does not rise from 0 to"),
        ("between_offsets", lambda offsets: offsets[::-1].copy(), r"between_offsets\.npy does not rise"),
        ("train_offsets", lambda offsets: offsets.astype("<i4"), r"train_offsets\.npy holds int32"),
    ],
)
def test_a_damaged_folder_of_a_split_by_time_is_refused(data, tmp_path, name, change, words):
    prepared.save(data, tmp_path / "out")
    path = tmp_path / "out" / f"{name}.npy"
    changed = change(np.load(path))
    path.unlink()
    np.save(path, changed)
    with pytest.raises(DataError, match=words):
        prepared.load(tmp_path / "out")


def test_rows_of_the_moment_of_a_cut_lie_after_it():
    u, t = np.array([3, 3, 3, 3, 7, 7, 7]), np.array([1, 5, 5, 9, 5, 9, 9])
    found = cut(u, t, 5, 9)
    assert found.users.tolist() == [3, 7] and found.train.tolist() == [1, 0] and found.between.tolist() == [2, 1]
    assert found.reasons.tolist() == [0, 0, 0, 0, 0, 0, 1]


def test_a_timeline_counts_what_a_plain_loop_counts():
    rng, n = np.random.default_rng(3), 200
    user, t, item = np.sort(rng.integers(0, 9, n)), rng.integers(0, 60, n), rng.integers(0, 20, n)
    order = np.lexsort((t, user))
    t, part = t[order], rng.integers(-1, 3, n)
    line = Timeline(t.min(), t.max(), 20)
    for rows in np.split(np.arange(n), np.flatnonzero(np.diff(user)) + 1):
        line.add(user[rows], item[rows], t[rows], part[rows])
    found = line.as_dict()
    born = [t[item == i].min() if (item == i).any() else 99 for i in range(20)]
    for p, name in enumerate(("val", "test"), start=1):
        answers, train = t[part == p], t[part == 0]
        assert found["leaks"][name]["before"] == sum(answer < train.max() for answer in answers)
        assert found["leaks"][name]["later"] == pytest.approx(np.mean([np.mean(train > answer) for answer in answers]))
        assert found["leaks"][name]["unborn"] == pytest.approx(np.mean([sum(answer < b < 99 for b in born) / 20 for answer in answers]))
    pairs = list(zip(user.tolist(), t.tolist(), strict=True))
    assert found["tied"] == sum(pairs.count(pair) > 1 for pair in pairs) / n
    assert [sum(found["counts"][name]) for name in ("train", "val", "test")] == [int((part == p).sum()) for p in range(3)]
    assert len(found["counts"]["train"]) == BINS and BINS * FINE > 60
