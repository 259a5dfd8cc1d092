"""A computation split over several threads, each running torch on one core.

Two threads that share one small operation wait for each other after each one; two threads with a part each do not. The parts do not
depend on the number of threads, so neither do the results.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

import torch

from adrec.parallel.threads import Shared
from adrec.system import keep_freed_memory

Part = TypeVar("Part")
Result = TypeVar("Result")


_torch_threads = Shared(torch.get_num_threads, torch.set_num_threads)
"""Torch's original thread count, restored at the end: workers change the count that new threads start with."""


class Workers:
    """A pool of ``threads`` threads (default: as many as torch would use). Use it in a ``with`` block."""

    def __init__(self, threads: int | None = None) -> None:
        self.wanted = threads

    def __enter__(self) -> "Workers":
        keep_freed_memory()
        number = _torch_threads.__enter__()
        self.threads = self.wanted or number
        self.pool = ThreadPoolExecutor(self.threads, "adrec", initializer=torch.set_num_threads, initargs=(1,))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.pool.shutdown(cancel_futures=True)
        _torch_threads.__exit__(kind, error, trace)

    def map(self, function: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
        """``function`` of each part, in order; at most twice as many parts are in progress as there are threads."""
        waiting: deque[Future[Result]] = deque()
        for part in parts:
            waiting.append(self.pool.submit(function, part))
            if len(waiting) > 2 * self.threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
