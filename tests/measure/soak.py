"""Hours of a server under viewers and a training: ``python -m tests.measure.soak OUT.csv [--minutes 120]`` writes a line a minute,
then says what grew, and how many errors the server has logged.

The viewers are those of ``adrec bench app`` on four pages, each for about three minutes; then all leave and the server is left alone. The
training is a process of its own, so memory, file handles and threads are the server's and those of the process that computes for it. The
start is when every page has opened once.
"""

import argparse
import csv
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adrec.errors import AdrecError, DataError
from app import jobs
from app.load import measure
from tests.browser.conftest import Server, serving
from tests.fuzz.served import COLOUR

TRAINING = ["--dataset=synthetic:items=500,users=800", "--set", "epochs=100000", "--set", "validate_every=1000", "--yes"]
ERRORS = ("Traceback", "ERROR", "Uncaught", "Exception", "Error")
SETTLING = 5.0
"""Minutes after which memory and handles should not grow any more."""


@dataclass(frozen=True)
class Soak(measure.Load):
    """As ``adrec bench app``, with the page that follows the training."""

    @property
    def pages(self) -> tuple[str, ...]:
        return (*measure.MIX, "train")


def ready(server: Server) -> None:
    """Wait until the server has opened every page itself."""
    end = time.monotonic() + 600
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{server.url}/healthz", timeout=30).close()
            break
        except urllib.error.HTTPError:
            time.sleep(1)


def errors(server: Server) -> list[str]:
    """The lines of the server's log that tell of an error."""
    lines = COLOUR.sub("", server.log.read_text(errors="replace")).splitlines()
    return [line for line in lines if any(sign in line for sign in ERRORS)]


def rows(path: Path) -> list[dict[str, float]]:
    """The lines of the CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: float(value or 0) for name, value in row.items()} for row in csv.DictReader(file)]


def told(found: Sequence[dict[str, float]], settling: float = SETTLING) -> list[str]:
    """What grew, in sentences. The first line is from before anybody came."""
    start = found[0]["rss_mib"] if found else 0.0
    there = [row for row in found if row["viewers"]]
    if not there:
        raise DataError("Nobody was there for a minute; expected more --minutes.")
    later = [row for row in there if row["second"] >= there[0]["second"] + 60 * settling]
    said = [f"At the start the server held {start:,.0f} MiB."]
    if len(later) >= 4:
        begin, end = later[: len(later) // 4], later[-(len(later) // 4) :]
        for name, unit in (("rss_mib", " MiB"), ("handles", " file handles"), ("threads", " threads")):
            a, b = (statistics.median(row[name] for row in part) for part in (begin, end))
            said.append(f"With viewers, from minute {settling:g} on: {a:,.0f} to {b:,.0f}{unit} ({b / a - 1:+.0%}).")
    last = found[-1]
    if not last["viewers"]:
        minutes = (last["second"] - there[-1]["second"]) / 60
        said.append(
            f"{minutes:.0f} minutes after the last has left: {last['rss_mib']:,.0f} MiB ({last['rss_mib'] / start - 1:+.0%}), "
            f"{last['handles']:.0f} file handles, {last['threads']:.0f} threads."
        )
    choices, complaints = sum(row["choices"] for row in found), max(row["complaints"] for row in found)
    return [*said, f"{choices:,.0f} choices, {complaints:.0f} errors seen by viewers."]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.measure.soak", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=120.0, help="with viewers (default: %(default)s)")
    parser.add_argument("--after", type=float, default=15.0, help="minutes after they have left (default: %(default)s)")
    parser.add_argument("--viewers", type=int, default=25, help="default: %(default)s")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="adrec-soak-") as folder, serving(Path(folder)) as server:
        jobs.submit(server.runs, "training", TRAINING)
        ready(server)
        load = Soak((given.viewers,), 60 * given.minutes, stay=180.0, log=given.out, every=60.0, after=60 * given.after)
        report = measure.run(load, server.url)
        wrong = errors(server)
        trained = jobs.job(server.runs, "training")
    seen = report["servers"][0]["levels"][0]["complaint"]
    print(
        "\n".join(
            [
                *told(rows(given.out)),
                *([seen] if seen else []),
                f"The training is {trained.state if trained else 'gone'}.",
                f"{len(wrong)} errors in the server's log.",
                *wrong[:5],
            ]
        )
    )
    return int(bool(wrong))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AdrecError as error:
        sys.exit(str(error))
