"""A file as rows and columns, whatever its format: opened once, read strictly, in file order, and checked against its lines."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet

from adrec.errors import DataError
from adrec.reading import opened, text
from adrec.reading.account import Account, listed, shown, shown_path
from adrec.reading.engine import as_sentences, connect, literal, path_literal, quoted

ROW = "row"
"""The name of the column with the row's number, from 1."""
HEAD = 5


@dataclass
class Rows:
    """A file as rows and columns.

    names: the columns in the file's order. types: DuckDB's types; text is VARCHAR throughout and never NULL. index: the columns that are
    the index of a pandas frame, by pandas' own metadata. Use as a context manager, or keep it until everything is read.
    """

    path: Path
    format: str
    names: list[str]
    types: dict[str, str]
    account: Account
    index: tuple[str, ...] = ()
    source: str = ""
    lines: opened.Scan | None = None
    dialect: text.Dialect | None = None
    resources: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was unpacked for reading."""
        self.resources.close()

    def relation(
        self, con: duckdb.DuckDBPyConnection, columns: Sequence[str] | Mapping[str, str] | None = None, row: str = ROW
    ) -> duckdb.DuckDBPyRelation:
        """These columns (default: all) in file order, after the row's number from 1 in the column ``row``.

        columns: names, or the name in the relation for each: ``{"user": "user_id"}``. Read when the relation is; a broken line is an error
        of DuckDB, which ``engine.as_sentences(path)`` turns into a sentence.
        """
        if columns is None:
            columns = self.names
        wanted = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}
        for name in wanted.values():
            if name not in self.names:
                raise DataError(f"{shown_path(str(self.path))} has no column {shown(name)}; its columns are: {listed(self.names)}.")
        plain = [name.lower() for name in (row, *wanted)]
        if len(set(plain)) < len(plain):
            twice = next(name for name in wanted if plain.count(name.lower()) > 1)
            raise DataError(
                f"{shown_path(str(self.path))}: the column {shown(twice)} needs another name, another is called so but for capitals."
            )
        internal = {name: f"c{i}" for i, name in enumerate(self.names)}
        chosen = ", ".join(f"{internal[name]} as {quoted(alias)}" for alias, name in wanted.items())
        with as_sentences(self.path):
            return con.sql(f"select row_number() over () as {quoted(row)}{', ' * bool(chosen)}{chosen} from {self.source}")

    def sample(self, rows: int = 10_000) -> pa.Table:
        """The first rows, all columns."""
        with connect(threads=1) as con, as_sentences(self.path):
            table = con.sql(f"select * from {self.source} limit {rows}").to_arrow_table()
        return table.rename_columns(self.names)

    def check(self, con: duckdb.DuckDBPyConnection, read: int | None = None) -> None:
        """Compare the rows that were read (counted here if None) with the lines in the file; record both in the account."""
        with as_sentences(self.path):
            if read is None:
                read = con.sql(f"select count(*) from {self.source}").fetchall()[0][0]
            inside, inside_blank = self._inside_quotes(con)
        self.account.rows = read
        if self.lines is None or self.dialect is None:
            return
        header = self.dialect.header_lines
        lines = {
            "total": self.lines.lines,
            "header": header,
            "rows": read,
            "blank": self.lines.blank - inside_blank,
            "inside_quotes": inside,
        }
        self.account.lines = lines
        expected = lines["total"] - header - lines["blank"] - inside
        if read != expected:
            raise DataError(
                f"{shown_path(str(self.path))} has {lines['total']:,} lines, which are {expected:,} rows, but {read:,} were read; "
                "a quotation mark or a line end is not where it belongs."
            )

    def _inside_quotes(self, con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
        """Line breaks inside values, and the lines without anything between two of them."""
        if self.lines is None or not self.lines.quotes or not (self.dialect and self.dialect.quote):
            return 0, 0
        breaks = " + ".join(f"(len(c{i}) - len(replace(c{i}, chr(10), '')))" for i in range(len(self.names)))
        blank = " + ".join(f"len(regexp_extract_all(c{i}, '\\n\\r?(?=\\n)'))" for i in range(len(self.names)))
        blank = "0"
        found = con.sql(f"select coalesce(sum({breaks}), 0)::bigint, coalesce(sum({blank}), 0)::bigint from {self.source}").fetchall()
        return found[0][0], found[0][1]


def open_rows(path: str | Path, **how: str | None) -> Rows:
    """The rows of a file; its suffix determines the format."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{shown_path(str(path))} has an unknown format; expected {', '.join(SUFFIXES)}.")
    return SUFFIXES[suffix](opened.present(path), suffix, how)


def _text(path: Path, suffix: str, how: Mapping[str, str | None]) -> Rows:
    lines = opened.scan(path)
    dialect = text.dialect_of(path, suffix, text.head_of(path))
    names = list(dialect.names)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{shown_path(str(path))} has {names.count(twice)} columns named {shown(twice)}; column names must differ.")
    columns = [f"c{i}" for i in range(len(names))]
    varchar = ", ".join(f"{column}: 'VARCHAR'" for column in columns)
    source = (
        f"read_csv({path_literal(path)}, delim={literal(dialect.separator)}, quote={literal(dialect.quote)}, "
        f"escape={literal(dialect.escape)}, comment='', header={str(dialect.header).lower()}, skip={dialect.skip}, auto_detect=false, "
        f"strict_mode=true, hive_partitioning=false, compression='none', force_not_null=[{', '.join(map(literal, columns))}], "
        f"max_line_size={opened.LONGEST_LINE}, columns={{{varchar}}})"
    )
    kind = "TSV" if dialect.separator == "\t" else f"CSV, separated by {dialect.separator!r}"
    account = Account(str(path), kind)
    return Rows(path, kind, names, dict.fromkeys(names, "VARCHAR"), account, source=source, lines=lines, dialect=dialect)


def _parquet(path: Path, suffix: str, how: Mapping[str, str | None]) -> Rows:
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names, metadata = list(file.schema_arrow.names), file.schema_arrow.pandas_metadata or {}
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
        raise DataError(
            f"{shown_path(str(path))} is not a readable Parquet file: damaged, truncated or another format ({reason})."
        ) from None
    if len(set(names)) < len(names):
        raise DataError(f"{shown_path(str(path))} has several columns of one name; column names must differ.")
    chosen = ", ".join(f"c{i}" for i in range(len(names)))
    source = f"(select * from read_parquet({path_literal(path)}, hive_partitioning=false)) as t({chosen})"
    with connect(threads=1) as con, as_sentences(path):
        described = con.sql(f"describe select * from {source}").fetchall()
    index = tuple(name for name in metadata.get("index_columns", []) if isinstance(name, str))
    types = {name: row[1] for name, row in zip(names, described, strict=True)}
    return Rows(path, "Parquet", names, types, Account(str(path), "Parquet"), index=index, source=source)


SUFFIXES: dict[str, Callable[[Path, str, Mapping[str, str | None]], Rows]] = {
    **dict.fromkeys((".csv", ".tsv"), _text),
    **dict.fromkeys((".parquet", ".pq"), _parquet),
}
"""The formats by suffix."""
