"""How large and how fast the lesson is: ``python -m tests.measure.lesson_times http://localhost:8501 [AXE]`` prints one JSON object.

bytes: what a visitor is sent, by part. static: the lesson as a page from a server that compresses it, over a line of 5 Mbit/s and 40 ms,
weights aside: first_picture_s until a chapter is painted, and what Chromium measures of itself (first and largest contentful paint, layout
shift, time in which the page was blocked). app: the same from the running app, without a slow line, in fresh windows on a warm server.
task_ms: the longest task of the page's main thread, in CPU time, which other work on the machine does not lengthen (from Chromium's trace):
while the lesson loads, and on all steps of each chapter, of which the first is its change. chapter_ms: from pressing a chapter's button to
the frame after it is painted, the median of three. frames: websocket messages while a visitor goes through every step of every chapter.
axe: what axe-core (its axe.min.js) finds wrong on each chapter's steps, by theme.
"""

import gzip
import http.server
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from adrec import browser
from adrec.lesson import export, models, setup
from tests.browser.conftest import ARGUMENTS

SHOWN = ".lesson[data-chapter] .stepper"
CHAPTERS = range(9)
LINE = {"offline": False, "latency": 40, "downloadThroughput": 5_000_000 / 8, "uploadThroughput": 1_000_000 / 8}
OBSERVE = """() => {
  window.vitals = { largest: 0, shift: 0, blocked: 0 };
  const watch = (type, act) => new PerformanceObserver((list) => list.getEntries().forEach(act)).observe({ type, buffered: true });
  watch("largest-contentful-paint", (e) => { vitals.largest = e.startTime; });
  watch("layout-shift", (e) => { vitals.shift += e.value; });
  watch("longtask", (e) => { vitals.blocked += Math.max(0, e.duration - 50); });
}"""
VITALS = """() => ({
  first_contentful_paint_s: (performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN) / 1000,
  largest_contentful_paint_s: vitals.largest / 1000, layout_shift: vitals.shift, blocked_ms: vitals.blocked,
})"""
PRESS = """async (button) => {
  const start = performance.now();
  button.click();
  const script = performance.now() - start;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [script, performance.now() - start];
}"""
TRACED = ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel", "blink.user_timing"]
AXE = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.flat().join(" ")}`))"""


def sizes() -> dict[str, Any]:
    """Bytes by part; the first picture needs no weights."""
    words = json.dumps(setup.texts(), ensure_ascii=False).encode()
    parts = {
        "content.bin": len(setup.bundled()),
        "script": len(browser.script("lesson/lesson.js").encode()),
        "styles": len(browser.styles("lesson").encode()),
        "worker": len(browser.script("engine/worker.js").encode()),
        "texts": len(words),
    }
    weights = {name: models.weights(run).stat().st_size for name, run in models.models(setup.ASSETS / "runs").items()}
    first, every = sum(parts.values()), sum(weights.values())
    return {**parts, "weights": weights, "first picture": first, "whole": first + every, "file": len(export.page(setup.bundled()).encode())}


def opened(page: Any, address: str) -> float:
    """Seconds until a chapter is painted."""
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(SHOWN)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return time.perf_counter() - start


def served(page: bytes) -> type[http.server.BaseHTTPRequestHandler]:
    """A plain server's answer: one page, compressed."""
    sent = gzip.compress(page)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in {"Content-Type": "text/html", "Content-Encoding": "gzip", "Content-Length": str(len(sent))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            """Nothing is logged."""

    return Handler


def static(chromium: Any) -> dict[str, Any]:
    """The page from a server on this machine, over a slow line."""
    found, vitals = [], []
    page_bytes = export.page(setup.bundled(), inside=False).encode()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), served(page_bytes)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for _ in range(5):
            window = chromium.new_context(viewport={"width": 1280, "height": 720})
            page = window.new_page()
            page.add_init_script(f"({OBSERVE})()")
            line = window.new_cdp_session(page)
            line.send("Network.enable")
            line.send("Network.emulateNetworkConditions", LINE)
            found.append(opened(page, f"http://127.0.0.1:{server.server_port}/"))
            page.wait_for_timeout(2000)
            vitals.append(page.evaluate(VITALS))
            window.close()
        server.shutdown()
    middle = {name: round(statistics.median(v[name] for v in vitals), 3) for name in vitals[0]}
    return {"first_picture_s": round(statistics.median(found), 2), "sent": len(gzip.compress(page_bytes)), **middle}


def app(chromium: Any, base: str) -> dict[str, Any]:
    """The served lesson."""
    found = []
    for _ in range(6):
        window = chromium.new_context(viewport={"width": 1280, "height": 720})
        found.append(opened(window.new_page(), base))
        window.close()
    return {"first_picture_s": round(statistics.median(found[1:]), 2)}


def walked(chromium: Any, base: str) -> dict[str, Any]:
    """Chapters opened by their buttons, and the messages of a walk through all steps."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    frames: list[str] = []

    def listen(socket: Any) -> None:
        for way in ("framesent", "framereceived"):
            socket.on(way, lambda _, way=way: frames.append(way))

    page.on("websocket", listen)
    opened(page, f"{base}/?chapter=0")
    page.wait_for_timeout(5000)
    frames.clear()
    times = {}
    for chapter in CHAPTERS:
        button = page.locator(".stepper button").nth(chapter)
        found = []
        for _ in range(3):
            page.locator(".stepper button").nth((chapter + 1) % len(CHAPTERS)).click()
            page.wait_for_timeout(400)
            found.append(button.evaluate(PRESS))
            page.wait_for_timeout(400)
        times[chapter] = {"script": round(statistics.median(f[0] for f in found)), "painted": round(statistics.median(f[1] for f in found))}
        for _ in setup.words("lesson")[str(chapter)]["notes"]:
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(150)
    page.close()
    return {"chapter_ms": times, "frames": len(frames)}


def tasks(chromium: Any, base: str) -> dict[str, float]:
    """The longest task of the main thread by chapter, in CPU time, each step with two seconds to play."""
    page, session = chromium.new_page(viewport={"width": 1280, "height": 720}), chromium.new_browser_cdp_session()
    events: list[Any] = []
    complete: list[Any] = []
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda end: complete.append(end))
    session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": {"includedCategories": TRACED}})
    opened(page, f"{base}/?chapter=0")
    page.wait_for_timeout(5000)
    for chapter in CHAPTERS:
        page.evaluate("chapter => performance.mark(`chapter ${chapter}`)", chapter)
        page.locator(".stepper button").nth(chapter).click()
        for _ in setup.words("lesson")[str(chapter)]["notes"][1:]:
            page.wait_for_timeout(2000)
            page.keyboard.press("ArrowRight")
        page.wait_for_timeout(2000)
    session.send("Tracing.end")
    while not complete:
        page.wait_for_timeout(100)
    page.close()
    return longest(events)


def longest(events: list[Any]) -> dict[str, float]:
    """The longest task of the page's main thread between two marks, by the earlier mark, from a trace's events."""
    marks = sorted((e["ts"], e["name"]) for e in events if str(e.get("name")).startswith("chapter "))
    (process,) = {e["pid"] for e in events if (e["ts"], e.get("name")) in marks}
    (main,) = (e["tid"] for e in events if e["pid"] == process and e.get("name") == "thread_name" and e["args"]["name"] == "CrRendererMain")
    found: dict[str, float] = {}
    for event in events:
        if (event["pid"], event["tid"]) == (process, main) and str(event.get("name")).endswith("RunTask") and "tdur" in event:
            at = next((name for start, name in reversed(marks) if start <= event["ts"]), "load")
            found[at] = max(found.get(at, 0.0), event["tdur"] / 1000)
    return {name: round(found[name]) for name in ("load", *(name for _, name in marks))}


def audited(chromium: Any, axe: str) -> dict[str, list[str]]:
    """What axe-core finds, by theme."""
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "lesson.html")
        policy = "default-src 'none'"
        file.write_text(export.page(setup.bundled(), inside=False).replace(policy, "default-src *"), encoding="utf-8")
        for theme in ("light", "dark"):
            page = chromium.new_page(viewport={"width": 1280, "height": 720}, color_scheme=theme)
            page.goto(file.as_uri() + "#chapter=0")
            page.add_script_tag(path=axe)
            wrong = set()
            for _ in range(60):
                page.wait_for_timeout(700)
                place = page.evaluate("() => { const d = document.querySelector('.lesson').dataset; return `${d.chapter}.${d.step}` }")
                wrong |= {f"{place} {each}" for each in page.evaluate(AXE)}
                if page.locator(".next").is_disabled():
                    break
                page.keyboard.press("ArrowRight")
            found[theme] = sorted(wrong)
            page.close()
    return found


if __name__ == "__main__":
    base = sys.argv[1].rstrip("/")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        report = {
            "bytes": sizes(),
            "static": static(chromium),
            "app": app(chromium, base),
            "task_ms": tasks(chromium, base),
            **walked(chromium, base),
        }
        if len(sys.argv) > 2:
            report["axe"] = audited(chromium, sys.argv[2])
        chromium.close()
    print(json.dumps(report, indent=1))
