"""How fast a running app is: ``python -m tests.measure.page_times http://localhost:8501 [RUN]`` prints one JSON object.

learn_first_text_s: from opening the address to the page's first words, server running, a fresh browser context, five times.
scrubber_ms: from an input event of the scrubber to the frame after the one in which the new picture is painted; scrubber_js_ms: the part
that is the script's own; frame_ms: the same wait with nothing changed, which is the machine's share. Every step once, there and back.
user_ms: from drawing another user at random to the frame after the one in which that user's picture is painted, the server being warm,
twelve times; user_kb: what the browser is sent for it, in kilobytes. hurried_ms: the same, half a second after the last picture, when the
page is still being filled below it. RUN: the run to look at, by default the one the app opens with.
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


USER = """async ([button, live]) => {
  const start = performance.now(), before = live.textContent;
  const seen = new Promise((done) => {
    const observer = new MutationObserver(() => { if (live.textContent !== before) { observer.disconnect(); done(); } });
    observer.observe(live, { childList: true, characterData: true, subtree: true });
  });
  button.click();
  await seen;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""
USERS = 12


def summary(values: list[float], digits: int) -> dict[str, float]:
    """Median and worst."""
    return {"median": round(statistics.median(values), digits), "worst": round(max(values), digits)}


def measure(browser: Any, base: str, run: str | None = None) -> dict[str, Any]:
    """All figures for the app at this address."""
    first = []
    for _ in range(5):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        begin = time.perf_counter()
        page.goto(base)
        page.wait_for_selector(".lesson .heading", timeout=60_000)
        first.append(time.perf_counter() - begin)
        context.close()
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    page.goto(f"{base}/denoising" + (f"?run={run}" if run else ""))
    page.wait_for_selector(".scrubber[data-step]", timeout=120_000)
    page.wait_for_timeout(2000)
    found = page.locator(".scrubber input[type=range]").evaluate(SCRUB)
    users, sent = _users(page, received, 2500)
    hurried, _ = _users(page, received, 500)
    page.close()
    times = {"scrubber_ms": found["whole"], "scrubber_js_ms": found["script"], "frame_ms": found["frame"]}
    times |= {"user_ms": users, "hurried_ms": hurried}
    return {"learn_first_text_s": summary(first, 2), **{name: summary(values, 1) for name, values in times.items()}, "user_kb": sent}


def _users(page: Any, received: list[int], pause: int) -> tuple[list[float], dict[str, float]]:
    """Milliseconds from each draw to its picture, and kilobytes sent meanwhile. pause: milliseconds after each picture."""
    live = page.locator(".scrubber .live").element_handle()
    times, sizes = [], []
    for _ in range(USERS):
        button = page.get_by_role("button", name="Draw", exact=True).element_handle()
        received.clear()
        times.append(page.evaluate(USER, [button, live]))
        sizes.append(sum(received) / 1000)
        page.wait_for_timeout(pause)
    return times, summary(sizes, 0)


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        json.dump(measure(browser, sys.argv[1].rstrip("/"), *sys.argv[2:3]), sys.stdout)
        browser.close()


if __name__ == "__main__":
    main()
