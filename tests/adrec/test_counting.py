"""Models that count, each against a plain version of its definition; their state has one shape, survives files and is what is ranked."""

from collections import Counter

import numpy as np
import psutil
import pytest

from adrec.data.batches import pack
from adrec.data.dataset import SequenceDataset
from adrec.errors import ConfigError
from adrec.evaluation import evaluate
from adrec.models import item_knn
from adrec.models.base import MODELS
from adrec.models.loading import load_model
from adrec.models.settings import settings
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from tests.adrec.histories import dataset
from tests.adrec.small import plan

N = 12
COUNTING = {
    "popularity": {},
    "recent-popularity": {"half_life": 3.0},
    "markov": {"smoothing": 2.0},
    "item-knn": {"neighbours": 4, "pair_half_life": 0.5, "half_life": 2.0},
    "ease": {"ridge": 3.0, "half_life": 2.0, "train_half_life": 4.0},
}


@pytest.fixture(scope="module")
def data() -> SequenceDataset:
    """Histories of 3 to 25 of 12 items, of which 11 and 12 are never trained on; items return."""
    rng = np.random.default_rng(0)
    return dataset([rng.choice(10, n, p=np.arange(10, 0, -1) / 55) + 1 for n in rng.integers(3, 26, 30)], [f"i{i}" for i in range(N)])


HISTORIES = [[3], [11], [2, 2, 5], [1, 4, 9, 4, 1, 12], [7, 8, 10, 1, 2, 3, 4, 5, 6, 1, 1]]


def fitted(name, data, **fields):
    model = MODELS[name](plan(name, n_items=data.n_items, preset=None, **fields).config)
    model.fit(data)
    return model


def answered(model, histories):
    """The scores in the order of the histories."""
    batch = pack([np.array(h[-model.config.length :]) for h in histories], model.config.length)
    found = np.empty((len(histories), model.config.n_items + 1))
    found[batch.users] = model.answers(batch)
    return found


def recency(back, half_life):
    return 0.5 ** (back / half_life) if half_life else 1.0


def popularity_of(data, half_life=0.0):
    """Each item's share of the training items, one added to each; the padding's is 0."""
    counts = [0.0] + [1.0] * data.n_items
    for user in range(data.n_users):
        for back, item in enumerate(reversed(data.train(user))):
            counts[item] += recency(back, half_life)
    return [count / sum(counts) for count in counts]


def assert_log(found, shares):
    np.testing.assert_allclose(np.exp(found), shares, rtol=2e-5, atol=1e-7)
    assert np.isneginf(found[0])


# -- each equals its definition ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "half_life"), [("popularity", 0.0), ("recent-popularity", 3.0)])
def test_popularity_is_the_same_for_everybody(data, name, half_life):
    for row in answered(fitted(name, data, **COUNTING[name]), HISTORIES):
        assert_log(row, popularity_of(data, half_life))


@pytest.mark.parametrize("followers", [2, 12])
def test_the_markov_chain_is_counts_of_followers_with_a_prior(data, followers):
    smoothing, popularity = 2.0, popularity_of(data)
    counts = {item: Counter() for item in range(N + 1)}
    for user in range(data.n_users):
        for first, second in zip(data.train(user), data.train(user)[1:], strict=False):
            counts[first][int(second)] += 1
    for history, row in zip(HISTORIES, answered(fitted("markov", data, smoothing=smoothing, followers=followers), HISTORIES), strict=True):
        own = counts[history[-1]]
        total = sum(own.values()) + smoothing
        kept = sorted(own, key=lambda item: (-own[item], item))[:followers]
        rest = 1 - sum(own[item] for item in kept) / total
        assert_log(row, [own[item] * (item in kept) / total + rest * popularity[item] for item in range(N + 1)])


@pytest.mark.parametrize("pair_half_life", [0.0, 0.5, 6.0])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("neighbours", [4, 12])
def test_item_knn_adds_up_similarities_by_recency(data, pair_half_life, directed, neighbours, monkeypatch):
    monkeypatch.setattr(item_knn, "PAIRS", 40)  # several blocks
    pairs, counts, share, popularity = np.zeros((N + 1, N + 1)), np.ones(N + 1), 0.2, popularity_of(data)
    counts[1:] = np.maximum(data.popularity[1:], 1)
    for user in range(data.n_users):
        items = data.train(user)
        for a, i in enumerate(items):
            for b, j in enumerate(items):
                weight = recency(abs(a - b) - 1, pair_half_life)
                if i != j and (a < b or not directed) and weight >= 0.01:
                    pairs[i, j] += weight
    similar = pairs / np.sqrt(np.outer(counts, counts))
    for i in range(N + 1):
        similar[i, sorted(range(N + 1), key=lambda j: (-similar[i, j], j))[neighbours:]] = 0
    fields = {"neighbours": neighbours, "pair_half_life": pair_half_life, "directed": directed, "popularity_share": share, "half_life": 2.0}
    for history, row in zip(HISTORIES, answered(fitted("item-knn", data, **fields), HISTORIES), strict=True):
        latest = {item: back for back, item in reversed(list(enumerate(reversed(history))))}
        scores = sum(recency(back, 2.0) * similar[item] for item, back in latest.items())
        shares = (1 - share) * scores / scores.sum() + share * np.array(popularity) if scores.sum() else popularity
        assert_log(row, shares)


def test_without_recency_item_knn_is_the_cosine_of_columns():
    """Of histories without repeats."""
    histories = [[1, 2, 3, 4, 5], [2, 3, 1, 4, 5], [3, 1, 4, 2, 5], [1, 4, 2, 3, 5]]
    data = dataset(histories, "abcde")
    x = np.zeros((4, 6))
    for user in range(4):
        x[user, data.train(user)] = 1
    norms = np.linalg.norm(x, axis=0)
    cosines = np.divide(x.T @ x, np.outer(norms, norms), where=np.outer(norms, norms) > 0, out=np.zeros((6, 6)))
    np.fill_diagonal(cosines, 0)
    model = fitted("item-knn", data, pair_half_life=0.0, directed=False)
    found = np.zeros((6, 6))
    np.put_along_axis(found, model.arrays["ids"].astype(int), model.arrays["weights"], 1)
    np.testing.assert_allclose(found[:, 1:], cosines[:, 1:], atol=1e-6)


@pytest.mark.parametrize("recent", [False, True])
def test_ease_is_the_best_linear_model_without_an_item_predicting_itself(data, recent):
    """Each column solved for alone: the ridge regression of an item on all others."""
    train, answer, ridge = (4.0, 2.0, 3.0) if recent else (0.0, 0.0, 3.0)

    def vector(history, half_life):
        row = np.zeros(N + 1)
        for back, item in reversed(list(enumerate(reversed(history)))):
            row[item] = recency(back, half_life)
        return row

    x = np.array([vector(data.train(user), train) for user in range(data.n_users)])
    weights = np.zeros((N + 1, N + 1))
    for item in range(N + 1):
        others = np.flatnonzero(np.arange(N + 1) != item)
        a = x[:, others]
        weights[others, item] = np.linalg.solve(a.T @ a + ridge * np.eye(N), a.T @ x[:, item])
    found = answered(fitted("ease", data, ridge=ridge, half_life=answer, train_half_life=train), HISTORIES)
    np.testing.assert_allclose(found, [vector(history, answer) @ weights for history in HISTORIES], atol=1e-5)


def test_a_block_of_ease_is_as_the_whole(data, monkeypatch):
    whole = fitted("ease", data).arrays["weights"]
    monkeypatch.setattr("adrec.models.ease.BLOCK", 5)
    np.testing.assert_allclose(fitted("ease", data).arrays["weights"], whole, atol=1e-6)


# -- as models --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COUNTING)
def test_a_run_of_a_counting_model_ranks_as_the_model_that_was_counted(name, tiny_data, tmp_path):
    run = RunFolder(tmp_path / "run")
    asked = plan(name, preset=next(iter(MODELS[name].presets)), length=10, keep_weights="every", **COUNTING[name])
    assert train_run(run, tiny_data, describe_run(tiny_data, "synthetic:items=60,users=80", asked, "test")) == "finished"
    loaded, counted = load_model(run), fitted(name, tiny_data, length=10, **COUNTING[name])
    shapes = {key: (array.shape, array.dtype) for key, array in MODELS[name](counted.config).state_dict().items()}
    for model in (counted, loaded):
        assert {key: (array.shape, array.dtype) for key, array in model.state_dict().items()} == shapes
    expected = evaluate(counted, tiny_data, "test").ranks
    assert np.array_equal(evaluate(loaded, tiny_data, "test").ranks, expected) and np.array_equal(run.test_ranks("finetune"), expected)
    halved = evaluate(load_model(run, epoch="last"), tiny_data, "test").metrics["mrr"]
    assert halved == pytest.approx(run.metrics("finetune")["test"]["mrr"], rel=0.1)


@pytest.mark.parametrize("name", COUNTING)
def test_an_answer_does_not_depend_on_the_other_histories(name, data):
    model = fitted(name, data, **COUNTING[name])
    for history, row in zip(HISTORIES, answered(model, HISTORIES), strict=True):
        np.testing.assert_allclose(answered(model, [history])[0], row, rtol=1e-5, atol=1e-6)


def test_ease_refuses_a_catalogue_whose_weights_do_not_fit_in_memory():
    needed = psutil.virtual_memory().total / 12
    with pytest.raises(ConfigError, match=r"EASE has a weight for each pair of items: .* GB are free; leave out rare items \(k_core\)"):
        MODELS["ease"](plan("ease", n_items=int(needed**0.5) + 1, preset="ease").config)


WRONG = {
    "recent-popularity": {"half_life": [0, -1]},
    "markov": {"smoothing": [0, -1], "followers": [0]},
    "item-knn": {"neighbours": [0], "half_life": [-1], "pair_half_life": [-1], "popularity_share": [0, 1]},
    "ease": {"ridge": [0], "half_life": [-1], "train_half_life": [-1]},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_told(name):
    for field, values in WRONG[name].items():
        for value in values:
            with pytest.raises(ConfigError, match=f"Setting '{field}' is .*; it must be"):
                settings(None, {field: str(value)}, name)
