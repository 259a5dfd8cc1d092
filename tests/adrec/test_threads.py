"""Limits on threads that overlap: nobody keeps one, nobody loses one early."""

import threading

import numpy as np
import pytest
import torch
from threadpoolctl import OpenBLASController, threadpool_info, threadpool_limits

from adrec.parallel.threads import one_thread
from adrec.parallel.workers import Workers


def blas_threads() -> set[int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        OpenBLASController.clear_controlling_thread()
        yield
    torch.set_num_threads(1)


def overlapping(first, second, inside) -> None:
    """Enter the first block, then the second in another thread, leave the first, call ``inside``, leave the second."""
    entered, left = threading.Event(), threading.Event()

    def other() -> None:
        with second():
            entered.set()
            left.wait(10)
            inside()

    with first():
        thread = threading.Thread(target=other)
        thread.start()
        assert entered.wait(10)
    left.set()
    thread.join()


def test_overlapping_limits_leave_blas_as_it_was_and_hold_to_the_last(two_threads):
    during = []
    overlapping(one_thread, one_thread, lambda: during.append((blas_threads(), torch.get_num_threads())))
    assert during == [({1}, 1)]
    assert blas_threads() == {2}


def test_overlapping_workers_leave_torch_its_threads(two_threads):
    torch.set_num_threads(3)
    sizes = []

    def workers() -> Workers:
        return Workers()

    def busy() -> None:
        with Workers() as more:
            list(more.map(lambda x: x, range(9)))
            sizes.append(more.threads)

    overlapping(workers, workers, busy)
    thread = threading.Thread(target=lambda: sizes.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert sizes == [3, 3] and torch.get_num_threads() == 3
