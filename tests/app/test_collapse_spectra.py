"""The section on spectra: curves and noise's band, a click on a curve, a direction and what the ranking is without it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from adrec.files import load_arrays, save_arrays
from adrec.runs import ITEM_TABLE, RunFolder
from app.collapse import charts, ranking
from app.collapse import spectra_data as spectra
from tests.app.pages import open_page, texts
from tests.app.test_collapse import CLUSTERS, NOISE, D, make_run


@pytest.fixture
def run(root: Path, tiny_run: RunFolder) -> RunFolder:
    """The tiny run among the person's own runs."""
    shutil.copytree(tiny_run.path, root / "tiny")
    return RunFolder(root / "tiny")


def test_a_spectrum_shows_its_shape_and_not_its_scale(tmp_path: Path) -> None:
    found = spectra.values(make_run(tmp_path / "made", initial=CLUSTERS, finetune=CLUSTERS * 100), "centred")
    np.testing.assert_allclose(found["initial"], found["finetune"], rtol=1e-5)


def test_cumulative_shares_end_at_a_hundred_percent(tmp_path: Path) -> None:
    made = make_run(tmp_path / "made", initial=NOISE, finetune=CLUSTERS)
    found, band = spectra.values(made, "energy"), spectra.band(made, "energy")
    assert found["finetune"][-1] == pytest.approx(100) and band[1, -1] == pytest.approx(100)
    assert found["finetune"][0] > band[2, 0] and (np.diff(found["initial"]) >= 0).all()


def test_spikes_are_drawn_large_and_counted_in_the_figure(tmp_path: Path) -> None:
    made = make_run(tmp_path / "made", initial=NOISE, finetune=CLUSTERS)
    values, edge = spectra.values(made, "standardised"), spectra.noise_edge(made)
    spikes = int((values["finetune"] > edge[2]).sum())
    figure = charts.spectra(values, {n: n for n in values}, spectra.band(made, "standardised"), "standardised", True, edge)
    words = " ".join(a.text for a in figure.layout.annotations)
    assert spikes >= 1 and f"finetune: {spikes} spikes" in words and "initial: no spikes" in words
    assert (np.asarray(figure.data[1].marker.size) > 4).sum() == spikes


def test_random_tables_stand_grey_and_dashed_behind_the_curves(tmp_path: Path) -> None:
    made = make_run(tmp_path / "made", initial=NOISE)
    figure = charts.spectra(spectra.values(made, "centred"), {"initial": "Initial"}, spectra.band(made, "centred"))
    assert (figure.data[-1].line.color, figure.data[-1].line.dash) == ("#8A929B", "dash") and figure.data[0].zorder > figure.data[-1].zorder


# -- the page -----------------------------------------------------------------------------------------------------


def widget(app: AppTest, kind: str, label: str):  # type: ignore[no-untyped-def]
    return next(w for w in app.get(kind) if getattr(w, "label", "") == label)


def test_a_link_opens_the_view_and_the_direction_it_names(run: RunFolder) -> None:
    app = open_page("collapse", run="tiny", spectrum="standardised", scale="linear", table="initial", direction="3")
    assert not app.exception and not app.error and spectra.READING["standardised"] in texts(app)
    assert widget(app, "number_input", "Direction").value == 3 and widget(app, "selectbox", "Table").value == "initial"


@pytest.mark.parametrize("direction", ["0", "-2", "99", "x"])
def test_a_direction_that_is_not_there_counts_as_the_strongest(run: RunFolder, direction: str) -> None:
    app = open_page("collapse", run="tiny", direction=direction, spectrum="nonsense", table="nonsense")
    assert not app.exception and widget(app, "number_input", "Direction").value == 1


def test_a_stage_without_a_model_says_why_it_cannot_rank(run: RunFolder) -> None:
    app = open_page("collapse", run="tiny", table="initial")
    assert "This table is from before training" in texts(app)
    assert next(b for b in app.button if b.label == "Switch it off and rank").disabled


def test_a_copy_without_the_stages_model_is_told_apart(run: RunFolder) -> None:
    path = run.weights_path("pretrain")
    assert ranking.obstacle(run, "pretrain") is None
    save_arrays(path, load_arrays(path, (ITEM_TABLE,)))
    assert "keeps only the item table" in str(ranking.obstacle(run, "pretrain"))


def test_switching_a_direction_off_ranks_the_real_users_without_it(run: RunFolder) -> None:
    from adrec.collapse.directions import direction, without
    from adrec.collapse.replaced import evaluate_table
    from adrec.data import catalog
    from adrec.models.loading import load_model

    app = open_page("collapse", run="tiny", table="finetune", direction="2")
    app = next(b for b in app.button if b.label == "Switch it off and rank").click().run()
    table = run.table("finetune")
    data = catalog.load_for_run(run.info)
    ranks = evaluate_table(load_model(run), data, without(table, direction(table, 2))).ranks
    assert not app.exception and f"HR@10 is {100 * float((ranks <= 10).mean()):.1f} %" in texts(app)
    np.testing.assert_array_equal(ranking.known(run, "finetune", "centred 2 off"), ranks)


def test_the_map_is_coloured_by_the_loading() -> None:
    loadings = np.linspace(-1, 3, D)
    figure = charts.loading_map(np.random.default_rng(0).standard_normal((D, 2)), loadings, [f"i{i}" for i in range(D)])
    marker = figure.data[0].marker
    assert sorted(marker.color) == sorted(loadings) and marker.cmin == -marker.cmax
    assert list(np.argsort(marker.size)) == sorted(range(D), key=lambda k: abs(marker.color[k]))
