"""A class of a hundred: ``python -m tests.measure.classroom [MINUTES [EVERY]]``; by default 5 minutes and a press every 4 seconds.

Its own server in classroom mode, on 127.0.0.1 alone, with a real presenter's page in Chromium that presses the arrow key through all steps
of the lesson, again and again. A hundred phones follow: five real pages in Chromium, the others plain connections; ten of them, one in
Chromium, come late, spread over the first half, and the presenter's page is loaded again in the middle. Every plain phone guesses at every
question. Printed: seconds from the key's press to a phone that shows it (p50, p95, most); how often a phone missed a press or moved without
one; messages that came twice; guesses that are not counted once; the server's processor time and memory.
"""

import asyncio
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Page, sync_playwright

from app.load import server
from tests.browser.conftest import ARGUMENTS

PHONES, REAL, LATE = 100, 5, 10
MOST_MINUTES = 30.0
WATCH = """() => {
  window.seen = [];
  const look = () => {
    const { chapter, step } = document.querySelector(".lesson")?.dataset ?? {}, at = `${chapter} ${step}`;
    const follows = document.querySelector(".company[data-how=with]");
    if (step !== undefined && follows && seen.at(-1)?.[0] !== at) seen.push([at, Date.now() / 1000]);
  };
  const attributeFilter = ["data-step", "data-chapter", "data-how"];
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter });
}"""
PRESSED = """addEventListener("keydown", () => { window.pressed = Date.now() / 1000; }, true);"""
AT = "() => { const { chapter, step } = document.querySelector('.lesson').dataset; return `${chapter} ${step}`; }"


@dataclass
class Phone:
    """A plain connection. seen: place and time, for each move."""

    name: str
    seen: list[tuple[str, float]] = field(default_factory=list)
    guesses: dict[int, int] = field(default_factory=dict)
    twice: int = 0
    refused: int = 0
    version: int = 0

    async def follow(self, url: str, code: str) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._stream(url, code)
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(random.uniform(0.5, 1))  # noqa: S311

    async def _stream(self, url: str, code: str) -> None:
        reader, writer = await self._asked(url, f"GET /class/events?code={code}")
        try:
            self.refused += b" 200 " not in await reader.readline()
            first = True
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    self._hear(json.loads(line[6:]), first)
                    await self._guess(url, code)
                    first = False
        finally:
            writer.close()

    def _hear(self, told: dict[str, Any], first: bool) -> None:
        version, place = told["version"], told["place"]
        self.twice += version < self.version or (version == self.version and not first)
        self.version = version
        if place is not None and (not self.seen or self.seen[-1][0] != f"{place['chapter']} {place['step']}"):
            self.seen.append((f"{place['chapter']} {place['step']}", time.time()))

    async def _guess(self, url: str, code: str) -> None:
        """Once a question, some time after it is asked."""
        chapter, step = map(int, self.seen[-1][0].split()) if self.seen else (0, 1)
        if step or chapter in self.guesses:
            return
        self.guesses[chapter] = int(self.name, 16) % 3
        body = json.dumps(self.guesses).encode()
        await asyncio.sleep(random.uniform(0, 1))  # noqa: S311
        reader, writer = await self._asked(url, f"POST /class/guesses?code={code}", body)
        self.refused += b" 204 " not in await reader.readline()
        writer.close()

    async def _asked(self, url: str, what: str, body: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A request on a connection of its own."""
        at = urlsplit(url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        headers = {"Host": at.netloc, "Phone": self.name, "Connection": "close", "Content-Length": str(len(body))}
        writer.write("\r\n".join([f"{what} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body)
        return reader, writer


class Crowd:
    """The plain phones, in a thread of their own."""

    def __init__(self, url: str, code: str, early: int, late: int, seconds: float) -> None:
        self.url, self.code, self.seconds = url, code, seconds
        self.phones = [Phone(f"{number + 1:032x}") for number in range(early + late)]
        self.waits = [0.0] * early + [seconds * 0.5 * (number + 1) / (late + 1) for number in range(late)]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._all())

    async def _all(self) -> None:
        async def come(phone: Phone, wait: float) -> None:
            await asyncio.sleep(wait)
            await phone.follow(self.url, self.code)

        self.stopped = asyncio.Event()
        tasks = [asyncio.create_task(come(phone, wait)) for phone, wait in zip(self.phones, self.waits, strict=True)]
        await self.stopped.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join(10)


def tour() -> list[str]:
    """All steps in their order."""
    from app.classroom.place import lesson

    return [f"{chapter} {step}" for chapter, steps in lesson().steps.items() for step in range(steps)]


def told(presses: list[tuple[str, float]], seen: Iterable[tuple[str, float]]) -> tuple[list[float], int, int]:
    """A phone's seconds for each press since it came, how many it missed, and how many moves it saw that nobody made."""
    moves = list(seen)
    start = next((i for i, (_, at) in enumerate(presses) if moves and at > moves[0][1]), len(presses))
    if start and moves[1:] and moves[1][0] == presses[start - 1][0]:  # the last press was still on its way
        start -= 1
    waits, missed, place = [], 0, 1
    for at, pressed in presses[start:]:
        found = next((i for i in range(place, min(place + 3, len(moves))) if moves[i][0] == at), None)
        if found is None:
            missed += 1
            continue
        waits.append(moves[found][1] - pressed)
        place = found + 1
    return waits, missed, max(0, len(moves) - 1 - len(waits))


def ready(url: str, patience: float = 300) -> None:
    """Wait until the server has warmed its pages, whose memory is not the class's."""
    end = time.time() + patience
    while time.time() < end:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=10):
            return
        time.sleep(1)
    sys.exit(f"The server was not ready within {patience:.0f} seconds.")


def lead(page: Page, minutes: float, every: float, join: Any) -> list[tuple[str, float]]:
    """Press through the lesson, load the page again in the middle. Returns the places with the times of their presses."""
    presses, end, half, steps = [], time.time() + 60 * minutes, time.time() + 30 * minutes, tour()
    while time.time() < end:
        before = page.evaluate(AT)
        if before == steps[-1]:
            page.locator(".stepper button").first.click()
            pressed = time.time()
        else:
            page.keyboard.press("ArrowRight")
            pressed = page.evaluate("() => window.pressed")
        presses.append((page.evaluate(AT), pressed))
        page.wait_for_timeout(1000 * every * random.uniform(0.8, 1.2))  # noqa: S311
        if half and time.time() > half:
            half, kept = 0.0, page.evaluate(AT)
            page.reload()
            page.wait_for_selector(".company")
            page.wait_for_timeout(2000)
            assert page.evaluate(AT) == kept, "the presenter came back to another place"
        join()
    return presses


def main(minutes: float, every: float) -> None:
    if not 0 < minutes <= MOST_MINUTES or not 1 <= every <= 60:
        sys.exit(f"Give at most {MOST_MINUTES:.0f} minutes and from 1 to 60 seconds between presses.")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ |= {"ADREC_MODE": "classroom", "ADREC_HOME": home, "ADREC_RUNS": f"{home}/runs"}
        with server.started(Path(__file__).resolve().parents[2]) as served:
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            ready(served.url)
            key = (Path(home) / "classroom.key").read_text()
            page = chromium.new_context(viewport={"width": 1280, "height": 720}).new_page()
            page.add_init_script(PRESSED)
            page.goto(f"{served.url}/class/present#key={key}")
            code = page.locator(".how .code strong").inner_text()
            page.keyboard.press("ArrowRight")
            real: list[Page] = []

            def join() -> None:
                if len(real) < REAL - 1 or (len(real) < REAL and time.time() - began > 20 * minutes):
                    phone = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
                    phone.add_init_script(f"({WATCH})()")
                    phone.goto(f"{served.url}/class/{code}")
                    phone.wait_for_selector(".company")
                    real.append(phone)

            began = time.time()
            crowd = Crowd(served.url, code, PHONES - REAL - LATE + 1, LATE - 1, 60 * minutes)
            crowd.thread.start()
            for _ in range(REAL - 1):
                join()
            page.wait_for_timeout(5000)
            before, began = served.used(), time.time()
            presses = lead(page, minutes, every, join)
            after, seconds = served.used(), time.time() - began
            page.wait_for_timeout(5000)
            tallies = json.loads(_shown(served.url, key))["tallies"]
            pages = [[(at, when) for at, when in phone.evaluate("() => seen")] for phone in real]
            crowd.stop()
            report(presses, [phone.seen for phone in crowd.phones], pages, crowd.phones, tallies)
            if before is not None and after is not None:
                print(f"server: {100 * (after.cpu - before.cpu) / seconds:.1f} % of a core over {seconds:.0f} s")
                print(f"memory: {before.rss_mib:.0f} MiB before, {after.rss_mib:.0f} MiB after; handles {before.handles}, {after.handles}")
            print(f"load of the machine: {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores")
            chromium.close()


def report(presses: Any, plain: Any, pages: Any, phones: list[Phone], tallies: dict[str, list[int]]) -> None:
    """Print what came."""
    there = sum(bool(each) for each in plain + pages)
    print(f"presses: {len(presses)}; phones: {len(plain)} plain, {len(pages)} in Chromium, of which {there} came")
    for name, group in (("plain", plain), ("Chromium", pages), ("all", plain + pages)):
        waits, missed, unmade = zip(*(told(presses, [tuple(each) for each in seen]) for seen in group), strict=True)
        p50, p95, most = np.quantile([wait for each in waits for wait in each], (0.5, 0.95, 1))
        print(f"{name}: {sum(map(len, waits))} arrivals, p50 {p50:.3f} s, p95 {p95:.3f} s, most {most:.3f} s;", end=" ")
        print(f"missed {sum(missed)}, moves that nobody made {sum(unmade)}")
    made: dict[int, list[int]] = {}
    for phone in phones:
        for question, choice in phone.guesses.items():
            made.setdefault(question, [0, 0, 0])[choice] += 1
    off = sum(abs(a - b) for question, counts in made.items() for a, b in zip(counts, tallies.get(str(question), [0] * 3), strict=False))
    print(f"messages twice or out of order {sum(phone.twice for phone in phones)}", end="; ")
    print(f"requests refused {sum(phone.refused for phone in phones)}")
    print(f"guesses: {sum(sum(counts) for counts in made.values())} made, {off} not counted once")


def _shown(url: str, key: str) -> str:
    """What the presenter is told now."""
    request = urllib.request.Request(f"{url}/class/events", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.readline().decode().removeprefix("data: "))


if __name__ == "__main__":
    main(*(float(value) for value in (*sys.argv[1:], *("5", "4")[len(sys.argv) - 1 :])))
