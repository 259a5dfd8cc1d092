"""How quick the maps are at many items, in Chromium without a GPU.

``python -m tests.browser.measure_maps make FOLDER [ITEMS]`` writes the run ``many`` of made-up tables (65,000 items, width 64, three
stages) into the folder of runs. ``python -m tests.browser.measure_maps http://localhost:8501`` measures the app that shows it, a fresh
browser context a repetition; one JSON object, medians and worst:

visible_s: from opening the address to the first frame in which every map has its points (first: the server knows nothing of the run yet;
then: it has what it needs). highlight_ms: from the release of a lasso over about a tenth of the items to the end of the frame in which the
other maps show the selection, script_ms: the part of it that is the component's own. lasso_ms: from a pointer's move while lassoing to the
end of its frame. frame_ms: the same wait with nothing to do, which is the machine's share. pan_ms: from a move that pans to the end of its
frame, which redraws all points of all maps.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

from adrec.data.dataset import ItemTable
from adrec.runs import ITEM_TABLE, RunFolder, save_arrays
from tests.browser.conftest import ARGUMENTS
from tests.browser.measure import summary

REPEATS = 3
WIDTH, GROUPS = 64, 12
VISIBLE = """() => { const maps = document.querySelector('[data-testid="stMain"]') && find(document);
  function find(root) { for (const e of root.querySelectorAll('*')) { if (e.maps) return e.maps;
    const inner = e.shadowRoot && find(e.shadowRoot); if (inner) return inner; } return null; }
  if (!maps || !maps.panels) return false;
  window.seen = maps;
  return maps.panels.every((p) => { if (!p.base.width) return false;
    const d = p.base.getContext('2d').getImageData(0, 0, p.base.width, p.base.height).data;
    let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n > 500; }); }"""
STROKES = """async ([mode, steps]) => {
  const maps = window.seen, p = maps.panels[0], canvas = p.over, box = canvas.getBoundingClientRect();
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const fire = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type,
    { pointerId: 1, clientX: box.left + x, clientY: box.top + y, button: 0, buttons: type === 'pointerup' ? 0 : 1, bubbles: true }));
  canvas.setPointerCapture = () => {};
  maps.setMode(mode);
  const xy = maps.xy[p.stage], sample = [...Array(maps.n).keys()].map((i) => maps.project(p, xy, i));
  const middle = (k) => sample.map((q) => q[k]).sort((a, b) => a - b)[maps.n >> 1];
  const [cx, cy] = [middle(0), middle(1)];
  const far = sample.map(([x, y]) => Math.hypot(x - cx, y - cy)).sort((a, b) => a - b)[Math.floor(maps.n / 10)];
  const at = (i) => [cx + far * Math.cos(2 * Math.PI * i / steps), cy + far * Math.sin(2 * Math.PI * i / steps)];
  const timed = async (act) => {
    const start = performance.now(); act();
    const script = performance.now() - start; await painted();
    return [performance.now() - start, script];
  };
  const idle = [], moves = [];
  for (let i = 0; i < 20; i++) idle.push((await timed(() => {}))[0]);
  fire('pointerdown', ...at(0));
  for (let i = 1; i < steps; i++) moves.push((await timed(() => fire('pointermove', ...at(i))))[0]);
  const release = await timed(() => fire('pointerup', ...at(steps - 1)));
  return { moves, release, idle, count: maps.count };
}"""


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


def opened(browser: Any, address: str) -> tuple[Any, float]:
    """The page, and how many seconds until every map shows its points."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    begin = time.perf_counter()
    page.goto(address)
    page.wait_for_function(VISIBLE, timeout=240_000)
    return page, time.perf_counter() - begin


def measure(browser: Any, base: str) -> dict[str, Any]:
    """All figures for the app at this address."""
    address = f"{base}/collapse?run=many"
    found: dict[str, list[float]] = {"visible": [], "highlight": [], "script": [], "lasso": [], "pan": [], "frame": []}
    selected = 0
    for _ in range(REPEATS + 1):
        page, seconds = opened(browser, address)
        found["visible"].append(seconds)
        page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=240_000)
        page.wait_for_timeout(1000)
        lasso = page.evaluate(STROKES, ["lasso", 60])
        found["highlight"].append(lasso["release"][0])
        found["script"].append(lasso["release"][1])
        found["lasso"] += lasso["moves"]
        found["frame"] += lasso["idle"]
        found["pan"] += page.evaluate(STROKES, ["move", 20])["moves"]
        selected = lasso["count"]
        page.context.close()
    times = {f"{name}_ms": summary(found[name], 1) for name in ("highlight", "script", "lasso", "pan", "frame")}
    visible = {"first": round(found["visible"][0], 2), "then": summary(found["visible"][1:], 2)}
    return {"visible_s": visible, "selected": selected, **times}


def main() -> None:
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 65_000)
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        json.dump(measure(browser, sys.argv[1].rstrip("/")), sys.stdout)
        browser.close()


if __name__ == "__main__":
    main()
