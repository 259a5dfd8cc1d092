"""How many threads numerical libraries use: limits that blocks in several threads share, without leaving one behind.

Two blocks that overlap must not each restore what they found: the second to enter finds the first one's limit, and would leave it
in place for good. So the first to enter sets a limit and the last to leave takes it back.
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
    """A block that overlapping threads share: ``begin`` is called by the first to enter, ``end`` with its result by the last to leave."""

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
    OpenBLASController.clear_controlling_thread(force=True)  # otherwise only the thread that set the limit could lift it
    limit.restore_original_limits()
    OpenBLASController.clear_controlling_thread(force=True)


_blas_limit = Shared(lambda: threadpool_limits(1, user_api="blas"), _lift)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """BLAS, OpenMP and torch on one thread, within: more of them cost more than small products take, and wait by spinning."""
    if "torch" in sys.modules:
        sys.modules["torch"].get_num_threads()  # a thread's first use of torch sets its number: it must not come after ours
    with _blas_limit, threadpool_limits(1, user_api="openmp"):  # OpenMP's number is each thread's own
        yield
