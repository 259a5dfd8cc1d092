"""How quick the maps are at many items, in Chromium without a GPU.

``python -m tests.measure.map_times make FOLDER [ITEMS]`` writes the run ``many`` of made-up tables (65,000 items, width 64, three
stages) into the folder of runs. ``python -m tests.measure.map_times http://localhost:8501 [REPEATS]`` measures the app that shows it,
a fresh browser context a repetition; one JSON object, medians and worst. The browser composes its pages in software, as one without a GPU
does.

visible_s: from opening the address to the first frame in which every map has its points, idle_s: until all of the page is there (first:
the server knows nothing of the run yet; then: it has what it needs). received_kB: what the server has sent until then. highlight_ms: from
the release of a lasso over about a tenth of the items to the end of the frame in which the other maps show the selection; script_ms: the
part of it that is the component's own; script_cpu_ms: processor time of all scripts of the page in it, which other work on the machine
leaves as it is. summary_s: until the page says in words how many are selected, told_kB: sent and received for it. lasso_ms: from a
pointer's move while lassoing to the end of its frame. pan_ms, pan_cpu_ms: the same for a move that pans, which redraws all points of all
maps. frame_ms: the same wait when nothing but the colour of 16 pixels changes, which is the machine's share.
"""

import json
import shutil
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

from adrec.data.dataset import ItemTable
from adrec.files import save_arrays
from adrec.runs import ITEM_TABLE, RunFolder
from tests.browser.conftest import ARGUMENTS
from tests.measure.page_times import summary

REPEATS = 3
WIDTH, GROUPS = 64, 12
VISIBLE = """() => { const maps = document.querySelector('[data-testid="stMain"]') && find(document);
  function find(root) { for (const e of root.querySelectorAll('*')) { if (e.maps) return e.maps;
    const inner = e.shadowRoot && find(e.shadowRoot); if (inner) return inner; } return null; }
  if (!maps || !maps.panels) return false;
  window.seen = maps;
  return maps.panels.every((p) => { if (!p.dots.canvas.width) return false;
    const d = p.dots.canvas.getContext('2d').getImageData(0, 0, p.dots.canvas.width, p.dots.canvas.height).data;
    let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n > 500; }); }"""
BEGIN = """async ([mode, steps]) => {
  const maps = window.seen, p = maps.panels[0], canvas = p.over, box = canvas.getBoundingClientRect(), n = maps.n, xy = maps.xy[p.stage];
  const fire = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type,
    { pointerId: 1, clientX: box.left + x, clientY: box.top + y, button: 0, buttons: type === 'pointerup' ? 0 : 1, bubbles: true }));
  canvas.setPointerCapture = () => {};
  maps.setMode(mode);
  const sorted = (of) => Float64Array.from({ length: n }, (_, i) => of(p.dots.project(xy, i))).sort();
  const cx = sorted(([x]) => x)[n >> 1], cy = sorted(([, y]) => y)[n >> 1];
  const far = sorted(([x, y]) => Math.hypot(x - cx, y - cy))[Math.floor(n / 10)];
  const at = (i) => [cx + far * Math.cos(2 * Math.PI * i / steps), cy + far * Math.sin(2 * Math.PI * i / steps)];
  const spot = document.createElement('div');
  spot.style = 'position: fixed; left: 0; top: 0; width: 4px; height: 4px; z-index: 9';
  document.body.append(spot);
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const timed = async (act) => {
    await new Promise((done) => setTimeout(done, 30));
    const start = performance.now(); act();
    const script = performance.now() - start; await painted();
    return [performance.now() - start, script];
  };
  window.stroke = { maps, fire, at, spot, timed };
}"""
MOVES = """async (steps) => {
  const { maps, fire, at, spot, timed } = window.stroke, frame = [], moves = [];
  for (let i = 0; i < 10; i++) frame.push((await timed(() => { spot.style.background = i % 2 ? '#000' : '#fff'; }))[0]);
  fire('pointerdown', ...at(0));
  for (let i = 1; i < steps; i++) moves.push((await timed(() => fire('pointermove', ...at(i))))[0]);
  return { frame, moves };
}"""
RELEASE = """async (steps) => {
  const { maps, fire, at, timed } = window.stroke, [whole, script] = await timed(() => fire('pointerup', ...at(steps)));
  return { whole, script, count: maps.selection.count };
}"""
LASSO, PAN = 60, 20
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def make(folder: Path, items: int) -> RunFolder:
    """A run of groups in noise: initial without them, later tables with more and more."""
    generator = np.random.default_rng(0)
    group = generator.integers(GROUPS, size=items)
    noise, centres = generator.standard_normal((items, WIDTH)), generator.standard_normal((GROUPS, WIDTH))
    popularity = (1000 / np.arange(1, items + 1) ** 0.6).astype(np.int64)
    columns = {"item": [f"B{i:07d}" for i in range(items)], "title": [f"An item called {i} of group {g}" for i, g in enumerate(group)]}
    frame = pd.DataFrame({**columns, "genre": [f"group {g}" for g in group]}, index=pd.RangeIndex(1, items + 1, name="id"))
    run = RunFolder(folder / "many")
    run.create({"model": {}, "train": {}, "dataset": {"name": "made-up"}}, ItemTable(frame), np.concatenate([[0], popularity]))
    for place, name in enumerate(("initial", "pretrain", "finetune")):
        table = np.vstack([np.zeros(WIDTH), noise + place * centres[group]]).astype(np.float32)
        path = run.path / "snapshots" / "initial.safetensors" if name == "initial" else run.weights_path(name)
        save_arrays(path, {ITEM_TABLE: table})
    return run


class Watched:
    """A page in a context of its own, the bytes of its web socket, and the processor time of its scripts."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        self.bytes = 0
        self._devtools = self.page.context.new_cdp_session(self.page)
        for event in ("Network.webSocketFrameReceived", "Network.webSocketFrameSent"):
            self._devtools.on(event, self._frame)
        self._devtools.send("Network.enable")
        self._devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def _frame(self, event: Any) -> None:
        response = event["response"]
        self.bytes += len(response["payloadData"]) * (3 if response["opcode"] == 2 else 4) // 4  # binary frames come as base64

    def processor_ms(self) -> float:
        found = {m["name"]: m["value"] for m in self._devtools.send("Performance.getMetrics")["metrics"]}
        return 1000 * float(found["ScriptDuration"])

    def open(self, address: str) -> tuple[float, float]:
        """Seconds until every map shows its points, and until the page is complete."""
        begin = time.perf_counter()
        self.page.goto(address)
        self.page.wait_for_function(VISIBLE, timeout=240_000, polling=250)  # each look reads the pixels back
        visible = time.perf_counter() - begin
        self.page.wait_for_selector(IDLE, timeout=600_000)
        return visible, time.perf_counter() - begin


def strokes(watched: Watched, found: dict[str, list[float]]) -> int:
    """A lasso and its release, then a pan; how many were selected."""
    page = watched.page
    page.evaluate(BEGIN, ["lasso", LASSO])
    drawn = page.evaluate(MOVES, LASSO)
    found["frame"] += drawn["frame"]
    found["lasso"] += drawn["moves"]
    spent, sent, begin = watched.processor_ms(), watched.bytes, time.perf_counter()
    release = page.evaluate(RELEASE, LASSO)
    found["script_cpu"].append(watched.processor_ms() - spent)
    found["highlight"].append(release["whole"])
    found["script"].append(release["script"])
    page.get_by_role("heading", name=f"{release['count']:,} selected").wait_for(timeout=240_000)
    found["summary"].append(time.perf_counter() - begin)
    page.wait_for_selector(IDLE, timeout=240_000)
    found["told"].append(watched.bytes - sent)
    page.evaluate(BEGIN, ["move", PAN])
    spent = watched.processor_ms()
    found["pan"] += page.evaluate(MOVES, PAN)["moves"]
    found["pan_cpu"].append((watched.processor_ms() - spent) / (PAN - 1))
    return int(release["count"])


def measure(browser: Any, base: str, repeats: int) -> dict[str, Any]:
    """All figures for the app at this address."""
    found: dict[str, list[float]] = defaultdict(list)
    selected = 0
    for _ in range(repeats + 1):
        watched = Watched(browser)
        visible, idle = watched.open(f"{base}/collapse?run=many")
        found["visible"].append(visible)
        found["idle"].append(idle)
        found["received"].append(watched.bytes)
        watched.page.wait_for_timeout(1000)
        selected = strokes(watched, found)
        watched.page.context.close()
    names = ("highlight", "script", "script_cpu", "lasso", "pan", "pan_cpu", "frame")
    whole = {f"{name}_s": {"first": round(found[name][0], 2), "then": summary(found[name][1:], 2)} for name in ("visible", "idle")}
    sizes = {f"{name}_kB": summary([b / 1000 for b in found[name]], 0) for name in ("received", "told")}
    times = {f"{name}_ms": summary(found[name], 1) for name in names}
    return {**whole, "selected": selected, **times, "summary_s": summary(found["summary"], 2), **sizes}


def main() -> None:
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 65_000)
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        json.dump(measure(browser, sys.argv[1].rstrip("/"), int(sys.argv[2]) if len(sys.argv) > 2 else REPEATS), sys.stdout)
        browser.close()


if __name__ == "__main__":
    main()
