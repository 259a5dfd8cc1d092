"""``adrec lesson``: the lesson as one file."""

import argparse
from pathlib import Path
from typing import Any

from adrec.cli.options import command


def add(commands: Any) -> None:
    """Its options."""
    lesson = command(commands, "lesson", lesson_command, "write the lesson as one HTML file that works offline")
    lesson.add_argument("--out", required=True, metavar="FILE", help="the file to write")
    lesson.add_argument("--base", metavar="ADDRESS", help="address of an app, to which the doors to the laboratory then lead")
    lesson.add_argument("--runs", metavar="DIR", help="make the content anew from the runs of this folder")


def lesson_command(arguments: argparse.Namespace) -> None:
    from adrec.files import atomic
    from adrec.lesson import export, setup
    from adrec.lesson.content import content

    made = setup.bundled() if arguments.runs is None else content(Path(arguments.runs))
    with atomic(Path(arguments.out), "w") as file:
        file.write(export.page(made, arguments.base))
    print(f"Written to '{arguments.out}'.")
