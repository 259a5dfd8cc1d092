"""Brought files judged in a process of their own (``python -m adrec.embeddings.worker FOLDER``), which may be ended at any time.

FOLDER/request.json holds the arguments of ``bring``, its paths inside FOLDER. FOLDER/answer.json becomes one of ``{"judged", "problem"}``
with the report in ``report.html`` and, where nothing forbids it, the folder ``laboratory`` that opens like a run;
``{"question": {"path", "candidates"}}``, a file that holds several matrices; or ``{"error"}``, a sentence.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any

from adrec.embeddings.bring import bring, import_tables, laboratory_problem
from adrec.embeddings.files import AmbiguousTable
from adrec.embeddings.judging import check_cost, judge
from adrec.embeddings.report import report
from adrec.errors import AdrecError
from adrec.files import read_json, write_json
from adrec.runs import RunFolder

REQUEST, ANSWER, REPORT, LABORATORY = "request.json", "answer.json", "report.html", "laboratory"


def answer(folder: Path) -> dict[str, Any]:
    """What is to be written into answer.json; report and laboratory are written here."""
    request = read_json(folder / REQUEST)
    request["key"] = {Path(path): name for path, name in request["key"].items()}
    paths = [*request["targets"], *(request[kind] for kind in ("interactions", "items", "initial") if request[kind])]
    try:
        sources = bring(request.pop("targets"), **request)
        check_cost(sources)
        judged = judge(sources)
    except AmbiguousTable as error:
        return {"question": {"path": str(error.path), "candidates": error.candidates}}
    except AdrecError as error:
        sentence = str(error)
        for path in paths:  # nobody knows the temporary folder
            sentence = sentence.replace(path, Path(path).name)
        return {"error": sentence}
    (folder / REPORT).write_text(report(judged, [s.table for s in sources]), encoding="utf-8")
    problem = laboratory_problem(sources)
    if problem is None:
        import_tables(RunFolder(folder / LABORATORY), sources, judged)
    return {"judged": judged, "problem": problem}


def _end_with_the_other() -> None:
    """End this process when the one that started it closes the pipe, or is gone."""
    while os.read(sys.stdin.fileno(), 1):  # sys.stdin itself would hold a lock that the end of Python waits for
        pass
    os._exit(1)


def main() -> None:
    """Answer what the folder on the command line asks."""
    threading.Thread(target=_end_with_the_other, daemon=True).start()
    folder = Path(sys.argv[1])
    write_json(folder / ANSWER, answer(folder))


if __name__ == "__main__":
    main()
