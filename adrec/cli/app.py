"""``adrec app``: the app in the browser, served by this process."""

import argparse
import os
import runpy
import signal
import sys
from typing import Any

from adrec.cli.options import command
from adrec.errors import ConfigError
from adrec.folders import app_folder

MODE = "ADREC_MODE"
"""The environment variable that hands the mode to the app; a hosting service that starts Streamlit by itself sets it too."""
MODES = {
    "own": "one person on this machine, everything on",
    "public": "strangers: no training, no paths of this machine, limits on what one visitor may use",
    "classroom": "as public, and a class follows its presenter",
}


def add(commands: Any) -> None:
    """Its options."""
    app = command(commands, "app", app_command, "open the app in the browser; Ctrl-C ends it")
    app.add_argument("--port", type=int, default=8501, metavar="N", help="port to serve on (default 8501)")
    modes = app.add_mutually_exclusive_group()
    for name in ("public", "classroom"):
        modes.add_argument(f"--{name}", dest="mode", action="store_const", const=name, help=MODES[name])
    app.add_argument("--no-browser", action="store_true", help="serve without opening a browser")


def app_command(arguments: argparse.Namespace) -> None:
    if not 0 < arguments.port < 2**16:
        raise ConfigError(f"The port is {arguments.port}; it must be an integer from 1 to {2**16 - 1}.")
    if arguments.mode is not None:
        os.environ[MODE] = arguments.mode
    headless = str(arguments.no_browser).lower()
    options = ["--server.port", str(arguments.port), "--server.headless", headless]
    print(f"ADRec Explorer: http://localhost:{arguments.port} (Ctrl-C ends it)", flush=True)  # Streamlit's own message is off
    sys.argv = ["streamlit", "run", str(app_folder() / "app" / "main.py"), *options]
    signal.signal(signal.SIGINT, lambda *_: sys.exit())  # the server raises Ctrl-C again once it has stopped; that is no failure
    runpy.run_module("streamlit", run_name="__main__")  # by name: the library imports no Streamlit
