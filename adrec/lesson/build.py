"""Builds the lesson's content: ``python -m adrec.lesson.build RUNS OUT`` writes OUT/content.bin."""

import sys
from pathlib import Path

from adrec.files import atomic
from adrec.lesson.content import content


def build(runs: Path, out: Path) -> None:
    """Write the content made from the runs of a folder."""
    made = content(runs)
    out.mkdir(parents=True, exist_ok=True)
    with atomic(out / "content.bin", "wb") as file:
        file.write(made)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
