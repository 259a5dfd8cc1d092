"""``adrec lesson``: the lesson as one file, and the teacher's page."""

import argparse
from pathlib import Path
from typing import Any

from adrec.cli.options import command
from adrec.errors import ConfigError


def add(commands: Any) -> None:
    """Its options."""
    lesson = command(commands, "lesson", lesson_command, "write the lesson as one HTML file that works offline")
    lesson.add_argument("--out", metavar="FILE", help="the lesson")
    lesson.add_argument("--teacher", metavar="FILE", help="goals, questions with answers and exercises for whoever teaches it")
    lesson.add_argument("--base", metavar="ADDRESS", help="address of an app, to which the doors to the laboratory then lead")
    lesson.add_argument("--runs", metavar="DIR", help="make the content anew from the runs of this folder")


def lesson_command(arguments: argparse.Namespace) -> None:
    from adrec.files import write_text
    from adrec.lesson import export, setup
    from adrec.lesson.content import content

    base = None if arguments.base is None else arguments.base.rstrip("/")
    if base is not None and not base.startswith(("http://", "https://")):
        raise ConfigError(f"The address is '{base}'; it must begin with http:// or https://.")
    if arguments.out is None and arguments.teacher is None:
        raise ConfigError("Nothing to write: give --out, --teacher or both.")
    written = {}
    if arguments.out is not None:
        made = setup.bundled() if arguments.runs is None else content(Path(arguments.runs))
        written[arguments.out] = export.page(made, base)
    if arguments.teacher is not None:
        written[arguments.teacher] = export.teacher(base)
    for path, text in written.items():
        write_text(Path(path), text)
        print(f"Written to '{path}'.")
