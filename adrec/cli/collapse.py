"""``adrec collapse``, ``repair`` and ``film``: the verdict on tables, a repaired copy of one, and their history."""

import argparse
import sys
from pathlib import Path
from typing import Any

from adrec.cli.options import command, data_options, own_line, pairs, print_json, show

ORDERS = "appearance, numeric, text, users, time, popularity, gensim, number"


def add(commands: Any) -> None:
    """Add the commands."""
    collapse = command(commands, "collapse", collapse_command, "judge whether tables have collapsed, how, and how surely", as_json=True)
    collapse.add_argument("targets", metavar="RUN_OR_FILE", nargs="+", help="run folders or matrix files, compared in this order")
    collapse.add_argument("--interactions", metavar="NAME_OR_PATH", help="who used what, to decide whether neighbours mean anything")
    data_options(collapse)
    collapse.add_argument("--items", metavar="FILE", help="titles and categories of the items")
    collapse.add_argument("--initial", metavar="FILE", help="the table before training")
    _table_options(collapse)
    collapse.add_argument("--transpose", action=argparse.BooleanOptionalAction, help="whether the columns of the files are the items")
    collapse.add_argument("--report", metavar="FILE", help="write everything as one HTML file")
    collapse.add_argument(
        "--fail-on", metavar="KINDS", help="exit with code 1 on these kinds, by commas; or 'join', 'worse' than the baseline"
    )
    collapse.add_argument("--min-confidence", metavar="X", type=_share, help="on verdicts of at least this confidence only, 0.5 to 1")
    collapse.add_argument("--baseline", metavar="JSON", help="what --json printed before: say what changed by more than chance")

    repair = command(commands, "repair", repair_command, "write a repaired table, and say what it gains and where it hurts", as_json=True)
    repair.add_argument("target", metavar="FILE")
    repair.add_argument(
        "--by",
        metavar="REPAIR",
        action="append",
        required=True,
        help="dequantise, centre, remove-top:K, whiten:DEGREE (0 to 1) or unit; in this order",
    )
    repair.add_argument("--out", metavar="FILE", required=True, help="the repaired table: .npy, or .csv or .tsv with its item ids")
    repair.add_argument("--interactions", metavar="NAME_OR_PATH", help="who used what, to rank held-out items before and after")
    data_options(repair)
    _table_options(repair)

    film = command(commands, "film", film_command, "the film of a run's training, for the Collapse page", as_json=True)
    film.add_argument("run", metavar="DIR")


def _table_options(command: argparse.ArgumentParser) -> None:
    """Add how tables are read and joined."""
    command.add_argument("--key", metavar="NAME", help="which array to read from a file with several")
    command.add_argument("--padding", choices=("auto", "first", "none"), default="auto", help="whether row 0 is padding (default auto)")
    command.add_argument("--table-option", metavar="KEY=VALUE", action="append", default=[], help="how the tables' files are read")
    command.add_argument("--order", metavar="NAME", help="the order of rows without ids, from row N of the file if NAME:N: " + ORDERS)


def _share(text: str) -> float:
    value = float(text)
    if not 0.5 <= value <= 1:
        raise ValueError
    return value


_share.__name__ = "confidence"  # what a wrong value is called


def collapse_command(arguments: argparse.Namespace) -> int:
    from adrec.embeddings.bring import bring
    from adrec.embeddings.gate import changes, failure, read_baseline, rules
    from adrec.embeddings.judging import in_words, judge
    from adrec.embeddings.report import report
    from adrec.errors import ConfigError
    from adrec.files import write_text

    if arguments.min_confidence is not None and arguments.fail_on is None:
        raise ConfigError("The option --min-confidence says which verdicts --fail-on counts, so it needs --fail-on.")
    fail_on = () if arguments.fail_on is None else rules(arguments.fail_on, arguments.baseline is not None)
    before = None if arguments.baseline is None else read_baseline(Path(arguments.baseline))
    how = {name: getattr(arguments, name) for name in ("interactions", "items", "initial", "key", "padding", "order", "transpose")}
    sources = bring(arguments.targets, **how, options=pairs(arguments.data_option), table_options=pairs(arguments.table_option))
    judged = judge(sources)
    if arguments.report:
        text = report(judged, [source.table for source in sources], own_line(arguments))
        write_text(Path(arguments.report), text)
        print(f"The report is '{arguments.report}'.", file=sys.stderr)
    if before is not None:
        judged["changes"] = changes(before, judged["tables"])
    if arguments.json:
        print_json(judged)
    for table in () if arguments.json else judged["tables"]:
        print("\n".join(in_words(table)))
        show(table["measures"], False)
    if before is not None and not arguments.json:
        said = [f"{change['name']}: {change['says']}" for change in judged["changes"]]
        print("\n".join(["Since the baseline:", *(said or ["Nothing changed by more than chance."])]))
    reason = failure(judged["tables"], fail_on, arguments.min_confidence or 0.5, judged.get("changes", ()))
    if reason is None:
        return 0
    print(f"adrec: {reason}", file=sys.stderr)
    return 1


def repair_command(arguments: argparse.Namespace) -> None:
    from adrec.collapse.verdict import sure
    from adrec.embeddings.bring import bring
    from adrec.embeddings.files import read_table
    from adrec.embeddings.repairing import check_out, repair, write
    from adrec.errors import ConfigError

    target, out = Path(arguments.target), Path(arguments.out)
    if target.is_dir():
        raise ConfigError(f"'{target}' is a folder; expected a file with one table.")
    options = pairs(arguments.table_option)
    found = read_table(target, arguments.key, arguments.padding, options)
    check_out(found, out)
    how = {name: getattr(arguments, name) for name in ("interactions", "key", "padding", "order")}
    (source,) = bring([target], **how, options=pairs(arguments.data_option), table_options=options)
    judged = {"out": str(out), **repair(source, arguments.by)}
    write(found, arguments.by, out)
    if arguments.json:
        print_json(judged)
        return
    for table in judged["tables"]:
        verdict = table["verdict"]
        print(f"{table['name']}: {verdict['kind']}, {sure(verdict)}. {verdict['says']}")
    if judged["ranking"] is not None:
        ranking = judged["ranking"]
        print(f"HR@10 on held-out items: {ranking['before']:.4f} before, {ranking['after']:.4f} after (p = {ranking['chance']:.2g}).")
    else:
        print("Whether it ranks better or worse is open: add interactions whose items can be matched to the rows.")
    for word in ("gains", "hurts"):
        if judged[word]:
            print(f"{word.capitalize()}: {' '.join(judged[word])}")
    print(f"The repaired table is '{out}'.")


def film_command(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from adrec.collapse.film import MEASURES, film
    from adrec.runs import RunFolder

    with tqdm(total=1.0, bar_format="{percentage:3.0f} % {desc}", file=sys.stderr) as bar:

        def progress(fraction: float, words: str) -> None:
            bar.set_description_str(words, refresh=False)
            bar.update(fraction - bar.n)

        made = film(RunFolder(arguments.run), progress)
    places = zip(made.stages.tolist(), made.epochs.tolist(), made.measures.tolist(), strict=True)
    frames = [
        {"stage": stage, "epoch": epoch} | {name: None if value != value else value for name, value in zip(MEASURES, row, strict=True)}
        for stage, epoch, row in places
    ]
    if arguments.json:
        print_json({"frames": frames, "items": len(made.rows)})
        return
    for frame in frames:
        print(f"{frame['stage']:>9} {frame['epoch']:4}  effective rank {frame['effective_rank']:6.1f}  spikes {frame['spikes']:.0f}")
