"""Which row is which item, as a finding: every plausible join is tried, and the sentence says which one holds.

The tables are made: the right join is known, and every test brings one wrong join that happens in practice.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from adrec.embeddings.bring import bring
from adrec.embeddings.judging import in_words, judge, told
from adrec.embeddings.report import report
from adrec.errors import DataError
from adrec.reading.account import Doubt

ITEMS, WIDTH, CLUSTERS, USERS = 300, 24, 30, 500


@dataclass(frozen=True)
class Made:
    """Interactions in ``log`` of items with the ids 1 to 300 and clusters that people stay in; table: the vector of each id, by id."""

    log: Path
    table: np.ndarray
    seen: list[int]

    def noise(self, rows: int) -> np.ndarray:
        return np.random.default_rng(9).standard_normal((rows, WIDTH)).astype(np.float32)

    def of(self, ids: list[int] | np.ndarray) -> np.ndarray:
        """The vectors of these ids."""
        return self.table[np.asarray(ids) - 1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    rng = np.random.default_rng(3)
    cluster = rng.permutation(np.arange(ITEMS) % CLUSTERS)
    table = rng.standard_normal((CLUSTERS, WIDTH))[cluster] + 0.7 * rng.standard_normal((ITEMS, WIDTH))
    rows = []
    for user in range(USERS):
        pool = np.flatnonzero(np.isin(cluster, rng.choice(CLUSTERS, 2, replace=False)))
        rows += [(f"u{user}", int(i) + 1) for i in rng.choice(pool, 14, replace=False)]
    assert len({item for _, item in rows}) == ITEMS
    frame = pd.DataFrame(rows, columns=["user_id", "item_id"]).assign(timestamp=rng.permutation(len(rows)) + 1_000_000_000)
    frame["rating"] = np.where(frame["item_id"] % 10 == 0, 1, 5)
    log = tmp_path_factory.mktemp("made") / "log.csv"
    frame.to_csv(log, index=False)
    return Made(log, table.astype(np.float32), frame["item_id"].drop_duplicates().tolist())


def _judged(made: Made, folder: Path, table: Any, **how: Any) -> dict[str, Any]:
    """The judgement of a table: an array, or a state dict as RecBole saves it."""
    path = folder / ("t.pth" if isinstance(table, dict) else "t.npy")
    if isinstance(table, dict):
        torch.save({key: torch.tensor(value) for key, value in table.items()}, path)
    else:
        np.save(path, table)
    return judge(bring([path], interactions=made.log, **how))["tables"][0]


def _corrected(entry: dict[str, Any], option: str) -> None:
    """The verdict is given for another join than asked for, and says so first, with the option."""
    assert entry["verdict"]["kind"] == "healthy" and entry["verdict"]["confidence"] > 0.9 and not entry["verdict"]["undecided"]
    assert entry["verdict"]["says"].startswith("The rows are joined to other items than assumed: ")
    assert entry["join"]["fix"] == option and f"{option} asks for it" in entry["verdict"]["says"]
    assert entry["join"]["clear"] and entry["join"]["used"] != entry["join"]["asked"]


# -- what went wrong --------------------------------------------------------------------------------------------------


def test_a_recbole_state_dict_with_raw_ids_is_joined_by_first_appearance_and_says_so(made: Made, tmp_path: Path) -> None:
    entry = _judged(made, tmp_path, {"item_embedding.weight": np.concatenate([np.zeros((1, WIDTH), np.float32), made.of(made.seen)])})
    _corrected(entry, "--order appearance")
    assert "in order of first appearance, after a first row for no item, items used together lie together" in entry["verdict"]["says"]


def test_a_recbole_table_of_items_that_a_filter_left_out_is_joined_by_all_items_of_the_file(made: Made, tmp_path: Path) -> None:
    table = {"item_embedding.weight": np.concatenate([np.zeros((1, WIDTH), np.float32), made.of(made.seen)])}
    entry = _judged(made, tmp_path, table, options={"min_rating": "3"})
    _corrected(entry, "--order appearance-all")
    assert entry["join"]["rows_unused"] == 31 and "rows belong to no item of the interactions" in entry["join"]["says"]


@pytest.mark.parametrize(
    ("rows", "used"), [(list(range(1, 301)), "numeric"), ([*range(2, 301), 1], "numeric:-1"), ([300, *range(1, 300)], "number")]
)
def test_rows_off_by_one_are_joined_where_they_belong(made: Made, tmp_path: Path, rows: list[int], used: str) -> None:
    entry = _judged(made, tmp_path, made.of(rows))
    assert (entry["verdict"]["kind"], entry["join"]["used"]) == ("healthy", used)
    if used != "numeric":
        _corrected(entry, f"--order {used}")
        again = _judged(made, tmp_path, made.of(rows), order=used)
        assert again["join"]["asked"] == again["join"]["used"] == used and again["join"]["fix"] is None


def test_a_row_taken_for_padding_that_is_an_item_is_given_back(made: Made, tmp_path: Path) -> None:
    entry = _judged(made, tmp_path, {"item_embedding.weight": made.of(list(range(1, 301)))})
    assert entry["verdict"]["says"].startswith("Row 0 was taken for padding and is an item; --order numeric:0 or --padding none says so.")
    assert not any("Row 0 was removed" in sentence for sentence in told(entry))
    assert (entry["items"], entry["verdict"]["kind"], entry["join"]["used"]) == (300, "healthy", "numeric:0")
    assert "from row 0, which was taken for padding" in entry["join"]["says"]
    assert "padding or unknown, the first row" not in entry["account"]["left_out"] and entry["account"]["read"] == 300


def test_a_padding_row_that_was_left_in_is_found(made: Made, tmp_path: Path) -> None:
    entry = _judged(made, tmp_path, np.concatenate([made.noise(1), made.table]), padding="none")
    assert (entry["verdict"]["kind"], entry["join"]["used"]) == ("healthy", "numeric")
    assert "after a first row for no item" in entry["join"]["says"]


def test_ids_sorted_as_text_are_found(made: Made, tmp_path: Path) -> None:
    entry = _judged(made, tmp_path, made.of(sorted(range(1, 301), key=str)))
    _corrected(entry, "--order text")


@pytest.mark.parametrize(("first", "after"), [(0, 500), (500, 0), (501, 1)])
def test_the_items_block_of_a_table_of_users_and_items_is_found_and_the_rest_is_told(
    made: Made, tmp_path: Path, first: int, after: int
) -> None:
    entry = _judged(made, tmp_path, np.concatenate([made.noise(first), made.table, made.noise(after)]))
    assert (entry["verdict"]["kind"], entry["items"], entry["join"]["rows_unused"]) == ("healthy", 300, first + after)
    assert entry["join"]["candidates"][0]["name"] == (f"numeric:{first}" if first else "numeric")
    assert f"{first + after} of the table's {first + after + 300} rows belong to no item" in entry["join"]["says"]


def test_which_block_the_items_are_is_asked_where_none_stands_out(made: Made, tmp_path: Path) -> None:
    entry = _judged(made, tmp_path, np.repeat(np.repeat(np.eye(8), 3, axis=1), 100, axis=0) + 0.2 * made.noise(800))
    assert entry["verdict"]["confidence"] == 0.5 and "Add an id column" in entry["verdict"]["undecided"][0]


def test_surplus_rows_are_counted_with_the_reason_why_they_matter(made: Made, tmp_path: Path) -> None:
    frame = pd.DataFrame(np.concatenate([made.table, made.noise(70)]), index=pd.Index(range(1, 371), name="item_id"))
    frame.add_prefix("e").to_csv(tmp_path / "t.csv")
    entry = judge(bring([tmp_path / "t.csv"], interactions=made.log))["tables"][0]
    assert entry["join"]["rows_unused"] == 70
    assert "70 of the table's 370 rows belong to no item of the interactions" in " ".join(told(entry))


# -- and what must stay so --------------------------------------------------------------------------------------------


def test_a_table_of_noise_has_no_join_and_its_verdict_is_not_doubted_for_that(made: Made, tmp_path: Path) -> None:
    entry = _judged(made, tmp_path, made.noise(300))
    assert entry["verdict"]["kind"] == "noise-like" and entry["verdict"]["confidence"] > 0.9 and not entry["verdict"]["undecided"]
    assert not entry["join"]["clear"] and entry["join"]["fix"] is None


def test_where_no_join_stands_out_the_verdict_on_meaning_is_withheld(made: Made, tmp_path: Path) -> None:
    entry = _judged(made, tmp_path, np.random.default_rng(4).permutation(made.table))
    assert entry["verdict"]["confidence"] == 0.5 and entry["interactions"] is None and not entry["join"]["clear"]
    assert "its rows are in an order that was not tried; an id column settles it" in entry["verdict"]["undecided"][0]


def test_ids_win_over_positions_and_are_not_doubted(made: Made, tmp_path: Path) -> None:
    order = np.random.default_rng(4).permutation(ITEMS)
    pd.DataFrame(made.table[order], index=pd.Index(order + 1, name="item_id")).add_prefix("e").to_csv(tmp_path / "t.csv")
    entry = judge(bring([tmp_path / "t.csv"], interactions=made.log))["tables"][0]
    assert (entry["verdict"]["kind"], entry["join"]["used"], entry["join"]["clear"]) == ("healthy", "ids", True)
    assert not entry["verdict"]["undecided"]


def test_ids_shifted_against_their_rows_are_a_question(made: Made, tmp_path: Path) -> None:
    order = np.random.default_rng(4).permutation(ITEMS)
    pd.DataFrame(made.table[np.roll(order, 1)], index=pd.Index(order + 1, name="item_id")).add_prefix("e").to_csv(tmp_path / "t.csv")
    entry = judge(bring([tmp_path / "t.csv"], interactions=made.log))["tables"][0]
    assert entry["join"]["used"] == "ids" and not entry["join"]["clear"]
    assert "Whether the ids stand beside their own rows" in entry["verdict"]["undecided"][0]


def test_ids_that_only_count_the_rows_are_positions(made: Made, tmp_path: Path) -> None:
    pd.DataFrame(made.of(made.seen), index=pd.Index(range(1, 301), name="item_id")).add_prefix("e").to_csv(tmp_path / "t.csv")
    entry = judge(bring([tmp_path / "t.csv"], interactions=made.log))["tables"][0]
    _corrected(entry, "--order appearance")


def test_an_order_asked_for_with_its_first_row_is_taken(made: Made, tmp_path: Path) -> None:
    entry = _judged(made, tmp_path, np.concatenate([made.noise(7), made.table, made.noise(3)]), order="numeric:7")
    assert (entry["items"], entry["join"]["asked"], entry["join"]["used"]) == (300, "numeric:7", "numeric:7")


def test_rows_as_gensim_numbers_words_are_found(made: Made, tmp_path: Path) -> None:
    counts = pd.read_csv(made.log)["item_id"].value_counts()
    rows = sorted(reversed(made.seen), key=lambda item: -counts[item])  # of equals the one seen last first
    entry = _judged(made, tmp_path, made.of(rows))
    assert entry["join"]["used"] == "gensim" and entry["verdict"]["kind"] == "healthy"


# -- sentences


def test_a_join_that_fits_far_better_than_all_others_is_said_to_hold(made: Made, tmp_path: Path) -> None:
    says = _judged(made, tmp_path, made.table)["join"]["says"]
    assert "plausible joins this one holds, clearly: " in says and "none fits clearly better" not in says


def test_the_items_that_ranks_and_spread_are_of_are_told_where_rare_ones_are_left_out(made: Made, tmp_path: Path) -> None:
    frame = pd.read_csv(made.log)
    frame[(frame["item_id"] > 20) | (frame.groupby("item_id").cumcount() < 3)].to_csv(tmp_path / "log.csv", index=False)
    np.save(tmp_path / "t.npy", made.table)
    judged = judge(bring([tmp_path / "t.npy"], interactions=tmp_path / "log.csv"))
    of = judged["tables"][0]["verdict"]["sample"]["items"]
    says = f"Ranks, spread and neighbours are of the {of} of 300 items with at least 5 training occurrences."
    assert of < 300 and says in in_words(judged["tables"][0]) and says in report(judged, [made.table])
    assert not any(line.startswith("Ranks") for line in in_words(_judged(made, tmp_path, made.table)))


# -- tables on their side; titles by row


@pytest.mark.parametrize("first", [0, 1])
def test_a_table_that_lies_on_its_side_is_turned_where_that_makes_sense_of_it(made: Made, tmp_path: Path, first: int) -> None:
    table = np.concatenate([made.noise(first), made.table]).T
    entry = _judged(made, tmp_path, table)
    assert (entry["verdict"]["kind"], entry["width"], entry["join"]["fix"]) == ("healthy", WIDTH, "--transpose")
    assert entry["verdict"]["says"].startswith("The table lies on its side: ") and not entry["verdict"]["undecided"]
    assert sum("on its side" in line for line in in_words(entry)) == 1
    again = _judged(made, tmp_path, table, transpose=True)
    assert (again["verdict"]["kind"], again["join"]["fix"]) == ("healthy", None)
    np.save(tmp_path / "start.npy", table)
    assert "unmoved-rows" in {f["code"] for f in _judged(made, tmp_path, table, initial=tmp_path / "start.npy")["facts"]}


def test_a_table_as_wide_as_it_is_long_is_taken_by_rows_unless_the_columns_fit_clearly_better(made: Made, tmp_path: Path) -> None:
    wide = np.concatenate([made.table, 0.1 * np.random.default_rng(1).standard_normal((ITEMS, ITEMS - WIDTH))], axis=1).astype(np.float32)
    assert _judged(made, tmp_path, wide)["join"]["fix"] is None
    turned = _judged(made, tmp_path, np.ascontiguousarray(wide.T))
    assert turned["join"]["fix"] == "--transpose" and ", by its rows " in turned["join"]["says"]


def test_a_table_on_its_side_that_means_nothing_is_asked_about(made: Made, tmp_path: Path) -> None:
    with pytest.raises(Doubt, match="say --transpose"):
        _judged(made, tmp_path, made.noise(ITEMS).T)


TITLES = [f"Film {i}" for i in range(6)]


@pytest.mark.parametrize(
    ("lines", "table", "first"),
    [
        (TITLES, np.eye(6), "Film 0"),
        (["Title", *TITLES], np.eye(6), "Film 0"),
        (["[PAD]", *TITLES], np.concatenate([np.zeros((1, 6)), np.eye(6)]), "Film 0"),
        (["title", "[PAD]", *TITLES], np.concatenate([np.zeros((1, 6)), np.eye(6)]), "Film 0"),
    ],
)
def test_titles_by_row_are_those_of_the_rows_with_a_heading_and_a_padding_row(
    tmp_path: Path, lines: list[str], table: np.ndarray, first: str
) -> None:
    np.save(tmp_path / "t.npy", table)
    (tmp_path / "titles.txt").write_text("\n".join(lines))
    (source,) = bring([tmp_path / "t.npy"], items=tmp_path / "titles.txt")
    assert source.items is not None and source.items.frame["title"].tolist()[0] == first
    assert any("Its first, '[PAD]', is that of the padding row" in note for note in source.notes) == ("[PAD]" in lines)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([*TITLES, "Film 6"], "has 7 titles .* 6 rows: its first line, 'Film 0', may be a heading, or the title of a padding row"),
        (TITLES[1:], "has 5 titles .* 6 rows: row 0 of the table may be padding, or a title is missing; say --padding first"),
        (["title", *TITLES[1:]], "has 5 titles and no ids"),
    ],
)
def test_titles_by_row_that_may_be_one_off_are_refused(tmp_path: Path, lines: list[str], why: str) -> None:
    np.save(tmp_path / "t.npy", np.eye(6))
    (tmp_path / "titles.txt").write_text("\n".join(lines))
    with pytest.raises(DataError, match=why):
        bring([tmp_path / "t.npy"], items=tmp_path / "titles.txt")
