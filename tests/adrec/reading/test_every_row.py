"""Rows read and rows left out are the rows of the file, for every reader, on every file that the tests bring."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adrec.data.readers import read_dataset
from adrec.embeddings.files import SUFFIXES, read_table
from adrec.errors import AdrecError
from adrec.reading.rows import known, open_rows
from tests.adrec.reading.reading import values
from tests.fuzz.seeds import seeds
from tests.fuzz.trying import accounted


def accounts(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The account of each reader that takes this file."""
    if known(path):
        with open_rows(path) as rows:
            assert len(values(rows)) == rows.account.rows
            lines = rows.account.lines
            assert not lines or lines["total"] == sum(n for kind, n in lines.items() if kind != "total")
    for name, reads in (("interactions", known(path)), ("table", path.suffix.lower() in SUFFIXES)):
        if not reads:
            continue
        try:
            found = read_dataset(path).account if name == "interactions" else read_table(path).account
        except AdrecError:
            continue
        if found is not None:
            yield name, dict(found) if name == "interactions" else found.as_dict()  # type: ignore[union-attr, call-overload]


def walked(files: list[Path]) -> Counter[str]:
    """How many accounts of each reader add up."""
    told: Counter[str] = Counter()
    for path in files:
        try:
            for name, account in accounts(path):
                accounted(account)
                told[name] += 1
        except AdrecError:
            told["refused"] += 1
    return told


@pytest.mark.long
def test_the_accounts_of_small_files_in_every_format_add_up(tmp_path: Path) -> None:
    files = []
    for number, seed in enumerate(seeds()):
        if "" in seed.files:
            files.append(tmp_path / f"{number}{seed.suffix}")
            files[-1].write_bytes(seed.files[""])
    told = walked(files)
    assert told["interactions"] >= 15 and told["table"] >= 20


@pytest.mark.long
@pytest.mark.data
def test_the_accounts_of_brought_files_add_up(test_data: Path) -> None:
    files = sorted(path for path in (test_data / "brought").iterdir() if path.is_file() and path.suffix != ".md")
    told = walked(files)
    assert told["interactions"] >= 5 and told["table"] >= 5
