"""``adrec app``: the app in the browser, served by this process."""

import argparse
import runpy
import signal
import sys
from typing import Any

from adrec.cli.options import command
from adrec.errors import ConfigError
from adrec.folders import app_folder


def add(commands: Any) -> None:
    """Its options."""
    app = command(commands, "app", app_command, "open the app in the browser; Ctrl-C ends it")
    app.add_argument("--port", type=int, default=8501, metavar="N", help="port to serve on (default 8501)")
    app.add_argument("--no-browser", action="store_true", help="serve without opening a browser")


def app_command(arguments: argparse.Namespace) -> None:
    if not 0 < arguments.port < 2**16:
        raise ConfigError(f"The port is {arguments.port}; it must be an integer from 1 to {2**16 - 1}.")
    headless = str(arguments.no_browser).lower()
    options = ["--server.port", str(arguments.port), "--server.headless", headless]
    print(f"ADRec Explorer: http://localhost:{arguments.port} (Ctrl-C ends it)", flush=True)  # Streamlit's own message is off
    sys.argv = ["streamlit", "run", str(app_folder() / "app" / "main.py"), *options]
    signal.signal(signal.SIGINT, lambda *_: sys.exit())  # the server raises Ctrl-C again once it has stopped; that is no failure
    runpy.run_module("streamlit", run_name="__main__")  # by name: the library imports no Streamlit
