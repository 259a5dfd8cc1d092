"""Tables that people write, in small: what each column is taken for, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrec.collapse.verdict import diagnose
from adrec.embeddings.bring import bring
from adrec.embeddings.files import TableDoubt, read_table
from adrec.errors import WeightsError

ROWS, WIDTH = 40, 5
TABLE = np.random.default_rng(0).standard_normal((ROWS, WIDTH))
IDS = tuple(str(i) for i in np.random.default_rng(1).permutation(1000)[:ROWS])
FRAME = pd.DataFrame(TABLE, columns=[f"e{i}" for i in range(WIDTH)])


def _read(path: Path, **options: str) -> tuple[tuple[str, ...] | None, np.ndarray]:
    found = read_table(path, options=options)
    return found.labels, found.table


@pytest.mark.parametrize("at", [0, 2, 5])
def test_ids_of_any_name_and_place_are_found_by_their_values(tmp_path: Path, at: int) -> None:
    frame = FRAME.copy()
    frame.insert(at, "recipe", IDS)
    frame.to_csv(tmp_path / "t.csv", index=False)
    labels, table = _read(tmp_path / "t.csv")
    assert labels == IDS and table == pytest.approx(TABLE)


def test_a_title_before_the_id_is_a_title(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.insert(0, "item_id", IDS)
    frame.insert(0, "title", [f"Film {i}" for i in range(ROWS)])
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = read_table(tmp_path / "t.csv")
    assert found.labels == IDS and found.titles is not None and found.titles[3] == "Film 3"


def test_pandas_own_index_beside_ids_is_no_dimension(tmp_path: Path) -> None:
    FRAME.assign(item_id=IDS).to_csv(tmp_path / "t.csv")
    labels, table = _read(tmp_path / "t.csv")
    assert labels == IDS and table == pytest.approx(TABLE)


def test_lists_in_json_lines_are_vectors(tmp_path: Path) -> None:
    lines = [json.dumps({"asin": i, "vector": row}) for i, row in zip(IDS, TABLE.tolist(), strict=True)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    labels, table = _read(tmp_path / "t.jsonl")
    assert labels == IDS and np.array_equal(table, TABLE)


def test_vectors_as_numpy_prints_them_are_read(tmp_path: Path) -> None:
    pd.DataFrame({"item_id": IDS, "vector": [str(row) for row in TABLE]}).to_csv(tmp_path / "t.csv", index=False)
    labels, table = _read(tmp_path / "t.csv")
    assert labels == IDS and table == pytest.approx(TABLE, abs=1e-7)


def test_vectors_that_numpy_shortened_are_refused(tmp_path: Path) -> None:
    with np.printoptions(threshold=2, edgeitems=1):
        pd.DataFrame({"item_id": IDS, "vector": [str(row) for row in TABLE]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(WeightsError):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("begin", ["\n", "\n\n", " \n"])
def test_a_text_that_begins_with_an_empty_line_is_read_or_refused(tmp_path: Path, begin: str) -> None:
    for name in ("t.txt", "t.csv", "t.vec"):
        (tmp_path / name).write_text(begin + "\n".join(f"w{i} " + " ".join(map(str, row)) for i, row in enumerate(TABLE)))
        try:
            assert read_table(tmp_path / name).table.shape == TABLE.shape
        except WeightsError as error:
            assert name in str(error)


@pytest.mark.parametrize("value", ["1_000", "\u0661\u0662", "NaN", "-inf", "1e999", "0x10", "1,5", ""])
def test_what_is_no_number_is_named_with_its_line(tmp_path: Path, value: str) -> None:
    lines = [[i, *map(str, row)] for i, row in zip(IDS, TABLE, strict=True)]
    lines[7][3] = value
    (tmp_path / "t.tsv").write_text("\n".join("\t".join(line) for line in [["item_id", *FRAME.columns], *lines]))
    with pytest.raises(WeightsError, match="line 9, column 'e2'"):
        read_table(tmp_path / "t.tsv")


def test_two_columns_that_may_be_the_ids_are_a_question_with_an_option(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.insert(0, "second", IDS[::-1])
    frame.insert(0, "first", IDS)
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(TableDoubt, match="item=first") as caught:
        read_table(tmp_path / "t.csv")
    assert caught.value.option == "item" and ("second" in dict(caught.value.candidates))
    assert _read(tmp_path / "t.csv", item="second")[0] == IDS[::-1]


def test_tokens_that_are_numbers_quotes_and_missing_words_are_labels(tmp_path: Path) -> None:
    tokens = ['"', "'", "nan", "NA", "2", ",", ". . .", "at name@x", "route 66", "null"]
    lines = [f"{token} " + " ".join(f"{x:.5f}" for x in row) for token, row in zip(tokens, TABLE, strict=False)]
    (tmp_path / "glove.txt").write_text("\n".join(lines) + "\n")
    labels, table = _read(tmp_path / "glove.txt")
    assert labels == tuple(tokens) and table == pytest.approx(TABLE[: len(tokens)], abs=1e-5)


def test_a_line_with_fewer_numbers_than_others_makes_no_labels_of_numbers(tmp_path: Path) -> None:
    lines = [f"{token} " + " ".join(f"{x:.5f}" for x in row) for token, row in zip(IDS, TABLE, strict=True)]
    short = "short " + " ".join(lines[0].split()[1:-2])
    (tmp_path / "within.txt").write_text("\n".join([*lines[:20], short, *lines[20:]]) + "\n")
    with pytest.raises(WeightsError, match=r"Row 21 of '.*' has \d+ values; expected a label and \d+ numbers"):
        read_table(tmp_path / "within.txt")
    (tmp_path / "last.txt").write_text("\n".join([*lines, short]))
    with pytest.raises(TableDoubt, match=rf"Line {len(lines) + 1} of '.*', the last one, has no line end and .* say cut=drop"):
        read_table(tmp_path / "last.txt")
    labels, table = _read(tmp_path / "last.txt", cut="drop")
    assert labels == IDS and table == pytest.approx(TABLE, abs=1e-5)


def test_word2vecs_text_cut_short_is_a_question(tmp_path: Path) -> None:
    lines = [f"{token} " + " ".join(f"{x:.5f}" for x in row) for token, row in zip(IDS, TABLE, strict=True)]
    (tmp_path / "w.txt").write_text(f"{len(IDS) + 5} {TABLE.shape[1]}\n" + "\n".join([*lines[:-1], lines[-1][:-20]]))
    with pytest.raises(TableDoubt, match="the last one, has no line end"):
        read_table(tmp_path / "w.txt")
    found = read_table(tmp_path / "w.txt", options={"cut": "drop"})
    assert found.account is not None and (found.account.read, found.account.lines["cut"]) == (len(IDS) - 1, 1)
    assert f"Its first line claims {len(IDS) + 5:,} rows, of which {len(IDS) - 1:,} are there." in found.account.notes
    (tmp_path / "v.txt").write_text(f"{len(IDS) + 5} {TABLE.shape[1]}\n" + "\n".join(lines) + "\n")
    with pytest.raises(TableDoubt, match=f"say cut=drop .the {len(IDS):,} whole rows are read"):
        read_table(tmp_path / "v.txt")


def test_decimal_commas_are_no_vectors_of_two_numbers(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
    with pytest.raises(WeightsError, match=rf"has {WIDTH} columns of numbers with decimal commas, such as '.*': write them with points"):
        read_table(tmp_path / "t.csv", options={"header": "first"})


def test_a_verdict_that_rests_on_one_raw_column_is_a_question() -> None:
    raw = np.insert(np.random.default_rng(3).standard_normal((300, 16)), 4, np.random.default_rng(4).uniform(5, 50, 300), axis=1)
    verdict = diagnose(raw)
    assert (
        verdict.confidence == 0.5
        and "column 5 of the 17 dimensions" in verdict.undecided[0]
        and "times the scale of any other" in verdict.undecided[0]
    )


def test_a_collapse_in_all_columns_stays_sure() -> None:
    rng = np.random.default_rng(5)
    verdict = diagnose(rng.standard_normal(16) * 30 + rng.standard_normal((300, 16)))
    assert verdict.kind == "complete-collapse" and verdict.confidence > 0.9


def test_ids_that_are_empty_or_repeated_are_told(tmp_path: Path) -> None:
    FRAME.assign(item_id=["", "", IDS[3], *IDS[3:]]).to_csv(tmp_path / "t.csv", index=False)
    notes = read_table(tmp_path / "t.csv").notes
    assert "2 rows have no id, so that no item is found in them." in notes
    assert f"1 id stands in several rows, such as '{IDS[3]}': the first row of each is its item." in notes


def test_an_option_of_columns_is_refused_for_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", TABLE)
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(WeightsError, match="so the option item says nothing of it"):
        read_table(tmp_path / "t.npy", options={"item": "none"})
    with pytest.raises(WeightsError, match="The option item is for a file of rows and columns, and none is given"):
        bring([tmp_path / "t.npy"], table_options={"item": "none"})
    assert len(bring([tmp_path / "t.csv"], initial=tmp_path / "t.npy", table_options={"item": "none"})) == 1


def test_an_option_names_a_column_whatever_its_capitals_if_one_is_meant(tmp_path: Path) -> None:
    FRAME.assign(Id=IDS).to_csv(tmp_path / "t.csv", index=False)
    assert read_table(tmp_path / "t.csv", options={"item": " ID"}).labels == IDS
    FRAME.assign(Id=IDS, iD=IDS).to_csv(tmp_path / "t.csv", index=False)
    assert read_table(tmp_path / "t.csv", options={"item": "iD"}).labels == IDS
    with pytest.raises(WeightsError, match="has 2 columns named 'ID' but for capitals: Id, iD; say which"):
        read_table(tmp_path / "t.csv", options={"item": "ID"})
