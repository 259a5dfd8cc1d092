"""The run folder: written by a training, read by everything else. Nothing in it is executed when it is read.

Reading a run needs neither torch nor the data set it was trained on.
"""

import contextlib
import csv
import json
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from filelock import FileLock, Timeout

from adrec.data.dataset import ItemTable
from adrec.errors import DataError, RunError
from adrec.files import LARGEST_TEXT, array_names, array_shape, atomic, changed, check_file, load_arrays, read_json, save_arrays, write_json
from adrec.runs.shapes import BARE, FORMAT, STAGES, check_event, check_info, check_metrics, require

ITEM_TABLE = "item_embedding.weight"
WATCHED = "step"
"""The stage of snapshots in a folder without a model, whose tables a loop elsewhere trains; their epochs are its steps."""
LAST = "last"
"""Used instead of an epoch: the state in which a stage ended."""
LOCK, STOP = ".lock", "stop"
LOCK_SECONDS = 2.0
"""How long to wait for a folder's lock: checking whether it is held takes it for an instant."""
ALIVE = ("running", "stopping")
ENDED = "The training process ended unexpectedly; resume to continue from its last checkpoint."


class RunFolder:
    """One run: read it, follow it, write to it. Every file appears whole or not at all.

    run.json          settings, data set, versions, seed, command (``create``)
    items.csv         titles, categories, training counts
    events.jsonl      steps, validations, stages, one a line, only ever appended to (``training.recorder``)
    status.json, .lock, stop      state; who owns the folder; a request to stop
    stages/<stage>/   model.safetensors, metrics.json, test_ranks.npy; last.safetensors with keep_weights=every; sequences.safetensors
                      of a stage that makes training data. A compact copy keeps a table that a stage left as it was once: ``same`` in
                      run.json names the earlier one
    tables/           item tables alone, of a folder without a model; its snapshots, if any, are of a loop elsewhere (``adrec.monitor``)
    snapshots/        item tables along the way, and whole models with keep_weights=every
    checkpoint.pt     what resuming needs (``training.checkpoint``)
    projections/, film.npz, diagnosis.json, dials.json, all_users.json, lists.npz, judged.json      computed, kept to be fast
    job.json, log.txt      of a training that the app started (``app.jobs``)

    Everything that is read is checked here; anything that readers cannot rely on is a RunError that names the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def name(self) -> str:
        return self.path.name

    # -- identity -------------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        return (self.path / "run.json").is_file()

    @property
    def info(self) -> dict[str, Any]:
        """run.json: ``format``; ``title``, ``purpose``, ``question`` for people; ``model``, ``train`` (configs), ``preset``, ``dataset``,
        ``versions``, ``seed``, ``command``; ``diffusion``, the coefficients of a reverse process, where there is one; ``same``, in a
        compact copy the earlier table that a stage's equals, by stage."""
        path = self.path / "run.json"
        info = read_json(path)
        check_info(path, info)
        return info

    @property
    def title(self) -> str:
        """The title shown to people; by default the folder's name."""
        return self.info.get("title") or self.name

    @property
    def settings(self) -> dict[str, Any]:
        """The recorded settings of model and training together; `adrec.models.settings.recorded` checks them."""
        info = self.info
        for part in ("model", "train"):
            require(part in info, self.path / "run.json", f"it has no settings '{part}'")
        return {**info["train"], **info["model"]}

    @property
    def abilities(self) -> set[str]:
        """What the model can do (``adrec.models.base.ABILITIES``); in older folders it follows from the weights' names."""
        known = self.info.get("abilities")
        if isinstance(known, list):
            return {str(name) for name in known}
        names = array_names(self.weights_path(self.stages[-1])) if self.stages else []
        return {"recommend", "item_table"} | ({"denoise"} if any(name.startswith("time_embed.") for name in names) else set())

    def create(self, info: Mapping[str, Any], items: ItemTable, popularity: np.ndarray | None) -> None:
        """Create the folder with run.json and items.csv. popularity: (V + 1,) training occurrences, or None if unknown."""
        frame = items.frame.copy()
        if popularity is not None:
            frame["popularity"] = popularity[1:]
        with atomic(self.path / "items.csv", "w") as file:
            frame.to_csv(file, quoting=csv.QUOTE_NONNUMERIC)  # titles may contain anything, even a lone carriage return
        write_json(self.path / "run.json", {"format": FORMAT, **info})

    @property
    def items(self) -> pd.DataFrame:
        """The item table with ids 1..V as index: item, title, categorical columns and, if known, ``popularity``."""
        return self._items()

    def _items(self, columns: Collection[str] | None = None) -> pd.DataFrame:
        path = self.path / "items.csv"
        check_file(path, LARGEST_TEXT)
        try:
            wanted = None if columns is None else lambda name: name in columns
            frame = pd.read_csv(path, index_col="id", usecols=wanted, keep_default_na=False, dtype=str)
            if "popularity" in frame:
                frame["popularity"] = pd.to_numeric(frame["popularity"])
                if not np.isfinite(frame["popularity"]).all():
                    raise ValueError("not a count")
            frame.index = frame.index.astype(int)
            frame = frame if columns is not None else ItemTable(frame).frame
        except (OSError, ValueError, TypeError, LookupError, DataError) as error:  # of pandas too
            raise RunError(f"'{path}' is missing or damaged ({type(error).__name__}).") from None
        shapes: dict[str, tuple[int, int]] = {}
        with contextlib.suppress(RunError):  # a damaged table is reported where it is read; the items are fine
            shapes = self.table_shapes()
        for name, (rows, _) in shapes.items():
            require(rows == len(frame), path, f"it has {len(frame):,} items, the item table '{name}' {rows:,}")
        return frame

    def check(self) -> None:
        """A RunError if anything that is read of every run is damaged; quick, since it reads neither arrays nor titles."""
        _ = self.info, self.table_shapes()
        self._items(("id", "popularity"))
        for stage in self.stages:
            self.metrics(stage)

    # -- ownership ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def owned(self, exist_ok: bool = False) -> Iterator[None]:
        """Hold the exclusive right to write the folder until the block ends; a RunError if another process holds it.

        exist_ok: whether the folder may already hold a run; otherwise that is a RunError too. If the block fails before a new folder
        becomes a run, the folder is removed, so that its name stays free.
        """
        new = not self.path.exists()
        self._check_new(exist_ok)
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(LOCK_SECONDS)
        except Timeout:
            raise RunError(f"Run '{self.path}' is being written by {self._owner()}.") from None
        try:
            self._check_new(exist_ok)  # another process may have held it meanwhile
            self.forget_stop()  # it was meant for a previous owner
            yield
            self.forget_stop()
        except BaseException:
            if new and not self.exists:
                shutil.rmtree(self.path, ignore_errors=True)
            raise
        finally:
            lock.release()

    def _check_new(self, exist_ok: bool) -> None:
        if self.exists and not exist_ok:
            raise RunError(f"Run '{self.path}' already exists; choose another folder.")

    @property
    def held(self) -> bool:
        """Whether a process holds the folder (``owned``). This asks the operating system and needs neither clocks nor process ids."""
        try:
            with FileLock(self.path / LOCK, blocking=False) if (self.path / LOCK).is_file() else contextlib.nullcontext():
                return False
        except (Timeout, OSError):  # OSError: a folder this user may not write to; trust its status
            return True

    def ask_to_stop(self) -> None:
        """Ask the owner to save a checkpoint and stop."""
        if self.stop_asked is None:
            (self.path / STOP).touch()

    def forget_stop(self) -> None:
        """Withdraw the request of ``ask_to_stop``."""
        (self.path / STOP).unlink(missing_ok=True)

    @property
    def stop_asked(self) -> float | None:
        """When the owner, even one killed since, was asked to stop; None if it was not."""
        try:
            return (self.path / STOP).stat().st_mtime
        except FileNotFoundError:
            return None

    def _owner(self) -> str:
        with contextlib.suppress(RunError, KeyError, TypeError, ValueError, OverflowError):
            status = read_json(self.path / "status.json")
            since = datetime.fromtimestamp(status["started"]).strftime("%Y-%m-%d %H:%M")
            return f"process {int(status['pid'])}, which started at {since}"
        return "another process"

    # -- status ---------------------------------------------------------------------------------------------------

    def write_status(self, state: str, error: str | None = None) -> None:
        """Record the state with this process's identity and the current time as heartbeat."""
        me = psutil.Process()
        write_json(
            self.path / "status.json",
            {"state": state, "pid": me.pid, "started": me.create_time(), "heartbeat": time.time(), "error": error},
        )

    @property
    def status(self) -> dict[str, Any]:
        """status.json; a run marked as running that nobody owns reads as ``failed``, or ``stopped`` if a stop was requested."""
        path = self.path / "status.json"
        if not path.is_file():
            if not self.exists:
                return {"state": "missing", "error": None}
            # without weights it was killed before its first status
            done = self.weights_path(STAGES[-1]).is_file() or self.bare_tables is not None
            return {"state": "finished", "error": None} if done else {"state": "failed", "error": ENDED}
        status = read_json(path)
        require(isinstance(status.get("state"), str), path, "it has no state")
        require(isinstance(status.get("error"), str | None), path, "'error' must be a sentence")
        if status.get("state") in ALIVE and not self.held:
            ended = {"state": "failed", "error": ENDED} if self.stop_asked is None else {"state": "stopped"}
            status = {**status, **ended}
        return status

    # -- events ---------------------------------------------------------------------------------------------------

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    def events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """Events from byte ``offset``, and the offset for the next call. An incomplete last line is left for that call.

        Lines that are not JSON objects are skipped; an event without the numbers of its kind is a RunError.
        """
        check_file(self.events_path, LARGEST_TEXT)
        try:
            with open(self.events_path, "rb") as file:
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return [], 0
        end = data.rfind(b"\n") + 1
        events = []
        for line in data[:end].splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                event = json.loads(line)
                if isinstance(event, dict):
                    check_event(self.events_path, event)
                    events.append(event)
        return events, offset + end

    # -- bare tables ----------------------------------------------------------------------------------------------

    def create_tables(
        self, tables: Mapping[str, np.ndarray], items: ItemTable, info: Mapping[str, Any], popularity: np.ndarray | None = None
    ) -> None:
        """Create a folder that holds only item tables, in this order, and no model. tables: by name, each (V, D) without a padding row.

        popularity: (V + 1,) as in ``create``. run.json is written last: until then the folder is not a run.
        """
        for number, table in enumerate(tables.values(), start=1):
            self._save_bare(number, table)
        self.create({**info, "kind": BARE, "tables": list(tables)}, items, popularity)

    def replace_table(self, name: str, table: np.ndarray) -> None:
        """Put another table (V, D) in place of a bare one."""
        self._save_bare((self.bare_tables or []).index(name) + 1, table)

    def _save_bare(self, number: int, table: np.ndarray) -> None:
        padded = np.concatenate([np.zeros((1, table.shape[1]), np.float32), table.astype(np.float32)])
        save_arrays(self._bare_path(number), {ITEM_TABLE: padded})

    @property
    def bare_tables(self) -> list[str] | None:
        """The names of the tables in a folder that holds nothing else, in order; None for a run with a model."""
        if not (self.path / "tables").is_dir():
            return None
        info = self.info
        return list(info["tables"]) if info.get("kind") == BARE else None

    def _bare_path(self, number: int) -> Path:
        return self.path / "tables" / f"{number}.safetensors"

    # -- weights --------------------------------------------------------------------------------------------------

    def weights_path(self, stage: str, epoch: int | str | None = None) -> Path:
        """The path of a stage's best weights. epoch: a validated epoch or "last", whose weights ``keep_weights=every`` saves too."""
        if epoch is None:
            own = self.path / "stages" / stage / "model.safetensors"
            same = None if own.is_file() else self._same.get(stage)
            return own if same is None else self._table_path(same)
        if epoch == LAST:
            return self.path / "stages" / stage / "last.safetensors"
        return self.path / "snapshots" / f"{stage}-{epoch}.model.safetensors"

    @property
    def _same(self) -> dict[str, str]:
        """The earlier table that a stage's equals, by stage."""
        with contextlib.suppress(RunError):  # a damaged run.json is reported where it is read
            return dict(self.info.get("same", {})) if self.exists else {}
        return {}

    def weight_epochs(self, stage: str) -> list[int | str]:
        """The epochs of a stage whose whole models were saved, in order, and "last" for the state in which it ended."""
        names = [path.name.split(".")[0] for path in (self.path / "snapshots").glob(f"{stage}-*.model.safetensors")]
        epochs: list[int | str] = sorted(int(name.rpartition("-")[2]) for name in names)
        return epochs + ([LAST] if self.weights_path(stage, LAST).is_file() else [])

    @property
    def stages(self) -> list[str]:
        """The stages that have weights, in order."""
        return [s for s in STAGES if self.weights_path(s).is_file()]

    def has_model(self, stage: str) -> bool:
        """Whether the stage's file holds a whole model; a compact copy keeps only the item table of the earlier stages."""
        return any(name != ITEM_TABLE for name in array_names(self.weights_path(stage)))

    def metrics(self, stage: str) -> dict[str, Any]:
        """``{"val": {...}, "test": {...}}`` of a stage, as far as measured; empty if not yet."""
        path = self.path / "stages" / stage / "metrics.json"
        if not path.is_file():
            return {}
        found = read_json(path)
        check_metrics(path, found)
        return found

    def test_ranks(self, stage: str) -> np.ndarray:
        """The rank of every user's test item after a stage, as measured in training: (U,) integers."""
        path = self.path / "stages" / stage / "test_ranks.npy"
        check_file(path)
        try:
            with open(path, "rb") as file:
                ranks = np.asarray(np.lib.format.read_array(file, allow_pickle=False))
        except (OSError, ValueError, EOFError) as error:
            raise RunError(f"'{path}' is missing or damaged ({type(error).__name__}).") from None
        require(ranks.ndim == 1 and ranks.dtype.kind in "iu", path, "it must hold a whole number for each user")
        return ranks

    def table_names(self) -> list[str]:
        """Which of initial, pretrain, warmup, finetune have an item table, in this order; or the names of bare tables."""
        bare = self.bare_tables
        if bare is not None:
            return bare
        if self.exists and "item_table" not in self.abilities:
            return []
        initial = ["initial"] if (self.path / "snapshots" / "initial.safetensors").is_file() else []
        return initial + self.stages

    def table(self, name: str) -> np.ndarray:
        """The item table of this name without its padding row: (V, D) float32, row i is item i + 1."""
        return load_arrays(self._table_path(name), (ITEM_TABLE,))[ITEM_TABLE][1:].astype(np.float32)

    def _table_path(self, name: str) -> Path:
        bare = self.bare_tables
        if bare is None:
            return self.path / "snapshots" / "initial.safetensors" if name == "initial" else self.weights_path(name)
        if name not in bare:
            raise RunError(f"'{self.path}' has no table '{name}'; it has {', '.join(bare)}.")
        return self._bare_path(bare.index(name) + 1)

    def table_shapes(self) -> dict[str, tuple[int, int]]:
        """(V, D) of every item table by name, from the files' headers; tables of different shapes are a RunError."""
        shapes: dict[str, tuple[int, int]] = {}
        for name in self.table_names():
            path = self._table_path(name)
            shape = array_shape(path, ITEM_TABLE)
            require(len(shape) == 2 and shape[0] >= 2 and shape[1] >= 1, path, f"an item table cannot have shape {shape}")
            shapes[name] = (shape[0] - 1, shape[1])
            first, found = next(iter(shapes.items()))
            require(shapes[name] == found, path, f"the item table '{name}' has shape {shapes[name]}, '{first}' {found}")
        return shapes

    def tables(self) -> dict[str, np.ndarray]:
        """All item tables by name, in order."""
        return {name: self.table(name) for name in self.table_shapes()}

    def checked_tables(self) -> dict[str, np.ndarray]:
        """All item tables; a folder without any is a RunError."""
        tables = self.tables()
        if not tables:
            raise RunError(f"'{self.path}' holds no item table: expected a run folder.")
        return tables

    def snapshots(self) -> list[tuple[str, int, Path]]:
        """(stage, epoch, path) of the item tables saved during training, in order."""
        found = []
        for path in (self.path / "snapshots").glob("*-*.safetensors"):
            match = re.fullmatch(r"(pretrain|warmup|finetune|step)-(\d+)\.safetensors", path.name)
            if match:
                found.append((match[1], int(match[2]), path))
        order = (*STAGES, WATCHED)
        return sorted(found, key=lambda s: (order.index(s[0]), s[1]))


def list_runs(*roots: str | Path) -> list[RunFolder]:
    """All run folders directly under the roots, newest first within each root."""
    runs: list[RunFolder] = []
    for root in roots:
        begun = {p.parent: changed(p) for p in Path(root).glob("*/run.json")}
        runs += [RunFolder(p) for p in sorted(begun, key=begun.__getitem__, reverse=True)]
    return runs


Progress = Callable[[float, str], None]
"""Called with a fraction 0..1 and a few words."""
