"""Items by what a person types."""

import pandas as pd
import pytest

from adrec.data.titles import Finder, RawId, closest
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


def test_an_id_goes_before_another_items_title():
    assert Finder(ITEMS).item("10") == 1


def test_an_id_from_a_column_of_ids_is_no_title_and_has_its_own_case():
    assert Finder(ITEMS).item(RawId("40")) == 4
    for text in ("NA", "a-9", "Alien (1979)"):
        with pytest.raises(DataError, match="is not among the ids of the catalogue"):
            Finder(ITEMS).item(RawId(text))
    with pytest.raises(DataError, match="which has 'A-9'"):
        Finder(ITEMS).item(RawId("a-9"))
    with pytest.raises(DataError, match="which has '40'"):
        Finder(ITEMS).item(RawId("040"))


def test_several_candidates_are_listed():
    twice = pd.DataFrame({"item": ["a", "b", "aB3", "Ab3"], "title": ["Same", "Same", "One", "Two"]}, index=pd.RangeIndex(1, 5))
    with pytest.raises(DataError, match=r"'Same' may be 2 items: 'Same' \(id a\), 'Same' \(id b\); give the id"):
        Finder(twice).item("Same")
    with pytest.raises(DataError, match=r"'AB3' may be 2 items: 'One' \(id aB3\), 'Two' \(id Ab3\)"):
        Finder(twice).item("AB3")
    assert [Finder(twice).item(text) for text in ("b", "aB3", "Ab3", "one")] == [2, 3, 4, 3]


def test_a_history_keeps_its_order_and_its_repetitions():
    assert Finder(ITEMS).history("Alien (1979); 10 ;;Aladdin (1992); alien (1979);") == [3, 1, 2, 3]


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
    assert Finder(ITEMS).history([2, "alien (1979)", "10"]) == [2, 3, 1]
