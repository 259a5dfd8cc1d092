"""Which row of a table is which item of the interactions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.embeddings.bring import bring
from adrec.embeddings.matching import matched
from adrec.embeddings.source import Source
from adrec.errors import DataError
from adrec.runs import RunFolder


def test_a_runs_own_histories_fit_by_position_whatever_a_file_calls_its_items(tiny_run: RunFolder, tiny_data: SequenceDataset) -> None:
    shifted = ItemTable.untitled([str(i + 1) for i in range(tiny_data.n_items)])  # numbers that mean other items in the run
    renamed = replace(tiny_data, items=shifted)
    source = bring([tiny_run.path])[-1]
    found = matched(renamed, source)
    assert np.array_equal(found["data"].train_items, tiny_data.train_items)
    assert "trained on" in found["notes"][-1]


@pytest.mark.parametrize(("rows", "first"), [(60, 0), (61, 1)])
def test_an_order_counts_the_items_after_at_most_one_row_for_none(tiny_data: SequenceDataset, rows: int, first: int) -> None:
    data = replace(tiny_data, items=ItemTable.untitled([f"i{i:02}" for i in range(tiny_data.n_items)]))
    found = matched(data, Source("a", np.eye(rows, 8)), "text")
    assert found["items"].frame["item"].tolist()[first:] == data.items.frame["item"].tolist()


@pytest.mark.parametrize("rows", [59, 62, 160])
def test_an_order_is_refused_where_the_table_has_other_rows(tiny_data: SequenceDataset, rows: int) -> None:
    with pytest.raises(DataError, match=f"The table has {rows} rows and the interactions have 60 items"):
        matched(tiny_data, Source("a", np.eye(rows, 8)), "text")


def test_an_order_is_refused_where_the_table_has_ids(tiny_data: SequenceDataset) -> None:
    source = Source("a", np.eye(60, 8), tuple(tiny_data.items.frame["item"]))
    with pytest.raises(DataError, match="'a' has item ids of its own, so --order cannot"):
        matched(tiny_data, source, "text")


@pytest.mark.parametrize(
    ("order", "words"), [("bogus", "must be one of appearance, numeric, .* not 'bogus'"), ("text", "needs interactions")]
)
def test_an_order_that_says_nothing_is_refused(tmp_path: Path, order: str, words: str) -> None:
    np.save(tmp_path / "a.npy", np.eye(4))
    with pytest.raises(DataError, match=words):
        bring([tmp_path / "a.npy"], order=order)
