"""Every table in a layout that people bring: the right verdict, or a question with the option that settles it."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from adrec.embeddings.bring import bring
from adrec.embeddings.files import read_table
from adrec.embeddings.judging import judge, told
from tests.adrec.reading.reading import BROUGHT, needs_brought

pytestmark = needs_brought
NAMED = (
    "reference.csv",
    "ids_as_pandas_index.parquet",
    "id_column_anime_id.csv",
    "id_column_last.csv",
    "vector_as_list_text.csv",
    "recbole.itememb",
)
"""Tables with the ids of the interactions."""
OTHERS = (
    "ids_0_to_299.csv",
    "table_quotes_in_labels.tsv",
    "glove_with_quote_tokens.txt",
    "labels_with_blanks.vec",
    "recbole_checkpoint.pth",
    "projector_vectors.tsv",
)
"""Tables with other ids, or none."""


@cache
def _reference() -> pd.DataFrame:
    return pd.read_csv(BROUGHT / "reference.csv", dtype={"item_id": str}).set_index("item_id")


def _judged(name: str, **how: Any) -> dict[str, Any]:
    (source,) = bring([BROUGHT / name], interactions=BROUGHT / how.pop("interactions", "interactions.csv"), **how)
    entry: dict[str, Any] = judge([source])["tables"][0]
    return entry


@pytest.mark.parametrize("name", NAMED)
def test_a_table_with_ids_is_healthy_in_every_layout(name: str) -> None:
    entry = _judged(name)
    assert (entry["items"], entry["width"], entry["verdict"]["kind"]) == (300, 16, "healthy") and entry["verdict"]["confidence"] > 0.9
    assert entry["account"]["rows"] == entry["account"]["read"] == 300
    assert any("300 of 300 ids" in sentence for sentence in told(entry))


@pytest.mark.parametrize("name", [*NAMED, *OTHERS])
def test_no_layout_takes_anything_else_for_a_dimension(name: str) -> None:
    found = read_table(BROUGHT / name)
    assert found.table.shape == (300, 16) and found.account is not None and found.account.rows - sum(found.account.left_out.values()) == 300
    assert found.table == pytest.approx(_reference().to_numpy(), abs=6e-4)
    assert found.labels is None or len(set(found.labels)) == 300


def test_rows_in_sorted_order_are_found_by_evidence_and_the_order_is_named() -> None:
    entry = _judged("rows_in_sorted_order.npy")
    assert entry["verdict"]["kind"] == "healthy" and any("in numeric order of the ids, the only order" in s for s in told(entry))


def test_an_order_of_first_appearance_in_time_is_found(tmp_path: Path) -> None:
    log = pd.read_csv(BROUGHT / "interactions.csv", dtype={"item_id": str}).sort_values("timestamp", kind="stable")
    np.save(tmp_path / "t.npy", _reference().loc[log["item_id"].unique()].to_numpy())
    entry = _judged(str(tmp_path / "t.npy"))
    assert entry["verdict"]["kind"] == "healthy" and any("taken in order of first appearance in time" in s for s in told(entry))


def test_without_a_clear_order_meaning_is_open_and_the_orders_are_named(tmp_path: Path) -> None:
    table = np.load(BROUGHT / "rows_in_sorted_order.npy")
    np.save(tmp_path / "shuffled.npy", np.random.default_rng(1).permutation(table))
    entry = _judged(str(tmp_path / "shuffled.npy"))
    verdict = entry["verdict"]
    assert verdict["confidence"] == 0.5 and entry["interactions"] is None
    assert "--order appearance" in verdict["undecided"][0] and "--order numeric" in verdict["undecided"][0]
    asked = _judged(str(tmp_path / "shuffled.npy"), order="numeric")
    assert asked["verdict"]["kind"] == "spectral-only" and not asked["verdict"]["undecided"]


def test_rows_of_zeros_that_no_interaction_uses_are_left_out_and_told() -> None:
    entry = _judged("zero_rows.npz", interactions="zero_rows_interactions.csv", key="item_factors")
    assert (entry["items"], entry["verdict"]["kind"]) == (300, "healthy")
    assert entry["account"]["left_out"] == {"rows of zeros that belong to no interaction": 900}


def test_titles_of_a_projector_are_joined_by_row() -> None:
    (source,) = bring([BROUGHT / "projector_vectors.tsv"], items=BROUGHT / "projector_metadata.tsv")
    assert source.items is not None and source.items.frame["title"].tolist()[:2] == ["Lost Road 0", "Lost Rain 1"]


def test_a_table_on_its_side_is_a_question_and_is_put_right_on_request(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", _reference().to_numpy().T)
    (source,) = bring([tmp_path / "t.npy"])
    entry = judge([source])["tables"][0]
    assert entry["verdict"]["confidence"] == 0.5 and "--transpose" in entry["verdict"]["undecided"][0]
    (source,) = bring([tmp_path / "t.npy"], transpose=True)
    assert np.array_equal(source.table, _reference().to_numpy())
    assert source.account is not None and (source.account.rows, source.account.read) == (300, 300)
    assert [(use.column, use.role) for use in source.account.uses] == [("16 rows", "dimensions")]


def test_ids_with_leading_zeros_on_one_side_are_joined_and_that_is_said(tmp_path: Path) -> None:
    frame = _reference()
    frame.set_axis([f"{item:0>8}" for item in frame.index]).to_csv(tmp_path / "padded.csv", index_label="item_id")
    entry = _judged(str(tmp_path / "padded.csv"))
    assert entry["verdict"]["kind"] == "healthy" and any("300 of them are numbers written in another way" in s for s in told(entry))


@pytest.mark.parametrize("at", [0, 9, 16])
def test_ids_in_a_column_of_an_array_are_no_dimension(tmp_path: Path, at: int) -> None:
    frame = _reference()
    np.save(tmp_path / "t.npy", np.insert(frame.to_numpy(), at, frame.index.astype(float), axis=1))
    entry = _judged(str(tmp_path / "t.npy"))
    assert (entry["width"], entry["verdict"]["kind"]) == (16, "healthy") and entry["account"]["uses"][0]["column"] == f"column {at + 1}"


def test_a_first_row_for_unknown_words_is_no_item(tmp_path: Path) -> None:
    frame = _reference()
    first = pd.DataFrame([frame.mean() + 1], index=["[UNK]"])
    pd.concat([first, frame]).to_csv(tmp_path / "t.csv", index_label="token")
    entry = _judged(str(tmp_path / "t.csv"))
    assert (entry["items"], entry["verdict"]["kind"]) == (300, "healthy") and any("'[UNK]' stands for no item" in s for s in told(entry))


@pytest.mark.parametrize("pack", ["gz", "bz2", "zst", "zip"])
@pytest.mark.parametrize("name", ["reference.csv", "labels_with_blanks.vec", "recbole.itememb"])
def test_a_packed_table_is_the_same_table(tmp_path: Path, name: str, pack: str) -> None:
    path = tmp_path / f"{name}.{pack}"
    data = (BROUGHT / name).read_bytes()
    if pack == "zip":
        import zipfile

        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, data)
    elif pack == "zst":
        import pyarrow as pa

        with pa.CompressedOutputStream(str(path), "zstd") as out:
            out.write(data)
    else:
        import bz2
        import gzip

        path.write_bytes({"gz": gzip.compress, "bz2": bz2.compress}[pack](data))
    assert np.array_equal(read_table(path).table, read_table(BROUGHT / name).table)
