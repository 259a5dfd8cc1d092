"""What the maps select, how a link holds it, what colours them, and which items they show."""

import numpy as np
import pandas as pd
import pytest

from adrec.pictures.colours import _categories
from app.collapse import colours, selection
from app.collapse.long import duration, probe
from app.collapse.points import stratified
from tests.app.pages import open_page

ITEMS = 1_003


@pytest.mark.parametrize("count", [0, 1, 50, 51, 700, ITEMS])
@pytest.mark.parametrize("sampled", [False, True])
def test_a_link_holds_exactly_what_was_selected(count: int, sampled: bool) -> None:
    generator = np.random.default_rng(count)
    shown = np.sort(generator.choice(ITEMS, 800, replace=False)) if sampled else None
    rows = np.sort(generator.choice(np.arange(ITEMS) if shown is None else shown, min(count, 800), replace=False))
    np.testing.assert_array_equal(selection.decode(selection.encode(rows, shown, ITEMS), shown, ITEMS), rows)
    np.testing.assert_array_equal(selection.bits_to_rows(selection.rows_to_bits(rows, shown, ITEMS), shown, ITEMS), rows)


def test_a_few_items_stand_in_the_link_by_number() -> None:
    assert selection.encode(np.array([2, 16, 39, 40, 41]), None, ITEMS) == "3,17,40-42"


@pytest.mark.parametrize("text", ["~", "~????", "~eNo", "x", "1;2", "-3", "0", "999999999", "1-", "5-2", "1," * 2000, "~" + "A" * 5000])
def test_a_broken_link_selects_nothing(text: str) -> None:
    assert len(selection.decode(text, None, ITEMS)) == 0


def test_a_small_text_that_unfolds_to_much_is_cut_and_refused() -> None:
    import base64
    import zlib

    bomb = "~" + base64.urlsafe_b64encode(zlib.compress(bytes(10_000_000))).decode().rstrip("=")
    assert len(selection.decode(bomb, None, ITEMS)) == 0


def test_make_up_is_shares_of_items_and_an_item_counts_in_each_of_its_values() -> None:
    values = pd.Series(["a|b", "a", "b", "", "a|a"], index=[1, 2, 3, 4, 5])
    found = selection.makeup(values, np.array([0, 1])).set_index("value")
    assert (
        found.loc["a"].tolist() == [1.0, 0.6, pytest.approx(1 / 0.6)] and found.loc["b", "chosen"] == 0.5 and "unknown" not in found.index
    )


def test_every_stretch_of_popularity_has_its_share_of_the_sample() -> None:
    popularity = np.random.default_rng(0).zipf(1.5, 10_000)
    rows = stratified(popularity, 10_000, 1_000)
    assert len(np.unique(rows)) == 1_000
    for limit in (1, 2, 5, 50):
        assert abs((popularity[rows] > limit).sum() - (popularity > limit).sum() / 10) <= 1


def test_clusters_are_found_and_the_largest_comes_first() -> None:
    group = np.repeat(np.arange(7), [60, 50, 40, 30, 20, 15, 10])
    table = np.eye(7)[group] * 5 + np.random.default_rng(0).normal(scale=0.1, size=(len(group), 7))
    np.testing.assert_array_equal(colours.clusters(table), group)


def test_the_trial_of_a_computation_tells_how_long_all_of_it_takes() -> None:
    import time

    def compute(progress: object) -> None:
        for i in range(1000):
            time.sleep(0.01)
            progress((i + 1) / 1000, "")  # type: ignore[operator]

    assert probe(compute) > 8


@pytest.mark.parametrize(("seconds", "words"), [(0.3, "about a second"), (7.2, "about 7 s"), (43, "about 45 s"), (200, "about 3 min")])
def test_durations_are_said_roughly(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize("colour", list(colours.COMPUTED))
def test_the_page_of_a_link_shows_its_selection_and_computed_colours(colour: str) -> None:
    app = open_page("collapse", run="ml-100k", selected="3,17,40-42", colour=colour, metric="euclidean")
    assert not app.exception and not app.error and "5 selected" in [heading.value for heading in app.subheader]


def test_words_are_sent_only_where_they_say_more_than_the_category() -> None:
    alone, several = _categories(pd.Series(["a", "b", "a"]), "Kind"), _categories(pd.Series(["a|b", "b", "a"]), "Kind")
    assert alone.words == [] and [alone.categories[code] for code in alone.codes] == ["a", "b", "a"] and several.words[0] == "a, b"


def test_the_list_of_items_is_sent_again_only_with_another_run_and_stands_where_the_link_says() -> None:
    app = open_page("collapse", item="30")
    first = app.selectbox(key="state.item")
    assert (first.value, first.proto.set_value) == (30, True)
    again = app.run().selectbox(key="state.item")
    assert (again.value, again.proto.set_value, again.proto.id) == (30, False, first.proto.id)
    app.query_params["run"] = "ml-1m"
    other = app.run().selectbox(key="state.item")
    assert (other.value, other.proto.set_value) == (30, True)
