"""The site: what is in its folder."""

import re
from pathlib import Path

import pytest

from adrec.cli import main
from adrec.site.build import site
from adrec.site.folder import Folder

FIRST = 1_000_000
PAGE = 5_000_000
WHOLE = 30_000_000
ADDRESSES = re.compile(r'(?:src|href|data-content)="([^"]*)"')


@pytest.fixture(scope="module")
def made() -> Folder:
    return site()


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
