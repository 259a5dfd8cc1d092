"""The command line. ``--json`` prints exactly one JSON object on standard output; progress goes to standard error.

A failure that a person can act on ends with one sentence and exit code 2. Heavy imports stay inside the commands.
"""

import argparse
import json
import logging
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from adrec.config import PRESETS, ModelConfig, settings
from adrec.errors import AdrecError, ConfigError, ProcessError


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    words = sys.argv[1:] if argv is None else argv
    try:
        arguments = parser().parse_args(words, argparse.Namespace(words=words))
        code = int(arguments.command(arguments) or 0)
        sys.stdout.flush()
        return code
    except AdrecError as error:
        _tell(str(error), own=isinstance(error, ProcessError))
        return 2
    except BrokenPipeError:  # whoever read the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a process that SIGPIPE ends
    except OSError as error:
        place = f"'{error.filename}': " if error.filename else ""
        _tell(f"{place}{error.strerror or type(error).__name__}.")
        return 2
    except KeyboardInterrupt:
        return 130


def _tell(sentence: str, own: bool = False) -> None:
    """What went wrong, on standard error.

    Processes that torchrun started mostly fail alike, for they have the same command line, data and run folder. So the first
    on a machine tells, whereupon torchrun ends the others; one that nobody ends failed alone and tells too, and so does one
    whose failure is of its ``own``.
    """
    another = "TORCHELASTIC_RUN_ID" in os.environ and os.environ["LOCAL_RANK"] != "0"
    if another and not own:
        time.sleep(SECONDS_TO_TELL)
    begin = "\n" if another else ""  # the first's progress bar may stand in this line
    sys.stderr.write(f"{begin}adrec: {sentence}\n")  # in one piece: other processes may write to the same place


SECONDS_TO_TELL = 10
SEVERAL_PROCESSES = """\
Several processes, on one machine or many, train one run when torchrun starts them, with the same result as one process:

  OMP_NUM_THREADS=4 torchrun --nproc_per_node=2 -m -- adrec train --dataset ml-1m --run runs/a

The '--' keeps torchrun from reading --run as one of its own options. OMP_NUM_THREADS is the threads of each process, 1 if it
is not set; processes times threads should not exceed the cores. A batch has parts for four workers (threads or GPUs), one
more four for every 8,192 tokens beyond the first; more workers than that need a larger batch_size. All machines must see
the data and the run folder. When one process ends, all do, and the run goes on with --resume, with any number of processes."""


class Parser(argparse.ArgumentParser):
    """Tells a wrong command line in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message[:1].upper()}{message[1:]}; '{self.prog} --help' tells what is accepted.")


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = Parser(prog="adrec", description="Train, evaluate and explain the diffusion recommender ADRec.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _data_commands(commands)

    train = _command(commands, "train", train_command, "train all stages into a run folder")
    train.epilog, train.formatter_class = SEVERAL_PROCESSES, argparse.RawDescriptionHelpFormatter
    train.add_argument("--dataset", help="a named data set or the path of a file or folder")
    _data_options(train)
    train.add_argument("--run", required=True, metavar="DIR", help="the run folder to write")
    train.add_argument("--model", help="adrec (default), sasrec or dreamrec")
    train.add_argument("--preset", choices=PRESETS, metavar="NAME", help=f"{', '.join(PRESETS)} (default paper)")
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting, may be repeated")
    train.add_argument("--pretrained", metavar="FILE", help="stage 1's weights, ours or the official code's; skips stage 1")
    train.add_argument("--resume", action="store_true", help="go on with an interrupted run; starts it if there is none")
    train.add_argument("--seed", type=int, metavar="N")
    _device_option(train)

    evaluate = _command(commands, "evaluate", evaluate_command, "rank the full catalogue for every user of a run", as_json=True)
    evaluate.add_argument("run", metavar="DIR")
    evaluate.add_argument("--dataset", help="another place of the run's data set")
    evaluate.add_argument("--split", choices=("val", "test"), default="test")
    evaluate.add_argument("--steps", type=int, help="denoising steps (default: all timesteps)")
    evaluate.add_argument("--seed", type=int, default=0, help="of the noise (default 0)")
    evaluate.add_argument("--filter-seen", action="store_true", help="never recommend items of the history")
    _device_option(evaluate)
    evaluate.add_argument("--filter-padding", action="store_true", help="never rank the padding row")

    official = _command(commands, "import-official", import_command, "a run folder from a state dict of the official code")
    official.add_argument("checkpoint", metavar="CKPT")
    official.add_argument("--dataset", required=True)
    _data_options(official)
    official.add_argument("--run", required=True, metavar="DIR")
    official.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="what shapes don't tell, such as length")

    collapse = _command(commands, "collapse", collapse_command, "has a table collapsed, how, and how sure is that", as_json=True)
    collapse.add_argument("targets", metavar="RUN_OR_FILE", nargs="+", help="run folders or matrix files, compared in this order")
    collapse.add_argument("--interactions", metavar="NAME_OR_PATH", help="who used what: decides whether neighbours mean something")
    _data_options(collapse)
    collapse.add_argument("--items", metavar="FILE", help="titles and categories of the items")
    collapse.add_argument("--initial", metavar="FILE", help="the table before training")
    collapse.add_argument("--key", metavar="NAME", help="which array of a file with several")
    collapse.add_argument("--padding", choices=("auto", "first", "none"), default="auto", help="whether row 0 is no item (default auto)")
    collapse.add_argument("--report", metavar="FILE", help="write everything as one HTML file")

    trajectory = _command(commands, "trajectory", trajectory_command, "the reverse process of one user's last token", as_json=True)
    trajectory.add_argument("run", metavar="DIR")
    who = trajectory.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="ID", help="the data set's own user id")
    who.add_argument("--index", type=int, metavar="N", help="the user's position, from 0")
    who.add_argument("--history", metavar="ITEMS", help="a composed history: titles or ids, separated by ';'")
    who.add_argument("--all", action="store_true", help="all users instead: metrics by steps, commit steps; cached in the run folder")
    trajectory.add_argument("--dataset", help="another place of the run's data set")
    trajectory.add_argument("--seed", type=int, default=0)
    trajectory.add_argument("--steps", type=int)
    trajectory.add_argument("--top", type=int, default=10)
    trajectory.add_argument("--seeds", type=int, metavar="N", help="also under the seeds 0 to N - 1 and in fewer steps, in the JSON")
    trajectory.add_argument("--report", metavar="FILE", help="one HTML file in which the steps can be gone through offline")
    trajectory.add_argument("--csv", metavar="FILE", help="a table of all steps and lists")

    recommend = _command(commands, "recommend", recommend_command, "the next items for given histories", as_json=True)
    recommend.add_argument("run", metavar="DIR")
    whose = recommend.add_mutually_exclusive_group(required=True)
    whose.add_argument("--history", metavar="ITEMS", help="titles or ids, oldest first, separated by ';'")
    whose.add_argument("--file", metavar="FILE", help="many histories: one a line, or a .csv or .tsv with a user and an item in each row")
    recommend.add_argument("--top", type=int, default=10, metavar="K", help="items to recommend (default 10)")
    recommend.add_argument("--seed", type=int, default=0, help="of the noise (default 0)")
    recommend.add_argument("--steps", type=int, help="denoising steps (default: all timesteps)")
    recommend.add_argument("--exclude-seen", action="store_true", help="recommend nothing that is in the history")

    small = _command(commands, "compact", compact_command, "a small copy of a finished run to pass on, item maps included")
    small.add_argument("run", metavar="DIR")
    small.add_argument("--out", required=True, metavar="DIR")
    small.add_argument("--snapshots", type=int, default=6, metavar="N", help="item tables kept of those along the way (default 6)")
    small.add_argument("--tables-only", action="store_true", help="no weights but the item tables: a third of the size, no model to run")

    film = _command(commands, "film", film_command, "the film of a run's training, for the Collapse page", as_json=True)
    film.add_argument("run", metavar="DIR")

    verify = _command(commands, "verify", verify_command, "replay numbers recorded from the official code", as_json=True)
    verify.add_argument("folder", metavar="DIR")

    bench = _command(commands, "bench", bench_command, "measure speed and memory beside the plain padded method", as_json=True)
    bench.add_argument("--dataset", action="append", metavar="NAME_OR_PATH", help="may be repeated (default: ml-100k and synthetic)")
    bench.add_argument("--quick", action="store_true", help="the synthetic data set and few repetitions: under a minute")
    bench.add_argument("--growth", action="store_true", help="instead: how time and memory grow with users, length, items and width")
    bench.add_argument("--threads", type=int, metavar="N", help="of torch (default: its own choice; with --growth 1)")
    return top


def _command(commands: Any, name: str, run: Any, text: str, as_json: bool = False) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(command=run)
    if as_json:
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return command


def _data_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="how to read the data: user, item, time, rating, title, category (column names), items (item file), min_rating, k_core",
    )


def _device_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto (default): a GPU if there is one")


def _data_commands(commands: Any) -> None:
    data = commands.add_parser("data", help="named data sets and readable files").add_subparsers(required=True, metavar="COMMAND")
    _command(data, "list", data_list_command, "list the named data sets", as_json=True)
    _command(data, "get", data_get_command, "fetch a named data set once, to have it offline").add_argument("name", metavar="NAME")
    describe = _command(data, "describe", data_describe_command, "count what a data set holds", as_json=True)
    describe.add_argument("source", metavar="NAME_OR_PATH")
    _data_options(describe)
    prepare = _command(data, "prepare", data_prepare_command, "filter and split once, into a folder that opens at once")
    prepare.add_argument("source", metavar="NAME_OR_PATH")
    prepare.add_argument("--out", required=True, metavar="DIR", help="the folder to write, which must not exist or be empty")
    _data_options(prepare)


# -- printing ---------------------------------------------------------------------------------------------------------


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
        return
    for key, value in result.items():
        print(f"{key:>18}  {value:.5f}" if isinstance(value, float) else f"{key:>18}  {value}")


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"'{text}' is not of the form key=value.")
        pairs[key.strip()] = value.strip()
    return pairs


# -- commands ---------------------------------------------------------------------------------------------------------


def data_list_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog

    found = {name: {"description": text, "available": catalog.available(name)} for name, text in catalog.NAMED.items()}
    if arguments.json:
        print(json.dumps(found))
        return
    for name, entry in found.items():
        print(f"{name:>10}  {'here' if entry['available'] else 'not fetched yet'}: {entry['description']}")


def data_get_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog

    catalog.fetch(arguments.name)
    print(f"'{arguments.name}' is there.", file=sys.stderr)


def data_describe_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog

    data = catalog.load(arguments.source, **_pairs(arguments.data_option))
    _print(data.describe(), arguments.json)


def data_prepare_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog

    data = catalog.prepare(arguments.source, arguments.out, **_pairs(arguments.data_option))
    counts = f"{data.n_users:,} users, {data.n_items:,} items, {data.n_interactions:,} interactions"
    print(f"Prepared into '{arguments.out}': {counts}.", file=sys.stderr)


def train_command(arguments: argparse.Namespace) -> int:
    from adrec.data import catalog
    from adrec.runs import RunFolder
    from adrec.training.distributed import chosen_device, processes
    from adrec.training.session import describe_run, recorded_request, train_run
    from adrec.training.watch import ProgressBar, StopOnSignal

    run = RunFolder(arguments.run)
    given = _pairs(arguments.set)
    if arguments.seed is not None:
        given["seed"] = str(arguments.seed)
    if arguments.model is not None:
        given["model"] = arguments.model
    if arguments.resume and run.exists:
        recorded_request(run, arguments.preset, given, arguments.pretrained)
        data, info = catalog.load_for_run(_at(run.info, arguments.dataset)), run.info
    else:
        if arguments.dataset is None:
            raise ConfigError("Tell which data to train on with --dataset NAME_OR_PATH.")
        model, train = settings(arguments.preset or "paper", given)
        source = arguments.dataset if arguments.dataset.partition(":")[0] in catalog.NAMED else str(Path(arguments.dataset).resolve())
        data = catalog.load(source, **_pairs(arguments.data_option))
        config = ModelConfig(n_items=data.n_items, **model)
        pretrained = str(Path(arguments.pretrained).resolve()) if arguments.pretrained else None
        words = ["python", "-m", "adrec", *arguments.words]
        info = describe_run(data, source, config, train, arguments.preset or "paper", shlex.join(words), pretrained)
    with processes(chosen_device(arguments.device)) as together, StopOnSignal() as stop, ProgressBar() as bar:
        state = train_run(run, data, info, resume=arguments.resume, stop=stop, listener=bar, processes=together)
        if together.first:
            print(f"Run '{run.path}' is {state}{'' if state == 'finished' else '; go on with --resume'}.", file=sys.stderr)
    return 0


def evaluate_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog
    from adrec.evaluation import evaluate
    from adrec.models.loading import load_model
    from adrec.runs import RunFolder
    from adrec.training.distributed import chosen_device, processes

    run = RunFolder(arguments.run)
    model = load_model(run)
    data = catalog.load_for_run(_at(run.info, arguments.dataset))
    filters = {"filter_seen": arguments.filter_seen, "filter_padding": arguments.filter_padding}
    with processes(chosen_device(arguments.device)) as together:
        model.to(together.device)
        how = {"steps": arguments.steps, "seed": arguments.seed, "processes": together}
        result = evaluate(model, data, arguments.split, **how, **filters)
    if together.first:
        _print({**result.metrics, **filters}, arguments.json)


def _at(info: dict[str, Any], place: str | None) -> dict[str, Any]:
    """run.json with its data set looked up elsewhere."""
    return info if place is None else {**info, "dataset": {**info.get("dataset", {}), "name": place}}


def import_command(arguments: argparse.Namespace) -> None:
    from adrec.data import catalog
    from adrec.models.importing import import_official

    source = arguments.dataset if arguments.dataset.partition(":")[0] in catalog.NAMED else str(Path(arguments.dataset).resolve())
    data = catalog.load(source, **_pairs(arguments.data_option))
    words = ["python", "-m", "adrec", *arguments.words]
    import_official(Path(arguments.checkpoint), data, source, Path(arguments.run), _pairs(arguments.set), shlex.join(words))
    print(f"Imported into '{arguments.run}'.", file=sys.stderr)


def collapse_command(arguments: argparse.Namespace) -> None:
    from adrec.bring import bring
    from adrec.judging import judge
    from adrec.report import report
    from adrec.runs import atomic

    how = {name: getattr(arguments, name) for name in ("interactions", "items", "initial", "key", "padding")}
    sources = bring(arguments.targets, **how, options=_pairs(arguments.data_option))
    judged = judge(sources)
    if arguments.report:
        text = report(judged, [source.table for source in sources], shlex.join(["python", "-m", "adrec", *arguments.words]))
        with atomic(Path(arguments.report), "w") as file:
            file.write(text)
        print(f"The report is '{arguments.report}'.", file=sys.stderr)
    if arguments.json:
        print(json.dumps(judged, ensure_ascii=False))
        return
    for table in judged["tables"]:
        verdict = table["verdict"]
        print(f"{table['name']} ({table['items']} items x {table['width']}): {verdict['kind']}, confidence {verdict['confidence']:.2f}")
        print("\n".join([verdict["says"], *verdict["undecided"], *table["notes"]]))
        _print(table["measures"], False)


def trajectory_command(arguments: argparse.Namespace) -> None:
    if arguments.all:
        return all_users_command(arguments)
    from adrec.data import catalog
    from adrec.explorer import export
    from adrec.fan import fan, fewer_steps
    from adrec.models.loading import load_model
    from adrec.runs import RunFolder
    from adrec.titles import parse_history
    from adrec.trajectory import most_popular, titled, trajectory, user_trajectory

    run = RunFolder(arguments.run)
    model, items = load_model(run), run.items
    how = {"seed": arguments.seed, "steps": arguments.steps, "top": arguments.top, "popular": most_popular(items)}
    user_id, index = None, 0
    if arguments.history is not None:
        result = trajectory(model, parse_history(arguments.history, items), **how)
    else:
        data = catalog.load_for_run(_at(run.info, arguments.dataset))
        index = arguments.index if arguments.user is None else data.position(arguments.user)
        result = user_trajectory(model, data, index, **how)
        user_id = str(data.user_ids[index])
    title = titled(items)
    many: dict[str, Any] = {}
    if arguments.seeds is not None:
        of = (model, result.history, result.target)
        seeds: dict[str, Any] = {"seeds": arguments.seeds, "user": index}
        many = {"fan": fan(*of, steps=arguments.steps, **seeds), "fewer": fewer_steps(*of, **seeds)}
    report = export.document(result, title, user_id, **many)
    _save_trajectory(arguments, run, model, result, title, user_id)
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False))
        return
    print("history: " + "; ".join(entry["title"] for entry in report["history"]))
    for step in report["steps"]:
        rank = "" if step["target_rank"] is None else f"  target at rank {step['target_rank']}"
        print(f"t = {step['t']:3}  {step['top'][0]['title']}{rank}")
    print(report["headline"])


def _save_trajectory(arguments: argparse.Namespace, run: Any, model: Any, result: Any, title: Any, user_id: str | None) -> None:
    from adrec.explorer import export, scene
    from adrec.projection import cached
    from adrec.runs import atomic

    if arguments.csv is not None:
        with atomic(Path(arguments.csv), "w") as file:
            export.table(result, title).to_csv(file, index=False)
    if arguments.report is not None:
        layout = scene.layout(run.tables(), "finetune", cached(run, "umap"))
        table = model.item_embedding.weight.numpy()
        with atomic(Path(arguments.report), "w") as file:
            file.write(export.page(result, table, layout, title, name=run.name, user=user_id))
        print(f"Written to '{arguments.report}'.", file=sys.stderr)


def all_users_command(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from adrec.all_users import all_users, cached_all_users
    from adrec.data import catalog
    from adrec.runs import RunFolder

    run = RunFolder(arguments.run)
    report = cached_all_users(run, arguments.seed)
    if report is None:
        data = catalog.load_for_run(_at(run.info, arguments.dataset))
        with tqdm(total=data.n_users, unit="user", dynamic_ncols=True) as bar:
            report = all_users(run, data, seed=arguments.seed, progress=lambda share: bar.update(round(share * data.n_users) - bar.n))
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False))
        return
    print("steps   HR@20  NDCG@10  distinct items  mean commit step  of the top 10 of all steps")
    for row in report["by_steps"]:
        metrics = f"{row['hr@20']:.4f}   {row['ndcg@10']:.4f}  {row['distinct_items']:>14,}"
        print(f"{row['steps']:>5}  {metrics}  {row['mean_commit_step']:>16.2f}  {row['common']:.2f}")
    print(f"{report['changed_mind']:.1%} changed their mind after step 1 of {report['timesteps']}")


def recommend_command(arguments: argparse.Namespace) -> None:
    from adrec.recommending import read_histories, recommend

    histories = [arguments.history] if arguments.file is None else read_histories(arguments.file)
    options = {"seed": arguments.seed, "steps": arguments.steps, "exclude_seen": arguments.exclude_seen}
    report = recommend(arguments.run, histories, arguments.top, **options)
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False))
        return
    for number, user in enumerate(report["users"], 1):
        if len(report["users"]) > 1:
            print(f"{user.get('user', number)}: " + "; ".join(item["title"] for item in user["history"]))
        for place, item in enumerate(user["items"], 1):
            print(f"{place:>3}  {100 * item['probability']:6.2f} %  {item['title']}")


def compact_command(arguments: argparse.Namespace) -> None:
    from adrec.compact import compact
    from adrec.film import FILE, film, frame_count, save_film
    from adrec.projection import project
    from adrec.runs import RunFolder

    if arguments.snapshots < 0:
        raise ConfigError(f"Number of snapshots is {arguments.snapshots}; allowed is a whole number from 0 up.")
    source = RunFolder(arguments.run)
    copy = compact(source, arguments.out, arguments.snapshots, arguments.tables_only)
    for method in ("pca", "umap"):
        project(copy, method)
    if frame_count(source) > 1:
        save_film(film(source), copy.path / FILE)  # of all snapshots, of which the copy has a few
    print(f"Compacted into '{copy.path}'.", file=sys.stderr)


def film_command(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from adrec.film import MEASURES, film
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
        print(json.dumps({"frames": frames, "items": len(made.rows)}))
        return
    for frame in frames:
        print(f"{frame['stage']:>9} {frame['epoch']:4}  effective rank {frame['effective_rank']:6.1f}  spikes {frame['spikes']:.0f}")


def verify_command(arguments: argparse.Namespace) -> int:
    from adrec.verify import verify_folder

    report = verify_folder(arguments.folder)
    if arguments.json:
        print(json.dumps(report))
    else:
        for name, errors in report.items():
            print(f"{name:>24}  {max(errors.values()):.2e}" if isinstance(errors, dict) else f"{name:>24}  {errors}")
    return 0 if report["ok"] else 1


def bench_command(arguments: argparse.Namespace) -> None:
    from adrec import bench
    from adrec.bench import growth, table

    if arguments.growth:
        if arguments.dataset or arguments.quick:
            raise ConfigError("The option --growth goes with neither --dataset nor --quick: it generates data of many sizes.")
        report = growth.run(threads=1 if arguments.threads is None else arguments.threads)
    else:
        sources = arguments.dataset or (["synthetic"] if arguments.quick else bench.DEFAULT_SOURCES)
        report = bench.run(sources, quick=arguments.quick, threads=arguments.threads)
    print(json.dumps(report, ensure_ascii=False) if arguments.json else "\n".join(table.lines(report)))
