"""Plain facts about item tables, and the verdicts that name them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from adrec.cli import main
from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.facts import EXAMPLES, Fact, facts
from adrec.collapse.verdict import diagnose
from adrec.errors import WeightsError
from tests.adrec.verdict_fixtures import gaussian, planted, rank_four, world

ITEMS, WIDTH = 500, 64


@pytest.fixture(scope="module")
def made() -> tuple[Cooccurrence, np.ndarray]:
    return world(ITEMS, 0)


def _table(rows: int = 200, width: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32) * 0.1


def _one(code: str, found: list[Fact]) -> Fact:
    return next(fact for fact in found if fact.code == code)


# -- each fact


def test_noise_at_a_usual_scale_has_no_facts() -> None:
    assert facts(_table()) == []


def test_dead_columns_are_counted_and_the_rest_is_the_width_in_use() -> None:
    table = _table()
    table[:, :5], table[:, 9] = 0, 0.3
    fact = facts(table)[0]
    assert (fact.code, fact.count, fact.of, fact.value, fact.columns) == ("dead-columns", 6, 16, 10.0, (0, 1, 2, 3, 4, 9))
    assert fact.says == "6 of 16 columns are constant: the width in use is 10."


def test_columns_of_tiny_values_beside_others_are_dead_but_a_tiny_table_has_no_dead_columns() -> None:
    table = _table().astype(np.float64)
    table[:, 3] *= 1e-4
    assert facts(table)[0].columns == (3,)
    assert [fact.code for fact in facts(_table().astype(np.float64) * 1e-200)] == ["small-scale"]


def test_copies_of_columns_are_found_up_to_scale_sign_and_offset() -> None:
    table = _table().astype(np.float64)
    table[:, 7], table[:, 11], table[:, 12] = table[:, 2], -3 * table[:, 5] + 0.1, 2 * table[:, 2]
    fact = _one("duplicate-columns", facts(table))
    assert (fact.count, fact.columns, fact.value) == (3, (7, 11, 12), 13.0)


def test_a_column_that_is_only_similar_is_no_copy() -> None:
    table = _table(5000)
    table[:, 7] = table[:, 2] + 0.01 * table[:, 3]
    assert facts(table) == []


def test_rows_of_zeros_and_equal_rows_are_counted_apart() -> None:
    table = _table()
    table[[4, 8]], table[[10, 20, 30]], table[50] = 0, table[10], table[51]
    found = facts(table, popularity=np.r_[np.zeros(5, dtype=int), np.ones(195, dtype=int)])
    zero, equal = _one("dead-rows", found), _one("duplicate-rows", found)
    assert zero.rows == (4, 8) and "1 of them occur" in zero.says
    assert (equal.count, equal.rows, equal.value) == (5, (10, 20, 30, 50, 51), 2.0)
    assert equal.says == "5 of 200 rows are exactly equal to another, in 2 groups."


def test_a_table_of_equal_rows_is_told_by_its_columns_alone() -> None:
    (fact,) = facts(np.full((30, 5), 0.1))
    assert fact.says == "All 5 columns are constant: every item has the same row."


def test_rows_exactly_as_before_training_are_counted_among_the_items_that_occur() -> None:
    before = _table()
    table = before + 0.1 * _table(seed=1)
    table[:50] = before[:50]
    fact = _one("unmoved-rows", facts(table, initial=before, popularity=(np.arange(200) >= 20).astype(int)))
    assert (fact.count, fact.of, fact.rows[0], len(fact.rows)) == (30, 180, 20, EXAMPLES)
    assert fact.says == "30 of 180 rows (17%) are exactly as before training although the items occur: they never moved."
    assert _one("unmoved-rows", facts(table.astype(np.float64), initial=before)).count == 50


@pytest.mark.parametrize(("scale", "code"), [(1e-6, "small-scale"), (1e4, "large-scale")])
def test_a_scale_unlike_any_usual_start_is_a_fact(scale: float, code: str) -> None:
    assert [fact.code for fact in facts(_table() * np.float32(scale))] == [code]


def test_the_table_before_training_is_the_scale_to_compare_with() -> None:
    start = _table()
    (fact,) = facts(start * np.float32(0.02), initial=start * np.float32(1.01))
    assert fact.code == "small-scale" and fact.value == pytest.approx(0.02, rel=0.02) and fact.weight > 0.9
    assert facts(start * 100, initial=start) == []


def test_a_giant_row_is_named() -> None:
    table = _table()
    table[17] *= 40
    fact = facts(table)[0]
    assert (fact.code, fact.rows) == ("giant-row", (17,)) and fact.value > 25


def test_a_heavy_column_is_named() -> None:
    table = _table()
    table[:, 3] *= 50
    fact = facts(table)[0]
    assert (fact.code, fact.columns) == ("heavy-column", (3,)) and fact.named(["x"] * 200).says.endswith("It is column 3 (from 0).")


def test_whole_numbers_signed_bytes_and_few_levels_are_told_apart() -> None:
    counts = np.random.default_rng(0).poisson(3000, (200, 16))
    signed = np.round(_table() * 300)
    levels = np.round(_table() * 20) / 20
    assert [fact.code for fact in facts(counts)] == ["integer-values"]
    assert [(fact.code, fact.value) for found in (facts(signed), facts(levels)) for fact in found] == [("quantised", 0.0)] * 2
    assert "different values" in facts(levels)[0].says and "signed bytes" in facts(signed)[0].says


def test_a_first_direction_that_sorts_by_popularity_is_a_fact() -> None:
    popularity = np.random.default_rng(2).geometric(0.02, 200)
    table = _table().astype(np.float64) + 0.2 * np.outer(np.log(popularity) - 3.5, np.ones(16))
    fact = _one("popularity-first", facts(table, popularity=popularity))
    assert 0.9 < fact.value < 1 and f"{fact.value:.2f}" in fact.says


def test_items_that_never_occur_are_counted() -> None:
    fact = _one("never-used", facts(_table(), popularity=(np.arange(200) % 4).clip(0, 1)))
    assert (fact.count, fact.of) == (50, 200)


def test_rows_that_are_not_finite_are_the_only_fact() -> None:
    table = _table()
    table[3, 5], table[9, 1] = np.nan, np.inf
    (fact,) = facts(table)
    assert (fact.code, fact.count, fact.rows, fact.columns) == ("not-finite", 2, (3, 9), (1, 5))
    with pytest.raises(WeightsError, match=r"NaN or infinity in 2 of its 200 rows, from 0: row 3 \(column 5\), row 9 \(column 1\);"):
        diagnose(table)


@pytest.mark.parametrize("shape", [(2, 1), (1, 3), (3, 200), (25, 2)])
def test_small_and_wide_tables_have_facts_in_finite_numbers(shape: tuple[int, int]) -> None:
    table = np.random.default_rng(0).standard_normal(shape)
    found = facts(table, popularity=np.arange(shape[0]), initial=table)
    json.dumps([fact.to_json() for fact in found], allow_nan=False)
    assert all(0 <= fact.weight <= 1 and fact.count <= fact.of for fact in found)
    assert [fact.weight for fact in found] == sorted((fact.weight for fact in found), reverse=True)


def test_examples_are_named_by_title_where_titles_are_known() -> None:
    table = _table()
    table[[4, 8]] = 0
    fact = facts(table)[0]
    assert fact.named([f"Film {i}" for i in range(200)]).says == "2 of 200 rows are zero. They are 'Film 4' and 'Film 8'."
    assert fact.named(None).says == "2 of 200 rows are zero. They are rows 4 and 8 (from 0)."


# -- what the verdict makes of them


def test_dead_columns_are_in_the_sentence_and_ranks_are_against_the_width_in_use(made: tuple[Cooccurrence, np.ndarray]) -> None:
    table = planted(made[1], 128, 0.5, 0)
    alone = table[:, 79:]
    table[:, :79] = 0.02
    verdict = diagnose(table, cooccurrence=made[0])
    assert verdict.kind == "healthy"
    assert verdict.says.endswith("close together. 79 of 128 columns are constant: the width in use is 49.")
    theirs = {e.measure: e for e in diagnose(alone, cooccurrence=made[0]).evidence}
    for e in verdict.evidence:
        if e.measure in ("effective_rank", "participation_ratio", "bulk_distance", "largest_eigenvalue"):
            assert (e.value, e.null) == pytest.approx((theirs[e.measure].value, theirs[e.measure].null))


def test_noise_in_few_columns_is_low_rank_and_noise_with_a_column_twice_is_noise(made: tuple[Cooccurrence, np.ndarray]) -> None:
    noise = gaussian(made[1], WIDTH, 0)
    twice = np.concatenate([noise, noise[:, :1]], axis=1)
    few = np.where(np.arange(WIDTH) < 8, noise, 0)
    assert diagnose(twice).kind == diagnose(twice, cooccurrence=made[0]).kind == "noise-like"
    assert diagnose(few).kind == diagnose(rank_four(made[1], WIDTH, 0)).kind == "low-rank"


def test_thirty_percent_of_the_rows_that_never_moved_are_in_the_sentence(made: tuple[Cooccurrence, np.ndarray]) -> None:
    before = gaussian(made[1], WIDTH, 0)
    table = before + planted(made[1], WIDTH, 0.5, 0)
    still = np.arange(ITEMS) % 10 < 3
    table[still] = before[still]
    verdict = diagnose(table, cooccurrence=made[0], initial=before)
    assert verdict.kind == "healthy"
    assert "150 of 500 rows (30%) are exactly as before training although the items occur: they never moved." in verdict.says


def test_a_table_shrunk_to_almost_nothing_is_said_to_carry_nothing(made: tuple[Cooccurrence, np.ndarray]) -> None:
    before = gaussian(made[1], WIDTH, 0)
    verdict = diagnose(0.001 * planted(made[1], WIDTH, 0.5, 0), cooccurrence=made[0], initial=before)
    assert verdict.kind == "healthy"
    assert "entries have 0.01 times the standard deviation they had before training (0.001 against 0.1)" in verdict.says
    assert "the score of two vectors of this size is about 8e-06 and scores carry nothing." in verdict.says


def test_unsigned_bytes_around_128_are_judged_without_their_zero_point(made: tuple[Cooccurrence, np.ndarray]) -> None:
    table = planted(made[1], WIDTH, 0.5, 0)
    codes = np.clip(np.round(table * 127 / np.abs(table).max()) + 128, 0, 255).astype(np.uint8)
    verdict = diagnose(codes, cooccurrence=made[0])
    assert verdict.kind == "healthy" and verdict.confidence > 0.9
    assert "around 128: the table looks quantised, with a zero point of 128." in verdict.says.split("Many directions")[0]
    assert "The verdict is given with 128 taken out of every entry; dequantise the table. Many directions" in verdict.says


def test_bytes_of_a_collapsed_table_are_still_a_collapse(made: tuple[Cooccurrence, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    table = rng.standard_normal(WIDTH) * 5 + rng.standard_normal((ITEMS, WIDTH)) * 0.5
    codes = np.round(table * 127 / np.abs(table).max()) + 128
    assert diagnose(codes, cooccurrence=made[0]).kind == "complete-collapse"


def test_bytes_of_a_cone_are_in_doubt_where_the_zero_point_makes_a_collapse(made: tuple[Cooccurrence, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    table = planted(made[1], WIDTH, 0.5, 0) + rng.standard_normal(WIDTH) * 1.5
    codes = np.round(table * 127 / np.abs(table).max()) + 128
    verdict = diagnose(codes, cooccurrence=made[0])
    assert verdict.kind == "complete-collapse" and verdict.confidence == 0.5
    assert "with a zero point of 128 taken out the table is narrowing" in verdict.undecided[0]


def test_a_heavy_column_that_hides_meaning_is_a_doubt_with_both_numbers_instead_of_a_contradiction(
    made: tuple[Cooccurrence, np.ndarray],
) -> None:
    bias = np.random.default_rng(1).standard_normal(ITEMS)
    verdict = diagnose(np.c_[planted(made[1], WIDTH, 0.5, 0), 100 * bias], cooccurrence=made[0])
    assert verdict.kind == "spectral-only" and verdict.confidence == 0.5
    near = verdict.value("neighbour_overlap")
    said = f"disagree: {near:.1%} of the nearest neighbours are items used together, where popularity alone gives"
    assert verdict.says.startswith("Some directions are stronger than noise, but the tests of meaning") and said in verdict.says
    assert near is not None and near > 0.5
    assert "two tests of it contradict each other" in verdict.undecided[1] and "without it the table is healthy" in verdict.undecided[0]
    assert "not close" not in verdict.says and "mean nothing" not in verdict.says


def test_neighbours_that_only_share_popularity_contradict_nothing(made: tuple[Cooccurrence, np.ndarray]) -> None:
    logs = np.log1p(made[0].popularity)
    rng = np.random.default_rng(0)
    table = rng.standard_normal((ITEMS, WIDTH)) + 0.5 * np.outer((logs - logs.mean()) / logs.std(), rng.standard_normal(WIDTH))
    verdict = diagnose(table, cooccurrence=made[0])
    assert verdict.value("neighbour_lift") > 1.2 and "disagree" not in verdict.says and not verdict.undecided
    near, alone = (verdict.value(measure) for measure in ("neighbour_overlap", "overlap_of_popularity"))
    assert f"{near:.1%} of the nearest neighbours are used together, but popularity alone gives {alone:.1%}." in verdict.says
    assert "Popularity explains" in verdict.says and "sorts the items by popularity" not in verdict.says


def test_equal_items_whose_neighbours_are_used_together_are_not_said_to_mean_little(made: tuple[Cooccurrence, np.ndarray]) -> None:
    verdict = diagnose(planted(made[1], WIDTH, 1.0, 0), cooccurrence=made[0])
    assert verdict.kind == "low-rank" and verdict.says.startswith("Most items cannot be told apart from another, although neighbours are")
    assert "500 of 500 rows are exactly equal to another" in verdict.says


# -- where they are shown


def test_the_command_prints_facts_with_titles_before_the_verdict_and_in_json_and_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = _table(60, 8)
    table[7] *= 90
    np.save(tmp_path / "t.npy", table)
    pd.DataFrame({"item_id": range(60), "title": [f"<Film {k}>" for k in range(60)]}).to_csv(tmp_path / "items.csv", index=False)
    words = ["collapse", str(tmp_path / "t.npy"), "--items", str(tmp_path / "items.csv")]
    main([*words, "--report", str(tmp_path / "r.html")])
    printed = capsys.readouterr().out
    assert 0 <= printed.index("It is '<Film 7>'.") < printed.index("confidence")
    main([*words, "--json"])
    (fact,) = (f for f in json.loads(capsys.readouterr().out)["tables"][0]["facts"] if f["code"] == "giant-row")
    assert fact["rows"] == [7] and fact["says"].endswith("It is '<Film 7>'.")
    assert "It is &#39;&lt;Film 7&gt;&#39;." in (tmp_path / "r.html").read_text()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Histories of the items 0 to 59, each person within one of six groups, as `_grouped` has it."""
    rng, path = np.random.default_rng(3), tmp_path_factory.mktemp("log") / "log.csv"
    groups = np.arange(60) % 6
    rows = [(u, i, t) for u in range(200) for t, i in enumerate(rng.permutation(np.flatnonzero(groups == u % 6)))]
    pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).to_csv(path, index=False)
    return path


def _grouped() -> np.ndarray:
    return np.eye(16)[np.arange(60) % 6] + 0.3 * np.random.default_rng(0).standard_normal((60, 16))


def _judged(tmp_path: Path, table: np.ndarray, log: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    np.save(tmp_path / "t.npy", table)
    main(["collapse", str(tmp_path / "t.npy"), "--interactions", str(log), "--json"])
    (entry,) = json.loads(capsys.readouterr().out)["tables"]
    return entry


def test_everything_about_unsigned_bytes_is_measured_without_their_zero_point(
    tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = _grouped()
    codes = np.round(table * 60) + 128
    plain, entry = _judged(tmp_path, table, log, capsys), _judged(tmp_path, codes.astype(np.uint8), log, capsys)
    assert entry["verdict"]["kind"] == plain["verdict"]["kind"] and entry["facts"][0]["code"] == "quantised"
    for key in ("offset", "mean_cosine", "effective_rank"):
        assert entry["measures"][key] == pytest.approx(plain["measures"][key], rel=0.05)
    assert entry["more"]["hubs"]["skew"] == pytest.approx(plain["more"]["hubs"]["skew"], abs=0.3)


def test_an_appended_bias_casts_no_doubt_on_the_join(tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bias = 300 * np.random.default_rng(1).standard_t(2, 60)
    entry = _judged(tmp_path, np.c_[_grouped(), bias], log, capsys)
    assert entry["join"]["clear"] and entry["facts"][0]["code"] == "heavy-column"
    assert not any("belong together" in question for question in entry["verdict"]["undecided"])
