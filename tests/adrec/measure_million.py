"""What a catalogue of a million items costs, and what the sampled loss gives away on a small one.

    PYTHONPATH=. .venv/bin/python tests/adrec/measure_million.py [step] [full] [evaluate] [quality] [--threads N]

Each measurement runs in a process of its own, whose peak memory it prints. ``step``: training steps of ADRec (D = 128, 512 users of about
20 items, 8,192 negatives) with the sampled loss at V = 10,000, 100,000 and 1,000,000, and what the trainer keeps beside the model: best
weights, checkpoint, snapshot. ``full``: the same steps with a dense table and the full softmax. ``evaluate``: 500 users (32 steps) at
V = 1,000,000. ``quality``: validation and test ndcg@10 of SASRec on a synthetic data set with either loss. No dropout, so that it runs on
any version's model; not a test.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from adrec.config import ModelConfig
from adrec.data.batches import PackedBatch, training_batch
from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.data.synthetic import generate
from adrec.evaluation import evaluate
from adrec.models import Model, build
from adrec.runs import RunFolder
from adrec.sampled import Negatives, Proposal, RowAdam, own_table, sampled_cross_entropy, small_table
from adrec.training.recorder import Recorder

BATCH, NEGATIVES, LENGTH, WIDTH = 512, 8192, 50, 128
LR, DECAY = 1e-3, 1e-5


def memory() -> str:
    return f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"


def long_tailed(items: int, users: int, seed: int = 0) -> SequenceDataset:
    """Histories of about 20 items, drawn in proportion to 1 / rank: cheap to make at any size."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(6 + rng.geometric(1 / 15, users), 60)
    drawn = np.exp(rng.random(lengths.sum() + 2 * users) * np.log(items)).astype(np.int64).clip(1, items)
    ids = ItemTable.untitled([str(i) for i in range(1, items + 1)])
    train, (val, test) = drawn[: lengths.sum()], drawn[lengths.sum() :].reshape(2, users)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    sequences = {"train_items": train.astype(np.int32), "train_offsets": offsets, "val": val, "test": test}
    return SequenceDataset("long-tailed", **sequences, items=ids, user_ids=np.arange(users))


def new_model(items: int, kind: str = "adrec", width: int = WIDTH) -> Model:
    model = build(ModelConfig(n_items=items, model=kind, hidden_size=width, length=LENGTH))
    model.initialise(torch.Generator().manual_seed(0))
    return model


def loss_of(model: Model, batch: PackedBatch, negatives: Negatives | None, rng: np.random.Generator) -> Tensor:
    if model.config.model == "sasrec":
        h, other = model(batch), 0.0
    else:
        t = torch.from_numpy(rng.integers(model.config.timesteps, size=batch.tokens))
        h, x_0 = model(batch, t, torch.from_numpy(rng.standard_normal((batch.tokens, model.config.hidden_size), dtype=np.float32)))
        other = (h - x_0).square().mean()
    table = model.item_embedding.weight
    ce = F.cross_entropy(h @ table.T, batch.targets) if negatives is None else sampled_cross_entropy(h, table, batch.targets, negatives)
    return ce + other


class Sampled:
    """Steps with the sampled loss: what the trainer is to do."""

    def __init__(self, model: Model, popularity: np.ndarray, negatives: int, uniform_share: float = 0.5) -> None:
        self.model, self.proposal = model, Proposal.of(popularity, negatives, uniform_share)
        self.others = [p for p in model.parameters() if p is not model.item_embedding.weight]
        self.adam = torch.optim.Adam(self.others, lr=LR, weight_decay=DECAY, fused=True)
        self.rows = RowAdam(model.item_embedding.weight, DECAY)

    def step(self, batch: PackedBatch, rng: np.random.Generator, lr: float = LR) -> tuple[float, int]:
        rows, batch, negatives = own_table(batch, self.proposal.draw(rng))
        with small_table(self.model, rows) as table:
            loss = loss_of(self.model, batch, negatives, rng)
            of_table, *gradients = torch.autograd.grad(loss, [table, *self.others])
        for parameter, gradient in zip(self.others, gradients, strict=True):
            parameter.grad = gradient
        self.adam.param_groups[0]["lr"] = lr
        self.adam.step()
        self.rows.step(rows, of_table, lr)
        return float(loss.detach()), len(rows)


class Full:
    """Steps with the full softmax and a dense table."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.adam = torch.optim.Adam(model.parameters(), lr=LR, weight_decay=DECAY, fused=True)

    def step(self, batch: PackedBatch, rng: np.random.Generator, lr: float = LR) -> tuple[float, int]:
        self.adam.zero_grad()
        loss = loss_of(self.model, batch, None, rng)
        loss.backward()
        self.adam.param_groups[0]["lr"] = lr
        self.adam.step()
        return float(loss.detach()), len(self.model.item_embedding.weight)


def timed_steps(items: int, loss: str, count: int = 6) -> None:
    data = long_tailed(items, BATCH * count)
    model = new_model(items)
    training = Sampled(model, data.popularity, NEGATIVES) if loss == "sampled" else Full(model)
    seconds, rows = [], 0
    for i in range(count):
        begin = time.perf_counter()
        batch = training_batch(data, np.arange(BATCH * i, BATCH * (i + 1)), LENGTH)
        _, rows = training.step(batch, np.random.default_rng(i))
        seconds.append(time.perf_counter() - begin)
    spread = f"{np.median(seconds[1:]):.2f} s a step ({min(seconds[1:]):.2f} to {max(seconds[1:]):.2f}; the first {seconds[0]:.2f})"
    print(f"V = {items:>9,}  {loss:>7}  {batch.tokens:,} tokens, {rows:,} rows  {spread}  {memory()}", flush=True)
    if loss == "sampled" and items >= 1_000_000:
        kept(model, training, data)


def kept(model: Model, training: Sampled, data: SequenceDataset) -> None:
    """What the trainer holds and writes beside the step."""
    best = {k: v.clone() for k, v in model.state_dict().items()}
    print(f"{'':>12} with best weights cloned: {memory()}", flush=True)
    pretrained = model.item_embedding.weight.detach().clone()
    print(f"{'':>12} and the stage's table cloned: {memory()}", flush=True)
    with TemporaryDirectory() as folder:
        recorder = Recorder(RunFolder(Path(folder) / "run"), data.popularity)
        state = {"model": model.state_dict(), "optimizer": training.adam.state_dict(), "rows": training.rows.state_dict()}
        for what, write in (
            ("checkpoint", lambda: recorder.checkpoint({**state, "best_weights": best, "table": pretrained})),
            ("snapshot", lambda: recorder.snapshot("pretrain-6", model.item_embedding.weight.detach(), np.float16)),
            ("first snapshot", lambda: recorder.snapshot("initial", model.item_embedding.weight.detach(), np.float32)),
        ):
            begin = time.perf_counter()
            write()
            print(f"{'':>12} {what} written in {time.perf_counter() - begin:.1f} s: {memory()}", flush=True)
        size = (Path(folder) / "run" / "checkpoint.pt").stat().st_size
        print(f"{'':>12} checkpoint.pt holds {size / 2**30:.2f} GiB", flush=True)


def timed_evaluation(items: int, users: int) -> None:
    data, model = long_tailed(items, users), new_model(items)
    begin = time.perf_counter()
    evaluate(model, data, "test", filter_seen=True)
    print(f"V = {items:>9,}  evaluation of {users:,} users, 32 steps: {time.perf_counter() - begin:.1f} s  {memory()}", flush=True)


def quality(items: int, users: int, loss: str, negatives: int, share: float, epochs: int, seed: int) -> None:
    data = generate(items, users, 0)
    model = new_model(items, "sasrec", 64)
    training = Full(model) if loss == "full" else Sampled(model, data.popularity, negatives, share)
    rng = np.random.default_rng(seed)
    best, seconds = (0.0, 0, {}), 0.0
    for epoch in range(1, epochs + 1):
        order, begin = rng.permutation(data.n_users), time.perf_counter()
        for i in range(0, len(order), 128):
            training.step(training_batch(data, order[i : i + 128], LENGTH), rng, 3e-3 * (1 - (epoch - 1) / epochs))
        seconds += time.perf_counter() - begin
        if epoch % 5 == 0:
            with torch.no_grad():
                found = evaluate(model, data, "val").metrics["ndcg@10"]
                best = max(best, (found, epoch, evaluate(model, data, "test").metrics), key=lambda b: b[0])
    test = {k: f"{best[2][k]:.4f} ± {best[2][k + '_se']:.4f}" for k in ("ndcg@10", "hr@10")}
    what = "full softmax" if loss == "full" else f"{negatives:,} negatives, {share:.0%} uniform"
    print(f"{what:>30}  val ndcg@10 {best[0]:.4f} (epoch {best[1]})  test {test}  {seconds:.0f} s of training", flush=True)


MEASUREMENTS = {
    "step": [f"timed_steps({n}, 'sampled')" for n in (10_000, 100_000, 1_000_000)],
    "full": [f"timed_steps({n}, 'full', 3)" for n in (2_000, 10_000)],
    "evaluate": ["timed_evaluation(10_000, 500)", "timed_evaluation(1_000_000, 500)"],
    "quality": [
        f"quality(3000, 3000, '{loss}', {negatives}, {share}, 20, 0)"
        for loss, negatives, share in (("full", 1, 1.0), *(("sampled", n, s) for n in (128, 1024) for s in (1.0, 0.5)))
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="what", help=f"of {', '.join(MEASUREMENTS)}; default: all")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    for what in arguments.what or MEASUREMENTS:
        for call in MEASUREMENTS[what]:
            code = f"import torch; torch.set_num_threads({arguments.threads}); from tests.adrec import measure_million as m; m.{call}"
            subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    main()
