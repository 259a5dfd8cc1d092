"""Text with separators: its dialect settled by trying it on the whole file, and the SQL that reads it strictly."""

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from adrec.errors import DataError
from adrec.reading import text
from adrec.reading.account import Doubt, counted, listed, shown, shown_path
from adrec.reading.engine import as_sentences, literal, path_literal, sentence
from adrec.reading.limits import LONGEST_LINE, MOST_COLUMNS
from adrec.reading.opened import Scan, last_line, line_of, one_kind_of_line_ends, open_bytes, scan, without_last_line
from adrec.reading.source import Source

QUOTES = {"double": '"', "backslash": "\\", "none": ""}
"""Values of the option ``quotes``, and what escapes a quotation mark inside a value."""
MEANINGS = {
    "double": "quotation marks enclose values, and one inside a value is doubled",
    "backslash": "quotation marks enclose values, and one inside a value follows a backslash",
    "none": "quotation marks are characters like others",
}
USER_ITEM = ("user", "item")
MOSTLY = 0.9
"""The share of lines of one length from which lines of blank-separated ids are hardly a user and their items."""


@dataclass(frozen=True)
class Dialect:
    """How a text file is to be read. separator: '' for one column. width: columns. loose: runs of blanks and tabs separate."""

    path: Path
    separator: str
    width: int
    quotes: str = "none"
    loose: bool = False
    skipped: str = ""

    def sql(self) -> str:
        """The records of the file, the first line included: ``row`` from 1, then ``c0``, ``c1``, ..."""
        if self.loose:
            fields = ", ".join(f"f[{i + 1}] as c{i}" for i in range(self.width))
            return f"(select row, {fields} from {self.split()})"
        columns = [f"c{i}" for i in range(self.width)]
        where = f" where {self.skipped}" if self.skipped else ""
        read = _read_csv(self.path, self.separator or "\0", self.quotes, columns)
        return f"(select row_number() over () as row, * from {read}{where})"

    def split(self) -> str:
        """The lines of the file as lists of fields: ``row`` and ``f``. Every line is one column, since no text holds NUL."""
        lines = _read_csv(self.path, "\0", "none", ["line"])
        return (
            "(select row_number() over () as row, string_split_regex(line, '[ \\t]+') as f from "
            f"(select trim(line, ' ' || chr(9) || chr(13)) as line from {lines}) where line <> '')"
        )


def _read_csv(path: Path, separator: str, quotes: str, columns: list[str]) -> str:
    quote = "" if quotes == "none" else '"'
    delimiter = "chr(0)" if separator == "\0" else literal(separator)
    names, types = ", ".join(map(literal, columns)), ", ".join(f"{c}: 'VARCHAR'" for c in columns)
    return (
        f"read_csv({path_literal(path)}, delim={delimiter}, quote={literal(quote)}, escape={literal(QUOTES[quotes])}, comment='', "
        f"header=false, auto_detect=false, strict_mode=true, hive_partitioning=false, compression='none', force_not_null=[{names}], "
        f"max_line_size={LONGEST_LINE}, columns={{{types}}})"
    )


def read_delimited(
    con: duckdb.DuckDBPyConnection, path: Path, plain: Path, suffix: str, how: Mapping[str, str], stack: ExitStack
) -> Source:
    """The source of a text file. how: the options separator, header, quotes and layout. stack: keeps temporary files."""
    found = scan(plain, path)
    if found.lone and found.feeds and not found.quotes and not (found.lone == 1 and last_line(plain).endswith(b"\r")):
        raise DataError(f"Line {_lone(plain):,} of {shown_path(path)} holds a carriage return inside; end all lines in one way.")
    if found.quotes or not found.mixed:  # line ends of another kind may be inside quotation marks
        try:
            return _read(con, path, plain, suffix, how, found, stack)
        except DataError as error:
            if isinstance(error, Doubt) or not found.mixed:
                raise
    plain = stack.enter_context(one_kind_of_line_ends(plain))
    source = _read(con, path, plain, suffix, how, scan(plain, path), stack)
    source.notes.append("Some lines end with CR LF and others with LF; both are taken as line ends, also inside values.")
    return source


def _read(
    con: duckdb.DuckDBPyConnection, path: Path, plain: Path, suffix: str, how: Mapping[str, str], found: Scan, stack: ExitStack
) -> Source:
    head = text.head_of(plain)
    if not head.lines():
        raise DataError(f"{shown_path(path)} holds nothing but empty lines.")
    separator = text.separator_of(path, suffix, head, how.get("separator"))
    records = head.records(separator) if separator else [[line] for line in head.lines()]
    rows_of_lists = separator == text.BLANK and _is_lists(path, records, how)
    width = len(records[0])
    if width > MOST_COLUMNS:
        raise DataError(f"{shown_path(path)} has {width:,} columns; a file must have at most {MOST_COLUMNS:,}.")
    lacks = unfinished(plain, separator, 0 if rows_of_lists else width, found, how.get("quotes"))
    loose = separator == text.BLANK and found.loose
    skipped = "c0 <> ''" if width == 1 and found.blank else ""
    usual = "double" if separator in text.QUOTING and (separator or suffix == ".csv") else "none"
    dialect = Dialect(plain, separator, width, usual, loose, skipped)
    notes: list[str] = []
    first_line = head.lines()[0]
    try:
        if lacks and (found.partial or found.quotes == first_line.count('"')):  # else the last line may be the end of a value
            raise cut_short(path, found, lacks)
        if rows_of_lists:
            return _lists(plain, found)
        if loose and isinstance(_tried(con, path, replace(dialect, loose=False), found), Outcome):
            dialect = replace(dialect, loose=False)  # one blank between any two values, in every line
        dialect, inside, blank_inside = _quoted(con, path, dialect, found, first_line, how.get("quotes"), notes)
    except DataError as error:
        if separator in ("", text.BLANK) and found.quotes:
            _check_blanks(path, head, separator)
        if not isinstance(error, Doubt) and _one_more(records):
            raise _name_missing(path) from None
        ways = error.candidates if isinstance(error, Doubt) and error.option == "quotes" else []
        if not lacks or any(way == "double" for way, _ in ways):
            raise
        if text.CUT not in how:
            raise cut_short(path, found, lacks, ("quotes", *ways[0]) if ways else None) from None
        shorter = stack.enter_context(without_last_line(plain))
        source = _read(con, path, shorter, suffix, how, scan(shorter, path), stack)
        source.scan, source.cut = found, 1
        return source
    if dialect.loose:
        _rectangular(con, path, dialect, records)
    try:
        first = [str(v) for v in con.sql(f"select * exclude (row) from {dialect.sql()} limit 1").fetchall()[0]]
    except duckdb.Error as error:
        raise sentence(path, error) from None
    atomic = suffix in text.ATOMIC
    header = atomic or text.header_of(path, [first, *records[1:]], how.get("header"))
    names, types = text.names_of(path, first, atomic) if header else ([f"column{i + 1}" for i in range(width)], {})
    if not header and separator == text.BLANK and width == 2:
        names = list(USER_ITEM)
        notes.append("The file has no header line; each line is taken as a user and an item.")
    elif not header:
        notes.append(f"The file has no header line; its first line is a row, and the columns are called {listed(names)}.")
    lists = {name: text.BLANK for name, kind in types.items() if kind.endswith("_seq")}
    sql = dialect.sql()
    if header:
        sql = f"(select row - 1 as row, * exclude (row) from {sql} where row > 1)"
    return Source(_format(separator, suffix), names, ["VARCHAR"] * width, sql, found, int(header), inside, blank_inside, lists, notes=notes)


def unfinished(plain: Path, separator: str, width: int, found: Scan, quotes: str | None = None) -> str | None:
    """What the last line lacks to be whole, as where a file was cut short. None if it has a line end, or all its values.

    width: the values of a row. quotes: the option.
    """
    if found.lines < 2 or found.end == "\r":
        return None
    data = last_line(plain)
    if data.endswith(b"\r"):
        return "has half of a line end"
    if data.endswith(b"\n"):
        return None
    if found.partial:
        return "ends within a character of UTF-8"
    line = data.decode(errors="ignore")
    if separator in text.QUOTING and quotes != "none":
        if line.count('"') % 2:
            return "has no line end and a quotation mark too few"
        fields = text.Head(line, True).records(separator)[0] if separator else [line]
    else:
        fields = line.split() if separator == text.BLANK else line.split(separator)
    return f"has no line end and {counted(len(fields), 'value')} of {width:,}" if len(fields) < width else None


def cut_short(path: Path, found: Scan, lacks: str, instead: tuple[str, str, str] | None = None) -> Doubt:
    """The doubt about a last line that is not whole."""
    problem = f"Line {found.lines:,} of {shown_path(path)}, the last one, {lacks}: the file may have been cut short"
    return Doubt(problem, text.CUT, [text.DROPPED], instead=instead)


def _one_more(records: list[list[str]]) -> bool:
    """Whether every line has one value more than the first."""
    return len(records) > 2 and {len(record) for record in records[1:]} == {len(records[0]) + 1}


def _name_missing(path: Path) -> DataError:
    reason = "a name is missing there, as R's write.table leaves out that of the row names; write it with row.names=FALSE or col.names=NA"
    return DataError(f"Every line of {shown_path(path)} has one value more than the first: {reason}.")


def _check_blanks(path: Path, head: text.Head, separator: str) -> None:
    """A sentence about a file whose values are enclosed and separated by blanks, where one column, or blanks alone, do not read it."""
    records = head.records(text.BLANK, enclosed=True)
    if _one_more(records):
        raise _name_missing(path)
    if not separator and len(records) > 1 and len({len(record) for record in records}) == 1 and len(records[0]) > 1:
        ways = [("blank", f"{counted(len(records[0]), 'column')} separated by blanks")]
        raise Doubt(f"The values in {shown_path(path)} are enclosed by quotation marks and separated by blanks", "separator", ways)


def _rectangular(con: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, records: list[list[str]]) -> None:
    """Refuse lines with more or fewer fields than the first, where the engine does not look."""
    with as_sentences(path):
        odd = con.sql(f"select row, len(f) from {dialect.split()} where len(f) <> {dialect.width} order by row limit 1").fetchall()
    if odd and _one_more(records):
        raise _name_missing(path)
    if odd:
        row, fields = odd[0]
        raise DataError(f"Row {row:,} of {shown_path(path)} has {counted(fields, 'value')}, but the first line has {dialect.width:,}.")


def _format(separator: str, suffix: str) -> str:
    if suffix in text.ATOMIC:
        return "RecBole's atomic file, separated by tabs"
    kind = suffix[1:].upper() if suffix in (".csv", ".tsv") else "text"
    return f"{kind}, separated by {text.SEPARATORS.get(separator, shown(separator))}" if separator else f"{kind} of one column"


def _lone(plain: Path) -> int:
    """The line of the first carriage return that ends no line."""
    with open(plain, "rb") as file:
        for number, line in enumerate(file, 1):
            if b"\r" in line.removesuffix(b"\n").removesuffix(b"\r"):
                return number
    return 1


# -- one user and their items a line ----------------------------------------------------------------------------------


def _is_lists(path: Path, records: list[list[str]], how: Mapping[str, str]) -> bool:
    """Whether every line is a user and their items. A Doubt if the lines are as long as each other by chance or by design."""
    if how.get("layout") not in (None, "", "lists", "columns"):
        raise DataError(f"The option layout must be columns or lists, not {shown(how['layout'])}.")
    if how.get("layout"):
        return how["layout"] == "lists"
    lengths = {len(record) for record in records}
    if how.get("header") == "first" or how.get("quotes") not in (None, "", "none"):
        return False
    if len(lengths) > 1:
        usual, count = Counter(map(len, records)).most_common(1)[0]
        ids = all(field.isalnum() for record in records[:50] for field in record[:50])
        if ids and count >= MOSTLY * len(records):
            problem = f"{count:,} of the first {len(records):,} lines of {shown_path(path)} have {counted(usual, 'value')}, the others not"
            ways = [("columns", f"rows of {counted(usual, 'column')}; other lines are refused"), ("lists", "a user and their items a line")]
            raise Doubt(problem, "layout", ways)
        return ids
    if len(records) > 1 and min(lengths) >= text.MANY and all(field.isdigit() for record in records for field in record):
        name, fields = shown_path(path), counted(min(lengths), "whole number")
        candidates = [("lists", "a user and their items"), ("columns", f"one row of {min(lengths)} columns")]
        raise Doubt(f"Every line of {name} has {fields}", "layout", candidates)
    return False


def _lists(plain: Path, found: Scan) -> Source:
    sql = f"(select row, f[1] as c0, f[2:] as c1 from {Dialect(plain, text.BLANK, 2, loose=True).split()})"
    form = "text, one user and their items a line, separated by blanks"
    return Source(form, list(USER_ITEM), ["VARCHAR", "VARCHAR[]"], sql, found, lists={USER_ITEM[1]: "list"})


# -- quotation marks --------------------------------------------------------------------------------------------------


def _quoted(
    con: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, found: Scan, first: str, wanted: str | None, notes: list[str]
) -> tuple[Dialect, int, int]:
    """The dialect with its quotation marks settled, the line breaks inside values and the empty lines there.

    Without any quotation mark in the file there is nothing to settle. Else what is usual for the separator is tried on the whole file,
    then the other ways; a Doubt if more than one way reads it and they differ.
    """
    if wanted and wanted not in QUOTES:
        raise DataError(f"The option quotes must be {', '.join(QUOTES)}, not {shown(wanted)}.")
    if not found.quotes:
        return replace(dialect, quotes="none"), 0, 0
    if found.quotes == first.count('"') and found.quotes % 2 == 0 and not dialect.loose:  # around names only: no value can be enclosed
        fields = first.split(dialect.separator) if dialect.separator else [first]
        wrapped = all(len(field) > 1 and field[0] + field[-1] == '""' for field in fields)
        return replace(dialect, quotes=wanted or ("double" if wrapped else dialect.quotes)), 0, 0
    if dialect.loose:
        return _loosely_quoted(con, path, dialect, found, notes)
    usual = dialect.quotes
    tries: dict[str, Outcome | DataError] = {}
    for way in [wanted] if wanted else [usual, *(w for w in QUOTES if w != usual)]:
        if way != "backslash" or wanted or found.backslashes:
            tries[way] = _tried(con, path, replace(dialect, quotes=way), found)
        if way == usual == "double" and isinstance(tries[way], Outcome):
            break
    if wanted:
        way = wanted
    elif usual == "double":
        way = _usually_quoted(tries)
    else:
        way = _usually_plain(con, path, dialect, tries)
    outcome = tries[way]
    if isinstance(outcome, DataError):
        raise outcome
    if way != usual and not wanted:
        notes.append(f"It is read so that {MEANINGS[way]} (quotes={way}).")
    chosen = replace(dialect, quotes=way)
    if way == "double" and outcome.breaks and not wanted:
        _with_reason(con, path, chosen, found)
    return chosen, outcome.breaks, outcome.blank


def _loosely_quoted(
    con: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, found: Scan, notes: list[str]
) -> tuple[Dialect, int, int]:
    """Loose blanks, unless quotation marks around values make it one blank between any two, in every line."""
    enclosed = replace(dialect, loose=False, quotes="double")
    outcome = _tried(con, path, enclosed, found)
    if isinstance(outcome, DataError):
        return dialect, 0, 0
    notes.append(f"It is read so that {MEANINGS['double']} (quotes=double).")
    return enclosed, outcome.breaks, outcome.blank


@dataclass(frozen=True)
class Outcome:
    """What reading the whole file in one way gives."""

    records: int
    breaks: int
    blank: int


def _tried(con: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, found: Scan) -> Outcome | DataError:
    """Read the whole file in one way."""
    inside = blank = "0"
    if dialect.quotes != "none":
        end = _end(found)
        joined = _joined(dialect)  # one expression for all columns: a sum over a thousand is more than the engine takes
        parts = f"string_split(replace({joined}, chr(13) || chr(10), chr(10)), {end})"
        inside = f"case when contains({joined}, {end}) then len({parts}) - 1 else 0 end"
        blank = f"case when contains({joined}, {end}) then len(list_filter({parts}[2:-2], lambda x: x = '')) else 0 end"
    try:
        records, inside, blank = con.sql(
            f"select count(*), coalesce(sum({inside}), 0)::bigint, coalesce(sum({blank}), 0)::bigint from {dialect.sql()}"
        ).fetchall()[0]
    except duckdb.Error as error:
        return sentence(path, error, _line(dialect.path, str(error)))
    if records + inside + found.blank - blank != found.lines:
        return DataError(
            f"{shown_path(path)} has {found.lines:,} lines, but {records:,} rows with {inside:,} line breaks inside were read; "
            "a quotation mark or a line end is not where it belongs."
        )
    return Outcome(records, inside, blank)


def _end(found: Scan) -> str:
    """The end of a line in SQL."""
    return "chr(13)" if found.end == "\r" else "chr(10)"


def _joined(dialect: Dialect) -> str:
    """All values of a row in one text, in SQL; between two of them is no line end."""
    return f"concat_ws('x', {', '.join(f'c{i}' for i in range(dialect.width))})"


def _each(dialect: Dialect, where: str = "true") -> str:
    """Every value ``v`` with its column's number ``place`` and its ``row``, in SQL. where: which rows."""
    places = range(dialect.width)
    values = ", ".join(f"c{i}" for i in places)
    return f"(select row, unnest([{values}]) as v, unnest({list(places)}) as place from {dialect.sql()} where {where})"


def _line(plain: Path, error: str) -> int | None:
    """The line of the row that DuckDB's error shows: its own number counts a row as one line even where there are breaks inside."""
    told = re.search(r"CSV Error on Line: (\d+)\nOriginal Line:\s*(.*?)\n(?:Value with|Expected Number|Possible fixes)", error, re.S)
    first = told[2].strip().partition("\n")[0].encode() if told else b""
    if not told or not first:
        return None
    with open_bytes(plain) as file:
        return next((number for number, line in enumerate(file, 1) if number >= int(told[1]) and line.rstrip(b"\r\n") == first), None)


def _choose(problem: str, ways: list[str]) -> Doubt:
    return Doubt(problem.rstrip("."), "quotes", [(way, MEANINGS[way]) for way in ways])


def _usually_quoted(tries: Mapping[str, Outcome | DataError]) -> str:
    """CSV: quotation marks enclose values, or a sentence."""
    usual = tries["double"]
    if isinstance(usual, Outcome):
        return "double"
    others = [way for way, outcome in tries.items() if isinstance(outcome, Outcome)]
    if others == ["backslash"]:
        return "backslash"
    raise _choose(str(usual), others) if others else usual


def _usually_plain(con: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, tries: Mapping[str, Outcome | DataError]) -> str:
    """Tabs and blanks: quotation marks are characters like others, unless everything speaks for the other way."""
    plain, enclosed = tries["none"], tries["double"]
    if isinstance(plain, DataError):
        others = [way for way, outcome in tries.items() if isinstance(outcome, Outcome)]
        if len(others) > 1:
            raise _choose(str(plain), others)
        if not others:
            raise plain
        return others[0]
    if isinstance(enclosed, DataError):
        return "none"
    if plain.records != enclosed.records:
        raise _choose(f"Quotation marks in {shown_path(path)} may enclose line breaks", ["none", "double"])
    throughout = _enclosed_throughout(con, dialect)
    if throughout is None:
        raise _choose(f"Some values in {shown_path(path)} begin and end with a quotation mark", ["none", "double"])
    return "double" if throughout else "none"


def _enclosed_throughout(con: duckdb.DuckDBPyConnection, dialect: Dialect) -> bool | None:
    """Whether quotation marks are there as a program writes them that encloses values: around names or whole columns, or doubled.

    None if they are around some values only, of which nothing tells.
    """
    wrapped = "(len(v) > 1 and v[1] = '\"' and v[-1] = '\"')"
    query = (
        f"select bool_or(contains(v, '\"') and not {wrapped}), bool_or({wrapped} and (len(v) = 2 or contains(v[2:-2], '\"\"'))), "
        f"bool_or(row = 1 and {wrapped}), bool_and(row = 1 or {wrapped} or v = '') and count_if({wrapped}) > 1 "
        f"from {_each(dialect)} group by place"
    )
    stray, escaped, named, throughout = map(any, zip(*con.sql(query).fetchall(), strict=True))
    return False if stray else True if escaped or named or throughout else None


def _with_reason(con: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, found: Scan) -> None:
    """A Doubt if a value spans lines of which each is a whole row in itself: two stray quotation marks then hide rows."""
    end, last = _end(found), dialect.width - 1
    lines = f"list_transform(string_split(v, {end}), lambda line: len(string_split(line, {literal(dialect.separator)})) - 1)"
    rows = f"select *, {lines} as n from {_each(dialect, f'contains({_joined(dialect)}, {end})')} where contains(v, {end})"
    query = (
        f"select v from ({rows}) where n[1] = {last} - place and n[-1] = place "
        f"and len(list_filter(n[2:-2], lambda x: x <> {last})) = 0 order by place, row limit 1"
    )
    for (value,) in con.sql(query).fetchall():
        line = line_of(dialect.path, ('"' + value.replace('"', '""')).encode())
        where = f"line {line:,} of {shown_path(path)}" if line else shown_path(path)
        raise _choose(f"A quotation mark in {where} encloses line breaks, and every line would be a row in itself", ["double", "none"])
