"""Rows read and rows left out are the rows of the file, for every reader, on every file that the tests bring."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adrec.data.item_files import read_items
from adrec.data.readers import read_dataset
from adrec.embeddings.files import SUFFIXES, read_table
from adrec.errors import AdrecError
from adrec.explain.recommending import read_histories
from adrec.reading.account import Account
from adrec.reading.rows import known, open_rows
from tests.adrec.reading.reading import values
from tests.fuzz.seeds import seeds
from tests.fuzz.trying import accounted

ROOT = Path(__file__).parents[3]


def of_interactions(path: Path) -> Account | None:
    """The account of a data set, which must hold as many interactions as it says."""
    data = read_dataset(path)
    if data.account is None:  # it was split before, so it has no rows
        return None
    account = Account.from_dict(data.account)
    assert account.read == len(data.train_items) + 2 * data.n_users
    return account


def of_items(path: Path) -> Account:
    frame, account = read_items(path)
    assert account.read == len(frame) and frame.index.is_unique
    return account


def of_histories(path: Path) -> Account:
    histories, account = read_histories(path)
    each = histories.values() if isinstance(histories, dict) else histories
    assert account.read == (sum(map(len, each)) if isinstance(histories, dict) else len(histories))
    return account


def of_table(path: Path) -> Account | None:
    found = read_table(path)
    assert found.account is None or found.account.read == len(found.table)
    return found.account


READERS: dict[str, Callable[[Path], Account | None]] = {
    "interactions": of_interactions,
    "items": of_items,
    "histories": of_histories,
    "table": of_table,
}


def accounts(path: Path) -> Iterator[tuple[str, Account]]:
    """The account of each reader that takes this file."""
    rows = None
    if known(path):
        try:
            with open_rows(path) as opened:
                rows = len(values(opened))
                assert rows == opened.account.rows
                yield "rows", opened.account
        except AdrecError:
            pass
    for name, read in READERS.items():
        if not known(path) and not (name == "table" and path.suffix.lower() in SUFFIXES) and path.suffix.lower() != ".pkl":
            continue
        try:
            account = read(path)
        except AdrecError:
            continue
        if account is None:
            continue
        lists = any("rows with lists are" in note for note in account.notes)
        assert lists or rows is None or account.lines.get("header") != opened.account.lines.get("header") or account.rows == rows
        yield name, account


def walked(files: list[Path]) -> Counter[str]:
    """How many accounts of each reader add up."""
    told: Counter[str] = Counter()
    for path in files:
        found = 0
        for name, account in accounts(path):
            if name == "rows":
                lines = account.lines
                assert not lines or lines["total"] == sum(n for kind, n in lines.items() if kind != "total")
            else:
                accounted(account.as_dict())
            told[name] += 1
            found += 1
        told["refused"] += not found
    return told


@pytest.mark.long
def test_the_accounts_of_small_files_in_every_format_add_up(tmp_path: Path) -> None:
    files = []
    for number, seed in enumerate(seeds()):
        if "" in seed.files:
            files.append(tmp_path / f"{number}{seed.suffix}")
            files[-1].write_bytes(seed.files[""])
    told = walked(files)
    print(dict(told))
    assert told["interactions"] >= 15 and told["table"] >= 20


def test_the_accounts_of_bundled_item_files_add_up() -> None:
    found = sorted((ROOT / "assets").rglob("items.csv"))
    different = {path.read_bytes(): path for path in found}.values()  # runs on the same data hold the same file
    assert walked(list(different))["items"] == len(different) >= 3


@pytest.mark.long
@pytest.mark.data
def test_the_accounts_of_brought_files_add_up(test_data: Path) -> None:
    files = sorted(path for path in (test_data / "brought").iterdir() if path.is_file() and path.suffix != ".md")
    told = walked(files)
    print(dict(told))
    assert told["interactions"] >= 5 and told["table"] >= 5
