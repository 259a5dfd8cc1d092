"""What it takes to compare the fast path with `adrec.paper`: its weights and batches, as the plain file has them."""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from adrec import paper
from adrec.data.batches import PackedBatch
from adrec.models.blocks import CausalTransformer
from adrec.models.neural import NeuralModel as Model
from adrec.official.weights import to_official_names

RENAMED = {
    r"^(trm_encoder|diffu\.ag_encoder)\.transformer_blocks": "encoder",
    r"^diffu\.net\.decoder(\.transformer_blocks)?": "denoiser",
    r"^diffu\.net\.time_embed": "time_embed",
    r"^LayerNorm": "norm",
    r"attention\.linear_layers\.0": "query",
    r"attention\.linear_layers\.1": "key",
    r"attention\.linear_layers\.2": "value",
    r"attention\.w_layer": "output",
    r"input_sublayer\.norm": "attention_norm",
    r"feed_forward\.w_1": "widen",
    r"feed_forward\.w_2": "narrow",
    r"output_sublayer\.norm": "ff_norm",
}
"""Parts of the official code's parameter names (regular expressions), and what `adrec.paper` calls them."""


def renamed(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under the official names -> under the plain ones. SASRec's unused position table is left out."""
    out = {}
    for name, value in official.items():
        for theirs, ours in RENAMED.items():
            name = re.sub(theirs, ours, name)
        out[name] = value
    return {name: value for name, value in out.items() if name != "position_embedding.weight"}


def plain_names(model: Model, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A packed model's parameters, or their gradients, under the plain names."""
    return renamed(to_official_names(model, values))


def settings_of(config: object, **others: object) -> paper.Settings:
    """The plain settings among a packed model's."""
    known = {k: getattr(config, k) for k in paper.Settings.__dataclass_fields__ if hasattr(config, k)}
    return paper.Settings(**{**known, **others})


def plain_sasrec(model: Model) -> paper.SASRec:
    plain = paper.SASRec(settings_of(model.config), torch.Generator())
    plain.load_state_dict(plain_names(model, dict(model.named_parameters())))
    return plain


def plain_adrec(model: Model) -> paper.ADRec:
    plain = paper.ADRec(settings_of(model.config), model.item_embedding.weight.detach(), torch.Generator())
    plain.load_state_dict(plain_names(model, dict(model.named_parameters())))
    return plain


def plain_stack(stack: CausalTransformer) -> Callable[[Tensor, Tensor], Tensor]:
    """A packed stack as a plain one, (h (B, L, D), real (B, L)) -> (B, L, D); gradients reach the packed weights."""
    first = stack.blocks[0]
    width = first.out.in_features
    plain = paper.CausalTransformer(paper.Settings(n_items=1, hidden_size=width, heads=first.heads, blocks=len(stack.blocks)))
    weights: dict[str, Tensor] = {}
    for name, value in stack.named_parameters():
        block, layer, kind = name.removeprefix("blocks.").split(".")
        parts = {"qkv": ("query", "key", "value"), "out": ("output",), "wide": ("widen",)}.get(layer, (layer,))
        weights |= {f"{block}.{part}.{kind}": rows for part, rows in zip(parts, value.chunk(len(parts)), strict=True)}
    return lambda h, real: functional_call(plain, weights, (h, real))


def padded(batch: PackedBatch) -> tuple[Tensor, Tensor]:
    """A packed batch's histories and targets as the plain file has them: (B, L) each, zeros on the left."""
    seq, tgt = (torch.zeros(len(batch.lengths), batch.frame, dtype=torch.long) for _ in range(2))
    real = torch.arange(batch.frame) >= batch.frame - torch.from_numpy(batch.lengths).unsqueeze(1)
    seq[real], tgt[real] = batch.items, batch.targets
    return seq, tgt


def plain_last_token(plain: paper.ADRec, seq: Tensor) -> Callable[[Tensor, int], Tensor]:
    """The plain denoiser of each user's last token, (x_t (B, D), t) -> x0_hat, for a reverse process in fewer steps."""
    c, x = plain.condition(seq), plain.item_embedding(F.pad(seq[:, 1:], (0, 1)) * (seq > 0))

    def predict(x_t: Tensor, t: int) -> Tensor:
        times = F.pad(torch.zeros_like(seq)[:, 1:], (0, 1), value=t)
        return plain.denoise(c, torch.cat([x[:, :-1], x_t[:, None]], 1), times, seq > 0)[:, -1]

    return predict


def without_pads(run: Callable[..., Tensor], seq: Tensor, *inputs: Tensor) -> Tensor:
    """``padding="masked"`` by the plain models, which have no such option: each user alone, with no pads at all.

    run: what takes each user's real positions of ``inputs``, (1, n, ...), to (1, n, D). Returns (B, L, D), zeros at the pads.
    """
    counts = (seq > 0).sum(1).tolist()
    rows = [run(*(x[i : i + 1, -n:] for x in inputs))[0] for i, n in enumerate(counts)]
    return torch.stack([F.pad(row, (0, 0, seq.shape[1] - len(row), 0)) for row in rows])
