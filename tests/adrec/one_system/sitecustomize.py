"""Put this folder on PYTHONPATH, and the project's code in a process and its children lacks what one operating system alone has.

The modules are refused to the project alone: libraries choose theirs by the system they are on (psutil's part for Linux needs
``resource``). Functions and signals are taken away from everybody. Each process adds its command line to the file that BLOCKED names.
"""

import builtins
import json
import os
import signal
import sys

from lacking import FUNCTIONS, MODULES, SIGNALS

real = builtins.__import__


def refusing(name, globals=None, locals=None, fromlist=(), level=0):
    """Imports what every system has; what a library has loaded already is refused too."""
    asks = (globals or {}).get("__name__", "").partition(".")[0]
    if level == 0 and name.partition(".")[0] in MODULES and asks in ("adrec", "app", "pages", "__main__"):
        raise ModuleNotFoundError(f"No module named '{name}' on this system", name=name)
    return real(name, globals, locals, fromlist, level)


builtins.__import__ = refusing
for name in FUNCTIONS:
    delattr(os, name)
for name in [n for n in dir(signal) if n.startswith("SIG") and n not in SIGNALS | {"SIG_DFL", "SIG_IGN"}]:
    if name != "SIGKILL":  # which psutil sends
        delattr(signal, name)
with open(os.environ["BLOCKED"], "a", encoding="utf-8") as file:
    file.write(json.dumps(sys.orig_argv) + "\n")
