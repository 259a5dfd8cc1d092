"""The table before training is compared row by row where ids say which row is which, and where they do not, where its rows belong."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from adrec.embeddings.bring import bring
from adrec.embeddings.judging import in_words, judge
from adrec.errors import WeightsError

RNG = np.random.default_rng(5)
START = RNG.standard_normal((301, 16)).astype(np.float32)
TRAINED = (START + 1.5 * RNG.standard_normal((301, 16))).astype(np.float32)
ZEROS = np.zeros((1, 16), np.float32)


def _judged(folder: Path, table: np.ndarray, start: np.ndarray, **how: Any) -> dict[str, Any]:
    np.save(folder / "table.npy", table)
    np.save(folder / "start.npy", start)
    return judge(bring([folder / "table.npy"], initial=folder / "start.npy", **how))["tables"][0]


def _correlation(entry: dict[str, Any]) -> float:
    return next(float(e["value"]) for e in entry["verdict"]["evidence"] if e["measure"] == "correlation_with_initial")


@pytest.mark.parametrize(
    ("table", "start", "option"),
    [
        (np.concatenate([ZEROS, TRAINED[1:]]), START, "--padding first"),
        (TRAINED, np.concatenate([ZEROS, START[1:]]), "--padding none"),
        (TRAINED[1:], np.concatenate([START[2:], ZEROS + 1]), None),
        (TRAINED[1:], START[:300], None),
    ],
)
def test_a_start_that_is_shifted_by_one_row_is_compared_where_it_belongs_and_that_is_said(
    tmp_path: Path, table: np.ndarray, start: np.ndarray, option: str | None
) -> None:
    entry = _judged(tmp_path, table, start)
    (said,) = [line for line in in_words(entry) if "shifted by one" in line]
    assert _correlation(entry) > 0.5 and (f"{option} asks for it" if option else "save both tables with the same rows") in said
    if option is not None:
        again = _judged(tmp_path, table, start, padding=option.split()[1])
        assert _correlation(again) > 0.5 and not any("shifted by one" in line for line in in_words(again))


def test_a_start_row_by_row_is_left_alone_however_far_the_table_has_moved(tmp_path: Path) -> None:
    for table in (TRAINED, START, RNG.standard_normal((301, 16)), np.cumsum(RNG.standard_normal((301, 16)), axis=0)):
        entry = _judged(tmp_path, table.astype(np.float32), START)
        assert not any("shifted by one" in line for line in in_words(entry))


def test_a_start_with_one_row_more_that_fits_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="expected the same table before training"):
        _judged(tmp_path, RNG.standard_normal((300, 16)), START)


def test_ids_say_which_row_the_start_has_whatever_fits_better(tmp_path: Path) -> None:
    for name, table, ids in (("table", TRAINED, range(1000, 1301)), ("start", np.roll(START, 1, axis=0), range(1000, 1301))):
        pd.DataFrame(table, index=pd.Index(ids, name="item_id")).add_prefix("e").to_csv(tmp_path / f"{name}.csv")
    (entry,) = judge(bring([tmp_path / "table.csv"], initial=tmp_path / "start.csv"))["tables"]
    assert abs(_correlation(entry)) < 0.1 and not any("shifted by one" in line for line in in_words(entry))
