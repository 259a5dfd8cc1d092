"""Options and output that several commands share."""

import argparse
import json
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adrec.errors import ConfigError

if TYPE_CHECKING:
    from adrec.data.dataset import SequenceDataset


def command(commands: Any, name: str, run: Any, text: str, as_json: bool = False) -> argparse.ArgumentParser:
    """Add a command's parser. run: called with the arguments; text: what it does, in lower case; as_json: whether to add ``--json``."""
    added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    added.set_defaults(command=run)
    if as_json:
        added.add_argument("--json", action="store_true", help="print one JSON object")
    return added


def data_options(command: argparse.ArgumentParser) -> None:
    """Add ``--data-option``: how to read the data."""
    command.add_argument(
        "--data-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="how to read the data: user, item, time, rating, title, category, event (column names), items (item file), min_rating, "
        "k_core, split, events, missing, repeats, drop_users, dates, unit, separator, header, quotes, layout",
    )


def device_option(command: argparse.ArgumentParser) -> None:
    """Add ``--device``: where torch computes."""
    command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto (default): a GPU if there is one")


def own_line(arguments: argparse.Namespace) -> str:
    """The command line that is running, as others can repeat it."""
    return shlex.join(["python", "-m", "adrec", *arguments.words])


def print_json(result: Any) -> None:
    """Print a result as the one JSON object that ``--json`` promises."""
    print(json.dumps(result, ensure_ascii=False))


def tell(data: "SequenceDataset") -> None:
    """Print the account of the file that a data set was read from, if it came from one."""
    from adrec.reading.account import Account

    if data.account is not None:
        for sentence in Account.from_dict(dict(data.account)).sentences():
            print(sentence, file=sys.stderr)


def show(result: dict[str, Any], as_json: bool) -> None:
    """Print a result as one JSON object or as lines."""
    if as_json:
        print_json(result)
        return
    for key, value in result.items():
        print(f"{key:>18}  {value:.5f}" if isinstance(value, float) else f"{key:>18}  {value}")


def show_entries(entries: Mapping[str, Mapping[str, Any]], as_json: bool) -> None:
    """Print registered entries by name, as one JSON object or one paragraph each."""
    if as_json:
        print_json(entries)
        return
    for name, entry in entries.items():
        print(name)
        for key, value in entry.items():
            print(f"  {key:<11} {', '.join(map(str, value)) if isinstance(value, list) else value}")


def pairs(texts: list[str]) -> dict[str, str]:
    """Parse ``key=value`` texts into a dict; a ConfigError names a malformed one."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"'{text}' must have the form key=value.")
        pairs[key.strip()] = value.strip()
    return pairs


def with_dataset(info: dict[str, Any], source: str | None) -> dict[str, Any]:
    """run.json with the data set read from another source, if one is given."""
    return info if source is None else {**info, "dataset": {**info.get("dataset", {}), "name": source}}
