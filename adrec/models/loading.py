"""Models from run folders, weights from files."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from adrec.errors import RunError, WeightsError
from adrec.files import load_arrays
from adrec.models.base import Model
from adrec.models.settings import recorded
from adrec.runs import ITEM_TABLE, RunFolder


def load_weights(model: Model, path: Path) -> None:
    """Fill ``model`` from a safetensors file of any float type; missing, surplus or misshapen tensors are named."""
    arrays = load_arrays(path)
    wanted = model.state_dict()
    if set(arrays) == {ITEM_TABLE} != set(wanted):
        raise WeightsError(f"'{path}' holds the item table alone: this copy of a run is for looking at tables and has no model to run.")
    missing, surplus = sorted(set(wanted) - set(arrays)), sorted(set(arrays) - set(wanted))
    if missing or surplus:
        raise WeightsError(f"'{path}' does not fit this model: it {'lacks' if missing else 'has the unknown'} {(missing or surplus)[0]}.")
    for name, value in arrays.items():
        if value.shape != tuple(wanted[name].shape):
            raise WeightsError(f"'{path}': tensor '{name}' has shape {value.shape}; the model needs {tuple(wanted[name].shape)}.")
    fill(model, {k: torch.from_numpy(v.astype(np.float32)) for k, v in arrays.items()})


def fill(model: Model, state: Mapping[str, Tensor]) -> None:
    """Load a model's ``state_dict``; a model that torch knows nothing of gets numpy's arrays."""
    model.load_state_dict(state if isinstance(model, nn.Module) else {name: tensor.numpy() for name, tensor in state.items()})


def tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """A model's ``state_dict`` as tensors, which share its memory."""
    return {name: torch.as_tensor(value) for name, value in state.items()}


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """A torch state dict on the CPU. Only tensors are read (``weights_only``): code in the file is refused, not run."""
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"'{path}' is not a file; expected a torch state dict (.pth or .pt).")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols, of no use to the reader
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch's reader fail in any way, AssertionError and IndexError included
        raise WeightsError(f"'{path}' is not a torch state dict that can be read without running code ({type(error).__name__}).") from None
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise WeightsError(f"'{path}' holds no state dict: expected names with tensors.")
    return {str(k): v for k, v in loaded.items()}


def load_model(run: RunFolder, stage: str = "finetune", epoch: int | str | None = None) -> Model:
    """The model that a stage kept, in float32, without gradients. epoch: that of another epoch or "last", if the run kept every one."""
    stages = recorded(run.info).stages
    if epoch is None and stage not in run.stages:
        raise RunError(f"Run '{run.name}' has no weights of stage '{stage}'; it has {', '.join(run.stages) or 'none yet'}.")
    if epoch is not None and epoch not in run.weight_epochs(stage):
        known = ", ".join(map(str, run.weight_epochs(stage))) or "none: train with --set keep_weights=every"
        raise RunError(f"Run '{run.name}' has no weights of epoch {epoch} of stage '{stage}'; it has {known}.")
    trained = next((s for s in stages if s.name == stage), None)
    if trained is None:
        raise RunError(f"Run '{run.name}' has weights of a stage '{stage}', which its training does not have.")
    model = trained.model(trained.config)
    load_weights(model, run.weights_path(stage, epoch))
    return model.requires_grad_(False) if isinstance(model, nn.Module) else model
