"""How fast a running app is: ``python -m tests.browser.measure http://localhost:8501`` prints one JSON object.

start_first_text_s: from opening the address to the page's first words, server running, a fresh browser context, five times.
scrubber_ms: from an input event of the scrubber to the frame after the one in which the new picture is painted; scrubber_js_ms: the part
that is the script's own; frame_ms: the same wait with nothing changed, which is the machine's share. Every step once, there and back.
"""

import json
import shutil
import statistics
import sys
import time
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS

SCRUB = """async (range) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const steps = Number(range.max), whole = [], script = [], frame = [];
  const order = [...Array(steps).keys()].reverse().concat([...Array(steps).keys()].map((i) => i + 1));
  for (const step of order) {
    await new Promise((done) => setTimeout(done, 60));
    const idle = performance.now();
    await painted();
    frame.push(performance.now() - idle);
    const start = performance.now();
    range.value = step;
    range.dispatchEvent(new Event("input"));
    script.push(performance.now() - start);
    await painted();
    whole.push(performance.now() - start);
  }
  return { whole, script, frame };
}"""


def summary(values: list[float], digits: int) -> dict[str, float]:
    """Median and worst."""
    return {"median": round(statistics.median(values), digits), "worst": round(max(values), digits)}


def measure(browser: Any, base: str) -> dict[str, Any]:
    """Both figures for the app at this address."""
    first = []
    for _ in range(5):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        begin = time.perf_counter()
        page.goto(f"{base}/start")
        page.wait_for_selector('[data-testid="stMain"] h1', timeout=60_000)
        first.append(time.perf_counter() - begin)
        context.close()
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{base}/denoising")
    page.wait_for_selector(".scrubber[data-step]", timeout=120_000)
    page.wait_for_timeout(2000)
    found = page.locator(".scrubber input").evaluate(SCRUB)
    page.close()
    scrubber = {"scrubber_ms": found["whole"], "scrubber_js_ms": found["script"], "frame_ms": found["frame"]}
    return {"start_first_text_s": summary(first, 2), **{name: summary(values, 1) for name, values in scrubber.items()}}


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        json.dump(measure(browser, sys.argv[1].rstrip("/")), sys.stdout)
        browser.close()


if __name__ == "__main__":
    main()
