"""The engine in Chromium: in a worker, also from a file, and in the page where there may be no worker."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adrec import browser as browser_code
from adrec.browser import wire
from adrec.explain import scene
from adrec.explain.trajectory import trajectory
from adrec.models.loading import load_model
from adrec.runs import RunFolder

pytestmark = pytest.mark.browser

RUN = RunFolder(Path(__file__).parents[2] / "assets" / "runs" / "noise-1")
HISTORY, SEED = [12, 7, 99, 640, 3, 7], 4
NO_WORKER = '<meta http-equiv="Content-Security-Policy" content="worker-src \'none\'">'
PAGE = browser_code.page("lesson/lesson.html", title="", content="", weights={})
LESSON = next(line for line in PAGE.splitlines() if "Content-Security-Policy" in line)
LESSON_WITHOUT = LESSON.replace("worker-src blob:", "worker-src 'none'")
ANSWER = """async ([source, description, bytes, history, seed]) => {
  const { Worker } = window, started = [];
  window.Worker = class extends Worker {
    constructor(source) { super(source); this.addEventListener("message", () => started.push(this)); }
  };
  const engine = await startEngine(source).load(description, Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)));
  const { steps, top } = await engine.answer(history, { seed });
  return { inWorker: started.length > 0, x0_hat: steps.map((step) => [...step.x0_hat]), lists: steps.map((step) => step.top), top };
}"""


RECORD = """async ([source, description, bytes, scene, options]) => {
  const engine = await startEngine(source).load(description, Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)));
  for (const name of ["layout", "top"]) scene[name] = Float32Array.from(scene[name]);
  const found = await engine.record(scene.history, options, scene);
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, value?.[Symbol.iterator] ? [...value] : value]));
}"""


@pytest.mark.parametrize(("method", "target"), [("pca", None), ("umap", 50)])
def test_the_scene_of_other_noise_is_what_python_makes_of_it(browser: Any, tmp_path: Path, method: str, target: int | None) -> None:
    from adrec.maps.projection import cached

    layout, model = scene.layout(RUN.tables(), "finetune", cached(RUN, "umap", 0) if method == "umap" else None), load_model(RUN)
    of: dict[str, Any] = {"target": target, "steps": 9, "popular": 50}
    walks = [trajectory(model, HISTORY, seed=seed, **of) for seed in (0, SEED)]
    first, other = (wire.unblock(scene.blob(walk, layout, str, again={"url": ""}))[0] for walk in walks)
    other |= {"swaps": list(walks[1].swaps), "noise_share": walks[1].noise_share}
    (tmp_path / "page.html").write_text(f"<!doctype html><script>{browser_code.script('engine/client.js')}</script>", encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    weights = base64.b64encode(RUN.weights_path("finetune").read_bytes()).decode()
    given = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in first.items() if name != "titles"}
    got = page.evaluate(RECORD, [browser_code.script("engine/worker.js"), RUN.info, weights, given, {"seed": SEED, "steps": 9}])
    page.close()
    assert {*got} == {*other["arrays"], "steps", "timesteps", "decided", "swaps", "noise_share"} - {"layout"}
    for name, values in got.items():
        if name in ("top", "rival", "near", "decided", "steps", "timesteps", "swaps"):
            assert values == np.asarray(other[name]).tolist(), name
        else:
            np.testing.assert_allclose(values, other[name], rtol=1e-3, atol=1e-3, err_msg=name)


@pytest.mark.parametrize(
    "head",
    ["", LESSON, NO_WORKER, LESSON_WITHOUT],
    ids=["worker", "the lesson's policy", "no worker allowed", "the lesson's policy, no worker"],
)
def test_a_file_in_chromium_answers_as_python_with_and_without_a_worker(browser: Any, tmp_path: Path, head: str) -> None:
    html = f"<!doctype html><head>{head}</head><script>{browser_code.script('engine/client.js')}</script>"
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    weights = base64.b64encode(RUN.weights_path("finetune").read_bytes()).decode()
    got = page.evaluate(ANSWER, [browser_code.script("engine/worker.js"), RUN.info, weights, HISTORY, SEED])
    page.close()
    wanted = trajectory(load_model(RUN), HISTORY, seed=SEED)
    assert got["inWorker"] == ("worker-src 'none'" not in head)
    np.testing.assert_allclose(got["x0_hat"], wanted.x0_hat, atol=2e-5 * np.abs(wanted.x0_hat).max())
    assert got["lists"] == wanted.top.tolist() and got["top"] == wanted.top[-1].tolist()
