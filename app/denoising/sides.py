"""One panel of the Denoising page, or two that differ in one thing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adrec.explain import scene
from adrec.runs import RunFolder
from app.denoising import data

if TYPE_CHECKING:
    from adrec.explain.answering import Walk
    from adrec.explain.records import Trajectory


@dataclass(frozen=True)
class Side:
    """One panel: the subject, the model, and the number of steps. name: the panel's heading."""

    run: RunFolder
    stage: str
    subject: data.Subject
    steps: int
    name: str = ""

    @property
    def in_browser(self) -> bool:
        """Whether the visitor's browser answers under other noise."""
        return data.again_in_browser(self.run, self.stage)

    def is_opening(self, seed: int) -> bool:
        return data.is_opening(self.run, self.subject, seed, self.steps)

    def question(self, seed: int, method: str) -> bytes:
        return data.question(self.run, self.stage, self.subject, seed, self.steps, self._shown(method), self.name)

    def walk(self, seed: int) -> "Walk":
        return data.walk(self.run, self.stage, self.subject, seed, self.steps)

    def trajectory(self, seed: int) -> "Trajectory":
        return data.trajectory(self.run, self.stage, self.subject, seed, self.steps)

    def layout(self, method: str) -> scene.Layout:
        return data.layout(self.run, self.stage, self._shown(method))

    def scene(self, seed: int, method: str) -> bytes:
        return data.picture(self.run, self.stage, self.subject, seed, self.steps, self._shown(method), self.name)

    def _shown(self, method: str) -> str:
        return method if method == "pca" or data.has_umap(self.run) else "pca"


@dataclass(frozen=True)
class Pair:
    """The two panels; kind, before, after: the change, as ``words.change`` takes it."""

    one: Side
    other: Side
    kind: str
    before: str | None
    after: str | None
