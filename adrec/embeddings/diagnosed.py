"""What Python gets of a diagnosis: the entry of ``judging.judge`` as an object. So scripts, command line, report and page say the same."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from adrec.collapse.facts import Fact
from adrec.collapse.reference import Meaning
from adrec.collapse.verdict import Verdict
from adrec.data.dataset import SequenceDataset
from adrec.embeddings.bring import turned_too, with_interactions, without_unused
from adrec.embeddings.joins import Join
from adrec.embeddings.judging import in_words, judge
from adrec.embeddings.orders import numberings
from adrec.embeddings.source import Source
from adrec.embeddings.start import fitting


@dataclass(frozen=True)
class Diagnosis:
    """Which row is which item, plain facts, the verdict, and what else was found about one table; printed, it is in words.

    entry: as in ``collapse --json``. table: (V, D), the rows that were judged.
    """

    entry: Mapping[str, Any]
    table: np.ndarray

    @classmethod
    def of(
        cls,
        source: Source,
        data: SequenceDataset | None = None,
        initial: Source | None = None,
        order: str | None = None,
        path: Path | None = None,
    ) -> "Diagnosis":
        """The diagnosis of a source, with interactions and the table before training.

        order: of the rows, as in ``orders.asked_order``. path: the interactions' file, which may tell more orders than they do.
        """
        if data is not None:
            source = with_interactions(data, source, cache(partial(numberings, data, path)), order)
        if initial is not None:
            source = replace(source, **fitting(turned_too(initial, source), source))
        (source,) = without_unused([source])
        (entry,) = judge([source])["tables"]
        return cls(entry, source.table)

    @property
    def verdict(self) -> Verdict:
        return Verdict.from_json(self.entry["verdict"], self.facts)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Plain facts, the heaviest first."""
        return tuple(Fact.from_json(fact) for fact in self.entry["facts"])

    @property
    def join(self) -> Join | None:
        """Which row is which item; None without interactions."""
        return None if self.entry["join"] is None else Join.from_json(self.entry["join"])

    @property
    def meaning(self) -> Meaning | None:
        """What share of a plain factorisation's the table reaches; None if the interactions cannot say."""
        return None if self.entry["meaning"] is None else Meaning.from_json(self.entry["meaning"])

    @property
    def measures(self) -> dict[str, float | None]:
        """By name, as defined in ``adrec.collapse.definitions``; None for infinite."""
        return dict(self.entry["measures"])

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return dict(self.entry)

    def to_html(self) -> str:
        """The report: a page of its own, without scripts."""
        from adrec.embeddings.report import report

        return report({"tables": [self.entry], "comparison": []}, [self.table])

    def __str__(self) -> str:
        return "\n".join(in_words(self.entry))

    def __repr__(self) -> str:
        return f"<Diagnosis of {self.entry['name']}: {self.verdict.kind}, {self.verdict.sure}>"

    def _repr_html_(self) -> str:
        """The report in a frame of its own, so that it and a notebook do not restyle each other."""
        return f'<iframe srcdoc="{escape(self.to_html())}" sandbox="" title="{escape(repr(self))}" {FRAME}></iframe>'


FRAME = 'style="width: 100%; height: 640px; border: 1px solid #8888"'
