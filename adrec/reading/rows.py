"""A file as rows and columns, whatever its format: opened once, read strictly, in file order, and checked against its lines."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from adrec.errors import DataError
from adrec.reading import lists
from adrec.reading.account import Account, Doubt, counted, listed, shown, shown_path
from adrec.reading.delimited import read_delimited
from adrec.reading.engine import as_sentences, connect, quoted
from adrec.reading.jsonlines import read_json
from adrec.reading.opened import PACKED, opened, scan
from adrec.reading.parquet import read_parquet
from adrec.reading.source import Source
from adrec.reading.text import CUT, DROPPED, HOW
from adrec.reading.vectors import VECTOR, read_vectors

ROW = "row"
"""The name of the column with the row's number, from 1."""
HEAD_ROWS, HEAD_COLUMNS, HEAD_LENGTH = 5, 20, 200
"""What the account shows of the first rows: rows, columns, characters of a value."""
SMALL = 1 << 20
"""Bytes of a file up to which one thread reads it."""
WIDE = 1000
"""From more columns on, lists in text are not looked for."""


@dataclass
class Rows:
    """A file as rows and columns.

    names: the columns in the file's order. types: DuckDB's types; text is VARCHAR throughout and never NULL, JSON is VARCHAR with NULL
    for what is missing. lists: columns that hold several values in a row, and how they are written. index: the columns that are the index
    of a pandas frame, by pandas' own metadata. suffix: in lower case, of what is packed the inner one. Use
    as a context manager, or keep it until everything is read: what was unpacked goes with it.
    """

    path: Path
    format: str
    names: list[str]
    types: dict[str, str]
    account: Account
    lists: dict[str, str]
    index: tuple[str, ...]
    source: Source
    resources: ExitStack = field(repr=False)
    suffix: str = ""
    unrolled_from: "Rows | None" = field(default=None, repr=False)

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Doubt):
            error.about(self.path, self.account.head)
        self.close()

    @property
    def headless(self) -> bool:
        """Whether the columns have no names of their own."""
        return not self.source.header and all(name == f"column{i + 1}" for i, name in enumerate(self.names))

    def close(self) -> None:
        """Remove what was unpacked for reading."""
        self.resources.close()

    def relation(
        self, con: duckdb.DuckDBPyConnection, columns: Sequence[str] | Mapping[str, str] | None = None, row: str = ROW
    ) -> duckdb.DuckDBPyRelation:
        """These columns (default: all) in file order, after the row's number from 1 in the column ``row``.

        columns: names, or the file's name for each name in the relation: ``{"user": "user_id"}``. The file is read when the relation is;
        ``engine.as_sentences(path)`` around that turns DuckDB's errors into sentences.
        """
        if columns is None:
            columns = self.names
        wanted = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}
        for name in wanted.values():
            if name not in self.types:
                raise DataError(f"{shown_path(self.path)} has no column {shown(name)}; its columns are: {listed(self.names)}.")
        plain = [name.lower() for name in (row, *wanted)]
        if len(set(plain)) < len(plain):
            twice = next(name for name in wanted if plain.count(name.lower()) > 1)
            raise DataError(
                f"{shown_path(self.path)}: the column {shown(twice)} needs another name; another one is called so but for capitals."
            )
        at = {name: i for i, name in enumerate(self.names)}
        chosen = "".join(f", c{at[name]} as {quoted(alias)}" for alias, name in wanted.items())
        with as_sentences(self.path):
            return con.sql(f"select row as {quoted(row)}{chosen} from {self.source.sql}")

    def sample(self, rows: int = 10_000) -> pa.Table:
        """The first rows, all columns."""
        with connect(threads=1) as con:
            return self._first(con, rows)

    def _first(self, con: duckdb.DuckDBPyConnection, rows: int) -> pa.Table:
        with as_sentences(self.path):
            table = con.sql(f"select * exclude (row) from {self.source.sql} limit {int(rows)}").to_arrow_table()
        return table.rename_columns(self.names)

    def check(self, con: duckdb.DuckDBPyConnection, read: int | None = None) -> None:
        """Compare the rows that were read with the lines in the file, and record both in the account.

        read: the rows that came out of the relation (default: they are counted here). A difference is a DataError.
        """
        with as_sentences(self.path):
            if read is None or self.unrolled_from is not None:
                there = int(con.sql(f"select count(*) from {self.source.sql}").fetchall()[0][0])
            else:
                there = read
        if read is not None and read != there:
            raise DataError(f"{shown_path(self.path)} holds {there:,} rows, but {read:,} were read.")
        if self.unrolled_from is not None:
            self.unrolled_from.check(con)
            self.account.note(f"{self.unrolled_from.account.rows:,} rows with lists are {there:,} rows of single values, in their order.")
        self.account.rows = there
        source = self.source
        if self.unrolled_from is None and source.rows not in (None, there):
            raise DataError(f"{shown_path(self.path)} holds {source.rows:,} rows, but {there:,} were read.")
        if self.unrolled_from is not None or source.scan is None:
            return
        total, blank = source.scan.lines, source.scan.blank - source.blank_inside
        lines = {"total": total, "header": source.header, "rows": there, "blank": blank, "inside_quotes": source.inside}
        self.account.lines |= lines | ({"cut": source.cut} if source.cut else {})
        expected = total - source.header - blank - source.inside - source.cut
        if there != expected:
            raise DataError(
                f"{shown_path(self.path)} has {total:,} lines, which are {expected:,} rows, but {there:,} were read; "
                "a quotation mark or a line end is not where it belongs."
            )

    def unrolled(self, columns: Sequence[str]) -> "Rows":
        """The same file with a row for each value of these columns, which hold equally long lists; other columns are repeated.

        A DataError names the first row whose lists differ in length or are not lists.
        """
        sql, types, empty = lists.unrolled(self.path, self.source, columns)
        source = replace(self.source, sql=sql, types=types, rows=None, lists={k: v for k, v in self.lists.items() if k not in columns})
        if empty:
            self.account.note(f"{counted(empty, 'row')} with an empty list {'gives' if empty == 1 else 'give'} no row.")
        return replace(self, types=dict(zip(self.names, types, strict=True)), lists=source.lists, source=source, unrolled_from=self)


def open_rows(path: str | Path, con: duckdb.DuckDBPyConnection | None = None, **how: str | None) -> Rows:
    """The rows of a file; its suffix determines the format. how: ``separator``, ``header``, ``quotes``, ``layout`` and ``cut`` of text.

    con: the connection that tries how the file is written (default: one of its own); from then on it has one thread if the file is small.
    """
    path = Path(path)
    given = {name: value for name, value in how.items() if value}
    for name in given:
        if name not in HOW:
            raise DataError(f"There is no option '{name}' for reading a file; the options are {', '.join(HOW)}.")
    if given.get(CUT, DROPPED[0]) != DROPPED[0]:
        raise DataError(f"The option {CUT} must be {DROPPED[0]}, not {shown(given[CUT])}.")
    with ExitStack() as stack, nullcontext(con) if con is not None else connect() as con:
        plain, suffix = stack.enter_context(opened(path))
        if plain.stat().st_size < SMALL:
            con.execute("set threads = 1")  # others would cost more than they help
        if suffix not in FORMATS:
            formats = f"{', '.join(FORMATS)}, or one of them packed as {', '.join(PACKED)}"
            raise DataError(f"{shown_path(path)} has an unknown format; expected {formats}.")
        try:
            source = FORMATS[suffix](con, path, plain, suffix, given, stack)
        except Doubt as doubt:
            raise doubt.about(path) from None
        if path.suffix.lower() in PACKED:
            source.format += f", unpacked from {path.suffix.lower()}"
        account = Account(str(path), source.format, notes=list(source.notes))
        types = dict(zip(source.names, source.types, strict=True))
        rows = Rows(path, source.format, source.names, types, account, source.lists, source.index, source, stack, suffix)
        wide = len(types) > WIDE
        first = rows._first(con, HEAD_ROWS if wide else lists.SAMPLE)
        if not wide:
            source.lists |= lists.in_text(first, source.lists)
        shown_names = source.names[:HEAD_COLUMNS]
        head = first.select(shown_names).slice(0, HEAD_ROWS).to_pylist()
        account.head = [{name: str(record[name])[:HEAD_LENGTH] for name in shown_names} for record in head]
        rows.resources = stack.pop_all()
    weakref.finalize(rows, rows.resources.close)
    if source.scan is not None and source.types[-1:] == ["VARCHAR[]"] and source.names[-1] != VECTOR:  # one user and their items a line
        return rows.unrolled(source.names[-1:])
    return rows


def _read_text(con: duckdb.DuckDBPyConnection, path: Path, plain: Path, suffix: str, how: Mapping[str, str], stack: ExitStack) -> Source:
    """Text by columns; with ``layout=vectors`` by label and vector, if it is written so."""
    if how.get("layout") == "vectors":
        source = read_vectors(con, path, plain, scan(plain, path), how, stack)
        if source is not None:
            return source
        how = {**how, "layout": "columns"}
    return read_delimited(con, path, plain, suffix, how, stack)


Format = Callable[[duckdb.DuckDBPyConnection, Path, Path, str, Mapping[str, str], ExitStack], Source]
FORMATS: dict[str, Format] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".dat", ".data", ".inter", ".item", ".itememb", ".user", ".vec", ".w2v"), _read_text),
    **dict.fromkeys((".parquet", ".pq"), lambda con, path, plain, *_: read_parquet(con, path, plain)),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), lambda con, path, plain, _, how, stack: read_json(con, path, plain, how, stack)),
}
"""The formats by suffix."""


def known(path: str | Path) -> bool:
    """Whether the name of a file ends in a suffix of a format, packed or not."""
    path = Path(path)
    inner = Path(path.stem).suffix if path.suffix.lower() in PACKED else path.suffix
    return path.suffix.lower() == ".zip" or inner.lower() in FORMATS
