"""Layouts that people brought: every row of every file is there, and the columns are what the file says."""

from pathlib import Path

import pytest

from adrec.reading.rows import open_rows
from tests.adrec.reading.reading import values

ROWS = {
    "books.csv": 5411,
    "date_and_time_of_day.csv": 5411,
    "double_colon.dat": 5411,
    "exact_duplicates.csv": 7411,
    "glove_with_quote_tokens.txt": 300,
    "id_column_anime_id.csv": 300,
    "id_column_last.csv": 300,
    "ids_0_to_299.csv": 300,
    "ids_12_and_12.0.csv": 5411,
    "ids_as_pandas_index.parquet": 300,
    "interactions.csv": 5411,
    "interactions.csv.gz": 5411,
    "missing_item_ids.tsv": 800,
    "new_users.csv": 4,
    "new_users_one_unknown_item.csv": 5,
    "no_header.csv": 5411,
    "projector_metadata.tsv": 300,
    "projector_vectors.tsv": 300,
    "quotes_in_titles.tsv": 800,
    "recbole.itememb": 300,
    "reference.csv": 300,
    "reviews.jsonl": 5411,
    "table_quotes_in_labels.tsv": 300,
    "time_named_event_timestamp.csv": 5411,
    "times_with_UTC.csv": 5411,
    "user_NA.csv": 5411,
    "user_item.txt": 5411,
    "vector_as_list_text.csv": 300,
    "zero_rows_interactions.csv": 5411,
}
FIRST = {
    "double_colon.dat": {"column1": "324", "column2": "50252", "column3": "5", "column4": "1501090360"},
    "no_header.csv": {"column1": "324", "column2": "50252", "column3": "6", "column4": "pv", "column5": "1501090360"},
    "user_item.txt": {"user": "1", "item": "279"},
    "reviews.jsonl": {"user_id": "324", "item_id": "50252", "timestamp": "1501090360"},
    "interactions.csv.gz": {"user_id": "324", "item_id": "50252", "timestamp": "1501090360"},
    "projector_metadata.tsv": {"column1": "Lost Road 0"},
}
"""The first rows of files in which it may get lost."""


@pytest.fixture(scope="session")
def brought(test_data: Path) -> Path:
    """The folder of the layouts."""
    folder = test_data / "brought"
    if not folder.is_dir():
        pytest.skip("the data files have no folder 'brought'")
    return folder


@pytest.mark.data
@pytest.mark.parametrize("name", ROWS)
def test_every_row_is_read(brought: Path, name: str):
    with open_rows(brought / name) as rows:
        assert len(values(rows)) == rows.account.rows == ROWS[name]
        if rows.account.lines:
            assert rows.account.lines["total"] == sum(n for kind, n in rows.account.lines.items() if kind != "total")
        if name in FIRST:
            assert rows.account.head[0] == FIRST[name]


@pytest.mark.data
def test_the_ids_in_a_pandas_index_are_a_column(brought: Path):
    with open_rows(brought / "ids_as_pandas_index.parquet") as rows:
        assert (len(rows.names), rows.index) == (17, ("__index_level_0__",))


@pytest.mark.data
def test_titles_keep_their_quotation_marks(brought: Path):
    with open_rows(brought / "quotes_in_titles.tsv") as rows:
        found = values(rows)
    assert [row[3:] for row in found if '"' in "".join(map(str, row))] == [
        ('"Weird" Band', "Song"),
        ("Artist", '"Heroes'),
        ("Artist", 'Live at 7"'),
    ]


@pytest.mark.data
def test_vectors_in_a_column_are_told_as_lists(brought: Path):
    for name, column in (("recbole.itememb", "item_emb"), ("vector_as_list_text.csv", "embedding")):
        with open_rows(brought / name) as rows:
            assert list(rows.lists) == [column]
