"""The model in the browser against Python, and how long an answer takes: ``python -m tests.measure.browser_engine agree | time``.

``agree [RUN ...]`` (default: the bundled ADRec runs at lambda 0.001, 0.1 and 1, SASRec and DreamRec): 300 users' histories under 3 noises
each, computed in node and by Python. For each run the largest error of the condition, the attention, x_t, x0_hat and the scores over all
steps, as a share of the largest size in Python's array; how many top tens there were, how many were the same, and how many places of the
others swapped among scores closer than 1e-4 of the largest. A list that differs by more ends the script. A run without weights lends its
item table to layers as a training starts with them.

``time [ITEMS WIDTH]`` (default 3416 128): an ADRec of that size with random weights and 50 films, in Chromium. Milliseconds, median and
worst of ten: answer_ms for a new history, noise_ms for the same history under other noise; load_ms from the bytes to the first answer;
frame_ms the longest wait between two frames of the page meanwhile, idle_frame_ms the same while nothing is asked. Chromium slows pages and
not workers: slowed_answer_ms and slowed_noise_ms are those of the page itself, slowed four times, slowed_frame_ms the waits of a page so
slowed beside a worker.
"""

import base64
import json
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from playwright.sync_api import sync_playwright

from adrec import browser
from adrec.collapse.diagnosis import local_data
from adrec.errors import WeightsError
from adrec.files import load_arrays, save_arrays
from adrec.models.adrec import ADRec, ADRecConfig
from adrec.models.loading import load_model
from adrec.models.settings import recorded
from adrec.runs import ITEM_TABLE, RunFolder
from tests.adrec.engine import Case, answered, error, expected, swapped
from tests.browser.conftest import ARGUMENTS

BUNDLED = Path(__file__).parents[2] / "assets" / "runs"
RUNS = [BUNDLED / name for name in ("ml-100k", "noise-0.1", "noise-1", "sasrec", "dreamrec-harness-fixed")]
USERS, NOISES, TOGETHER = 300, 3, 50

TIMES = """async ([source, description, bytes, films, inPage]) => {
  if (inPage) window.Worker = undefined;
  const weights = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)), begun = performance.now();
  const engine = await startEngine(source).load(description, weights);
  await engine.answer(films);
  const load = performance.now() - begun, answers = [], noises = [], frames = [];
  let last = performance.now(), on = true;
  const frame = () => { const now = performance.now(); frames.push(now - last); last = now; if (on) requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  const timed = async (list, given, options) => {
    const start = performance.now();
    await engine.answer(given, options);
    list.push(performance.now() - start);
  };
  await new Promise((done) => setTimeout(done, 2000));
  const idle = Math.max(...frames.splice(0));
  for (let i = 0; i < 10; i++) {
    await timed(answers, [...films.slice(1), i + 1], {});
    await timed(noises, [...films.slice(1), i + 1], { seed: i + 1 });
    await new Promise((done) => setTimeout(done, 100));
  }
  on = false;
  return { load: [load], answers, noises, frames, idle: [idle] };
}"""


def case(path: Path, folder: Path) -> tuple[Case, RunFolder]:
    """A run's final model and real users' histories."""
    run = RunFolder(path)
    data, missing = local_data(run)
    if data is None:
        sys.exit(missing)
    weights = run.weights_path("finetune")
    try:
        model: Any = load_model(run)
    except WeightsError:
        settings = recorded(run.info)
        model = settings.model(settings.config)
        model.initialise(torch.Generator().manual_seed(0))
        model.item_embedding.weight.data.copy_(torch.from_numpy(load_arrays(weights, (ITEM_TABLE,))[ITEM_TABLE].astype(np.float32)))
        model.requires_grad_(False)
        weights = folder / f"{run.name}.safetensors"
        save_arrays(weights, {name: value.numpy() for name, value in model.state_dict().items()})
    users = np.random.default_rng(0).choice(data.n_users, USERS, replace=False).tolist()
    histories = {user: data.history(user, "test", model.config.length).tolist() for user in users}
    requests = [{"history": histories[user], "seed": seed, "user": user} for user in users for seed in range(NOISES)]
    return Case(run.name, model, run.info, weights, requests), run


def agree(path: Path) -> dict[str, Any]:
    """All figures of a run."""
    worst: dict[str, float] = {}
    lists: Counter[str] = Counter(lists=0, same=0, swapped_places=0)
    with tempfile.TemporaryDirectory() as temporary:
        asked, run = case(path, Path(temporary))
        for start in range(0, len(asked.requests), TOGETHER):
            part = replace(asked, requests=asked.requests[start : start + TOGETHER])
            for request, got in zip(part.requests, answered([part], Path(temporary))[0], strict=True):
                compare(got, expected(part.model, request), worst, lists)
    return {"run": run.name} | {name: float(f"{value:.2g}") for name, value in sorted(worst.items())} | dict(lists)


def compare(got: Any, wanted: dict[str, np.ndarray], worst: dict[str, float], lists: Counter[str]) -> None:
    """Take one answer into the figures."""
    if "top" not in wanted:  # one list after all steps, or where there are none
        wanted = wanted | {"top": np.argsort(-wanted["scores"][1:], kind="stable")[:10].astype(np.float32) + 1}
    for name, values in wanted.items():
        if name.endswith("top"):
            places = swapped(got[name].tolist(), values.tolist(), wanted[f"{name.removesuffix('top')}scores"])
            lists.update(lists=1, same=int(places == 0), swapped_places=places)
        else:
            kind = ".".join(part for part in name.split(".") if not part.isdigit())
            worst[kind] = max(worst.get(kind, 0.0), error(got[name], values))


def times(items: int, width: int) -> dict[str, Any]:
    """All figures for a model of this size."""
    model = ADRec(ADRecConfig(n_items=items, hidden_size=width))
    model.initialise(torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "model.safetensors"
        save_arrays(path, {name: value.detach().numpy().astype(np.float16) for name, value in model.state_dict().items()})
        weights = path.read_bytes()
    description = {"model": {"model": "adrec", **vars(model.config)}, "diffusion": {"alpha_bar": model.diffusion.alpha_bar.tolist()}}
    given = [browser.script("engine/worker.js"), description, base64.b64encode(weights).decode(), list(range(1, 51))]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)

        def run(slow: int, in_page: bool) -> dict[str, list[float]]:
            page = chromium.new_page()
            page.set_content("<p>0</p>")
            page.add_script_tag(content=browser.script("engine/client.js"))
            page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slow})
            result: dict[str, list[float]] = page.evaluate(TIMES, [*given, in_page])
            page.close()
            return result

        usual, beside, slowed = run(1, False), run(4, False), run(4, True)
        chromium.close()

    def median(values: list[float]) -> dict[str, float]:
        return {"median": round(float(np.median(values)), 1), "worst": round(max(values), 1)}

    return {
        "items": items,
        "width": width,
        "megabytes": round(len(weights) / 1e6, 2),
        "load_ms": round(usual["load"][0], 1),
        "answer_ms": median(usual["answers"]),
        "noise_ms": median(usual["noises"]),
        "frame_ms": round(max(usual["frames"]), 1),
        "idle_frame_ms": round(usual["idle"][0], 1),
        "slowed_answer_ms": median(slowed["answers"]),
        "slowed_noise_ms": median(slowed["noises"]),
        "slowed_frame_ms": round(max(beside["frames"]), 1),
        "slowed_idle_frame_ms": round(beside["idle"][0], 1),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    what, given = (sys.argv + [""])[1], sys.argv[2:]
    if what == "agree":
        for path in [Path(word) for word in given] or RUNS:
            print(json.dumps(agree(path)), flush=True)
    elif what == "time" and len(given) in (0, 2):
        print(json.dumps(times(*([int(word) for word in given] or [3416, 128])), indent=1))
    else:
        sys.exit("usage: python -m tests.measure.browser_engine agree [RUN ...] | time [ITEMS WIDTH]")
