"""DiQDiff (Mao et al., WWW 2025, arXiv 2501.17670): DiffuRec guided by a quantised history too, its estimates pushed apart.

A linear layer over all rows of a history chooses one of K codes by a hard Gumbel-softmax; the code's rows are added to the history's.
The estimates of different users are pushed apart by a contrastive loss over cosines.

What a code's rows are is a setting. ``persistent``, as the paper describes it: a codebook that is learned, with the choice, by gradient
(the hard choice forwards, the softmax backwards). ``batch``, as the authors' code does it: the mean of those histories of this batch that
chose the code, so that an answer depends on who else is asked about; nothing tells the linear layer what to choose, and it stays at its
random start. A user in two random batches of 64 got lists with 7.6 of 10 items in common (docs/PERFORMANCE.md).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import require, require_integers, require_words
from adrec.data.batches import PackedBatch, evaluation_batches
from adrec.data.dataset import SequenceDataset
from adrec.losses.full import last_item_loss
from adrec.models.base import Between, Preset, register
from adrec.models.diffurec import DiffuRec, DiffuRecConfig, Frame
from adrec.models.rng import RandomSource

CHOICE = 0.1
"""Temperature of the Gumbel-softmax."""
COSINES = 0.07
"""Temperature of the contrastive loss."""
USERS = 256
"""Whose codes are looked up at a time."""


@dataclass(frozen=True)
class DiQDiffConfig(DiffuRecConfig):
    """codes: what a code's rows are; code_count: K; code_weight: of these rows beside the history's; contrast_weight: of the contrastive
    loss beside the cross-entropy. lambda is not drawn but fixed, as in the authors' code."""

    noise_weight_std: float = 0.0
    codes: str = "persistent"
    code_count: int = 32
    code_weight: float = 1.0
    contrast_weight: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_words(self, {"codes": ("persistent", "batch")})
        require_integers(self, {"code_count": (2, 65_536)})
        for field in ("code_weight", "contrast_weight"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "a number of at least 0")


@register
class DiQDiff(DiffuRec):
    """``choice`` (K, L, D) weighs the numbers of a history's rows for each code; ``codebook`` (K, L, D) holds the codes' rows."""

    name = "diqdiff"
    title = "DiQDiff"
    source = "Mao et al., WWW 2025 (arXiv 2501.17670), the paper and facts read off the authors' code, which has no licence"
    differences = (
        "a codebook that is learned, as the paper describes it, where the authors' code takes means over the batch (codes = batch); no "
        "Gumbel noise at inference; sequences of one user are not pushed apart; a share of the prefixes an epoch; this project's learning "
        "rate, selection and random numbers. K and both weights lie within the published ranges, which differ by data set"
    )
    Config = DiQDiffConfig
    abilities = (*DiffuRec.abilities, "codes")
    presets = {
        "diqdiff": Preset(
            "DiQDiff",
            "With a codebook that is learned, as the paper describes it: answers do not depend on who else is asked about.",
            {**DiffuRec.presets["diffurec"].settings},
        ),
        "diqdiff-batch": Preset(
            "DiQDiff, codes from the batch",
            "As its authors' code does it: a code is the mean of the histories of this batch that chose it, so answers depend on who else "
            "is asked about: two random batches of 64 shared 7.6 of a user's top ten.",
            {**DiffuRec.presets["diffurec"].settings, "codes": "batch"},
        ),
    }
    space = {**DiffuRec.space, "code_count": (8, 16, 32), "code_weight": Between(0.4, 1.2), "contrast_weight": Between(0.05, 1.0, log=True)}
    loss_names = ("ce", "contrast")
    config: DiQDiffConfig

    def __init__(self, config: DiQDiffConfig) -> None:
        super().__init__(config)
        shape = (config.code_count, config.length, config.hidden_size)
        if config.codes == "batch":
            self.register_buffer("choice", torch.empty(shape))
            self.register_buffer("choice_bias", torch.empty(config.code_count))
        else:
            self.choice = nn.Parameter(torch.empty(shape))
            self.choice_bias = nn.Parameter(torch.empty(config.code_count))
            self.codebook = nn.Parameter(torch.empty(shape))

    def initialise(self, generator: torch.Generator) -> None:
        """The choice as torch's linear layers, codes N(0, 0.1), about as long as means of many histories; the rest as DiffuRec's."""
        super().initialise(generator)
        bound = 1 / np.sqrt(self.choice[0].numel())
        for weight in (self.choice, self.choice_bias):
            weight.data.uniform_(-bound, bound, generator=generator)
        if self.config.codes == "persistent":
            self.codebook.data.normal_(0, 0.1, generator=generator)

    # -- codes ----------------------------------------------------------------------------------------------------

    def logits(self, history: Tensor, frame: Frame) -> Tensor:
        """Of each code for each history (B, L, D): (B, K). Masked pads count as zeros, as do the rows that a shorter frame leaves out."""
        rows = history * frame.real.unsqueeze(-1) if self.config.padding == "masked" else history
        return torch.einsum("bld,kld->bk", rows, self.choice[:, -rows.shape[1] :]) + self.choice_bias

    def guidance(self, frame: Frame, rng: RandomSource | None = None) -> Tensor:
        """The history and the rows of its code, the most probable one at inference."""
        history = self.history(frame, rng)
        logits, weight = self.logits(history, frame), self.config.code_weight
        if rng is not None:
            logits = (logits + torch.from_numpy(rng.generator.gumbel(size=logits.shape)).to(logits)) / CHOICE
        chosen = F.one_hot(logits.argmax(1), self.config.code_count).to(history)
        if self.config.codes == "batch":
            return history + weight * (chosen @ means(chosen, history).flatten(1)).view_as(history)
        soft = logits.softmax(1)
        return history + weight * torch.einsum("bk,kld->bld", chosen + soft - soft.detach(), self.codebook[:, -history.shape[1] :])

    @torch.no_grad()
    def quantised(self, data: SequenceDataset) -> tuple[np.ndarray, np.ndarray]:
        found = np.zeros(data.n_users, dtype=np.int64)
        sums = torch.zeros(self.choice.shape)
        for batch in evaluation_batches(data, "test", self.config.length, USERS):
            frame = Frame.of(batch, self.config.padding)
            history = self.history(frame)
            codes = self.logits(history, frame).argmax(1)
            sums[:, -history.shape[1] :].index_add_(0, codes, history)
            found[batch.users] = codes.numpy()
        return found, (sums if self.config.codes == "batch" else self.codebook).flatten(1).numpy()

    # -- training -------------------------------------------------------------------------------------------------

    def parts(self, batch: PackedBatch) -> list[PackedBatch]:
        """The whole: codes are means over it, and each estimate is pushed from all others."""
        return [batch]

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """The cross-entropy of the next item, and the contrastive loss by its weight."""
        x0_hat = self.estimates(batch, rng)
        ce = last_item_loss(x0_hat, self.item_embedding.weight, batch)
        return {"ce": ce, "contrast": self.config.contrast_weight * contrast(x0_hat, batch.users)}


def means(chosen: Tensor, history: Tensor) -> Tensor:
    """The mean of the histories (B, L, D) that chose each code, one-hot (B, K): (K, L, D), zeros for a code that nobody chose."""
    return torch.einsum("bk,bld->kld", chosen / chosen.sum(0).clamp(min=1), history)


def contrast(x0_hat: Tensor, users: np.ndarray) -> Tensor:
    """How near the estimates (B, D) of different users lie: the cross-entropy of each one's own cosine, 1, among those with all others.

    A batch of prefixes has a user several times; those are not pushed apart."""
    unit = F.normalize(x0_hat, dim=1)
    same = torch.from_numpy((users[:, None] == users) & ~np.eye(len(users), dtype=bool)).to(unit.device)
    cosines = (unit @ unit.T / COSINES).masked_fill(same, -torch.inf)
    return F.cross_entropy(cosines, torch.arange(len(unit), device=unit.device))
