"""The benchmark: speed, share of peak and memory of training, evaluation and trajectories, compared with the plain padded method.

Each measured part runs in a fresh process, so that its peak memory is its own. This process does not load torch.
"""

import logging
import os
import platform
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from adrec.errors import AdrecError, ConfigError
from adrec.system import processor

log = logging.getLogger(__name__)

DEFAULT_SOURCES = ("ml-100k", "synthetic")
CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


class Official(NamedTuple):
    """Seconds that the official code took: an epoch of fine-tuning (best and worst) and an evaluation."""

    epochs: tuple[float, float]
    evaluation: float


OFFICIAL = {("baby", 11761): Official((130.0, 160.0), 400.0), ("ml-100k", 938): Official((20.0, 31.0), 57.0)}
QUOTED = "the official code, measured once on a machine with two cores and quoted here; ML-100K's 31 s and 57 s on one thread"


@dataclass(frozen=True)
class Effort:
    """How often parts are repeated. seconds: each part is repeated for this long, at least ``at_least`` times.

    padded_batches, padded_batch, padded_users: how much data the plain padded method gets: training batches, users per batch, users in
    the evaluation. pretrain: whether to measure the first stage too.
    """

    seconds: float = 8.0
    at_least: int = 3
    padded_batches: int = 3
    padded_batch: int = 512
    padded_users: int = 128
    pretrain: bool = True


QUICK = Effort(seconds=1.0, at_least=2, padded_batches=2, padded_batch=64, padded_users=32, pretrain=False)


def run(sources: Sequence[str | Path] = DEFAULT_SOURCES, *, quick: bool = False, threads: int | None = None) -> dict[str, Any]:
    """Measure training, evaluation (all denoising steps) and a trajectory with the paper's settings on each data set.

    sources: names or paths. quick: few repetitions. threads: torch's (default: its own choice). A figure is the median of its
    repetitions, ``<key>_spread`` their minimum and maximum. Keys: ``machine``, ``threads``, ``sgemm_gflops``,
    ``products`` (matrix products of the model's shapes), ``train.<data set>``, ``evaluate.<data set>``, ``trajectory``.
    Raises DataError for an unreadable source, ConfigError for more threads than the machine has cores.
    """
    check_threads(threads)
    effort = QUICK if quick else Effort()
    data = _load(sources)
    report: dict[str, Any] = {"machine": machine(), "quick": quick}
    first = next(iter(data.values()))
    report.update(measure("products", threads, n_items=first.n_items, effort=effort))
    train, evaluate = {}, {}
    for name, each in data.items():
        train[name] = _train(each, threads, effort, report["sgemm_gflops"])
        evaluate[name] = _evaluate(each, threads, effort, report["sgemm_gflops"])
    return {**report, "train": train, "evaluate": evaluate, "trajectory": measure("trajectory", threads, data=first, effort=effort)}


def check_threads(threads: int | None) -> None:
    """A ConfigError unless the machine has this many cores."""
    cores = os.cpu_count() or 1
    if threads is not None and not 1 <= threads <= cores:
        raise ConfigError(f"The number of threads must be 1 to {cores}, this machine's cores, not {threads}.")


def _load(sources: Sequence[str | Path]) -> dict[str, SequenceDataset]:
    found: dict[str, SequenceDataset] = {}
    for source in sources:
        data = catalog.load(source)
        if data.name in found:
            raise ConfigError(f"'{source}' is the second data set named '{data.name}'; the results need different names.")
        found[data.name] = data
    return found


def _train(data: SequenceDataset, threads: int | None, effort: Effort, peak: float) -> dict[str, Any]:
    """The fine-tuning stage, and under ``pretrain`` the first stage; the warm-up differs from fine-tuning only in its frozen table."""
    stages: dict[str, dict[str, Any]] = {}
    for stage in ("finetune", "pretrain") if effort.pretrain else ("finetune",):
        ours = measure("train", threads, data=data, stage=stage, effort=effort)
        plain = measure("padded_train", threads, data=data, stage=stage, effort=effort)
        ratio = {
            "share_of_peak": ours["useful_gflops"] / peak,
            "speedup_over_padded": plain["epoch_seconds"] / ours["epoch_seconds"],
        }
        stages[stage] = {**ours, **ratio, "padded": plain}
    quoted = OFFICIAL.get((data.name, data.n_users))
    if quoted is not None:
        ratios = [s / stages["finetune"]["epoch_seconds"] for s in quoted.epochs]
        stages["finetune"]["official"] = {"epoch_seconds": list(quoted.epochs), "speedup": ratios, "source": QUOTED}
    finetune = stages.pop("finetune")
    return {**finetune, **stages}


def _evaluate(data: SequenceDataset, threads: int | None, effort: Effort, peak: float) -> dict[str, Any]:
    ours = measure("evaluation", threads, data=data, effort=effort)
    plain = measure("padded_evaluation", threads, data=data, effort=effort)
    ratio = {"share_of_peak": ours["useful_gflops"] / peak, "speedup_over_padded": plain["seconds"] / ours["seconds"]}
    result = {**ours, **ratio, "padded": plain}
    quoted = OFFICIAL.get((data.name, data.n_users))
    if quoted is not None:
        result["official"] = {"seconds": quoted.evaluation, "speedup": quoted.evaluation / ours["seconds"], "source": QUOTED}
    return result


# -- processes --------------------------------------------------------------------------------------------------------


def measure(part: str, threads: int | None, **arguments: Any) -> dict[str, Any]:
    """Run the function ``part`` of `adrec.bench.parts` in a fresh process and return its result."""
    shown = [getattr(v, "name", v) for k, v in arguments.items() if k != "effort"]
    log.info("%s %s", part.replace("_", " "), " ".join(map(str, shown)))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(_in_process, part, threads, arguments).result()
        except BrokenProcessPool:
            raise AdrecError(f"The system killed the benchmark's part '{part}', most likely for lack of memory.") from None


def _in_process(part: str, threads: int | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
    import torch

    from adrec.bench import parts

    if threads is not None:
        torch.set_num_threads(threads)
    result: dict[str, Any] = getattr(parts, part)(**arguments)
    return result


# -- the machine ------------------------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """What the figures depend on. flags: whether the processor has them, if the system reports it."""
    fields = processor()
    flags = fields.get("flags", "").split()
    return {
        "cpu": fields.get("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total // 2**20,
        "flags": {flag: flag in flags for flag in CPU_FLAGS} if flags else {},
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": version("torch"),
    }
