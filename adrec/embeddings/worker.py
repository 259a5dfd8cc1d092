"""Judges uploaded files in a separate process (``python -m adrec.embeddings.worker FOLDER``), which may be killed at any time.

FOLDER/request.json holds the arguments of ``bring``, with paths inside FOLDER. As soon as the files are read, or one of them could not be,
FOLDER/read.json holds the account of each one that was, by its path. FOLDER/answer.json becomes one of ``{"judged", "problem"}``, with the
report in ``report.html``, the rows of each plain fact in ``facts/`` and, unless there is a problem, the folder ``laboratory`` that opens
like a run; ``{"question"}``, a doubt as ``Doubt.as_dict`` gives it; or ``{"error"}``, a sentence.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adrec.collapse.facts import Fact
from adrec.embeddings.bring import bring, import_tables, laboratory_problem
from adrec.embeddings.judging import check_cost, judge, rows_of
from adrec.embeddings.report import report
from adrec.embeddings.source import Source
from adrec.errors import AdrecError
from adrec.files import csv_for_people, read_json, write_json
from adrec.reading.account import Account, Doubt
from adrec.runs import RunFolder
from adrec.system import end_with_parent

REQUEST, READ, ANSWER, REPORT, LABORATORY = "request.json", "read.json", "answer.json", "report.html", "laboratory"
FACTS = "facts"


def facts_file(folder: Path, number: int, code: str) -> Path:
    """The rows that a plain fact about this table is about."""
    return folder / FACTS / f"{number}-{code}.csv"


def answer(folder: Path) -> dict[str, Any]:
    """The contents of answer.json. Also writes the accounts, the report and the laboratory."""
    request = read_json(folder / REQUEST)
    shutil.rmtree(folder / LABORATORY, ignore_errors=True)  # of a process that was ended
    paths = [*request["targets"], *(request[kind] for kind in ("interactions", "items", "initial") if request[kind])]
    try:
        sources = _brought(folder, request, paths)
        check_cost(sources)
        judged = _named(judge(sources, on_facts=lambda number, found: _write_rows(folder, number, sources[number], found)), paths)
    except Doubt as doubt:
        return {"question": _named(doubt.as_dict(), paths) | {"path": doubt.path}}
    except AdrecError as error:
        return {"error": _named(str(error), paths)}
    (folder / REPORT).write_text(report(judged, [s.table for s in sources]), encoding="utf-8")
    problem = laboratory_problem(sources)
    if problem is None:
        import_tables(RunFolder(folder / LABORATORY), sources, judged)
    return {"judged": judged, "problem": problem}


def _brought(folder: Path, request: dict[str, Any], paths: list[str]) -> list[Source]:
    """The tables, and the accounts of what was read in read.json."""
    read: dict[Path, Account] = {}
    by_path = {option: {Path(path): value for path, value in request[option].items()} for option in ("key", "table_options")}
    try:
        return bring(request.pop("targets"), **request | by_path, on_read=read.__setitem__)
    finally:
        write_json(folder / READ, {str(path): _named(account.as_dict(), paths) for path, account in read.items()})


def _write_rows(folder: Path, number: int, source: Source, found: Sequence[Fact]) -> None:
    for fact in found:
        rows = rows_of(fact, source)
        if rows is not None:
            path = facts_file(folder, number, fact.code)
            path.parent.mkdir(exist_ok=True)
            path.write_text(csv_for_people(rows), encoding="utf-8")


def _named(value: Any, paths: list[str]) -> Any:
    """JSON without the temporary folder, which means nothing to people: files by their names."""
    if isinstance(value, dict):
        return {key: _named(part, paths) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_named(part, paths) for part in value]
    if isinstance(value, str):
        for path in paths:
            value = value.replace(path, Path(path).name)
    return value


def main() -> None:
    """Answer the request in the folder given on the command line."""
    end_with_parent()
    folder = Path(sys.argv[1])
    write_json(folder / ANSWER, answer(folder))


if __name__ == "__main__":
    main()
