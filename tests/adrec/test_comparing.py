"""The measures, the statistics and the table of an experiment, against slow plain versions."""

import csv
import io
import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from adrec.data import catalog
from adrec.data.batches import pack
from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.evaluation import evaluate
from adrec.experiments import statistics, tables
from adrec.experiments.helped import FEWEST, parts
from adrec.experiments.lists import Lists, computed
from adrec.experiments.measures import Evidence, Measure, Users, all_measures
from adrec.experiments.overlap import agreement, coverage, front, used
from adrec.experiments.report import Entry, Figure, Report, Row, compared, differences, figure
from adrec.experiments.statistics import Comparison, corrected, paired
from adrec.models.settings import settings
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from tests.adrec.small import built, plan

GENRES = ["a|b", "a", "", "b", "c", "a|c", "b|c", "a|b|c", "c", "b", "a", "c"]


@pytest.fixture(scope="module")
def data() -> SequenceDataset:
    rng = np.random.default_rng(4)
    users, items = 30, len(GENRES)
    lengths = rng.integers(2, 9, users)
    frame = pd.DataFrame({"item": [f"i{i}" for i in range(items)], "title": "x", "genre": GENRES}, index=pd.RangeIndex(1, items + 1))
    test = rng.integers(1, items + 1, users)
    test[3] = 0  # a user without an answer
    return SequenceDataset(
        "d",
        (rng.integers(1, items + 1, lengths.sum()) ** 2 % items + 1).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)]),
        rng.integers(1, items + 1, users),
        test,
        ItemTable(frame),
        np.array([str(i) for i in range(users)]),
    )


@pytest.fixture(scope="module")
def evidence(data) -> Evidence:
    rng, of = np.random.default_rng(5), Users(data)
    items = np.stack([rng.permutation(len(GENRES))[:10] + 1 for _ in of.users])
    shares = np.sort(rng.dirichlet(np.ones(15), len(of.users))[:, :10])[:, ::-1]
    hit = items == of.targets[:, None]
    ranks = np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, 11)
    return Evidence(of, ranks, Lists(ranks, items.astype(np.int32), shares, 0.0))


def plain(evidence: Evidence) -> dict[str, float]:
    """Every measure beyond ranking, user by user and item by item."""
    data, lists = evidence.of.data, evidence.lists
    assert lists is not None
    people = [user for user in range(data.n_users) if data.test[user]]
    of_items = [lists.items[i].tolist() for i in range(len(people))]
    train = [data.train(user).tolist() for user in range(data.n_users)]
    count = {item: sum(own.count(item) for own in train) for item in range(1, data.n_items + 1)}
    owners = {item: sum(item in own for own in train) for item in range(1, data.n_items + 1)}
    known = [[*train[user], int(data.val[user])] for user in people]
    mine = np.mean([np.mean([count[item] for item in own]) for own in of_items])
    theirs = np.mean([np.mean([count[item] for item in own]) for own in known])
    genres = {i: set(filter(None, text.split("|"))) for i, text in enumerate(GENRES, start=1)}
    apart = [
        1 - len(genres[a] & genres[b]) / len(genres[a] | genres[b])
        for own in of_items
        for a, b in itertools.combinations(own, 2)
        if genres[a] and genres[b]
    ]
    sure = [float(lists.probabilities[i].sum()) for i in range(len(people))]
    right = [int(data.test[user]) in own for user, own in zip(people, of_items, strict=True)]
    ordered = sorted(range(len(people)), key=lambda i: sure[i])
    error, size, rest = 0.0, *divmod(len(people), 10)
    for b in range(10):
        own, ordered = ordered[: size + (b < rest)], ordered[size + (b < rest) :]
        error += len(own) / len(people) * abs(np.mean([sure[i] for i in own]) - np.mean([right[i] for i in own]))
    gains = [1 / math.log2(1 + rank) if rank <= 10 else 0.0 for rank in evidence.ranks]
    popular = sorted(range(1, data.n_items + 1), key=lambda item: (-count[item], item))[:2]
    head = [int(data.test[user]) in popular for user in people]
    by_length = sorted(range(len(people)), key=lambda i: len(known[i]))
    third, more = divmod(len(people), 3)
    stops = np.cumsum([0, *(third + (i < more) for i in range(3))])
    return {
        "coverage@10": len(set(itertools.chain(*of_items))) / data.n_items,
        "popularity_lift@10": mine / theirs - 1,
        "novelty@10": np.mean([-math.log2((owners[item] + 1) / (data.n_users + 1)) for own in of_items for item in own]),
        "diversity@10": np.mean(apart),
        "calibration@10": error,
        "overconfidence@10": np.mean(sure) - np.mean(right),
        "ndcg@10": np.mean(gains),
        "hr@10": np.mean(evidence.ranks <= 10),
        "ndcg@10:head": np.mean([gain for gain, is_head in zip(gains, head, strict=True) if is_head]),
        "ndcg@10:tail": np.mean([gain for gain, is_head in zip(gains, head, strict=True) if not is_head]),
        **{
            f"ndcg@10:{n}": np.mean([gains[i] for i in by_length[stops[p] : stops[p + 1]]])
            for p, n in enumerate(("short", "middle", "long"))
        },
    }


def test_every_measure_equals_a_slow_plain_version(evidence):
    expected = plain(evidence)
    found = {m.name: m.value(evidence) for m in all_measures() if m.value is not None}
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert set(found) - set(expected) == {"hr@5", "hr@20", "ndcg@5", "ndcg@20", "mrr"}


def test_a_run_without_a_model_keeps_what_ranks_alone_say(evidence):
    bare = Evidence(evidence.of, evidence.ranks, None)
    found = {m.name for m in all_measures() if m.value is not None and m.value(bare) is not None}
    assert found == {m.name for m in all_measures() if m.group in ("ranking", "whom")}


def test_places_of_a_list_that_stay_empty_count_nowhere(evidence):
    assert evidence.lists is not None
    items = np.where(np.arange(10) < 4, evidence.lists.items, 0)
    short, four = (replace(evidence, lists=replace(evidence.lists, items=own)) for own in (items, items[:, :4]))
    for m in all_measures():
        if m.name in ("coverage@10", "popularity_lift@10", "novelty@10") and m.value is not None:
            assert m.value(short) == pytest.approx(m.value(four)), m.name
            assert m.value(replace(evidence, lists=replace(evidence.lists, items=items * 0))) in (0, None)


def test_every_measure_says_what_it_is_and_where_it_is_from():
    assert len({m.name for m in all_measures()}) == len(all_measures())
    assert all(m.title and m.definition and m.source for m in all_measures())


def test_lists_are_the_best_of_the_catalogue_with_the_softmax_over_it(data):
    model = built(plan("sasrec", n_items=data.n_items, hidden_size=8, length=10, preset=None))
    found = computed(model, data)
    assert np.array_equal(found.ranks, evaluate(model, data, "test").ranks[data.evaluated("test")])
    user = int(data.evaluated("test")[7])
    with torch.no_grad():
        scores = (model.answers(pack([data.history(user, "test", 10)], 10)) @ model.table.T)[0, 1:].double().numpy()
    shares = np.exp(scores) / np.exp(scores).sum()
    assert found.items[7].tolist() == (np.argsort(-scores)[:10] + 1).tolist()
    assert found.probabilities[7] == pytest.approx(np.sort(shares)[::-1][:10], rel=1e-5)


@pytest.mark.parametrize("name", ["sasrec", "popularity"])
def test_lists_of_new_items_hold_nothing_of_the_history_but_the_answer(data, name):
    settings = plan(name, n_items=data.n_items, preset=None, **({"hidden_size": 8} if name == "sasrec" else {}))
    model = built(settings) if name == "sasrec" else settings.model(settings.config)
    model.fit(data)
    found = computed(model, data, filter_seen=True)
    assert np.array_equal(found.ranks, evaluate(model, data, "test", filter_seen=True).ranks[data.evaluated("test")])
    for row, user in enumerate(data.evaluated("test").tolist()):
        seen = set(data.history(user, "test", 99).tolist()) - {int(data.test[user])}
        listed = [item for item in found.items[row].tolist() if item]
        assert not seen & set(listed) and len(listed) == min(10, data.n_items - len(seen)), "shorter where little else is there"


# -- statistics -------------------------------------------------------------------------------------------------------


def test_the_permutation_test_is_that_of_all_sign_flips():
    values = np.array([0.5, -0.1, 0.3, 0.0, 0.7, 0.2, -0.4, 0.6, 0.1, 0.0])
    flips = [abs(np.dot(signs, values)) >= abs(values.sum()) - 1e-12 for signs in itertools.product((-1, 1), repeat=len(values))]
    assert paired(values, np.random.default_rng(0)).p == pytest.approx(np.mean(flips), abs=0.012)


def test_a_difference_has_its_direction_effect_and_interval():
    values = np.random.default_rng(1).normal(0.1, 1.0, 2000)
    found = paired(values, np.random.default_rng(0))
    error = values.std(ddof=1) / math.sqrt(len(values))
    assert (found.low, found.high) == pytest.approx((values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=error / 5)
    assert found.effect == pytest.approx(values.mean() / values.std(ddof=1)) and corrected([found])[0].says == "higher"
    opposite = corrected([paired(-values, np.random.default_rng(0))])[0]
    assert opposite.says == "lower" and opposite.difference == -found.difference
    assert paired(np.zeros(9), np.random.default_rng(0)).p == 1.0


def test_many_users_are_resampled_in_small_parts_with_the_same_result(monkeypatch):
    differences = np.random.default_rng(6).normal(0.1, 1, 64)
    whole = paired(differences, np.random.default_rng(1))
    monkeypatch.setattr(statistics, "LARGEST", 64 * 32)
    parts = paired(differences, np.random.default_rng(1))
    assert (parts.low, parts.high, parts.p) == (whole.low, whole.high, whole.p)


def test_a_true_null_is_rejected_as_often_as_it_should_be():
    rng = np.random.default_rng(2)
    ps = [paired(rng.normal(0, 1, 40), np.random.default_rng(i)).p for i in range(120)]
    assert 0.005 < np.mean(np.array(ps) < 0.05) < 0.12


def test_holms_correction_steps_down_and_never_reverses_an_order():
    found = corrected([Comparison(1, 0, 1, 0, p) for p in (0.01, 0.04, 0.03, 0.005)])
    assert [each.p_holm for each in found] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [each.p_holm for each in corrected([Comparison(1, 0, 1, 0, p) for p in (0.6, 0.7)])] == [1.0, 1.0]


def test_differences_are_paired_over_the_seeds_that_both_have():
    own = {1: np.array([1.0, 2.0]), 2: np.array([3.0, 3.0])}
    other = {2: np.array([1.0, 0.0]), 9: np.array([100.0, 100.0])}
    assert differences(own, other).tolist() == [2.0, 3.0]
    assert differences({1: own[1]}, {2: other[2]}).tolist() == [0.0, 2.0]
    assert figure([1.0, 3.0]) == Figure(2.0, math.sqrt(2), (1.0, 3.0)) and figure([1.0]).spread is None


def test_models_that_rank_by_different_rules_are_not_tested_against_each_other(tmp_path):
    data = catalog.load("synthetic:users=40,items=30")
    entries = []
    for name, new in (("base", "false"), ("same", "false"), ("new items", "true")):
        run, chosen = RunFolder(tmp_path / name), settings("popularity", {"filter_seen": new})
        train_run(run, data, describe_run(data, data.name, chosen, ""))
        entries.append(Entry(name, [run]))
    rows = {row.name: row for row in compared({"d": (data, entries)}, "base", ["hr@10"])}
    assert set(rows["same"].against) == {"hr@10"} and not rows["new items"].against
    assert rows["new items"].figures["hr@10"].mean > rows["base"].figures["hr@10"].mean
    assert "filter_seen" in rows["new items"].notes[0] and not rows["same"].notes
    again = compared({"d": (data, entries)}, "new items", ["hr@10"])
    assert not any(row.against for row in again)


# -- the table --------------------------------------------------------------------------------------------------------


@pytest.fixture
def report() -> Report:
    low = Comparison(-0.02, -0.03, -0.01, -0.2, 0.001, 0.002)
    rows = [
        Row("d", "base", (1, 2), ("x", "y"), {"hr@10": figure([0.12, 0.14]), "novelty@10": figure([3.2, 3.4])}, "healthy"),
        Row("d", "other_model, 50%", (1,), ("z",), {"hr@10": figure([0.11])}, None, {"hr@10": low}, ("seed 1 not converged",)),
    ]
    return Report("A & B", "Why?", "base", ("hr@10",), tuple(rows), ("other_model on d, seed 2",), 2.5, 1.25, 0.5)


def test_all_forms_of_the_table_say_the_same(report, tmp_path):
    paths = tables.save(report, tmp_path)
    text, lines, found, tex = (path.read_text(encoding="utf-8") for path in paths)
    assert "| base | 1, 2 | 13.00 ± 1.41 |" in text and "| other_model, 50% | 1 | 11.00 ▼ |" in text
    assert "| other_model, 50% | HR@10 | -2.00 [-3.00, -1.00] | -0.200 | 0.0010 | 0.0020 | lower |" in text
    took = "took 1.25 hours of one process; runs taken over from elsewhere 0.50."
    assert f"Estimated at 2.5 core-hours. The experiment's own runs and searches {took}" in text
    assert "- Not finished: other_model on d, seed 2." in text and "seed 1 not converged" in text
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert float(rows[0]["hr@10"]) == pytest.approx(0.13) and rows[0]["hr@10 says"] == "" and rows[1]["hr@10 says"] == "lower"
    stored = json.loads(found)
    assert stored["rows"][0]["measures"]["hr@10"]["by_seed"] == [0.12, 0.14] and stored["measures"]["novelty@10"]["unit"] == "bits"
    assert (
        r"other\_model, 50\% & 11.00 $\blacktriangledown$ &  &  \\" in tex
        and r"base & 13.00 $\pm$ 1.41 & 3.30 $\pm$ 0.14 & healthy \\" in tex
    )


def test_a_baseline_that_is_not_there_is_told(report):
    assert "is not finished on" not in tables.markdown(report)
    assert "- other is not finished on d, so nothing is compared with it there." in tables.markdown(replace(report, baseline="other"))


def test_figures_are_shown_in_their_units():
    share, plain_number = (Measure("x", "X", unit, "d", "s", "lists") for unit in ("%", ""))
    assert tables.shown(share, figure([0.5, 0.7])) == "60.00 ± 14.14" and tables.shown(plain_number, figure([0.1234])) == "0.123"
    assert tables.shown(share, None) == "" and Entry("a", []).steps is None


def test_users_are_parted_by_history_popularity_and_category_and_every_part_says_its_mean(evidence: Evidence) -> None:
    of = evidence.of
    values = np.random.default_rng(1).normal(size=len(of.users))
    found = parts(of, values)
    assert len({part.by for part in found}) == 3
    for by in [part.by for part in found][:1] + ["Target's count in training"]:
        own = [part for part in found if part.by == by]
        assert sum(p.users for p in own) == len(values)
        assert sum(p.users * p.difference for p in own) == pytest.approx(values.sum())
    for part in found:
        assert part.low <= part.difference <= part.high
        if part.by == "Target's genre":
            own = [i for i, target in enumerate(of.targets) if part.name in GENRES[target - 1].split("|")]
            assert part.users == len(own) >= FEWEST and part.difference == pytest.approx(values[own].mean())


def test_agreement_counts_shared_items_and_the_front_holds_those_that_nobody_beats_at_their_cost() -> None:
    items = np.array([[1, 2, 3], [4, 5, 0]], np.int32)
    one, other = (Lists(np.ones(2, int), rows, np.ones((2, 3)), 0.0) for rows in (items, np.array([[3, 2, 9], [0, 1, 2]], np.int32)))
    assert (agreement(one, one), agreement(one, other)) == (2.5, 1.0)
    assert used(one, 6).tolist() == [1, 1, 1, 1, 1, 0] and coverage(used(one, 6)).tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1])
    points = [(1.0, 0.2), (2.0, 0.1), (2.0, 0.5), (2.0, 0.5), (3.0, 0.4), (0.5, 0.1)]
    beaten = [any(d <= c and r >= q and (d, r) != (c, q) for d, r in points) for c, q in points]
    assert sorted(front(*zip(*points, strict=True))) == [i for i, one in enumerate(beaten) if not one and points.index(points[i]) == i]
