"""The load test: more and more viewers on one server, or in turn on two, and a line a minute while they stay."""

import asyncio
import contextlib
import csv
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from adrec.bench import machine
from adrec.folders import app_folder
from app.load.crowd import Crowd, Sample
from app.load.server import Server, Used, running, started
from app.load.viewer import MIX

BETWEEN_ARRIVALS = 0.2
PATIENCE = 60.0
"""Seconds for which a level waits for what is under way; what lasts longer counts with the seconds it has taken so far."""


@dataclass(frozen=True)
class Load:
    """viewers: how many at once, level by level, rising. seconds: of choosing at each level. page: one of PAGES, or ``mix``. pause: seconds
    between a viewer's choices, or longer if a choice takes longer. stay: mean seconds after which a viewer leaves and another comes; None
    for ever. log: a CSV file that gets a line every ``every`` seconds. after: seconds for which it goes on once all have left."""

    viewers: tuple[int, ...] = (1, 10, 25, 50, 100)
    seconds: float = 60.0
    page: str = "mix"
    pause: tuple[float, float] = (2.0, 5.0)
    stay: float | None = None
    seed: int = 0
    log: Path | None = None
    every: float = 60.0
    after: float = 0.0

    @property
    def pages(self) -> tuple[str, ...]:
        return MIX if self.page == "mix" else (self.page,)


def run(load: Load, url: str | None = None, against: Path | None = None) -> dict[str, Any]:
    """Measure this checkout's server, or the one at ``url``; with ``against``, another checkout's too, in turn at every level."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(started(app_folder())) if url is None else running(url)]
        if against is not None:
            servers.append(stack.enter_context(started(against)))
        levels = asyncio.run(_measure(load, servers))
    return {"machine": machine(), "page": load.page, "seconds": load.seconds, "pause": load.pause, "seed": load.seed, "servers": levels}


async def _measure(load: Load, servers: Sequence[Server]) -> list[dict[str, Any]]:
    crowds = [Crowd(server.url, load.seed, load.pages, load.pause, load.stay) for server in servers]
    found: list[dict[str, Any]] = [{"server": server.name, "levels": []} for server in servers]
    async with _logged(load, servers[0], crowds[0]):
        for server in servers:
            await _warmed(server, load)
        try:
            for viewers in load.viewers:
                for server, crowd, report in zip(servers, crowds, found, strict=True):
                    report["levels"].append(await _level(server, crowd, viewers, load.seconds))
        finally:
            for crowd in crowds:
                await crowd.leave()
        await asyncio.sleep(load.after)
    return found


async def _warmed(server: Server, load: Load) -> None:
    """Let each page be seen once, by viewers who leave, so that what a server does once is no viewer's time."""
    first = Crowd(server.url, -1, load.pages, load.pause)
    first.choosing.set()
    for _ in load.pages:
        first.add()
    await _until(lambda: len({s.page for s in first.samples if not s.opening and s.seconds is not None}) == len(load.pages))
    await first.leave()


async def _level(server: Server, crowd: Crowd, viewers: int, seconds: float) -> dict[str, Any]:
    """Let viewers come, one after the other, then let all choose for some seconds."""
    before, present = server.used(), len(crowd)
    crowd.samples.clear()
    crowd.complaints.clear()
    for _ in range(viewers - present):
        crowd.add()
        await asyncio.sleep(BETWEEN_ARRIVALS)
    await _until(lambda: not any(crowd.unfinished(opening=True)))
    openings = _times([s for s in crowd.samples if s.opening])
    crowd.samples = [s for s in crowd.samples if s.seconds is None]
    begun, own, idle = time.monotonic(), _own_cpu(), server.used()
    crowd.choosing.set()
    await asyncio.sleep(seconds)
    crowd.choosing.clear()
    chosen = [s for s in crowd.samples if not s.opening and s.begun >= begun]
    await _until(lambda: not any(crowd.unfinished(opening=False)))
    lasted, after = time.monotonic() - begun, server.used()
    runs = [s for s in crowd.samples if s.seconds is not None]
    return {
        "viewers": viewers,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "opening": openings,
        "pages": {page: _times([s for s in chosen if s.page == page]) for page in dict.fromkeys(crowd.pages)},
        "all": _times(chosen),
        "driver_cores": (_own_cpu() - own) / lasted,
        "complaints": len(crowd.complaints),
        "complaint": crowd.complaints[0] if crowd.complaints else None,
        **_cost(before, idle, after, lasted, len(runs), viewers - present),
    }


async def _until(done: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not done() and time.monotonic() < end:
        await asyncio.sleep(0.05)


def _own_cpu() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def _cost(before: Used | None, idle: Used | None, after: Used | None, lasted: float, runs: int, came: int) -> dict[str, Any]:
    """What a rerun and a session cost the server; empty where its process is unknown."""
    if before is None or idle is None or after is None:
        return {}
    cpu = after.cpu - idle.cpu
    return {
        "cores": cpu / lasted,
        "cpu_a_rerun": cpu / runs if runs else None,
        "rss_mib": after.rss_mib,
        "mib_a_session": (after.rss_mib - before.rss_mib) / came if came else None,
        "handles": after.handles,
        "threads": after.threads,
    }


def _times(samples: Iterable[Sample]) -> dict[str, Any]:
    """Of choices or openings: how many, how long, how many still lasted, and the median of the bytes received."""
    now, all_ = time.monotonic(), list(samples)
    taken = sorted(now - s.begun if s.seconds is None else s.seconds for s in all_)
    received = sorted(s.received for s in all_ if s.seconds is not None)
    return {
        "count": len(taken),
        "p50": _quantile(taken, 0.5),
        "p95": _quantile(taken, 0.95),
        "longest": _quantile(taken, 1.0),
        "unfinished": len(taken) - len(received),
        "bytes": _quantile(received, 0.5),
    }


def _quantile(values: Sequence[float], share: float) -> float | None:
    """The value that this share of them does not exceed."""
    return values[max(0, -int(-share * len(values) // 1) - 1)] if values else None


@contextlib.asynccontextmanager
async def _logged(load: Load, server: Server, crowd: Crowd) -> AsyncIterator[None]:
    """Write a line every so often, from before the first viewer comes until ``after`` the last has left."""
    if load.log is None:
        yield
        return
    with open(load.log, "w", newline="", encoding="utf-8") as file:
        task = asyncio.create_task(_log(csv.writer(file), file, load.every, server, crowd))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


COLUMNS = ("second", "viewers", "choices", "p50", "p95", "openings", "complaints", "cores", "rss_mib", "handles", "threads", "processes")


async def _log(table: Any, file: Any, every: float, server: Server, crowd: Crowd) -> None:
    table.writerow(COLUMNS)
    begun, seen, last = time.monotonic(), time.monotonic(), server.used()
    while True:
        now, used = time.monotonic(), server.used()
        ended = [s for s in crowd.samples if s.seconds is not None and s.begun + s.seconds >= seen]
        times, openings = _times([s for s in ended if not s.opening]), sum(s.opening for s in ended)
        cores = (used.cpu - last.cpu) / max(now - seen, 1e-9) if used and last else None
        held = (used.rss_mib, used.handles, used.threads, used.processes) if used else (None,) * 4
        figures = [now - begun, len(crowd), times["count"], times["p50"], times["p95"], openings, len(crowd.complaints), cores, *held]
        table.writerow(["" if value is None else round(value, 3) for value in figures])
        file.flush()
        seen, last = now, used
        await asyncio.sleep(every)


HEADS = "viewers|page|choices|p50 s|p95 s|kB|open p50|open p95|CPU s a rerun|cores|MiB a session|MiB|load"


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report as a table for each server."""
    said = [f"{report['machine']['cpu']}, {report['machine']['cores']} cores; {report['page']}, {report['seconds']:g} s at each level"]
    for server in report["servers"]:
        rows = [HEADS.split("|")]
        for level in server["levels"]:
            rows += [_row(level, page, times) for page, times in level["pages"].items()] + [_row(level, "all", level["all"])]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        said += ["", server["server"], *("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows)]
        wrong = [level for level in server["levels"] if level["complaints"]]
        said += [f"{level['complaints']} errors at {level['viewers']}, the first: {level['complaint']}" for level in wrong]
    return said


def _row(level: Mapping[str, Any], page: str, times: Mapping[str, Any]) -> list[str]:
    more = ">" if times["unfinished"] else ""
    start = [str(level["viewers"]), page, str(times["count"]), _number(times["p50"], 3), more + _number(times["p95"], 3)]
    start.append(_number(times["bytes"] and times["bytes"] / 1000, 1))
    if page != "all":
        return [*start, *[""] * 7]
    opening = level["opening"]
    costs = [level.get(key) for key in ("cpu_a_rerun", "cores", "mib_a_session", "rss_mib", "load")]
    more = ">" if opening["unfinished"] else ""
    return [*start, _number(opening["p50"], 2), more + _number(opening["p95"], 2), *map(_number, costs, (3, 2, 1, 0, 0))]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
