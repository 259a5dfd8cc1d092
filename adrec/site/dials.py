"""What the Collapse page is sent of the dials: for each kind and degree a map, spectra, who notices, and the sentence about it."""

from typing import Any

import numpy as np

from adrec.browser import wire
from adrec.collapse.dialled import changes, dialled, shown_rows
from adrec.collapse.dials import aligned, dial
from adrec.collapse.spectra import null_band, spectrum
from adrec.maps.projection import distinct_tables, project_pca
from adrec.pictures import dials, looks, spectra
from adrec.runs import RunFolder
from adrec.runs.snapshots import spread
from adrec.site.folder import Folder

DOTS = 1_200
"""The most dots on a map."""
GRID = 65_535
"""Steps on each axis in which positions travel, over the square that holds all maps of a run."""
GREY = looks.CATEGORIES[-1]
START = "start"
"""What the table itself is called, which every dial begins with."""
LINES = {"raw": ("not centred", "┈", "2 4"), "centred": ("centred", "━", "")}
"""What a view of the spectrum is called, its sign and its dash."""


def words() -> dict[str, Any]:
    """What the page says around every run's dials: as in the app."""
    return {
        "title": dials.TITLE,
        "help": dials.LINES,
        "mapHelp": dials.MAP,
        "spectrumHelp": dials.SPECTRUM,
        "kinds": [[key, name] for key, (name, _) in dials.KINDS.items()],
        "degrees": dials.DEGREES,
        "start": dials.START,
        "pictures": {key: name for key, (_, name) in dials.PICTURES.items()},
    }


def data(folder: Folder, run: RunFolder) -> str:
    """The address of one run's dials."""
    kept, tables = dialled(run), distinct_tables(run.tables())[0]
    name, rows = list(tables)[-1], shown_rows(run)
    table, color = tables[name], looks.stage_color(name)
    dots = np.arange(len(rows)) if len(rows) <= DOTS else spread(np.arange(len(rows)), DOTS)
    before, start = table[rows], _map(table[rows])
    maps, answers, blocks = {}, {}, {}
    for kind in dials.KINDS:
        for degree in dials.DEGREES:
            key = f"{kind} {degree}"
            verdict = kept["degrees"][kind][str(degree)]["verdict"] if degree else kept["verdict"]
            said = dials.rows_of(changes(kept, kind, degree), kept["verdict"], verdict)
            answers[key] = {"says": dials.says(kind, degree, table.shape), "lesson": dials.lesson(said, degree), "rows": said}
            if degree or START not in maps:
                after, drawn = dial(table, kind, degree / 100)[rows], key if degree else START
                maps[drawn] = aligned(start, _map(after))[dots]
                blocks[f"spectra {drawn}"] = _spectra(before, after, color)
    low = np.min([xy.min(axis=0) for xy in maps.values()], axis=0)
    side = float(np.max([xy.max(axis=0) - low for xy in maps.values()])) or 1.0
    head = {
        "lead": dials.LEAD.format(table=looks.stage_label(name).lower()) + ("" if kept["data_hash"] else f" {dials.SPECTRAL}"),
        "colors": [GREY, color],
        "answers": answers,
    }
    arrays = {f"xy {key}": np.round((xy - low) / side * GRID).astype(np.uint16).ravel() for key, xy in maps.items()}
    arrays |= {key: np.frombuffer(block, np.uint8) for key, block in blocks.items()}
    return folder.add(f"{run.name}-dials.bin", wire.block(head, arrays), pack=True)


def _map(table: np.ndarray) -> np.ndarray:
    return project_pca({"": table})[""]


def _spectra(before: np.ndarray, after: np.ndarray, color: str) -> bytes:
    """Centred and raw spectra, before in grey and after in colour, over the band of noise."""
    keys = [(view, when) for view in LINES for when in ("before", "after")]
    values = {f"{view} {when}": spectrum(before if when == "before" else after, view) for view, when in keys}
    names = {f"{view} {when}": f"{LINES[view][0]}, {when}" for view, when in keys}
    styles = {
        f"{view} {when}": {"glyph": LINES[view][1], "color": GREY if when == "before" else color, "dash": LINES[view][2]}
        for view, when in keys
    }
    return spectra.block(values, names, null_band(*before.shape, "centred"), styles)
