"""What the process that judges uploads says of the files: what was read, and what is asked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adrec.embeddings.worker import LABORATORY, READ, REQUEST, answer, facts_file
from adrec.files import read_json, write_json
from tests.adrec.reading.reading import BROUGHT, needs_brought, written


def asked(folder: Path, table: Path, interactions: Path | None = None, **given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer of the process, and the accounts of what it read."""
    paths = {"targets": [str(table)], "interactions": interactions and str(interactions), "items": None, "initial": None}
    how = {"names": [table.name], "key": {}, "padding": "auto", "options": {}, "table_options": {}, "order": None, "transpose": False}
    write_json(folder / REQUEST, {**paths, **how, **given})
    return answer(folder), read_json(folder / READ)


@needs_brought
def test_a_doubt_about_interactions_is_a_question_with_the_file_its_first_rows_and_what_the_table_is(tmp_path: Path) -> None:
    table, log = BROUGHT / "reference.csv", BROUGHT / "time_named_event_timestamp.csv"
    found, read = asked(tmp_path, table, log)
    question = found["question"]
    assert (question["path"], question["option"]) == (str(log), "time")
    assert [value for value, _ in question["candidates"]] == ["event_timestamp", "none"] and question["proposed"] == {}
    assert question["says"].startswith("'time_named_event_timestamp.csv' has no column") and len(question["head"]) == 5
    assert list(read) == [str(table)] and read[str(table)]["read"] == 300


@needs_brought
def test_an_option_settles_the_question_and_the_accounts_name_no_folder(tmp_path: Path) -> None:
    table, log = BROUGHT / "reference.csv", BROUGHT / "time_named_event_timestamp.csv"
    found, read = asked(tmp_path, table, log, options={"time": "event_timestamp"})
    assert found["judged"]["tables"][0]["verdict"]["kind"] == "healthy"
    assert read[str(log)]["users"] == 400 and {use["role"]: use["column"] for use in read[str(log)]["uses"]}["time"] == "event_timestamp"
    assert str(BROUGHT) not in (tmp_path / "report.html").read_text() and read[str(log)]["path"] == log.name


def test_several_matrices_are_a_question_of_the_same_kind(tmp_path: Path) -> None:
    table = tmp_path / "t.npz"
    np.savez(table, item_emb_a=np.eye(4), item_emb_b=np.eye(3))
    found, read = asked(tmp_path, table)
    assert found["question"]["option"] == "key" and found["question"]["candidates"] == [["item_emb_a", "4 x 4"], ["item_emb_b", "3 x 3"]]
    assert found["question"]["path"] == str(table) and read == {}


@pytest.mark.parametrize(("options", "ids"), [({}, None), ({"item": "b"}, "b")])
def test_options_of_a_table_are_of_one_file(tmp_path: Path, options: dict[str, str], ids: str | None) -> None:
    rows = "\n".join(f"x{i},y{i},{i * 0.7},{i % 3 + 0.2}" for i in range(30))
    table = written(tmp_path / "two.csv", f"a,b,e0,e1\n{rows}\n")
    found, read = asked(tmp_path, table, table_options={str(table): options})
    assert ("question" in found) is (ids is None)
    assert ids is None or read[str(table)]["uses"][0]["column"] == ids


def test_an_array_is_told_by_its_first_rows_and_a_folder_of_an_ended_process_is_no_obstacle(tmp_path: Path) -> None:
    table = tmp_path / "t.npy"
    np.save(table, np.random.default_rng(0).standard_normal((40, 30)))
    (tmp_path / LABORATORY).mkdir()
    found, read = asked(tmp_path, table)
    assert "judged" in found and (tmp_path / LABORATORY / "run.json").is_file()
    assert len(read[str(table)]["head"]) == 5 and list(read[str(table)]["head"][0])[::19] == ["column 1", "column 20"]


def test_every_row_that_a_fact_is_about_is_written_with_its_item(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((30, 3))
    rows[0], rows[1] = rows[2], rows[2]
    text = "\n".join(f"x{i},{a},{b},{c}" for i, (a, b, c) in enumerate(rows))
    table = written(tmp_path / "t.csv", f"id,a,b,c\n{text}\n")
    asked(tmp_path, table, targets=[str(table), str(table)], names=["t", "u"])
    assert facts_file(tmp_path, 1, "duplicate-rows").read_text().split() == ["row,item", "0,x0", "1,x1", "2,x2"]


def test_which_side_of_a_table_holds_the_items_is_a_question_and_either_answer_settles_it(tmp_path: Path) -> None:
    table = tmp_path / "t.npy"
    np.save(table, np.random.default_rng(0).standard_normal((16, 80)))
    found, _ = asked(tmp_path, table, transpose=None)
    (question,) = found["judged"]["tables"][0]["questions"]
    assert question["option"] == "transpose" and [value for value, _ in question["candidates"]] == ["yes", "no"]
    for answered in (True, False):
        found, _ = asked(tmp_path, table, transpose=answered)
        assert found["judged"]["tables"][0]["questions"] == [] and found["judged"]["tables"][0]["items"] == (80 if answered else 16)


def test_a_table_with_a_column_for_each_item_asks_before_it_is_joined(tmp_path: Path) -> None:
    table = tmp_path / "t.npy"
    np.save(table, np.random.default_rng(0).standard_normal((8, 40)))
    log = written(tmp_path / "log.csv", "user,item,time\n" + "\n".join(f"{u},{(u + t) % 40},{t}" for u in range(60) for t in range(5)))
    found, _ = asked(tmp_path, table, log, transpose=None)
    assert found["question"]["option"] == "transpose" and found["question"]["path"] == str(table)
    assert asked(tmp_path, table, log, transpose=True)[0]["judged"]["tables"][0]["items"] == 40
