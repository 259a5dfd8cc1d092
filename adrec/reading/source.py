"""What a format hands over: columns c0, c1, ... and the row's number as SQL, with what is known of the file."""

from dataclasses import dataclass, field

from adrec.reading.opened import Scan


@dataclass
class Source:
    """sql: what follows FROM, with the columns ``row`` (from 1, in file order), ``c0``, ``c1``, ...; types: DuckDB's, one a column.

    scan: what the bytes tell, for text. header: lines of names. inside, blank_inside: line breaks inside values, and lines without
    anything in them there. lists: columns that hold several values in a row, and how they are written. index: the columns of a pandas
    index. notes: sentences for the account. rows: how many the file says it has, where it does. cut: lines that are not whole, left out.
    """

    format: str
    names: list[str]
    types: list[str]
    sql: str
    scan: Scan | None = None
    header: int = 0
    inside: int = 0
    blank_inside: int = 0
    lists: dict[str, str] = field(default_factory=dict)
    index: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    rows: int | None = None
    cut: int = 0
