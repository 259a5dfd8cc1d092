"""Which row of a table is which item of the interactions."""

from dataclasses import replace

import numpy as np

from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.embeddings.bring import bring
from adrec.embeddings.matching import matched
from adrec.runs import RunFolder


def test_a_runs_own_histories_fit_by_position_whatever_a_file_calls_its_items(tiny_run: RunFolder, tiny_data: SequenceDataset) -> None:
    shifted = ItemTable.untitled([str(i + 1) for i in range(tiny_data.n_items)])  # numbers that mean other items in the run
    renamed = replace(tiny_data, items=shifted)
    source = bring([tiny_run.path])[-1]
    found = matched(renamed, source)
    assert np.array_equal(found["data"].train_items, tiny_data.train_items)
    assert "trained on" in found["notes"][-1]
