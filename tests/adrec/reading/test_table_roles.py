"""Roles of columns in tables of vectors: what is no dimension is not counted as one, whatever it is called and wherever it stands."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from adrec.errors import DataError
from adrec.reading.account import Doubt
from adrec.reading.rows import open_rows
from adrec.reading.table_roles import TableRoles, table_roles
from tests.adrec.reading.reading import BROUGHT, needs_brought


def roles(con: duckdb.DuckDBPyConnection, path: Path, how: dict[str, str] | None = None, **wanted: str) -> TableRoles:
    with open_rows(path, **(how or {})) as rows:
        return table_roles(rows, con, wanted)


def vectors(rows: int = 30, width: int = 4) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(rows, width)), columns=[f"e{i}" for i in range(width)])


def csv(folder: Path, frame: pd.DataFrame, **how: object) -> Path:
    frame.to_csv(folder / "a.csv", **{"index": False, **how})  # type: ignore[call-overload]
    return folder / "a.csv"


IDS = [7 * i + 5 for i in range(30)]
WORDS = [f"Song {i}" for i in range(30)]


@needs_brought
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "ids", "title", "counted"),
    [
        ("reference.csv", "item_id", None, False),
        ("id_column_anime_id.csv", "anime_id", None, False),
        ("id_column_last.csv", "item_id", None, False),
        ("ids_0_to_299.csv", "anime_id", None, True),
        ("ids_as_pandas_index.parquet", "__index_level_0__", None, False),
        ("table_quotes_in_labels.tsv", None, "title", False),
        ("glove_with_quote_tokens.txt", "column1", None, False),
        ("projector_vectors.tsv", None, None, False),
        ("vector_as_list_text.csv", "item_id", None, False),
        ("recbole.itememb", "iid", None, False),
    ],
)
def test_what_people_bring_has_sixteen_dimensions_and_its_ids(con, name, ids, title, counted):
    found = roles(con, BROUGHT / name)
    assert (found.ids, found.title, any("count the rows" in note for note in found.notes)) == (ids, title, counted)
    assert found.vector in ("embedding", "item_emb") or len(found.dims) == 16


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("name", ["anime", "zz", "e9", "f"])
def test_different_whole_numbers_beside_fractions_are_ids_wherever_they_stand(con, tmp_path, place, name):
    frame = vectors()
    frame.insert(place, name, IDS)
    found = roles(con, csv(tmp_path, frame))
    assert (found.ids, found.dims) == (name, ("e0", "e1", "e2", "e3"))


def test_the_index_that_pandas_writes_without_a_name_is_no_dimension(con, tmp_path):
    frame = vectors()
    counted = roles(con, csv(tmp_path, frame, index=True))
    assert (counted.ids, counted.dims) == ("column1", tuple(frame)) and "count the rows" in counted.notes[0]
    named = roles(con, csv(tmp_path, frame.assign(item_id=IDS), index=True))
    assert (named.ids, named.dims, named.unused) == ("item_id", tuple(frame), ("column1",))
    numbered = roles(con, csv(tmp_path, frame.set_axis(range(4), axis=1).set_axis(IDS), index=True))
    assert (numbered.ids, numbered.dims) == ("column1", ("0", "1", "2", "3"))
    plain = roles(con, csv(tmp_path, frame.set_axis(["a", "b", "c", "d"], axis=1).assign(item_id=IDS), index=True))
    assert (plain.ids, plain.dims) == ("item_id", ("a", "b", "c", "d"))


def test_a_pandas_index_in_parquet_gives_the_ids_unless_a_column_is_named_so(con, tmp_path):
    frame = vectors()
    frame.set_axis(pd.Index(IDS, name="what")).to_parquet(tmp_path / "a.parquet")
    assert roles(con, tmp_path / "a.parquet").ids == "what"
    frame.assign(item_id=IDS).set_axis(pd.Index(WORDS, name="what")).to_parquet(tmp_path / "a.parquet")
    found = roles(con, tmp_path / "a.parquet")
    assert (found.ids, found.title, len(found.dims)) == ("item_id", "what", 4)


def test_a_title_before_the_ids_is_a_title(con, tmp_path):
    frame = vectors()
    for text, ids in [("title", "item_id"), ("title", "n"), ("what", "item_id"), ("what", "n")]:
        found = roles(con, csv(tmp_path, pd.concat([pd.DataFrame({text: WORDS, ids: IDS}), frame], axis=1)))
        assert (found.title, found.ids, found.dims) == (text, ids, tuple(frame))


@pytest.mark.parametrize("written", [("542b", "4423", "96e0"), ("12 12 ", "12 The ", "12 12 12 ")])
def test_ids_of_text_are_ids_where_some_are_written_like_numbers_or_lists(con, tmp_path, written):
    mixed = [written[i % 3] + str(i) for i in range(30)]
    found = roles(con, csv(tmp_path, pd.concat([pd.DataFrame({"title": WORDS, "item_id": mixed}), vectors()], axis=1)))
    assert (found.title, found.ids, len(found.dims)) == ("title", "item_id", 4)


def test_an_index_that_counts_or_names_the_rows_is_not_taken_for_ids_beside_it(con, tmp_path):
    codes = [f"c{7 * i % 31}X" for i in range(30)]
    lists = [[float(x) for x in row] for row in vectors().to_numpy()]
    frame = pd.DataFrame({"what": codes, "embedding": lists, "title": WORDS})
    frame.to_csv(tmp_path / "a.csv")
    frame.set_index("title").to_parquet(tmp_path / "a.parquet")
    frame.set_index("title")[["embedding"]].to_parquet(tmp_path / "b.parquet")
    for name, ids in (("a.csv", "what"), ("a.parquet", "what"), ("b.parquet", "title")):
        assert roles(con, tmp_path / name).ids == ids


def test_what_describes_items_is_left_out(con, tmp_path):
    frame = vectors().assign(genre=["a", "b"] * 15, price=[0.99 + i for i in range(30)], year=[1990 + i % 7 for i in range(30)])
    found = roles(con, csv(tmp_path, frame.assign(item_id=IDS, seen=["2014-05-19"] * 30, new=[True, False] * 15)))
    assert (found.ids, found.dims, set(found.unused)) == ("item_id", ("e0", "e1", "e2", "e3"), {"genre", "price", "year", "seen", "new"})
    assert "price, year are not named like the dimensions and left out." in found.notes


def test_whole_numbers_beside_fractions_without_a_pattern_are_asked(con, tmp_path):
    frame = (
        vectors(width=3)
        .set_axis(["valence", "energy", "tempo"], axis=1)
        .assign(item_id=IDS, mode=[0, 1] * 15, year=[1990 + i % 7 for i in range(30)])
    )
    path = csv(tmp_path, frame)
    with pytest.raises(Doubt, match="mode, year hold whole numbers beside columns with fractions: say leave=mode,year") as doubt:
        roles(con, path)
    assert (doubt.value.option, [v for v, _ in doubt.value.candidates]) == ("leave", ["mode,year", "none"])
    assert roles(con, path, leave="mode,year").dims == ("valence", "energy", "tempo")
    assert len(roles(con, path, leave="none").dims) == 5


def test_a_dead_dimension_is_a_dimension(con, tmp_path):
    assert len(roles(con, csv(tmp_path, vectors().assign(e1=0, item_id=IDS))).dims) == 4
    assert len(roles(con, csv(tmp_path, vectors(width=2).set_axis(["a", "b"], axis=1).assign(c=0))).dims) == 3


def test_a_table_of_whole_numbers_has_ids_only_where_one_column_is_unlike_the_others(con, tmp_path):
    codes = pd.DataFrame(np.random.default_rng(0).integers(0, 9, (30, 4)), columns=[f"e{i}" for i in range(4)])
    assert roles(con, csv(tmp_path, codes)).ids is None
    assert roles(con, csv(tmp_path, codes.assign(what=IDS))).ids == "what"
    found = roles(con, csv(tmp_path, codes.assign(e0=IDS), header=False), {"header": "none"})
    assert (found.ids, len(found.dims)) == ("column1", 3)


def test_text_without_a_header_line_has_ids_where_the_first_column_counts_or_is_text(con, tmp_path):
    for first in (IDS, WORDS):
        frame = vectors()
        frame.insert(0, "x", first)
        found = roles(con, csv(tmp_path, frame, header=False), {"header": "none"})
        assert (found.ids, len(found.dims)) == ("column1", 4)
    assert roles(con, csv(tmp_path, vectors(3), header=False), {"header": "none"}).ids is None


def test_several_columns_that_may_be_ids_are_asked(con, tmp_path):
    path = csv(tmp_path, vectors().assign(a=IDS, b=IDS[::-1]))
    with pytest.raises(Doubt, match=r"say item=a \(whole numbers, .*\) or item=b \(.*\) or item=none") as doubt:
        roles(con, path)
    assert [v for v, _ in doubt.value.candidates] == ["a", "b", "none"]
    assert roles(con, path, item="b").ids == "b"
    assert roles(con, path, item="none").ids is None


@pytest.mark.parametrize(
    "text", ["[0.1, 0.2]", "0.1 0.2", "(0.1; 0.2)", "[ 0.1  -2e-3\n 0.3]", "0.1|0.2"], ids=["brackets", "blanks", "tuple", "numpy", "pipes"]
)
def test_a_vector_in_one_column_is_a_list_of_numbers(con, tmp_path, text):
    path = csv(tmp_path, pd.DataFrame({"asin": WORDS, "price": [1.5] * 30, "x": [text] * 30}))
    found = roles(con, path)
    assert (found.vector, found.ids, found.dims, found.unused) == ("x", "asin", (), ("price",))


def test_several_vectors_are_asked_unless_one_is_named_so(con, tmp_path):
    frame = pd.DataFrame({"id": IDS, "a": [[0.1, 0.2]] * 30, "b": [[0.1, 0.2]] * 30, "tags": [["x"]] * 30})
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(Doubt, match=r"2 columns with lists of numbers: say vector=a \(lists\) or vector=b"):
        roles(con, tmp_path / "a.parquet")
    assert roles(con, tmp_path / "a.parquet", vector="b").vector == "b"
    frame.rename(columns={"b": "emb_b"}).to_parquet(tmp_path / "a.parquet")
    assert roles(con, tmp_path / "a.parquet").vector == "emb_b"


def test_a_table_without_numbers_is_refused(con, tmp_path):
    with pytest.raises(DataError, match=r"neither number columns nor a single list column; its columns are: title \(text\), kind \(text\)"):
        roles(con, csv(tmp_path, pd.DataFrame({"title": WORDS, "kind": ["a", "b"] * 15})))


def test_a_wide_table_has_all_its_dimensions(con, tmp_path):
    vectors(60, 1500).assign(what=range(60)).to_parquet(tmp_path / "a.parquet")
    found = roles(con, tmp_path / "a.parquet")
    assert (found.ids, len(found.dims)) == ("what", 1500)
