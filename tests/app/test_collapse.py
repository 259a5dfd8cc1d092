"""The Collapse page: what it says of a table, what it hands to the browser, and the page itself through AppTest."""

import html
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from adrec.collapse.diagnosis import diagnosis
from adrec.collapse.measures import singular_values
from adrec.collapse.ranks import effective_rank
from adrec.collapse.verdict import KINDS
from adrec.data import catalog
from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.errors import DataError
from adrec.files import save_arrays
from adrec.maps.projection import cached
from adrec.pictures.verdicts import SIGNS
from adrec.runs import ITEM_TABLE, RunFolder
from app import loaders, projecting
from app.collapse import colours, data, headline, items
from app.collapse import view as collapse_view
from tests.app.conftest import wait_for
from tests.app.pages import open_page, plainly, texts

V, D = 300, 16
NOISE = np.random.default_rng(1).standard_normal((V, D))
OTHER_NOISE = np.random.default_rng(2).standard_normal((V, D))
CLUSTERS = NOISE + 3 * np.random.default_rng(3).standard_normal((6, D))[np.arange(V) % 6]


@pytest.fixture
def run(root: Path, tiny_run: RunFolder) -> RunFolder:
    """The tiny run among the person's own runs."""
    shutil.copytree(tiny_run.path, root / "tiny")
    return RunFolder(root / "tiny")


def make_run(folder: Path, columns: Mapping[str, list[str]] | None = None, **tables: np.ndarray) -> RunFolder:
    """A run folder that holds these item tables and nothing of a training."""
    run = RunFolder(folder)
    first = next(iter(tables.values()))
    frame = pd.DataFrame({"item": [f"i{i}" for i in range(len(first))], "title": "", **(columns or {})})
    frame.index = pd.Index(np.arange(1, len(frame) + 1), name="id")
    run.create({"model": {}, "train": {}, "dataset": {"name": "made"}}, ItemTable(frame), None)
    for name, table in tables.items():
        path = run.path / "snapshots" / "initial.safetensors" if name == "initial" else run.weights_path(name)
        save_arrays(path, {ITEM_TABLE: np.vstack([np.zeros(table.shape[1]), table]).astype(np.float32)})
    return run


# -- words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("final", "kind", "said"),
    [
        (NOISE + 0.01 * OTHER_NOISE, "noise-like", "It never left its initialisation."),
        (OTHER_NOISE, "noise-like", "**Never learnt**"),
        (CLUSTERS + 30, "complete-collapse", "**Completely collapsed**"),
        (NOISE * np.where(np.arange(D) < 2, 1, 0.02), "low-rank", "**Low rank**"),
        (CLUSTERS, "spectral-only", "whether they mean anything is open"),
    ],
)
def test_the_head_says_the_verdict_on_the_last_table(tmp_path: Path, final: np.ndarray, kind: str, said: str) -> None:
    made = make_run(tmp_path / "made", initial=NOISE, finetune=final)
    found = headline.verdicts(made)
    assert found["finetune"]["kind"] == kind and found["initial"]["kind"] == "noise-like"
    assert said in plainly(headline.answer(made, found))


def test_interactions_that_arrive_later_are_used(root: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADREC_HOME", str(root / "home"))  # where no diagnosis of equal tables has been kept
    with monkeypatch.context() as away:
        away.setattr("app.loaders.dataset", lambda run: (None, "They are away."))
        assert headline.verdicts(run)["finetune"]["undecided"] and loaders.together(run) is None
    assert not headline.verdicts(run)["finetune"]["undecided"] and loaders.together(run) is not None


def test_the_head_gives_the_effective_rank_beside_noises(tmp_path: Path) -> None:
    made = make_run(tmp_path / "made", initial=NOISE, finetune=CLUSTERS)
    rank = effective_rank(singular_values(CLUSTERS.astype(np.float32)))
    assert f"effective rank {rank:.0f} (noise: 16)" in headline.answer(made, headline.verdicts(made))


def test_a_verdict_kept_with_the_interactions_is_shown_without_them(root: Path, run: RunFolder, tiny_data: SequenceDataset) -> None:
    kept = diagnosis(run, tiny_data)
    shutil.copytree(run.path, root / "elsewhere")
    found = headline.verdicts(RunFolder(root / "elsewhere"))
    assert found["finetune"] == next(e["verdict"] for e in kept["tables"] if e["name"] == "finetune")
    assert "neighbour_lift" in {e["measure"] for e in found["finetune"]["evidence"]} and not found["finetune"]["undecided"]


def test_every_kind_of_verdict_has_a_sign() -> None:
    assert set(SIGNS) == set(KINDS)


def test_a_run_that_has_only_begun_says_so(tmp_path: Path) -> None:
    made = make_run(tmp_path / "made", initial=NOISE)
    assert "its random start, the only table so far" in headline.answer(made, headline.verdicts(made))


def test_the_frozen_warm_up_table_is_shown_as_one_with_pre_training(tmp_path: Path) -> None:
    shown = data.stages(make_run(tmp_path / "made", initial=NOISE, pretrain=CLUSTERS, warmup=CLUSTERS, finetune=OTHER_NOISE))
    assert [shown.label(name) for name in shown.names] == ["Initial", "Pre-train = warm-up", "Fine-tune"]


def test_a_warm_up_that_drifted_is_a_stage_of_its_own(tmp_path: Path) -> None:
    shown = data.stages(make_run(tmp_path / "made", initial=NOISE, pretrain=CLUSTERS, warmup=CLUSTERS * 0.9, finetune=OTHER_NOISE))
    assert [shown.label(name) for name in shown.names] == ["Initial", "Pre-train", "Warm-up", "Fine-tune"]


def test_the_joint_stage_tells_what_the_warm_up_changed(run: RunFolder) -> None:
    found = run.metrics("warmup")["val"]["ndcg@10"]
    assert any(line.startswith(f"After warm-up: NDCG@10 {100 * found:.1f} %") for line, _ in data.stage_lines(run, "pretrain"))


def test_a_table_that_stayed_random_tells_how_the_model_ranks_with_it(tmp_path: Path, run: RunFolder) -> None:
    made = make_run(tmp_path / "made", initial=NOISE, warmup=NOISE, finetune=NOISE)
    metrics = made.path / "stages" / "finetune" / "metrics.json"
    metrics.write_text('{"val": {"ndcg@10": 0.0123, "hr@10": 0.03}}')
    lines = [line for line, _ in data.stage_lines(made, "initial")]
    assert lines[0] == "Random numbers, before any training"
    assert "The model using them, after fine-tune: NDCG@10 1.2 %, HR@10 3.0 % on validation" in lines


def test_the_share_of_neighbours_that_stayed_is_counted_over_all_items(tmp_path: Path) -> None:
    made = make_run(tmp_path / "made", initial=NOISE, finetune=OTHER_NOISE)
    kept = [len(brute(NOISE, i) & brute(OTHER_NOISE, i)) / 10 for i in range(V)]
    assert data.stage_lines(made, "finetune")[-1][0] == f"{100 * np.mean(kept):.0f} % of neighbours kept"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (7.0, "7"),
        (125.94, "125.9"),
        (-0.000139, "−0.00014"),
        (0.0000036, "4e−6"),
        (0.98123, "0.981"),
        (12345.6, "12,346"),
        (float("inf"), "∞"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert collapse_view.number(value) == text


# -- arrays -------------------------------------------------------------------------------------------------------


def brute(table: np.ndarray, row: int) -> set[int]:
    """The ten nearest by cosine, the slow way."""
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    order = sorted((i for i in range(len(table)) if i != row), key=lambda i: -float(unit[i] @ unit[row]))
    return set(order[:10])


def test_neighbours_are_marked_by_whether_they_were_there_before(tmp_path: Path) -> None:
    found = items.neighbours(make_run(tmp_path / "made", initial=NOISE, finetune=NOISE + CLUSTERS), 7)
    before = brute(NOISE, 7)
    assert [n["kept"] for n in found["finetune"]] == [n["row"] in before for n in found["finetune"]]
    assert {n["row"] for n in found["initial"]} == before


def test_items_are_coloured_by_their_first_genre_and_rare_ones_share_a_colour(tmp_path: Path) -> None:
    genres = [f"g{i % 20}|x" if i % 3 else "Drama|Comedy" for i in range(V)]
    found = colours.colouring(make_run(tmp_path / "made", {"genre": genres}, initial=NOISE), "genre", "pca")
    assert (
        found.label == "First genre" and found.categories[0] == "Drama" and found.categories[-1] == "other" and len(found.categories) == 8
    )
    assert all(found.codes[i] == 0 for i in range(0, V, 3)) and found.words[0] == "Drama, Comedy"


def test_a_column_of_numbers_is_a_scale_and_unknown_values_stand_out(tmp_path: Path) -> None:
    years = ["" if i == 5 else str(1900 + i % 90) for i in range(V)]
    found = colours.colouring(make_run(tmp_path / "made", {"year": years}, initial=NOISE), "year", "pca")
    assert (found.low, found.high, found.codes[5], found.codes[0], found.codes[89]) == (
        "1900",
        "1989",
        colours.UNKNOWN,
        0,
        colours.STEPS - 1,
    )


def test_a_catalogue_without_any_column_still_has_maps(tmp_path: Path) -> None:
    made = make_run(tmp_path / "made", initial=NOISE)
    assert list(colours.colour_options(made)) == list(colours.COMPUTED) and set(colours.colouring(made, None, "pca").codes) == {0}


# -- UMAP in a process of its own ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_umap_is_computed_aside_at_the_press_of_a_button_and_found_by_the_page(run: RunFolder) -> None:
    before = data.layouts(run, "umap")
    app = open_page("collapse", run="tiny", method="umap")
    app = next(button for button in app.button if button.label.startswith("Compute UMAP")).click().run()
    job = projecting.job(run)
    assert job is not None and "Cancel" in [button.label for button in app.button] and before is None
    wait_for(lambda: not job.alive, 120)
    after = data.layouts(run, "umap")
    assert job.error is None and after is not None and set(after) == set(data.stages(run).names)
    app.run()
    assert not app.exception and "maps" in {e.key for e in app.get("bidi_component")}
    assert not any(button.label in ("Cancel", "Compute UMAP (about 7 s)") for button in app.button)


@pytest.mark.slow
def test_a_cancelled_umap_ends_at_once_and_leaves_nothing(run: RunFolder) -> None:
    job = projecting.start(run)
    projecting.cancel(run)
    wait_for(lambda: not job.alive, 20)
    assert job.process.poll() is not None and job.error is None and cached(run, "umap") is None
    assert job.process.stdin is not None and job.process.stdin.closed  # and with it nothing of the process is held any more


@pytest.mark.slow
def test_a_umap_that_cannot_be_says_why(tmp_path: Path) -> None:
    job = projecting.start(make_run(tmp_path / "made", initial=NOISE[:3]))
    wait_for(lambda: not job.alive, 60)
    assert job.error == "UMAP cannot lay out 3 items; it needs at least 4."


# -- the page -----------------------------------------------------------------------------------------------------


def lists(app: AppTest) -> dict[str, Any]:
    """What the neighbour lists were given."""
    return next(json.loads(c.proto.json) for c in app.get("bidi_component") if c.proto.component_name == "adrec_neighbours")


def test_a_link_shows_the_item_it_names(run: RunFolder) -> None:
    app = open_page("collapse", run="tiny", item="17", view="one", stage="pretrain")
    shown = lists(app)
    assert not app.exception and not app.error
    assert (shown["item"], shown["view"], shown["stage"]) == (16, "one", "pretrain")
    assert items.titles(run)[16] in [heading.value.replace("\\", "") for heading in app.subheader]


@pytest.mark.parametrize("item", ["0", "-3", "61", "x", "1e9"])
def test_an_item_that_is_not_there_counts_as_none_chosen(run: RunFolder, item: str) -> None:
    app = open_page("collapse", run="tiny", item=item)
    assert not app.exception and lists(app)["item"] == items.first_item(run) - 1


def test_searching_a_title_chooses_the_item(run: RunFolder) -> None:
    app = open_page("collapse", run="tiny")
    next(box for box in app.selectbox if box.label == "Item").set_value(9).run()
    assert lists(app)["item"] == 8


def test_every_measure_is_there_with_its_meaning(run: RunFolder) -> None:
    app = open_page("collapse", run="tiny", tool="measures")
    shown = "".join(element.proto.body for element in app.get("html"))
    measures = [*collapse_view.MEASURES.values(), *collapse_view.OFFICIAL.values()]
    assert [m.name for m in measures if html.escape(m.name) not in shown or m.formula not in texts(app)] == []


def test_umap_that_nobody_computed_is_offered(run: RunFolder) -> None:
    app = open_page("collapse", run="tiny", method="umap")
    assert not app.exception and "Compute UMAP (about 7 s)" in [button.label for button in app.button]


def test_the_page_needs_no_data_set(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise DataError("no data here")

    monkeypatch.setattr(catalog, "load", refused)
    app = open_page("collapse", run="tiny")
    assert not app.exception and not app.error and {e.key for e in app.get("bidi_component")} >= {"maps", "lists"}


def test_a_run_without_a_table_says_what_is_missing(root: Path) -> None:
    made = make_run(root / "made", initial=NOISE)
    shutil.rmtree(made.path / "snapshots")
    app = open_page("collapse", run="made")
    assert not app.exception and "no item table yet" in texts(app)


def test_one_table_alone_is_shown(root: Path) -> None:
    make_run(root / "made", finetune=CLUSTERS)
    app = open_page("collapse", run="made")
    assert not app.exception and not app.error and [s["label"] for s in lists(app)["stages"]] == ["Fine-tune"]


def test_numbers_that_are_codes_of_clusters_are_categories(tmp_path: Path) -> None:
    made = make_run(tmp_path / "made", {"cluster": [str(i % 30) for i in range(V)]}, initial=NOISE)
    assert len(colours.colouring(made, "cluster", "pca").categories) == 8


def test_tables_of_any_name_and_number_open_like_a_run(root: Path) -> None:
    tables = {f"{i} epoch <b>{i}</b>.npy": np.random.default_rng(i).normal(size=(30, 8)) for i in range(1, 9)}
    RunFolder(root / "mine").create_tables(tables, ItemTable.untitled([str(i) for i in range(30)]), {"dataset": {"title": "files"}})
    app = open_page("collapse", run="mine")
    assert not app.exception and not app.error
    assert "epoch <b>8</b>.npy" in texts(app)
