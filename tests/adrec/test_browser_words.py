"""What the browser says of a denoising is what Python says."""

import base64
import itertools
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adrec.data.titles import titled
from adrec.explain import browser, export, scene, words
from adrec.explain.records import Case, Trajectory
from adrec.explain.trajectory import trajectories, trajectory
from adrec.models.loading import load_model
from adrec.runs import RunFolder, list_runs
from tests.adrec.engine import NODE

STYLE = words.BROWSER
FIRST = list(range(1, 11))
LATER = [*range(2, 11), 40]
NEW = list(range(31, 41))
LISTS = [
    [FIRST] * 4,
    [FIRST, FIRST[::-1], FIRST, FIRST],
    [FIRST, LATER, LATER, LATER],
    [FIRST, FIRST, FIRST, NEW],
    [NEW, FIRST, LATER, NEW],
]
SHARES = [None, 0.00001, 0.0012, 0.19, 0.97, 1.06, 12.34]


def walks(run: RunFolder) -> Iterator[Trajectory]:
    """Trajectories of every kind that sentences tell apart."""
    model = load_model(run)
    own = trajectory(model, [3, 17, 9], target=5)
    for rows, share in itertools.product(LISTS, SHARES):
        lists, swaps = np.array(rows), (3, 40) if rows is LISTS[2] and share else ()
        of = replace(own, top=lists, top_ten=lists, swaps=swaps, noise_share=share, noise_weight=None if share is None else 0.05)
        yield of
        yield replace(of, target=None, target_rank=None, target_probability=None)
    for steps, rank in itertools.product((1, 2, 4), (1, 10, 50, 51, 1234)):
        found = trajectory(model, [3, 17], target=8, steps=steps, seed=1)
        yield replace(found, target_rank=np.full(steps, rank))


def bundled(walk: Trajectory, run: RunFolder, layout: scene.Layout, user: int = 0) -> dict[str, Any]:
    """A trajectory as the browser has it."""
    model = {"model": {"noise_weight": walk.noise_weight, "hidden_size": walk.x_t.shape[1]}}
    blob = scene.blob(walk, layout, titled(run.items), again={"run": model, "user": user})
    return {"blob": base64.b64encode(blob).decode(), "swaps": list(walk.swaps), "noise_share": walk.noise_share}


def said(folder: Path, cases: list[dict[str, Any]]) -> list[dict[str, str]]:
    """By the browser's code."""
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    runner = Path(__file__).parents[1] / "browser_code" / "words.js"
    assert NODE is not None
    ran = subprocess.run([NODE, str(runner), str(folder / "cases.json")], capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, str]] = json.loads(ran.stdout)
    return found


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_every_sentence_of_the_browser_is_the_one_that_python_says(tiny_run: RunFolder, tmp_path: Path) -> None:
    layout, title = scene.layout(tiny_run.tables(), "finetune"), titled(tiny_run.items)
    every, process = [*walks(tiny_run)], f"{words.PROCESS} {words.STEP}"
    quiet = {"process": process, "changed": "", "lent": "", "alike": False, "run": False}
    cases, wanted = [], []
    for one in every:
        cases.append({"scenes": [bundled(one, tiny_run, layout)], "sayings": quiet})
        wanted.append({"answer": words.headline(one, title, STYLE), "why": words.why(one, STYLE), "change": ""})
    for number, (one, other) in enumerate(zip(every, every[7:] + every[:7], strict=True)):
        kind = ("user", "run", "item")[number % 3]
        beside = export.Comparison(kind, "5", "9", ("", ""), other, layout, None)
        about = {"changed": words.change(kind, "5", "9", STYLE), "lent": f"user {STYLE.title('9')}" if kind == "user" else ""}
        scenes = [bundled(walk, tiny_run, layout, user) for walk, user in ((one, 0), (other, int((one.x_t[0] != other.x_t[0]).any())))]
        cases.append({"scenes": scenes, "sayings": quiet | about | {"run": kind == "run"}})
        told = {"answer": words.headline(one, title, STYLE), "why": words.why(one, STYLE)}
        wanted.append(told | {"change": beside.summary(one, title, STYLE)})
        if one.noise_weight is not None and other.noise_weight is not None:
            cases.append({"scenes": scenes, "sayings": quiet | {"alike": True}})
            wanted.append({"answer": words.describe_weights(one, other, STYLE), "why": process, "change": ""})
    assert said(tmp_path, cases) == wanted


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_bundled_models_that_hear_the_noise_and_that_hardly_do_are_described_alike(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one, other = (RunFolder(Path(__file__).parents[2] / "assets" / "runs" / name) for name in ("noise-1", "ml-100k"))
    title, process = titled(one.items), f"{words.PROCESS} {words.STEP}"
    histories = [tuple(rng.integers(1, 200, rng.integers(1, 30)).tolist()) for _ in range(32)]
    asked = [Case(history, int(rng.integers(1, 200)), user=user) for user, history in enumerate(histories)]
    layouts = [scene.layout(run.tables(), "finetune") for run in (one, other)]
    answers = [trajectories(load_model(run), asked) for run in (one, other)]  # type: ignore[arg-type]
    quiet: dict[str, Any] = {"process": process, "changed": "", "lent": "", "alike": False, "run": True}
    changed = words.change("run", one.name, other.name, STYLE)
    cases, wanted = [], []
    for a, b in zip(*answers, strict=True):
        scenes = [bundled(walk, run, layout, 0) for walk, run, layout in zip((a, b), (one, other), layouts, strict=True)]
        cases += [{"scenes": scenes, "sayings": quiet | {"changed": changed}}, {"scenes": scenes, "sayings": quiet | {"alike": True}}]
        beside = export.Comparison("run", one.name, other.name, ("", ""), b, layouts[1], None)
        told = {"answer": words.headline(a, title, STYLE), "why": words.why(a, STYLE), "change": beside.summary(a, title, STYLE)}
        wanted += [told, {"answer": words.describe_weights(a, b, STYLE), "why": process, "change": ""}]
    assert said(tmp_path, cases) == wanted and len({a.commit_step for a in answers[0]}) > 3


def test_what_a_step_does_is_the_same_in_all_models_that_the_browser_runs() -> None:
    runs = [r for r in list_runs(Path(__file__).parents[2] / "assets" / "runs") if "denoise" in r.abilities and browser.scored(r) == "all"]
    assert runs and {load_model(run).about_steps for run in runs} == {words.STEP}  # type: ignore[attr-defined]
