"""The generated data set: its settings, and that its latent structure is there."""

from collections import Counter, defaultdict
from types import SimpleNamespace

import numpy as np
import pytest

from adrec.data import catalog, imitation
from adrec.data.card import card
from adrec.data.named import synthetic
from adrec.errors import DataError


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("synthetic:colour=3", "no setting 'colour'"),
        ("synthetic:items=many", "'items' must be an integer"),
        ("synthetic:users=1", "'users' must be an integer from 10"),
        ("synthetic:items=99999999999999", "'items' must be an integer"),
        ("synthetic:seed=-1", "'seed' must be an integer"),
        ("synthetic:items", "'items' must be an integer"),
        ("synthetic:like=mars", "'like' must be ml-100k, baby, beauty, ml-1m, not 'mars'"),
        ("synthetic:interactions=99", "'interactions' must be an integer from 100"),
        ("synthetic:interactions=1000,users=500", "1,000 interactions are too few for 500 users, who have at least 5 each here; .* 3,000"),
    ],
)
def test_a_bad_synthetic_setting_is_named(name, said):
    with pytest.raises(DataError, match=said):
        catalog.load(name)


def test_synthetic_data_take_no_filters():
    with pytest.raises(DataError, match="has no option 'k_core'"):
        catalog.load("synthetic", k_core=5)


def test_synthetic_data_have_the_default_size():
    dataset = catalog.load("synthetic")
    assert (dataset.n_users, dataset.n_items) == (1000, 500)


def test_synthetic_data_have_the_size_asked_for():
    dataset = catalog.load("synthetic:items=3000,users=200")
    assert (dataset.n_users, dataset.n_items) == (200, 3000)


def test_the_seed_decides_the_synthetic_data():
    hashes = [catalog.load(f"synthetic:seed={s}").content_hash for s in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_no_synthetic_user_takes_an_item_twice():
    dataset = catalog.load("synthetic")
    for user in range(dataset.n_users):
        taken = [*dataset.history(user, "test", 100), dataset.test[user]]
        assert len(taken) == len(set(taken))


def test_synthetic_titles_name_the_latent_cluster():
    frame = catalog.load("synthetic").items.frame
    assert (frame["title"].str.extract(r"^Cluster (\d+) · item \d+$")[0] == frame["cluster"]).all()


def test_each_synthetic_cluster_has_one_preferred_next_cluster():
    dataset = catalog.load("synthetic")
    cluster = np.concatenate([[0], dataset.items.frame["cluster"].astype(int)])
    moves: dict[int, Counter[int]] = defaultdict(Counter)
    for user in range(dataset.n_users):
        walk = cluster[dataset.train(user)]
        for a, b in zip(walk, walk[1:], strict=False):
            if a != b:
                moves[a][b] += 1
    share = [m.most_common(1)[0][1] / m.total() for m in moves.values()]
    assert min(share) > 0.5


def test_synthetic_popularity_is_long_tailed():
    counts = np.sort(catalog.load("synthetic").popularity[1:])[::-1]
    assert counts[:100].sum() > 0.4 * counts.sum()


def test_the_last_synthetic_item_predicts_the_next_far_better_than_popularity():
    dataset = catalog.load("synthetic")
    after: dict[int, Counter[int]] = defaultdict(Counter)
    for user in range(dataset.n_users):
        known = dataset.history(user, "val", 100).tolist()
        for a, b in zip(known, known[1:], strict=False):
            after[a][b] += 1
    bigram = np.mean([dataset.test[u] in dict(after[dataset.val[u]].most_common(10)) for u in range(dataset.n_users)])
    popular = np.isin(dataset.test, np.argsort(-dataset.popularity)[:10]).mean()
    assert bigram > 3 * popular


@pytest.mark.parametrize("like", imitation.SHAPES)
def test_an_imitation_has_the_counts_lengths_and_popularity_of_its_model(like):
    shape = imitation.SHAPES[like]
    found = card(catalog.load(f"synthetic:like={like}"))
    assert (found["users"], found["items"], found["interactions"]) == (shape.users, shape.items, shape.interactions)
    assert found["lengths"]["least"] == pytest.approx(shape.least, abs=2) and found["lengths"]["half"] == pytest.approx(
        shape.half, rel=0.05
    )
    assert found["lengths"]["most"] == pytest.approx(shape.most, rel=0.06)
    assert found["popularity"]["top_1"] == pytest.approx(shape.top_1, abs=0.015)
    assert found["popularity"]["top_10"] == pytest.approx(shape.top_10, abs=0.01)


def test_an_imitation_takes_any_size():
    data = catalog.load("synthetic:like=ml-1m,users=300,items=90,interactions=9000,seed=3")
    assert (data.n_users, data.n_items, data.n_interactions) == (300, 90, 9000) and data.options["like"] == "ml-1m"
    assert catalog.load("synthetic:interactions=9000").n_users == round(9000 * 10_553 / 94_148)
    assert catalog.load(data.name).content_hash == data.content_hash != catalog.load("synthetic:like=ml-1m,users=300,items=90").content_hash


def test_the_last_item_of_an_imitation_predicts_the_next():
    data = catalog.load("synthetic:like=baby")
    following = defaultdict(Counter)
    for user in range(0, data.n_users, 2):
        items = data.train(user).tolist()
        for item, after in zip(items, items[1:], strict=False):
            following[item][after] += 1
    likely = [following[i].most_common(1)[0][0] if following[i] else 0 for i in range(data.n_items + 1)]
    hits = [likely[data.train(user)[-1]] == data.val[user] for user in range(1, data.n_users, 2)]
    assert np.mean(hits) > 0.2 > 10 * np.mean(data.val == data.popularity.argmax())


def test_an_imitation_made_in_chunks_into_a_folder_is_the_same_data(tmp_path, monkeypatch):
    monkeypatch.setattr(imitation, "CHUNK", 10_000)
    data = catalog.prepare("synthetic:like=baby", tmp_path / "out")
    assert isinstance(data.train_items, np.memmap)
    assert catalog.load(tmp_path / "out").content_hash == catalog.load("synthetic:like=baby").content_hash


def test_data_that_do_not_fit_into_memory_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(synthetic.psutil, "virtual_memory", lambda: SimpleNamespace(available=1e9))
    with pytest.raises(DataError, match=r"'synthetic:items=5000000' needs about 1\.5 GB of memory, but only 1\.0 GB are free"):
        synthetic.generate(items=5_000_000)
