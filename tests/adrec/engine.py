"""The browser's engine in node, and the same answers by Python: what tests and measurements compare."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from adrec.data.batches import pack
from adrec.explain.trajectory import trajectory
from adrec.models import blocks
from adrec.models.attention import Layout
from adrec.models.base import Model

NODE = shutil.which("node")
RUNNER = Path(__file__).parents[1] / "browser_code" / "engine.js"
NEAR = 1e-4
"""Scores this close, as a share of the largest one's size, may swap places."""

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A model, and what it is asked: ``{"history": ids, "seed": 0, "steps": None, "user": 0}`` each. description: run.json."""

    name: str
    model: Model
    description: Mapping[str, Any]
    weights: Path
    requests: Sequence[Mapping[str, Any]]


def answered(cases: Sequence[Case], folder: Path) -> list[list[Arrays]]:
    """The engine's arrays by name, for each request of each case; all cases in one process. folder: for what goes between."""
    asked = [{"description": c.description, "weights": str(c.weights.resolve()), "requests": c.requests} for c in cases]
    (folder / "cases.json").write_text(json.dumps(asked), encoding="utf-8")
    assert NODE is not None
    command = [NODE, str(RUNNER), str(folder / "cases.json"), str(folder / "out.bin")]
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    values = np.memmap(folder / "out.bin", np.float32, "r")
    return [[{name: values[at : at + n] for name, (at, n) in one.items()} for one in case] for case in json.loads(ran.stdout)]


@torch.no_grad()
def expected(model: Any, request: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The same arrays by Python: condition, the encoder's attention, and, where the model denoises, x_t and x0_hat of every step with the
    denoiser's attention at the first one; the scores."""
    history = list(request["history"])[-model.config.length :]
    batch = pack([np.asarray(history)], model.config.length)
    seen: list[Tensor] = []
    with mock.patch.object(blocks, "packed_attention", _recorded(seen)):
        if "denoise" not in model.abilities:
            condition = model(batch)[batch.last]
        elif getattr(model.config, "infer_from", "encoder") == "item":
            condition = model.hist_norm(model.history(batch, model.layout(batch)))[batch.last]
        else:
            condition = model.encode(batch)[batch.last]
    found = {"condition": condition.numpy()} | {f"attention.{i}": weights.numpy() for i, weights in enumerate(seen)}
    table = model.table
    if "denoise" not in model.abilities:
        return found | {"scores": (table @ model.answers(batch)[0]).numpy()}
    steps = request.get("steps") or model.config.timesteps
    told = trajectory(model, history, seed=request.get("seed", 0), steps=steps, user=request.get("user", 0))
    for i in range(told.steps):
        x0_hat = torch.from_numpy(told.x0_hat[i])
        found |= {f"steps.{i}.x_t": told.x_t[i], f"steps.{i}.x0_hat": told.x0_hat[i], f"steps.{i}.scores": (table @ x0_hat).numpy()}
        found[f"steps.{i}.top"] = told.top[i].astype(np.float32)
    if getattr(model.config, "denoiser", "") == "transformer":
        seen.clear()
        t = torch.tensor([0] * (len(history) - 1) + [int(told.timesteps[0])])
        x = torch.cat([table[history[1:]], torch.from_numpy(told.x_t[:1])])
        with mock.patch.object(blocks, "packed_attention", _recorded(seen)):
            layout = model.layout(batch)
            model.denoise(model.encode(batch, layout), x, t, layout)
        rest = seen[len(seen) // 2 :]
        found |= {f"steps.0.attention.{i}": weights[:, -1].numpy() for i, weights in enumerate(rest)}
    return found | {"vector": told.x_t[-1], "scores": found[f"steps.{told.steps - 1}.scores"]}


def _recorded(seen: list[Tensor]) -> Any:
    """``packed_attention`` for one history, which also notes the weights, (heads, items, slots): pads first."""
    usual = blocks.packed_attention

    def attention(qkv: Tensor, layout: Layout, heads: int, *rest: Any) -> Tensor:
        rows = torch.cat([qkv[layout.tokens : layout.tokens + layout.pads], qkv[: layout.tokens]])
        q, k, _ = rows.view(len(rows), 3, heads, -1).permute(1, 2, 0, 3)
        logits = q[:, layout.pads :] @ k.transpose(1, 2) / q.shape[-1] ** 0.5 + layout.bias[0]
        seen.append(logits.softmax(-1))
        return usual(qkv, layout, heads, *rest)

    return attention


def error(got: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference as a share of the largest wanted size."""
    wanted = np.asarray(wanted).ravel()
    assert got.shape == wanted.shape
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


def swapped(got: Sequence[float], wanted: Sequence[float], scores: np.ndarray) -> int:
    """How many places of two lists of ids differ, all of them among near-equal scores; an AssertionError if any is not."""
    places = [(int(a), int(b)) for a, b in zip(got, wanted, strict=True) if a != b]
    assert all(abs(scores[a] - scores[b]) <= NEAR * np.abs(scores).max() for a, b in places), places
    return len(places)
