"""Interactions and tables of vectors, as common writers write them in any format, come back equal or are refused with a sentence."""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adrec.data.readers import read_dataset
from adrec.embeddings.files import read_table
from adrec.errors import AdrecError
from tests.fuzz.trying import sentence

SEPARATORS = {",": ".csv", ";": ".csv", "|": ".csv", "\t": ".tsv"}
NAMES = (("user_id", "item_id", "timestamp"), ("user", "item", "time"), ("UserID", "MovieID", "Timestamp"))
SHORTEST = 3
"""Interactions that a user needs to be split."""
QUICK, LONG = settings(max_examples=4), settings(max_examples=1000)
EASY = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)
Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Style:
    """How a frame is written. index: whether the first column is given as pandas' index."""

    suffix: str
    separator: str
    quote_all: bool
    index: bool


styles = st.builds(
    lambda suffix, separator, quote_all, index: Style(suffix or SEPARATORS[separator], separator, quote_all, index),
    st.sampled_from(["", "", ".parquet", ".jsonl"]),
    st.sampled_from(list(SEPARATORS)),
    st.booleans(),
    st.booleans(),
)


# -- writers ----------------------------------------------------------------------------------------------------------


def with_csv(columns: Columns, style: Style, path: Path) -> None:
    """Python's csv and json modules."""
    rows = list(zip(*columns.values(), strict=True))
    with open(path, "w", encoding="utf-8", newline="") as file:
        if style.suffix == ".jsonl":
            file.writelines(json.dumps(dict(zip(columns, map(plain, row), strict=True)), ensure_ascii=False) + "\n" for row in rows)
            return
        quoting = csv.QUOTE_ALL if style.quote_all else csv.QUOTE_MINIMAL
        writer = csv.writer(file, delimiter=style.separator, quoting=quoting, lineterminator="\n" if style.index else "\r\n")
        writer.writerow(columns)
        writer.writerows([map(plain, row) for row in rows])


def plain(value: Any) -> Any:
    return value.isoformat(" ") if isinstance(value, datetime) else value


def with_pandas(columns: Columns, style: Style, path: Path) -> None:
    frame = pd.DataFrame(columns)
    if style.index and style.suffix != ".jsonl":
        frame = frame.set_index(next(name for name in frame.columns if not name.startswith("dim")))
    if style.suffix == ".parquet":
        frame.to_parquet(path)
    elif style.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, date_format="iso")
    else:
        quoting = csv.QUOTE_ALL if style.quote_all else csv.QUOTE_MINIMAL
        frame.to_csv(path, sep=style.separator, index=style.index or style.quote_all, quoting=quoting)  # an unnamed index of 0, 1, ...


def with_arrow(columns: Columns, style: Style, path: Path) -> None:
    table = pa.table(columns)
    if style.index and not pa.types.is_list(table.column(0).type):  # Arrow has no dictionary of lists
        table = table.set_column(0, table.column_names[0], table.column(0).dictionary_encode())
    if style.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, row_group_size=3, compression="zstd" if style.quote_all else "snappy")
    else:
        how = "all_valid" if style.quote_all else "needed"
        table = pa.table(columns)
        pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(delimiter=style.separator, quoting_style=how))


def with_duckdb(columns: Columns, style: Style, path: Path) -> None:
    form = {".parquet": "parquet", ".jsonl": "json"}.get(style.suffix, f"csv, delimiter '{style.separator}', header")
    force = ", force_quote *" if style.quote_all and "csv" in form else ""
    with duckdb.connect() as con:
        con.register("written", pa.table(columns))
        con.execute(f"copy written to '{path}' (format {form}{force})")


def with_polars(columns: Columns, style: Style, path: Path) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(columns)
    if style.suffix == ".parquet":
        frame.write_parquet(path, compression="zstd" if style.quote_all else "snappy")
    elif style.suffix == ".jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_csv(path, separator=style.separator, quote_style="always" if style.quote_all else "necessary")


WRITERS: dict[str, Callable[[Columns, Style, Path], None]] = {
    "csv": with_csv,
    "pandas": with_pandas,
    "arrow": with_arrow,
    "duckdb": with_duckdb,
    "polars": with_polars,
}
CANNOT = {"csv": (".parquet",), "arrow": (".jsonl",)}
"""What a writer does not write."""


# -- interactions -----------------------------------------------------------------------------------------------------

words = st.text("abcXYZ019_-é", min_size=1, max_size=6).filter(lambda t: t.strip("-_") != "")
ids = st.one_of(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=6, unique=True),
    st.lists(words, min_size=1, max_size=6, unique=True),
    st.lists(st.integers(0, 999).map(lambda n: f"{n:05d}"), min_size=1, max_size=6, unique=True),
)
marks = st.text("\"',;|\t a1é", max_size=5)


@st.composite
def interactions(draw: Any) -> tuple[Columns, tuple[str, str, str]]:
    """Columns in any order, and which of them are user, item and time."""
    users, items = draw(ids), draw(ids)
    unit = draw(st.sampled_from(["s", "ms", "date"]))
    scale = {"s": 1, "ms": 1000, "date": 1}[unit]
    rows = draw(
        st.lists(st.tuples(st.sampled_from(users), st.sampled_from(items), st.integers(0, 40), marks), min_size=SHORTEST, max_size=25)
    )
    base = 1_400_000_000
    times: list[Any] = [(base + 9_999_999 * t) * scale for _, _, t, _ in rows]
    if unit == "date":
        times = [datetime.fromtimestamp(t, UTC).replace(tzinfo=None) for t in times]
    names = draw(st.sampled_from(NAMES))
    columns = dict(zip(names, ([r[0] for r in rows], [r[1] for r in rows], times), strict=True))
    if draw(st.booleans()):
        columns["note"] = [r[3] for r in rows]
    order = draw(st.permutations(list(columns)))
    return {name: columns[name] for name in order}, names


def expected(columns: Columns, names: tuple[str, str, str]) -> dict[str, list[str]]:
    """Each user's items in time order, without copies of rows, by plain loops."""
    found: dict[str, list[tuple[Any, str]]] = defaultdict(list)
    seen: set[tuple[Any, ...]] = set()
    for row in zip(*(columns[name] for name in names), strict=True):
        if row not in seen:
            seen.add(row)
            found[str(row[0])].append((row[2], str(row[1])))
    return {u: [item for _, item in sorted(rows, key=lambda r: r[0])] for u, rows in found.items() if len(rows) >= SHORTEST}


def read_sequences(path: Path) -> dict[str, list[str]]:
    data = read_dataset(path)
    raw = ["", *data.items.frame["item"]]
    whole = [[*data.train(u).tolist(), int(data.val[u]), int(data.test[u])] for u in range(data.n_users)]
    return {str(user): [raw[i] for i in sequence] for user, sequence in zip(data.user_ids, whole, strict=True)}


def interactions_come_back(folder: Path, writer: str, how: settings) -> Counter[str]:
    """Try a writer; how often its frames came back equal and how often they were refused."""
    told: Counter[str] = Counter()

    @settings(how, suppress_health_check=EASY)
    @given(frame=interactions(), style=styles)
    def tried(frame: tuple[Columns, tuple[str, str, str]], style: Style) -> None:
        path = folder / f"a{style.suffix}"
        if style.suffix in CANNOT.get(writer, ()):
            return
        WRITERS[writer](frame[0], style, path)
        told[refused_or_equal(path, lambda: read_sequences(path), lambda found: found == expected(*frame))] += 1

    tried()
    return told


def refused_or_equal(path: Path, read: Callable[[], Any], equal: Callable[[Any], bool]) -> str:
    try:
        found = read()
    except AdrecError as refused:
        assert sentence(str(refused)) is None and str(path) in str(refused), refused
        return "refused"
    assert equal(found), f"{found} from {path.read_bytes()[:2000]!r}"
    return "equal"


# -- tables -----------------------------------------------------------------------------------------------------------


@st.composite
def tables(draw: Any) -> tuple[Columns, str, np.ndarray]:
    """A column of ids and columns of numbers or one of lists, in any order; the name of the ids; the numbers."""
    names = draw(ids.filter(lambda found: len(found) > 2))
    width = draw(st.integers(2, len(names)))
    scale = draw(st.sampled_from([1, 1e-5, 1e7]))
    numbers = scale * np.random.default_rng(draw(st.integers(0, 2**32))).standard_normal((len(names), width))
    called = draw(st.sampled_from(["item_id", "id", "word", "MovieID", "key"]))
    columns: Columns = {f"dim{i}": numbers[:, i].tolist() for i in range(width)}
    if draw(st.integers(0, 3)) == 0:
        columns = {"embedding": numbers.tolist()}
    place = draw(st.integers(0, len(columns)))
    order = list(columns)
    return {name: columns.get(name, names) for name in [*order[:place], called, *order[place:]]}, called, numbers


def tables_come_back(folder: Path, writer: str, how: settings) -> Counter[str]:
    told: Counter[str] = Counter()

    @settings(how, suppress_health_check=EASY)
    @given(frame=tables(), style=styles)
    def tried(frame: tuple[Columns, str, np.ndarray], style: Style) -> None:
        columns, called, numbers = frame
        path = folder / f"a{style.suffix}"
        lists = "embedding" in columns and style.suffix in (".csv", ".tsv")
        if style.suffix in CANNOT.get(writer, ()) or (lists and writer in ("arrow", "polars")):
            return  # no lists in their text
        WRITERS[writer](columns, style, path)
        exact = 0 if not (writer == "pandas" and style.suffix == ".jsonl") else 1e-6  # pandas writes ten digits

        def equal(found: Any) -> bool:
            same = found.labels == tuple(map(str, columns[called])) and found.table.shape == numbers.shape
            return same and bool(np.allclose(found.table, numbers, rtol=exact, atol=exact / 1000))

        told[refused_or_equal(path, lambda: read_table(path), equal)] += 1

    tried()
    return told


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("come_back", [interactions_come_back, tables_come_back])
def test_a_frame_comes_back_equal_or_is_refused(tmp_path: Path, come_back: Callable[..., Counter[str]], writer: str) -> None:
    come_back(tmp_path, writer, QUICK)


@pytest.mark.long
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("come_back", [interactions_come_back, tables_come_back])
def test_a_thousand_frames_come_back_equal_or_are_refused(
    tmp_path: Path, come_back: Callable[..., Counter[str]], writer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = come_back(tmp_path, writer, LONG)
    with capsys.disabled():
        print(f"\n{come_back.__name__} {writer}: {told['equal']:,} equal, {told['refused']:,} refused")
    assert told["equal"] > told["refused"]
