"""Ranking metrics against slow loops and closed forms, and what a user's rank may and may not depend on."""

import math
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adrec.data.dataset import SequenceDataset
from adrec.errors import ConfigError, DataError
from adrec.evaluation import (
    CUTOFFS,
    METRICS,
    Metric,
    answers,
    evaluate,
    ranking_metrics,
    ranks_of,
    streamed_ranks,
    top_items,
    user_metrics,
)
from adrec.evaluation.ranking import BLOCK, CHUNK
from adrec.explain.all_users import measure
from adrec.explain.seeds import fewer_steps, seed_sweep
from adrec.explain.trajectory import user_trajectory
from adrec.models.loading import load_model
from adrec.parallel.processes import Processes
from adrec.parallel.workers import Workers
from tests.adrec import histories
from tests.adrec.small import build, built, plan

KEYS = [f"{m}@{k}" for k in CUTOFFS for m in ("hr", "ndcg")] + ["mrr"]
few_values = st.sampled_from([0.0, 1.0, 1.0, 2.0, -3.5, math.inf, -math.inf, math.nan])


@pytest.fixture(scope="module")
def model(tiny_run):
    return load_model(tiny_run)


@pytest.fixture(scope="module")
def sasrec(tiny_data):
    return built(plan("sasrec", hidden_size=16, heads=2, blocks=1, length=10))


def dataset(sequences: list[list[int]], n_items: int) -> SequenceDataset:
    return histories.dataset(sequences, [str(i) for i in range(1, n_items + 1)])


def subset(data: SequenceDataset, users: list[int]) -> SequenceDataset:
    sequences = [[*data.train(u), data.val[u], data.test[u]] for u in users]
    return dataset(sequences, data.n_items)


# -- ranks ------------------------------------------------------------------------------------------------------------


def slow_rank(scores: list[float], target: int) -> int:
    """1 + the rows that the target does not strictly beat; NaN neither beats nor is beaten by anything."""
    rank = 1
    for row, score in enumerate(scores):
        if row != target and not score < scores[target]:
            rank += 1
    return rank


@given(st.lists(few_values, min_size=1, max_size=9), st.data())
def test_a_rank_is_what_a_slow_loop_counts(scores, data):
    target = data.draw(st.integers(0, len(scores) - 1))
    assert ranks_of(torch.tensor([scores]), torch.tensor([target])).tolist() == [slow_rank(scores, target)]


@given(st.lists(st.permutations(range(7)), min_size=1, max_size=5), st.data())
def test_ranks_without_ties_are_places_in_the_sorted_row(rows, data):
    targets = [data.draw(st.integers(0, 6)) for _ in rows]
    expected = [sorted(row, reverse=True).index(row[t]) + 1 for row, t in zip(rows, targets, strict=True)]
    assert ranks_of(torch.tensor(rows).float(), torch.tensor(targets)).tolist() == expected


def test_a_model_that_scores_all_alike_is_ranked_last():
    assert ranks_of(torch.zeros(2, 50), torch.tensor([0, 49])).tolist() == [50, 50]


def test_beyond_what_float32_counts_ranks_are_still_exact():
    """An odd number of rows that float32 would round."""
    rows = 2**24 + 3
    scores = torch.zeros(1, rows)
    scores[0, 5] = 1
    assert ranks_of(-scores, torch.tensor([5])).tolist() == [rows] and ranks_of(scores, torch.tensor([5])).tolist() == [1]


def test_a_model_that_answers_nan_is_ranked_last():
    assert ranks_of(torch.full((1, 50), math.nan), torch.tensor([3])).tolist() == [50]


@given(st.data(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_the_top_items_are_those_of_the_sorted_row(data, k, block, n_rows):
    """Ties, infinite scores and such that are no number included; the last columns fill no block."""
    width = data.draw(st.integers(k, 6 * k * block))
    rows = data.draw(st.lists(st.lists(few_values, min_size=width, max_size=width), min_size=n_rows, max_size=n_rows))
    scores = torch.tensor(rows)
    with mock.patch("adrec.evaluation.ranking.BLOCK", block):
        values, columns = top_items(scores, k)
    torch.testing.assert_close(values, scores.topk(k, 1).values, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(values, scores.gather(1, columns), rtol=0, atol=0, equal_nan=True)
    assert all(len(set(row)) == k for row in columns.tolist())


@pytest.mark.parametrize("width", [1682, 40 * BLOCK - 1, 40 * BLOCK, 60_000])
def test_without_ties_the_top_items_are_the_plain_ones_in_their_order(width):
    scores = torch.randn(5, width + 1, generator=torch.Generator().manual_seed(width))[:, 1:]
    values, columns = top_items(scores, 10)
    plain = scores.sort(1, descending=True)
    assert torch.equal(values, plain.values[:, :10]) and torch.equal(columns, plain.indices[:, :10])


@given(st.data(), st.integers(1, 12), st.integers(1, 7), st.integers(1, 5))
def test_streamed_ranks_are_those_of_the_whole_matrix(data, n_rows, chunk, n_users):
    """Scores are written into one-hot products, so each one, a NaN too, is exact and chosen."""
    value = st.sampled_from([0.0, 1.0, 1.0, 2.0, -3.5])
    table = torch.tensor(data.draw(st.lists(st.lists(value, min_size=3, max_size=3), min_size=n_rows, max_size=n_rows)))
    answer = st.sampled_from([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 2.0, -1.0], [0.0, 0.0, 0.0], [math.nan, 0.0, 0.0]])
    answered = torch.tensor(data.draw(st.lists(answer, min_size=n_users, max_size=n_users)))
    if data.draw(st.booleans()):
        table[data.draw(st.integers(0, n_rows - 1))] = data.draw(st.sampled_from([math.nan, math.inf, -math.inf]))
    row, user = st.integers(0, n_rows - 1), st.integers(0, n_users - 1)
    targets = torch.tensor(data.draw(st.lists(row, min_size=n_users, max_size=n_users)))
    pairs = data.draw(st.lists(st.tuples(user, row), max_size=8))
    hidden = (torch.tensor([u for u, _ in pairs], dtype=torch.long), torch.tensor([i for _, i in pairs], dtype=torch.long))
    whole = answered @ table.T
    for u, i in pairs:
        if i != targets[u]:
            whole[u, i] = -math.inf
    with mock.patch("adrec.evaluation.ranking.CHUNK", chunk):
        assert torch.equal(streamed_ranks(answered, table, targets, hidden if pairs else None), ranks_of(whole, targets))


@pytest.mark.parametrize(("users", "rows"), [(1, 8192), (2, 20_001), (7, 8193), (64, 8192), (501, 20_001)])
def test_equal_rows_of_a_large_table_tie_wherever_they_lie(users, rows):
    generator = torch.Generator().manual_seed(users)
    answered, table = (torch.randn(n, 128, generator=generator) for n in (users, rows))
    places = torch.randperm(rows, generator=generator)[: rows // 2]
    table[places] = table[places[0]].clone()
    targets = places[torch.randint(len(places), (users,), generator=generator)]
    over = answered.double() @ (table - table[places[0]]).double().T  # how far each row beats the target
    over[:, places] = 0
    fewest, most = ((over > margin).sum(1) + rows // 2 for margin in (1e-3, -1e-3))
    ranks = streamed_ranks(answered, table, targets)
    assert (fewest <= ranks).all() and (ranks <= most - rows // 2).all()


def test_a_table_of_equal_rows_is_ranked_last_however_large():
    answered = torch.randn(33, 128, generator=torch.Generator().manual_seed(0))
    table = torch.randn(1, 128, generator=torch.Generator().manual_seed(1)).expand(30_000, 128).contiguous()
    assert (streamed_ranks(answered, table, torch.arange(33) * 900) == 30_000).all()


def test_a_large_catalogue_is_never_scored_at_once(monkeypatch):
    widths = []
    multiply = torch.mm
    monkeypatch.setattr(torch, "mm", lambda a, b, out: widths.append(out.shape) or multiply(a, b, out=out))
    streamed_ranks(torch.ones(5, 4), torch.ones(100_000, 4), torch.zeros(5, dtype=torch.long))
    assert set(widths) == {(5, CHUNK)} and len(widths) == -(-100_000 // CHUNK) + 1


# -- metrics ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=30))
def test_metrics_are_their_formulas_user_by_user(ranks):
    ours = ranking_metrics(np.array(ranks))
    for k in CUTOFFS:
        hits = [r for r in ranks if r <= k]
        assert math.isclose(ours[f"hr@{k}"], len(hits) / len(ranks))
        assert math.isclose(ours[f"ndcg@{k}"], sum(math.log(2) / math.log(r + 1) for r in hits) / len(ranks), abs_tol=1e-12)
    assert math.isclose(ours["mrr"], sum(1 / r for r in ranks) / len(ranks))


def test_metrics_of_the_ranks_1_to_n_are_harmonic():
    metrics = ranking_metrics(np.arange(1, 101))
    assert math.isclose(metrics["mrr"], sum(1 / r for r in range(1, 101)) / 100)
    assert [metrics[f"hr@{k}"] for k in CUTOFFS] == [0.05, 0.1, 0.2]


@given(st.lists(st.integers(1, 100), min_size=2, max_size=30))
def test_a_standard_error_is_the_sample_deviation_over_the_root_of_the_users(ranks):
    metrics, values = ranking_metrics(np.array(ranks)), user_metrics(np.array(ranks))
    for name in KEYS:
        mean = sum(values[name]) / len(ranks)
        variance = sum((v - mean) ** 2 for v in values[name]) / (len(ranks) - 1)
        assert math.isclose(metrics[f"{name}_se"], math.sqrt(variance / len(ranks)), rel_tol=1e-9, abs_tol=1e-12)


def test_the_standard_error_of_a_hit_rate_is_the_binomial_one():
    metrics = ranking_metrics(np.array([1] * 20 + [99] * 60))
    assert math.isclose(metrics["hr@10_se"], math.sqrt(0.25 * 0.75 / 79))


def test_the_standard_error_is_the_spread_over_samples():
    rng = np.random.default_rng(0)
    samples = [ranking_metrics(rng.geometric(0.05, 400)) for _ in range(400)]
    for name in ("hr@10", "ndcg@10", "mrr"):
        assert math.isclose(np.std([s[name] for s in samples]), np.mean([s[f"{name}_se"] for s in samples]), rel_tol=0.12)


def test_a_metric_from_outside_is_reported_beside_the_others(monkeypatch):
    monkeypatch.setattr(METRICS, "_entries", dict(METRICS._entries))
    METRICS.register("beyond@K", Metric("beyond@K", "Not in the first K", "here", lambda ranks, k: (ranks > k).astype(float)))
    found = ranking_metrics(np.array([1, 7, 30]))
    assert [found[f"beyond@{k}"] for k in CUTOFFS] == [pytest.approx(1 - found[f"hr@{k}"]) for k in CUTOFFS]
    assert found["beyond@10_se"] == found["hr@10_se"]


def test_only_the_chosen_metrics_are_reported(model, tiny_data):
    chosen = Metric("first", "Share of first places", "here", lambda ranks: (ranks == 1).astype(float))
    result = evaluate(model, tiny_data, "test", metrics=[chosen])
    assert set(result.metrics) == {"split", "users", "steps", "seed", "seconds", "first", "first_se"}
    assert result.metrics["first"] == (result.ranks == 1).mean()


def test_one_user_has_no_standard_error():
    assert ranking_metrics(np.array([3]))["hr@5_se"] == 0.0


# -- evaluate ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["val", "test"])
def test_metrics_are_those_of_the_ranks(model, tiny_data, split):
    result = evaluate(model, tiny_data, split)
    assert {k: result.metrics[k] for k in KEYS} == {k: ranking_metrics(result.ranks)[k] for k in KEYS}
    assert (result.metrics["split"], result.metrics["users"]) == (split, 80)


def test_the_recorded_test_metrics_are_measured_again(model, tiny_run, tiny_data):
    recorded = tiny_run.metrics("finetune")["test"]
    again = evaluate(model, tiny_data, "test").metrics
    assert {k: again[k] for k in KEYS} == {k: recorded[k] for k in KEYS}


def test_the_same_seed_gives_the_same_ranks(model, tiny_data):
    assert np.array_equal(evaluate(model, tiny_data, "test", seed=5).ranks, evaluate(model, tiny_data, "test", seed=5).ranks)


def test_another_seed_gives_other_ranks_where_the_noise_reaches_the_denoiser(model, tiny_data):
    assert not np.array_equal(evaluate(model, tiny_data, "test", seed=5).ranks, evaluate(model, tiny_data, "test", seed=6).ranks)


def test_the_seed_changes_nothing_for_sasrec(sasrec, tiny_data):
    ranks = [evaluate(sasrec, tiny_data, "test", seed=seed).ranks for seed in (0, 1)]
    assert np.array_equal(*ranks)


def test_sasrec_takes_no_denoising_steps(sasrec, tiny_data):
    assert evaluate(sasrec, tiny_data, "test").metrics["steps"] == 0


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_the_denoiser_is_asked_once_a_step(model, tiny_data, monkeypatch, steps):
    asked = []  # of each part of the users
    last_token = type(model).last_token

    def counted(self, batch):
        predict, of_part = last_token(self, batch), []
        asked.append(of_part)
        return lambda x, t: of_part.append(t) or predict(x, t)

    monkeypatch.setattr(type(model), "last_token", counted)
    assert evaluate(model, tiny_data, "test", steps=steps).metrics["steps"] == steps
    assert asked and all(of_part == model.diffusion.strided(steps).timesteps[::-1].tolist() for of_part in asked)


def test_all_timesteps_are_taken_unless_told_otherwise(model, tiny_data):
    plain, told = evaluate(model, tiny_data, "test"), evaluate(model, tiny_data, "test", steps=4)
    assert plain.metrics["steps"] == 4 and np.array_equal(plain.ranks, told.ranks)


def test_a_models_own_number_of_steps_is_taken_everywhere_unless_told_otherwise(model, tiny_data):
    short = build(replace(model.config, sampling_steps=2)).requires_grad_(False)
    short.load_state_dict(model.state_dict())
    plain = evaluate(short, tiny_data, "test")
    assert plain.metrics["steps"] == 2 and np.array_equal(plain.ranks, evaluate(model, tiny_data, "test", steps=2).ranks)
    walk, history = user_trajectory(short, tiny_data, 3), tiny_data.history(3, "test", 50).tolist()
    assert walk.steps == 2 and walk.target_rank[-1] == plain.ranks[3] and len(user_trajectory(short, tiny_data, 3, steps=4).top) == 4
    assert [found.steps for found in fewer_steps(short, history, seeds=2)] == [1, 2]
    assert len(seed_sweep(short, history, seeds=2).timesteps) == measure(short, tiny_data)["timesteps"] == 2


@pytest.mark.parametrize("steps", [0, -1, 5, 1000])
def test_steps_that_the_model_does_not_have_are_refused(model, tiny_data, steps):
    with pytest.raises(ConfigError, match=f"steps must be 1 to 4, not {steps}"):
        evaluate(model, tiny_data, "test", steps=steps)


def test_a_negative_seed_is_refused(model, tiny_data):
    with pytest.raises(ConfigError, match="noise seed must be an integer of at least 0, not -1"):
        evaluate(model, tiny_data, "test", seed=-1)


def test_a_users_rank_does_not_depend_on_the_users_after_it(model, tiny_data):
    whole = evaluate(model, tiny_data, "test").ranks
    for count in (1, 7, 40):
        assert np.array_equal(evaluate(model, subset(tiny_data, list(range(count))), "test").ranks, whole[:count])


def test_a_users_rank_does_not_depend_on_the_users_before_it(sasrec, tiny_data):
    whole = evaluate(sasrec, tiny_data, "test").ranks
    users = [70, 3, 41]
    assert np.array_equal(evaluate(sasrec, subset(tiny_data, users), "test").ranks, whole[users])


@pytest.mark.parametrize("size", [1, 7, 33])
def test_a_users_rank_does_not_depend_on_the_batch(model, tiny_data, monkeypatch, size):
    from adrec.evaluation import evaluator as evaluation

    whole = evaluate(model, tiny_data, "test").ranks
    batches = evaluation.evaluation_batches
    monkeypatch.setattr(evaluation, "evaluation_batches", lambda data, split, frame: batches(data, split, frame, size))
    assert np.array_equal(evaluate(model, tiny_data, "test").ranks, whole)


def test_only_the_last_items_of_a_long_history_count(model):
    history = list(range(1, 31))
    long, short = dataset([[*history, 31, 32]], 60), dataset([[*history[-9:], 31, 32]], 60)
    assert np.array_equal(evaluate(model, long, "test").ranks, evaluate(model, short, "test").ranks)


def test_the_answer_does_not_reach_the_model(model, tiny_data):
    other = replace(tiny_data, test=np.roll(tiny_data.test, 1))
    for ours, theirs in zip(*(_answers(model, d) for d in (tiny_data, other)), strict=True):
        assert torch.equal(ours, theirs)


def _answers(model, data):
    from adrec.data.batches import evaluation_batches

    return [answers(model, b) for b in evaluation_batches(data, "test", model.config.length)]


def test_ranks_do_not_depend_on_the_threads_that_find_them(model, tiny_data):
    whole = evaluate(model, tiny_data, "test").ranks
    with Workers(2) as workers:
        assert np.array_equal(evaluate(model, tiny_data, "test", map=workers.map).ranks, whole)


def test_processes_that_share_the_users_rank_each_of_them_once(model, tiny_data, monkeypatch):
    monkeypatch.setattr("adrec.evaluation.evaluator.PART_TOKENS", 200)  # several parts
    whole, found = evaluate(model, tiny_data, "test").ranks, []

    class Third(Processes):
        def add_up(self, tensors):
            found.extend(t.clone() for t in tensors)
            tensors[0].copy_(torch.from_numpy(whole))

    for rank in range(3):
        assert np.array_equal(evaluate(model, tiny_data, "test", share=Third(rank, 3)).ranks, whole)
    assert len(found) == 3 and all((r > 0).any() for r in found) and np.array_equal(sum(found).numpy(), whole)


def test_progress_ends_at_1(model, tiny_data):
    seen = []
    evaluate(model, tiny_data, "val", progress=seen.append)
    assert seen[-1] == 1.0 and seen == sorted(seen)


# -- filters ----------------------------------------------------------------------------------------------------------


def scores_of(model, data, user: int, split: str) -> torch.Tensor:
    from adrec.data.batches import evaluation_batches

    for batch in evaluation_batches(data, split, model.config.length, 1):
        if batch.users[0] == user:
            return (answers(model, batch) @ model.item_embedding.weight.T)[0]
    raise AssertionError


@pytest.mark.parametrize("split", ["val", "test"])
def test_filtered_ranks_count_unseen_items_only(model, tiny_data, split):
    filtered = evaluate(model, tiny_data, split, filter_seen=True, filter_padding=True).ranks
    for user in range(0, 80, 9):
        scores, answer = scores_of(model, tiny_data, user, split), int(tiny_data.answers(split)[user])
        seen = set(tiny_data.history(user, split, 10**6).tolist())
        rivals = [i for i in range(1, tiny_data.n_items + 1) if i != answer and i not in seen]
        assert filtered[user] == 1 + sum(not scores[i] < scores[answer] for i in rivals)


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("filters", [{}, {"filter_seen": True}, {"filter_padding": True}, {"filter_seen": True, "filter_padding": True}])
def test_ranks_do_not_depend_on_the_chunks_of_the_catalogue(model, tiny_data, monkeypatch, split, filters):
    whole = evaluate(model, tiny_data, split, **filters).ranks
    for chunk in (16, 59):
        monkeypatch.setattr("adrec.evaluation.ranking.CHUNK", chunk)
        assert np.array_equal(evaluate(model, tiny_data, split, **filters).ranks, whole)


def test_an_answer_that_was_seen_before_is_not_filtered(model):
    data = dataset([[5, 6, 7, 8, 5], [9, 3, 4, 9, 9]], 60)
    assert (evaluate(model, data, "test", filter_seen=True).ranks < 60).all()
    assert (evaluate(model, data, "test", filter_seen=True).ranks <= evaluate(model, data, "test").ranks).all()


def test_items_beyond_the_models_frame_are_seen_too(model):
    data = dataset([[*range(1, 41), 41]], 60)
    assert evaluate(model, data, "test", filter_seen=True).ranks[0] <= 60 - 40 + 1


def test_the_padding_row_is_ranked_unless_it_is_filtered(model, tiny_data):
    with_row_0, without = (evaluate(model, tiny_data, "test", filter_padding=f).ranks for f in (False, True))
    beaten = [
        int(not scores_of(model, tiny_data, u, "test")[0] < scores_of(model, tiny_data, u, "test")[tiny_data.test[u]]) for u in range(80)
    ]
    assert np.array_equal(with_row_0 - without, beaten)


def test_data_without_users_are_refused(tiny_data, tiny_run):
    none = np.zeros(0, dtype=np.int32)
    empty = replace(tiny_data, train_items=none, train_offsets=np.zeros(1, dtype=np.int64), val=none, test=none, user_ids=none.astype(str))
    with pytest.raises(DataError, match="has no users to evaluate"):
        evaluate(load_model(tiny_run), empty, "test")
