"""State dicts of the official code: tensor names, read without executing anything."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from adrec.config import from_json
from adrec.errors import WeightsError
from adrec.models.adrec import ADRec, MLPDenoiser
from adrec.models.conditioned import ConditionedModel
from adrec.models.dreamrec import DreamRec
from adrec.models.neural import NeuralModel
from adrec.models.recording import BLOCK, block_names
from adrec.models.sasrec import SASRec
from adrec.runs import ITEM_TABLE

DREAM_NAMES = {
    **{"wide1": "diffu.net.mlp.0", "narrow1": "diffu.net.mlp.3", "wide2": "diffu.net.mlp.4", "narrow2": "diffu.net.mlp.7"},
    "norm": "diffu.net.norm_diffu_rep",
}
MLP_NAMES = {"wide": "diffu.net.decoder.0", "narrow": "diffu.net.decoder.2", "norm": "diffu.net.decoder.3"}
UNUSED = {"position_embedding.weight"}
"""Tensors that the official code stores but does not use: SASRec without positions keeps its position table."""


def official_names(model: Any) -> dict[str, tuple[str, ...]]:
    """The official parameters that each of our parameters consists of."""
    if named := model.official_names():
        return dict(named)
    blocks = model.config.blocks
    names: dict[str, tuple[str, ...]] = {ITEM_TABLE: (ITEM_TABLE,)}
    if isinstance(model, ConditionedModel):
        names |= block_names("encoder", "diffu.ag_encoder", blocks)
        for part in ("weight", "bias"):
            names[f"hist_norm.{part}"] = (f"hist_norm.{part}",)
            for layer in (0, 2):
                names[f"time_embed.{layer}.{part}"] = (f"diffu.net.time_embed.{layer}.{part}",)
            layers = DREAM_NAMES if isinstance(model, DreamRec) else MLP_NAMES if isinstance(model.denoiser, MLPDenoiser) else {}
            for ours, theirs in layers.items():
                names[f"denoiser.{ours}.{part}"] = (f"{theirs}.{part}",)
        if isinstance(model, ADRec) and not isinstance(model.denoiser, MLPDenoiser):
            names |= block_names("denoiser", "diffu.net.decoder", blocks)
        return names
    names |= block_names("encoder", "trm_encoder", blocks)
    names |= {f"norm.{part}": (f"LayerNorm.{part}",) for part in ("weight", "bias")}
    if model.config.positions:
        names["position_embedding.weight"] = ("position_embedding.weight",)
    return names


def load_official_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy an official state dict into ``model``; errors name missing, surplus or misshapen tensors."""
    names = official_names(model)
    wanted = {n for group in names.values() for n in group}
    missing, surplus = sorted(wanted - set(weights)), sorted(set(weights) - wanted - UNUSED)
    if missing or surplus:
        words = [f"lacks {_some(missing)}"] * bool(missing) + [f"has {_some(surplus)}, which this model does not have"] * bool(surplus)
        raise WeightsError(f"The official state dict {' and '.join(words)}.")
    with torch.no_grad():
        for ours, parameter in model.named_parameters():
            for name, part in zip(names[ours], parameter.chunk(len(names[ours])), strict=True):
                value = weights[name].float()
                if value.shape != part.shape:
                    raise WeightsError(f"Official tensor '{name}' has shape {tuple(value.shape)}; the model needs {tuple(part.shape)}.")
                if not torch.isfinite(value).all():
                    raise WeightsError(f"Official tensor '{name}' holds values that are not finite.")
                part.copy_(value)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def to_official_names(model: NeuralModel, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our parameters (or their gradients) under the official names."""
    out: dict[str, Tensor] = {}
    for ours, theirs in official_names(model).items():
        out |= dict(zip(theirs, values[ours].chunk(len(theirs)), strict=True))
    return out


def kind_of(weights: Mapping[str, Tensor]) -> type[NeuralModel]:
    """The model class of an official state dict, judged by the tensors' names."""
    if any(k.startswith("diffu.net.mlp.") for k in weights):
        return DreamRec
    return ADRec if any(k.startswith("diffu.") for k in weights) else SASRec


def model_from_state_dict(weights: Mapping[str, Tensor], **fields: object) -> NeuralModel:
    """Build the model of an official state dict; class and sizes follow from names and shapes.

    fields: settings that the shapes do not determine (length, timesteps, schedule, noise_weight, heads); defaults are the model's.
    """
    if ITEM_TABLE not in weights or weights[ITEM_TABLE].ndim != 2:
        raise WeightsError(f"The state dict has no item table '{ITEM_TABLE}' with two dimensions.")
    rows, width = weights[ITEM_TABLE].shape
    kind = kind_of(weights)
    stem = "trm_encoder" if kind is SASRec else "diffu.ag_encoder"
    blocks = len({k.split(".")[len(stem.split(".")) + 1] for k in weights if k.startswith(f"{stem}.{BLOCK}.")})
    if not blocks:
        raise WeightsError(f"The state dict is not from ADRec, DreamRec or SASRec: it has no '{stem}.{BLOCK}'.")
    sizes: dict[str, object] = {"n_items": rows - 1, "hidden_size": width, "blocks": blocks}
    if kind is DreamRec:
        sizes |= DreamRec.presets["dreamrec-harness"].settings
    if kind is ADRec:
        sizes["denoiser"] = "transformer" if any(k.startswith(f"diffu.net.decoder.{BLOCK}.") for k in weights) else "mlp"
    model = kind(from_json(kind.Config, {**fields, **sizes}))
    load_official_weights(model, weights)
    return model
