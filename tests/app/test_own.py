"""The page for brought files, through AppTest: from a table alone, with interactions, and with what does not fit."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from adrec.collapse.diagnosis import cached_diagnosis
from adrec.runs import RunFolder
from app import own_data
from tests.app.pages import open_page, plainly, texts

V, D = 80, 8
GROUPS = np.arange(V) % 8
TABLE = np.eye(8)[GROUPS] * 3 + np.random.default_rng(0).standard_normal((V, D))


def _npy(table: np.ndarray, folder: Path) -> bytes:
    np.save(folder / "t.npy", table)
    return (folder / "t.npy").read_bytes()


def _csv(seed: int = 0) -> bytes:
    """Users that stay within a group of items."""
    rng = np.random.default_rng(seed)
    rows = [(u, i, t) for u in range(150) for t, i in enumerate(rng.permutation(np.flatnonzero(u % 8 == GROUPS)))]
    return ("user_id,item_id,timestamp\n" + "\n".join(f"{u},{i},{t}" for u, i, t in rows)).encode()


def _give(app: AppTest, label: str, *files: tuple[str, bytes]) -> AppTest:
    found = next(f for f in app.file_uploader if f.label == label)
    many = [(name, data, "application/octet-stream") for name, data in files]
    return found.set_value(many if label == "Item tables" else many[0]).run()


def test_a_table_alone_gets_the_spectral_half_and_that_is_said(root: Path, tmp_path: Path) -> None:
    app = _give(open_page("own"), "Item tables", ("mine.npy", _npy(TABLE, tmp_path)))
    assert not app.exception and not app.error
    assert "Not decided" in texts(app) and "Give the interactions" in texts(app)


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
    assert not app.error and "Which one is the item table?" in texts(app)
    next(b for b in app.selectbox if b.label == "Array").set_value("item_emb_b")
    next(b for b in app.button if b.label == "Use this one").click().run()
    assert "30 items × 8" in texts(app).replace("\\", "")


def test_the_array_chosen_in_one_file_is_not_taken_for_another_of_the_same_name(root: Path, tmp_path: Path) -> None:
    files = []
    for rows in (30, 40):
        np.savez(tmp_path / "t.npz", item_emb_a=TABLE, item_emb_b=TABLE[:rows])
        files.append(("model.npz", (tmp_path / "t.npz").read_bytes()))
    app = _give(open_page("own"), "Item tables", *files)
    for chosen in ("item_emb_b", "item_emb_a"):
        next(b for b in app.selectbox if b.label == "Array").set_value(chosen)
        next(b for b in app.button if b.label == "Use this one").click().run()
    assert not app.error and "30 items × 8" in texts(app) and f"{V} items × 8" in texts(app)


def test_two_tables_are_compared(root: Path, tmp_path: Path) -> None:
    app = open_page("own")
    app = _give(app, "Item tables", ("a.npy", _npy(TABLE, tmp_path)), ("<b>b.npy", _npy(TABLE * 0.5, tmp_path)))
    assert not app.error and "100 % of the neighbours kept" in texts(app)


@pytest.mark.parametrize("text", ["user", "=x", "user=", "user=a item"])
def test_column_names_that_cannot_be_read_are_refused(text: str) -> None:
    if text == "user=a item":
        assert own_data.options(text) == (("user", "a item"),)
        return
    with pytest.raises(own_data.WeightsError, match="does not name columns"):
        own_data.options(text)
