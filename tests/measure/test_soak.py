"""What a soak says of its figures, and their picture."""

import csv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from adrec.errors import DataError
from app.load.measure import COLUMNS
from tests.measure.soak import rows, told
from tests.measure.soak_picture import draw, main

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """An hour with viewers, in which memory grows by a tenth, and a quarter of an hour without."""
    path = tmp_path / "soak.csv"
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for minute in range(76):
            there = minute <= 60
            figures = {"second": 60 * minute, "viewers": 25 if there else 0, "choices": 100 if there else 0, "p95": 0.5 if there else ""}
            table.writerow(dict.fromkeys(COLUMNS, 0) | figures | {"rss_mib": 500 + minute if there else 450, "handles": 90, "threads": 30})
    return path


def test_growth_and_what_is_left_are_said(report: Path) -> None:
    found = rows(report)
    said = told([{**found[0], "rss_mib": 400.0}, *found[1:]])
    assert said[0] == "At the start the server held 400 MiB."
    assert said[1] == "With viewers, from minute 5 on: 512 to 554 MiB (+8%)." and "90 to 90 file handles (+0%)" in said[2]
    assert said[4] == "15 minutes after the last has left: 450 MiB (+12%), 90 file handles, 30 threads."
    assert said[5] == "6,100 choices, 0 errors seen by viewers."


def test_each_minute_is_a_point_within_its_panel(report: Path, tmp_path: Path) -> None:
    main(report, tmp_path / "soak.svg")
    text = (tmp_path / "soak.svg").read_text()
    paths = [path.get("d", "") for path in ElementTree.fromstring(text).iter(f"{SVG}path")]
    assert text == draw(rows(report)) and [d.count("L") for d in paths] == [75] * 4
    assert all(0 <= float(y) <= 110 for d in paths for y in (point.split()[1] for point in d[1:].split("L")))


def test_another_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("second,viewers\n1,x\n")
    with pytest.raises(DataError, match=r"tests\.measure\.soak"):
        main(tmp_path / "x.csv", tmp_path / "x.svg")
