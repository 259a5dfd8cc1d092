"""``python -m tests.fuzz``: broken files in every readable format; each must be answered or refused in one sentence, quickly.

``make fuzz`` runs it. It prints a table by kind of file, then what failed, and keeps the files that failed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.fuzz.trying import cases, laid

FILES = 6000
PATIENCE = 120
"""Seconds on the clock without a word after which a process counts as hanging."""
ROOT = Path(__file__).parents[2]
Result = dict[str, Any]


def run(first: int, step: int, end: int) -> list[Result]:
    """What became of the files of these numbers. A process that ends early is started again behind the file that ended it."""
    found: list[Result] = []
    while first < end:
        with tempfile.TemporaryDirectory(prefix="adrec-fuzz-") as folder:
            command = [sys.executable, "-m", "tests.fuzz.trying", folder, str(first), str(step), str(end)]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
            assert child.stdout is not None and child.stderr is not None
            told: list[str] = []
            stderr = threading.Thread(target=lambda pipe=child.stderr, told=told: told.extend(pipe), daemon=True)
            stderr.start()
            begun: int | None = None
            heard = [time.monotonic()]
            threading.Thread(target=_watch, args=(child, heard), daemon=True).start()
            for line in child.stdout:
                heard[0] = time.monotonic()
                row = json.loads(line)
                begun = row.get("begun")
                if "begun" not in row:
                    found.append(row)
                    shown(row)
            code = child.wait()
            stderr.join(timeout=5)
        if begun is None and code == 0:
            return found
        if begun is None:
            raise RuntimeError(f"the process ended with {code} outside any file: {''.join(told)[-2000:]}")
        words = f"the process ended with {code}, or hung: {''.join(told)[-300:]}"
        found.append({"number": begun, "kind": "?", "outcome": "FAILED", "words": words, "seconds": 0.0, "grown": 0})
        shown(found[-1])
        first = begun + step
    return found


def _watch(child: "subprocess.Popen[str]", heard: list[float]) -> None:
    while child.poll() is None:
        if time.monotonic() - heard[0] > PATIENCE:
            child.kill()
        time.sleep(1)


def shown(row: Result) -> None:
    """A file that failed, as soon as it did."""
    if row["outcome"] == "FAILED":
        print(f"{row['number']} ({row['kind']}, {row.get('name')!r}, {row.get('options')}): {row['words']}", flush=True)


def failures(found: list[Result]) -> list[Result]:
    return [row for row in found if row["outcome"] == "FAILED"]


def table(found: list[Result]) -> str:
    """Outcomes by kind of file, with the most seconds of CPU."""
    by_kind: dict[str, list[Result]] = defaultdict(list)
    for row in found:
        by_kind[row["kind"]].append(row)
    lines = [f"{'kind':28} files answered refused asked FAILED  most CPU s"]
    for kind, rows in [*sorted(by_kind.items()), ("all", found)]:
        counts = [sum(row["outcome"] == name for row in rows) for name in ("answered", "refused", "asked", "FAILED")]
        seconds = max((row["seconds"] for row in rows), default=0.0)
        lines.append(f"{kind:28} {len(rows):5} {counts[0]:8} {counts[1]:7} {counts[2]:5} {counts[3]:6}  {seconds:10.2f}")
    return "\n".join(lines)


def kept(folder: Path, rows: list[Result]) -> None:
    """The files that failed, in folders by number."""
    shutil.rmtree(folder, ignore_errors=True)
    for row in rows:
        for case in cases(row["number"], 1, row["number"] + 1) if row["number"] >= 0 else ():
            (folder / str(case.number)).mkdir(parents=True)
            laid(folder / str(case.number), case.seed, case.files, case.stem)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=FILES, help="how many files (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first; a number is always the same file")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--keep", type=Path, default=ROOT / ".venv" / "fuzz", help="where files that fail are kept")
    given = parser.parse_args()
    begun, found = time.monotonic(), list[Result]()
    ends = given.first + given.files
    threads = [threading.Thread(target=lambda i=i: found.extend(run(given.first + i, given.workers, ends))) for i in range(given.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(table(found))
    grown = max((row["grown"] for row in found), default=0)
    print(f"\n{len(found):,} files in {time.monotonic() - begun:,.0f} s; a process grew by at most {grown / 2**20:,.0f} MiB.")
    wrong = failures(found)
    kept(given.keep, wrong)
    if wrong or len(found) < given.files:
        print(f"{len(wrong):,} failed; they lie in {given.keep}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
