"""What one visitor may use, and all together."""

import threading
import time
from pathlib import Path

import pytest

from app import jobs
from app.serving import limits, turnstile, visitors
from app.serving.limits import OverLimits, Rate, Turns


def test_each_asker_has_so_many_requests_at_once_and_then_one_in_a_while() -> None:
    now = [100.0]
    rate = Rate(most=3, every=2.0, clock=lambda: now[0])
    assert [rate.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 2.0] and rate.take("b") == 0.0
    now[0] += 2.0
    assert rate.take("a") == 0.0 and rate.take("a") == 2.0
    now[0] += 1000.0
    assert [rate.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]


def test_who_asks_too_much_pauses_once_however_often_they_ask() -> None:
    now = [100.0]
    rate = Rate(most=1, every=1.0, pause=10.0, clock=lambda: now[0])
    assert [rate.take("a") for _ in range(3)] == [0.0, 11.0, 11.0]
    now[0] += 10.5
    assert rate.take("a") == 0.5
    now[0] += 0.5
    assert rate.take("a") == 0.0 and rate.take("a") == 11.0


def test_a_rate_forgets_those_who_may_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rate, "KEPT", 10)
    now = [0.0]
    rate = Rate(most=1, every=1.0, clock=lambda: now[0])
    for number in range(100):
        now[0] += 1.0
        assert rate.take(str(number)) == 0.0
    assert len(rate._until) <= 11


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> Turns:
    monkeypatch.setattr(limits, "OWN", limits.Limits(at_once=2, waiting=3))
    monkeypatch.setattr(Turns, "POLL", 0.01)
    return Turns()


class Reader(threading.Thread):
    """Holds a turn until ``done`` is set. places: those it was told."""

    def __init__(self, turns: Turns, who: str) -> None:
        super().__init__(daemon=True)
        self.turns, self.who, self.places = turns, who, list[int]()
        self.reads, self.done = threading.Event(), threading.Event()

    def run(self) -> None:
        with self.turns.turn(self.who, self.places.append):
            self.reads.set()
            self.done.wait(10)


def readers(turns: Turns, *names: str) -> list[Reader]:
    """Readers who come one after the other."""
    found = []
    for name in names:
        found.append(Reader(turns, name))
        found[-1].start()
        end = time.monotonic() + 5
        while not found[-1].reads.is_set() and not found[-1].places and time.monotonic() < end:
            time.sleep(0.002)
    return found


def test_visitors_take_turns_in_order_and_are_told_their_place(two_at_a_time: Turns) -> None:
    first, second, third, fourth = readers(two_at_a_time, "a", "b", "c", "d")
    assert first.reads.is_set() and second.reads.is_set() and (third.places[0], fourth.places[0]) == (1, 2)
    second.done.set()
    assert third.reads.wait(5) and not fourth.reads.is_set()
    first.done.set()
    assert fourth.reads.wait(5)


def test_one_visitor_holds_one_turn_and_holds_up_nobody(two_at_a_time: Turns) -> None:
    first, again, other = readers(two_at_a_time, "a", "a", "b")
    assert first.reads.is_set() and other.reads.is_set() and not again.reads.is_set()
    first.done.set()
    assert again.reads.wait(5)


def test_too_long_a_queue_is_refused_and_a_place_that_is_given_up_is_free(two_at_a_time: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    readers(two_at_a_time, "a", "b", "c", "d", "e")
    with pytest.raises(OverLimits, match="3 visitors wait"), two_at_a_time.turn("f", lambda place: None):
        pass
    monkeypatch.setattr(limits, "OWN", limits.Limits(at_once=2, waiting=4))

    def leave(place: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), two_at_a_time.turn("f", leave):
        pass
    assert len(two_at_a_time._waiting) == 3


def test_the_document_gives_the_figures_that_are_in_force() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    own, public = limits.OWN, limits.PUBLIC
    for row in (
        f"| a file | {own.upload} MB | {public.upload} MB |",
        f"everybody's, arriving at once | | {public.held} MB, {public.held_by_all} MB, {turnstile.UPLOADS} files |",
        f"| tables in one diagnosis | {own.tables} | {public.tables} |",
        f"| {own.memory / 2**30:.0f} GiB, {own.seconds:.0f} s | {public.memory / 2**30:.1f} GiB, {public.seconds:.0f} s |",
        f"| one a core, {own.waiting} | one for two cores, {public.waiting};",
        f"| {visitors._readings.most} at once, then one in {visitors._readings.every:.0f} s |",
        f"laboratory | | {public.folders} |",
        f"| {public.tabs}, {public.open} |",
        f"{visitors._reruns.most} at once, then {1 / visitors._reruns.every:.0f} a second; more pause for {visitors._reruns.pause:.0f} s",
        f"trained | {jobs.MOST_WAITING} | none |",
    ):
        assert row in text, row
