"""The folder of a monitor: a run folder of item tables alone, to which a snapshot and a line are added with every picture."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from adrec.errors import RunError
from adrec.monitor.sample import Sample
from adrec.runs import RunFolder
from adrec.runs.folder import WATCHED
from adrec.runs.snapshots import save_snapshot

FIRST, LATEST = "first", "latest"


class Folder:
    """Written by one monitor; opened by the app like any run, also while the loop runs."""

    def __init__(self, path: Path) -> None:
        self.run = RunFolder(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(f"A monitor writes a new folder and '{path}' already exists; choose another name.")

    def add(self, sample: Sample, step: int, table: np.ndarray, picture: Mapping[str, Any]) -> None:
        """Add the table (n, D) at a step, and its line."""
        popularity = None if sample.data is None else sample.data.popularity
        if not self.run.exists:
            info = {"dataset": {"title": f"{len(table):,} of {sample.shape[0]:,} rows, watched while they train"}}
            self.run.create_tables({FIRST: table, LATEST: table}, sample.items, info, popularity)
        padded = np.concatenate([np.zeros((1, table.shape[1]), np.float32), table])
        counts = np.arange(len(padded)) if popularity is None else popularity
        save_snapshot(self.run.path / "snapshots" / f"{WATCHED}-{step}.safetensors", padded, counts)
        self.run.replace_table(LATEST, table)
        self.event(picture)

    def event(self, picture: Mapping[str, Any]) -> None:
        """Add a line to ``events.jsonl``."""
        self.run.path.mkdir(parents=True, exist_ok=True)
        with open(self.run.events_path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": "picture", "time": time.time(), "stage": WATCHED, "picture": dict(picture)}) + "\n")

    def finish(self, sample: Sample, table: np.ndarray) -> None:
        """Keep the full judgment of the first and the latest table, so that the app needs no interactions."""
        from adrec.embeddings.bring import keep_judgment
        from adrec.embeddings.judging import judge

        judged = judge([sample.source(sample.first, FIRST), sample.source(table, LATEST)])
        for entry, name in zip(judged["tables"], (FIRST, LATEST), strict=True):
            entry["name"] = name
        keep_judgment(self.run, judged, sample.data)
