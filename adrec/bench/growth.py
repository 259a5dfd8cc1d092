"""How time and memory grow with users, history length, catalogue and width: one varies, the others stay fixed."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adrec.bench import Effort, check_threads, machine, measure

log = logging.getLogger(__name__)

BASE = {"users": 512, "length": 10, "items": 1000, "width": 64}
AXES: dict[str, tuple[list[int], dict[str, int]]] = {  # values, and changes to BASE that make the axis's own share visible
    "users": ([512, 1024, 2048, 4096, 8192], {}),
    "length": ([32, 64, 128, 256, 512], {"users": 64}),
    "items": ([1000, 4000, 16_000, 64_000, 256_000], {"users": 128}),
    "width": ([32, 64, 128, 256, 512], {"users": 256}),
}
ASYMPTOTES = {"users": 1, "length": 2, "items": 1, "width": 2}
"""Exponents of time once the axis's own term dominates all others."""
EFFORT = Effort(seconds=1.0, at_least=3)
COPIES = 16
"""Bytes per parameter in training: the parameter, its gradient and Adam's two moments, in float32."""


def run(axes: Mapping[str, tuple[list[int], dict[str, int]]] = AXES, *, threads: int = 1) -> dict[str, Any]:
    """Measure one epoch of fine-tuning and one evaluation at every size, on histories without structure.

    threads: one by default, since other processes disturb its times least; exponents need no more.
    Keys: ``machine``, ``threads``, ``growth.<axis>.{values, fixed, seconds, seconds_spread, exponent, theory, asymptote, memory_mib,
    start_memory_mib, memory_exponent, memory_theory, evaluate}``. Exponents are fitted to the fastest
    repetition of each value in the larger half, which other processes have disturbed least. ``theory`` is the same fit to the counts of
    `operations`: the exponent in this range, not yet the asymptote. memory_exponent: of peak memory above that of the process before the
    model; memory_theory: of the parameters with gradients and moments, all that needs to grow, since the batch bounds activations.
    """
    check_threads(threads)
    growth = {axis: _axis(axis, values, {**BASE, **held}, threads) for axis, (values, held) in axes.items()}
    return {"machine": machine(), "threads": threads, "growth": growth}


def _axis(axis: str, values: Sequence[int], base: Mapping[str, int], threads: int) -> dict[str, Any]:
    points = [measure("growth_point", threads, **{**base, axis: value}, effort=EFFORT) for value in values]
    peaks, start = [p["train_memory_mib"] for p in points], [p["start_memory_mib"] for p in points]
    above = [max(peak - before, 0.1) for peak, before in zip(peaks, start, strict=True)]
    return {
        "values": list(values),
        "fixed": {k: v for k, v in base.items() if k != axis},
        **_times(values, [p["train"] for p in points]),
        "asymptote": ASYMPTOTES[axis],
        "memory_mib": peaks,
        "start_memory_mib": start,
        "memory_exponent": exponent(values, above),
        "memory_theory": exponent(values, [COPIES * p["parameters"] for p in points]),
        "evaluate": {**_times(values, [p["evaluate"] for p in points]), "peak_memory_mib": [p["peak_memory_mib"] for p in points]},
    }


def _times(values: Sequence[int], measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "seconds": [m["seconds"] for m in measured],
        "seconds_spread": [m["seconds_spread"] for m in measured],
        "exponent": exponent(values, [m["seconds_spread"][0] for m in measured]),
        "theory": exponent(values, [m["operations"] for m in measured]),
    }


def exponent(values: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of log cost over log value by least squares, on the larger half of the values, where constant parts weigh least."""
    half = slice(len(values) // 2, None)
    return float(np.polyfit(np.log(values[half]), np.log(costs[half]), 1)[0])
