"""``adrec data``: list, get, describe, prepare."""

import argparse
import sys
from typing import Any

from adrec.cli.options import command, data_options, pairs, show, show_entries, tell


def add(commands: Any) -> None:
    """Add the commands."""
    data = commands.add_parser("data", help="named data sets and readable files").add_subparsers(required=True, metavar="COMMAND")
    command(data, "list", data_list_command, "list the named data sets", as_json=True)
    command(data, "get", data_get_command, "download a named data set for offline use").add_argument("name", metavar="NAME")
    describe = command(data, "describe", data_describe_command, "count users, items and interactions of a data set", as_json=True)
    describe.add_argument("source", metavar="NAME_OR_PATH")
    data_options(describe)
    prepare = command(data, "prepare", data_prepare_command, "filter and split a data set once, into a folder that opens instantly")
    prepare.add_argument("source", metavar="NAME_OR_PATH")
    prepare.add_argument("--out", required=True, metavar="DIR", help="the folder to write; it must not exist or must be empty")
    data_options(prepare)


def data_list_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog
    from adrec.data.named import DATASETS

    words = ("title", "description", "source", "licence")
    found = {name: {**{w: getattr(entry, w) for w in words}, "available": catalog.available(name)} for name, entry in DATASETS.items()}
    show_entries(found, arguments.json)


def data_get_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog

    catalog.fetch(arguments.name)
    print(f"'{arguments.name}' is there.", file=sys.stderr)


def data_describe_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog
    from adrec.data.card import card, sentences

    data = catalog.load(arguments.source, **pairs(arguments.data_option))
    found, told = data.describe(), card(data)
    if not arguments.json:
        tell(data)
        del found["account"]
    show({**found, "card": told} if arguments.json else found, arguments.json)
    if not arguments.json:
        print("\n".join(sentences(told)))


def data_prepare_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog

    data = catalog.prepare(arguments.source, arguments.out, **pairs(arguments.data_option))
    tell(data)
    counts = f"{data.n_users:,} users, {data.n_items:,} items, {data.n_interactions:,} interactions"
    print(f"Prepared into '{arguments.out}': {counts}.", file=sys.stderr)
