"""The verdict on tables whose truth is known; how often it is right over many of them: docs/VERDICT.md."""

import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest

from adrec.collapse import facts
from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.diagnosis import cached_diagnosis
from adrec.collapse.evidence import Findings
from adrec.collapse.kinds import FACT_REMEDIES, KIND_WORDS, KINDS, REMEDIES
from adrec.collapse.thresholds import THRESHOLDS
from adrec.collapse.verdict import _decided, diagnose
from adrec.errors import WeightsError
from adrec.folders import app_folder
from adrec.runs import RunFolder
from tests.adrec import histories
from tests.adrec.verdict_fixtures import MADE, drifted, official_data, official_table, planted, shuffled, with_noise, world

BUNDLED = Path(__file__).parents[2] / "assets" / "runs" / "ml-100k"
ITEMS, WIDTH = 500, 64


@pytest.fixture(scope="module")
def made() -> tuple[Cooccurrence, np.ndarray]:
    return world(ITEMS, 0)


@pytest.mark.parametrize("name", MADE)
def test_a_made_table_gets_its_kind(name: str, made: tuple[Cooccurrence, np.ndarray]) -> None:
    kind, make = MADE[name]
    assert diagnose(make(made[1], WIDTH, 1), cooccurrence=made[0]).kind == kind


@pytest.mark.parametrize("name", MADE)
def test_scale_changes_no_verdict(name: str, made: tuple[Cooccurrence, np.ndarray]) -> None:
    table = MADE[name][1](made[1], WIDTH, 2).astype(np.float64)
    assert diagnose(table * 1000, cooccurrence=made[0]).kind == diagnose(table, cooccurrence=made[0]).kind


@pytest.mark.parametrize("seed", [4, 5])
def test_a_healthy_table_of_dense_interactions_is_not_called_weak(seed: int) -> None:
    pairs, clusters = world(200, seed)
    assert len(pairs.pairs) > 0.6 * 200 * 199 / 2 and diagnose(planted(clusters, 16, 0.5, seed), cooccurrence=pairs).kind == "healthy"


def test_a_little_signal_is_weakly_learned(made: tuple[Cooccurrence, np.ndarray]) -> None:
    assert diagnose(planted(made[1], WIDTH, 0.06, 0), cooccurrence=made[0]).kind == "weakly-learned"


def test_popularity_alone_is_structure_without_meaning(made: tuple[Cooccurrence, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    logs = np.log1p(made[0].popularity)
    table = rng.standard_normal((ITEMS, WIDTH)) + 0.5 * np.outer((logs - logs.mean()) / logs.std(), rng.standard_normal(WIDTH))
    verdict = diagnose(table, cooccurrence=made[0])
    assert verdict.kind == "spectral-only" and verdict.value("alignment_z") > 10 and "Popularity explains 9" in verdict.says


@pytest.mark.parametrize("power", [0.25, 0.5, 1.0])
def test_noise_whose_rows_are_the_longer_the_more_popular_means_nothing(power: float, made: tuple[Cooccurrence, np.ndarray]) -> None:
    noise = np.random.default_rng(0).standard_normal((ITEMS, WIDTH))
    verdict = diagnose(noise * made[0].popularity[:, None] ** power, cooccurrence=made[0])
    assert verdict.kind in ("noise-like", "spectral-only", "low-rank") and abs(verdict.value("alignment_z_beyond_popularity")) < 3


def test_without_interactions_only_the_spectral_half_is_decided(made: tuple[Cooccurrence, np.ndarray]) -> None:
    verdicts = [diagnose(MADE[name][1](made[1], WIDTH, 0)) for name in ("Gaussian", "planted, 50 % signal", "rank 4 + noise")]
    assert [v.kind for v in verdicts] == ["noise-like", "spectral-only", "low-rank"]
    assert all(len(v.undecided) == 1 and v.confidence == 0.5 for v in verdicts)


def test_a_complete_collapse_leaves_nothing_undecided() -> None:
    assert diagnose(np.random.default_rng(0).standard_normal((60, 8)) + 20).undecided == ()


def test_the_same_seed_gives_the_same_verdict(made: tuple[Cooccurrence, np.ndarray]) -> None:
    table = planted(made[1], WIDTH, 0.2, 0)
    assert diagnose(table, cooccurrence=made[0], seed=3).to_json() == diagnose(table, cooccurrence=made[0], seed=3).to_json()


def test_items_that_hardly_occur_do_not_count(made: tuple[Cooccurrence, np.ndarray]) -> None:
    pairs, clusters = made
    wide = np.concatenate([planted(clusters, WIDTH, 0.5, 0), np.random.default_rng(1).standard_normal((3 * ITEMS, WIDTH))])
    more = Cooccurrence(4 * ITEMS, pairs.pairs, np.concatenate([pairs.popularity, np.zeros(3 * ITEMS, dtype=np.int64)]))
    verdict = diagnose(wide, cooccurrence=more)
    assert verdict.kind == "healthy" and verdict.sample["items"] == ITEMS and verdict.sample["of_items"] == 4 * ITEMS


DEGENERATE = {
    "constant": np.full((30, 5), 0.1),
    "zeros": np.zeros((30, 5)),
    "one column": np.arange(30.0).reshape(30, 1),
    "two rows": np.array([[1.0, 0.0], [0.0, 1.0]]),
    "fewer rows than columns": np.random.default_rng(0).standard_normal((6, 40)),
    "huge": np.random.default_rng(0).standard_normal((30, 5)) * 1e99,
    "tiny": np.random.default_rng(0).standard_normal((30, 5)) * 1e-200,
    "whole numbers": np.arange(120).reshape(30, 4),
}


@pytest.mark.parametrize("with_interactions", [False, True])
@pytest.mark.parametrize("name", DEGENERATE)
def test_a_table_at_the_edge_gets_a_verdict_in_finite_numbers(name: str, with_interactions: bool) -> None:
    table = DEGENERATE[name]
    pairs = histories.cooccurrence([np.arange(len(table))] * 6, len(table)) if with_interactions else None
    verdict = diagnose(table, cooccurrence=pairs, initial=table, before=table)
    assert verdict.kind in KINDS and 0.5 <= verdict.confidence <= 1
    json.dumps(verdict.to_json(), allow_nan=False)


@pytest.mark.parametrize("name", ["constant", "zeros"])
def test_equal_items_are_a_complete_collapse(name: str) -> None:
    assert diagnose(DEGENERATE[name]).kind == "complete-collapse"


def test_interactions_of_other_items_are_refused() -> None:
    with pytest.raises(WeightsError, match="one row per item"):
        diagnose(np.eye(5), cooccurrence=histories.cooccurrence([[0, 1]], 4))


def test_an_initial_table_of_another_shape_is_refused() -> None:
    with pytest.raises(WeightsError, match="initial table has shape"):
        diagnose(np.eye(5), initial=np.eye(4))


FAR_IN = {"common": -9, "cone": -9, "twins": -9, "structure": 9, "few": -9, "meaning": 9, "focused": 9, "learned": 9}


@pytest.mark.parametrize(
    ("margins", "kind", "instead"),
    [
        ({"few": -0.9}, "healthy", "concentrated"),
        ({"few": 0.9}, "concentrated", "healthy"),
        ({"few": 3, "focused": 0.9}, "concentrated", "low-rank"),
        ({"learned": 0.9}, "healthy", "weakly-learned"),
        ({"cone": 0.9}, "narrowing", "healthy"),
        ({"structure": -3, "meaning": -0.9}, "noise-like", "weakly-learned"),
        ({"structure": -0.9, "meaning": -3}, "noise-like", "spectral-only"),
    ],
)
def test_a_confidence_names_the_kind_across_the_nearest_line(margins: dict[str, float], kind: str, instead: str) -> None:
    verdict = _decided(Findings(margins=FAR_IN | margins), THRESHOLDS)
    assert (verdict.kind, verdict.instead) == (kind, instead)
    assert verdict.sure == f"confidence 0.82, rather than {instead}"
    assert verdict.doubted(("Why?",)).sure == "confidence 0.50 (open)"


def test_every_kind_has_words_and_steps() -> None:
    assert set(KIND_WORDS) == set(REMEDIES) == set(KINDS)


def test_every_verdict_and_every_fact_ends_in_what_to_try_and_what_is_measured_names_a_bundled_run() -> None:
    codes = set(re.findall(r'\bFact\(\s*"([\w-]+)"', inspect.getsource(facts)))
    remedies = [*FACT_REMEDIES.values(), *(remedy for found in REMEDIES.values() for remedy in found)]
    assert codes == set(FACT_REMEDIES) and all(REMEDIES.values()) and not any(remedy.run and remedy.source for remedy in remedies)
    assert all((app_folder() / "assets" / "runs" / remedy.run / "run.json").exists() for remedy in remedies if remedy.run)


# -- real tables


def bundled(name: str) -> dict[tuple[str, int], str]:
    """The kinds of a bundled run's snapshots."""
    found = cached_diagnosis(RunFolder(BUNDLED.parent / name))
    assert found is not None
    return {(s["stage"], s["epoch"]): s["verdict"]["kind"] for s in found["snapshots"]}


def test_dreamrecs_cone_is_called_narrowing_although_its_neighbours_mean_a_little() -> None:
    found = cached_diagnosis(RunFolder(BUNDLED.parent / "dreamrec-original"))
    assert found is not None
    last = found["snapshots"][-1]["verdict"]
    assert last["kind"] == "narrowing" and "Neighbours mean little: the table reaches 0.07 (0.05 to 0.10)" in last["says"]


@pytest.mark.skipif(not (BUNDLED.parent / "narrow").is_dir(), reason="the run 'narrow' is not bundled")
def test_the_film_of_squared_error_alone_goes_from_noise_through_narrowing_to_a_complete_collapse() -> None:
    run = RunFolder(BUNDLED.parent / "narrow")
    kinds, found = bundled("narrow"), cached_diagnosis(run)
    assert found is not None and found["tables"][0]["verdict"]["kind"] == "noise-like"
    assert [kinds["finetune", epoch] for epoch in (26, 51)] == ["narrowing", "narrowing"]
    assert {kinds["finetune", epoch] for epoch in (76, 101, 126)} == {"complete-collapse"}


def test_no_trained_table_that_a_bundled_run_keeps_has_stopped_being_healthy_weighed_by_what_it_means() -> None:
    for name in ("ml-100k", "no-pretrain", "no-warmup", "one-t", "ce-only", "mse-only", "noise-0.1", "noise-1", "sasrec", "warmup-drift"):
        found = cached_diagnosis(RunFolder(BUNDLED.parent / name))
        assert found is not None and found["tables"][-1]["verdict"]["kind"] == "healthy", name
        assert {e["measure"]: e["value"] for e in found["tables"][-1]["verdict"]["evidence"]}["meaning_share"] > 0.5, name


def test_the_bundled_run_ends_healthy_by_spectrum_and_far_from_its_start() -> None:
    run = RunFolder(BUNDLED)
    verdict = diagnose(run.table("finetune"), initial=run.table("initial"))
    assert verdict.kind == "spectral-only" and verdict.value("spikes") >= 5 and verdict.value("correlation_with_initial") < 0.9


@pytest.fixture(scope="module")
def films(test_data: Path) -> Cooccurrence:
    return Cooccurrence.from_dataset(official_data(test_data, "ml-100k"))


@pytest.mark.data
def test_dreamrecs_table_never_left_its_initialisation(test_data: Path, films: Cooccurrence) -> None:
    initial, table = (official_table(test_data, f"ml-100k/dreamrec_item_table{x}.npy") for x in ("_initial", ""))
    verdict = diagnose(table, cooccurrence=films, initial=initial)
    assert verdict.kind == "noise-like" and "never left its initialisation" in verdict.says


@pytest.mark.data
def test_without_the_start_dreamrecs_table_is_like_any_random_one(test_data: Path, films: Cooccurrence) -> None:
    said = diagnose(official_table(test_data, "ml-100k/dreamrec_item_table.npy"), cooccurrence=films).says
    assert "any random table" in said and "initialisation" not in said


@pytest.mark.data
def test_adrecs_table_is_healthy_and_the_same_with_a_thousandfold_scale(test_data: Path, films: Cooccurrence) -> None:
    table = official_table(test_data, "ml-100k/adrec_trained.pth")
    assert [diagnose(table * scale, cooccurrence=films).kind for scale in (1, 1000)] == ["healthy", "healthy"]


@pytest.mark.data
def test_adrecs_rows_dealt_out_at_random_mean_nothing(test_data: Path, films: Cooccurrence) -> None:
    assert diagnose(shuffled(official_table(test_data, "ml-100k/adrec_trained.pth"), 0), cooccurrence=films).kind == "spectral-only"


@pytest.mark.data
def test_a_common_offset_on_adrecs_table_is_a_complete_collapse(test_data: Path, films: Cooccurrence) -> None:
    assert diagnose(official_table(test_data, "ml-100k/adrec_trained.pth") + 1, cooccurrence=films).kind == "complete-collapse"


@pytest.mark.data
def test_nine_percent_of_adrecs_table_in_noise_is_weakly_learned(test_data: Path, films: Cooccurrence) -> None:
    table = with_noise(official_table(test_data, "ml-100k/adrec_trained.pth"), 0.09, 0)
    assert diagnose(table, cooccurrence=films).kind == "weakly-learned"


@pytest.mark.data
def test_babys_table_has_the_figures_of_the_first_measurements(test_data: Path) -> None:
    verdict = diagnose(official_table(test_data, "baby/pretrain.pth"))
    assert verdict.value("bulk_distance") == pytest.approx(0.199, abs=0.0005) and verdict.value("spikes") == 11
    assert verdict.value("effective_rank") == pytest.approx(126.2, abs=0.05)


@pytest.mark.data
def test_babys_table_erodes_in_the_drifting_warmup(test_data: Path) -> None:
    before = official_table(test_data, "baby/pretrain.pth")
    verdict = diagnose(drifted(before, 115), before=before)
    assert "eroded" in verdict.says and any(step.run == "warmup-drift" for step in verdict.next_steps)
    assert verdict.value("neighbours_kept") == pytest.approx(0.27, abs=0.03)
    assert verdict.value("std_over_before") == pytest.approx(0.044 / 0.105, abs=0.01)
