"""ADRec in one plain file: read it first, then run it. ``python -m adrec.paper`` trains all three stages on synthetic data.

Chen, Xu, Jiang: "Unlocking the Power of Diffusion Models in Sequential Recommendation", KDD 2025 (arXiv 2505.19544).
A causal encoder reads a user's history; a denoiser turns noise into the embedding of the next item. Three ideas keep the item
embeddings from collapsing: every token gets noise of its own, two losses are minimised together, and training has three stages.

Nothing here is fast: all padding is computed, and each denoising step runs the whole sequence again. The rest of the package
computes the same numbers in a fraction of the time; its tests compare it with this file, and ``python -m tests.measure.plain``
trains both with the same settings.

Shapes: B users, L positions, D = ``hidden_size``, V items (ids 1..V; 0 is padding), T = ``timesteps``.
Random numbers come from ``rng``; a forward pass has dropout only if it is given one.
"""

import argparse
import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from adrec.data.dataset import SequenceDataset, Split
from adrec.data.named import synthetic


@dataclass(frozen=True)
class Settings:
    """Defaults are the paper's."""

    n_items: int
    length: int = 50
    hidden_size: int = 128
    heads: int = 4
    blocks: int = 2
    dropout: float = 0.1
    embedding_dropout: float = 0.3

    timesteps: int = 32
    schedule: str = "trunc_lin"  # or linear, cosine, sqrt, trunc_cos
    timestep_per: str = "token"  # or sequence: all of a user's tokens share one, as in earlier diffusion recommenders
    noise_weight: float = 0.001  # lambda: so small that the noise hardly moves the answer
    denoiser: str = "transformer"  # or mlp

    pretrain: bool = True
    warmup_epochs: int = 5
    epochs: int = 500
    batch_size: int = 512
    lr: float = 1e-3
    weight_decay: float = 1e-5
    validate_every: int = 5
    patience: int = 4


# -- Data: histories become windows, padded on the left ---------------------------------------------------------------


def left_padded(sequences: Sequence[np.ndarray], length: int) -> Tensor:
    """The last ``length`` ids of each sequence with zeros before them: (B, L)."""
    rows = torch.zeros(len(sequences), length, dtype=torch.long)
    for row, items in zip(rows, sequences, strict=True):
        row[-len(items) :] = torch.from_numpy(items[-length:].astype(np.int64))
    return rows


def training_windows(data: SequenceDataset, length: int) -> tuple[Tensor, Tensor]:
    """One window per user: the history ``seq`` and the item after each of its items, ``tgt``. Both (U, L)."""
    sequences = [items for items in map(data.train, range(data.n_users)) if len(items) > 1]
    return left_padded([s[:-1] for s in sequences], length), left_padded([s[1:] for s in sequences], length)


# -- The causal Transformer: SASRec, ADRec's encoder and its denoiser are all made of it --------------------------------


def dropout(x: Tensor, p: float, rng: Generator | None) -> Tensor:
    return x if rng is None else x * torch.empty_like(x).bernoulli_(1 - p, generator=rng) / (1 - p)


class Block(nn.Module):
    """Post-norm: h = LN(h + attention(h)), then h = LN(h + ff(h))."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width, self.heads, self.p = settings.hidden_size, settings.heads, settings.dropout
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.attention_norm, self.ff_norm = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)

    def attention(self, h: Tensor, real: Tensor, rng: Generator | None) -> Tensor:
        """Each position attends to itself and everything before it. Keys are never masked: the pads, all E[0], are an attention sink."""
        q, k, v = (layer(h).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value))
        logits = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # (B, heads, L, L)
        logits = logits.masked_fill(~real[:, None, :, None], 0.0)  # a pad attends equally to all pads so far
        future = torch.ones_like(logits[0, 0], dtype=torch.bool).triu(1)
        weights = dropout(logits.masked_fill(future, -math.inf).softmax(-1), self.p, rng)
        return self.output((weights @ v).transpose(1, 2).flatten(2))

    def forward(self, h: Tensor, real: Tensor, rng: Generator | None) -> Tensor:
        """h: (B, L, D) -> (B, L, D). real: (B, L), False at pads."""
        h = self.attention_norm(h + dropout(self.attention(h, real, rng), self.p, rng))
        wide = dropout(F.gelu(self.widen(h), approximate="tanh"), self.p, rng)
        return self.ff_norm(h + dropout(self.narrow(wide), self.p, rng))


class CausalTransformer(nn.ModuleList):
    def __init__(self, settings: Settings) -> None:
        super().__init__(Block(settings) for _ in range(settings.blocks))

    def forward(self, h: Tensor, real: Tensor, rng: Generator | None = None) -> Tensor:
        for block in self:
            h = block(h, real, rng)
        return h


# -- The model of stage 1: SASRec without positions -------------------------------------------------------------------


class SASRec(nn.Module):
    """Only its item table goes on to stage 2."""

    def __init__(self, settings: Settings, rng: Generator) -> None:
        super().__init__()
        self.settings = settings
        self.item_embedding = nn.Embedding(settings.n_items + 1, settings.hidden_size, padding_idx=0)
        self.norm = nn.LayerNorm(settings.hidden_size, eps=1e-5)
        self.encoder = CausalTransformer(settings)
        for layer in self.modules():
            if isinstance(layer, nn.Linear | nn.Embedding):
                nn.init.normal_(layer.weight, 0, 0.1, generator=rng)  # row 0 too: a pad is a vector like any other
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.bias)

    def forward(self, seq: Tensor, rng: Generator | None = None) -> Tensor:
        """seq: (B, L) -> (B, L, D)."""
        h = dropout(self.norm(self.item_embedding(seq)), self.settings.embedding_dropout, rng)
        return self.encoder(h, seq > 0, rng)

    def losses(self, seq: Tensor, tgt: Tensor, rng: Generator | None) -> list[Tensor]:
        return [cross_entropy(self(seq, rng), self.item_embedding.weight, tgt)]

    def answer(self, seq: Tensor, rng: Generator) -> Tensor:
        return self(seq)[:, -1]


# -- Diffusion: the noise schedules, the forward process, one step of the reverse process -------------------------------


def betas(schedule: str, timesteps: int) -> np.ndarray:
    """The variance of the noise added at each step, (T,)."""
    k, u = 1000 / timesteps, np.arange(timesteps + 1) / timesteps
    if schedule == "linear":  # DDPM's thousand steps, made T
        return np.linspace(0.0001 * k, 0.02 * k, timesteps)
    if schedule == "trunc_lin":
        end = 0.02 * k + 0.01
        return np.linspace(0.0001 * k + 0.01, end if end <= 1 else 0.001 * k + 0.01, timesteps)
    alpha_bar = {
        "cosine": np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2,
        "sqrt": 1 - np.sqrt(u + 0.0001),
        "trunc_cos": np.cos((u + 0.1) / 1.1 * np.pi / 2) ** 2,
    }[schedule]
    steps = np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)
    return np.append(1 - alpha_bar[0], steps[:-1]) if schedule == "trunc_cos" else steps


class Diffusion:
    """The coefficients of a noise schedule, each (T,) float64."""

    def __init__(self, schedule: str, timesteps: int) -> None:
        beta = torch.from_numpy(betas(schedule, timesteps))
        self.alpha_bar = torch.cumprod(1 - beta, 0)
        before = F.pad(self.alpha_bar[:-1], (1, 0), value=1.0)
        self.x_0_weight = beta * before.sqrt() / (1 - self.alpha_bar)
        self.x_t_weight = (1 - before) * (1 - beta).sqrt() / (1 - self.alpha_bar)
        self.std = beta.sqrt()  # the larger of DDPM's two choices (section 3.2)
        self.std[0] = 0.0  # the last step adds no noise

    def q_sample(self, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_t, each token noised to its own t (DDPM, eq. 4). x_0, eps: (B, L, D), t: (B, L)."""
        level = self.alpha_bar[t].unsqueeze(-1)
        return level.sqrt().float() * x_0 + (1 - level).sqrt().float() * eps

    def reverse_step(self, x_t: Tensor, x0_hat: Tensor, t: int, eps: Tensor) -> Tensor:
        """x_{t-1}: the posterior mean (DDPM, eq. 7) and noise."""
        return self.x_0_weight[t] * x0_hat + self.x_t_weight[t] * x_t + self.std[t] * eps


def time_features(t: Tensor, timesteps: int, width: int) -> Tensor:
    """Cosines, then sines, of t as if there were a thousand steps: (B, L) -> (B, L, D)."""
    rates = torch.exp(torch.arange(width // 2) * (-math.log(10_000) / (width // 2)))
    angles = (t * (1000 / timesteps)).unsqueeze(-1) * rates
    return torch.cat([angles.cos(), angles.sin()], -1)


# -- The model of stages 2 and 3: ADRec -------------------------------------------------------------------------------


class ADRec(nn.Module):
    """The encoder is the paper's causal attention module (CAM), the denoiser its auto-regressive diffusion module (ADM)."""

    def __init__(self, settings: Settings, table: Tensor, rng: Generator) -> None:
        """table: the item embeddings to begin with, (V + 1, D)."""
        super().__init__()
        self.settings, width = settings, settings.hidden_size
        self.diffusion = Diffusion(settings.schedule, settings.timesteps)
        self.item_embedding = nn.Embedding(settings.n_items + 1, width, padding_idx=0)
        self.hist_norm = nn.LayerNorm(width, eps=1e-12)
        self.encoder = CausalTransformer(settings)
        self.time_embed = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))
        mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width), nn.LayerNorm(width, eps=1e-5))
        self.denoiser = CausalTransformer(settings) if settings.denoiser == "transformer" else mlp
        self.item_embedding.weight.data.copy_(table)
        in_blocks = {layer for block in self.modules() if isinstance(block, Block) for layer in block.children()}
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5  # torch's defaults, except for the weights of the blocks
                nn.init.uniform_(layer.weight, -bound, bound, generator=rng)
                nn.init.uniform_(layer.bias, -bound, bound, generator=rng)
                if layer in in_blocks:
                    nn.init.xavier_normal_(layer.weight, generator=rng)

    def condition(self, seq: Tensor, rng: Generator | None = None) -> Tensor:
        """c, what the history up to each token says about the next item: (B, L) -> (B, L, D)."""
        h = self.hist_norm(dropout(self.item_embedding(seq), self.settings.embedding_dropout, rng))
        return self.encoder(h, seq > 0, rng)

    def denoise(self, c: Tensor, x: Tensor, t: Tensor, real: Tensor, rng: Generator | None = None) -> Tensor:
        """x0_hat from c + lambda (x + time). c, x: (B, L, D), t: (B, L)."""
        time = self.time_embed(time_features(t, self.settings.timesteps, self.settings.hidden_size))
        h = c + self.settings.noise_weight * (x + time)
        return self.denoiser(h, real, rng) if self.settings.denoiser == "transformer" else self.denoiser(h)

    def forward(self, seq: Tensor, tgt: Tensor, t: Tensor, eps: Tensor, rng: Generator | None = None) -> tuple[Tensor, Tensor]:
        """x0_hat and x_0, both (B, L, D). t: (B, L), eps: (B, L, D). A pad is E[0] at t = 0, without noise."""
        real = seq > 0
        x_0 = self.item_embedding(tgt)  # not detached: the losses move the targets too
        x_t = torch.where(real.unsqueeze(-1), self.diffusion.q_sample(x_0, t, eps), x_0)
        return self.denoise(self.condition(seq, rng), x_t, t * real, real, rng), x_0

    def losses(self, seq: Tensor, tgt: Tensor, rng: Generator) -> list[Tensor]:
        """Token-level diffusion: each token of each user draws its own timestep and noise."""
        drawn = seq.shape if self.settings.timestep_per == "token" else (len(seq), 1)
        t = torch.randint(self.settings.timesteps, drawn, generator=rng).expand(seq.shape)
        eps = torch.randn(*seq.shape, self.settings.hidden_size, generator=rng)
        x0_hat, x_0 = self(seq, tgt, t, eps, rng)
        return [cross_entropy(x0_hat, self.item_embedding.weight, tgt), squared_error(x0_hat, x_0, seq > 0)]

    def answer(self, seq: Tensor, rng: Generator) -> Tensor:
        noise = torch.randn(self.settings.timesteps + 1, len(seq), self.settings.hidden_size, generator=rng)
        return reverse_process(self, seq, noise[0], noise[1:])


# -- The two losses ---------------------------------------------------------------------------------------------------


def cross_entropy(x0_hat: Tensor, table: Tensor, tgt: Tensor) -> Tensor:
    """Over all V + 1 rows of the table, mean over tokens. Row 0 learns from here alone: look-ups give it no gradient."""
    return F.cross_entropy(x0_hat[tgt > 0] @ table.T, tgt[tgt > 0])


def squared_error(x0_hat: Tensor, x_0: Tensor, real: Tensor) -> Tensor:
    """Mean over D, then over each user's tokens, then over users."""
    error = (x0_hat - x_0).square().mean(-1) * real
    return (error.sum(1) / real.sum(1)).mean()


# -- Inference: the reverse process on the last token alone -------------------------------------------------------------


@torch.no_grad()
def reverse_process(model: ADRec, seq: Tensor, x_start: Tensor, step_noise: Tensor) -> Tensor:
    """From noise to an estimate of the next item's embedding. x_start: (B, D), step_noise: (T, B, D) -> (B, D)."""
    real = seq > 0
    known = F.pad(seq[:, 1:], (0, 1)) * real  # the targets inside the history are its own next items: nothing leaks
    c, x, t = model.condition(seq), model.item_embedding(known), torch.zeros_like(seq)
    x[:, -1] = x_start
    for step, eps in zip(reversed(range(model.settings.timesteps)), step_noise, strict=True):
        t[:, -1] = step  # the history stays clean, at t = 0
        x0_hat = model.denoise(c, x, t, real)[:, -1]
        x[:, -1] = model.diffusion.reverse_step(x[:, -1], x0_hat, step, eps)
    return x[:, -1]


# -- The metrics ------------------------------------------------------------------------------------------------------


def ranks_of(scores: Tensor, answers: Tensor) -> Tensor:
    """Each answer's rank among all V + 1 rows, 1 = best; ties count against the model. scores: (B, V + 1), answers: (B,)."""
    return (scores >= scores.gather(1, answers.unsqueeze(1))).sum(1)


def metrics_of(ranks: Tensor) -> dict[str, float]:
    """Means over users. NDCG with one right answer: 1 / log2(1 + rank) for a hit, 0 otherwise."""
    gain, cutoffs = 1 / torch.log2(1 + ranks), (5, 10, 20)
    hr = {f"hr@{k}": (ranks <= k).double().mean().item() for k in cutoffs}
    return hr | {f"ndcg@{k}": (gain * (ranks <= k)).mean().item() for k in cutoffs}


def evaluate(model: SASRec | ADRec, data: SequenceDataset, split: Split) -> dict[str, float]:
    """Score every item by its inner product with the answer, items of the history too. A test's history ends with the validation item."""
    length = model.settings.length
    users = data.evaluated(split)
    seq = left_padded([data.history(user, split, length) for user in users], length)
    with torch.no_grad():
        scores = model.answer(seq, Generator().manual_seed(0)) @ model.item_embedding.weight.T  # the same noise every time
    return metrics_of(ranks_of(scores, torch.from_numpy(data.answers(split)[users]).long()))


# -- The three stages -------------------------------------------------------------------------------------------------


def adam_of(model: SASRec | ADRec) -> torch.optim.Adam:
    return torch.optim.Adam(model.parameters(), lr=model.settings.lr, weight_decay=model.settings.weight_decay)


def train_step(model: SASRec | ADRec, adam: torch.optim.Adam, seq: Tensor, tgt: Tensor, rng: Generator) -> None:
    """One step on the mean of the model's losses: for ADRec 0.5 (CE + MSE)."""
    adam.zero_grad()
    torch.stack(model.losses(seq, tgt, rng)).mean().backward()
    adam.step()


def train_stage(name: str, model: SASRec | ADRec, adam: torch.optim.Adam, epochs: range, data: SequenceDataset, rng: Generator) -> None:
    """Train until validation NDCG@10 has failed to improve ``patience`` times; the best weights stay."""
    settings = model.settings
    seq, tgt = training_windows(data, settings.length)
    best, best_weights, failed = -1.0, model.state_dict(), 0
    for epoch in epochs:
        adam.param_groups[0]["lr"] = settings.lr * (1 + math.cos(math.pi * (epoch - 1) / settings.epochs)) / 2
        for users in torch.randperm(len(seq), generator=rng).split(settings.batch_size):
            train_step(model, adam, seq[users], tgt[users], rng)
        if (epoch > settings.validate_every and epoch % settings.validate_every == 1) or epoch == epochs[-1]:
            ndcg = evaluate(model, data, "val")["ndcg@10"]
            print(f"{name:10} epoch {epoch:3}   validation NDCG@10 {ndcg:.4f}", flush=True)
            failed += 1
            if ndcg > best:
                best, best_weights, failed = ndcg, copy.deepcopy(model.state_dict()), 0
            if failed == settings.patience:
                break
    model.load_state_dict(best_weights)


def train(data: SequenceDataset, settings: Settings, rng: Generator) -> ADRec:
    """Pre-train the item table, warm up the new model around it, fine-tune everything."""
    sasrec = SASRec(settings, rng)  # without stage 1 ADRec begins with its random table
    if settings.pretrain:
        train_stage("pretrain", sasrec, adam_of(sasrec), range(1, settings.epochs + 1), data, rng)
    model = ADRec(settings, sasrec.item_embedding.weight.detach(), rng)
    adam, warm = adam_of(model), settings.warmup_epochs  # stages 2 and 3 share one optimiser and one schedule
    if warm:
        # frozen means no gradient; with a gradient of zeros Adam's weight decay would shrink the table
        model.item_embedding.requires_grad_(False)
        train_stage("warmup", model, adam, range(1, warm + 1), data, rng)
        model.item_embedding.requires_grad_(True)
    train_stage("finetune", model, adam, range(warm + 1, settings.epochs + 1), data, rng)
    return model


DATA = {"items": 1000, "users": 500}
DEMO = Settings(n_items=DATA["items"], length=20, hidden_size=64, heads=2, batch_size=32, lr=2e-3, epochs=81)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m adrec.paper", description="Train ADRec's three stages on synthetic data.")
    parser.add_argument("--seed", type=int, default=0)
    seed, data = parser.parse_args(arguments).seed, synthetic.generate(**DATA)
    model = train(data, DEMO, Generator().manual_seed(seed))
    popular = ranks_of(torch.from_numpy(data.popularity).expand(data.n_users, -1), torch.from_numpy(data.test).long())
    for name, metrics in (("ADRec", evaluate(model, data, "test")), ("popularity", metrics_of(popular))):
        print(f"{name:10} test        " + "  ".join(f"{key.upper()} {value:.4f}" for key, value in metrics.items()))


if __name__ == "__main__":
    main()
