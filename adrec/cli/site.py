"""``adrec site``: the lesson and the bundled laboratory as a folder of static pages."""

import argparse
from pathlib import Path
from typing import Any

from adrec.cli.options import command


def add(commands: Any) -> None:
    """Its options."""
    site = command(commands, "site", site_command, "write the lesson and the laboratory as a folder of pages for any static web space")
    site.add_argument("run", nargs="?", metavar="RUN", help="a run folder: Collapse and Denoising of that run alone")
    site.add_argument("--out", metavar="DIR", required=True, help="the folder, new or an earlier site")


def site_command(arguments: argparse.Namespace) -> None:
    from adrec.site.build import of_run, site
    from adrec.site.folder import check

    check(Path(arguments.out))  # before the seconds that building takes
    made, missing = (site(), "") if arguments.run is None else of_run(Path(arguments.run))
    made.write(Path(arguments.out))
    if missing:
        print(missing)
    size = sum(map(len, made.files.values()))
    print(f"Written to '{arguments.out}': {len(made.files)} files, {size / 1e6:.1f} MB. Any web server can serve it; to try it:")
    print(f"python -m http.server --directory {arguments.out}")
