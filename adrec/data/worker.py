"""Reads a data set in a separate process (``python -m adrec.data.worker FOLDER``), which may be killed at any time.

FOLDER/request.json holds ``{"source", "options"}``. FOLDER/answer.json becomes ``{"account", "card", "columns"}``, with the columns that
options may name; ``{"question"}``, a doubt as ``Doubt.as_dict`` gives it; or ``{"error", "columns", "head"}``, a sentence beside the
columns and the first rows.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adrec.data import catalog, prepared
from adrec.data.card import card
from adrec.data.dataset import SequenceDataset
from adrec.errors import AdrecError
from adrec.files import read_json, write_json
from adrec.reading.account import Account, Doubt
from adrec.reading.rows import open_rows
from adrec.reading.text import HOW
from adrec.system import end_with_parent

REQUEST, ANSWER = "request.json", "answer.json"


def answer(source: str, options: Mapping[str, str]) -> dict[str, Any]:
    """The contents of answer.json."""
    try:
        data = catalog.load(source, **options)
    except Doubt as doubt:
        return {"question": doubt.as_dict()}
    except AdrecError as error:
        return {"error": str(error), **_first_rows(source, options)}
    account = _account(source, data)
    columns = [] if prepared.is_prepared(Path(source)) else account.columns
    return {"account": account.as_dict(), "card": card(data), "columns": columns}


def _account(source: str, data: SequenceDataset) -> Account:
    """The account of a data set; of data that are already split, their size."""
    if data.account is not None:
        return Account.from_dict(dict(data.account))
    rows = data.n_interactions
    return Account(source, "data that are already split", rows=rows, read=rows, users=data.n_users, items=data.n_items)


def _first_rows(source: str, options: Mapping[str, str]) -> dict[str, Any]:
    """The columns and the first rows of a file that could not be read to its end; empty if it cannot be opened either."""
    try:
        with open_rows(source, None, **{name: options.get(name) for name in HOW}) as rows:
            return {"columns": rows.names, "head": rows.account.head}
    except AdrecError:
        return {"columns": [], "head": []}


def main() -> None:
    """Answer the request in the folder given on the command line."""
    end_with_parent()
    folder = Path(sys.argv[1])
    write_json(folder / ANSWER, answer(**read_json(folder / REQUEST)))


if __name__ == "__main__":
    main()
