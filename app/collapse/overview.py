"""What the Collapse page opens with: tables side by side, the verdict, the spectra, and why the spread may fall while the verdict rises."""

from typing import Any

import streamlit as st

from adrec.pictures.spectra import block, falling
from adrec.runs import RunFolder
from app import loaders
from app.collapse import data, headline, tables
from app.collapse import spectra_data as spectra
from app.components.spectrum import spectrum
from app.texts import say, texts


def opening(run: RunFolder, place: Any) -> None:
    """The tables side by side, the bar of health, and the verdict on the last table, in ``place``."""
    found = headline.verdicts(run)
    with place:
        tables.show(run, found)
        note = tables.size_note()
        if note is not None:
            say(texts("collapse")["note"].format(**note), small=True)
        st.markdown(headline.answer(run, found))


def spectra_view(run: RunFolder) -> None:
    """The tables' spectra over the band of random tables."""
    words = texts("collapse")
    st.subheader(words["spectra"], anchor=False)
    say(words["spectraSays"], small=True)
    spectrum(_packed(run), "collapse.overview")
    names, found = data.stages(run).names, headline.verdicts(run)
    said = falling(found[names[0]], found[names[-1]])
    if said is not None:
        say(said)


@loaders.of_run(16)
def _packed(run: RunFolder) -> bytes:
    shown = data.stages(run)
    return block(spectra.values(run, "centred"), {name: shown.label(name) for name in shown.names}, spectra.band(run, "centred"))
