"""Collapses by degree, each against its definition, and which picture notices them."""

import numpy as np
import pytest

from adrec.collapse import dialled
from adrec.collapse.diagnosis import cached_diagnosis
from adrec.collapse.dials import DIALS, Pictures, aligned, copied_from, dial, directions_kept, disparity, picture_changes
from adrec.collapse.measures import mean_cosine, offset, singular_values
from adrec.errors import ConfigError
from adrec.lesson import setup
from adrec.maps.tables import as_table
from adrec.runs import RunFolder

V, D = 240, 16
TABLE = np.random.default_rng(0).standard_normal((V, D)) + 2.5 * np.random.default_rng(1).standard_normal((8, D))[np.arange(V) % 8]
BEFORE = Pictures.from_table(TABLE)


def noticed(kind: str, degree: float) -> set[str]:
    return {n.picture for n in picture_changes(BEFORE, Pictures.from_table(dial(TABLE, kind, degree))) if n.noticed}


@pytest.mark.parametrize("kind", DIALS)
def test_degree_zero_is_the_table_itself(kind: str) -> None:
    np.testing.assert_array_equal(dial(TABLE, kind, 0), as_table(TABLE))


@pytest.mark.parametrize("kind", DIALS)
def test_the_same_seed_makes_the_same_collapse_and_the_table_stays(kind: str) -> None:
    before = TABLE.copy()
    np.testing.assert_array_equal(dial(TABLE, kind, 0.6, seed=4), dial(TABLE, kind, 0.6, seed=4))
    np.testing.assert_array_equal(TABLE, before)


def test_noise_keeps_mean_and_scale_and_forgets_the_table() -> None:
    half, whole = dial(TABLE, "noise", 0.5), dial(TABLE, "noise", 1)
    correlation = [np.corrcoef((t - t.mean(0)).ravel(), (TABLE - TABLE.mean(0)).ravel())[0, 1] for t in (half, whole)]
    assert correlation[0] == pytest.approx(np.sqrt(0.5), abs=0.03) and abs(correlation[1]) < 0.05
    np.testing.assert_allclose(half.std(axis=0), TABLE.std(axis=0), rtol=0.15)


@pytest.mark.parametrize(("degree", "kept"), [(0.25, 8), (0.5, 4), (1, 1)])
def test_a_cut_keeps_the_strongest_directions(degree: float, kept: int) -> None:
    values = singular_values(dial(TABLE, "rank", degree))
    assert directions_kept((V, D), degree) == kept
    np.testing.assert_allclose(values[:kept], singular_values(TABLE)[:kept], rtol=1e-9)
    assert (values[kept:] < 1e-9).all()


@pytest.mark.parametrize("degree", [0.5, 0.9, 1.0])
def test_the_offset_is_the_share_that_all_items_have_in_common(degree: float) -> None:
    assert offset(dial(TABLE, "offset", degree)) == pytest.approx(0.999 * degree)


def test_shrinking_is_a_thousandfold_at_most() -> None:
    np.testing.assert_allclose(dial(TABLE, "shrink", 1), TABLE / 1000)


@pytest.mark.parametrize("degree", [0.1, 0.5, 1.0])
def test_duplicates_are_copies_of_items_that_are_their_own(degree: float) -> None:
    source = copied_from(V, degree, np.random.default_rng(0))
    originals = source == np.arange(V)
    assert (~originals).sum() == round(degree * (V - 1)) and originals[source].all()
    assert len(np.unique(dial(TABLE, "duplicate", degree), axis=0)) == originals.sum()


def test_more_duplicates_include_the_fewer() -> None:
    few, many = (copied_from(V, degree, np.random.default_rng(2)) != np.arange(V) for degree in (0.2, 0.6))
    assert (few <= many).all() and few.sum() < many.sum()


def test_a_shrunken_table_is_noticed_by_its_scale_alone() -> None:
    assert noticed("shrink", 1) == {"scale"}


def test_an_offset_escapes_the_map_and_the_centred_spectrum() -> None:
    found = noticed("offset", 0.9)
    assert {"uncentred spectrum", "mean cosine"} <= found and not {"map", "centred spectrum", "spikes"} & found
    assert mean_cosine(dial(TABLE, "offset", 0.9)) > 0.85


def test_noise_is_noticed_by_neighbours_and_spikes() -> None:
    assert {"map", "neighbours", "spikes"} <= noticed("noise", 1)


def test_a_cut_escapes_the_map_and_loses_neighbours() -> None:
    found = noticed("rank", 0.75)
    assert {"centred spectrum", "neighbours"} <= found and "map" not in found


def test_maps_are_compared_whatever_their_place_turn_and_size() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert disparity(BEFORE.map, 7 * BEFORE.map @ turn + 3) == pytest.approx(0, abs=1e-9)
    assert disparity(BEFORE.map, np.random.default_rng(0).standard_normal((V, 2))) > 0.9
    assert disparity(BEFORE.map, np.zeros((V, 2))) == 1 and disparity(np.zeros((V, 2)), np.zeros((V, 2))) == 0


def test_a_map_is_laid_over_another() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(aligned(BEFORE.map, 7 * BEFORE.map @ turn + 3), BEFORE.map, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "degree", "said"), [("melt", 0.5, "Unknown kind of collapse 'melt'"), ("noise", 1.5, "must be 0 to 1, not 1.5")]
)
def test_what_is_no_dial_is_named(kind: str, degree: float, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        dial(TABLE, kind, degree)


@pytest.mark.parametrize("name", ["ml-100k", "ml-1m", "no-pretrain", "sasrec", "warmup-drift"])
def test_bundled_answers_are_those_of_the_current_tables_and_of_the_interactions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder(setup.ASSETS / "runs" / name)
    monkeypatch.setattr(dialled, "diagnose", None)  # nothing is computed
    kept, judged = dialled.dialled(run), cached_diagnosis(run)
    assert judged is not None and kept["data_hash"] == judged["data_hash"] is not None
    table = run.table("finetune")
    wanted = picture_changes(Pictures.from_table(table), Pictures.from_table(dial(table, "rank", 0.9)))
    for found, change in zip(dialled.changes(kept, "rank", 90), wanted, strict=True):
        assert (found.picture, found.noticed) == (change.picture, change.noticed)
        assert (found.before, found.after) == pytest.approx((change.before, change.after), rel=1e-3, abs=1e-6)


def test_answers_are_computed_once_and_again_for_other_tables(tiny_run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = dialled.dialled(tiny_run)
    assert dialled.changes(first, "noise", 0) == [c for c in dialled.changes(first, "shrink", 0) if not c.noticed and c.before == c.after]
    monkeypatch.setattr(dialled, "VERSION", [0])
    monkeypatch.setattr(dialled, "dial", lambda table, kind, degree: table)
    assert not any(c.noticed for c in dialled.changes(dialled.dialled(tiny_run), "noise", 100))
