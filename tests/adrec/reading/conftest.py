"""What the tests of reading share: one connection a file."""

from collections.abc import Iterator

import duckdb
import pytest

from adrec.reading.engine import connect


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(threads=1) as connection:
        yield connection
