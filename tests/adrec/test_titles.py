"""Items by what a person types."""

import pandas as pd
import pytest

from adrec.data.titles import Finder, closest
from adrec.errors import DataError

NAMES = ["Toy Story (1995)", "Aladdin (1992)", "Alien (1979)", "Aliens (1986)", "007", "Straße", " Kolya (1996)", "NA", "10"]
RAW = ["10", "20", "30", "40", "50", "60", "70", "80", "A-9"]
ITEMS = pd.DataFrame({"item": RAW, "title": NAMES}, index=pd.RangeIndex(1, len(NAMES) + 1, name="id"))


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("Toy Story (1995)", 1),
        ("toy story (1995)", 1),
        ("  Aladdin (1992) ", 2),
        ("30", 3),
        ("a-9", 9),
        ("STRASSE", 6),
        ("Kolya (1996)", 7),
        ("NA", 8),
        ("007", 5),
    ],
)
def test_an_item_is_found_by_title_or_id_whatever_the_case(text, item):
    assert Finder(ITEMS).item(text) == item


def test_a_title_goes_before_another_items_id():
    assert Finder(ITEMS).item("10") == 9


def test_of_two_items_with_one_title_the_first_is_taken():
    twice = pd.DataFrame({"item": ["a", "b"], "title": ["Same", "Same"]}, index=pd.RangeIndex(1, 3))
    assert Finder(twice).item("same") == 1
    assert Finder(twice).item("b") == 2


def test_a_history_keeps_its_order_and_its_repetitions():
    assert Finder(ITEMS).history("Alien (1979); 10 ;;Aladdin (1992); alien (1979);") == [3, 9, 2, 3]


@pytest.mark.parametrize("text", ["", "  ", ";", " ; ; "])
def test_an_empty_history_is_refused(text):
    with pytest.raises(DataError, match="The history is empty; it needs at least one title or id, with ';' between them"):
        Finder(ITEMS).history(text)


def test_a_misspelt_title_is_answered_with_the_closest_ones():
    with pytest.raises(DataError, match=r"'Toy Stroy \(1995\)' is neither a title nor an id in the catalogue; .*Toy Story \(1995\)"):
        Finder(ITEMS).item("Toy Stroy (1995)")


def test_the_first_words_of_a_title_are_answered_with_it():
    with pytest.raises(DataError, match=r"closest titles are .*Toy Story \(1995\)"):
        Finder(ITEMS).item("toy story")


def test_a_title_like_no_other_is_said_so():
    with pytest.raises(DataError, match="no title is similar"):
        Finder(ITEMS).item("qqqqqqqqqqqq")


def test_a_wrong_item_in_a_history_is_the_one_that_is_named():
    with pytest.raises(DataError, match="^'zzz' is neither"):
        Finder(ITEMS).history("Alien (1979); zzz")


def test_the_closest_come_best_first_and_at_most_as_many_as_asked_for():
    assert closest("alien (1979)", ITEMS, 2) == ["Alien (1979)", "Aliens (1986)"]
    assert len(closest("a", ITEMS, 3)) == 3


def test_a_sequence_may_mix_ids_with_titles():
    assert Finder(ITEMS).history([2, "alien (1979)", "10"]) == [2, 3, 9]
