"""What a run recommends to every user of the test split, and how sure it is: computed once and kept with the run."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.measures import measures
from adrec.collapse.verdict import diagnose
from adrec.data.batches import PART_TOKENS, evaluation_batches
from adrec.data.dataset import SequenceDataset
from adrec.errors import WeightsError
from adrec.evaluation import answers, hidden_items, ranks_of_scores, streamed_ranks, top_items
from adrec.files import load_npz, read_json, save_npz, write_json
from adrec.models.base import Model
from adrec.models.loading import load_model
from adrec.parallel.threads import one_thread
from adrec.runs import RunFolder
from adrec.runs.cache import Cache

VERSION = 2
"""Part of the cache keys; raised when something is computed otherwise."""
TEN = 10
SCORES = 4_000_000
"""Scores held at once."""
TABLE_MEASURES = ("effective_rank", "mean_cosine")


@dataclass(frozen=True)
class Lists:
    """Of every user who has a test answer, in the data set's order: ranks (E,) of the answer among all rows; items (E, 10), the best of
    the catalogue, best first, 0 where there are fewer that may be recommended, and their probabilities (E, 10), the softmax over the
    catalogue. seconds: CPU seconds a user, one thread."""

    ranks: np.ndarray
    items: np.ndarray
    probabilities: np.ndarray
    seconds: float


def lists(run: RunFolder, data: SequenceDataset, steps: int | None = None) -> Lists | None:
    """A run's lists, from the run folder if they are there; None for a copy of a run that holds no model. steps: of the reverse process
    (default: the model's own)."""
    found = kept_lists(run, data.content_hash, steps)
    if found is not None:
        return found
    try:
        model = load_model(run)
    except WeightsError:
        return None
    made = computed(model, data, steps, filters(run))
    keep_lists(run, data.content_hash, made, steps)
    return made


def keep_lists(run: RunFolder, data_hash: str, made: Lists, steps: int | None = None) -> None:
    """Keep a run's lists with it; also those of the run that a copy without its model was made of."""
    key, cache = _lists_cache(run, data_hash, steps)
    cache.save(lambda path: save_npz(path, vars(made) | {"key": np.array(key), "seconds": np.array(made.seconds)}))


def kept_lists(run: RunFolder, data_hash: str, steps: int | None = None) -> Lists | None:
    """A run's lists if they have been computed. data_hash: the content hash of its data set."""
    key, cache = _lists_cache(run, data_hash, steps)
    found = cache.load(load_npz, lambda arrays: "key" in arrays and arrays["key"].item() == key)
    return None if found is None else Lists(found["ranks"], found["items"], found["probabilities"], float(found["seconds"]))


def _lists_cache(run: RunFolder, data_hash: str, steps: int | None) -> tuple[str, Cache]:
    key = _key(run, data_hash, steps)
    return key, Cache(run, f"lists{'' if steps is None else f'-{steps}'}.npz", f"lists/{key}.npz")


@torch.no_grad()
def computed(model: Model, data: SequenceDataset, steps: int | None = None, filter_seen: bool = False) -> Lists:
    """Every user's list, with the noise of ``evaluate``'s default seed. filter_seen: of items that are new to the user."""
    users, table = data.evaluated("test"), model.output_table
    place = np.full(data.n_users, -1)
    place[users] = np.arange(len(users))
    ranks, items = np.zeros(len(users), np.int64), np.zeros((len(users), TEN), np.int32)
    probabilities = np.zeros((len(users), TEN), np.float32)
    begin = time.process_time()
    with one_thread():
        for batch in evaluation_batches(data, "test", model.config.length):
            for part in batch.split(PART_TOKENS):
                given = answers(model, part, steps)
                rows, targets = place[part.users], torch.from_numpy(data.test[part.users].astype(np.int64))
                hidden = hidden_items(data, "test", part.users, filter_seen)
                found = ranks_of_scores(given, targets, hidden) if table is None else streamed_ranks(given, table, targets, hidden)
                ranks[rows] = found.numpy()
                items[rows], probabilities[rows] = _best(given, table, hidden, targets)
    return Lists(ranks, items, probabilities, (time.process_time() - begin) / max(1, len(users)))


def _best(given: Tensor, table: Tensor | None, hidden: tuple[Tensor, Tensor] | None, targets: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The ten best items and their probabilities. given: scores (B, V + 1), or vectors (B, W) where there is a table (V + 1, W). hidden:
    rows and items that are not recommended, unless they are the target."""
    size = max(1, SCORES // (given.shape[1] if table is None else len(table)))
    ids, shares = [], []
    for begin in range(0, len(given), size):
        part = given[begin : begin + size]
        scores = (part.clone() if table is None else part @ table.T).double()
        if hidden is not None:
            own = (hidden[0] >= begin) & (hidden[0] < begin + size) & (hidden[1] != targets[hidden[0]])
            scores[hidden[0][own] - begin, hidden[1][own]] = -torch.inf
        scores = scores[:, 1:]
        values, columns = top_items(scores, min(TEN, scores.shape[1]))
        ids.append(torch.where(values == -torch.inf, 0, columns + 1))
        shares.append((values - scores.logsumexp(1, keepdim=True)).exp())
    best, share = torch.cat(ids).numpy(), torch.cat(shares).numpy()
    missing = TEN - best.shape[1]  # of a catalogue of fewer than ten
    return np.pad(best, ((0, 0), (0, missing))).astype(np.int32), np.pad(share, ((0, 0), (0, missing))).astype(np.float32)


def judged(run: RunFolder, data: SequenceDataset, near: Cooccurrence | None) -> dict[str, Any] | None:
    """The verdict on the run's final item table and ``TABLE_MEASURES`` of it, kept with the run; None if it has no table."""
    if "finetune" not in run.table_names():
        return None
    key, cache = _judged_cache(run, data.content_hash)
    found = cache.load(read_json, lambda report: report.get("key") == key)
    if found is None:
        tables = run.tables()
        table = tables.pop("finetune")
        start = tables.pop("initial", None)
        before = next(reversed(tables.values()), None)
        values, verdict = measures(table), diagnose(table, cooccurrence=near, initial=start, before=before)
        found = {"key": key, "verdict": verdict.kind, **{name: values[name] for name in TABLE_MEASURES}}
        cache.save(lambda path: write_json(path, found))
    return found


def kept_judgment(run: RunFolder, data_hash: str) -> dict[str, Any] | None:
    """What is known of a run's final item table if it has been ``judged``."""
    key, cache = _judged_cache(run, data_hash)
    return cache.load(read_json, lambda report: report.get("key") == key)


def _judged_cache(run: RunFolder, data_hash: str) -> tuple[str, Cache]:
    key = _key(run, data_hash, None)
    return key, Cache(run, "judged.json", f"judged/{key}.json")


def _key(run: RunFolder, data_hash: str, steps: int | None) -> str:
    """A digest of everything that the results depend on."""
    path: Path = run.weights_path("finetune")
    settings = json.dumps([VERSION, run.info.get("model"), data_hash, steps, *(["new items"] if filters(run) else [])], sort_keys=True)
    return hashlib.sha256(settings.encode() + path.read_bytes()).hexdigest()[:40]


def filters(run: RunFolder) -> bool:
    """Whether the run is tested on items that are new to their user."""
    return bool(run.settings.get("filter_seen"))
