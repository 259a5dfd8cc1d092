"""The benchmark's report as text."""

from collections.abc import Mapping, Sequence
from typing import Any


def lines(report: Mapping[str, Any]) -> list[str]:
    """The tables of a report of `adrec.bench.run` or `adrec.bench.growth.run`."""
    machine = report["machine"]
    flags = ", ".join(name for name, there in machine["flags"].items() if there) or "none known"
    head = [f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mib']:,} MiB, {flags}; torch {machine['torch']}"]
    return [*head, *(_growth(report["growth"]) if "growth" in report else _speed(report))]


def _speed(report: Mapping[str, Any]) -> list[str]:
    low, high = report["sgemm_gflops_spread"]
    products = ", ".join(f"{name} {p['gflops']:.0f}" for name, p in report["products"].items())
    walk = report["trajectory"]
    stages = [(name, stage) for name, entry in report["train"].items() for stage in (entry, entry.get("pretrain")) if stage]
    train = [[name, s["stage"], _with_spread(s, "epoch_seconds"), f"{s['tokens_per_second']:,.0f}", *_shares(s)] for name, s in stages]
    evaluate = [
        [name, f"{e['users']:,}", _with_spread(e, "seconds"), f"{e['users_per_second']:,.0f}", *_shares(e)]
        for name, e in report["evaluate"].items()
    ]
    return [
        f"{report['threads']} threads; float32 matrix product {report['sgemm_gflops']:.0f} GFLOP/s ({low:.0f} to {high:.0f}); "
        f"of the model's shapes: {products}",
        "",
        *_aligned([["training", "stage", "s an epoch", "tokens/s", "of peak", "x padded", "MiB"], *train]),
        "",
        *_aligned([["evaluation", "users", "s", "users/s", "of peak", "x padded", "MiB"], *evaluate]),
        "",
        *(f"{name}: {words}" for name, words in _quoted(report)),
        f"trajectory: {walk['seeds']} seeds, {walk['steps']} steps, {walk['history']} items of {walk['data']}: "
        f"{1e3 * walk['seconds']:.0f} ms ({1e3 * walk['seconds_spread'][0]:.0f} to {1e3 * walk['seconds_spread'][1]:.0f})",
    ]


def _with_spread(entry: Mapping[str, Any], key: str) -> str:
    low, high = entry[f"{key}_spread"]
    return f"{entry[key]:.3g} ({low:.3g} to {high:.3g})"


def _shares(entry: Mapping[str, Any]) -> list[str]:
    return [f"{entry['share_of_peak']:.0%}", f"{entry['speedup_over_padded']:.1f}", f"{entry['peak_memory_mib']:,.0f}"]


def _quoted(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How much faster than the official code's times, which are quoted and not measured here."""
    found = []
    for name, entry in report["train"].items():
        if "official" in entry:
            low, high = entry["official"]["speedup"]
            users = report["evaluate"][name]["official"]["speedup"]
            found.append((name, f"training {low:.1f} to {high:.1f}, evaluation {users:.0f} times as fast as {entry['official']['source']}"))
    return found


def _growth(growth: Mapping[str, Any]) -> list[str]:
    rows = [["growth with", "from", "to", "training", "theory", "evaluation", "theory", "memory", "theory", "MiB"]]
    for axis, entry in growth.items():
        values, memory = entry["values"], entry["memory_mib"]
        pairs = ((entry, ""), (entry["evaluate"], ""), (entry, "memory_"))
        fitted = [f"{part[prefix + key]:z.2f}" for part, prefix in pairs for key in ("exponent", "theory")]
        rows.append([axis, f"{values[0]:,}", f"{values[-1]:,}", *fitted, f"{memory[0]:,.0f} to {memory[-1]:,.0f}"])
    return ["Exponents of time and memory, fitted on the larger half of the values:", "", *_aligned(rows)]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *others = (cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        lines.append("  ".join([first, *others]))
    return lines
