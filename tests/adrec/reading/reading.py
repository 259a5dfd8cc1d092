"""Files written and read whole, for the tests of this folder."""

import os
from pathlib import Path

import pytest

from adrec.reading.engine import connect
from adrec.reading.rows import Rows, open_rows

BROUGHT = Path(os.environ.get("ADREC_TEST_DATA", "nowhere")) / "brought"
needs_brought = pytest.mark.skipif(not BROUGHT.is_dir(), reason="ADREC_TEST_DATA does not say where the files that people bring are")


def written(path: Path, text: str | bytes) -> Path:
    """A file with exactly these characters."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def values(rows: Rows) -> list[tuple[object, ...]]:
    """All rows, checked against the file's lines; their numbers count from 1."""
    with connect(threads=1) as con:
        found = rows.relation(con, {f"column {i}": name for i, name in enumerate(rows.names)}).fetchall()
        rows.check(con, len(found))
    assert [row[0] for row in found] == list(range(1, len(found) + 1))
    return [row[1:] for row in found]


def read(path: Path, **how: str) -> list[tuple[object, ...]]:
    """All rows of a file."""
    with open_rows(path, **how) as rows:
        return values(rows)


def names(path: Path, **how: str) -> list[str]:
    """The columns of a file."""
    with open_rows(path, **how) as rows:
        return rows.names
