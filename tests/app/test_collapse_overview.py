"""The opening of the Collapse page: tables side by side, the bar of health, spectra, and instruments that wait for a press."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adrec.browser import wire
from adrec.collapse.health import NARROW, NULL_BAND
from adrec.lesson import setup
from adrec.pictures.spectra import falling
from adrec.pictures.tables import FILMS
from adrec.pictures.verdicts import SIGNS
from adrec.runs import RunFolder
from app import loaders
from app.collapse import data, headline, instruments, tables
from tests.app.pages import open_page
from tests.app.test_collapse import CLUSTERS, NOISE, make_run

BUNDLED = loaders.BUNDLED


def opened(run: RunFolder) -> dict[str, Any]:
    return wire.unblock(tables._packed(run, headline.verdicts(run)))[0]


def test_each_reference_lies_where_its_name_says() -> None:
    marks = {mark["key"]: mark["place"] for mark in opened(RunFolder(BUNDLED / loaders.FIRST))["marks"]}
    assert marks["noise"] < NULL_BAND[1] and abs(marks["healthy"]) < 0.1
    assert "narrow" not in marks or marks["narrow"] >= NARROW


def test_the_references_have_the_sizes_and_places_that_the_lesson_shows() -> None:
    found, lesson = opened(RunFolder(BUNDLED / loaders.FIRST)), wire.unblock(setup.bundled())[0]["5"]["tables"]
    for part in ("cards", "marks"):
        assert {one["key"] for one in found[part]} >= {table["key"] for table in lesson}
    sizes, places = {c["key"]: c["size"] for c in found["cards"]}, {m["key"]: m["place"] for m in found["marks"]}
    for table in lesson:
        assert (sizes[table["key"]], places[table["key"]]) == (pytest.approx(table["size"]), pytest.approx(table["place"], abs=5e-4))


def test_the_chosen_runs_tables_take_their_places_on_the_bar() -> None:
    run = RunFolder(BUNDLED / "mse-only")
    shown = [mark["key"] for mark in opened(run)["marks"] if mark.get("main")]
    assert shown == [f"stage {name}" for name in data.stages(run).names]


def test_a_reference_that_is_chosen_is_marked_and_any_other_table_gets_a_card_of_its_own() -> None:
    own = {
        name: [card["key"] for card in opened(RunFolder(BUNDLED / name))["cards"] if card["own"]] for name in (loaders.FIRST, "mse-only")
    }
    assert own == {loaders.FIRST: ["healthy"], "mse-only": ["own"]}


def test_every_picture_shows_all_items_around_zero_whatever_the_scale(tmp_path: Path) -> None:
    one, other = (make_run(tmp_path / str(i), finetune=CLUSTERS * scale) for i, scale in enumerate((1.0, 1000.0)))
    first, second = (tables.look(run, "finetune") for run in (one, other))
    assert first.items == len(CLUSTERS) and (first.cosines == second.cosines).all()
    np.testing.assert_allclose(second.xy / 1000, first.xy, rtol=1e-3, atol=1e-3)
    assert second.size == pytest.approx(1000 * first.size, rel=1e-3)


def test_items_without_known_films_are_the_most_popular_with_like_beside_like(tmp_path: Path) -> None:
    shown = tables.look(make_run(tmp_path / "made", finetune=CLUSTERS), "finetune")
    alike = shown.cosines.reshape(FILMS, FILMS).astype(float)
    assert np.diag(alike, 1).mean() > alike.mean() + 20


def _falling(run: RunFolder) -> str | None:
    found = [*headline.verdicts(run).values()]
    return falling(found[0], found[-1])


def test_a_falling_spread_is_explained_only_where_the_table_got_better(tmp_path: Path) -> None:
    assert "Why does the spread fall" in (_falling(RunFolder(BUNDLED / loaders.FIRST)) or "")
    assert _falling(make_run(tmp_path / "noise", initial=NOISE, finetune=NOISE)) is None


@pytest.mark.parametrize(
    ("parameters", "tool"), [({}, None), ({"frame": "0"}, "film"), ({"direction": "2"}, "directions"), ({"tool": "measures"}, "measures")]
)
def test_an_instrument_is_computed_only_when_it_is_opened(
    parameters: dict[str, str], tool: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    monkeypatch.setattr(instruments, "TOOLS", {name: lambda run, name=name: used.append(name) for name in instruments.TOOLS})
    app = open_page("collapse", **parameters)
    assert not app.exception and used == ([tool] if tool else [])


def test_the_verdicts_and_their_evidence_are_one_press_away() -> None:
    app = open_page("collapse", tool="evidence")
    shown = "".join(element.proto.body for element in app.get("html"))
    assert not app.exception and shown.count("class='card'") == 3 and "mean cosine" in shown
    assert set(SIGNS) >= {"narrowing"}
