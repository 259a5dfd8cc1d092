"""Lightning: a GRU that predicts the next item over all items, and a denoising autoencoder whose decoder's rows are the items."""

import logging
import warnings

import lightning
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from tests.measure.verdict_set.libraries.shared import matrix, padded
from tests.measure.verdict_set.registry import Training

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")
LENGTH, SAMPLED = 15, 1000


class Gru(lightning.LightningModule):
    def __init__(self, count: int, width: int, rate: float, seed: int, flaw: str) -> None:
        super().__init__()
        self.count, self.rate, self.flaw = count, rate, flaw
        self.items = nn.Embedding(count + 1, width, padding_idx=0)
        nn.init.xavier_normal_(self.items.weight)
        self.gru, self.drop = nn.GRU(width, width, batch_first=True), nn.Dropout(0.99 if flaw == "dropout 0.99" else 0.1)
        self.other = torch.from_numpy(np.random.default_rng(seed).permutation(count))
        if flaw == "frozen":
            self.items.weight.requires_grad_(False)

    def training_step(self, batch, _):
        (rows,) = batch
        x, y = rows[:, :-1], rows[:, 1:]
        if self.flaw == "label noise":
            y = torch.where((torch.rand(y.shape) < 0.7) & (y > 0), torch.randint(1, self.count + 1, y.shape), y)
        if self.flaw == "wrong index":
            y = torch.where(y > 0, self.other[(y - 1).clamp(min=0)] + 1, y)
        hidden, _ = self.gru(self.drop(self.items(x)))
        hidden, targets = hidden[y > 0], y[y > 0]
        if self.flaw == "no negatives":
            return (1 - F.cosine_similarity(hidden, self.items(targets), dim=1)).mean()
        others = torch.randint(1, self.count + 1, (SAMPLED,))
        wrong = (hidden @ self.items(others).T).masked_fill(targets[:, None] == others, -1e4)
        logits = torch.cat([(hidden * self.items(targets)).sum(dim=1, keepdim=True), wrong], dim=1)
        return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))

    def configure_optimizers(self):
        rate = 1.0 if self.flaw == "huge rate" else self.rate
        decay = {"weight_decay": 0.3} if self.flaw == "weight decay" else {}
        return torch.optim.Adam([p for p in self.parameters() if p.requires_grad], lr=rate, **decay)


class Autoencoder(lightning.LightningModule):
    def __init__(self, count: int, width: int, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.encode, self.decode, self.drop = nn.Linear(count, width), nn.Linear(width, count), nn.Dropout(0.5)

    def training_step(self, batch, _):
        (rows,) = batch
        logits = self.decode(torch.tanh(self.encode(self.drop(F.normalize(rows)))))
        return -(F.log_softmax(logits, dim=1) * rows).sum(dim=1).mean()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.rate)


def train(data: Training, model: str, settings: dict, seed: int, flaw: str) -> dict:
    lightning.seed_everything(seed, verbose=False)
    torch.set_num_threads(1)
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "accelerator": "cpu",
    }
    steps = 10 if flaw == "stale" else 500
    if model == "gru":
        net: lightning.LightningModule = Gru(data.n_items, settings["width"], settings["lr"], seed, flaw)
        rows = torch.from_numpy(padded(data, LENGTH + 1))
        start = net.items.weight.detach().clone()
    else:
        net, steps = Autoencoder(data.n_items, settings["width"], settings["lr"]), 600
        rows = torch.from_numpy(np.asarray(matrix(data).todense(), dtype=np.float32).clip(max=1))
        start = net.decode.weight.detach().clone()
    lightning.Trainer(max_steps=steps, max_epochs=-1, **quiet).fit(net, DataLoader(TensorDataset(rows), batch_size=128, shuffle=True))
    if model == "gru":
        return {"table": net.items.weight.detach()[1:].numpy(), "initial": start[1:].numpy()}
    return {"table": net.decode.weight.detach().numpy(), "initial": start.numpy()}
