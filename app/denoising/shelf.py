"""The run on screen and those beside it, as the page's last whole rerun found them: a choice of a person, an item or a seed asks the disk
nothing about runs."""

from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from adrec.errors import AdrecError
from app import loaders, state, ui
from app.denoising import data, noise
from app.loaders import LoadedRun


@dataclass(frozen=True, eq=False)
class Shelf:
    """run: the one on screen. asked: the one that the link named."""

    run: LoadedRun
    asked: str | None

    @cached_property
    def stage(self) -> str:
        return data.stage(self.run)

    @cached_property
    def alike(self) -> dict[float, LoadedRun]:
        """``noise.alike`` of the run."""
        return noise.alike(self.run, self._every)

    @cached_property
    def comparable(self) -> ui.Offered:
        """The other runs with the same users and items and a reverse process."""
        own = loaders.link_name(self.run)
        return ui.Offered({name: run for run in self._every if (name := loaders.link_name(run)) != own and _comparable(run, self.run)})

    @cached_property
    def _every(self) -> list[LoadedRun]:
        return loaders.all_runs()

    def renew(self) -> None:
        """Rerun the page where another run was chosen meanwhile."""
        if state.get("run") != self.asked:
            st.rerun()


def _comparable(run: LoadedRun, other: LoadedRun) -> bool:
    try:
        data.stage(run)
        same = [loaders.info(r).get("dataset", {}).get("hash") for r in (run, other)]
        return same[0] == same[1] and run.settings["n_items"] == other.settings["n_items"]
    except AdrecError:
        return False
