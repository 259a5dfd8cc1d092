"""A repaired copy of a table, judged and ranked again beside the original: what the repair gains and where it hurts."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from adrec.collapse.repair import held_out_ranks, repaired
from adrec.embeddings.bring import Source
from adrec.embeddings.files import Matrix
from adrec.embeddings.judging import judge
from adrec.errors import ConfigError
from adrec.files import atomic

SEPARATORS = {".csv": ",", ".tsv": "\t"}
SURE = 0.05
"""A difference of the ranking with a smaller p-value is told as one."""


def repair(source: Source, repairs: Sequence[str]) -> dict[str, Any]:
    """``tables`` and ``comparison`` of ``judge`` for the table as it was and repaired; ``ranking``: HR@10 of both on held-out items, with
    McNemar's test, or None without interactions that can be joined; ``hurts`` and ``gains``: sentences."""
    after = replace(source, name=f"{source.name}, repaired", table=repaired(source.table, repairs), initial=None, run=None, own=False)
    judged = judge([replace(source, initial=None, run=None, own=False), after])
    result: dict[str, Any] = {"repairs": list(repairs), **judged, "ranking": None, "hurts": [], "gains": []}
    kept = judged["comparison"][0]["neighbours_kept"]
    if kept is not None and kept < 0.5:
        result["hurts"].append(f"Only {kept:.0%} of the nearest neighbours are what they were.")
    if source.data is None or judged["tables"][0]["interactions"] is None:  # withheld where the join is doubted
        return result
    from adrec.collapse.replaced import difference

    before, now = (held_out_ranks(s.table, source.data) for s in (source, after))
    if len(before):
        found = difference(before, now)
        result["ranking"] = asdict(found)
        if found.chance < SURE:
            side, verb = ("gains", "rises") if found.after > found.before else ("hurts", "falls")
            change = f"from {found.before:.4f} to {found.after:.4f}"
            result[side].append(f"HR@10 {verb} {change} for {found.users:,} users (p = {found.chance:.2g}).")
    old, new = (table["meaning"] for table in judged["tables"])
    if old is not None and new is not None:
        change = f"from {old['share']:.2f} to {new['share']:.2f}"
        if new["high"] < old["share"]:
            result["hurts"].append(f"The share of a plain factorisation's meaning falls {change}.")
        if new["low"] > old["share"]:
            result["gains"].append(f"The share of a plain factorisation's meaning rises {change}.")
    return result


def check_out(found: Matrix, out: Path) -> None:
    """A ConfigError unless `write` can write the table there."""
    if out.exists():
        raise ConfigError(f"'{out}' already exists; choose another name.")
    if out.suffix == ".npy" or (out.suffix in SEPARATORS and found.labels is not None):
        return
    asked = "this table has no item ids" if out.suffix in SEPARATORS else f"not '{out.name}'"
    raise ConfigError(f"A repaired table is written as .npy, or with its item ids as .csv or .tsv; {asked}.")


def write(found: Matrix, repairs: Sequence[str], out: Path) -> None:
    """Write the repaired table with the rows and ids of the file: .npy, or .csv and .tsv with the ids first. Padding becomes zeros."""
    table = repaired(found.table, repairs).astype(np.result_type(found.table.dtype, np.float32))
    if out.suffix == ".npy":
        whole = np.concatenate([np.zeros((1, table.shape[1]), dtype=table.dtype), table]) if found.padded else table
        with atomic(out) as file:
            np.save(file, whole, allow_pickle=False)
        return
    import pandas as pd

    names = [f"d{i}" for i in range(table.shape[1])]
    with atomic(out, "w") as file:
        pd.DataFrame(table, index=pd.Index(found.labels or (), name="item_id"), columns=names).to_csv(file, sep=SEPARATORS[out.suffix])
