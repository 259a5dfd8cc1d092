"""The documents point at what exists: links, paths, and the names in the table of docs/ARCHITECTURE.md."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from adrec.data.options import Options
from adrec.embeddings.files.columns import ROLES
from adrec.reading.known import KNOWN

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
ROWS = re.findall(r"^\| (.*) \| (`[^|]*`) \| (`[^|]*`) \|$", (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8"), re.M)


def anchors(page: Path) -> set[str]:
    """The headings of a page as the hosts of repositories link them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists() and (not anchor or anchor in anchors(target)), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_script_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    paths = re.findall(r"`((?:adrec|app|pages|tests|assets|docs)/[\w./-]+\.\w+)`", text)
    scripts = [module.replace(".", "/") + ".py" for module in re.findall(r"python -m (tests\.[\w.]+\w)", text)]
    assert [path for path in [*paths, *scripts] if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))
    every = (
        {name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)}
        if named
        else set()
    )
    assert named <= every, named - every


@pytest.mark.parametrize(("idea", "files", "names"), ROWS, ids=[row[0] for row in ROWS])
def test_an_idea_is_where_the_map_says(idea: str, files: str, names: str) -> None:
    text = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in re.findall("`([^`]+)`", files))
    for name in re.findall("`([^`]+)`", names):
        last = name.rpartition(".")[2]
        assert re.search(rf"^\s*(?:export )?(?:def|class|interface|function|const) {last}\b|^{last}\b", text, re.M), f"{idea}: {name}"


def test_the_page_on_data_names_every_option_once_and_every_public_data_set() -> None:
    text = (ROOT / "docs/DATA.md").read_text(encoding="utf-8")
    interactions, tables = text.split("## Tables of embeddings")
    named = [name for row in re.findall(r"^\| (`[a-z_`, ]+`) \|", interactions, re.M) for name in re.findall("`([a-z_]+)`", row)]
    assert sorted(named) == sorted(field.name for field in fields(Options))
    assert [f"{role}=COLUMN" for role in ROLES if f"{role}=COLUMN" not in tables] == []
    assert [entry.name for entry in KNOWN if entry.name.removeprefix("the layout of ").split()[0].strip("(") not in interactions] == []
