"""The page for brought files, through AppTest: from a table alone, with interactions, and with what does not fit."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from streamlit.runtime import caching
from streamlit.testing.v1 import AppTest

from adrec.collapse.diagnosis import cached_diagnosis
from adrec.collapse.kinds import KIND_WORDS
from adrec.embeddings.judging import check_cost, estimated_seconds
from adrec.embeddings.source import Source
from adrec.files import write_json
from adrec.runs import RunFolder
from app import own_data, own_examples, own_results
from app.serving import limits, visitors
from tests.adrec.reading.reading import BROUGHT, needs_brought
from tests.app.pages import open_page, plainly, texts

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("read_here")]
REAL_WORKER = own_data.run_worker

V, D = 80, 8
GROUPS = np.arange(V) % 8
TABLE = np.eye(8)[GROUPS] * 3 + np.random.default_rng(0).standard_normal((V, D))


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for what visitors bring, which no other process writes to; what the session cached goes at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(visitors, "place", lambda: folder)
    yield folder
    _end_session()


def _end_session() -> None:
    caching.clear_session_resource_cache("test session id")  # as Streamlit does when a session ends


def _npy(table: np.ndarray, folder: Path) -> bytes:
    np.save(folder / "t.npy", table)
    return (folder / "t.npy").read_bytes()


def _csv(groups: np.ndarray = GROUPS) -> bytes:
    """Users that stay within a group of items."""
    rng = np.random.default_rng(0)
    rows = [(u, i, t) for u in range(150) for t, i in enumerate(rng.permutation(np.flatnonzero(u % 8 == groups)))]
    return ("user_id,item_id,timestamp\n" + "\n".join(f"{u},{i},{t}" for u, i, t in rows)).encode()


def _give(app: AppTest, label: str, *files: tuple[str, bytes]) -> AppTest:
    found = next(f for f in app.file_uploader if f.label == label)
    many = [(name, data, "application/octet-stream") for name, data in files]
    return found.set_value(many if label == "Item tables" else many[0]).run()


def _read(app: AppTest, name: str) -> str:
    """The one line on what was read of a file."""
    labels = (plainly(str(expander.label)) for expander in app.expander)
    return next(label.partition(" · ")[2].replace("**", "") for label in labels if label.startswith(name))


def _answer(app: AppTest, wanted: str) -> AppTest:
    """Answer the question on the page with one of its candidates."""
    (radio,) = (r for r in app.radio if r.key and r.key.startswith("own."))
    radio.set_value([plainly(option) for option in radio.options].index(wanted)).run()
    return next(b for b in app.button if b.label == "Use this").click().run()


def test_a_table_alone_gets_the_spectral_half_and_that_is_said(root: Path, tmp_path: Path) -> None:
    app = _give(open_page("own"), "Item tables", ("mine.npy", _npy(TABLE, tmp_path)))
    assert not app.exception and not app.error
    assert "Not decided" in texts(app) and "Add the interactions" in texts(app)


def test_an_empty_page_offers_examples_and_a_press_shows_a_verdict(root: Path) -> None:
    app = open_page("own")
    next(b for b in app.button if b.label == "A narrow table, without interactions").click().run()
    assert not app.exception and not app.error and "### :red[:material/error:] Completely collapsed" in texts(app)
    next(b for b in app.button if b.label == "Remove the example").click().run()
    assert "collapsed" not in texts(app).removeprefix("Have your embeddings collapsed?")


def test_an_example_is_read_once_for_everybody(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def answer(module: str, folder: Path, **_: Any) -> None:
        read.append(folder)
        write_json(folder / "answer.json", {"error": "Read."})

    monkeypatch.setattr(own_data, "run_worker", answer)
    own_data._everybodys.clear()
    for _ in range(2):
        assert "Read." in plainly(open_page("own", example="narrow").error[0].value)
        caching.clear_session_resource_cache("test session id")  # as for somebody else
    own_data._everybodys.clear()
    assert len(read) == 1


@pytest.mark.parametrize(("example", "kind"), [("healthy", "healthy"), ("noise", "noise-like")])
def test_an_example_with_interactions_is_decided_in_full(root: Path, example: str, kind: str) -> None:
    if own_examples.source(example) is None:
        pytest.skip("MovieLens-100K is not on this machine")
    app = open_page("own", example=example)
    assert not app.exception and f"### {own_results.ICONS.get(kind, own_results.BAD)} {KIND_WORDS[kind][0]}" in texts(app)
    assert "Not decided" not in texts(app)


def test_with_interactions_the_verdict_is_whole_and_goes_to_the_laboratory(root: Path, tmp_path: Path) -> None:
    app = _give(open_page("own"), "Item tables", ("mine.npy", _npy(TABLE, tmp_path)))
    app = _give(app, "Interactions (optional)", ("log.csv", _csv()))
    assert "Not decided" not in texts(app) and "row numbers from 0" in texts(app)
    next(b for b in app.button if b.label == "Open in the collapse laboratory").click().run()
    run = RunFolder(root / "mine")
    assert np.array_equal(run.table("mine.npy"), TABLE.astype(np.float32)) and "popularity" in run.items
    kept = cached_diagnosis(run)
    assert kept is not None and kept["tables"][0]["verdict"]["undecided"] == []


def test_a_bad_file_is_one_sentence_without_the_temporary_place(root: Path, tmp_path: Path) -> None:
    app = _give(open_page("own"), "Item tables", ("broken.npy", b"no numpy file at all"))
    assert not app.exception and len(app.error) == 1
    assert plainly(app.error[0].value).startswith("'broken.npy' is damaged")


def test_interactions_that_do_not_fit_are_one_sentence(root: Path, tmp_path: Path) -> None:
    app = _give(open_page("own"), "Item tables", ("mine.npy", _npy(TABLE[:20], tmp_path)))
    app = _give(app, "Interactions (optional)", ("log.csv", _csv()))
    assert len(app.error) == 1 and "nothing says which row is which item" in plainly(app.error[0].value)


def test_a_checkpoint_with_several_tables_asks_which(root: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", item_emb_a=TABLE, item_emb_b=TABLE[:30])
    app = _give(open_page("own"), "Item tables", ("model.npz", (tmp_path / "t.npz").read_bytes()))
    assert not app.error and "Which array is the item table?" in texts(app)
    _answer(app, "item_emb_b")
    assert "30 items × 8" in texts(app).replace("\\", "")


def test_the_array_chosen_in_one_file_is_not_taken_for_another_of_the_same_name(root: Path, tmp_path: Path) -> None:
    files = []
    for rows in (30, 40):
        np.savez(tmp_path / "t.npz", item_emb_a=TABLE, item_emb_b=TABLE[:rows])
        files.append(("model.npz", (tmp_path / "t.npz").read_bytes()))
    app = _give(open_page("own"), "Item tables", *files)
    for chosen in ("item_emb_b", "item_emb_a"):
        _answer(app, chosen)
    assert not app.error and "30 items × 8" in texts(app) and f"{V} items × 8" in texts(app)


@needs_brought
def test_a_doubtful_column_is_asked_with_the_first_rows_and_the_answer_can_be_changed_and_copied(root: Path) -> None:
    app = _give(open_page("own"), "Item tables", ("reference.csv", (BROUGHT / "reference.csv").read_bytes()))
    app = _give(app, "Interactions (optional)", ("log.csv", (BROUGHT / "time_named_event_timestamp.csv").read_bytes()))
    assert not app.error and "Which column holds the times?" in texts(app) and "Healthy" not in texts(app)
    assert list(app.dataframe[0].value) == ["event_timestamp", "user_id", "item_id"] and len(app.dataframe[0].value) == 5
    _answer(app, "event_timestamp")
    assert not app.error and "Healthy" in texts(app) and "400 users and 300 items" in texts(app)
    assert "--data-option time=event_timestamp" in [code.value for code in app.code]
    next(box for box in app.selectbox if box.label == "Time").set_value("none").run()
    assert not app.exception and "--data-option time=none" in [code.value for code in app.code]


@needs_brought
def test_what_was_read_is_told_where_the_tables_and_interactions_do_not_fit_and_a_column_can_be_put_right(root: Path) -> None:
    app = _give(open_page("own"), "Item tables", ("reference.csv", (BROUGHT / "reference.csv").read_bytes()))
    app = _give(app, "Interactions (optional)", ("log.csv", (BROUGHT / "interactions.csv").read_bytes()))
    next(box for box in app.selectbox if box.label == "Item" and "timestamp" in box.options).set_value("timestamp").run()
    assert "item ids of the interactions are in 'reference.csv'" in plainly(app.error[0].value) and _read(app, "reference.csv").startswith(
        "Read 300 rows"
    )
    next(b for b in app.button if b.label == "Start over").click().run()
    assert not app.error and "Healthy" in texts(app)


@needs_brought
def test_an_answer_with_which_a_file_cannot_be_read_is_one_sentence_and_can_be_taken_back(root: Path) -> None:
    app = _give(open_page("own"), "Item tables", ("reference.csv", (BROUGHT / "reference.csv").read_bytes()))
    app = _give(app, "Interactions (optional)", ("log.csv", (BROUGHT / "time_named_event_timestamp.csv").read_bytes()))
    app.radio[0].set_value(len(app.radio[0].options) - 1).run()
    next(box for box in app.text_input if box.label == "Value of time").set_value("nonsense").run()
    next(b for b in app.button if b.label == "Use this").click().run()
    assert (
        not app.exception
        and "has no column 'nonsense'" in plainly(app.error[0].value)
        and _read(app, "reference.csv").startswith("Read 300 rows")
    )
    next(b for b in app.button if b.label == "Start over").click().run()
    assert not app.error and "Which column holds the times?" in texts(app)


def test_unclear_rows_are_a_question_that_comes_before_the_verdict_and_a_choice_settles_it(root: Path, tmp_path: Path) -> None:
    named = re.sub(r"^(\d+),(\d+),", r"\1,x\2,", _csv().decode(), flags=re.MULTILINE).encode()
    table = (np.eye(8)[GROUPS] * 10 + TABLE)[np.random.default_rng(3).permutation(V)]
    app = _give(open_page("own"), "Item tables", ("mine.npy", _npy(table, tmp_path)))
    app = _give(app, "Interactions (optional)", ("log.csv", named))
    told = texts(app)
    assert not app.exception and told.index("In which order are the rows?") < told.index("What to try next")
    assert "Structure, its meaning open" in told and "Say --order" not in told and "what is asked above" in told
    (radio,) = (r for r in app.radio if r.key and r.key.startswith("own."))
    chosen = next(option for option in radio.options if option.startswith("In numeric order") or option.startswith("In alphabetical order"))
    _answer(app, plainly(chosen))
    assert not app.exception and not app.error and "In which order are the rows?" not in texts(app)


def test_which_side_holds_the_items_is_a_question_and_another_table_is_asked_anew(root: Path, tmp_path: Path) -> None:
    sideways = ("mine.npy", _npy(np.random.default_rng(0).standard_normal((16, 80)), tmp_path))
    app = _give(open_page("own"), "Item tables", sideways)
    assert "Are the columns the items?" in texts(app) and "--transpose" not in texts(app)
    _answer(app, "The 80 columns are the items")
    assert "80 items × 16" in texts(app) and "Are the columns the items?" not in texts(app)
    app = _give(app, "Item tables", ("other.npy", _npy(TABLE, tmp_path)))
    assert not app.error and f"{V} items × 8" in texts(app)


def test_a_join_that_the_finding_corrects_says_so_first_with_the_option(root: Path, tmp_path: Path) -> None:
    mixed = np.random.default_rng(1).permutation(V)
    app = _give(open_page("own"), "Item tables", ("mine.npy", _npy(np.roll(TABLE[mixed], 1, axis=0), tmp_path)))
    app = _give(app, "Interactions (optional)", ("log.csv", _csv(GROUPS[mixed])))
    (warning,) = app.warning
    assert "joined to other items than assumed" in warning.value and "Corrected. `--order numeric" in texts(app)
    assert texts(app).count("joined to other items than assumed") == 2  # once more where it says what was tried


def test_a_fact_names_its_rows_and_what_to_try(root: Path, tmp_path: Path) -> None:
    table = TABLE.copy()
    table[:40] = table[0]
    app = _give(open_page("own"), "Item tables", ("mine.npy", _npy(table, tmp_path)))
    assert "40 of 80 rows are exactly equal to another" in texts(app) and "20 of 40 rows, counted from 0" in texts(app)
    assert ":blue-badge[from the literature] Shi et al. 2020" in texts(app)
    assert any(list(frame.value.columns) == ["row"] and len(frame.value) == 20 for frame in app.dataframe)


def test_two_tables_are_compared(root: Path, tmp_path: Path) -> None:
    app = open_page("own")
    app = _give(app, "Item tables", ("a.npy", _npy(TABLE, tmp_path)), ("<b>b.npy", _npy(TABLE * 0.5, tmp_path)))
    assert not app.error and "100 % of the neighbours kept" in texts(app)


def test_a_table_before_training_with_several_matrices_asks_which_as_the_main_file_does(root: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", item_emb_a=TABLE, item_emb_b=TABLE[:30])
    app = _give(open_page("own"), "Item tables", ("mine.npy", _npy(TABLE, tmp_path)))
    app = _give(app, "The table before training", ("start.npz", (tmp_path / "t.npz").read_bytes()))
    assert not app.exception and "'start.npz' holds 2 matrices" in plainly(texts(app))
    _answer(app, "item_emb_a")
    assert not app.error and "never left its initialisation" in texts(app)


def test_the_name_of_an_upload_is_never_a_link_or_a_picture(root: Path, tmp_path: Path) -> None:
    hostile = "[Log in](evil.example) ![](x.png) <b>.npy"
    app = _give(open_page("own"), "Item tables", (hostile, _npy(TABLE, tmp_path)), (hostile, b"broken"))
    told = [str(element.value) for element in (*app.markdown, *app.caption, *app.error, *app.info)]
    app = _give(open_page("own"), "Item tables", (hostile, _npy(TABLE, tmp_path)))
    told += [str(element.value) for element in (*app.markdown, *app.caption, *app.error, *app.info)]
    assert any("Log in" in text for text in told) and not any("](" in text or "<b>" in text for text in told)
    next(b for b in app.button if b.label == "Open in the collapse laboratory").click().run()
    assert [path.name for path in root.iterdir()] == ["Log-in-evil.example-x.png-b"]


def test_files_that_take_too_long_are_one_sentence_and_leave_nothing(
    root: Path, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = set(psutil.Process().children())
    monkeypatch.setattr(own_data, "run_worker", REAL_WORKER)
    monkeypatch.setattr(limits, "OWN", limits.Limits(seconds=0.1))
    app = _give(open_page("own"), "Item tables", ("mine.npy", _npy(TABLE, tmp_path)))
    assert not app.exception and plainly(str(app.error[0].value)) == "'mine.npy' was not diagnosed: it takes longer than 0 minutes."
    assert list(temporary.iterdir()) == [] and set(psutil.Process().children()) <= children


def test_what_a_process_of_its_own_made_of_uploads_goes_with_the_session(
    root: Path, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_data, "run_worker", REAL_WORKER)
    _give(open_page("own"), "Item tables", ("mine.npy", _npy(TABLE, tmp_path)))
    (kept,) = temporary.iterdir()
    assert sorted(p.name for p in kept.iterdir()) == ["answer.json", "laboratory", "read.json", "report.html", "request.json"]
    _end_session()
    assert not kept.exists()


def test_a_table_that_would_take_too_long_is_refused_before() -> None:
    assert estimated_seconds(60_000, 128) < 30 and estimated_seconds(64, 1682) < 10 and estimated_seconds(2, 45_000) < 10
    source = Source("wide", np.broadcast_to(np.float32(1), (8000, 8000)))
    with pytest.raises(own_data.WeightsError, match="a table of 8,000 x 8,000 would take about .* minutes"):
        check_cost([source])
