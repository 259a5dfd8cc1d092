"""``adrec verify`` and ``bench``: whether the numbers are right, how fast they are computed, and how the app bears many viewers."""

import argparse
import importlib
import signal
import sys
from pathlib import Path
from typing import Any

from adrec.cli.options import command, print_json
from adrec.errors import ConfigError
from adrec.folders import app_folder

PAGES = ("mix", "denoising", "collapse", "learn", "train")
MOST_VIEWERS = 1000
LONGEST = 24 * 3600


def add(commands: Any) -> None:
    """Add the commands."""
    verify = command(commands, "verify", verify_command, "replay numbers recorded from the official code", as_json=True)
    verify.add_argument("folder", metavar="DIR")

    bench = command(commands, "bench", bench_command, "measure speed and memory against the plain padded method", as_json=True)
    bench.add_argument("--dataset", action="append", metavar="NAME_OR_PATH", help="may be repeated (default: ml-100k and synthetic)")
    bench.add_argument("--quick", action="store_true", help="the synthetic data set and few repetitions: under a minute")
    bench.add_argument("--growth", action="store_true", help="instead: how time and memory grow with users, length, items and width")
    bench.add_argument("--threads", type=int, metavar="N", help="torch's threads (default: its own choice; 1 with --growth)")
    _add_app(bench.add_subparsers(metavar="app"))


def _add_app(commands: Any) -> None:
    app = command(commands, "app", bench_app_command, "measure the app under many viewers at once, over the websocket", as_json=True)
    app.add_argument("--viewers", default="1,10,25,50,100", metavar="N,N,...", help="how many at once, rising (default 1,10,25,50,100)")
    app.add_argument("--seconds", type=float, default=60.0, metavar="S", help="how long they choose, for each number (default 60)")
    app.add_argument("--page", choices=PAGES, default="mix", help="the page they look at (default: denoising, collapse, learn in turn)")
    app.add_argument("--stay", type=float, metavar="S", help="a viewer leaves after about this long, and another comes (default: all stay)")
    app.add_argument("--seed", type=int, default=0, metavar="N", help="of their choices (default 0)")
    app.add_argument("--log", type=Path, metavar="FILE", help="write speed, memory and file handles to this CSV file every minute")
    app.add_argument("--after", type=float, default=0.0, metavar="S", help="go on writing for so long after all have left (default 0)")
    app.add_argument("--url", help="a running server on this machine (default: one is started)")
    app.add_argument("--against", type=Path, metavar="CHECKOUT", help="measure the server of this checkout too, in turn")


def verify_command(arguments: argparse.Namespace) -> int:
    from adrec.official.verify import verify_folder

    report = verify_folder(arguments.folder)
    if arguments.json:
        print_json(report)
    else:
        for name, errors in report.items():
            print(f"{name:>24}  {max(errors.values()):.2e}" if isinstance(errors, dict) else f"{name:>24}  {errors}")
    return 0 if report["ok"] else 1


def bench_command(arguments: argparse.Namespace) -> None:
    from adrec import bench
    from adrec.bench import growth, table

    if arguments.growth:
        if arguments.dataset or arguments.quick:
            raise ConfigError("The option --growth cannot be combined with --dataset or --quick: it generates data of many sizes.")
        report = growth.run(threads=1 if arguments.threads is None else arguments.threads)
    else:
        sources = arguments.dataset or (["synthetic"] if arguments.quick else bench.DEFAULT_SOURCES)
        report = bench.run(sources, quick=arguments.quick, threads=arguments.threads)
    if arguments.json:
        print_json(report)
    else:
        print("\n".join(table.lines(report)))


def bench_app_command(arguments: argparse.Namespace) -> None:
    words = arguments.viewers.split(",")
    viewers = tuple(int(word) for word in words if word.strip().isdecimal())
    if len(viewers) != len(words) or list(viewers) != sorted(set(viewers)) or not 0 < viewers[0] <= viewers[-1] <= MOST_VIEWERS:
        said = f"it must be rising integers from 1 to {MOST_VIEWERS}, such as 1,10,25"
        raise ConfigError(f"The option --viewers is '{arguments.viewers}'; {said}.")
    for name in ("seconds", "stay", "after"):
        value = getattr(arguments, name)
        if value is not None and not (0 if name == "after" else 1) <= value <= LONGEST:
            least = 0 if name == "after" else 1
            raise ConfigError(f"The option --{name} is {value:g}; it must be seconds, at least {least} and at most {LONGEST}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with this
    sys.path.insert(0, str(app_folder()))
    measure = importlib.import_module("app.load.measure")  # by name: the library imports no Streamlit
    load = measure.Load(
        viewers=viewers,
        seconds=arguments.seconds,
        page=arguments.page,
        stay=arguments.stay,
        seed=arguments.seed,
        log=arguments.log,
        after=arguments.after,
    )
    report = measure.run(load, arguments.url, arguments.against)
    if arguments.json:
        print_json(report)
    else:
        print("\n".join(measure.lines(report)))
