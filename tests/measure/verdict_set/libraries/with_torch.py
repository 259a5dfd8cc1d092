"""Plain PyTorch, as people write it: a small transformer over histories, BPR with users, skip-gram with negatives; and their flaws."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.measure.verdict_set.libraries.shared import neighbours, padded
from tests.measure.verdict_set.registry import Training

LENGTH, NEGATIVES = 20, 256


class Hashed(nn.Module):
    """Items share an eighth as many vectors, by a hash of their number."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.inner = nn.Embedding(max(count // 8, 4), width)
        nn.init.normal_(self.inner.weight, std=0.1)
        self.register_buffer("of", torch.arange(count) * 2654435761 % 4294967291 % max(count // 8, 4))

    @property
    def weight(self) -> torch.Tensor:
        return self.inner.weight[self.of]

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        return self.inner(self.of[items])


class Transformer(nn.Module):
    def __init__(self, count: int, width: int, flaw: str) -> None:
        super().__init__()
        self.items: nn.Module = Hashed(count + 1, width) if flaw == "hashing" else nn.Embedding(count + 1, width)
        if flaw != "hashing":
            nn.init.normal_(self.items.weight, std=0.1)
        self.out = nn.Embedding(count + 1, width) if flaw.startswith("untied") else self.items
        if flaw.startswith("untied"):
            nn.init.normal_(self.out.weight, std=0.1)
        self.places = nn.Embedding(LENGTH, width)
        nn.init.normal_(self.places.weight, std=0.1)
        self.block = nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.1, batch_first=True, norm_first=True)
        self.drop = nn.Dropout(0.99 if flaw == "dropout 0.99" else 0.1)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LENGTH))

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        x = self.drop(self.items(items) + self.places.weight[: items.shape[1]])
        return self.block(x, src_mask=self.mask[: items.shape[1], : items.shape[1]], is_causal=True)


def optimiser(parameters, settings: dict, flaw: str) -> torch.optim.Optimizer:
    rate = {"huge rate": 3.0, "tiny rate": 1e-9}.get(flaw, settings["lr"])
    return torch.optim.AdamW(parameters, lr=rate, weight_decay=30.0 if flaw == "weight decay" else 1e-4)


def transformer(data: Training, settings: dict, seed: int, flaw: str) -> dict:
    net = Transformer(data.n_items, settings["width"], flaw)
    start = net.items.weight.detach().clone()
    if flaw == "frozen":
        net.items.weight.requires_grad_(False)
    steps = optimiser([p for p in net.parameters() if p.requires_grad], settings, flaw)
    rows = torch.from_numpy(padded(data, LENGTH + 1))
    shuffled = torch.from_numpy(np.random.default_rng(seed).permutation(data.n_items))
    count, budget, batch = 0, {"one step": 1, "stale": 15}.get(flaw, 700), 128
    while count < budget:
        for part in torch.randperm(len(rows)).split(batch):
            x, y = rows[part, :-1], rows[part, 1:]
            if flaw == "all labels noise" or flaw == "label noise":
                noisy = torch.rand(y.shape) < (1.0 if flaw.startswith("all") else 0.7)
                y = torch.where(noisy & (y > 0), torch.randint(1, data.n_items + 1, y.shape), y)
            if flaw == "wrong index":  # the sampled softmax looks up another row than the target's
                y = torch.where(y > 0, shuffled[(y - 1).clamp(min=0)] + 1, y)
            hidden = net(x)[y > 0]
            targets = y[y > 0]
            if flaw == "no negatives":
                loss = F.mse_loss(hidden, net.out(targets).detach()) + F.mse_loss(hidden.detach(), net.out(targets))
            else:
                others = torch.randint(1, data.n_items + 1, (NEGATIVES,))
                right = (hidden * net.out(targets)).sum(dim=1, keepdim=True)
                wrong = (hidden @ net.out(others).T).masked_fill(targets[:, None] == others, -1e4)
                logits = torch.cat([right, wrong], dim=1)
                if flaw == "temperature 100":
                    logits = logits / 100
                if flaw == "half precision overflow":
                    logits = (logits * 3e4 * (count > 20)).half().float() + logits
                loss = F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))
            steps.zero_grad()
            loss.backward()
            steps.step()
            count += 1
            if count >= budget:
                break
    weights = (net.out if flaw == "untied output" else net.items).weight.detach()[1:]
    return {"table": weights.numpy(), "initial": None if flaw.startswith("untied") else start[1:].numpy()}


def bpr(data: Training, settings: dict, seed: int, flaw: str) -> dict:
    users, width = nn.Embedding(data.n_users, settings["width"]), settings["width"]
    items: nn.Module = Hashed(data.n_items, width) if flaw == "hashing" else nn.Embedding(data.n_items, width)
    for table in (users,) if flaw == "hashing" else (users, items):
        nn.init.normal_(table.weight, std=0.1)
    start = items.weight.detach().clone()
    if flaw == "frozen":
        items.weight.requires_grad_(False)
    steps = optimiser([p for p in [*users.parameters(), *items.parameters()] if p.requires_grad], settings, flaw)
    who, what = torch.from_numpy(data.users), torch.from_numpy(data.items.astype(np.int64))
    for _ in range(int(np.clip(3_000_000 / len(what), 10, 40))):
        for part in torch.randperm(len(what)).split(2048):
            other = torch.randint(0, data.n_items, (len(part),))
            u = users(who[part])
            loss = F.softplus(-(u * (items(what[part]) - items(other))).sum(dim=1)).mean()
            steps.zero_grad()
            loss.backward()
            steps.step()
    return {"table": items.weight.detach().numpy(), "initial": start.numpy(), "users": users.weight.detach().numpy()}


def skipgram(data: Training, settings: dict, seed: int, flaw: str) -> dict:
    near, out = (nn.Embedding(data.n_items, settings["width"]) for _ in range(2))
    nn.init.normal_(near.weight, std=0.1)
    nn.init.normal_(out.weight, std=0.1)
    start = near.weight.detach().clone()
    steps = optimiser([near.weight, out.weight], settings, flaw)
    first, second = (torch.from_numpy(part) for part in neighbours(data))
    if flaw == "wrong index":
        first = torch.from_numpy(np.random.default_rng(seed).permutation(data.n_items))[first]
    most = max(int(2_500_000 / 4096), 1)
    for _ in range(most):
        part = torch.randint(0, len(first), (4096,))
        a, b = near(first[part]), out(second[part])
        others = out(torch.randint(0, data.n_items, (128,)))
        loss = F.softplus(-(a * b).sum(dim=1)).mean() + 5 * F.softplus(a @ others.T).mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
    return {"table": near.weight.detach().numpy(), "initial": start.numpy()}


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    return {"transformer": transformer, "bpr": bpr, "skipgram": skipgram}[model](data, settings, seed, flaw)
