"""``adrec app``: the app in the browser, served by this process."""

import argparse
import ipaddress
import os
import re
import runpy
import signal
import sys
from collections.abc import Sequence
from typing import Any

from adrec.cli.options import command
from adrec.errors import ConfigError
from adrec.folders import app_folder
from adrec.system import own_address

MODE = "ADREC_MODE"
"""The environment variable that hands the mode to the app; a hosting service that starts Streamlit by itself sets it too."""
MODES = {
    "own": "one person on this machine, everything on",
    "public": "strangers: no training, no paths of this machine, limits on what one visitor may use",
    "classroom": "as public, and a class in this machine's network follows its presenter",
}
STOP_TRAININGS = "ADREC_STOP_TRAININGS"
"""The environment variable that says that trainings must not outlive the server."""
LOCAL = ("localhost", "127.0.0.1", "::1")
"""The names by which this machine may always be asked; health checks use them."""
NAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.I)
BASE_PATH = re.compile(r"(/[\w~-][\w.~-]*)*/?", re.A)


def add(commands: Any) -> None:
    """Its options."""
    app = command(commands, "app", app_command, "open the app in the browser; Ctrl-C ends it")
    app.add_argument("--port", type=int, default=8501, metavar="N", help="port to serve on (default 8501)")
    app.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="a public name or address that visitors use; opens the port to the network, repeatable",
    )
    app.add_argument("--base-path", default="", metavar="/PATH", help="path below which a proxy serves the app")
    modes = app.add_mutually_exclusive_group()
    for name in ("public", "classroom"):
        modes.add_argument(f"--{name}", dest="mode", action="store_const", const=name, help=MODES[name])
    app.add_argument("--stop-trainings", action="store_true", help="let trainings checkpoint and end with the server, as a container needs")
    app.add_argument("--no-browser", action="store_true", help="serve without opening a browser")


def app_command(arguments: argparse.Namespace) -> None:
    if arguments.mode == "classroom" and not arguments.host and (found := own_address()):
        arguments.host = [found]  # a class comes from the network; --host localhost rehearses alone
    options = serving(arguments.port, arguments.host, arguments.base_path)
    if arguments.mode is not None:
        os.environ[MODE] = arguments.mode
    if arguments.stop_trainings:
        os.environ[STOP_TRAININGS] = "1"
    headless = str(arguments.no_browser).lower()
    address = f"http://localhost:{arguments.port}{arguments.base_path.rstrip('/')}"
    print(f"ADRec Explorer: {address} (Ctrl-C ends it)", flush=True)  # Streamlit's own message is off
    if opened(arguments.host) and os.environ.get(MODE, "own") == "own":
        print("Whoever reaches this port can train here and read this machine's runs; --public is for strangers.", file=sys.stderr)
    sys.argv = ["streamlit", "run", str(app_folder() / "app" / "main.py"), *options, "--server.headless", headless]
    signal.signal(signal.SIGINT, lambda *_: sys.exit())  # the server raises Ctrl-C again once it has stopped; that is no failure
    runpy.run_module("streamlit", run_name="__main__")  # by name: the library imports no Streamlit


def opened(hosts: Sequence[str]) -> bool:
    """Whether one of these names is for visitors from the network."""
    return any(host.lower() not in LOCAL for host in hosts)


def serving(port: int, hosts: Sequence[str], base_path: str) -> list[str]:
    """Streamlit's options for this port, these public names and this path; a ConfigError if one is malformed."""
    if not 0 < port < 2**16:
        raise ConfigError(f"The port is {port}; it must be an integer from 1 to {2**16 - 1}.")
    if not BASE_PATH.fullmatch(base_path):
        raise ConfigError(
            f"The base path is '{base_path}'; expected one such as /demo: letters, digits, '.', '-', '_' and '~' after each '/'."
        )
    options = {"server.port": str(port), "server.baseUrlPath": base_path.strip("/")}
    addresses = [address for host in hosts if (address := _address(host)) is not None]
    if opened(hosts):
        options["server.address"] = "::" if any(address.version == 6 for address in addresses) else "0.0.0.0"
    named = next((host for host in hosts if not host.startswith("*")), None)
    if named is not None:
        options["browser.serverAddress"] = named
    allowed = [part for host in dict.fromkeys((*LOCAL, *hosts)) for part in ("--server.allowedHosts", host)]
    return [part for name, value in options.items() for part in (f"--{name}", value)] + allowed


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that the name is, None if it is a domain's name; a ConfigError if it is neither."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        if NAME.fullmatch(host) and len(host) <= 253 and not re.fullmatch(r"[\d.]+", host):
            return None
    expected = "a name such as demo.example.org, *.example.org, or an IP address, without scheme, port and path"
    raise ConfigError(f"The host is '{host}'; expected {expected}.")
