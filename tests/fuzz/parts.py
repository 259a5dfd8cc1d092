"""What the fuzzed parts of a running server share: a part tries its cases by number, and what failed is told and kept."""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adrec.data import catalog
from adrec.runs import RunFolder
from adrec.training.session import describe_run, train_run
from tests.adrec.small import plan
from tests.fuzz.served import Served

SECONDS = 20.0
"""CPU seconds of the server that one case may cost."""
GROWTH = 1536.0
"""MiB by which the server may grow over all its cases, its caches included."""
HANDLES = 400
"""File handles and threads that the server may hold at any time."""
SETTLE = 0.05
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Tried:
    """What became of a case. kind: of which sort it is; what: all that is needed to try it again; told: what is wrong with what came."""

    kind: str
    what: Any
    told: list[str]


Part = Callable[[Served, int], Tried]


def trained(path: Path) -> RunFolder:
    """A finished run of all three stages, in a second."""
    source = "synthetic:items=60,users=80"
    data, run = catalog.load(source), RunFolder(path)
    size = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 10, "timesteps": 4}
    tiny = plan(**size, noise_weight=1.0, seed=1, batch_size=16, epochs=2, warmup_epochs=1, validate_every=1, lr=0.01)
    train_run(run, data, describe_run(data, source, tiny, "tests"))
    return run


@contextmanager
def serving(prepare: Callable[[Served], object]) -> Iterator[Served]:
    """A server in a folder of its own, with the runs that ``prepare`` lays there."""
    with tempfile.TemporaryDirectory(prefix="adrec-fuzz-", ignore_cleanup_errors=True) as folder:
        served = Served(Path(folder))
        prepare(served)
        served.start()
        try:
            yield served
        finally:
            served.stop()


def judged(served: Served, part: Part, number: int, start: float) -> dict[str, Any]:
    """One case tried, with what the server did and used meanwhile. start: the MiB that it held at first."""
    before, begun = served.figures(), time.monotonic()
    tried = part(served, number)
    told = [*tried.told, *served.faults()]
    if not served.answers():
        told.append("the server does not answer")
        served.stop()
        served.start()
        before = served.figures()
    now = served.figures()
    spent = now["cpu"] - before["cpu"]
    if spent > SECONDS:
        told.append(f"it took {spent:.0f} s of CPU")
    if now["mib"] - start > GROWTH:
        told.append(f"the server holds {now['mib']:,.0f} MiB, {start:,.0f} at the start")
    if now["handles"] > HANDLES or now["threads"] > HANDLES:
        told.append(f"the server holds {now['handles']:.0f} file handles and {now['threads']:.0f} threads")
    row = {"number": number, "kind": tried.kind, "what": tried.what, "told": told, "cpu": spent, "seconds": time.monotonic() - begun}
    return row | {name: now[name] for name in ("mib", "handles", "threads")}


def run(part: Part, prepare: Callable[[Served], object], numbers: range) -> list[dict[str, Any]]:
    """Every case of these numbers on one server; a failure is told as soon as it is seen."""
    found = []
    with serving(prepare) as served:
        start = served.figures()["mib"]
        for number in numbers:
            row = judged(served, part, number, start)
            found.append(row)
            if len(found) % 100 == 0:
                print(f"{len(found)} of {len(numbers)} tried", flush=True)
            if row["told"]:
                print(f"{number} ({row['kind']}, {str(row['what'])[:300]}): {'; '.join(row['told'])[:3000]}", flush=True)
            if row["mib"] - start > GROWTH:  # each further case would fail with it
                served.stop()
                served.start()
    return found


def table(found: list[dict[str, Any]]) -> str:
    """Cases by kind, with the most that one took."""
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        by_kind[row["kind"]].append(row)
    lines = [f"{'kind':24} cases FAILED  most CPU s  most s"]
    for kind, rows in [*sorted(by_kind.items()), ("all", found)]:
        failed, most = sum(bool(row["told"]) for row in rows), [max((row[name] for row in rows), default=0) for name in ("cpu", "seconds")]
        lines.append(f"{kind:24} {len(rows):5} {failed:6} {most[0]:11.2f} {most[1]:7.2f}")
    return "\n".join(lines)


def main(name: str, doc: str, part: Part, prepare: Callable[[Served], object], cases: int) -> int:
    """The command of a part."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.fuzz.{name}", description=doc)
    parser.add_argument("--cases", type=int, default=cases, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first; a number is always the same case")
    parser.add_argument("--workers", type=int, default=2, help="servers (default: %(default)s)")
    parser.add_argument("--keep", type=Path, default=ROOT / ".venv" / "fuzz" / name, help="where cases that fail are kept")
    given = parser.parse_args()
    found, begun, end = list[dict[str, Any]](), time.monotonic(), given.first + given.cases
    parts = [range(given.first + i, end, given.workers) for i in range(given.workers)]
    threads = [threading.Thread(target=lambda numbers=numbers: found.extend(run(part, prepare, numbers))) for numbers in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(table(found))
    most = {name: max((row[name] for row in found), default=0) for name in ("mib", "handles", "threads")}
    used = f"a server held at most {most['mib']:,.0f} MiB, {most['handles']:.0f} file handles, {most['threads']:.0f} threads"
    print(f"\n{len(found):,} cases in {time.monotonic() - begun:,.0f} s; {used}.")
    failed = [row for row in found if row["told"]]
    given.keep.mkdir(parents=True, exist_ok=True)
    for old in given.keep.glob("*.json"):
        old.unlink()
    for row in failed:
        (given.keep / f"{row['number']}.json").write_text(json.dumps(row, indent=1, default=repr), encoding="utf-8")
    if failed or len(found) < given.cases:
        print(f"{len(failed):,} failed; they lie in {given.keep}.", file=sys.stderr)
        return 1
    return 0
