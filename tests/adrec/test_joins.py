"""Which row is which item, as a finding: every plausible join is tried, and the sentence says which one holds.

The tables are made: the right join is known, and every test brings one wrong join that happens in practice.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from adrec.embeddings.bring import bring
from adrec.embeddings.judging import in_words, judge, rows_of, told
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


# -- facts are about the rows and the items of the join that was used


PLANTED = {"dead-rows": [17, 140, 299], "duplicate-rows": [40, 41, 222], "unmoved-rows": [5, 77, 188, 260]}
NUMERIC: list[int | None] = list(range(1, ITEMS + 1))
LAYOUTS = {
    "numeric": NUMERIC,
    "the first row missing": NUMERIC[1:],
    "up by one": [*NUMERIC[1:], 1],
    "down by one": [ITEMS, *NUMERIC[:-1]],
    "a padding row left in": [None, *NUMERIC],
    "a last row for no item": [*NUMERIC, None],
    "as text": sorted(range(1, ITEMS + 1), key=str),
    "users before the items": [None] * USERS + NUMERIC,
    "users after the items": NUMERIC + [None] * USERS,
}


def _laid_out(made: Made, folder: Path, order: list[int | None], suffix: str) -> dict[str, Any]:
    """What ``bring`` gets of a table with planted rows and of the one before it, both in this order, and of the items' titles."""
    after, before = made.table.copy(), made.noise(ITEMS)
    for code, ids in PLANTED.items():
        rows = np.array(ids) - 1
        after[rows] = 0 if code == "dead-rows" else after[rows[0]] if code == "duplicate-rows" else before[rows]
    for name, table in (("t", after), ("start", before)):
        other = np.random.default_rng(len(name)).standard_normal((len(order), WIDTH)).astype(np.float32)
        laid = np.array([other[row] if item is None else table[item - 1] for row, item in enumerate(order)])
        if suffix == "npy":
            np.save(folder / f"{name}.npy", laid)
        else:
            torch.save({"item_embedding.weight": torch.tensor(laid)}, folder / f"{name}.pth")
    titles = pd.DataFrame({"item_id": range(1, ITEMS + 1), "title": [f"Film {i}" for i in range(1, ITEMS + 1)]})
    titles.to_csv(folder / "items.csv", index=False)
    return {"interactions": made.log, "initial": folder / f"start.{suffix}", "items": folder / "items.csv"}


def _of_planted_rows(folder: Path, suffix: str, order: list[int | None], how: dict[str, Any], by_id: bool = True) -> list[str]:
    """The sentences about a table of which every fact has named the planted rows and items."""
    (source,) = bring([folder / f"t.{suffix}"], **how)
    kept: dict[str, Any] = {}
    (entry,) = judge([source], on_facts=lambda number, found: kept.update({fact.code: fact for fact in found}))["tables"]
    assert (entry["verdict"]["kind"], entry["join"]["clear"]) == ("healthy", True)
    said = {fact["code"]: fact for fact in entry["facts"]}
    for code, ids in PLANTED.items():
        at = {item: row for row, item in enumerate(order) if item in ids}
        every = rows_of(kept[code], source)
        assert every is not None and sorted(said[code]["rows"]) == sorted(every["row"]) == sorted(at.values()), code
        assert {int(item): row for item, row in zip(every["item"], every["row"], strict=True)} == at or not by_id
        assert set(every["title"]) == {f"Film {item}" for item in ids}
        assert {int(title) for title in re.findall(r"'Film (\d+)'", said[code]["says"])} == {
            order[row] for row in said[code]["rows"][:3]
        }, said[code]["says"]
    return in_words(entry)


@pytest.mark.parametrize(
    ("layout", "suffix"),
    [*((layout, "npy") for layout in LAYOUTS), *((layout, "pth") for layout in ("numeric", "a padding row left in", "as text"))],
)
def test_facts_name_the_rows_and_the_items_of_the_join_that_was_used(made: Made, tmp_path: Path, layout: str, suffix: str) -> None:
    order = LAYOUTS[layout]
    lines = _of_planted_rows(tmp_path, suffix, order, _laid_out(made, tmp_path, order, suffix))
    assert not any("of the titles are taken as row numbers" in line for line in lines if "joined to other items" in lines[0])


def test_titles_of_rows_stay_with_their_rows_whatever_the_join(made: Made, tmp_path: Path) -> None:
    for order in (LAYOUTS["as text"], LAYOUTS["users before the items"]):
        how = _laid_out(made, tmp_path, order, "npy")
        (tmp_path / "titles.txt").write_text("\n".join("nobody" if item is None else f"Film {item}" for item in order))
        _of_planted_rows(tmp_path, "npy", order, how | {"items": tmp_path / "titles.txt"}, by_id=False)


def test_facts_name_rows_alone_where_it_is_in_doubt_whose_they_are(made: Made, tmp_path: Path) -> None:
    order = [int(i) for i in np.random.default_rng(4).permutation(ITEMS) + 1]
    how = _laid_out(made, tmp_path, order, "npy")
    facts = {fact["code"]: fact for fact in judge(bring([tmp_path / "t.npy"], **how))["tables"][0]["facts"]}
    for code, ids in PLANTED.items():
        rows = facts[code]["rows"]
        assert sorted(rows) == sorted(order.index(item) for item in ids)
        assert f"rows {rows[0]}, {rows[1]} and {rows[2]} (from 0)" in facts[code]["says"]


def test_ids_from_zero_beside_a_padding_row_are_row_numbers_from_zero(made: Made, tmp_path: Path) -> None:
    frame = pd.read_csv(made.log)
    frame.assign(item_id=frame["item_id"] - 1).to_csv(tmp_path / "log.csv", index=False)
    torch.save({"item_embedding.weight": torch.tensor(np.concatenate([np.zeros((1, WIDTH), np.float32), made.table]))}, tmp_path / "t.pth")
    titles = pd.DataFrame({"item_id": range(ITEMS), "title": [f"Film {i}" for i in range(ITEMS)]})
    titles.to_csv(tmp_path / "items.csv", index=False)
    (source,) = bring([tmp_path / "t.pth"], interactions=tmp_path / "log.csv", items=tmp_path / "items.csv")
    assert source.items is not None and source.items.frame["title"].tolist() == titles["title"].tolist()
    assert "Item ids of the titles are taken as row numbers from 0 (0 to 299, 300 rows)." in source.notes
    assert source.join is not None and source.join.fix is None and source.join.ids_missing == 0


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


# -- fewer rows than items, as gensim's min_count leaves them


def _with_rare_items(made: Made, folder: Path) -> tuple[Path, list[int]]:
    """Interactions in which every third item is used three times, and the other items as gensim orders them."""
    frame = pd.read_csv(made.log)
    frame = frame[(frame["item_id"] % 3 > 0) | (frame.groupby("item_id").cumcount() < 3)]
    frame.to_csv(folder / "log.csv", index=False)
    counts = frame["item_id"].value_counts()
    return folder / "log.csv", sorted((i for i in reversed(frame["item_id"].unique()) if i % 3), key=lambda item: -counts[item])


def test_vectors_of_frequent_items_alone_are_joined_by_id_and_the_others_counted(made: Made, tmp_path: Path) -> None:
    log, often = _with_rare_items(made, tmp_path)
    lines = [f"{item} {' '.join(map(str, row))}" for item, row in zip(often, made.of(often).tolist(), strict=True)]
    (tmp_path / "t.txt").write_text("\n".join([f"200 {WIDTH}", *lines]))
    entry = judge(bring([tmp_path / "t.txt"], interactions=log))["tables"][0]
    assert (entry["verdict"]["kind"], entry["join"]["used"], entry["join"]["ids_missing"]) == ("healthy", "ids", 100)
    assert "200 of 300 ids are in the table of 200 rows. 100 items have no row." in entry["join"]["says"]


@pytest.mark.parametrize("order", ["gensim", "numeric"])
def test_rows_of_frequent_items_alone_are_joined_where_an_order_makes_sense_of_them(made: Made, tmp_path: Path, order: str) -> None:
    log, often = _with_rare_items(made, tmp_path)
    np.save(tmp_path / "t.npy", made.of(often if order == "gensim" else sorted(often)))
    for asked in (None, f"{order}-often"):
        entry = judge(bring([tmp_path / "t.npy"], interactions=log, order=asked))["tables"][0]
        assert (entry["verdict"]["kind"], entry["join"]["used"], entry["join"]["clear"]) == ("healthy", f"{order}-often", True)
        assert "of those used at least" in entry["join"]["says"] and "100 items have no row." in entry["join"]["says"]
    np.save(tmp_path / "t.npy", made.noise(200))
    entry = judge(bring([tmp_path / "t.npy"], interactions=log))["tables"][0]
    assert "say the order if you know it: --order appearance-often or" in entry["join"]["says"]


def test_rows_fewer_than_items_at_no_number_of_uses_need_ids(made: Made, tmp_path: Path) -> None:
    log, _ = _with_rare_items(made, tmp_path)
    np.save(tmp_path / "t.npy", made.noise(250))
    with pytest.raises(DataError, match="250 rows.* as min_count leaves them, needs its ids: --table-option ids=FILE"):
        bring([tmp_path / "t.npy"], interactions=log)
    with pytest.raises(DataError, match="at no number of uses are they as many as the table's rows"):
        bring([tmp_path / "t.npy"], interactions=log, order="gensim-often")


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
