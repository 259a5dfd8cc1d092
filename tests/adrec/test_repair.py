"""Repairs of a table, each against its definition, and the command that writes one and says where it hurts."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrec.cli import main
from adrec.collapse.measures import mean_cosine, singular_values
from adrec.collapse.repair import RIDGE, held_out_ranks, repaired
from adrec.embeddings.files import read_table
from adrec.errors import ConfigError
from tests.adrec import histories

V, D = 90, 12
GROUPS = np.arange(V) % 6
RNG = np.random.default_rng(0)
TABLE = 4 * RNG.standard_normal((6, D))[GROUPS] + RNG.standard_normal((V, D)) + 3


def test_centring_takes_the_mean_row_away_and_nothing_else() -> None:
    np.testing.assert_allclose(repaired(TABLE, ["centre"]), TABLE - TABLE.mean(axis=0), atol=1e-12)


def test_removing_the_top_leaves_the_weaker_directions_as_they_were() -> None:
    found = singular_values(repaired(TABLE, ["remove-top:3"]))
    np.testing.assert_allclose(found[: D - 3], singular_values(TABLE)[3:], rtol=1e-9)
    assert (found[D - 3 :] < 1e-9).all()


@pytest.mark.parametrize("degree", [0.0, 0.5, 1.0])
def test_whitening_evens_directions_out_by_degrees_and_keeps_the_variance(degree: float) -> None:
    before, after = singular_values(TABLE) ** 2, singular_values(repaired(TABLE, [f"whiten:{degree}"])) ** 2
    wanted = before * (before + RIDGE * before.mean()) ** -degree
    np.testing.assert_allclose(after, wanted * before.sum() / wanted.sum(), rtol=1e-9)


def test_whitening_keeps_the_tables_own_axes() -> None:
    found = repaired(TABLE, ["whiten:1"])
    cross = found.T @ (TABLE - TABLE.mean(axis=0))
    np.testing.assert_allclose(cross, cross.T, atol=1e-8)


def test_equal_lengths_are_the_root_mean_square_of_the_old() -> None:
    length = np.linalg.norm(repaired(TABLE, ["unit"]), axis=1)
    np.testing.assert_allclose(length, np.sqrt((TABLE**2).sum(axis=1).mean()))


def test_repairs_follow_one_another_and_rows_of_zeros_stay() -> None:
    padded = np.concatenate([np.zeros((1, D)), TABLE])
    found = repaired(padded, ["centre", "unit"])
    np.testing.assert_allclose(found[1:], repaired(repaired(TABLE, ["centre"]), ["unit"]))
    assert not found[0].any() and mean_cosine(found[1:]) == pytest.approx(mean_cosine(TABLE - TABLE.mean(axis=0)))


def test_dequantising_subtracts_the_zero_point_and_nothing_else() -> None:
    codes = np.clip(np.round(TABLE - TABLE.mean() + 128), 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(repaired(codes, ["dequantise"]), codes.astype(float) - 128)
    np.testing.assert_allclose(repaired(codes, ["dequantise", "centre"]), repaired(codes, ["centre"]))


@pytest.mark.parametrize("shape", [(5, 20), (4, 1)])
@pytest.mark.parametrize("repair", ["centre", "whiten:1", "unit"])
def test_wide_and_narrow_tables_can_be_repaired(shape: tuple[int, int], repair: str) -> None:
    assert np.isfinite(repaired(RNG.standard_normal(shape), [repair])).all()
    assert not repaired(np.ones(shape), ["centre"]).any() and np.isfinite(repaired(np.ones(shape), [repair])).all()


@pytest.mark.parametrize(
    ("repair", "said"),
    [
        ("melt", "Unknown repair 'melt'"), ("centre:2", "Unknown repair"), ("whiten", "Unknown repair"),
        ("whiten:2", "must be 0 to 1"), ("whiten:nan", "must be 0 to 1"),
        ("dequantise", "no zero point to subtract"), ("dequantise:128", "Unknown repair"),
        ("remove-top:12", "must be 1 to 11"), ("remove-top:0", "must be 1 to 11"), ("remove-top:x", "must be 1 to 11"),
    ],
)  # fmt: skip
def test_what_is_no_repair_is_named(repair: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        repaired(TABLE, [repair])


def test_held_out_items_are_ranked_by_the_mean_of_the_five_before_without_what_was_seen() -> None:
    data = histories.dataset([[1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11], [3, 4, 5, 1]], [f"i{i}" for i in range(12)])
    table = RNG.standard_normal((12, 4))
    ranks = []
    for user in range(3):
        seen = data.train(user) - 1
        scores = table @ table[seen[-5:]].mean(axis=0)
        target = data.val[user] - 1
        ranks.append(sum(scores[i] >= scores[target] for i in range(12) if i == target or i not in seen))
    assert held_out_ranks(table, data).tolist() == ranks
    assert held_out_ranks(np.ones((12, 4)), data).tolist() == [6, 11, 10]


def _log(path: Path) -> Path:
    rng = np.random.default_rng(3)
    rows = [(u, f"i{i}", t) for u in range(120) for t, i in enumerate(rng.permutation(np.flatnonzero(u % 6 == GROUPS))[:12])]
    pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).to_csv(path, index=False)
    return path


def test_the_command_writes_the_table_and_says_where_it_hurts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd.DataFrame(TABLE, index=pd.Index([f"i{i}" for i in range(V)], name="item_id")).to_csv(tmp_path / "t.csv")
    words = ["repair", str(tmp_path / "t.csv"), "--by", "remove-top:5", "--interactions", str(_log(tmp_path / "log.csv"))]
    assert main([*words, "--out", str(tmp_path / "a.csv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    written = read_table(tmp_path / "a.csv")
    assert written.labels == tuple(f"i{i}" for i in range(V))
    np.testing.assert_allclose(written.table, repaired(TABLE, ["remove-top:5"]), atol=1e-5)
    assert found["ranking"]["after"] < found["ranking"]["before"] and found["ranking"]["users"] == 120
    assert any("HR@10 falls from" in said for said in found["hurts"]) and any("meaning falls" in said for said in found["hurts"])
    assert main([*words, "--out", str(tmp_path / "b.csv")]) == 0
    assert "Hurts: " in (printed := capsys.readouterr().out) and "before" in printed
    assert main([*words, "--out", str(tmp_path / "b.csv")]) == 2 and "already exists" in capsys.readouterr().err


def test_padding_and_rows_of_zeros_are_written_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = np.concatenate([np.zeros((1, D)), TABLE, np.zeros((1, D))]).astype(np.float32)
    np.save(tmp_path / "t.npy", whole)
    assert main(["repair", str(tmp_path / "t.npy"), "--by", "centre", "--out", str(tmp_path / "a.npy")]) == 0
    found = np.load(tmp_path / "a.npy")
    assert found.shape == whole.shape and found.dtype == np.float32 and not found[0].any() and not found[-1].any()
    np.testing.assert_allclose(found[1:-1], TABLE - TABLE.mean(axis=0), atol=1e-5)
    assert "is open: add interactions" in capsys.readouterr().out
    assert main(["repair", str(tmp_path / "t.npy"), "--by", "centre", "--out", str(tmp_path / "a.csv")]) == 2
    assert "this table has no item ids" in capsys.readouterr().err
