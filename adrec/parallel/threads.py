"""Limits on the threads of numerical libraries, shared by overlapping blocks and never left behind.

Overlapping blocks must not each restore what they found: the second to enter finds the first one's limit and would leave it in place
for good. So the first to enter sets the limit and the last to leave lifts it.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

from threadpoolctl import OpenBLASController, threadpool_limits

State = TypeVar("State")


class Shared(Generic[State]):
    """A context that threads share: the first to enter calls ``begin``, the last to leave calls ``end`` with its result."""

    def __init__(self, begin: Callable[[], State], end: Callable[[State], object]) -> None:
        self.begin, self.end = begin, end
        self.inside, self.lock = 0, threading.Lock()

    def __enter__(self) -> State:
        with self.lock:
            if not self.inside:
                self.state = self.begin()
            self.inside += 1
            return self.state

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.end(self.state)


def _lift(limit: threadpool_limits) -> None:
    OpenBLASController.clear_controlling_thread(force=True)  # otherwise only the thread that set the limit can lift it
    limit.restore_original_limits()
    OpenBLASController.clear_controlling_thread(force=True)


_blas_limit = Shared(lambda: threadpool_limits(1, user_api="blas"), _lift)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run BLAS, OpenMP and torch on one thread: on small products, more threads cost more than they save, and they spin while waiting."""
    if "torch" in sys.modules:
        sys.modules["torch"].get_num_threads()  # a thread's first use of torch sets its count; this must come before ours
    with _blas_limit, threadpool_limits(1, user_api="openmp"):  # OpenMP's count is per thread
        yield
