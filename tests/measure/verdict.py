"""How often the verdict is right: tables of known truth over seeds and sizes, real tables, and power against signal strength.

    ADREC_TEST_DATA=/path/to/data python -m tests.measure.verdict [--quick]
    python -m tests.measure.verdict million

The first prints docs/VERDICT.md's tables; without ADREC_TEST_DATA the official tables are left out. The second prints seconds and peak
memory of a verdict on a million rows. Not a test.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402  (after the number of threads is set)

from adrec.collapse.cooccurrence import Cooccurrence  # noqa: E402
from adrec.collapse.verdict import KINDS, Verdict, diagnose  # noqa: E402
from adrec.data.named import synthetic  # noqa: E402
from adrec.runs import RunFolder, list_runs  # noqa: E402
from tests.adrec.verdict_fixtures import (  # noqa: E402
    MADE,
    drifted,
    official_data,
    official_table,
    planted,
    shuffled,
    with_noise,
    world,
)

SIZES = {(200, 16): 60, (500, 64): 30, (1000, 128): 16, (2000, 256): 3, (5000, 64): 4, (20_000, 32): 1, (50_000, 128): 1, (1000, 512): 1}
"""(V, D): seeds."""
NULLS = 4
"""Seeds of the verdict's own draws: different nulls take part, and each is drawn once a process."""
SIGNALS = (0.0, 0.001, 0.003, 0.01, 0.02, 0.04, 0.09, 0.16, 0.25, 0.5, 1.0)
MEANINGFUL = ("healthy", "concentrated")


@dataclass(frozen=True)
class Case:
    group: str
    name: str
    truth: str
    got: str
    spectral: str
    confidence: float
    meaning: bool
    structure: bool


def judged(group: str, name: str, truth: str, table: np.ndarray, cooccurrence: Cooccurrence, seed: int) -> Case:
    verdict = diagnose(table, cooccurrence=cooccurrence, seed=seed % NULLS)
    bare = diagnose(table, seed=seed % NULLS)
    noticed = {e.measure: e.threshold is not None and e.value > e.threshold for e in verdict.evidence}
    meaning = noticed["alignment_z_beyond_popularity"]
    structure = noticed["bulk_distance"] or noticed["largest_eigenvalue"]
    return Case(group, name, truth, verdict.kind, bare.kind, verdict.confidence, meaning, structure)


def made(items: int, width: int, seed: int) -> list[Case]:
    """All made tables of one size and seed."""
    cooccurrence, clusters = world(items, seed)
    size = f"{items:,} x {width}"
    return [
        judged("made", f"{name} | {size}", truth, make(clusters, width, seed), cooccurrence, seed) for name, (truth, make) in MADE.items()
    ]


def power(items: int, width: int, seed: int) -> list[Case]:
    """Planted tables of one size and seed by share of signal."""
    cooccurrence, clusters = world(items, seed)
    size = f"{items:,} x {width}"
    return [
        judged("power", f"planted, {size} | {signal}", "", planted(clusters, width, signal, seed), cooccurrence, seed) for signal in SIGNALS
    ]


def real_sources(root: Path | None) -> Iterator[tuple[str, np.ndarray, Cooccurrence]]:
    """Trained tables that are at hand, with their interactions."""
    if root is not None:
        films = Cooccurrence.from_dataset(official_data(root, "ml-100k"))
        yield "official Baby, stage 1", official_table(root, "baby/pretrain.pth"), Cooccurrence.from_dataset(official_data(root, "baby"))
        yield "official ML-100K, ADRec", official_table(root, "ml-100k/adrec_trained.pth"), films
        for run in list_runs(Path(__file__).parents[2] / "assets" / "runs"):
            if run.name == "ml-100k":
                yield "own ML-100K, stage 1", run.table("pretrain"), _of_run(run, root)
                yield "own ML-100K, ADRec", run.table("finetune"), _of_run(run, root)


def _of_run(run: RunFolder, root: Path) -> Cooccurrence:
    from adrec.data import catalog

    data = catalog.load(root / "recbole" / "ml-100k", min_rating=4, k_core=5)
    assert data.content_hash == run.info["dataset"]["hash"]
    return Cooccurrence.from_dataset(data)


def real(place: int, root: Path, seed: int) -> list[Case]:
    """One trained table and what can be made of it, over a random three quarters of its items (all of them with seed 0)."""
    name, table, cooccurrence = list(real_sources(root))[place]
    rng = np.random.default_rng([seed, 11])
    n = len(table)
    part = np.arange(n) if seed == 0 else np.sort(rng.choice(n, 3 * n // 4, replace=False))
    table, cooccurrence = table[part].astype(np.float64), cooccurrence.among(part)
    cases = [judged("real", f"{name} | as it is", "healthy", table, cooccurrence, seed)]
    cases.append(judged("real", f"{name} | times 1,000", "healthy", table * 1000, cooccurrence, seed))
    cases.append(judged("real", f"{name} | rows permuted", "spectral-only", shuffled(table, seed), cooccurrence, seed))
    cases.append(judged("real", f"{name} | common offset", "complete-collapse", table + 5 * table.std(), cooccurrence, seed))
    for signal in SIGNALS[:-1]:
        cases.append(judged("power", f"{name} | {signal}", "", with_noise(table, signal, seed), cooccurrence, seed))
    return cases


def single(root: Path) -> list[tuple[str, str, Verdict]]:
    """Single real tables with what their training leads one to expect."""
    films, baby = Cooccurrence.from_dataset(official_data(root, "ml-100k")), Cooccurrence.from_dataset(official_data(root, "baby"))
    start, end = (official_table(root, f"ml-100k/dreamrec_item_table{x}.npy") for x in ("_initial", ""))
    trained = official_table(root, "baby/pretrain.pth")
    return [
        ("official DreamRec, ML-100K", "noise-like, at its start", diagnose(end, cooccurrence=films, initial=start)),
        ("its initial table", "noise-like", diagnose(start, cooccurrence=films)),
        ("Baby, stage 1", "healthy", diagnose(trained, cooccurrence=baby)),
        ("Baby after the drifting warm-up", "erosion", diagnose(drifted(trained, 115), cooccurrence=baby, before=trained)),
    ]


def work(job: tuple) -> list[Case]:
    function, *arguments = job
    return {"made": made, "power": power, "real": real}[function](*arguments)


# -- printing ---------------------------------------------------------------------------------------------------------


def confusion(cases: list[Case]) -> None:
    counts: dict[str, Counter] = defaultdict(Counter)
    for case in cases:
        counts[case.truth][case.got] += 1
    print("| truth | " + " | ".join(KINDS) + " | right |\n|" + "---|" * (len(KINDS) + 2))
    for truth in KINDS:
        if truth in counts:
            row, total = counts[truth], sum(counts[truth].values())
            right = row[truth] / total
            print(f"| {truth} | " + " | ".join(str(row[k] or "") for k in KINDS) + f" | {right:.1%} of {total} |")


def wrong(cases: list[Case]) -> None:
    for (name, got), count in sorted(Counter((c.name, c.got) for c in cases if c.got != c.truth).items()):
        print(f"- {name}: {got} ({count} of {sum(c.name == name for c in cases)})")


def reliability(cases: list[Case]) -> None:
    print("| confidence | tables | right |\n|---|---|---|")
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 0.99), (0.99, 1.01)):
        chosen = [c for c in cases if low <= c.confidence < high]
        if chosen:
            print(f"| {low} to {min(high, 1.0)} | {len(chosen)} | {np.mean([c.got == c.truth for c in chosen]):.1%} |")


def power_table(cases: list[Case]) -> None:
    signals = [str(s) for s in SIGNALS]
    by: dict[str, dict[str, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        table, signal = case.name.split(" | ")
        by[table][signal].append(case)
    print("| table | noticed by | " + " | ".join(f"{float(s):.1%}" for s in signals) + " |\n|" + "---|" * (len(signals) + 2))
    for table, row in by.items():
        for half in ("meaning", "structure"):
            cells = [f"{np.mean([getattr(c, half) for c in row[s]]):.0%}" if row[s] else "" for s in signals]
            print(f"| {table} | {'alignment' if half == 'meaning' else 'spectrum'} | " + " | ".join(cells) + " |")
        cells = [Counter(c.got for c in row[s]).most_common(1)[0][0] if row[s] else "" for s in signals]
        print(f"| {table} | commonest verdict | " + " | ".join(cells) + " |")


def calibrate(quick: bool) -> None:
    root = Path(os.environ["ADREC_TEST_DATA"]) if os.environ.get("ADREC_TEST_DATA") else None
    few = 4 if quick else 1
    jobs: list[tuple] = []
    for (items, width), seeds in reversed(SIZES.items()):
        if not (quick and items > 5000):
            jobs += [("made", items, width, seed) for seed in range(max(seeds // few, 1))]
    for items, width, seeds in ((500, 64, 16), (1000, 128, 12), (5000, 64, 2)):
        jobs += [("power", items, width, seed) for seed in range(max(seeds // few, 1))]
    if root is not None:
        jobs += [("real", place, root, seed) for place in range(4) for seed in range(max(8 // few, 1))]
    start = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        cases = [case for part in pool.map(work, jobs) for case in part]
    print(f"{len(cases)} tables, each with and without interactions, in {time.perf_counter() - start:.0f} s\n")
    for title, group in (("Made tables", "made"), ("Real tables", "real")):
        chosen = [c for c in cases if c.group == group]
        if chosen:
            print(f"## {title}\n")
            confusion(chosen)
            print("\nWrong:\n")
            wrong(chosen)
            print()
            reliability(chosen)
            print()
    alarms = [c for c in cases if c.truth == "healthy"]
    false = [c for c in alarms if c.got not in MEANINGFUL]
    print(f"False alarms on healthy tables: {len(false)} of {len(alarms)}\n\n## Power\n")
    power_table([c for c in cases if c.group == "power"])
    print("\n## Without interactions\n")
    counts = Counter((c.truth, c.spectral) for c in cases if c.truth)
    print("\n".join(f"- {truth}: {got} {count}" for (truth, got), count in sorted(counts.items())))
    if root is not None:
        print("\n## Single tables\n\n| table | expected | verdict | confidence | says |\n|---|---|---|---|---|")
        for name, expected, verdict in single(root):
            print(f"| {name} | {expected} | {verdict.kind} | {verdict.confidence:.2f} | {verdict.says} |")


# -- a million rows ---------------------------------------------------------------------------------------------------

ITEMS, WIDTH = 1_000_000, 128


def _peak() -> float:
    """MiB; the kernel's own mark, which unlike getrusage's does not start at the parent's."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


def million(part: str, folder: str) -> None:
    """One measurement in this process: seconds of the call alone, peak memory of all."""
    path = Path(folder) / "table.npy"
    table = np.load(path, mmap_mode="r")
    cooccurrence = None
    if part == "with":
        with np.load(Path(folder) / "interactions.npz") as file:
            cooccurrence = Cooccurrence.from_rows(file["items"].astype(np.int64) - 1, file["offsets"], ITEMS)
    before = _peak()
    start, used = time.perf_counter(), time.process_time()
    verdict = diagnose(table, cooccurrence=cooccurrence)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    peak = _peak()
    memory = f"peak {peak:,.0f} MiB (before the call {before:,.0f})"
    print(f"diagnose {part} interactions: {seconds:.1f} s ({used:.1f} s of processor time), {memory}, {verdict.kind}, {verdict.sample}")


def millions() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = synthetic.generate(items=ITEMS, users=500_000)
        clusters = data.items.frame["cluster"].to_numpy().astype(int) - 1
        np.savez(Path(folder) / "interactions.npz", items=data.train_items, offsets=data.train_offsets)
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((clusters.max() + 1, WIDTH), dtype=np.float32)
        file = np.lib.format.open_memmap(Path(folder) / "table.npy", mode="w+", dtype=np.float32, shape=(ITEMS, WIDTH))
        for first in range(0, ITEMS, 100_000):
            part = clusters[first : first + 100_000]
            file[first : first + 100_000] = centres[part] + rng.standard_normal((len(part), WIDTH), dtype=np.float32)
        file.flush()
        del file, data
        for words in (["-m", "tests.measure.verdict", "million", "--part", "without", "--folder", folder],
                      ["-m", "tests.measure.verdict", "million", "--part", "with", "--folder", folder]):  # fmt: skip
            subprocess.run([sys.executable, *words], check=True)
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        with open(Path(folder) / "report.json", "w") as out:
            code = "import sys; from adrec.cli import main; from tests.measure.verdict import _peak; main(sys.argv[1:]); "
            code += "print(f'{_peak():,.0f}', file=sys.stderr)"
            words = [sys.executable, "-c", code, "collapse", f"{folder}/table.npy", "--json"]
            peak = subprocess.run(words, stdout=out, stderr=subprocess.PIPE, text=True, check=True).stderr.split()[-1]
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        seconds = f"{time.perf_counter() - start:.1f} s in all ({processor:.1f} s of processor time)"
        print(f"collapse FILE --json: {seconds}, peak {peak} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="?", default="calibrate", choices=("calibrate", "million"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.what == "calibrate":
        calibrate(given.quick)
    elif given.part:
        million(given.part, given.folder)
    else:
        millions()
