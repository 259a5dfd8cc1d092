"""What a monitor costs a PyTorch loop of 50,000 items x 128 with a step of about 20 ms: ``python -m tests.measure.monitor``.

Stretches of ``every`` steps with the monitor, each with one picture, and without it take turns. Two loops: one whose step computes on the
processor, and one whose step waits, as for a GPU. Printed: milliseconds of a step, the time that the loop itself spends in the monitor, the
processor time of the pictures, and the load of the machine, with which a comparison of steps varies.
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


def compare(step: Step, table: torch.Tensor, log: pd.DataFrame, pairs: int) -> str:
    """Stretches with and without, in turns; the first with the start of the monitor is left out of the comparison."""
    monitor = CollapseMonitor(log, every=EVERY)
    begin = time.perf_counter()
    monitor(0, table)
    start = time.perf_counter() - begin
    monitor.finish()
    inside = busy = longest = 0.0
    means: dict[bool, list[float]] = {True: [], False: []}
    number = EVERY // 2  # so that a picture is taken in the middle of a stretch
    for stretch in range(2 * pairs):
        watched = (stretch + stretch // 2) % 2 == 0
        whole, own = time.process_time(), time.thread_time()
        begin = time.perf_counter()
        for _ in range(EVERY):
            step()
            if watched:
                number += 1
                entered = time.perf_counter()
                monitor(number, table)
                took = time.perf_counter() - entered
                inside, longest = inside + took, max(longest, took)
        means[watched].append(1000 * (time.perf_counter() - begin) / EVERY)
        busy += (time.process_time() - whole - (time.thread_time() - own)) * (1 if watched else -1)
        monitor.finish()
    steps = EVERY * pairs
    ratio = np.array(means[True]) / np.array(means[False]) - 1
    return (
        f"{np.median(means[False]):.2f} ms a step without, {np.median(means[True]):.2f} with: {np.median(ratio):+.2%} "
        f"(from {ratio.min():+.2%} to {ratio.max():+.2%} in {pairs} pairs of {EVERY} steps); "
        f"inside the call {1000 * inside / steps:.4f} ms a step ({inside / steps / np.median(means[False]) * 1000:.3%}), "
        f"{1000 * longest:.1f} ms at most; "
        f"other threads' processor time {busy / pairs:.2f} s a picture; {len(monitor.pictures) - 1} pictures; "
        f"the first call took {start:.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=4, help=f"pairs of stretches of {EVERY} steps")
    pairs = parser.parse_args().pairs
    torch.manual_seed(0)
    log = interactions(np.random.default_rng(0))
    items = torch.nn.Embedding(ITEMS, WIDTH, sparse=True)
    step = computing(items, torch.optim.SGD(items.parameters(), lr=0.1))
    loops: dict[str, Step] = {"a step that waits": lambda: time.sleep(MILLISECONDS / 1000), "a step that computes": step}
    print(f"{os.cpu_count()} processors, torch on {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    for name, taken in loops.items():
        print(f"{name}: {compare(taken, items.weight, log, pairs)}; load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
