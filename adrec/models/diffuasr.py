"""DiffuASR (Liu et al., CIKM 2023, arXiv 2309.12858): a diffusion model invents what came before each history, a backbone learns from both.

Three stages: a SASRec whose item table is then frozen; the augmenter, which denoises the first M items of long histories at once, guided
by the rest; the backbone, trained anew on every history with M invented items before it. Only training items reach the first two: they are
trained for a fixed number of epochs, since choosing the best one by validation would let its items in.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import FRACTION, TrainConfig, require, require_integers, require_words
from adrec.data.batches import PackedBatch, pack
from adrec.data.dataset import SequenceDataset
from adrec.diffusion import Diffusion, ddim_process, q_sample
from adrec.errors import DataError
from adrec.models.adrec import ADRec, ADRecConfig
from adrec.models.base import Between, Model, Preset, Stage, register
from adrec.models.blocks import TransformerConfig, dropout
from adrec.models.conditioned import initialise_layers, time_features
from adrec.models.diffurec import BidirectionalTransformer, Frame
from adrec.models.neural import Augmenter, DiffusionConfig
from adrec.models.rng import RandomSource
from adrec.models.sasrec import SASRec, SASRecConfig

BASE, MULTIPLIERS, BLOCKS, GROUPS = 8, (1, 2, 2, 2), 2, 8
"""The U-Net: channels of its first level, of each level in multiples of that, residual blocks a level, groups of a norm."""
CODE = 4 * BASE
"""Width of the code of timestep and guidance."""
USERS = 256
"""Histories that get their past at a time."""


@dataclass(frozen=True)
class DiffuASRConfig(TransformerConfig, DiffusionConfig):
    """Settings of a Transformer are those of the first SASRec and of the backbone.

    invented: M, the items put before each history. read: how many of a history's items guide them. table: a SASRec's, frozen, or a random
    one that only the prediction of noise trains. table_epochs, augment_epochs: of the first two stages. guide: "free" (classifier-free),
    a "classifier", which is a BERT4Rec, or "none", the history alone; guidance: its weight; condition_drop: the share of histories hidden
    from the augmenter in training, for "free". backbone: sasrec (SASRec+) or adrec.
    """

    hidden_size: int = 64
    timesteps: int = 1000
    schedule: str = "ddpm"
    sampling_steps: int = 5
    invented: int = 10
    read: int = 200
    table: str = "sasrec"
    table_epochs: int = 60
    augment_epochs: int = 200
    unet_dropout: float = 0.1
    guide: str = "free"
    guidance: float = 1.0
    condition_drop: float = 0.1
    masked: float = 0.2
    backbone: str = "sasrec"

    def __post_init__(self) -> None:
        super().__post_init__()
        side = math.isqrt(self.hidden_size)
        halvings = 2 ** (len(MULTIPLIERS) - 1)
        picture = side * side == self.hidden_size and side % halvings == 0
        require(picture, "hidden_size", self.hidden_size, "64 or 256: a vector is a square picture whose side is halved three times")
        require_integers(self, {"invented": (1, 100), "read": (1, 10_000), "table_epochs": (0, 10_000), "augment_epochs": (0, 10_000)})
        require_words(self, {"table": ("sasrec", "random"), "guide": ("free", "classifier", "none"), "backbone": ("sasrec", "adrec")})
        for field in ("unet_dropout", "condition_drop", "masked"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), FRACTION)
        require(self.guidance >= 0, "guidance", self.guidance, "a number of at least 0")
        hidden = self.guide != "free" or self.condition_drop > 0
        require(hidden, "guide", self.guide, "classifier or none where condition_drop = 0, which trains no augmenter without a history")


# -- the U-Net over a sequence of items, SU-Net --------------------------------------------------------------------------


class ResidualBlock(nn.Module):
    """x + two convolutions of the normed x, the code added between them. x: (B, C, S, S), code: (B, CODE) -> (B, C', S, S)."""

    def __init__(self, channels: int, out: int, p: float) -> None:
        super().__init__()
        self.p = p
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, channels), nn.Conv2d(channels, out, 3, padding=1)
        self.code = nn.Linear(CODE, out)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, out), nn.Conv2d(out, out, 3, padding=1)
        self.skip = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor, code: Tensor, rng: RandomSource | None = None) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x))) + self.code(F.silu(code))[:, :, None, None]
        return self.skip(x) + self.conv2(dropout(F.silu(self.norm2(h)), self.p, rng))


class PictureAttention(nn.Module):
    """x + attention of each place of the picture to all of them, with one head."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = (
            nn.GroupNorm(GROUPS, channels),
            nn.Conv2d(channels, 3 * channels, 1),
            nn.Conv2d(channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(x)).flatten(2).chunk(3, 1)  # (B, C, places)
        weights = (q.transpose(1, 2) @ k / math.sqrt(x.shape[1])).softmax(-1)
        return x + self.out((v @ weights.transpose(1, 2)).view_as(x))


class SUNet(nn.Module):
    """The U-Net that sees M vectors as M channels of a square picture and gives the noise in them, (B, M, D) -> (B, M, D)."""

    def __init__(self, items: int, width: int, p: float) -> None:
        super().__init__()
        self.side = math.isqrt(width)
        widths = [BASE * m for m in MULTIPLIERS]
        self.first = nn.Conv2d(items, BASE, 3, padding=1)
        self.down, self.smaller = nn.ModuleList(), nn.ModuleList()
        skips, channels = [BASE], BASE
        for level, out in enumerate(widths):
            for _ in range(BLOCKS):
                self.down.append(ResidualBlock(channels, out, p))
                channels = out
                skips.append(channels)
            if level + 1 < len(widths):
                self.smaller.append(nn.Conv2d(channels, channels, 3, stride=2, padding=1))
                skips.append(channels)
        self.before, self.attention = ResidualBlock(channels, channels, p), PictureAttention(channels)
        self.behind = ResidualBlock(channels, channels, p)
        self.up, self.larger = nn.ModuleList(), nn.ModuleList()
        for level, out in reversed(list(enumerate(widths))):
            for _ in range(BLOCKS + 1):
                self.up.append(ResidualBlock(channels + skips.pop(), out, p))
                channels = out
            if level:
                self.larger.append(nn.Conv2d(channels, channels, 3, padding=1))
        self.norm, self.last = nn.GroupNorm(GROUPS, channels), nn.Conv2d(channels, items, 3, padding=1)

    def forward(self, x: Tensor, code: Tensor, rng: RandomSource | None = None) -> Tensor:
        h = self.first(x.unflatten(2, (self.side, self.side)))
        skips = [h]
        for i, block in enumerate(self.down):
            h = block(h, code, rng)
            skips.append(h)
            if (i + 1) % BLOCKS == 0 and i + 1 < len(self.down):
                h = self.smaller[i // BLOCKS](h)
                skips.append(h)
        h = self.behind(self.attention(self.before(h, code, rng)), code, rng)
        for i, block in enumerate(self.up):
            h = block(torch.cat([h, skips.pop()], 1), code, rng)
            if (i + 1) % (BLOCKS + 1) == 0 and i + 1 < len(self.up):
                h = self.larger[i // (BLOCKS + 1)](F.interpolate(h, scale_factor=2.0))
        return self.last(F.silu(self.norm(h))).flatten(2)


class BERT4Rec(nn.Module):
    """Names hidden items of a sequence by what stands around them (Sun et al. 2019, arXiv 1904.06690), on the augmenter's item table."""

    def __init__(self, config: DiffuASRConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.hidden = nn.Parameter(torch.zeros(width))
        self.positions = nn.Embedding(config.invented + config.read, width)
        self.transformer = BidirectionalTransformer(config.blocks, width, config.heads, config.dropout)

    def forward(self, h: Tensor, hidden: Tensor, frame: Frame, rng: RandomSource | None = None) -> Tensor:
        """What each row names. h: (B, L, D) vectors, on the right of the frame; hidden: (B, L), whether a row is not to be seen."""
        places = self.positions.weight[-h.shape[1] :]
        return self.transformer(torch.where(hidden.unsqueeze(2), self.hidden, h) + places, frame, rng, last=False)


# -- the augmenter -----------------------------------------------------------------------------------------------------


@register
class DiffuASR(Augmenter):
    """A batch holds whole sequences: in training, the first M items of each are the past to restore and the others what guides it."""

    name = "diffuasr"
    title = "DiffuASR"
    source = "Liu et al., CIKM 2023 (arXiv 2309.12858), and facts read off the authors' code"
    differences = (
        "only training items guide and train the augmenter (the original's guidance included the validation item); ranked among the whole "
        "catalogue instead of 100 items; chosen here: weight 1 of classifier-free guidance, a tenth of the histories hidden from it, the "
        "classifier trained beside the augmenter, vectors scaled to unit variance, fixed numbers of epochs. Histories that are ranked are "
        "the real ones, with nothing put before them"
    )
    Config = DiffuASRConfig
    presets = {
        "diffuasr": Preset(
            "DiffuASR with SASRec+",
            "Ten invented items before every history, then SASRec+ is trained on both: does an invented past help?",
            {"batch_size": 64, "epochs": 200, "validate_every": 5},
        ),
        "diffuasr-classifier": Preset(
            "DiffuASR guided by a classifier",
            "The same, guided by what makes a BERT4Rec recognise the real history behind the invented past.",
            {"batch_size": 64, "epochs": 200, "validate_every": 5, "guide": "classifier"},
        ),
        "diffuasr-adrec": Preset(
            "DiffuASR with ADRec",
            "The same past, but ADRec is trained on it, from the table of the first stage; its warm-up is left out.",
            {"batch_size": 64, "epochs": 200, "validate_every": 5, "backbone": "adrec"},
        ),
        "diffuasr-random-table": Preset(
            "DiffuASR on a random table",
            "No SASRec first: the prediction of noise alone trains the item table, and shrinks it to what is easiest to predict.",
            {"batch_size": 64, "epochs": 200, "validate_every": 5, "table": "random"},
        ),
    }
    space = {
        "lr": Between(3e-4, 1e-2, log=True),
        "dropout": Between(0.0, 0.5),
        "embedding_dropout": Between(0.0, 0.5),
        "invented": (5, 10),
    }
    config: DiffuASRConfig
    alpha_bar: Tensor
    time_table: Tensor

    @classmethod
    def stages(cls, config: DiffuASRConfig, train: TrainConfig) -> list[Stage]:
        """A SASRec for the table, the augmenter on it, the backbone on what that made; a table of its own for SASRec+."""
        for field in ("table_epochs", "augment_epochs"):
            require(getattr(config, field) <= train.epochs, field, getattr(config, field), f"at most epochs = {train.epochs}")
        require(train.loss == "full", "loss", train.loss, "full: the augmenter compares with every item")
        shared = {field.name: getattr(config, field.name) for field in dataclasses.fields(TransformerConfig)}
        sasrec, given = SASRecConfig(**shared, positions=True), config.table == "sasrec"
        first = [Stage("pretrain", SASRec, sasrec, 0, config.table_epochs, selects=False)] if given else []
        augment = Stage("warmup", cls, config, 0, config.augment_epochs, frozen_table=given, selects=False)
        backbone: tuple[type[Model], TransformerConfig] = (SASRec, sasrec)
        if config.backbone == "adrec":
            backbone = ADRec, ADRecConfig(**shared)
        new = config.backbone == "sasrec" or not given
        return [*first, augment, Stage("finetune", *backbone, 0, train.epochs, frozen_table=train.frozen_table, new_table=new)]

    def __init__(self, config: DiffuASRConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.loss_names = ("noise", "hidden") if config.guide == "classifier" else ("noise",)
        self.diffusion = Diffusion.from_schedule(config.schedule, config.timesteps)
        self.item_embedding = nn.Embedding(config.n_items + 1, width)
        self.time_embed = nn.Sequential(nn.Linear(BASE, CODE), nn.SiLU(), nn.Linear(CODE, CODE))
        self.history_embed = nn.Sequential(nn.Linear(width, CODE), nn.SiLU(), nn.Linear(CODE, CODE))
        self.unet = SUNet(config.invented, width, config.unet_dropout)
        if config.guide == "classifier":
            self.classifier = BERT4Rec(config)
        self.register_buffer("alpha_bar", torch.from_numpy(self.diffusion.alpha_bar), persistent=False)
        self.register_buffer("time_table", time_features(torch.arange(config.timesteps), config.timesteps, BASE), persistent=False)

    def initialise(self, generator: torch.Generator) -> None:
        """Item table N(0, 1), places N(0, 0.1), linear layers and convolutions as torch does by default."""
        initialise_layers(self, (), generator)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                bound = 1 / math.sqrt(module.weight[0].numel())
                for weight in (module.weight, module.bias):
                    weight.data.uniform_(-bound, bound, generator=generator)  # type: ignore[union-attr]
        if self.config.guide == "classifier":
            self.classifier.transformer.initialise(generator)
            self.classifier.hidden.data.normal_(0, 0.1, generator=generator)
            self.classifier.positions.weight.data.normal_(0, 0.1, generator=generator)
        self.item_embedding.weight.data.normal_(0, 1, generator=generator)

    # -- the parts ------------------------------------------------------------------------------------------------

    def vectors(self) -> Tensor:
        """The item table as it is diffused, (V + 1, D): a frozen one scaled to unit variance, so that noise weighs the same whatever its
        scale; a trained one as it is, or its scale would not be its own doing."""
        table = self.item_embedding.weight
        return table / table[1:].square().mean().sqrt() if self.config.table == "sasrec" else table

    def guidance(self, vectors: Tensor, items: Tensor, user: Tensor, users: int) -> Tensor:
        """The sum of each history's vectors, (B, D). items, user: (N,) an item and whose it is."""
        return torch.zeros(users, vectors.shape[1], device=vectors.device).index_add(0, user, F.embedding(items, vectors))

    def predicted_noise(self, x: Tensor, t: Tensor, history: Tensor, seen: Tensor | None = None, rng: RandomSource | None = None) -> Tensor:
        """x: (B, M, D), t: (B,), history: (B, D). seen: (B, 1), 1, or 0 where the history is hidden."""
        guided = self.history_embed(history)
        code = self.time_embed(self.time_table[t]) + (guided if seen is None else guided * seen)
        return self.unet(x, code, rng)

    # -- training -------------------------------------------------------------------------------------------------

    def training_batch(self, data: SequenceDataset, users: np.ndarray, rng: np.random.Generator) -> PackedBatch:
        """Whole sequences, the last M + ``read`` items of each; in place of a user with too few items another one is drawn."""
        long = np.diff(data.train_offsets) > self.config.invented + 2
        if not long.any():
            need = (
                f"a user with more than {self.config.invented + 2} training items, whose first {self.config.invented} it learns to restore"
            )
            raise DataError(f"DiffuASR needs {need}; the data set '{data.name}' has none. A smaller 'invented' needs fewer.")
        users = np.where(long[users], users, rng.choice(np.flatnonzero(long), len(users)))
        frame = self.config.invented + self.config.read
        return pack([data.train(int(user))[-frame:] for user in users], frame, users=users)

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """The squared error of the noise, mean over vectors and users; the classifier's cross-entropy at hidden items."""
        config, users = self.config, len(batch.lengths)
        half = rng.timesteps(config.timesteps, -(-users // 2))
        t = torch.cat([half, config.timesteps - 1 - half])[:users]  # antithetic: as many early as late
        eps = rng.normal(users, config.invented * config.hidden_size).view(users, config.invented, -1)
        seen = (rng.keep((users, 1), config.condition_drop) > 0).float() if config.guide == "free" else None
        error = (self(batch, t, eps, seen, rng) - eps).square().mean((1, 2))
        losses = {"noise": torch.dot(error, batch.user_weights)}
        if config.guide == "classifier":
            losses["hidden"] = self._hidden_loss(batch, rng)
        return losses

    def forward(self, batch: PackedBatch, t: Tensor, eps: Tensor, seen: Tensor | None = None, rng: RandomSource | None = None) -> Tensor:
        """The noise found in each user's noised past, (B, M, D). t: (B,), eps: (B, M, D)."""
        users, vectors = len(batch.lengths), self.vectors()
        user = batch.to_tokens(torch.arange(users, device=batch.items.device))
        starts = torch.from_numpy(np.cumsum(batch.lengths) - batch.lengths).to(batch.items.device)
        place = torch.arange(batch.tokens, device=batch.items.device) - starts[user]
        rest = place >= self.config.invented
        past = batch.items[starts.unsqueeze(1) + torch.arange(self.config.invented, device=starts.device)]
        x = q_sample(F.embedding(past, vectors).flatten(1), t, eps.flatten(1), self.alpha_bar).view_as(eps)
        return self.predicted_noise(x, t, self.guidance(vectors, batch.items[rest], user[rest], users), seen, rng)

    def _hidden_loss(self, batch: PackedBatch, rng: RandomSource) -> Tensor:
        frame, vectors = Frame.of(batch, "masked"), self.vectors()
        chance = rng.keep(frame.items.shape, 1 - self.config.masked) > 0
        hidden = frame.real & chance
        hidden[:, -1] |= ~hidden.any(1)
        h = self.classifier(F.embedding(frame.items, vectors), hidden, frame, rng)
        named = F.linear(h[hidden], vectors) / math.sqrt(vectors.shape[1])
        weights = (batch.user_weights / hidden.sum(1)).unsqueeze(1).expand_as(hidden)[hidden]
        return torch.dot(F.cross_entropy(named, frame.items[hidden], reduction="none"), weights)

    # -- inventing ------------------------------------------------------------------------------------------------

    @property
    def about_steps(self) -> str:
        words = (
            f"Each step guesses all {self.config.invented} items at one of {self.config.timesteps:,} noise levels and jumps to a lower one "
            "without adding noise (DDIM): only the start is random."
        )
        if self.config.guide == "none" or not self.config.guidance:
            return words
        if self.config.guide == "classifier":
            return f"{words} A classifier that names hidden items pulls the guess towards what its history makes likely."
        return f"{words} The guess is moved away from that without a history (guidance, w = {self.config.guidance:g})."

    def augmented(self, data: SequenceDataset, rng: np.random.Generator) -> SequenceDataset:
        """Every training history with M invented items before it; users without one stay without."""
        invented, trained = self.config.invented, np.diff(data.train_offsets) > 0
        users = np.flatnonzero(trained)
        past = [self.invent([data.train(int(user)) for user in users[i : i + USERS]], rng) for i in range(0, len(users), USERS)]
        offsets = data.train_offsets + invented * np.concatenate([[0], np.cumsum(trained)])
        items = np.empty(offsets[-1], dtype=np.int32)
        places = offsets[users, None] + np.arange(invented)
        items[places] = np.concatenate(past)
        items[np.delete(np.arange(len(items)), places.ravel())] = data.train_items
        return dataclasses.replace(data, train_items=items, train_offsets=offsets)

    @torch.no_grad()
    def invent(
        self,
        histories: list[np.ndarray],
        rng: np.random.Generator,
        steps: int | None = None,
        record: Callable[[int, Tensor, Tensor], None] | None = None,
    ) -> np.ndarray:
        """As every `Augmenter`; rng: for the noise that a past starts from, all that is random in DDIM."""
        device = self.item_embedding.weight.device
        shape = len(histories), self.config.invented * self.config.hidden_size
        start = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(device)
        diffusion = self.diffusion.strided(self.config.steps if steps is None else steps)
        return self.rounded(ddim_process(self._restoring(histories), start, diffusion, record)).cpu().numpy()

    def rounded(self, x_0: Tensor) -> Tensor:
        """The item nearest by cosine to each of the M vectors, (B, M). x_0: (B, M * D)."""
        vectors = F.normalize(self.item_embedding.weight[1:])
        rows = x_0.reshape(-1, self.config.hidden_size).split(max(1, 2**24 // len(vectors)))
        return torch.cat([(row @ vectors.T).argmax(1) + 1 for row in rows]).view(len(x_0), -1)

    def _restoring(self, histories: list[np.ndarray]) -> Callable[[Tensor, int], Tensor]:
        """The guided denoiser of the pasts of these histories, (x_t (B, M * D), t) -> x0_hat."""
        config, vectors = self.config, self.vectors()
        histories = [history[-config.read :].astype(np.int64) for history in histories]
        user = torch.from_numpy(np.repeat(np.arange(len(histories)), [len(history) for history in histories])).to(vectors.device)
        items = torch.from_numpy(np.concatenate(histories)).to(vectors.device)
        history = self.guidance(vectors, items, user, len(histories))
        slope = self._slope(histories, vectors) if config.guide == "classifier" else None

        def predict(x: Tensor, t: int) -> Tensor:
            level, when = float(self.alpha_bar[t]), torch.full((len(x),), t, device=x.device)
            past = x.view(len(x), config.invented, -1)
            eps = self.predicted_noise(past, when, history)
            if config.guide == "free" and config.guidance:
                free = self.predicted_noise(past, when, history, torch.zeros(len(x), 1, device=x.device))
                eps = eps + config.guidance * (eps - free)
            if slope is not None:
                eps = eps + config.guidance * (1 - level) ** 0.5 * slope(past)
            return (x - (1 - level) ** 0.5 * eps.flatten(1)) / level**0.5

        return predict

    def _slope(self, histories: list[np.ndarray], vectors: Tensor) -> Callable[[Tensor], Tensor]:
        """The gradient, with respect to pasts x (B, M, D), of how badly the classifier names the first items of the histories behind them:
        a share ``masked`` of each history, at least one."""
        invented = self.config.invented
        lengths = torch.tensor([invented + len(history) for history in histories], device=vectors.device)
        width = int(lengths.max())
        items = torch.zeros(len(histories), width, dtype=torch.long, device=vectors.device)
        for row, history in zip(items, histories, strict=True):
            row[width - len(history) :] = torch.from_numpy(history)
        place = torch.arange(width, device=vectors.device) - (width - lengths).unsqueeze(1)  # in each sequence, negative before it
        unseen = torch.zeros(items.shape, device=vectors.device).masked_fill_(place < 0, -math.inf)
        frame, behind = Frame(items, place >= 0, unseen[:, None, None]), place - invented
        asked = (self.config.masked * (lengths - invented)).round().clamp(min=1)
        hidden, of_past = (behind >= 0) & (behind < asked.unsqueeze(1)), (place >= 0) & (behind < 0)
        known = F.embedding(items, vectors)
        weights = (1 / hidden.sum(1, keepdim=True)).expand_as(hidden)[hidden]

        @torch.enable_grad()
        def slope(x: Tensor) -> Tensor:
            x = x.detach().requires_grad_()
            h = known.masked_scatter(of_past.unsqueeze(2), x)
            named = F.linear(self.classifier(h, hidden, frame)[hidden], vectors) / math.sqrt(vectors.shape[1])
            loss = torch.dot(F.cross_entropy(named, items[hidden], reduction="none"), weights)
            return torch.autograd.grad(loss, x)[0]

        return slope

    def answers(self, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> Tensor:
        """What guides the augmenter, the mean of the history's vectors: it has no answer of its own to what comes next."""
        users = len(batch.lengths)
        user = batch.to_tokens(torch.arange(users, device=batch.items.device))
        return self.guidance(self.item_embedding.weight, batch.items, user, users) / torch.bincount(user).unsqueeze(1)
