"""Item tables from people's files or runs, joined with interactions, titles and the table before training.

Each table becomes a ``Source``; ``judging`` judges sources and ``import_tables`` writes a folder that opens like a run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.collapse.diagnosis import FILE, VERSION, local_data, tables_hash
from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.embeddings.files import IDS, PADDING_LEFT_OUT, REMOVED, Matrix, TableDoubt, read_table, rows_and_columns
from adrec.embeddings.files.sharded import index_of
from adrec.embeddings.joins import Whole, clearly_better
from adrec.embeddings.matching import ask_if_transposed, items_of, lies_on_its_side, matched
from adrec.embeddings.orders import Numbering, check_order, numberings
from adrec.embeddings.source import Source
from adrec.embeddings.start import fitting, reordered
from adrec.errors import DataError, WeightsError
from adrec.files import write_json
from adrec.maps.tables import blocks, checked
from adrec.reading.account import Account, Use, counted
from adrec.runs import RunFolder

__all__ = ["Source", "bring", "import_tables", "laboratory_problem", "named"]


def bring(
    targets: Sequence[str | Path],
    *,
    interactions: str | Path | None = None,
    items: str | Path | None = None,
    initial: str | Path | None = None,
    key: str | Mapping[Path, str] | None = None,
    padding: str = "auto",
    names: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    table_options: Mapping[Any, Any] | None = None,
    order: str | None = None,
    transpose: bool | None = None,
    on_read: Callable[[Path, Account], object] = lambda path, account: None,
) -> list[Source]:
    """The tables in files and run folders, in order, with everything that belongs to them.

    interactions: a named data set, or a file or folder that ``adrec.data`` reads, with ``options``; by default a run's own, if available
    locally. items: an item file. initial: the table before training. key, padding: as in ``read_table``; key may also be a dict by path.
    names: display names of the files. table_options: OPTIONS of ``read_table``; may also be a dict of them by path. order: the order of
    rows without ids, as in ``orders.asked_order``. transpose: whether the columns of the files are the items; None if nobody
    has said, which is taken for no. on_read: called with the account of each file as soon as it is read.
    """
    check_order(order, interactions)
    of_columns = [name for name in table_options or {} if name != IDS]
    if of_columns and not any(rows_and_columns(Path(path)) for path in (*targets, *([initial] if initial is not None else []))):
        raise WeightsError(f"The option {of_columns[0]} is for a file of rows and columns, and none is given.")
    sources: list[Source] = []
    how: dict[str, Any] = {"options": table_options or {}, "transpose": transpose, "on_read": on_read}
    for i, target in enumerate(targets):
        path = Path(target)
        if path.is_dir() and index_of(path) is None:
            sources += _of_run(RunFolder(path))
            continue
        sources.append(_of_file(path, _key_of(key, path), padding, names[i] if names else path.name, **how))
    sources = _in_one_order(sources)
    plain = titled = sources
    if items is not None:
        sources = titled = [_titled(Path(items), source, or_not=interactions is not None) for source in sources]
    if interactions is not None:
        from adrec.data import catalog

        data = catalog.load(str(interactions), **(options or {}))
        if data.account is not None:
            on_read(Path(interactions), Account.from_dict(dict(data.account)))
        numbered = cache(partial(numberings, data, Path(interactions)))  # reads the file, so once for all tables
        joined = partial(with_interactions, data, numbered=numbered, order=order, transpose=transpose, on_read=on_read)
        sources = [replace(joined(source), own=False) for source in sources]
    if interactions is not None and items is not None:
        sources = [_by_the_join(Path(items), *three) for three in zip(plain, titled, sources, strict=True)]
    if initial is not None:
        first = _initial(Path(initial), key, padding, how)
        sources = [replace(s, own=False, **fitting(turned_too(first, s), s)) for s in sources]
    return without_unused(sources)


def _of_file(
    path: Path,
    key: str | None,
    padding: str,
    name: str,
    options: Mapping[Any, Any],
    transpose: bool | None,
    on_read: Callable[[Path, Account], object],
) -> Source:
    options = options.get(path, {option: value for option, value in options.items() if isinstance(option, str)})
    said = {name: value for name, value in options.items() if name == IDS or rows_and_columns(path)}
    found = read_table(path, key, "none" if transpose else padding, said)
    if transpose:
        note = "Rows and columns were exchanged, as asked: every column of the file is an item."
        turned = _exchanged(Source(name, found.table, None, found.notes, account=found.account), note)
        if turned.account is not None:
            on_read(path, turned.account)
        return turned
    if found.account is not None:
        on_read(path, found.account)
    sideways = _sideways(found) if transpose is None else None
    return Source(
        name,
        found.table,
        found.labels,
        found.notes,
        found.padded,
        account=found.account,
        undecided=(sideways,) if sideways else (),
        removed=found.removed,
        sideways=sideways,
    )


def _exchanged(source: Source, *notes: str) -> Source:
    """The source with its columns as the items."""
    whole = Whole(source.table, source.removed)
    table = checked(np.ascontiguousarray(whole.taken((0, len(whole))).T), f"'{source.name}'")
    account = source.account
    if account is not None:
        dims = Use(counted(table.shape[1], "row"), "dimensions", "rows and columns were exchanged")
        left = {why: count for why, count in account.left_out.items() if why != PADDING_LEFT_OUT}
        account = replace(account, lines={}, left_out=left, rows=len(table), read=len(table), items=None, uses=[dims], unused=[])
    kept = [note for note in source.notes if not note.startswith(REMOVED)]
    return Source(source.name, table, None, (*kept, *notes), account=account)


def with_interactions(
    data: SequenceDataset,
    source: Source,
    numbered: Callable[[], Sequence[Numbering]] | None = None,
    order: str | None = None,
    transpose: bool | None = None,
    on_read: Callable[[Path, Account], object] = lambda path, account: None,
) -> Source:
    """The source with the interactions; one that may lie on its side is taken as items used together lie together more clearly."""
    order = None if source.run else order
    if transpose is not None or source.items is not None or not lies_on_its_side(data, source):
        return replace(source, **matched(data, source, order, numbered))
    turned = _exchanged(source)
    other = _tried(data, turned, order, numbered)
    as_it_is = _tried(data, source, order, numbered)
    z, fits = (0.0 if found is None else max(found["join"].candidates[0]["z"], 0.0) for found in (other, as_it_is))
    if other is None or not other["join"].clear or not clearly_better(z, fits):
        ask_if_transposed(data, source)
        return replace(source, **(as_it_is or matched(data, source, order, numbered)))
    rows, width = source.table.shape
    than = "" if as_it_is is None else f", by its rows {fits:.1f}"
    join = other["join"]
    says = (
        f"The table lies on its side: with its {width:,} columns as the items instead of its {rows:,} rows, items used together lie "
        f"together ({z:.1f} standard deviations from shuffled rows{than}). The verdict is for the columns; --transpose asks for it. "
        f"{join.says}"
    )
    if turned.account is not None:
        on_read(Path(turned.account.path), turned.account)
    notes = tuple(says if note == join.says else note for note in other["notes"])
    return replace(turned, **{**other, "join": replace(join, fix="--transpose", says=says), "notes": notes})


def turned_too(initial: Source, source: Source) -> Source:
    """The table before training, exchanged if the source was, although nobody asked for it."""
    turned = source.join is not None and source.join.fix == "--transpose"
    return _exchanged(initial) if turned and initial.table.shape != source.table.shape else initial


def _tried(
    data: SequenceDataset, source: Source, order: str | None, numbered: Callable[[], Sequence[Numbering]] | None
) -> dict[str, Any] | None:
    """The fields of ``matched``; None if nothing matches."""
    try:
        return matched(data, source, order, numbered)
    except DataError:
        return None


WIDTHS = frozenset({8, 10, 16, 20, 24, 32, 48, 50, 64, 96, 100, 128, 192, 200, 256, 300, 384, 400, 500, 512, 768, 1024, 1536, 2048})
"""Usual widths of tables."""


def _sideways(found: Matrix) -> str | None:
    """The question whether a table without ids lies on its side, where its shape says so."""
    rows, width = found.table.shape
    if found.labels is not None or rows not in WIDTHS or width < 4 * rows:
        return None
    return (
        f"Whether the {rows:,} rows or the {width:,} columns are the items: {rows:,} is a usual width of a table. "
        "If the columns are, say --transpose, otherwise --no-transpose."
    )


def without_unused(sources: list[Source]) -> list[Source]:
    """Tables from files without the rows of zeros that belong to no interaction: numbers that no item has. A table of zeros stays."""
    unused: dict[int, np.ndarray] = {}
    for source in sources:
        if source.run is not None:
            return sources
        zero = np.concatenate([~rows.any(axis=1) for _, rows in blocks(source.table)])
        if source.data is not None:
            zero[source.data.interactions - 1] = False
        unused[len(zero)] = zero & unused.get(len(zero), True)
    return [_kept(s, ~unused[len(s.table)]) for s in sources]


def _kept(source: Source, keep: np.ndarray) -> Source:
    """A source with only these rows."""
    rows = np.flatnonzero(keep)
    lost = len(keep) - len(rows)
    if not lost or len(rows) < 2:
        return source
    reason = "rows of zeros that belong to no interaction" if source.data is not None else "rows of zeros"
    note = f"{lost:,} of {len(keep):,} rows are zeros{' and belong to no interaction' if source.data is not None else ''}: left out."
    if source.account is not None:
        source.account.left_out[reason] = lost
        source.account.read = len(rows)
    new = np.concatenate([[0], np.where(keep, np.cumsum(keep), 0)])
    items = source.items and ItemTable(source.items.frame[keep].set_axis(pd.RangeIndex(1, len(rows) + 1, name="id")))
    data = source.data
    if data is not None:
        moved = {name: new[getattr(data, name)].astype(np.int32) for name in ("train_items", "val", "test")}
        data = replace(data, items=items or ItemTable(data.items.frame[keep].set_axis(pd.RangeIndex(1, len(rows) + 1, name="id"))), **moved)
    return replace(
        source,
        table=source.table[rows],
        kept=rows if source.kept is None else source.kept[rows],
        labels=None if source.labels is None else tuple(source.labels[i] for i in rows),
        notes=(*source.notes, note),
        items=items,
        data=data,
        initial=None if source.initial is None else source.initial[rows],
    )


def _titled(path: Path, source: Source, or_not: bool) -> Source:
    """The source with titles from an item file; without, if ``or_not`` and nothing says yet which row is whose."""
    try:
        return replace(source, **items_of(path, source))
    except DataError:
        if not or_not or source.labels is not None:
            raise
        return source


def _by_the_join(path: Path, plain: Source, titled: Source, joined: Source) -> Source:
    """The source with the titles of the items that the interactions have found, where they found others than the item file alone.

    plain: without titles; titled: with those that the item file alone gives, if any; joined: that one with interactions.
    """
    if titled.items is not None and joined.items is titled.items:
        return joined
    if joined.items is None:  # no join is clear, so that nothing says whose the titles are
        return replace(joined, **items_of(path, plain))
    frame = joined.items.frame
    if titled.items is not None and titled.items.frame["item"].tolist() == plain.names:  # titles of rows, not of ids
        of_row = dict(zip(plain.numbers.tolist(), titled.items.frame["title"], strict=True))
        titles = [of_row.get(number, title) for number, title in zip(joined.numbers.tolist(), frame["title"], strict=True)]
        return _renamed(joined, ItemTable(frame.assign(title=titles)))
    notes = tuple(note for note in joined.notes if note in plain.notes or note not in titled.notes)
    found = items_of(path, replace(joined, labels=tuple(frame["item"]), items=None, notes=notes))
    return replace(_renamed(joined, found["items"]), notes=found["notes"])


def _renamed(source: Source, items: ItemTable) -> Source:
    return replace(source, items=items, data=None if source.data is None else replace(source.data, items=items))


def _key_of(key: str | Mapping[Path, str] | None, path: Path) -> str | None:
    return key if isinstance(key, str | None) else key.get(path)


def _initial(path: Path, key: str | Mapping[Path, str] | None, padding: str, how: Mapping[str, Any]) -> Source:
    """The table before training; a key given for all files is used here only if needed."""
    chosen = None if isinstance(key, str) else _key_of(key, path)
    try:
        return _of_file(path, chosen, padding, path.name, **how)
    except TableDoubt as several:
        if not isinstance(key, str) or several.option != "key" or key not in dict(several.candidates):
            raise
        return _of_file(path, key, padding, path.name, **how)


def _of_run(run: RunFolder) -> list[Source]:
    """All tables of a run folder, with its items and, if available locally, its interactions."""
    tables, items = run.checked_tables(), ItemTable(run.items)
    data, missing = local_data(run)
    notes = (f"Interactions of the run: none. {missing}",) if missing and run.bare_tables is None else ()
    known = {"labels": tuple(items.frame["item"]), "notes": notes, "items": items, "data": data, "padded": True, "own": True}
    first = tables.get("initial")
    return [Source(n, t, run=(run, n), initial=first if n != "initial" else None, **known) for n, t in tables.items()]  # type: ignore[arg-type]


def _in_one_order(sources: list[Source]) -> list[Source]:
    """Tables with the same item ids in different orders, rearranged in the first one's order."""
    first = next((s for s in sources if s.labels is not None), None)
    if first is None or first.labels is None or len(set(first.labels)) < len(first.labels):
        return sources
    return [reordered(s, first.labels) for s in sources]


def named(sources: Sequence[Source]) -> list[str]:
    """Unique names of the tables: stage names if all are from one run, otherwise numbered and prefixed with the run's name."""
    runs = {str(s.run[0].path) for s in sources if s.run}
    if len(runs) == 1 and all(s.run for s in sources):
        return [s.name for s in sources]
    names = [f"{s.run[0].name} {s.name}" if s.run else s.name for s in sources]
    return names if len(names) == 1 else [f"{number} {name}" for number, name in enumerate(names, start=1)]


# -- a folder that opens like a run -----------------------------------------------------------------------------------


def laboratory_problem(sources: Sequence[Source]) -> str | None:
    """Why these tables cannot be compared item by item, as a sentence; None if they can."""
    shapes = {s.table.shape for s in sources}
    if len(shapes) > 1:
        listed = ", ".join(f"'{s.name}' {s.table.shape[0]:,} x {s.table.shape[1]:,}" for s in list(sources)[:6])
        return f"Tables of different shapes cannot share a map: {listed}."
    labels = {s.labels for s in sources if s.labels is not None}
    if len(labels) > 1:
        return "Tables of different items cannot share a map: their item ids differ."
    return None


def import_tables(run: RunFolder, sources: Sequence[Source], judged: Mapping[str, Any] | None = None) -> RunFolder:
    """Write the tables to a new folder that the app opens like a run (maps, spectra, verdicts; with interactions, popularity too).

    judged: the result of ``judging.judge`` for these sources, stored as the folder's diagnosis so that its verdicts need no interactions.
    """
    problem = laboratory_problem(sources)
    if problem is not None:
        raise WeightsError(problem)
    if run.path.exists():
        raise DataError(f"'{run.path}' already exists; choose another name.")
    info = {
        "dataset": {"title": f"{len(sources)} table{'s' * (len(sources) > 1)} from files"},
        "sources": [{"name": s.name, "sha256": s.digest, "notes": list(s.notes)} for s in sources],
    }
    data = next((s.data for s in sources if s.data is not None), None)
    tables = dict(zip(named(sources), (s.table for s in sources), strict=True))
    with run.owned():
        run.create_tables(tables, item_table(sources), info, None if data is None else data.popularity)
        if judged is not None:
            keep_judgment(run, judged, data)
    return run


def keep_judgment(run: RunFolder, judged: Mapping[str, Any], data: SequenceDataset | None) -> None:
    """Store the result of ``judging.judge`` for a folder's tables as its diagnosis. data: the interactions, if there were any."""
    hashes = {"tables_hash": tables_hash(run, run.tables()), "data_hash": None if data is None else data.content_hash}
    write_json(run.path / FILE, {"version": VERSION, **hashes, "tables": judged["tables"], "snapshots": []})


def item_table(sources: Sequence[Source]) -> ItemTable:
    """The item table of sources that share their items: titles if any source has them, else ids, else row numbers."""
    for known in (s.items or (s.data.items if s.data else None) for s in sources):
        if known is not None:
            return known
    return ItemTable.untitled(next((s for s in sources if s.labels is not None), sources[0]).names)
