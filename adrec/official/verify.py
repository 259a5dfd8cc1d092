"""Replay numbers recorded from the official code through this implementation.

Error of a quantity: largest |ours - recorded| / max(1, largest |recorded|). Tolerance: 2e-5 for outputs, 1e-4 for losses and gradients.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrec.collapse import measures as collapse
from adrec.data.batches import PackedBatch, pack
from adrec.diffusion import Diffusion, betas, q_sample, reverse_process
from adrec.errors import AdrecError, DataError
from adrec.evaluation import ranking_metrics, ranks_of
from adrec.files import load_npz
from adrec.losses.full import cross_entropy, token_error
from adrec.models.adrec import ADRec
from adrec.models.base import MODELS
from adrec.models.dreamrec import DreamRec
from adrec.models.neural import DiffusionModel, NeuralModel
from adrec.models.recording import Recording
from adrec.models.sasrec import SASRec
from adrec.official.weights import load_official_weights, to_official_names
from adrec.training.gradients import mean_gradient, projected_mean, separate_gradients

OUTPUT, LOSS = 2e-5, 1e-4
Errors = dict[str, float]
Record = dict[str, np.ndarray]


def error(ours: Any, recorded: Any) -> float:
    """Largest absolute difference over max(1, largest recorded value); NaN counts as infinite."""
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(recorded, dtype=np.float64)
    if a.shape != b.shape:
        return float("inf")
    worst = float(np.max(np.abs(a - b), initial=0.0) / max(1.0, float(np.max(np.abs(b), initial=0.0))))
    return worst if np.isfinite(worst) else float("inf")


def tolerance(quantity: str) -> float:
    return LOSS if quantity in ("ce", "mse", "loss", "cosine") or "grad/" in quantity else OUTPUT


def verify_folder(folder: str | Path) -> dict[str, Any]:
    """Replay every recorded file in ``folder``: ``{"<file>": {"<quantity>": error} | "not implemented", "worst": x, "ok": bool}``."""
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise DataError(f"'{folder}' holds no recorded files (*.npz).")
    report: dict[str, Any] = {}
    worst, ok = 0.0, True
    for path in paths:
        errors = verify_file(path)
        report[path.name] = errors if errors is not None else "not implemented"
        for quantity, value in (errors or {}).items():
            worst = max(worst, value)
            ok = ok and value <= tolerance(quantity)
    return {**report, "worst": worst, "ok": ok}


def verify_file(path: Path) -> Errors | None:
    """The errors of one recorded file; None if its model is not implemented."""
    record = load_npz(path)
    try:
        replay = _replay_for(record, path)
        return None if replay is None else replay(record)
    except AdrecError as problem:
        raise DataError(f"'{path}': {problem}") from None
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError) as problem:  # not a valid recording
        what = str(problem).strip().partition("\n")[0].rstrip(".")
        raise DataError(f"'{path}' holds no recording that can be replayed ({type(problem).__name__}: {what}).") from None


def _replay_for(record: Record, path: Path) -> Callable[[Record], Errors] | None:
    if "config" in record:
        kind = json.loads(str(record["config"])).get("model")
        known = {"adrec": replay_adrec, "sasrec": replay_sasrec, "dreamrec": replay_dreamrec}
        return known.get(kind, replay_own if kind in MODELS else None)
    if "scores" in record and "labels" in record:
        return replay_metrics
    if all(k.endswith(("__betas", "__alphas_cumprod")) for k in record):
        return replay_schedules
    measured = path.with_name("embedding_metrics.json")
    if measured.is_file() and all(v.ndim == 2 for v in record.values()):
        return lambda r: replay_measures(r, json.loads(measured.read_text()))
    return None


def replay_schedules(record: Record) -> Errors:
    errors = {}
    for key, values in record.items():
        schedule, timesteps, kind = key.split("__")
        ours = betas(schedule, int(timesteps)) if kind == "betas" else Diffusion.from_schedule(schedule, int(timesteps)).alpha_bar
        errors[key] = error(ours, values)
    return errors


def replay_metrics(record: Record) -> Errors:
    ranks = ranks_of(torch.from_numpy(record["scores"]), torch.from_numpy(record["labels"]).flatten())
    ours = ranking_metrics(ranks.numpy())
    return {k: error(ours[k.lower().replace("_at_", "@")], v) for k, v in record.items() if "_at_" in k}


def replay_measures(record: Record, measured: dict[str, dict[str, float]]) -> Errors:
    """Replay the official notebook's nine embedding measures for each recorded matrix."""
    errors: Errors = {}
    for name, matrix in record.items():
        ours = collapse.official_measures(matrix)
        errors |= {f"{name}/{k}": error(ours[k], v) for k, v in measured.get(name, {}).items()}
    return errors


def _model_and_batch(record: Record) -> tuple[NeuralModel, PackedBatch, Tensor]:
    """The recorded model, its packed batch, and each packed token's index in the flattened (B, L) frame."""
    raw = json.loads(str(record["config"]))
    kind: Any = MODELS[raw["model"]]
    fields = {**DreamRec.presets["dreamrec-harness"].settings} if kind is DreamRec else {}
    fields |= {k: v for k, v in raw.items() if k in kind.Config.__dataclass_fields__}
    model = kind(kind.Config(**{**fields, "dropout": 0.0, "embedding_dropout": 0.0}))
    weights = {k.removeprefix("sd/"): torch.from_numpy(v) for k, v in record.items() if k.startswith("sd/")}
    load_official_weights(model, weights)
    seq, tgt = record["seq"], record["tgt"]
    valid = seq > 0
    batch = pack([s[v] for s, v in zip(seq, valid, strict=True)], seq.shape[1], [t[v] for t, v in zip(tgt, valid, strict=True)])
    indices = np.arange(seq.size).reshape(seq.shape)
    where = np.concatenate([indices[u][valid[u]] for u in batch.users])
    return model, batch, torch.from_numpy(where)


def _tokens(array: np.ndarray, where: Tensor) -> Tensor:
    """(B, L, ...) -> (N, ...) in packed order."""
    return torch.from_numpy(array).flatten(0, 1)[where]


def _users(x: Tensor, batch: PackedBatch) -> Tensor:
    """Rows in packed order (B, ...) -> rows in the recorded order."""
    out = torch.empty_like(x)
    out[torch.from_numpy(batch.users)] = x
    return out


@torch.no_grad()
def replay_own(record: Record) -> Errors:
    """As the model's own file says, which is the way for a new model."""
    model, batch, _ = _model_and_batch(record)
    return {k: error(ours, recorded) for k, (ours, recorded) in model.replayed(Recording(record, batch)).items()}


def replay_sasrec(record: Record) -> Errors:
    model, batch, where = _model_and_batch(record)
    assert isinstance(model, SASRec)
    out = model(batch)
    table = model.item_embedding.weight
    last = _users(out[batch.last], batch)
    return {
        "out": error(out.detach(), _tokens(record["out"], where)),
        "last": error(last.detach(), record["last"]),
        "ce": error(cross_entropy(out, table, batch.targets).detach(), record["ce"]),
        "scores": error((last @ table.T).detach(), record["scores"]),
    }


def replay_adrec(record: Record) -> Errors:
    model, batch, where = _model_and_batch(record)
    assert isinstance(model, ADRec)
    t, eps = _tokens(record["t"], where), _tokens(record["noise"], where)
    x0_hat, x_0 = model(batch, t, eps)
    losses = {"ce": cross_entropy(x0_hat, model.item_embedding.weight, batch.targets), "mse": token_error(x0_hat, x_0, batch.token_weights)}
    errors = _replay_forward(model, batch, record, where, x0_hat, x_0, t, eps)
    errors |= {k: error(v.detach(), record[k]) for k, v in losses.items()}
    parameters = list(model.parameters())
    separate = separate_gradients(list(losses.values()), parameters)
    gradients = {"pcgrad": projected_mean(separate), "grad": mean_gradient(list(losses.values()), parameters)}
    for prefix, gradient in gradients.items():
        if any(k.startswith(prefix + "/") for k in record):
            ours = dict(zip(dict(model.named_parameters()), gradient, strict=True))
            named = to_official_names(model, ours)
            errors |= {k: error(named[k.removeprefix(prefix + "/")], v) for k, v in record.items() if k.startswith(prefix + "/")}
    if "init_noise" in record:
        errors |= _replay_reverse(model, batch, record)
    return errors


def _replay_forward(
    model: ADRec, batch: PackedBatch, record: Record, where: Tensor, x0_hat: Tensor, x_0: Tensor, t: Tensor, eps: Tensor
) -> Errors:
    ours = {"cond": model.encode(batch)[: batch.tokens], "x_t": q_sample(x_0, t, eps, model.alpha_bar), "x0_hat": x0_hat}
    return {k: error(v.detach(), _tokens(record[k], where)) for k, v in ours.items() if k in record}


@torch.no_grad()
def replay_dreamrec(record: Record) -> Errors:
    """The recorded x0_hat covers every position, with one t per user; the loss covers only the last."""
    model, batch, where = _model_and_batch(record)
    assert isinstance(model, DreamRec)
    t = torch.from_numpy(record["t"])[torch.from_numpy(batch.users)].repeat_interleave(torch.from_numpy(batch.lengths))
    eps = _tokens(record["noise"], where)
    x_0 = model.item_embedding.weight[batch.targets]
    condition, x_t = model.encode(batch)[: batch.tokens], q_sample(x_0, t, eps, model.alpha_bar)
    x0_hat, last = model.denoise(condition, x_t, t), batch.last
    x0_hat_last, x_0_last = model(batch, t[last], eps[last])
    errors = {k: error(v, _tokens(record[k], where)) for k, v in (("cond", condition), ("x_t", x_t), ("x0_hat", x0_hat))}
    errors["loss"] = error(token_error(x0_hat_last, x_0_last, batch.user_weights), record["loss"])
    return errors | _replay_reverse(model, batch, record)


@torch.no_grad()
def _replay_reverse(model: DiffusionModel, batch: PackedBatch, record: Record) -> Errors:
    order = torch.from_numpy(batch.users)
    steps: list[tuple[Tensor, Tensor]] = []
    last = reverse_process(
        model.last_token(batch),
        torch.from_numpy(record["init_noise"])[order],
        torch.from_numpy(record["step_noise"])[:, order],
        model.diffusion,
        lambda t, x0_hat, x: steps.append((x0_hat.clone(), x.clone())),
    )
    scores = _users(last, batch) @ model.item_embedding.weight.T
    ours = {
        "traj_x0": torch.stack([_users(a, batch) for a, _ in steps]),
        "traj_x": torch.stack([_users(b, batch) for _, b in steps]),
        "last": _users(last, batch),
        "scores": scores,
    }
    return {k: error(v, record[k]) for k, v in ours.items() if k in record}
