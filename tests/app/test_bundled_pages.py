"""Every page of the app opens for every bundled run."""

import pytest

from app import loaders, registry
from tests.app.pages import open_page, texts

PAGES = [path.stem for path, _ in registry.pages(loaders.ROOT / "pages")]
RUNS = sorted(path.parent.name for path in loaders.BUNDLED.glob("*/run.json"))
OF_A_RUN = ("collapse", "denoising", "train")  # the others are the same whatever run a link names
ALIKE = ("ce-only", "mse-only", "no-pretrain", "no-warmup", "noise-0", "noise-0.1", "one-t", "warmup-drift")
"""Runs of the model and data set of another, which hold the same kinds of things as it."""


def is_long(page: str, run: str) -> bool:
    return run in ALIKE or (page not in OF_A_RUN and run != loaders.FIRST)


CASES = [pytest.param(page, run, marks=pytest.mark.long if is_long(page, run) else ()) for page in PAGES for run in RUNS]
TOOLS = ("evidence", "measures", "film", "movers", "directions")


@pytest.mark.slow
@pytest.mark.parametrize(("page", "run"), CASES)
def test_a_page_opens_without_an_exception(page: str, run: str) -> None:
    app = open_page(page, run=run)
    assert not app.exception and not [e.value for e in app.error]


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("run", ["narrow", "dreamrec-original", loaders.FIRST])
def test_every_instrument_opens_for_healthy_narrow_and_noisy_tables(run: str, tool: str) -> None:
    app = open_page("collapse", run=run, tool=tool)
    assert not app.exception and not [e.value for e in app.error]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["denoising", "train"])
def test_a_run_whose_items_have_collapsed_is_called_so_and_leads_to_the_healthy_one(page: str) -> None:
    app = open_page(page, run="narrow")
    assert "show how well a healthy ADRec does" in texts(app)
    app = next(b for b in app.button if b.key == "healthy.open").click().run()
    assert not app.exception and app.query_params["run"] == loaders.FIRST and "are not healthy" not in texts(app)
