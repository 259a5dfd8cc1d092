"""What the process that reads a person's data set answers."""

from pathlib import Path

from adrec.data import prepared
from adrec.data.catalog import load
from adrec.data.worker import answer

ROWS = [f"{user},{(user + at) % 12},{1_500_000_000 + 1000 * at}" for user in range(40) for at in range(5)]


def written(path: Path, header: str) -> str:
    path.write_text("\n".join([header, *ROWS]) + "\n")
    return str(path)


def test_a_file_that_is_clear_is_answered_with_its_account_and_its_columns(tmp_path: Path) -> None:
    found = answer(written(tmp_path / "x.csv", "user_id,item_id,timestamp"), {})
    assert (found["account"]["read"], found["account"]["users"], found["columns"]) == (200, 40, ["user_id", "item_id", "timestamp"])


def test_a_doubt_is_a_question_with_the_first_rows(tmp_path: Path) -> None:
    found = answer(written(tmp_path / "x.csv", "user_id,item_id,event_timestamp"), {})
    assert found["question"]["option"] == "time" and [value for value, _ in found["question"]["candidates"]] == ["event_timestamp", "none"]
    assert found["question"]["head"][0] == {"user_id": "0", "item_id": "0", "event_timestamp": "1500000000"} and "account" not in found


def test_what_cannot_be_read_is_a_sentence_beside_the_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", "user_id,item_id,timestamp")
    assert answer(path, {"item": "what"})["columns"] == ["user_id", "item_id", "timestamp"]
    found = answer(str(tmp_path / "none.csv"), {})
    assert found["error"].endswith(".") and found["columns"] == []


def test_data_that_are_already_split_offer_no_columns(tmp_path: Path) -> None:
    prepared.save(load(written(tmp_path / "x.csv", "user_id,item_id,timestamp")), tmp_path / "ready")
    found = answer(str(tmp_path / "ready"), {})
    assert found["columns"] == [] and found["account"]["users"] == 40
