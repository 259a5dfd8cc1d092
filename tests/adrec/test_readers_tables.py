"""CSV, TSV, Parquet and RecBole files that are in order."""

import io
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adrec.data.item_files import plain_title
from adrec.data.readers import read_dataset
from tests.adrec import histories
from tests.adrec.plain_building import build

GOOD = [(f"u{u}", f"i{(u + i) % 7}", 100 * u + 9 - i, (u + i) % 5 + 1) for i in range(5) for u in range(4)]
FRAME = pd.DataFrame(GOOD, columns=["user_id", "item_id", "timestamp", "rating"])
ATOMIC = FRAME.set_axis(["user_id:token", "item_id:token", "timestamp:float", "rating:float"], axis=1)


def text(frame: pd.DataFrame, separator: str) -> bytes:
    return frame.to_csv(index=False, sep=separator).encode()


def parquet_bytes(frame: pd.DataFrame | pa.Table) -> bytes:
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


WRITERS = {
    ".csv": lambda frame: text(frame, ","),
    ".tsv": lambda frame: text(frame, "\t"),
    ".parquet": parquet_bytes,
    ".inter": lambda frame: text(frame.rename(columns=dict(zip(FRAME.columns, ATOMIC.columns, strict=True))), "\t"),
}


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


IDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=6).filter(
    lambda s: s not in ("nan", "NaN", "NULL", "null", "None", "<NA>") and not re.fullmatch(r"[+-]?[0-9]+\.0*", s)
)
"""A column of numbers where some have a point is one of whole numbers in a text file, and text in memory."""
ROWS = st.lists(st.tuples(IDS, IDS, st.integers(-(2**53), 2**53), st.sampled_from([1, 2.5, 5])), min_size=3, max_size=40)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".tsv", ".inter"])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_reading_what_was_written_gives_the_same_data_set(tmp_path, suffix, rows):
    users = [r[0] for r in rows[:2]]
    frame = pd.DataFrame([(users[i % 2], *r[1:]) for i, r in enumerate(rows)] + rows, columns=FRAME.columns)
    if suffix in (".inter", ".tsv"):  # have no quotes, so a quotation mark is an ordinary character; pandas would double it
        frame[["user_id", "item_id"]] = frame[["user_id", "item_id"]].map(lambda s: s.replace('"', "x"))
    expected = build("x", histories.interactions(frame.set_axis(["user", "item", "time", "rating"], axis=1)))
    path = write(tmp_path, f"x{suffix}", WRITERS[suffix](frame))
    found = read_dataset(path, user="user_id", item="item_id", time="timestamp", repeats="keep", missing="keep", unit="s")
    assert found.content_hash == expected.content_hash
    assert list(found.user_ids) == list(expected.user_ids)
    assert list(found.items.frame["item"]) == list(expected.items.frame["item"])


@pytest.mark.parametrize("suffix", WRITERS)
def test_filters_apply_to_every_format(tmp_path, suffix):
    expected = build("x", histories.interactions(FRAME.set_axis(["user", "item", "time", "rating"], axis=1)), 2, 2)
    found = read_dataset(write(tmp_path, f"x{suffix}", WRITERS[suffix](FRAME)), min_rating="2", k_core="2")
    assert found.content_hash == expected.content_hash


@pytest.mark.parametrize(
    "names", [("reviewerID", "asin", "unixReviewTime", "overall"), ("userId", "movieId", "Date", "score"), ("uid", "iid", "ts", "stars")]
)
def test_common_column_names_are_guessed(tmp_path, names):
    path = write(tmp_path, "x.csv", text(FRAME.set_axis(names, axis=1), ","))
    options = read_dataset(path).options
    assert tuple(options[r] for r in ("user", "item", "time", "rating")) == names
    assert options["guessed"] == ["user", "item", "time", "rating"]


def test_the_account_says_which_column_is_what_and_why(tmp_path):
    account = read_dataset(write(tmp_path, "x.csv", text(FRAME.assign(shoe=7), ","))).account
    assert [(use["role"], use["column"]) for use in account["uses"]] == [
        ("user", "user_id"),
        ("item", "item_id"),
        ("time", "timestamp"),
        ("rating", "rating"),
    ]
    assert all(use["why"] for use in account["uses"]) and account["unused"] == ["shoe"]


def test_a_guess_never_takes_a_column_named_for_something_else(tmp_path):
    path = write(tmp_path, "x.csv", text(FRAME.rename(columns={"item_id": "time"}), ","))
    assert read_dataset(path, item="time").options["time"] == "timestamp"


def test_a_column_can_be_ignored(tmp_path):
    path = write(tmp_path, "x.csv", text(FRAME, ","))
    dataset = read_dataset(path, time="none")
    assert dataset.items.frame["item"].iloc[dataset.test[0] - 1] == FRAME[FRAME["user_id"] == "u0"]["item_id"].iloc[-1]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_of_a_csv_are_noticed(tmp_path, separator):
    assert read_dataset(write(tmp_path, "x.csv", text(FRAME, separator))).n_users == 4


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    assert read_dataset(write(tmp_path, "x.csv", b"\xef\xbb\xbf" + text(FRAME, ","))).options["user"] == "user_id"


def test_an_empty_time_column_means_file_order(tmp_path):
    empty = read_dataset(write(tmp_path, "x.csv", text(FRAME.assign(timestamp=""), ",")))
    assert empty.content_hash == read_dataset(write(tmp_path, "y.csv", text(FRAME.drop(columns="timestamp"), ","))).content_hash


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_dates_order_as_their_numbers_do(tmp_path, suffix):
    dated = FRAME.assign(timestamp=pd.to_datetime(FRAME["timestamp"] + 10**9, unit="s"))
    expected = read_dataset(write(tmp_path, "n.csv", text(FRAME, ",")))
    assert read_dataset(write(tmp_path, f"d{suffix}", WRITERS[suffix](dated))).content_hash == expected.content_hash


def test_whole_ids_of_any_number_type_are_the_same_ids(tmp_path):
    numbered = FRAME.assign(item_id=FRAME["item_id"].str[1:].astype(int), user_id=FRAME["user_id"].str[1:].astype(float))
    categories = numbered.assign(item_id=numbered["item_id"].astype("category"))
    a, b = (read_dataset(write(tmp_path, f"{i}.parquet", parquet_bytes(f))) for i, f in enumerate((numbered, categories)))
    assert list(a.user_ids) == ["0", "1", "2", "3"] and list(a.items.frame["item"]) == list(b.items.frame["item"])


def test_titles_and_genres_in_the_interactions_attach_to_the_items(tmp_path):
    frame = FRAME.assign(title="The " + FRAME["item_id"], genres="A|" + FRAME["item_id"])
    table = read_dataset(write(tmp_path, "x.csv", text(frame, ","))).items.frame
    assert (table["title"] == "The " + table["item"]).all() and (table["genre"] == "A|" + table["item"]).all()


def test_a_separate_item_file_gives_titles_genres_and_years(tmp_path):
    items = write(tmp_path, "films.csv", b'movieId,title,genres,year\ni3,"Good, The Bad",War|Drama,1966\ni0,Ran,Drama,unknown\n')
    frame = read_dataset(write(tmp_path, "x.csv", text(FRAME, ",")), items=items).items.frame.set_index("item")
    assert frame.loc["i3", ["title", "genre", "year"]].tolist() == ["Good, The Bad", "War|Drama", "1966"]
    assert frame.loc["i0", ["title", "genre", "year"]].tolist() == ["Ran", "Drama", ""]
    assert frame.loc["i1", "title"] == "i1"


@pytest.mark.parametrize("suffix", ["parquet", "pq"])
def test_lists_of_genres_in_parquet_are_joined(tmp_path, suffix):
    items = write(tmp_path, f"films.{suffix}", parquet_bytes(pa.table({"id": ["i0"], "name": ["Ran"], "genre": [["War", "Drama"]]})))
    frame = read_dataset(write(tmp_path, "x.csv", text(FRAME, ",")), items=items).items.frame.set_index("item")
    assert frame.loc["i0", ["title", "genre"]].tolist() == ["Ran", "War|Drama"]


def test_a_recbole_folder_takes_its_own_items_with_titles_in_reading_order(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    write(folder, "films.inter", text(ATOMIC, "\t"))
    header = b"item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    write(folder, "films.item", header + b'i0\t"Odd" Couple, The\t1968\tComedy Drama\ni1\tX\tV\t\n')
    frame = read_dataset(folder).items.frame.set_index("item")
    assert frame.loc["i0", ["title", "genre", "year"]].tolist() == ['The "Odd" Couple', "Comedy|Drama", "1968"]
    assert frame.loc["i1", ["title", "genre", "year"]].tolist() == ["X", "", ""]


@pytest.mark.parametrize(
    ("catalogued", "read"),
    [
        ("Usual Suspects, The", "The Usual Suspects"),
        ("Hate (Haine, La)", "Hate (La Haine)"),
        ("Enfer, L'", "L'Enfer"),
        ("Good, The Bad and The Ugly, The", "The Good, The Bad and The Ugly"),
        ("Paris, Texas", "Paris, Texas"),
        ("Mrs. Brown (Her Majesty, Mrs. Brown)", "Mrs. Brown (Her Majesty, Mrs. Brown)"),
        ("Horseman on the Roof, The (Hussard sur le toit, Le)", "The Horseman on the Roof (Le Hussard sur le toit)"),
    ],
)
def test_titles_are_put_in_reading_order(catalogued, read):
    assert plain_title(catalogued) == read
