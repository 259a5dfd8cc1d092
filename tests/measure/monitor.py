"""What a monitor costs a PyTorch loop of 50,000 items x 128 with a step of about 20 ms: ``python -m tests.measure.monitor``.

A picture overlaps a few of the 500 steps from one to the next. What these take more than the 100 steps before and after them, the call
included, is the cost; so the load of the machine, which is printed, matters less. Two loops, with interactions: one whose step computes on
the processor, and one whose step waits, as for a GPU.
"""

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from adrec.monitor import CollapseMonitor

ITEMS, WIDTH, EVERY, MILLISECONDS = 50_000, 128, 500, 20.0
USERS, LENGTH, GENRES = 10_000, 40, 20
Step = Callable[[], object]


def interactions(rng: np.random.Generator) -> pd.DataFrame:
    """People of one genre each, popular items more often."""
    genre = rng.integers(GENRES, size=USERS)
    place = (ITEMS // GENRES * rng.random((USERS, LENGTH)) ** 2).astype(int)
    return pd.DataFrame({"user": np.repeat(np.arange(USERS), LENGTH), "item": (place * GENRES + genre[:, None]).ravel()})


def computing(items: torch.nn.Embedding, optimizer: torch.optim.Optimizer) -> Step:
    """A step of sampled softmax, repeated so often that it takes about 20 ms."""

    def once() -> None:
        optimizer.zero_grad()
        seen, other = items(torch.randint(ITEMS, (128, 20))).mean(dim=1), items(torch.randint(ITEMS, (512,)))
        torch.logsumexp(seen @ other.T, dim=1).mean().backward()
        optimizer.step()

    took = []
    for _ in range(100):
        begin = time.perf_counter()
        once()
        took.append(1000 * (time.perf_counter() - begin))
    times = max(round(MILLISECONDS / float(np.median(took))), 1)
    return lambda: [once() for _ in range(times)]


def cost(step: Step, table: torch.Tensor, log: pd.DataFrame, pictures: int) -> str:
    """Steps with the monitor, and what those cost that a picture overlaps."""
    monitor = CollapseMonitor(log, every=EVERY)
    begin = time.perf_counter()
    monitor(0, table)
    start = time.perf_counter() - begin
    monitor.finish()
    steps = np.arange(EVERY * pictures)
    took, inside, busy = np.zeros(len(steps)), np.zeros(len(steps)), np.zeros(len(steps), dtype=bool)
    whole, own = time.process_time(), time.thread_time()
    for i in steps:
        begin = time.perf_counter()
        step()
        called = time.perf_counter()
        monitor(int(i) + EVERY // 2, table)
        took[i], inside[i], busy[i] = time.perf_counter() - begin, time.perf_counter() - called, not monitor._idle.is_set()
    others = time.process_time() - whole - (time.thread_time() - own)
    busy[1:] |= busy[:-1]  # a picture also ends within a step
    extra = []
    for part in np.split(steps, pictures):
        at = part[busy[part]]
        near = part[~busy[part] & (abs(part - at.mean()) < 100 + len(at) / 2)]
        extra.append((took[at] - took[near].mean()).sum() / took[part].sum())
    return (
        f"{len(steps):,} steps of {1000 * np.median(took[~busy]):.1f} ms, {len(monitor.pictures) - 1} pictures "
        f"overlapping {busy.sum() / pictures:.0f} steps each: {np.mean(extra):+.2%} (by picture {min(extra):+.2%} to {max(extra):+.2%}); "
        f"inside the call {1000 * inside.mean():.4f} ms a step ({inside.sum() / took.sum():.3%}), {1000 * inside.max():.1f} ms at most; "
        f"other threads' processor time {others / pictures:.3f} s a picture; the first call took {start:.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=5, help=f"one every {EVERY} steps")
    pictures = parser.parse_args().pictures
    torch.manual_seed(0)
    log = interactions(np.random.default_rng(0))
    items = torch.nn.Embedding(ITEMS, WIDTH, sparse=True)
    step = computing(items, torch.optim.SGD(items.parameters(), lr=0.1))
    loops: dict[str, Step] = {"a step that waits": lambda: time.sleep(MILLISECONDS / 1000), "a step that computes": step}
    print(f"{os.cpu_count()} processors, torch on {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    for name, taken in loops.items():
        print(f"{name}: {cost(taken, items.weight, log, pictures)}; load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
