"""The engine in the browser answers as Python does: every model that runs there in all its forms, and the bundled runs."""

import itertools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adrec.diffusion import SCHEDULES
from adrec.errors import ConfigError
from adrec.explain import browser
from adrec.files import save_arrays, write_json
from adrec.models.attention import PADDINGS
from adrec.models.base import MODELS
from adrec.models.loading import load_model
from adrec.models.settings import Settings
from adrec.runs import RunFolder, list_runs
from adrec.runs.compact import compact
from tests.adrec.engine import NODE, Arrays, Case, answered, error, expected, swapped
from tests.adrec.small import built, varied

needs_node = pytest.mark.skipif(NODE is None, reason="needs node")

BUNDLED = Path(__file__).parents[2] / "assets" / "runs"
SMALL = {"hidden_size": 12, "heads": 2, "blocks": 2, "length": 7, "timesteps": 25, "noise_weight": 0.7}
VARIED: dict[str, tuple[Any, ...]] = {
    "denoiser": ("transformer", "mlp", "linear"),
    "padding": PADDINGS,
    "positions": (False, True),
    "infer_from": ("encoder", "item"),
    "guidance": (0.0, 1.5),
    "schedule": tuple(SCHEDULES),
}
"""What changes an answer's form; a model has those among its settings, with the values that it allows."""
REQUESTS = [
    {"history": [3], "seed": 0},
    {"history": [9, 4, 4, 30, 1, 7, 2], "seed": 5, "user": 2**32 + 1, "steps": 6},
    {"history": [1, 2, 3, 4, 5, 6, 7, 8, 29], "seed": 2**40, "user": 3, "steps": 1},
]


def forms() -> list[tuple[str, Settings]]:
    """Every model with the ability "browser", in every combination of what it has of ``VARIED``."""
    found = []
    for name, model in MODELS.items():
        if "browser" not in model.abilities:
            continue
        fields = model.Config.__dataclass_fields__
        small = {field: value for field, value in SMALL.items() if field in fields}
        several = {field: values for field, values in VARIED.items() if field in fields}
        for values in itertools.product(*several.values()):
            chosen = dict(zip(several, values, strict=True))
            if chosen.get("guidance"):
                small["condition_drop"] = 0.1
            try:
                found.append((f"{name} {chosen}", varied(Settings(model, model.Config(n_items=30)), **small, **chosen)))
            except ConfigError:
                continue
    return found


def described(settings: Settings) -> Mapping[str, Any]:
    """What run.json says of a model."""
    model: Any = settings.model(settings.config)
    return settings.to_json() | ({"diffusion": model.diffusion.to_json()} if "denoise" in model.abilities else {})


def disagreements(case: Case, got: list[Arrays]) -> list[str]:
    """Where the engine's arrays differ from Python's by more than rounding."""
    found = []
    for request, arrays in zip(case.requests, got, strict=True):
        wanted = expected(case.model, request)
        for name, values in wanted.items():
            if name.endswith(".top"):
                swapped(arrays[name].tolist(), values.tolist(), wanted[name.removesuffix("top") + "scores"])
            elif error(arrays[name], values) > 2e-5:
                found.append(f"{case.name}, {request}: {name} {error(arrays[name], values):.1e}")
    return found


@needs_node
def test_every_model_that_runs_in_the_browser_answers_there_as_in_python(tmp_path: Path) -> None:
    cases = []
    for i, (name, settings) in enumerate(forms()):
        model, path = built(settings, seed=i), tmp_path / f"{i}.safetensors"
        for parameter in model.parameters():
            parameter.data.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(i)) * 0.3)
        save_arrays(path, {key: value.numpy() for key, value in model.state_dict().items()})
        cases.append(Case(name, model, described(settings), path, REQUESTS))
    assert {name.split()[0] for name in (case.name for case in cases)} >= {"adrec", "dreamrec", "sasrec"}
    answers = answered(cases, tmp_path)
    assert [line for case, got in zip(cases, answers, strict=True) for line in disagreements(case, got)] == []


@needs_node
def test_every_bundled_run_answers_in_the_browser_as_in_python(tmp_path: Path) -> None:
    rng, cases = np.random.default_rng(0), []
    for run in list_runs(BUNDLED):
        if browser.scored(run):
            model = load_model(run)
            histories = [rng.integers(1, model.config.n_items + 1, n).tolist() for n in (1, 12, 60)]
            requests = [{"history": history, "seed": i, "user": 10 * i, "steps": 8 + i} for i, history in enumerate(histories)]
            cases.append(Case(run.name, model, run.info, run.weights_path("finetune"), requests))
    assert len(cases) >= 5
    answers = answered(cases, tmp_path)
    assert [line for case, got in zip(cases, answers, strict=True) for line in disagreements(case, got)] == []


def sized(run: RunFolder, items: int, width: int) -> RunFolder:
    """The same run, as if its table had this size."""
    with_size = RunFolder(run.path)
    with_size.table_shapes = lambda: {"finetune": (items, width)}  # type: ignore[method-assign]
    return with_size


def test_the_size_of_the_item_table_decides_where_a_model_answers(trained_run: RunFolder) -> None:
    assert [browser.scored(sized(trained_run, items, 128)) for items in (3416, 31_250, 31_251, 101_562, 101_563)] == [
        "all",
        "all",
        "last",
        "last",
        None,
    ]


def test_a_model_without_the_ability_its_weights_or_its_coefficients_answers_on_the_server(tiny_run: RunFolder, tmp_path: Path) -> None:
    assert browser.scored(tiny_run) == browser.scored(tiny_run, "warmup") == "all"
    assert browser.scored(tiny_run, "pretrain") is None and browser.scored(RunFolder(BUNDLED / "ce-only")) is None
    assert browser.scored(compact(tiny_run, tmp_path / "tables", tables_only=True)) is None
    for field in ("abilities", "diffusion"):
        changed = RunFolder(shutil.copytree(tiny_run.path, tmp_path / field))
        write_json(changed.path / "run.json", {key: value for key, value in tiny_run.info.items() if key != field})
        assert browser.scored(changed) is None
