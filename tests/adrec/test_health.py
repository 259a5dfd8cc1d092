"""The bar of health agrees with the verdict that it reads."""

import numpy as np
import pytest

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.diagnosis import cached_diagnosis
from adrec.collapse.health import LEARNED, NARROW, NULL_BAND, health
from adrec.collapse.verdict import diagnose
from adrec.folders import app_folder
from adrec.runs import list_runs
from tests.adrec.verdict_fixtures import MADE, gaussian, planted, world

RUNS = list_runs(app_folder() / "assets" / "runs")
NARROW_KINDS = ("complete-collapse", "narrowing", "low-rank")
ITEMS, WIDTH = 500, 64


@pytest.fixture(scope="module")
def made() -> tuple[Cooccurrence, np.ndarray]:
    return world(ITEMS, 0)


def test_random_tables_lie_in_the_nulls_band(made: tuple[Cooccurrence, np.ndarray]) -> None:
    for seed in range(10):
        for pairs in (made[0], None):
            place = health(diagnose(gaussian(made[1], WIDTH, seed), cooccurrence=pairs).to_json()).place
            assert NULL_BAND[0] <= place < NULL_BAND[1]


@pytest.mark.parametrize("name", MADE)
def test_a_made_table_lies_on_the_side_that_its_kind_names(name: str, made: tuple[Cooccurrence, np.ndarray]) -> None:
    kind, make = MADE[name]
    place = health(diagnose(make(made[1], WIDTH, 0), cooccurrence=made[0]).to_json()).place
    assert (place >= NARROW) == (kind in NARROW_KINDS)
    assert (place < NULL_BAND[1]) == (kind in ("noise-like", "spectral-only"))
    assert (LEARNED <= place < NARROW) == (kind in ("healthy", "concentrated"))


def test_pushing_a_table_off_the_origin_moves_it_towards_narrow_and_never_back(made: tuple[Cooccurrence, np.ndarray]) -> None:
    table = planted(made[1], WIDTH, 0.5, 0)
    common = np.random.default_rng(0).standard_normal(WIDTH)
    places = [health(diagnose(table + d * common, cooccurrence=made[0]).to_json()).place for d in (0, 0.3, 0.6, 1, 2, 4, 8)]
    assert places == sorted(places) and abs(places[0]) < 0.1 and places[-1] == 1


def test_without_interactions_a_healthy_spectrum_is_left_open(made: tuple[Cooccurrence, np.ndarray]) -> None:
    found = health(diagnose(planted(made[1], WIDTH, 0.5, 0)).to_json())
    assert LEARNED <= found.place < NARROW and not found.decided


def test_every_bundled_table_lies_on_the_side_that_its_kind_names() -> None:
    for run in RUNS:
        if "item_table" not in run.abilities:
            continue
        found = cached_diagnosis(run)
        assert found is not None, run.name
        for entry in found["tables"] + found["snapshots"]:
            kind, place = entry["verdict"]["kind"], health(entry["verdict"]).place
            assert (place >= NARROW) == (kind in NARROW_KINDS), (run.name, kind, place)
            assert (LEARNED <= place < NARROW) == (kind in ("healthy", "concentrated")), (run.name, kind, place)
