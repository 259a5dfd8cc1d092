"""Interactions as people bring them, by the command: each file gives the answer that its README calls right."""

import json
from pathlib import Path

import numpy as np
import pytest

from adrec.cli import main
from adrec.data.dataset import SequenceDataset
from adrec.data.readers import read_dataset
from adrec.reading.account import Account

ALL = (400, 300, 5411)
"""Users, items and interactions of the files that hold the same truth."""
ONE_ORDER = ("interactions.csv.gz", "double_colon.dat", "no_header.csv", "reviews.jsonl", "zero_rows_interactions.csv", "books.csv")
ONE_ORDER += ("ids_12_and_12.0.csv",)
"""Files with the rows of ``interactions.csv`` in its order: their sequences are equal, number by number."""
RIGHT = {  # file: (options, users, items and interactions, what a sentence of the account says)
    "interactions.csv": ((), ALL, "5,411 rows, none left out"),
    "interactions.csv.gz": ((), ALL, "unpacked from .gz"),
    "double_colon.dat": ((), ALL, "its first line is a row"),
    "no_header.csv": ((), ALL, "its first line is a row"),
    "user_item.txt": ((), ALL, "rows are taken in file order"),
    "reviews.jsonl": ((), ALL, "5,411 rows, none left out"),
    "zero_rows_interactions.csv": ((), ALL, "5,411 rows, none left out"),
    "books.csv": ((), ALL, "title = title"),
    "times_with_UTC.csv": ((), ALL, "From 2014-05-13 16:54:40 to 2014-07-07 16:31:51"),
    "date_and_time_of_day.csv": ((), ALL, "together a date and a time of day"),
    "ids_12_and_12.0.csv": ((), ALL, "written in two ways"),
    "exact_duplicates.csv": ((), ALL, "7,411 rows, of which 5,411 go on; left out: 2,000 with the same user, item and time again"),
    "quotes_in_titles.tsv": ((), (40, 30, 800), "800 rows, none left out"),
    "time_named_event_timestamp.csv": (("time=event_timestamp",), ALL, "time = event_timestamp: as asked"),
    "missing_item_ids.tsv": (("missing=drop",), (40, 30, 711), "89 without an item id"),
    "user_NA.csv": (("missing=keep",), (369, 300, 5355), "The user 'NA' has 3,186 rows of 5,411 (58.9%)"),
}
DOUBTS = {  # file: what the refusal names
    "time_named_event_timestamp.csv": "time=event_timestamp (seconds since 1970, ",
    "missing_item_ids.tsv": "no item id in row 1 (column 'track_id', 89 of 800 rows); every row needs one: say missing=drop",
    "user_NA.csv": "no user id in row 1 (column 'userId', 3,186 of 5,411 rows, written NA); every row needs one: say missing=drop",
}


@pytest.fixture
def brought(test_data: Path) -> Path:
    folder = test_data / "brought"
    if not folder.is_dir():
        pytest.skip("the data files have no folder 'brought'")
    return folder


def described(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    assert main(["data", "describe", str(path), "--json", *(word for o in options for word in ("--data-option", o))]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", RIGHT)
def test_a_file_is_read_whole_and_says_what_was_done(brought: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    options, counts, said = RIGHT[name]
    found = described(brought / name, capsys, *options)
    account = found["account"]
    assert (found["users"], found["items"], found["interactions"]) == counts
    assert account["rows"] == account["read"] + sum(account["left_out"].values()) and account["read"] == counts[2]
    assert said in "\n".join(Account.from_dict(account).sentences())
    if name.endswith(".gz"):
        assert found["options"]["format"] == "csv"
    if name in ONE_ORDER:
        assert found["hash"] == read_dataset(brought / "interactions.csv").content_hash


@pytest.mark.parametrize("name", DOUBTS)
def test_what_only_the_owner_knows_is_asked_with_the_option_that_settles_it(
    brought: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "describe", str(brought / name)]) != 0
    assert DOUBTS[name] in capsys.readouterr().err


def test_the_account_is_printed_beside_the_counts(brought: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "describe", str(brought / "exact_duplicates.csv")]) == 0
    assert RIGHT["exact_duplicates.csv"][2] in capsys.readouterr().err


def test_no_test_item_is_a_copy_of_the_validation_item(brought: Path) -> None:
    data = read_dataset(brought / "exact_duplicates.csv")
    once = read_dataset(brought / "interactions.csv")
    assert np.count_nonzero(data.val == data.test) == np.count_nonzero(once.val == once.test)
    kept = read_dataset(brought / "exact_duplicates.csv", repeats="keep")
    assert np.count_nonzero(kept.val == kept.test) > 100 and kept.account["read"] == 7411


def test_the_named_time_gives_every_user_the_sequence_of_the_sorted_file(brought: Path) -> None:
    named = read_dataset(brought / "time_named_event_timestamp.csv", time="event_timestamp")
    assert sequences(named) == sequences(read_dataset(brought / "interactions.csv"))


def sequences(data: SequenceDataset) -> dict[str, list[str]]:
    """The raw item ids of each user in time."""
    ids = data.items.frame["item"].tolist()
    return {
        str(user): [ids[i - 1] for i in data.history(at, "test", 10**6)] + [ids[data.test[at] - 1]] for at, user in enumerate(data.user_ids)
    }
