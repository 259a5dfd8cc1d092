"""``adrec trajectory`` and ``recommend``: the reverse process and its recommendations."""

import argparse
import sys
from pathlib import Path
from typing import Any

from adrec.cli.options import command, data_options, pairs, print_json, with_dataset
from adrec.errors import AdrecError, ConfigError, printable
from adrec.reading.account import counted


def add(commands: Any) -> None:
    """Add the commands."""
    trajectory = command(commands, "trajectory", trajectory_command, "the reverse process of one user's last token", as_json=True)
    trajectory.add_argument("run", metavar="DIR")
    who = trajectory.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="ID", help="the data set's own user id")
    who.add_argument("--index", type=int, metavar="N", help="the user's position, from 0")
    who.add_argument("--history", metavar="ITEMS", help="a composed history: titles or ids, separated by ';'")
    who.add_argument("--all", action="store_true", help="all users: metrics by number of steps, commit steps; cached in the run folder")
    trajectory.add_argument("--dataset", help="where the run's data set is now, if it has moved")
    trajectory.add_argument("--seed", type=int, default=0)
    trajectory.add_argument("--steps", type=int)
    trajectory.add_argument("--top", type=int, default=10)
    trajectory.add_argument("--seeds", type=int, metavar="N", help="add seeds 0 to N - 1 and fewer steps to the JSON")
    trajectory.add_argument("--report", metavar="FILE", help="write one HTML file for stepping through the process offline")
    trajectory.add_argument("--csv", metavar="FILE", help="write a table of all steps and lists")

    recommend = command(commands, "recommend", recommend_command, "the next items for given histories", as_json=True)
    recommend.add_argument("run", metavar="DIR")
    whose = recommend.add_mutually_exclusive_group(required=True)
    whose.add_argument("--history", metavar="ITEMS", help="titles or ids, oldest first, separated by ';'")
    whose.add_argument("--file", metavar="FILE", help="many histories: one per line of a .txt, or a table with a user and an item per row")
    data_options(recommend)
    recommend.add_argument("--top", type=int, default=10, metavar="K", help="items to recommend (default 10)")
    recommend.add_argument("--seed", type=int, default=0, help="noise seed (default 0)")
    recommend.add_argument("--steps", type=int, help="denoising steps (default: the model's own)")
    recommend.add_argument("--exclude-seen", action="store_true", help="never recommend items of the history")


def trajectory_command(arguments: argparse.Namespace) -> None:
    if arguments.all:
        return all_users_command(arguments)
    from adrec.data import catalog
    from adrec.data.titles import Finder, most_popular, titled
    from adrec.explain import export, scene, words
    from adrec.explain.seeds import fewer_steps, seed_sweep
    from adrec.explain.trajectory import trajectory, user_trajectory
    from adrec.files import csv_for_people, write_text
    from adrec.maps.projection import cached
    from adrec.models.loading import load_model
    from adrec.runs import RunFolder

    run = RunFolder(arguments.run)
    model, items = load_model(run), run.items
    how = {"seed": arguments.seed, "steps": arguments.steps, "top": arguments.top, "popular": most_popular(items)}
    user_id, index = None, 0
    if arguments.history is not None:
        result = trajectory(model, Finder(items).history(arguments.history), **how)
    else:
        data = catalog.load_for_run(with_dataset(run.info, arguments.dataset))
        index = arguments.index if arguments.user is None else data.position(arguments.user)
        result = user_trajectory(model, data, index, **how)
        user_id = str(data.user_ids[index])
    title = titled(items)
    many: dict[str, Any] = {}
    if arguments.seeds is not None:
        of = (model, result.history, result.target)
        seeds: dict[str, Any] = {"seeds": arguments.seeds, "user": index}
        many = {"sweep": seed_sweep(*of, steps=arguments.steps, **seeds), "fewer": fewer_steps(*of, **seeds)}

    def layout() -> scene.Layout:
        return scene.layout(run.tables(), "finetune", cached(run, "umap"))

    if arguments.csv is not None:
        write_text(Path(arguments.csv), csv_for_people(export.table(result, title)))
    if arguments.report is not None:
        write_text(Path(arguments.report), export.page(result, layout(), title, name=run.name, user=user_id))
        print(f"Written to '{arguments.report}'.", file=sys.stderr)
    if arguments.json:
        try:
            report = export.document(result, layout(), title, user_id, **many)
        except AdrecError as error:  # without a map, report the rest
            print(f"adrec: There is no map: {error}", file=sys.stderr)
            report = export.document(result, None, title, user_id, **many)
        print_json(report)
        return
    report = result.to_json(title, user_id)
    print(printable("history: " + "; ".join(entry["title"] for entry in report["history"])))
    for step in report["steps"]:
        rank = "" if step["target_rank"] is None else f"  target at rank {step['target_rank']}"
        print(printable(f"t = {step['t']:3}  {step['top'][0]['title']}{rank}"))
    print(printable(words.headline(result, title, words.TEXT)))


def all_users_command(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from adrec.data import catalog
    from adrec.explain.all_users import all_users, cached_all_users
    from adrec.runs import RunFolder

    run = RunFolder(arguments.run)
    report = cached_all_users(run, arguments.seed)
    if report is None:
        data = catalog.load_for_run(with_dataset(run.info, arguments.dataset))
        with tqdm(total=data.n_users, unit="user", dynamic_ncols=True) as bar:
            report = all_users(run, data, seed=arguments.seed, progress=lambda share: bar.update(round(share * data.n_users) - bar.n))
    if arguments.json:
        print_json(report)
        return
    print("steps   HR@20  NDCG@10  distinct items  mean commit step  of the top 10 of all steps")
    for row in report["by_steps"]:
        metrics = f"{row['hr@20']:.4f}   {row['ndcg@10']:.4f}  {row['distinct_items']:>14,}"
        print(f"{row['steps']:>5}  {metrics}  {row['mean_commit_step']:>16.2f}  {row['common']:.2f}")
    print(f"{report['changed_mind']:.1%} changed their mind after step 1 of {report['timesteps']}")


def recommend_command(arguments: argparse.Namespace) -> None:
    from adrec.explain.recommending import read_histories, recommend

    options = pairs(arguments.data_option)
    if options and arguments.file is None:
        raise ConfigError("A --data-option says how a file of histories is read; it needs --file.")
    histories, account = ([arguments.history], None) if arguments.file is None else read_histories(arguments.file, **options)
    how = {"seed": arguments.seed, "steps": arguments.steps, "exclude_seen": arguments.exclude_seen}
    report = recommend(arguments.run, histories, arguments.top, serve_rest=arguments.file is not None, **how)
    if account is not None and account.left_out:
        rows = [f"{counted(rows, 'row')} {reason}." for reason, rows in account.left_out.items()]
        report["left_out"] = [*rows, *report.get("left_out", [])]
    for sentence in report.get("left_out", []):
        print(f"adrec: Left out: {sentence}", file=sys.stderr)
    if arguments.json:
        print_json(report)
        return
    for number, user in enumerate(report["users"], 1):
        if len(report["users"]) > 1:
            print(printable(f"{user.get('user', number)}: " + "; ".join(item["title"] for item in user["history"])))
        for rank, item in enumerate(user["items"], 1):
            print(printable(f"{rank:>3}  {100 * item['probability']:6.2f} %  {item['title']}"))
