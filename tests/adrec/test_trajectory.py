"""The recorded reverse process: the plain sampler's numbers, and what is derived from them."""

import json
import subprocess
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from adrec import browser, paper
from adrec.data import catalog
from adrec.data.titles import most_popular
from adrec.diffusion import reverse_process, user_noise
from adrec.errors import DataError
from adrec.evaluation import evaluate
from adrec.explain.records import Trajectory
from adrec.explain.trajectory import _swaps, trajectory, user_trajectory
from tests.adrec.engine import NODE
from tests.adrec.plain import plain_adrec, plain_last_token
from tests.adrec.small import built, plan, varied

PLAN = plan(hidden_size=16, heads=2, blocks=1, length=10, timesteps=6, noise_weight=1.0, schedule="cosine")
CONFIG: Any = PLAN.config
HISTORY = [3, 17, 42, 5]


def model_of(**fields):
    return built(varied(PLAN, **fields))


@pytest.fixture(scope="module")
def walk() -> Trajectory:
    return trajectory(model_of(), HISTORY, target=7, seed=1, popular=11)


def padded(history: list[int]) -> torch.Tensor:
    return paper.left_padded([np.array(history)], CONFIG.length)


@torch.no_grad()
@pytest.mark.parametrize("steps", [1, 3, 6])
def test_the_last_state_is_the_plain_denoisers_answer(steps):
    model = model_of()
    x_start, noise = user_noise(1, np.array([0]), steps, CONFIG.hidden_size)
    predict = plain_last_token(plain_adrec(model), padded(HISTORY))
    plain = reverse_process(predict, x_start, noise, model.diffusion.strided(steps))
    ours = trajectory(model, HISTORY, seed=1, steps=steps)
    np.testing.assert_allclose(ours.x_t[-1], plain[0].numpy(), rtol=1e-4, atol=1e-4)
    assert ours.timesteps[0] == 5 and len(ours.timesteps) == steps


def test_the_last_estimate_is_the_answer(walk):
    np.testing.assert_allclose(walk.x0_hat[-1], walk.x_t[-1], rtol=1e-5, atol=1e-5)


def test_scores_and_ranks_are_those_of_the_estimate(walk):
    table = model_of().item_embedding.weight.numpy()
    for i in range(walk.steps):
        scores = table @ walk.x0_hat[i]
        assert walk.target_rank[i] == (scores >= scores[7]).sum()
        assert walk.top[i].tolist() == (np.argsort(-scores[1:], kind="stable")[:10] + 1).tolist()
        p = np.exp(scores - scores.max())
        assert walk.target_probability[i] == pytest.approx(p[7] / p.sum(), rel=1e-4)
        assert walk.entropy[i] == pytest.approx(-(p / p.sum() * np.log(p / p.sum())).sum(), rel=1e-4)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("target", [7, None])
def test_the_margin_is_the_targets_or_the_first_items_score_over_the_best_others(target):
    table = model_of().item_embedding.weight.numpy()
    walk = trajectory(model_of(), HISTORY, target=target, seed=1)
    for i in range(walk.steps):
        scores = {item: float(table[item] @ walk.x0_hat[i]) for item in range(1, 61)}
        own = target or max(scores, key=scores.__getitem__)
        rival = max((item for item in scores if item != own), key=scores.__getitem__)
        assert walk.rival[i] == rival
        assert walk.margin[i] == pytest.approx(scores[own] - scores[rival], abs=1e-5)


@pytest.mark.parametrize("target", [7, None])
def test_the_noise_is_ranked_as_if_it_were_an_answer(target):
    table = model_of().item_embedding.weight.numpy().astype(np.float64)
    walk = trajectory(model_of(), HISTORY, target=target, seed=1)
    scores = table @ walk.x_t[0]
    p = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    best = np.argsort(-scores[1:], kind="stable")[:10] + 1
    assert walk.start_top.tolist() == best.tolist()
    np.testing.assert_allclose(walk.start_scores, scores[best], rtol=1e-4)
    np.testing.assert_allclose(walk.start_probabilities, p[best], rtol=1e-4)
    told = walk.to_json(str)["start"]
    if target is None:
        assert walk.start_target_rank is walk.start_target_probability is told["target_rank"] is told["target_probability"] is None
    else:
        assert walk.start_target_rank == told["target_rank"] == (scores >= scores[7]).sum()
        assert walk.start_target_probability == told["target_probability"] == pytest.approx(p[7], rel=1e-4)
    assert [item["id"] for item in told["top"]] == best.tolist()


def test_the_final_first_choice_is_ranked_from_the_noise_on():
    table = model_of().item_embedding.weight.numpy().astype(np.float64)
    walk = trajectory(model_of(), HISTORY, target=7, seed=1)
    scores = np.stack([walk.x_t[0], *walk.x0_hat]) @ table.T
    first = walk.top[-1, 0]
    assert walk.answer_rank.tolist() == (scores >= scores[:, [first]]).sum(1).tolist() and len(set(walk.answer_rank.tolist())) > 1
    report = walk.to_json(str)
    assert [report["start"]["answer_rank"], *(s["answer_rank"] for s in report["steps"])] == walk.answer_rank.tolist()


@pytest.mark.parametrize("target", [1, None])
def test_a_catalogues_only_item_is_its_own_rival(target):
    walk = trajectory(model_of(n_items=1), [1, 1], target=target)
    assert set(walk.rival.tolist()) == {1} and set(walk.margin.tolist()) == {0.0} and walk.commit_step == 1


def test_the_estimate_is_compared_with_the_histories_mean_and_the_most_popular_item():
    table, repeated = model_of().item_embedding.weight.numpy(), [3, 3, 17]
    walk = trajectory(model_of(), repeated, popular=11)
    mean = (2 * table[3] + table[17]) / 3
    np.testing.assert_allclose(walk.cosine_to_history, unit(walk.x0_hat) @ unit(mean), rtol=1e-4)
    np.testing.assert_allclose(walk.cosine_to_popular, unit(walk.x0_hat) @ unit(table[11]), rtol=1e-4, atol=1e-6)
    assert trajectory(model_of(), repeated).cosine_to_popular is None


def test_each_step_reports_what_entered_and_left_the_list(walk):
    changes = 0
    for i in range(1, walk.steps):
        before, now = walk.top[i - 1].tolist(), walk.top[i].tolist()
        assert walk.entered(i) == [k for k in now if k not in before] and walk.left(i) == [k for k in before if k not in now]
        changes += len(walk.entered(i))
    assert changes and walk.entered(0) == walk.top[0].tolist() and walk.left(0) == []


def test_the_most_popular_item_is_the_one_with_the_most_occurrences(tiny_run, tiny_data):
    popular = most_popular(tiny_run.items)
    assert tiny_data.popularity[popular] == tiny_data.popularity.max()
    assert most_popular(tiny_run.items.drop(columns="popularity")) is None


def test_distances_are_measured_to_the_target_and_to_the_final_answer(walk):
    target = model_of().item_embedding.weight.numpy()[7]
    np.testing.assert_allclose(walk.distance_to_target, np.linalg.norm(walk.x0_hat - target, axis=1), rtol=1e-5)
    assert walk.distance_to_final[-1] == 0 and walk.cosine_to_final[-1] == pytest.approx(1)


def test_a_users_trajectory_ends_at_the_rank_that_evaluation_gives():
    data = catalog.load("synthetic:items=60,users=40")
    model = model_of()
    ranks = evaluate(model, data, "test", seed=2).ranks
    assert [int(user_trajectory(model, data, u, seed=2).target_rank[-1]) for u in range(12)] == ranks[:12].tolist()


def test_at_lambda_0_the_noise_changes_nothing():
    model = model_of(noise_weight=0.0)
    first, second = (trajectory(model, HISTORY, seed=s) for s in (1, 2))
    assert np.array_equal(first.top, second.top) and first.commit_step == 1
    assert not np.array_equal(first.x_t[0], second.x_t[0])


def test_at_lambda_1_another_seed_changes_the_estimates(walk):
    assert np.abs(trajectory(model_of(), HISTORY, seed=2).x0_hat - walk.x0_hat).max() > 0.1


@torch.no_grad()
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_noises_share_is_its_length_over_the_conditions_of_the_plain_encoder(weight):
    model = model_of(noise_weight=weight)
    found = trajectory(model, HISTORY, seed=1)
    condition = plain_adrec(model).condition(padded(HISTORY))[0, -1]
    assert found.noise_share == pytest.approx(weight * np.linalg.norm(found.x_t[0]) / float(condition.norm()), rel=1e-5)
    assert (found.to_json(str)["noise_weight"], found.to_json(str)["noise_share"]) == (weight, found.noise_share)


def test_a_model_that_does_not_add_noise_has_no_noise_share():
    model = built(plan("dreamrec", hidden_size=16, heads=2, blocks=1, length=10, timesteps=6))
    found = trajectory(model, HISTORY, seed=1)
    assert found.noise_share is None and found.noise_weight is None


def test_only_the_last_items_of_a_long_history_count():
    model, long = model_of(), list(range(1, 31))
    assert np.array_equal(trajectory(model, long).top, trajectory(model, long[-10:]).top)


def test_a_history_of_five_hundred_items_is_cut_to_what_the_model_reads():
    long = (list(range(1, 61)) * 9)[:500]
    assert trajectory(model_of(), long).history == long[-10:]


@pytest.mark.parametrize("history", [[5], [5, 5, 5]])
def test_one_item_and_repeated_items_are_histories_like_any_other(history):
    x_start, noise = user_noise(1, np.array([0]), 6, CONFIG.hidden_size)
    plain = paper.reverse_process(plain_adrec(model_of()), padded(history), x_start, noise)
    np.testing.assert_allclose(trajectory(model_of(), history, seed=1).x_t[-1], plain[0].numpy(), rtol=1e-4, atol=1e-4)


def lists(*tops: list[int]) -> Trajectory:
    """A trajectory whose top tens are these (short lists stand for whole ones)."""
    none = np.zeros(len(tops))
    top = np.array(tops)
    fields = dict.fromkeys(Trajectory.__dataclass_fields__, none)
    return Trajectory(
        **{**fields, "history": [1], "target": 1, "seed": 0, "timesteps": none, "top": top, "top_ten": top, "target_rank": none + 1}
    )


@pytest.mark.parametrize(
    ("tops", "commit", "order", "changed"),
    [
        ([[1, 2], [1, 2], [1, 2]], 1, 1, False),
        ([[1, 2], [2, 1], [2, 1]], 1, 2, True),
        ([[1, 2], [1, 3], [3, 1]], 2, 3, True),
        ([[1, 2], [3, 2], [1, 2]], 3, 3, True),
        ([[1, 2]], 1, 1, False),
    ],
)
def test_the_commit_step_is_the_first_after_which_nothing_changes(tops, commit, order, changed):
    walk = lists(*tops)
    assert (walk.commit_step, walk.order_commit_step, walk.changed_mind) == (commit, order, changed)


@pytest.mark.parametrize(("score", "swaps"), [(1.99, (3, 4)), (1.9, ())])
def test_items_that_enter_and_leave_a_list_are_near_ties_while_their_scores_hardly_differ(score, swaps):
    scores = torch.tensor([[0, 9, 5, 2, score], [0, 9, 5, score, 2]])
    best, places = scores[:, 1:].topk(3)
    assert _swaps(scores, best, places + 1) == swaps
    assert _swaps(scores[:1], best[:1], places[:1] + 1) == ()


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_the_browser_finds_the_same_near_ties():
    rng, cases, wanted = np.random.default_rng(0), [], []
    for _ in range(60):
        scores = torch.from_numpy(np.arange(14, 0, -1) + rng.choice([0.01, 0.5]) * rng.standard_normal((4, 14))).float()
        scores[:, 11] = scores[:, 10] + 0.05 * torch.from_numpy(rng.standard_normal(4))
        best, places = scores[:, 1:].topk(10)
        cases.append([(places + 1).tolist(), scores.tolist()])
        wanted.append([*_swaps(scores, best, places + 1)])
    found = f"{json.dumps(cases)}.map(([lists, scores]) => swaps(lists, scores))"
    code = f"import {{ swaps }} from '{(browser.FOLDER / 'engine' / 'ranking.js').as_uri()}'; console.log(JSON.stringify({found}));"
    ran = subprocess.run([NODE, "--input-type=module"], input=code, capture_output=True, text=True, check=True)
    assert [sorted(ids) for ids in json.loads(ran.stdout)] == wanted
    assert 5 < sum(map(bool, wanted)) < 55


@pytest.mark.parametrize(("rank", "outcome"), [(1, "hit"), (10, "hit"), (11, "near miss"), (50, "near miss"), (51, "miss")])
def test_the_outcome_follows_from_the_final_rank(rank, outcome):
    assert replace(lists([1], [1]), target_rank=np.array([99, rank])).outcome == outcome


def test_without_a_target_its_fields_are_none():
    report = trajectory(model_of(), HISTORY).to_json(str)
    assert report["target"] is None and report["outcome"] is None
    assert all(step["target_rank"] is None and step["cosine_to_target"] is None for step in report["steps"])


def test_json_holds_every_state_and_estimate(walk):
    report = walk.to_json(str, "u7")
    assert report["user"] == "u7" and [h["id"] for h in report["history"]] == HISTORY
    np.testing.assert_allclose([s["x_t"] for s in report["steps"]], walk.x_t[1:], rtol=1e-5)
    np.testing.assert_allclose([s["x0_hat"] for s in report["steps"]], walk.x0_hat, rtol=1e-5)
    for name in ("margin", "cosine_to_history", "cosine_to_popular", "cosine_to_target", "target_probability", "entropy"):
        assert [s[name] for s in report["steps"]] == getattr(walk, name).tolist()
    assert [s["rival"]["id"] for s in report["steps"]] == walk.rival.tolist() and report["popular"] == {"id": 11, "title": "11"}
    assert [[e["id"] for e in s["entered"]] for s in report["steps"]] == [walk.entered(i) for i in range(walk.steps)]
    assert [[e["id"] for e in s["left"]] for s in report["steps"]] == [walk.left(i) for i in range(walk.steps)]
    np.testing.assert_allclose(report["x_start"], walk.x_t[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("history", "words"), [([], "history is empty"), ([0], "Item id 0"), ([61], "ids are 1 to 60"), ([-3], "Item id -3")]
)
def test_an_invalid_history_is_refused(history, words):
    with pytest.raises(DataError, match=words):
        trajectory(model_of(), history)


def test_a_model_without_a_reverse_process_is_refused():
    with pytest.raises(DataError, match="no reverse process"):
        trajectory(built(plan("sasrec")), HISTORY)
