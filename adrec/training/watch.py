"""Watching a training from the command line: a progress bar, and signals that stop it."""

import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from tqdm import tqdm

from adrec.training.pace import Pace

BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} epochs [{elapsed}{postfix}]"
WORDS = {"pretrain": "1 pre-train", "warmup": "2 warm-up", "finetune": "3 fine-tune"}


class StopOnSignal:
    """A context whose value, when called, says whether SIGTERM or Ctrl-C was received. A second signal ends the process at once."""

    def __enter__(self) -> Callable[[], bool]:
        self.asked = False
        self.before = {s: signal.signal(s, self._ask) for s in (signal.SIGTERM, signal.SIGINT)}
        return lambda: self.asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)


class ProgressBar:
    """Shows events as one bar per stage on standard error; its length is the stage's maximum number of epochs."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.preface: str | None = None
        """A line to print before the first bar."""

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, event: dict[str, Any]) -> None:
        if event["kind"] == "stage":
            self.__exit__(None, None, None)
            if self.preface:
                tqdm.write(self.preface, file=sys.stderr)
                self.preface = None
            name, longest = WORDS.get(event["stage"], event["stage"]), event["max_epochs"]
            self.bar = tqdm(total=longest, initial=event["epoch"], desc=name, bar_format=BAR, dynamic_ncols=True)
            self.pace = Pace(event)
        if self.bar is None or "epoch" not in event:
            return
        self.pace.take(event)
        self.bar.n = event["epoch"]
        if event["kind"] == "step":
            self.bar.set_postfix_str(f"loss={event['loss']:.4f}, {self._left()}")
        elif event["kind"] == "validation":
            score = f"{event['metrics']['ndcg@10']:.4f}{' *' if event['best'] else ''}"
            self.bar.write(f"epoch {event['epoch']}: validation ndcg@10 {score}", file=self.bar.fp)
        elif event["kind"] == "stage_end":
            self.bar.write(f"{self.bar.desc} ended after {event['seconds']:.1f} s ({event['reason']})", file=self.bar.fp)

    def _left(self) -> str:
        """The remaining time estimated from the whole stage; tqdm would use only the last few events."""
        left = self.pace.left
        return "" if left is None else f"at most {tqdm.format_interval(left)} left{'' if self.pace.measured else ' and validation'}"
