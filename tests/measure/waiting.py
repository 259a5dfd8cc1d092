"""What following many waiting runs costs: ``python -m tests.measure.waiting [RUNS] [TABS]`` (300 and 8) prints one JSON object.

The server runs on a folder of runs that wait, with nobody to start them; each tab follows one on the Train page for half a minute.
core: the share of one core that the server takes; ms_a_rerun: its processor time for one rerun of a part of the page that refreshes itself;
poll_ms: that of the process which starts runs, for each of its three looks a second.
"""

import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from filelock import FileLock

from adrec.files import write_json
from app import jobs
from tests.measure.visitor import Visitor, server

PORT, SECONDS = 8798, 30.0


def main() -> None:
    runs, tabs = (int(number) for number in [*sys.argv[1:], *("300", "8")[len(sys.argv) - 1 :]])
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        for number in range(runs):
            write_json(root / f"r-{number}" / "job.json", {"arguments": [], "submitted": 1e9 + number, "queued": 1e9 + number})
            write_json(root / f"r-{number}" / "status.json", {"state": "queued", "error": None, "heartbeat": 0})
        with FileLock(root / ".queue.lock"), server(PORT, ADREC_RUNS=name) as process:
            visitors = [Visitor(PORT) for _ in range(tabs)]
            for visitor in visitors:
                visitor.ask("train", "run=r-5")
            before, begun, reruns = process.cpu_times(), time.monotonic(), [0] * tabs

            def follow(number: int, visitor: Visitor) -> None:
                while time.monotonic() < begun + SECONDS:
                    next_one = time.monotonic() + 1
                    for fragment in list(visitor.every):
                        visitor.ask("train", "run=r-5", fragment=fragment)
                        reruns[number] += 1
                    time.sleep(max(0.0, next_one - time.monotonic()))

            threads = [threading.Thread(target=follow, args=pair) for pair in enumerate(visitors)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            took, after = time.monotonic() - begun, process.cpu_times()
        used = after.user + after.system - before.user - before.system
        jobs.jobs(root)
        begun = time.process_time()
        for _ in range(10):
            jobs.jobs(root), jobs._queued(root)
        poll = (time.process_time() - begun) / 10
    figures = {"core": used / took, "reruns": sum(reruns), "ms_a_rerun": 1000 * used / sum(reruns), "poll_ms": 1000 * poll}
    print(json.dumps({name: round(figure, 2) for name, figure in figures.items()}))


if __name__ == "__main__":
    main()
