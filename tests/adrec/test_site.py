"""The site: what is in its folder."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adrec.browser import wire
from adrec.cli import main
from adrec.data import catalog
from adrec.lesson import setup
from adrec.lesson.people import PEOPLE
from adrec.runs import RunFolder
from adrec.site.folder import MARK, Folder

FIRST = 1_000_000
PAGE = 5_000_000
WHOLE = 30_000_000
ADDRESSES = re.compile(r'(?:src|href|data-content)="([^"]*)"')


@pytest.fixture(scope="module")
def made(built_site: Path) -> Folder:
    found = Folder()
    found.files = {p.relative_to(built_site).as_posix(): p.read_bytes() for p in built_site.rglob("*") if p.is_file() and p.name != MARK}
    return found


def named(made: Folder, page: str) -> set[str]:
    """The addresses on a page."""
    return set(ADDRESSES.findall(made.files[page].decode()))


def size(made: Folder, page: str) -> int:
    """Of a page with all the files that it begins with."""
    return len(made.files[page]) + sum(len(made.files[name]) for name in named(made, page) if name.startswith("files/"))


def test_all_of_it_has_at_most_30_mb_a_page_5_and_the_first_picture_one(made: Folder) -> None:
    assert sum(map(len, made.files.values())) <= WHOLE
    pages = [name for name in made.files if name.endswith(".html")]
    assert size(made, "index.html") <= FIRST and max(size(made, page) for page in pages) <= PAGE


def test_every_address_is_relative_and_of_a_file_that_is_there(made: Folder) -> None:
    pages = [name for name in made.files if name.endswith(".html")]
    assert {address for page in pages for address in named(made, page)} <= set(made.files)
    code = [data.decode() for name, data in made.files.items() if name.endswith((".html", ".js"))]
    assert [found for text in code for found in re.findall(r"https?://(?!www\.w3\.org/)[^\"'\s]*", text)] == []


def test_a_site_replaces_an_earlier_one_and_nothing_else(tmp_path: Path, made: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "site"
    made.write(out)
    made.write(out)
    assert {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} == {*made.files, "site.json"}
    assert [p.name for p in tmp_path.iterdir()] == ["site"]
    (out / "thesis.txt").write_text("years of work")
    assert main(["site", "--out", str(out)]) == 2 and "holds something else than a site" in capsys.readouterr().err
    assert (out / "thesis.txt").exists()


# -- nobody's ratings ---------------------------------------------------------------------------------------------

RUN = 6
"""Films in the order of somebody's history, as many as this, are no accident."""
WEIGHTS = np.random.default_rng(0).integers(1, 2**62, RUN, dtype=np.int64)


def contents(made: Folder) -> Iterator[tuple[str, Any]]:
    """Every object, list and array in the site's data, those in arrays of bytes too, each with the name of its file."""
    for name, data in made.files.items():
        if not name.endswith(".bin"):
            continue
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        header = int.from_bytes(data[:8], "little")
        waiting: list[Any] = [json.loads(data[8 : 8 + header])] if header < len(data) else wire.unblock(data)  # of weights, or blocks
        while waiting:
            found = waiting.pop()
            yield name, found
            if isinstance(found, dict):
                nested = {
                    key
                    for key, value in found.items()
                    if key.split()[0] in ("tables", "spectra", "film", "maps") and isinstance(value, np.ndarray)
                }
                waiting += [block for key in nested for block in wire.unblock(found[key].tobytes())]
                waiting += [v for key, v in found.items() if key not in nested and isinstance(v, list | dict | np.ndarray)]
            elif isinstance(found, list):
                waiting += [value for value in found if isinstance(value, list | dict)]


def orders(numbers: Any) -> np.ndarray:
    """A number for each RUN of entries that follow each other."""
    entries = np.asarray(numbers, dtype=np.int64).ravel()
    if len(entries) < RUN:
        return np.zeros(0, dtype=np.int64)
    return np.asarray((np.lib.stride_tricks.sliding_window_view(entries, RUN) * WEIGHTS).sum(axis=1))


def test_no_rating_is_in_the_site_and_its_only_histories_are_those_of_made_up_people(made: Folder) -> None:
    runs = [RunFolder(setup.ASSETS / "runs" / name) for name in ("ml-100k", "ml-1m")]
    made_up = {tuple(person.ids(run.items)[0]) for person in PEOPLE for run in runs}
    users = catalog.load_for_run(runs[0].info)
    rated = np.concatenate([orders(users.history(user, "test", 1_000)) for user in range(users.n_users)])
    rated = np.setdiff1d(rated, np.concatenate([orders(history) for history in made_up]))
    histories: set[tuple[int, ...]] = set()
    seen: list[np.ndarray] = []
    for name, found in contents(made):
        if isinstance(found, dict):
            assert not [key for key in ("users", "user_ids", "ratings") if isinstance(found.get(key), list | dict)], name
            histories |= {tuple(value) for key, value in found.items() if key == "history" and isinstance(value, list)}
        elif isinstance(found, np.ndarray) and found.dtype.kind in "iu" or isinstance(found, list) and all(type(n) is int for n in found):
            seen += [orders(np.asarray(found, dtype=np.int64) + first) for first in (0, 1)]  # ids from 1, or rows from 0
    every = np.concatenate(seen)
    assert histories == made_up and len(every) > 100_000 and not np.isin(every, rated).any()
