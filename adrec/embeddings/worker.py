"""Judges uploaded files in a separate process (``python -m adrec.embeddings.worker FOLDER``), which may be killed at any time.

FOLDER/request.json holds the arguments of ``bring``, with paths inside FOLDER. FOLDER/answer.json becomes one of ``{"judged", "problem"}``,
with the report in ``report.html`` and, unless there is a problem, the folder ``laboratory`` that opens like a run;
``{"question": {"path", "candidates"}}`` for a file with several matrices; or ``{"error"}``, a sentence.
"""

import sys
from pathlib import Path
from typing import Any

from adrec.embeddings.bring import bring, import_tables, laboratory_problem
from adrec.embeddings.files import AmbiguousTable
from adrec.embeddings.judging import check_cost, judge
from adrec.embeddings.report import report
from adrec.errors import AdrecError
from adrec.files import read_json, write_json
from adrec.runs import RunFolder
from adrec.system import end_with_parent

REQUEST, ANSWER, REPORT, LABORATORY = "request.json", "answer.json", "report.html", "laboratory"


def answer(folder: Path) -> dict[str, Any]:
    """The contents of answer.json. Also writes the report and the laboratory."""
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
        for path in paths:  # the temporary folder means nothing to people
            sentence = sentence.replace(path, Path(path).name)
        return {"error": sentence}
    (folder / REPORT).write_text(report(judged, [s.table for s in sources]), encoding="utf-8")
    problem = laboratory_problem(sources)
    if problem is None:
        import_tables(RunFolder(folder / LABORATORY), sources, judged)
    return {"judged": judged, "problem": problem}


def main() -> None:
    """Answer the request in the folder given on the command line."""
    end_with_parent()
    folder = Path(sys.argv[1])
    write_json(folder / ANSWER, answer(folder))


if __name__ == "__main__":
    main()
