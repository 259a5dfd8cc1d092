"""The process that computes answers for pages: what it answers, who waits how long, and what becomes of those who no longer do."""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from adrec.explain import answering
from adrec.explain.forward_process import noise_levels, noised
from adrec.explain.records import Case, Trajectory
from adrec.explain.seeds import fewer_steps, seed_sweep
from adrec.explain.trajectory import trajectory
from adrec.models.loading import load_model
from adrec.runs import RunFolder
from app import computing
from app.computing import Computing, Lost
from app.denoising import data
from tests.app.conftest import wait_for


@dataclass(frozen=True)
class Number:
    """A question for a process that answers ten times the number."""

    value: int
    group: int = 0

    @property
    def together(self) -> object:
        return self.group


class Process:
    """A process that answers once it may; -1 ends it."""

    def __init__(self, batches: list[list[int]], may: threading.Semaphore) -> None:
        inner, self.stdin = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
        self.stdout, outer = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))

        def work() -> None:
            with inner, outer:
                while True:
                    try:
                        asked = [request.value for request in pickle.load(inner)]
                    except EOFError:
                        return
                    batches.append(asked)
                    may.acquire()
                    if -1 in asked:
                        return
                    pickle.dump([10 * value for value in asked], outer)
                    outer.flush()

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def poll(self) -> None:
        """It runs."""

    def kill(self) -> None:
        self.stdin.close()

    def communicate(self) -> None:
        self.stdout.close()


class Server(Computing):
    """A queue before such processes, and people who ask."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may, self.started = threading.Semaphore(0), 0
        self.answers: dict[int, Any] = {}
        super().__init__(self._begin)

    def _begin(self) -> Any:
        self.started += 1
        return Process(self.batches, self.may)

    def person(self, value: int, group: int = 0, on_place: Callable[[int], object] = lambda ahead: None) -> threading.Thread:
        def ask() -> None:
            try:
                self.answers[value] = self.answer(Number(value, group), on_place=on_place)
            except Exception as error:
                self.answers[value] = error

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        wait_for(lambda: value in self.answers or any(value in batch for batch in self.batches) or Number(value, group) in self.waiting)
        return thread

    def first(self) -> threading.Thread:
        """Somebody who asks for 1, when that is being computed."""
        person = self.person(1)
        wait_for(lambda: self.batches == [[1]])
        return person


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.may.release(100)


def test_who_asks_meanwhile_is_answered_in_one_batch_and_is_told_the_place(server: Server) -> None:
    places: list[int] = []
    people = [server.first(), server.person(2), server.person(3, on_place=places.append), server.person(9, group=1)]
    wait_for(lambda: places == [2] * len(places) != [])
    server.may.release(3)
    for person in people:
        person.join(10)
    assert server.batches == [[1], [2, 3], [9]] and server.answers == {1: 10, 2: 20, 3: 30, 9: 90} and server.started == 1


def test_a_question_that_nobody_waits_for_any_more_is_not_computed(server: Server) -> None:
    def leaves(_: int) -> None:
        raise KeyboardInterrupt

    first = server.first()
    with pytest.raises(KeyboardInterrupt):
        server.answer(Number(2), on_place=leaves)
    last = server.person(3)
    server.may.release(3)
    first.join(10)
    last.join(10)
    assert server.batches == [[1], [3]]


def test_a_question_asked_by_several_is_computed_once_and_kept(server: Server) -> None:
    server.may.release()
    people = [server.person(1) for _ in range(3)]
    for person in people:
        person.join(10)
    assert server.answer(Number(1)) == 10 and server.batches == [[1]]


def test_where_too_many_wait_the_next_is_asked_to_come_back(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing, "WAITING", 1)
    server.first()
    server.person(2)
    with pytest.raises(Lost, match="Too many people are waiting"):
        server.answer(Number(3))


def test_when_the_process_dies_those_who_wait_are_told_and_the_next_question_starts_another(server: Server) -> None:
    server.may.release(2)
    with pytest.raises(Lost, match="ended unexpectedly"):
        server.answer(Number(-1))
    assert server.answer(Number(4)) == 40 and server.started == 2


def test_whose_question_ends_the_process_takes_no_answer_from_those_who_asked_along(server: Server) -> None:
    people = [server.first(), server.person(-1), server.person(5)]
    server.may.release(4)
    for person in people:
        person.join(10)
    assert server.batches == [[1], [-1, 5], [-1], [5]] and server.answers[5] == 50 and isinstance(server.answers[-1], Lost)


def test_a_process_that_hangs_is_ended_and_who_waits_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing, "PATIENCE", 0.05)
    hanging = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(Lost, match="ended unexpectedly"):
        Computing(lambda: subprocess.Popen(hanging, stdin=subprocess.PIPE, stdout=subprocess.PIPE)).answer(Number(1))


def test_an_invented_past_is_not_kept_beyond_a_change_of_its_run(tiny_run: RunFolder) -> None:
    asked = data.invention(tiny_run, (9, 3), 0, 4)
    assert data.invention(tiny_run, (9, 3), 0, 4) == asked
    path = tiny_run.weights_path("finetune")
    os.utime(path, (1, 1))
    assert data.invention(tiny_run, (9, 3), 0, 4) != asked


def same(one: Trajectory, other: Trajectory) -> None:
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            np.testing.assert_allclose(value, getattr(other, name), rtol=1e-4, atol=1e-5, err_msg=name)
        elif isinstance(value, float):
            assert value == pytest.approx(getattr(other, name), rel=1e-5), name
        else:
            np.testing.assert_array_equal(value, getattr(other, name), err_msg=name)


def test_the_process_answers_as_the_functions_themselves(tiny_run: RunFolder) -> None:
    model, weights = load_model(tiny_run), answering.Weights(tiny_run.path, "finetune", 0)
    cases = [Case((9, 3, 20), 5, 0, 7, 2), Case((4,), None, 3, 0), Case((8, 1, 2, 30, 9), 7, 1, 2)]
    ours = Computing()
    try:
        asked = [*(answering.Walk(weights, 4, case) for case in cases), answering.Chance(weights, 3, cases[0], 6)]
        ours.answer(*asked, answering.Forward(weights, 5, 1, 8))
        for request in asked[:3]:
            case = request.case
            of: dict[str, Any] = {"target": case.target, "seed": case.seed, "user": case.user, "popular": case.popular}
            same(ours.answer(request), trajectory(model, case.history, steps=4, **of))
        many, fewer, single = ours.answer(asked[3])
        of = {"seeds": range(6), "user": 7}
        wanted = seed_sweep(model, [9, 3, 20], 5, steps=3, **of)
        np.testing.assert_array_equal(many.top_ten, wanted.top_ten)
        np.testing.assert_array_equal(many.ranks, wanted.ranks)
        assert [few.to_json() for few in fewer] == [few.to_json() for few in fewer_steps(model, [9, 3, 20], 5, **of)]
        assert single.tolist() == trajectory(model, [9, 3, 20], user=7, steps=1).top_ten[-1].tolist()
        assert ours.process is not None
        ours.process.send_signal(signal.SIGINT)  # Ctrl-C in the server's terminal goes to both
        ours.answer(answering.Forward(weights, 6, 1, 8))
        found = ours.answer(answering.Forward(weights, 5, 1, 8))
        np.testing.assert_array_equal(found.noised.cosine, noised(model.item_embedding.weight.numpy(), 5, model.diffusion, 1).cosine)
        assert {k: v.tolist() for k, v in found.levels.items()} == {k: v.tolist() for k, v in noise_levels(8, model.diffusion, 1).items()}
    finally:
        ours.stop()


@pytest.mark.parametrize("known", [False, True])
def test_fewer_steps_are_the_same_with_a_sweep_at_hand(tiny_run: RunFolder, known: bool) -> None:
    model = load_model(tiny_run)
    sweep = seed_sweep(model, [9, 3], seeds=5)
    found = fewer_steps(model, [9, 3], seeds=5, known=sweep if known else None)
    assert [few.to_json() for few in found] == [few.to_json() for few in fewer_steps(model, [9, 3], seeds=5)]
