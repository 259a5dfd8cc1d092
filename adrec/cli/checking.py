"""``adrec verify`` and ``bench``: whether the numbers are right, and how fast they are computed."""

import argparse
from typing import Any

from adrec.cli.options import command, print_json
from adrec.errors import ConfigError


def add(commands: Any) -> None:
    """Add the commands."""
    verify = command(commands, "verify", verify_command, "replay numbers recorded from the official code", as_json=True)
    verify.add_argument("folder", metavar="DIR")

    bench = command(commands, "bench", bench_command, "measure speed and memory against the plain padded method", as_json=True)
    bench.add_argument("--dataset", action="append", metavar="NAME_OR_PATH", help="may be repeated (default: ml-100k and synthetic)")
    bench.add_argument("--quick", action="store_true", help="the synthetic data set and few repetitions: under a minute")
    bench.add_argument("--growth", action="store_true", help="instead: how time and memory grow with users, length, items and width")
    bench.add_argument("--threads", type=int, metavar="N", help="torch's threads (default: its own choice; 1 with --growth)")


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
