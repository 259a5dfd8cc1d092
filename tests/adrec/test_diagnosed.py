"""A diagnosis from Python: what it takes, and that it says what the command line says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy import sparse

import adrec
from adrec.cli import main
from adrec.data.dataset import SequenceDataset
from adrec.embeddings.given import array_of, given, interactions_of
from adrec.errors import DataError, WeightsError
from tests.adrec.test_api import interactions_of as frame_of

TABLE = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
LABELS = tuple(f"item {i}" for i in range(50))


class Array:
    """Stands for an array of a library with numpy's protocol, such as jax."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return TABLE


class Exchanged:
    """Stands for an array of a library with DLPack alone."""

    def __dlpack__(self, **options: Any) -> Any:
        return TABLE.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return TABLE.__dlpack_device__()


class Frame:
    """Stands for a frame of another library than pandas, such as polars: Arrow's protocol and columns."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.inner = pa.Table.from_pandas(frame, preserve_index=False)
        self.columns = list(frame)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.inner.__arrow_c_stream__(requested_schema)


ARRAYS = {
    "numpy": TABLE,
    "lists": TABLE.tolist(),
    "torch, in a graph": torch.tensor(TABLE, requires_grad=True),
    "a torch parameter": torch.nn.Parameter(torch.tensor(TABLE)),
    "scipy.sparse": sparse.csr_array(TABLE),
    "__array__": Array(),
    "__dlpack__": Exchanged(),
    "pandas": pd.DataFrame(TABLE),
    "Arrow's protocol": Frame(pd.DataFrame(TABLE).rename(columns=str)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_table_is_the_same_in_every_library(name: str) -> None:
    found = given(ARRAYS[name], None)
    np.testing.assert_array_equal(found.table, TABLE)
    assert found.labels is None


def test_half_precision_that_numpy_lacks_is_widened() -> None:
    rounded = torch.tensor(TABLE).bfloat16()
    np.testing.assert_array_equal(array_of(rounded), rounded.float().numpy())


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(TABLE, index=list(LABELS)),
        pd.DataFrame(TABLE).rename(columns=str).assign(item=LABELS),
        Frame(pd.DataFrame({"item": LABELS, "embedding": list(TABLE)})),
    ],
    ids=["in pandas' index", "in a column", "beside vectors as lists"],
)
def test_a_frames_ids_name_its_rows(frame: Any) -> None:
    found = given(frame, None)
    np.testing.assert_array_equal(found.table, TABLE)
    assert found.labels == LABELS


def test_interactions_are_the_same_as_a_frame_of_any_library_and_as_a_matrix() -> None:
    used = np.random.default_rng(0).random((40, 50)) < 0.2
    users, items = np.nonzero(used)
    frame = pd.DataFrame({"user": users, "item": items})
    found = [interactions_of(log) for log in (frame, Frame(frame), sparse.csr_array(used.astype(float)), sparse.coo_array(used))]
    assert len({data.content_hash for data in found}) == 1


def test_the_columns_of_a_matrix_are_the_tables_rows_or_its_ids() -> None:
    used = np.random.default_rng(0).random((40, 50)) < 0.3
    used[:, [0, 49]] = False
    for ids, said in ((None, "48 of 48 ids are in the table of 50 rows"), (LABELS, "48 of 48")):
        join = adrec.diagnose(TABLE, interactions=sparse.csr_array(used), ids=ids).join
        assert join is not None and said in join.says


def test_what_is_no_table_or_no_log_is_refused_in_a_sentence() -> None:
    with pytest.raises(WeightsError, match="type object"):
        adrec.diagnose(object())
    with pytest.raises(WeightsError, match="too large to be written out"):
        adrec.diagnose(sparse.coo_array((10**6, 10**6)))
    with pytest.raises(DataError, match="are a int; expected a frame"):
        adrec.diagnose(TABLE, interactions=3)
    with pytest.raises(DataError, match="8 columns for 2 ids"):
        interactions_of(sparse.csr_array(TABLE), ["a", "b"])


def test_python_says_what_the_command_line_says(tiny_data: SequenceDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = np.random.default_rng(0).standard_normal((tiny_data.n_items, 8)).astype(np.float32)
    ids, frame = tiny_data.items.frame["item"].to_numpy(), frame_of(tiny_data)
    frame["item"] = ids[frame["item"] - 1]
    frame.to_csv(tmp_path / "log.csv", index=False)
    pd.DataFrame(table, index=ids).to_parquet(tmp_path / "the table.parquet")
    capsys.readouterr()
    words = ["collapse", str(tmp_path / "the table.parquet"), "--interactions", str(tmp_path / "log.csv")]
    assert main([*words, "--json"]) == 0
    (said,) = json.loads(capsys.readouterr().out)["tables"]
    found = adrec.diagnose(tmp_path / "the table.parquet", interactions=tmp_path / "log.csv")
    assert json.loads(json.dumps(found.to_dict())) == said
    assert found.verdict.to_json() == said["verdict"] and [fact.to_json() for fact in found.facts] == said["facts"]
    assert found.join is not None and found.join.to_json() == said["join"]
    assert (found.meaning is None) == (said["meaning"] is None) and found.measures == said["measures"]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(str(found))


def test_an_order_is_asked_for_from_python_as_on_the_command_line(
    tiny_data: SequenceDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "the table", np.random.default_rng(0).standard_normal((tiny_data.n_items + 1, 8)).astype(np.float32))
    frame_of(tiny_data).to_csv(tmp_path / "log.csv", index=False)
    words = ["collapse", str(tmp_path / "the table.npy"), "--interactions", str(tmp_path / "log.csv")]
    for order in (None, "text:1", "time"):
        capsys.readouterr()
        main([*words, *(["--order", order] if order else [])])
        said = capsys.readouterr()
        try:
            found = str(adrec.diagnose(tmp_path / "the table.npy", interactions=tmp_path / "log.csv", order=order))
        except DataError as error:
            assert str(error) in said.err
        else:
            assert said.out.startswith(found)
    with pytest.raises(DataError, match="must be one of appearance, numeric"):
        adrec.diagnose(TABLE, interactions=frame_of(tiny_data), order="abc")
    with pytest.raises(DataError, match="so it needs interactions"):
        adrec.diagnose(TABLE, order="text")
    with pytest.raises(DataError, match="has item ids of its own"):
        adrec.diagnose(TABLE, ids=LABELS, interactions=pd.DataFrame({"user": [1] * 4, "item": list(LABELS[:4])}), order="text")


def test_a_table_on_its_side_is_turned_from_python_too() -> None:
    log, genre = [], np.arange(300) % 6
    rng = np.random.default_rng(3)
    for user in range(200):
        log += [(user, item) for item in rng.permutation(np.flatnonzero(genre == user % 6))[:15]]
    table = np.concatenate([rng.standard_normal((6, 16))[genre] + 0.3 * rng.standard_normal((300, 16))]).astype(np.float32)
    frame = pd.DataFrame(log, columns=["user", "item"])
    found = adrec.diagnose(table.T, interactions=frame, initial=(table + 1).T)
    assert found.join is not None and found.join.fix == "--transpose" and found.table.shape == (300, 16)
    assert found.verdict.says.startswith("The table lies on its side: ")
    assert found.verdict.kind == adrec.diagnose(table, interactions=frame).verdict.kind
    with pytest.raises(DataError, match="its columns are the items"):
        adrec.diagnose(rng.standard_normal((16, 300)), interactions=frame)


def test_a_notebook_shows_the_report_in_a_frame_that_runs_nothing() -> None:
    found = adrec.diagnose(pd.DataFrame(TABLE, index=["<b>&\"'"] * 50))
    assert found.to_html().startswith("<!") and "<script" not in found.to_html()
    shown = found._repr_html_()
    assert shown.startswith('<iframe srcdoc="&lt;!') and shown.count("<") == 2 and 'sandbox=""' in shown
