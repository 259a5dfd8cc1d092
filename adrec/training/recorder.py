"""What a training writes into its run folder: events, snapshots, weights, metrics, checkpoints."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrec.data.dataset import SequenceDataset
from adrec.evaluation import Evaluation
from adrec.files import atomic, load_arrays, save_arrays, write_json
from adrec.models.base import Model, Stage
from adrec.models.loading import load_weights
from adrec.runs import ITEM_TABLE, STAGES, RunFolder
from adrec.runs.snapshots import save_snapshot
from adrec.training.checkpoint import Position, load_checkpoint, save_checkpoint

LOG_SECONDS = 0.5
HEARTBEAT_SECONDS = 2.0


class Recorder:
    """Writes one run. listener(event) is called with every event too (the command line's progress bar)."""

    def __init__(self, run: RunFolder, popularity: np.ndarray, listener: Any = None) -> None:
        self.run, self.popularity, self.listener = run, popularity, listener
        self._checkpointed = self._logged = self._heartbeat = time.monotonic()
        self._pending: list[dict[str, float]] = []
        self._pending_tokens = 0
        self._pending_seconds = 0.0

    # -- events ---------------------------------------------------------------------------------------------------

    def event(self, kind: str, **fields: Any) -> None:
        """Append one line; readers ignore a line that is not complete yet."""
        event = {"time": round(time.time(), 3), "kind": kind, **fields}
        with open(self.run.events_path, "ab") as file:
            file.write((json.dumps(event) + "\n").encode())
        if self.listener is not None:
            self.listener(event)
        self._beat()

    def _beat(self) -> None:
        if time.monotonic() - self._heartbeat > HEARTBEAT_SECONDS:
            self._heartbeat = time.monotonic()
            self.run.write_status("running")

    def stage_begins(self, stage: Stage, place: Position, steps_per_epoch: int, last_step: int, validations: int) -> None:
        self._pending, self._pending_tokens, self._pending_seconds = [], 0, 0.0  # the stage before may have other losses
        epochs = {"first_epoch": stage.first_epoch, "max_epochs": stage.last_epoch, "steps_per_epoch": steps_per_epoch}
        latest = {"last_step": last_step, "validations": validations}
        self.event("stage", stage=stage.name, epoch=place.epoch, step=place.step, **epochs, **latest)

    def step(self, stage: Stage, place: Position, losses: Mapping[str, float], lr: float, tokens: int, seconds: float) -> None:
        """Log the mean since the last logged step, at most twice a second."""
        self._pending.append(dict(losses))
        self._pending_tokens += tokens
        self._pending_seconds += seconds
        if time.monotonic() - self._logged < LOG_SECONDS:
            return
        self._logged = time.monotonic()
        means = {k: float(np.mean([p[k] for p in self._pending])) for k in self._pending[0]}
        rate = self._pending_tokens / max(self._pending_seconds, 1e-9)
        self._pending, self._pending_tokens, self._pending_seconds = [], 0, 0.0
        loss = float(np.mean(list(means.values())))
        where = {"stage": stage.name, "epoch": place.epoch, "step": place.step}
        self.event("step", **where, loss=loss, **means, lr=lr, tokens_per_second=round(rate))

    def validation(self, stage: Stage, place: Position, metrics: Mapping[str, Any], best: bool, table: Tensor | None) -> None:
        if table is not None:
            path = self.run.path / "snapshots" / f"{stage.name}-{place.epoch}.safetensors"
            save_snapshot(path, table.detach().cpu().numpy(), self.popularity)
        self.event("validation", stage=stage.name, epoch=place.epoch, step=place.step, metrics=dict(metrics), best=best)

    def begin(self, initial: Tensor | None, pretrained: Tensor | None) -> None:
        """Save what a run starts from: its random item table, if it has one, or the pretrained table that replaces stage 1."""
        if pretrained is not None:
            save_arrays(self.run.weights_path(STAGES[0]), {ITEM_TABLE: pretrained.numpy()})
        elif initial is not None:
            save_arrays(self.run.path / "snapshots" / "initial.safetensors", {ITEM_TABLE: initial.detach().cpu().numpy()})

    def keep(self, stage: Stage, epoch: int | str, weights: Mapping[str, Tensor]) -> None:
        """Save a whole model, from a validated epoch or the end of a stage: weights in half precision, counts unchanged."""
        halved = {k: (v.half() if v.dtype == torch.float32 else v).cpu().numpy() for k, v in weights.items()}
        save_arrays(self.run.weights_path(stage.name, epoch), halved)

    # -- weights --------------------------------------------------------------------------------------------------

    def stage_ends(self, stage: Stage, place: Position, reason: str, weights: Mapping[str, Tensor]) -> None:
        save_arrays(self.run.weights_path(stage.name), {k: v.cpu().numpy() for k, v in weights.items()})
        metrics = {
            "val": place.best_metrics,
            "epoch": place.best_epoch,
            "epochs": place.epoch,
            "seconds": place.seconds,
            "ended_by": reason,
        }
        write_json(self.run.path / "stages" / stage.name / "metrics.json", metrics)
        where = {"stage": stage.name, "epoch": place.epoch, "step": place.step}
        ended = {"seconds": round(place.seconds, 3), "reason": reason, "best_epoch": place.best_epoch}
        self.event("stage_end", **where, **ended, metrics=place.best_metrics)

    def save_sequences(self, stage: Stage, data: SequenceDataset) -> None:
        """Save what the following stages train on; written before the checkpoint that marks the stage as ended."""
        save_arrays(self._sequences_path(stage), {"items": data.train_items, "offsets": data.train_offsets})

    def sequences(self, data: SequenceDataset, ended: Sequence[Stage]) -> SequenceDataset:
        """The training sequences made by the last ended stage that made any; the data if none did."""
        for stage in reversed(ended):
            path = self._sequences_path(stage)
            if path.is_file():
                arrays = load_arrays(path)
                return replace(data, train_items=arrays["items"], train_offsets=arrays["offsets"])
        return data

    def _sequences_path(self, stage: Stage) -> Path:
        return self.run.path / "stages" / stage.name / "sequences.safetensors"

    def load_final(self, model: Model) -> None:
        load_weights(model, self.run.weights_path(STAGES[-1]))

    def test(self, stage: Stage, result: Evaluation) -> None:
        folder = self.run.path / "stages" / stage.name
        with atomic(folder / "test_ranks.npy") as file:
            np.save(file, result.ranks.astype(np.int32), allow_pickle=False)
        write_json(folder / "metrics.json", {**self.run.metrics(stage.name), "test": result.metrics})
        self.event("test", stage=stage.name, metrics=result.metrics)

    # -- checkpoints ----------------------------------------------------------------------------------------------

    def checkpoint_due(self, seconds: float) -> bool:
        return time.monotonic() - self._checkpointed >= seconds

    def checkpoint(self, state: Mapping[str, Any]) -> None:
        """Save everything needed to resume."""
        save_checkpoint(self.run, state)
        self._checkpointed = time.monotonic()

    def resume(self) -> dict[str, Any] | None:
        """The last checkpoint, after truncating the events to it; None if the run had none yet."""
        state, size = load_checkpoint(self.run)
        self._cut_events(size)
        return state

    def _cut_events(self, size: int) -> None:
        if self.run.events_path.exists() and self.run.events_path.stat().st_size > size:
            os.truncate(self.run.events_path, size)
        self.event("resumed")


class Bystander(Recorder):
    """Reads like a recorder and writes nothing: the recorder of all processes but the first, if there are several."""

    def _nothing(self, *values: Any, **named: Any) -> None:
        """In place of everything that writes."""

    event = begin = validation = keep = stage_ends = save_sequences = test = checkpoint = _cut_events = _nothing

    def checkpoint_due(self, seconds: float) -> bool:
        return False
