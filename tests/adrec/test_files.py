"""CSV for people: what a spreadsheet would run is text, all else is as it was."""

import io

import numpy as np
import pandas as pd
import pytest

from adrec.files import csv_for_people


@pytest.mark.parametrize("text", ['=HYPERLINK("http://evil.example")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_would_be_a_formula_begins_with_an_apostrophe(text: str) -> None:
    read = pd.read_csv(io.StringIO(csv_for_people(pd.DataFrame({text: [text, "Alien"]}))), dtype=str)
    kept = "'" + text.replace("\r", " ")
    assert read.columns.tolist() == [kept] and read.iloc[:, 0].tolist() == [kept, "Alien"]


def test_no_text_begins_a_row_of_its_own() -> None:
    assert "\r" not in csv_for_people(pd.DataFrame({"title": ["Alien\r=1"]}))


def test_categories_are_text_too() -> None:
    assert "'=1" in csv_for_people(pd.DataFrame({"genre": pd.Categorical(["=1", "Drama"])}))


def test_numbers_and_ordinary_text_stay_as_they_are() -> None:
    frame = pd.DataFrame({"n": [-1, 2], "x": [-0.5, np.nan], "t": ["a-b", "M*A*S*H"], "seen": [True, False], "none": [None, "x"]})
    assert csv_for_people(frame) == frame.to_csv(index=False)


def test_a_table_without_rows_keeps_its_header() -> None:
    assert csv_for_people(pd.DataFrame({"a": [], "b": []})) == "a,b\n"
