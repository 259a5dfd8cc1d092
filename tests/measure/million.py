"""What a catalogue of a million items costs, and what the sampled loss gives away on a small one.

    python -m tests.measure.million [step] [full] [evaluate] [real] [quality] [--threads N]

Each measurement runs in a process of its own, whose peak memory it prints; all go through the trainer and the evaluation that
`adrec train` uses. ``step``: fine-tuning steps of ADRec (D = 128, 512 users of about 20 items, 8,192 negatives) with the sampled
loss at V = 10,000, 100,000 and 1,000,000. ``full``: the same steps with the full softmax. ``evaluate``: 500 users (32 steps).
``real``: a run of all three stages at V = 1,000,000, two steps each, with checkpoints, snapshots, validations and final test;
it is stopped within its last stage and resumed by another process. ``quality``: validation and test ndcg@10 of SASRec on a
synthetic data set with either loss. Not a test.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from adrec.data.batches import training_batch
from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.data.named.synthetic import generate
from adrec.evaluation import evaluate
from adrec.losses.sampled import Proposal
from adrec.models.settings import Settings
from adrec.parallel.workers import Workers
from adrec.runs import RunFolder
from adrec.training.loop import Trainer
from adrec.training.recorder import Bystander, Recorder
from adrec.training.session import describe_run, train_run
from adrec.training.updates import SampledUpdates
from tests.adrec.small import built, plan

BATCH, NEGATIVES, LENGTH, WIDTH = 512, 8192, 50, 128


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


def sized(items: int, **fields: Any) -> Settings:
    return plan(n_items=items, hidden_size=WIDTH, length=LENGTH, batch_size=BATCH, **fields)


def timed_steps(items: int, loss: str, count: int = 6) -> None:
    data = long_tailed(items, BATCH * count)
    config = sized(items, loss=loss, negatives=NEGATIVES, warmup_epochs=0)
    table = torch.randn(items + 1, WIDTH, generator=torch.Generator().manual_seed(0)).mul_(0.1)
    trainer = Trainer(data, config, Bystander(RunFolder("none"), data.popularity), lambda: False, table)
    seconds, tokens = [], 0
    with Workers() as workers:
        for i in range(count):
            begin = time.perf_counter()
            batch = training_batch(data, np.arange(BATCH * i, BATCH * (i + 1)), LENGTH)
            trainer.train_step(batch, workers)
            trainer.position.batch += 1
            seconds.append(time.perf_counter() - begin)
            tokens = batch.tokens
    spread = f"{np.median(seconds[1:]):.2f} s a step ({min(seconds[1:]):.2f} to {max(seconds[1:]):.2f}; the first {seconds[0]:.2f})"
    print(f"V = {items:>9,}  {loss:>7}  {trainer.stage.name}, {tokens:,} tokens  {spread}  {memory()}", flush=True)


def timed_evaluation(items: int, users: int) -> None:
    data, model = long_tailed(items, users), built(sized(items))
    begin = time.perf_counter()
    with Workers() as workers:
        evaluate(model, data, "test", filter_seen=True, map=workers.map)
    print(f"V = {items:>9,}  evaluation of {users:,} users, 32 steps: {time.perf_counter() - begin:.1f} s  {memory()}", flush=True)


def real(folder: str, items: int, steps: int) -> None:
    """Train or go on with a run of two steps a stage. It is asked to stop after the first step of each stage, ``steps`` times in vain."""
    data, run = long_tailed(items, 2 * BATCH), RunFolder(Path(folder) / "run")
    config = sized(items, loss="sampled", negatives=NEGATIVES, max_steps=2, checkpoint_seconds=0)
    begin, left = time.perf_counter(), iter(range(steps))

    def tell(event: dict[str, Any]) -> None:
        where = f"{event['kind']} {event.get('stage', '')}"
        print(f"{'':>12} {time.perf_counter() - begin:6.1f} s  {where:<20} {memory()}", flush=True)

    info = describe_run(data, "long-tailed", config, "measure_million")
    state = train_run(run, data, info, resume=True, stop=lambda: next(left, None) is None, listener=tell)
    checkpoint = run.path / "checkpoint.pt"
    kept = f", checkpoint.pt holds {checkpoint.stat().st_size / 2**30:.2f} GiB" if checkpoint.exists() else ""
    total = sum(p.stat().st_size for p in run.path.rglob("*") if p.is_file()) / 2**30
    seconds = time.perf_counter() - begin
    print(f"V = {items:>9,}  run {state} after {seconds:.1f} s  {memory()}, the folder {total:.2f} GiB{kept}", flush=True)


def quality(folder: str, loss: str, negatives: int, share: float, items: int = 3000, users: int = 3000, epochs: int = 20) -> None:
    data, run = generate(items, users, 0), RunFolder(Path(folder) / f"{loss}-{negatives}-{share}")
    model = {"n_items": items, "hidden_size": 64, "length": LENGTH, "dropout": 0, "embedding_dropout": 0}
    train = {"seed": 0, "batch_size": 128, "epochs": epochs, "lr": 3e-3, "patience": epochs, "loss": loss, "negatives": negatives}
    chosen = plan("sasrec", **model, **train)
    run.create(describe_run(data, "synthetic", chosen, "measure_million"), data.items, data.popularity)
    trainer = Trainer(data, chosen, Recorder(run, data.popularity), lambda: False)
    if isinstance(trainer.optimizer, SampledUpdates):
        trainer.optimizer.proposal = Proposal.from_popularity(data.popularity, negatives, share)
    trainer.run()
    found = run.metrics("finetune")
    val, test = (f"{m['ndcg@10']:.4f} ± {m['ndcg@10_se']:.4f}" for m in (found["val"], found["test"]))
    what = "full softmax" if loss == "full" else f"{negatives:,} negatives, {share:.0%} uniform"
    print(f"{what:>30}  ndcg@10 val {val} (epoch {found['epoch']}) test {test}  {found['seconds']:.0f} s with validations", flush=True)


MEASUREMENTS = {
    "step": [f"timed_steps({n}, 'sampled')" for n in (10_000, 100_000, 1_000_000)],
    "full": [f"timed_steps({n}, 'full', 3)" for n in (2_000, 10_000)],
    "evaluate": ["timed_evaluation(10_000, 500)", "timed_evaluation(1_000_000, 500)"],
    "real": ["real(folder, 1_000_000, 2)", "real(folder, 1_000_000, 9)"],
    "quality": [
        f"quality(folder, '{loss}', {negatives}, {share})"
        for loss, negatives, share in (("full", 1, 1.0), *(("sampled", n, s) for n in (128, 1024) for s in (1.0, 0.5)))
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="what", help=f"of {', '.join(MEASUREMENTS)}; default: all")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    for what in arguments.what or MEASUREMENTS:
        with TemporaryDirectory() as folder:
            for call in MEASUREMENTS[what]:
                begin = f"import torch; torch.set_num_threads({arguments.threads}); folder = {folder!r}"
                code = f"{begin}; from tests.measure import million as m; m.{call}"
                subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    main()
