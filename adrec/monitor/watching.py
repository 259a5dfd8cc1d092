"""A monitor for any training loop: a verdict on its item table every so many steps, computed beside it in a thread.

>>> import numpy as np
>>> monitor = CollapseMonitor(every=100)
>>> table = np.random.default_rng(0).standard_normal((500, 16))
>>> for step in range(300):
...     table += 0.01 * table.mean()  # a step of training
...     monitor(step, table)
>>> monitor.finish(300, table).kind
'noise-like'
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from adrec.collapse.kinds import KIND_WORDS, KINDS
from adrec.collapse.verdict import diagnose
from adrec.errors import AdrecError, ConfigError
from adrec.monitor.sample import Sample
from adrec.monitor.writing import Folder
from adrec.parallel.threads import one_thread

NOT_FINITE = "not-finite"
"""Beside the kinds of verdict: a table that holds NaN or infinity."""
LISTED = 12
"""Pictures that a notebook lists."""


class Collapsed(AdrecError):
    """The table met the rule that a monitor was asked to stop on."""


@dataclass(frozen=True)
class Picture:
    """What the table was at a step. kind: of the verdict, or ``not-finite``. values: of the evidence, by measure; meaning: the share of a
    plain factorisation's, or None. facts: their codes. seconds: since the first picture."""

    step: int
    seconds: float
    kind: str
    confidence: float
    says: str
    values: dict[str, float] = field(default_factory=dict)
    meaning: float | None = None
    facts: tuple[str, ...] = ()


class CollapseMonitor:
    """Call it with step and table in a training loop; all but every ``every``-th call return at once.

    interactions: as in ``adrec.diagnose``; without them only the spectrum is judged. every: steps from one picture to the next; one that
    is not ready when the next is due delays it. out: a new folder, which the app opens as a film while the loop runs, with
    ``events.jsonl``, a line a picture. rows: how many rows are followed, chosen once. stop_on: kinds of verdict, and ``not-finite``: if
    the table is one of them with at least ``min_confidence`` in ``patience`` pictures in a row, apart from the first, the next call raises
    `Collapsed`. ids: of the rows, as the interactions have them; by default their numbers, from 0. writer: has ``add_scalar``, such as
    TensorBoard's SummaryWriter.
    """

    def __init__(
        self,
        interactions: Any = None,
        every: int = 500,
        out: str | Path | None = None,
        rows: int = 4_000,
        stop_on: Iterable[str] = (),
        ids: Sequence[Any] | None = None,
        min_confidence: float = 0.9,
        patience: int = 3,
        writer: Any = None,
    ) -> None:
        self.stop_on = frozenset({stop_on} if isinstance(stop_on, str) else stop_on)
        for kind in sorted(self.stop_on - {*KINDS, NOT_FINITE}):
            raise ConfigError(f"A monitor cannot stop on '{kind[:40]}'; must be one of {', '.join((*KINDS, NOT_FINITE))}.")
        for name, value in (("every", every), ("rows", rows), ("patience", patience)):
            if value < 1:
                raise ConfigError(f"A monitor's '{name}' is {value}; must be at least 1.")
        self.interactions, self.ids = interactions, ids
        self.every, self.rows, self.min_confidence, self.patience, self.writer = every, rows, min_confidence, patience, writer
        self.folder = None if out is None else Folder(Path(out))
        self.pictures: list[Picture] = []
        self.sample: Sample | None = None
        self.table: np.ndarray | None = None
        self.stopped: str | None = None
        self._due: int | None = None
        self._began = 0.0
        self._thread: threading.Thread | None = None
        self._given: SimpleQueue[tuple[int, np.ndarray] | None] = SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._failed: Exception | None = None

    def __call__(self, step: int, table: Any) -> None:
        """Take a picture if one is due. table: the whole (V, D), of any library."""
        if self.due(step):
            self._take(int(step), table)

    def due(self, step: int) -> bool:
        """Whether a call at this step takes a picture; raises what the last one found."""
        if self._failed is not None:
            failed, self._failed = self._failed, None
            self.stopped = str(failed)
            raise failed
        return (self._due is None or step >= self._due) and self._idle.is_set()

    def finish(self, step: int | None = None, table: Any = None) -> Picture | None:
        """Wait for the picture in work, take a last one if step and table are given, and return the last."""
        self._idle.wait()
        if step is not None and table is not None and (not self.pictures or self.pictures[-1].step < step):
            self._take(int(step), table)
            self._idle.wait()
        if self._thread is not None:
            self._given.put(None)
            self._thread = None
        if self.folder is not None and self.sample is not None and self.table is not None:
            self.folder.finish(self.sample, self.table)
        return self.last

    @property
    def last(self) -> Picture | None:
        return self.pictures[-1] if self.pictures else None

    def _take(self, step: int, table: Any) -> None:
        self._due = step + self.every
        if self.sample is None:
            self._began = time.monotonic()
            self.sample = Sample.of(table, self.interactions, self.ids, self.rows)
            self.interactions = None
        rows = self.sample.of_table(table)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="collapse monitor", daemon=True)
            self._thread.start()
        self._idle.clear()
        self._given.put((step, rows))  # starting a thread would wait for it, this does not

    def _work(self) -> None:
        while (given := self._given.get()) is not None:
            try:
                with one_thread():
                    self._look(*given)
            except Exception as error:  # in a thread of its own nobody would see it
                self._failed = error
            self._idle.set()

    def _look(self, step: int, table: np.ndarray) -> None:
        assert self.sample is not None
        picture = _picture(self.sample, step, time.monotonic() - self._began, table)
        self.pictures.append(picture)
        if picture.kind != NOT_FINITE:
            self.table = table
            if self.folder is not None:
                self.folder.add(self.sample, step, table, asdict(picture))
        elif self.folder is not None:
            self.folder.event(asdict(picture))
        if self.writer is not None:
            for name, value in {**picture.values, **({} if picture.meaning is None else {"meaning": picture.meaning})}.items():
                self.writer.add_scalar(f"collapse/{name}", value, step)
        latest = self.pictures[1:][-self.patience :]
        kinds = {p.kind for p in latest}
        sure = min((p.confidence for p in latest), default=0.0) >= self.min_confidence
        if len(latest) == self.patience and len(kinds) == 1 and kinds <= self.stop_on and sure:
            times = f", as in {self.patience} pictures in a row" if self.patience > 1 else ""
            self._failed = Collapsed(f"At step {step:,} the item table is {picture.kind}{times}. {picture.says}")

    def _repr_html_(self) -> str:
        """The verdicts so far, and the report on the last table."""
        if self.sample is None or not self.pictures:
            return "<p>No picture yet.</p>"
        cells = [
            (f"{p.step:,}", escape(_label(p.kind)), f"{p.confidence:.2f}", _number(p.values.get("effective_rank")), _number(p.meaning))
            for p in self.pictures[-LISTED:]
        ]
        rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
        head = "".join(f"<th>{name}</th>" for name in ("step", "verdict", "confidence", "effective rank", "meaning"))
        shown = f"<p>{escape(self.pictures[-1].says)}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        if self.table is None:
            return shown
        from adrec.embeddings.diagnosed import Diagnosis

        return shown + Diagnosis.of(self.sample.source(self.table, f"step {self.pictures[-1].step}"))._repr_html_()


def _picture(sample: Sample, step: int, seconds: float, table: np.ndarray) -> Picture:
    if not np.isfinite(table).all():
        bad = int((~np.isfinite(table).all(axis=1)).sum())
        says = f"{bad:,} of the {len(table):,} rows that are followed hold NaN or infinity."
        return Picture(step, seconds, NOT_FINITE, 1.0, says)
    verdict = diagnose(table, cooccurrence=sample.pairs, data=sample.data, initial=sample.first, name=f"the table at step {step}")
    values = {e.measure: e.value for e in verdict.evidence if e.measure != "meaning_share"}
    share, codes = None if verdict.meaning is None else verdict.meaning.share, tuple(fact.code for fact in verdict.facts)
    return Picture(step, seconds, verdict.kind, round(verdict.confidence, 4), verdict.says, values, share, codes)


def _label(kind: str) -> str:
    return KIND_WORDS[kind][0] if kind in KIND_WORDS else "Not finite"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
