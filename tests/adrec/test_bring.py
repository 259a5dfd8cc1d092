"""Tables that somebody brings: which row is which item, what is compared, and the report."""

import json
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

from adrec.cli import main
from adrec.collapse.diagnosis import cached_diagnosis
from adrec.embeddings.bring import Source, bring, import_tables, laboratory_problem, named
from adrec.embeddings.judging import CONTINUED, compare, judge
from adrec.embeddings.matching import matched, rows_of
from adrec.embeddings.report import report
from adrec.errors import AdrecError, DataError, WeightsError
from adrec.runs import RunFolder
from tests.adrec import histories

V, D = 60, 8
GROUPS = np.arange(V) % 6
TABLE = np.eye(D)[GROUPS] * 3 + np.random.default_rng(0).standard_normal((V, D))


def _source(rows: int = 5, **known: Any) -> Source:
    return Source("t", np.random.default_rng(1).standard_normal((rows, 3)), **known)


def _log(path: Path, names: list[str]) -> Path:
    rng = np.random.default_rng(3)
    rows = [(u, names[i], t) for u in range(100) for t, i in enumerate(rng.permutation(np.flatnonzero(u % 6 == GROUPS)))]
    pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).to_csv(path, index=False)
    return path


# -- which row is which item ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "source", "rows"),
    [
        (["b", "a"], _source(3, labels=("a", "b", "c")), [1, 0]),
        (["b", "x", "c"], _source(3, labels=("a", "b", "c")), [1, -1, 2]),
        (["0", "2", "4"], _source(5), [0, 2, 4]),
        (["1", "3", "5"], _source(5), [0, 2, 4]),
        (["1", "4"], _source(5), [1, 4]),
        (["1", "3"], _source(5, padded=True), [0, 2]),
        (["x", "y", "z", "u", "v"], _source(5), [0, 1, 2, 3, 4]),
        (["2", "1"], _source(3, labels=("1", "2", "3")), [1, 0]),
    ],
)
def test_rows_are_found_by_id_by_number_or_by_order(ids: list[str], source: Source, rows: list[int]) -> None:
    found, how = rows_of(ids, source, "The interactions")
    assert found.tolist() == rows and how.endswith(".")


@pytest.mark.parametrize(
    ("ids", "source", "words"),
    [
        (["1", "3"], _source(9), "is unclear"),
        (["x", "y"], _source(9), "nothing says which row is which item"),
        (["7", "99"], _source(9), "nothing says which row is which item"),
        (["x", "y"], _source(3, labels=("a", "b", "c")), "Only 0 of the 2 item ids"),
    ],
)
def test_a_doubt_about_rows_is_a_sentence(ids: list[str], source: Source, words: str) -> None:
    with pytest.raises(DataError, match=words):
        rows_of(ids, source, "The interactions")


def test_histories_are_renumbered_to_the_tables_rows_and_lose_what_it_lacks() -> None:
    data = histories.dataset([[1, 2, 3, 1, 2]], ["c", "x", "a"])
    found = matched(data, _source(3, labels=("a", "b", "c")))["data"]
    assert found.train(0).tolist() == [3, 1] and found.n_items == 3
    assert found.items.frame["item"].tolist() == ["a", "b", "c"]


# -- from files to verdicts -------------------------------------------------------------------------------------------


def test_a_shuffled_file_with_ids_is_judged_like_the_ordered_one(tmp_path: Path) -> None:
    names = [f"i{k}" for k in range(V)]
    log = _log(tmp_path / "log.csv", names)
    order = np.random.default_rng(5).permutation(V)
    pd.DataFrame(TABLE, index=names).to_csv(tmp_path / "a.csv", header=False)
    pd.DataFrame(TABLE[order], index=[names[k] for k in order]).to_csv(tmp_path / "b.csv", header=False)
    sources = bring([tmp_path / "a.csv", tmp_path / "b.csv"], interactions=log)
    assert np.array_equal(sources[0].table, sources[1].table)
    first, second = (t["verdict"] for t in judge(sources)["tables"])
    values = [{e["measure"]: e["value"] for e in verdict["evidence"]} for verdict in (first, second)]
    assert values[0] == pytest.approx({name: values[1][name] for name in values[0]}) and not first["undecided"]


def test_titles_of_an_item_file_reach_the_folder(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", TABLE)
    pd.DataFrame({"item_id": range(V), "title": [f"Film {k}" for k in range(V)]}).to_csv(tmp_path / "items.csv", index=False)
    sources = bring([tmp_path / "t.npy"], items=tmp_path / "items.csv", interactions=_log(tmp_path / "log.csv", [str(k) for k in range(V)]))
    run = import_tables(RunFolder(tmp_path / "mine"), sources, judged := judge(sources))
    assert run.items["title"].iloc[7] == "Film 7" and run.items["popularity"].sum() == len(sources[0].data.train_items)  # type: ignore[union-attr]
    kept = cached_diagnosis(run)
    assert kept is not None and kept["tables"][0]["verdict"] == json.loads(json.dumps(judged["tables"][0]["verdict"]))


def test_a_run_is_compared_with_a_file_under_numbered_names(tiny_run: RunFolder, tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", tiny_run.table("finetune"))
    sources = bring([tiny_run.path, tmp_path / "t.npy"])
    assert named(sources) == ["1 run initial", "2 run pretrain", "3 run warmup", "4 run finetune", "5 t.npy"]
    assert laboratory_problem(sources) is None


def test_scaling_keeps_neighbours_and_counts_as_a_later_state() -> None:
    change = compare(Source("a", TABLE), Source("b", TABLE / 2))
    assert change["std_ratio"] == pytest.approx(0.5) and change["neighbours_kept"] == 1.0
    assert change["correlation"] == pytest.approx(1.0) and change["continued"]


def test_a_table_trained_apart_is_no_later_state() -> None:
    change = compare(Source("a", TABLE), Source("b", np.random.default_rng(8).standard_normal((V, D))))
    assert not change["continued"] and change["neighbours_kept"] < 0.4


BUNDLED = Path(__file__).parents[2] / "assets" / "runs"
STARTS = {
    "stage 1": ("ml-100k", "ce-only", "mse-only", "one-t", "no-warmup", "warmup-drift", "noise-0", "noise-0.1", "noise-1"),
    "random, scale of ADRec": ("no-pretrain", "frozen-random"),
    "random, scale of DreamRec": ("dreamrec-original", "dreamrec-harness-fixed", "dreamrec-long"),
    "random, scale of SASRec": ("sasrec",),
    "MovieLens-1M": ("ml-1m",),
    "MovieLens-1M, scale of DreamRec": ("ml-1m-dreamrec",),
    "MovieLens-1M, squared error alone": ("ml-1m-narrow",),
}
"""The bundled runs by the table that they began with, but for the collapsed one, which no longer resembles its own start (0.10)."""


def test_of_the_bundled_tables_those_from_one_start_are_later_states_and_others_are_not() -> None:
    tables = {run: list(RunFolder(BUNDLED / run).tables().values()) for runs in STARTS.values() for run in runs}
    assert {*tables, "narrow"} == {path.name for path in BUNDLED.iterdir() if "item_table" in RunFolder(path).abilities}
    start = {run: name for name, runs in STARTS.items() for run in runs}

    def correlation(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])

    within = [correlation(a, b) for states in tables.values() for a, b in pairwise(states)]
    pairs = [(a, b) for a, b in combinations(tables, 2) if tables[a][-1].shape == tables[b][-1].shape]
    within += [correlation(tables[a][-1], tables[b][-1]) for a, b in pairs if start[a] == start[b]]
    apart = [correlation(tables[a][-1], tables[b][-1]) for a, b in pairs if start[a] != start[b]]
    assert len(apart) > 50 and max(map(abs, apart)) < 0.01 < CONTINUED < 0.4 < min(within)


def test_tables_of_different_shapes_are_judged_but_share_no_map(tmp_path: Path) -> None:
    sources = [Source("a", TABLE), Source("b", TABLE[:, :4])]
    judged = judge(sources)
    assert judged["comparison"][0]["correlation"] is None and judged["comparison"][0]["neighbours_kept"] > 0
    with pytest.raises(WeightsError, match="Tables of different shapes cannot share a map"):
        import_tables(RunFolder(tmp_path / "x"), sources)


def test_an_initial_table_of_another_shape_is_one_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", TABLE)
    np.save(tmp_path / "w0.npy", TABLE[:10])
    with pytest.raises(WeightsError, match="expected the same table before training"):
        bring([tmp_path / "t.npy"], initial=tmp_path / "w0.npy")


@pytest.mark.parametrize("key", ["item_emb_a", {"w0.npz": "item_emb_a"}])
def test_of_several_initial_tables_the_key_chooses(tmp_path: Path, key: Any) -> None:
    np.save(tmp_path / "t.npy", TABLE)
    np.savez(tmp_path / "w0.npz", item_emb_a=TABLE + 1, item_emb_b=TABLE)
    chosen = key if isinstance(key, str) else {tmp_path / name: array for name, array in key.items()}
    (source,) = bring([tmp_path / "t.npy"], initial=tmp_path / "w0.npz", key=chosen)
    assert source.initial is not None and np.array_equal(source.initial, TABLE + 1)


# -- the report -------------------------------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script>\"'& {{SCENE}} {{ text(1) }} {% raw %} \u2028.npy"


def test_a_report_asks_for_nothing_and_escapes_names() -> None:
    sources = [Source(HOSTILE, TABLE, notes=("<img src=x onerror=alert(2)>",)), Source("plain.npy", TABLE[:, :5])]
    text = report(judge(sources), [s.table for s in sources], f"python -m adrec collapse '{HOSTILE}'")
    assert "<script" not in text and "<img" not in text and escape(HOSTILE) in text
    assert not any(word in text for word in ("http://", "https://", 'src="', "url(", "@import"))
    assert all(word in text for word in ("Evidence", "Null", "Threshold", "Not decided", "SHA-256", "numpy", "plain.npy"))


def test_the_command_line_writes_report_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "t.npy", TABLE)
    log = _log(tmp_path / "log.csv", [str(k) for k in range(V)])
    out = tmp_path / "out.html"
    assert main(["collapse", str(tmp_path / "t.npy"), "--interactions", str(log), "--report", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tables"][0]["verdict"]["kind"] and found["tables"][0]["interactions"]["users"] == 100
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "--interactions" in page
    says, evidence = found["tables"][0]["meaning"]["says"], found["tables"][0]["verdict"]["evidence"]
    assert says in {e["says"] for e in evidence} and str(escape(says)) in page
    assert main(["collapse", str(tmp_path / "t.npy"), "--interactions", str(log)]) == 0 and says in capsys.readouterr().out
    assert main(["collapse", str(tmp_path / "t.npy")]) == 0 and "factorisation" not in capsys.readouterr().out


def test_what_does_not_fit_ends_the_command_with_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "t.npy", TABLE[:20])
    log = _log(tmp_path / "log.csv", [f"i{k}" for k in range(V)])
    assert main(["collapse", str(tmp_path / "t.npy"), "--interactions", str(log)]) == 2
    assert "nothing says which row is which item" in capsys.readouterr().err
    assert issubclass(DataError, AdrecError)


@pytest.mark.parametrize(("name", "padding"), [("t.npy", "first"), ("t.csv", "first"), ("t.npy", "none")])
def test_rows_are_named_by_their_numbers_in_the_file(name: str, padding: str, tmp_path: Path) -> None:
    table = np.random.default_rng(5).standard_normal((40, 6))
    table[[0, 3]], table[9] = 0, table[7]
    np.save(tmp_path / "t.npy", table)
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False, header=[f"d{i}" for i in range(6)])
    (source,) = bring([tmp_path / name], padding=padding)
    assert np.array_equal(source.table, table[source.numbers]) and len(source.table) == 38
    fact = next(f for f in judge([source])["tables"][0]["facts"] if f["code"] == "duplicate-rows")
    assert sorted(fact["rows"]) == [7, 9] and fact["says"].endswith("They are rows 7 and 9 (from 0).")
    with pytest.raises(WeightsError, match=r"from 0: row 7 \(column 1\)"):
        table[7, 1] = np.nan
        np.save(tmp_path / "t.npy", table)
        bring([tmp_path / "t.npy"], padding=padding)


def test_rows_of_a_joined_table_keep_their_numbers_and_titles(tmp_path: Path) -> None:
    genre, rng = np.arange(120) % 4, np.random.default_rng(6)
    table = np.concatenate([np.zeros((1, 8)), rng.standard_normal((4, 8))[genre] + 0.3 * rng.standard_normal((120, 8))])
    table[50] = table[30]
    np.save(tmp_path / "t.npy", table)
    log = [(user, item, t) for user in range(150) for t, item in enumerate(rng.permutation(np.flatnonzero(genre == user % 4) + 1)[:15])]
    pd.DataFrame(log, columns=["user_id", "item_id", "timestamp"]).to_csv(tmp_path / "log.csv", index=False)
    (source,) = bring([tmp_path / "t.npy"], interactions=tmp_path / "log.csv")
    fact = next(f for f in judge([source])["tables"][0]["facts"] if f["code"] == "duplicate-rows")
    assert sorted(fact["rows"]) == [30, 50] and "'30'" in fact["says"] and "'50'" in fact["says"]
