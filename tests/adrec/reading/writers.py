"""Frames as common writers write them in any format, read back: ``python -m tests.adrec.reading.writers`` tries thousands of a writer.

A frame must come back equal; or be asked about, with a candidate that gives the frame; or be refused with a sentence.
"""

import argparse
import csv
import json
import random
import re
import sys
import tempfile
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adrec.data.readers import read_dataset
from adrec.embeddings.files import read_table
from adrec.errors import DataError, WeightsError
from adrec.reading.account import Doubt
from tests.fuzz.trying import accounted, sentence

EXAMPLES, BLOCK = 5000, 100
SHORTEST = 3
"""Interactions that a user needs to be split."""
EASY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None
)
QUESTIONS = 3
"""Questions about one file that are answered one after the other."""
Columns = dict[str, list[Any]]
Options = dict[str, str]


@dataclass(frozen=True)
class Style:
    """How a frame is written. index: the columns that are given as pandas' index; counted: whether its numbers are a column instead."""

    suffix: str
    separator: str
    quoting: int
    end: str
    index: int
    counted: bool
    packed: bool


SEPARATORS = {",": ".csv", ";": ".csv", "|": ".csv", "\t": ".tsv"}
TEXT = (".csv", ".tsv")
CANNOT = {"csv": (".parquet",), "arrow": (".jsonl",)}
"""What a writer does not write."""


def styles(writer: str) -> st.SearchStrategy[Style]:
    return st.builds(
        lambda suffix, separator, *how: Style(suffix or SEPARATORS[separator], separator, *how),
        st.sampled_from([suffix for suffix in ("", "", ".parquet", ".jsonl") if suffix not in CANNOT.get(writer, ())]),
        st.sampled_from(list(SEPARATORS)),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_NONE]),
        st.sampled_from(["\n", "\r\n"]),
        st.sampled_from([0, 0, 1, 2]),
        st.booleans(),
        st.booleans(),
    )


# -- writers ----------------------------------------------------------------------------------------------------------


def with_csv(columns: Columns, style: Style, path: Path) -> None:
    """Python's csv and json modules."""
    rows = [[plain(value) for value in row] for row in zip(*columns.values(), strict=True)]
    with open(path, "w", encoding="utf-8-sig" if style.counted and style.suffix in TEXT else "utf-8", newline="") as file:
        if style.suffix == ".jsonl":
            file.writelines(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=style.counted) + "\n" for row in rows)
            return
        writer = csv.writer(file, delimiter=style.separator, quoting=style.quoting, lineterminator=style.end)  # type: ignore[arg-type]
        writer.writerow(columns)
        writer.writerows(rows)


def plain(value: Any) -> Any:
    return value.isoformat(" ") if isinstance(value, datetime) else value


def with_pandas(columns: Columns, style: Style, path: Path) -> None:
    frame = pd.DataFrame(columns)
    for name in frame.columns[: style.index]:
        if style.packed and isinstance(columns[name][0], str):
            frame[name] = frame[name].astype("category")
    if style.index and style.suffix != ".jsonl":
        frame = frame.set_index([name for name in frame.columns if not re.fullmatch(r"(dim|e_)?\d+|embedding", name)][: style.index])
    if style.suffix == ".parquet":
        frame.to_parquet(path)
    elif style.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, date_format="iso", double_precision=15)
    else:
        index = bool(style.index) or style.counted  # an unnamed index of 0, 1, ...
        quoting: Any = style.quoting
        frame.to_csv(path, sep=style.separator, index=index, quoting=quoting, lineterminator=style.end)


def with_arrow(columns: Columns, style: Style, path: Path) -> None:
    table = pa.table(columns)
    if style.index and not pa.types.is_list(table.column(0).type):  # Arrow has no dictionary of lists
        table = table.set_column(0, table.column_names[0], table.column(0).dictionary_encode())
    if style.suffix == ".parquet":
        rows = 3 if style.counted else None
        pyarrow.parquet.write_table(table, path, row_group_size=rows, compression="zstd" if style.packed else "snappy")
    else:
        how = {csv.QUOTE_ALL: "all_valid", csv.QUOTE_NONE: "none"}.get(style.quoting, "needed")
        pyarrow.csv.write_csv(pa.table(columns), path, pyarrow.csv.WriteOptions(delimiter=style.separator, quoting_style=how))


def with_duckdb(columns: Columns, style: Style, path: Path) -> None:
    form = {".parquet": "parquet", ".jsonl": "json"}.get(style.suffix, f"csv, delimiter '{style.separator}', header")
    force = ", force_quote *" if style.quoting == csv.QUOTE_ALL and "csv" in form else ""
    with duckdb.connect(config={"threads": 1}) as con:
        con.register("written", pa.table(columns))
        con.execute(f"copy written to '{path}' (format {form}{force})")


def with_polars(columns: Columns, style: Style, path: Path) -> None:
    import polars

    frame = polars.DataFrame(columns)
    if style.suffix == ".parquet":
        frame.write_parquet(path, compression="zstd" if style.packed else "snappy", row_group_size=3 if style.counted else None)
    elif style.suffix == ".jsonl":
        frame.write_ndjson(path)
    else:
        how = {csv.QUOTE_ALL: "always", csv.QUOTE_NONNUMERIC: "non_numeric", csv.QUOTE_NONE: "never"}.get(style.quoting, "necessary")
        frame.write_csv(path, separator=style.separator, quote_style=how, line_terminator=style.end, include_bom=style.counted)


WRITERS: dict[str, Callable[[Columns, Style, Path], None]] = {
    "csv": with_csv,
    "pandas": with_pandas,
    "arrow": with_arrow,
    "duckdb": with_duckdb,
    "polars": with_polars,
}
NO_LISTS = ("arrow", "polars")
"""Writers that write no lists in their text."""


def missing(writer: str) -> bool:
    """Whether the library of a writer is not installed: polars is not a requirement."""
    return writer == "polars" and find_spec("polars") is None


def written(writer: str, columns: Columns, style: Style, path: Path) -> bool:
    """Write a frame; False if the writer says that it cannot write it so. Without quotation marks only where no value needs them."""
    texts = [str(v) for values in columns.values() for v in values if isinstance(v, str | list)]
    if style.quoting == csv.QUOTE_NONE and any(set(text) & {style.separator, '"', "\n", "\r"} for text in texts):
        style = replace(style, quoting=csv.QUOTE_MINIMAL)
    try:
        WRITERS[writer](columns, style, path)
    except (csv.Error, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


# -- what becomes of a file -------------------------------------------------------------------------------------------


@dataclass
class Tried:
    """equal: came back equal. asked: a doubt, one candidate of which gives the frame. refused: with a sentence; reasons by kind.

    too short: rightly refused, for no user has enough rows.
    """

    told: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tried") -> None:
        self.told.update(other.told)
        self.reasons.update(other.reasons)

    def __str__(self) -> str:
        return ", ".join(f"{self.told[kind]:,} {kind}" for kind in ("equal", "asked", "refused", "too short", "not written"))

    @property
    def read(self) -> int:
        return self.told["equal"] + self.told["asked"] + self.told["refused"]


def outcome(path: Path, read: Callable[[Path, Options], Any], equal: Callable[[Any], bool], tried: Tried) -> str:
    """Read a file; an AssertionError if it is not equal, not asked well, or not refused with a sentence."""
    try:
        found = read(path, {})
    except (DataError, WeightsError) as refused:
        said(path, refused)
        if isinstance(refused, Doubt):
            assert settled(path, read, equal, refused, {}), f"no candidate gives the frame: {refused} {path.read_bytes()[:2000]!r}"
            return "asked"
        tried.reasons[str(refused).replace(str(path), "FILE")[:70]] += 1
        return "refused"
    assert equal(found), f"{found} from {path.read_bytes()[:2000]!r}"
    return "equal"


def said(path: Path, refused: Exception) -> None:
    assert sentence(str(refused)) is None and str(path) in str(refused), refused


def settled(path: Path, read: Callable[[Path, Options], Any], equal: Callable[[Any], bool], doubt: Doubt, given: Options) -> bool:
    """Whether one of the answers to a doubt, and to those after it, gives the frame."""
    for answer in [doubt.proposed] if doubt.proposed else [{doubt.option: value} for value, _ in doubt.candidates]:
        try:
            if equal(read(path, {**given, **answer})):
                return True
        except (DataError, WeightsError) as again:
            said(path, again)
            more = isinstance(again, Doubt) and len(given) < QUESTIONS and again.option not in given
            if more and settled(path, read, equal, again, {**given, **answer}):  # type: ignore[arg-type]
                return True
    return False


# -- interactions -----------------------------------------------------------------------------------------------------

NAMES = (
    ("user_id", "item_id", "timestamp"),
    ("user", "item", "time"),
    ("UserID", "MovieID", "Timestamp"),
    ("reviewerID", "asin", "unixReviewTime"),
    ("visitor", "isbn", "when"),
)
words = st.text("abcXYZ019_-é", min_size=1, max_size=6).filter(lambda t: t.strip("-_") != "")
marks = st.text("\"',;|\t\n a1é[]\\#=", max_size=5)
KINDS: Mapping[str, Callable[[random.Random], Any]] = {
    "small": lambda r: r.randrange(1, 200),
    "large": lambda r: r.randrange(10**12),
    "zeros": lambda r: f"{r.randrange(1000):05d}",
    "code": lambda r: "".join(r.choices("ABCDEFGHJK0123456789", k=10)),
    "mixed": lambda r: "".join(r.choices("abAB-_9é", k=4)) + str(r.randrange(100)),
    "uuid": lambda r: f"{r.getrandbits(32):08x}-{r.getrandbits(16):04x}-{r.getrandbits(48):012x}",
    "hex": lambda r: f"{r.getrandbits(16):04x}",
    "words": lambda r: " ".join(r.choices(("The", "a", "Ünder", "12", "of"), k=3)),
    "name": lambda r: f"{r.choice(('Doe', 'Roe'))}, {r.choice(('Jo', 'Al'))} {r.randrange(30)}",
    "negative": lambda r: r.randrange(-500, 500),
    "point": lambda r: float(r.randrange(1, 10**6)),
    "decimal": lambda r: f"{r.randrange(1000)}.{r.randrange(1, 10)}",
}


@st.composite
def ids(draw: Any, most: int, kinds: tuple[str, ...] = tuple(KINDS)) -> list[Any]:
    """Different ids of one kind: few that hypothesis makes, or up to ``most`` by a random generator."""
    if draw(st.booleans()):
        return list(draw(st.lists(words, min_size=1, max_size=6, unique=True)))
    make, r = KINDS[draw(st.sampled_from(kinds))], random.Random(draw(st.integers(0, 2**32)))
    return list(dict.fromkeys(make(r) for _ in range(draw(st.integers(1, most)))))


def word(value: Any) -> str:
    """An id as it is read."""
    return str(int(value)) if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Frame:
    """columns: in any order. user, item: columns. time: the column of times, or None; ticks: what it means. sequences: what is right."""

    columns: Columns
    user: str
    item: str
    time: str | None
    ticks: list[int]

    def sequences(self) -> dict[str, list[str]]:
        """Each user's items in time order, without copies of rows, by plain loops."""
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        seen: set[tuple[Any, ...]] = set()
        for user, item, tick in zip(self.columns[self.user], self.columns[self.item], self.ticks, strict=True):
            if (user, item, tick) not in seen:
                seen.add((user, item, tick))
                found[word(user)].append((tick, word(item)))
        return {u: [item for _, item in sorted(rows, key=lambda r: r[0])] for u, rows in found.items() if len(rows) >= SHORTEST}


START = datetime(2014, 5, 13, 16, 53, 20)
TIMES: Mapping[str, Callable[[int], Any]] = {
    "s": lambda s: s,
    "ms": lambda s: s * 1000,
    "us": lambda s: s * 10**6 + 5,
    "ns": lambda s: s * 10**9 + 5,
    "float": lambda s: s + 0.5,
    "date": lambda s: f"{datetime.fromtimestamp(s, UTC):%Y-%m-%d}",
    "zone": lambda s: datetime.fromtimestamp(s, timezone(timedelta(hours=2))).isoformat(),
    "aware": lambda s: datetime.fromtimestamp(s, UTC),
    "stamp": lambda s: datetime.fromtimestamp(s, UTC).replace(tzinfo=None),
    "iso": lambda s: f"{datetime.fromtimestamp(s, UTC):%Y-%m-%dT%H:%M:%SZ}",
    "day first": lambda s: f"{datetime.fromtimestamp(s, UTC):%d/%m/%Y %H:%M:%S}",
    "none": lambda s: None,
}


@st.composite
def interactions(draw: Any) -> Frame:
    """Users who mostly have enough rows; ties in time and copies of rows occur; other columns beside."""
    users, items = draw(ids(12)), draw(ids(40))
    unit = draw(st.sampled_from(list(TIMES)))
    rows = draw(st.integers(SHORTEST, 12)) * len(users)
    r = random.Random(draw(st.integers(0, 2**32)))
    start, spread = int(START.replace(tzinfo=UTC).timestamp()), draw(st.sampled_from([1, 97, 86_400 * 3 + 11]))
    seconds = [start + spread * r.randrange(3 * rows) for _ in range(rows)]
    user, item, time = draw(st.sampled_from(NAMES))
    columns: Columns = {user: [r.choice(users) for _ in range(rows)], item: [r.choice(items) for _ in range(rows)]}
    if unit != "none":
        columns[time] = [TIMES[unit](s) for s in seconds]
    if draw(st.booleans()):
        notes = draw(st.lists(marks, min_size=1, max_size=4))
        columns["note"] = [r.choice(notes) for _ in range(rows)]
    if draw(st.booleans()):
        columns["rating"] = [r.randrange(1, 6) for _ in range(rows)]
    if draw(st.booleans()):
        columns["title"] = [f'The "{word(i)}", part; {len(word(i))}' for i in columns[item]]
    order = draw(st.permutations(list(columns)))
    ticks = list(range(rows)) if unit == "none" else [s // 86_400 for s in seconds] if unit == "date" else seconds
    return Frame({name: columns[name] for name in order}, user, item, None if unit == "none" else time, ticks)


def read_sequences(path: Path, options: Options) -> dict[str, list[str]]:
    data = read_dataset(path, **options)
    accounted(data.account)
    raw = ["", *data.items.frame["item"]]
    whole = [[*data.train(u).tolist(), int(data.val[u]), int(data.test[u])] for u in range(data.n_users)]
    return {str(user): [raw[i] for i in sequence] for user, sequence in zip(data.user_ids, whole, strict=True)}


def interactions_come_back(folder: Path, writer: str, how: settings) -> Tried:
    """Try a writer; how often its frames came back equal, were asked about and refused."""
    tried = Tried()

    @settings(how)
    @given(frame=interactions(), style=styles(writer))
    def one(frame: Frame, style: Style) -> None:
        path = folder / f"a{style.suffix}"
        if not written(writer, frame.columns, style, path):
            tried.told["not written"] += 1
            return
        right = frame.sequences()
        if right:
            tried.told[outcome(path, read_sequences, lambda found: found == right, tried)] += 1
            return
        try:
            found = read_sequences(path, {})
        except DataError as refused:
            said(path, refused)
            tried.told["too short"] += 1
        else:
            raise AssertionError(f"{found} from users without enough rows: {path.read_bytes()[:2000]!r}")

    one()
    return tried


# -- tables -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    columns: Columns
    ids: str
    numbers: np.ndarray


@st.composite
def tables(draw: Any) -> Table:
    """A column of ids and columns of numbers, or one of lists, in any order."""
    names = draw(ids(60, tuple(KINDS)[:-1]).filter(lambda found: len(found) > 2))
    width = draw(st.integers(2, 12))
    scale = draw(st.sampled_from([1, 1e-5, 1e7]))
    numbers = scale * np.random.default_rng(draw(st.integers(0, 2**32))).standard_normal((len(names), width))
    called = draw(st.sampled_from(["item_id", "id", "word", "MovieID", "key", "what"]))
    stem = draw(st.sampled_from(["dim", "dim", "e_", ""]))
    columns: Columns = {f"{stem}{i}": numbers[:, i].tolist() for i in range(width)}
    if draw(st.integers(0, 3)) == 0:
        columns = {"embedding": numbers.tolist()}
    if draw(st.integers(0, 3)) == 0:
        columns["title"] = [f'The "{word(i)}", part; {place}' for place, i in enumerate(names)]
    place = draw(st.integers(0, len(columns)))
    order = list(columns)
    return Table({name: columns.get(name, names) for name in [*order[:place], called, *order[place:]]}, called, numbers)


def read_matrix(path: Path, options: Options) -> Any:
    found = read_table(path, options=options)
    assert found.account is not None
    accounted(found.account.as_dict())
    return found


def tables_come_back(folder: Path, writer: str, how: settings) -> Tried:
    """Try a writer; how often its tables came back equal, were asked about and refused."""
    tried = Tried()

    @settings(how)
    @given(table=tables(), style=styles(writer))
    def one(table: Table, style: Style) -> None:
        if "embedding" in table.columns and style.suffix in TEXT and writer in NO_LISTS:
            style = replace(style, suffix=".parquet")
        path = folder / f"a{style.suffix}"
        if not written(writer, table.columns, style, path):
            tried.told["not written"] += 1
            return
        exact = 1e-9 if writer == "pandas" and style.suffix == ".jsonl" else 0  # pandas writes fifteen digits

        def equal(found: Any) -> bool:
            same = found.labels == tuple(map(word, table.columns[table.ids])) and found.table.shape == table.numbers.shape
            return same and bool(np.allclose(found.table, table.numbers, rtol=exact, atol=exact / 1000))

        tried.told[outcome(path, read_matrix, equal, tried)] += 1

    one()
    return tried


COME_BACK: dict[str, Callable[[Path, str, settings], Tried]] = {"interactions": interactions_come_back, "tables": tables_come_back}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.adrec.reading.writers", description=__doc__)
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="how many of a writer (default: %(default)s)")
    parser.add_argument("--of", choices=COME_BACK, action="append", help="interactions, tables (default: both)")
    parser.add_argument("--writer", choices=WRITERS, action="append", help="(default: all that are installed)")
    given = parser.parse_args()
    wanted = [(what, writer) for what in given.of or COME_BACK for writer in given.writer or WRITERS]
    found = {case: Tried() for case in wanted if not missing(case[1])}
    failed = 0
    for done in range(0, given.examples, BLOCK):  # all writers get on alike
        for (what, writer), tried in found.items():
            how = settings(EASY, max_examples=min(BLOCK, given.examples - done), database=None)
            with tempfile.TemporaryDirectory(prefix="adrec-writers-") as folder:
                try:
                    tried.add(COME_BACK[what](Path(folder), writer, how))
                except Exception:
                    failed += 1
                    traceback.print_exc()
            print(f"{what} {writer}: {tried}", flush=True)
    print(f"\nIn the end, {failed} failures:" if failed else "\nIn the end:")
    for (what, writer), tried in found.items():
        reasons = "".join(f"\n    {count:,} {reason}" for reason, count in tried.reasons.most_common(6))
        print(f"{what} {writer}: {tried}{reasons}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
