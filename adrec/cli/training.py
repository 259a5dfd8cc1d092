"""``adrec train``, ``evaluate``, ``import-official`` and ``compact``: commands that write run folders and evaluate them."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adrec.cli.options import command, data_options, device_option, own_line, pairs, show, tell, with_dataset
from adrec.errors import ConfigError

if TYPE_CHECKING:
    from adrec.training.estimate import Needs

SEVERAL_PROCESSES = """\
Several processes, on one machine or many, train one run when torchrun starts them, with the same result as one process:

  OMP_NUM_THREADS=4 torchrun --nproc_per_node=2 -m -- adrec train --dataset ml-1m --run runs/a

The '--' keeps torchrun from reading --run as one of its own options. OMP_NUM_THREADS is the number of threads per process (1 if
not set); processes times threads should not exceed the number of cores. A batch is split into parts for four workers (threads or
GPUs), plus four more for every further 8,192 tokens; more workers need a larger batch_size. All machines must see the data and
the run folder. When one process ends, all do; --resume continues the run with any number of processes."""


def add(commands: Any) -> None:
    """Add the commands."""
    train = command(commands, "train", train_command, "train all stages into a run folder")
    train.epilog, train.formatter_class = SEVERAL_PROCESSES, argparse.RawDescriptionHelpFormatter
    train.add_argument("--dataset", help="a named data set or the path of a file or folder")
    data_options(train)
    train.add_argument("--run", required=True, metavar="DIR", help="the run folder to write")
    train.add_argument("--model", metavar="NAME", help="a model listed by 'adrec models' (default: the preset's)")
    train.add_argument("--preset", metavar="NAME", help="a preset listed by 'adrec models' (default: the model's first)")
    setting = "one setting, may be repeated; keep_weights=every saves the whole model at every validation, not only the item table"
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=setting)
    train.add_argument("--pretrained", metavar="FILE", help="stage 1's weights, ours or the official code's; skips stage 1")
    train.add_argument("--tuned", metavar="DIR", help="use the settings that 'adrec tune' found, and record its search in the run")
    train.add_argument("--resume", action="store_true", help="continue an interrupted run, or start it if there is none")
    train.add_argument("--seed", type=int, metavar="N")
    train.add_argument("--yes", action="store_true", help="start even if it may need a lot of memory, disk or time")
    train.add_argument("--title", metavar="TEXT", help="shown to people instead of the folder's name")
    train.add_argument("--purpose", metavar="TEXT", help="what the run is meant to show, in a sentence")
    train.add_argument("--question", metavar="TEXT", help="the question it helps to answer; runs with the same question are shown together")
    device_option(train)

    evaluate = command(commands, "evaluate", evaluate_command, "rank the full catalogue for every user of a run", as_json=True)
    evaluate.add_argument("run", metavar="DIR")
    evaluate.add_argument("--dataset", help="where the run's data set is now, if it has moved")
    evaluate.add_argument("--split", choices=("val", "test"), default="test")
    evaluate.add_argument("--steps", type=int, help="denoising steps (default: the model's own)")
    evaluate.add_argument("--seed", type=int, default=0, help="noise seed (default 0)")
    evaluate.add_argument("--filter-seen", action="store_true", help="never recommend items of the history")
    device_option(evaluate)
    evaluate.add_argument("--filter-padding", action="store_true", help="never rank the padding row")

    official = command(commands, "import-official", import_command, "turn a state dict of the official code into a run folder")
    official.add_argument("checkpoint", metavar="CKPT")
    official.add_argument("--dataset", required=True)
    data_options(official)
    official.add_argument("--run", required=True, metavar="DIR")
    official.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting not given by the shapes, such as length"
    )

    small = command(commands, "compact", compact_command, "make a small copy of a finished run to share, with its item maps")
    small.add_argument("run", metavar="DIR")
    small.add_argument("--out", required=True, metavar="DIR")
    small.add_argument("--snapshots", type=int, default=6, metavar="N", help="item tables from during training to keep (default 6)")
    epochs: dict[str, Any] = {"type": int, "nargs": "+", "default": [], "metavar": "E"}
    small.add_argument("--epochs", **epochs, help="keep the item tables of these epochs of the last stage instead")
    small.add_argument("--weights", **epochs, help="keep the whole models of these epochs too")
    small.add_argument("--tables-only", action="store_true", help="keep only the item tables: a third of the size, but no model to run")


def train_command(arguments: argparse.Namespace) -> int:
    from adrec.data import catalog
    from adrec.experiments import search
    from adrec.models.settings import recorded, settings
    from adrec.parallel.processes import chosen_device, processes
    from adrec.runs import RunFolder
    from adrec.training.estimate import estimate
    from adrec.training.session import describe_run, recorded_request, train_run
    from adrec.training.watch import ProgressBar, StopOnSignal

    run = RunFolder(arguments.run)
    found = search.read(Path(arguments.tuned)) if arguments.tuned else None
    given = {**(found.texts if found else {}), **pairs(arguments.set)}
    about = {"title": arguments.title, "purpose": arguments.purpose, "question": arguments.question}
    if arguments.seed is not None:
        given["seed"] = str(arguments.seed)
    if arguments.resume and run.exists:
        recorded_request(run, arguments.preset, given, arguments.pretrained, arguments.model, about)
        data, info = catalog.load_for_run(with_dataset(run.info, arguments.dataset)), run.info
    else:
        if arguments.dataset is None:
            raise ConfigError("Choose the data to train on with --dataset NAME_OR_PATH.")
        chosen = settings(arguments.preset, given, arguments.model)
        source = catalog.identity(arguments.dataset)
        data = catalog.load(source, **pairs(arguments.data_option))
        tell(data)
        pretrained = str(Path(arguments.pretrained).resolve()) if arguments.pretrained else None
        info = describe_run(data, source, chosen, own_line(arguments), pretrained, about)
        info |= {"search": found.summary()} if found else {}
    with processes(chosen_device(arguments.device)) as together, StopOnSignal() as stop, ProgressBar() as bar:
        if together.first and not run.exists:
            needs = estimate(data, recorded(info), together.device, bool(info.get("pretrained")))
            _check_needs(needs, run.path, arguments.yes)
            bar.preface = f"Needs at most about {needs}; training usually stops earlier."
        state = train_run(run, data, info, resume=arguments.resume, stop=stop, listener=bar, processes=together)
        if together.first:
            print(f"Run '{run.path}' is {state}{'' if state == 'finished' else '; continue with --resume'}.", file=sys.stderr)
    return 0


def _check_needs(needs: "Needs", run: Path, agreed: bool) -> None:
    """Refuse a training that cannot fit; ask about one that may need a lot, if someone is at the terminal."""
    from adrec.training.estimate import LIMITS, check

    if not agreed and needs.above(LIMITS) and sys.stdin.isatty():
        check(needs, run, True)
        agreed = input(f"This training may need {needs}, more than the limit of {LIMITS}. Start it? [y/N] ").strip().lower() in ("y", "yes")
    check(needs, run, agreed)


def evaluate_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog
    from adrec.evaluation import evaluate
    from adrec.models.loading import load_model
    from adrec.parallel.processes import chosen_device, processes
    from adrec.parallel.workers import Workers
    from adrec.runs import RunFolder

    run = RunFolder(arguments.run)
    model = load_model(run)
    data = catalog.load_for_run(with_dataset(run.info, arguments.dataset))
    filters = {"filter_seen": arguments.filter_seen, "filter_padding": arguments.filter_padding}
    with processes(chosen_device(arguments.device)) as together, Workers(together.threads) as workers:
        model.to(together.device)
        how = {"steps": arguments.steps, "seed": arguments.seed, "map": workers.map, "share": together}
        result = evaluate(model, data, arguments.split, **how, **filters)
    if together.first:
        show({**result.metrics, **filters}, arguments.json)


def import_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog
    from adrec.official.importing import import_official

    source = catalog.identity(arguments.dataset)
    data = catalog.load(source, **pairs(arguments.data_option))
    tell(data)
    import_official(Path(arguments.checkpoint), data, source, Path(arguments.run), pairs(arguments.set), own_line(arguments))
    print(f"Imported into '{arguments.run}'.", file=sys.stderr)


def compact_command(arguments: argparse.Namespace) -> None:
    from adrec.collapse.film import FILE, film, frame_count, save_film
    from adrec.maps.projection import project
    from adrec.runs import RunFolder
    from adrec.runs.compact import compact

    if arguments.snapshots < 0:
        raise ConfigError(f"The number of snapshots must be an integer of at least 0, not {arguments.snapshots}.")
    source = RunFolder(arguments.run)
    tables, models = arguments.epochs, arguments.weights
    copy = compact(source, arguments.out, arguments.snapshots, arguments.tables_only, epochs=tables, weights=models)
    for method in ("pca", "umap") if "item_table" in copy.abilities else ():
        project(copy, method)
    if frame_count(source) > 1:
        save_film(film(source), copy.path / FILE)  # of all snapshots, of which the copy has a few
    print(f"Compacted into '{copy.path}'.", file=sys.stderr)
