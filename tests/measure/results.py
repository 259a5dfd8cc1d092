"""The tables of docs/RESULTS.md, from run folders.

    python -W ignore -m tests.measure.results --against runs/baseline runs/baseline runs/mse-only ...

Several seeds of one thing are one argument, joined by commas: ``runs/sasrec,runs/sasrec-s1``. First table: metrics of the test split
in percent, averaged over users (and seeds), ± the standard error over users; the difference in HR@20 and NDCG@10 to ``--against``,
paired over users, ± its standard error. Second: each final table of the first seed, and where snapshots went on after the kept epoch
the last of them. Not a test.
"""

import argparse

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.measures import measures
from adrec.collapse.verdict import diagnose
from adrec.data import catalog
from adrec.evaluation import user_metrics
from adrec.files import load_arrays
from adrec.runs import ITEM_TABLE, RunFolder

SHOWN = ("hr@5", "hr@10", "hr@20", "ndcg@10", "ndcg@20")


def of_users(runs: list[RunFolder]) -> dict[str, np.ndarray]:
    """Each metric of each user, mean over seeds, in percent."""
    found = [user_metrics(run.test_ranks("finetune")) for run in runs]
    return {name: 100 * np.mean([f[name] for f in found], axis=0) for name in found[0]}


def mean_and_error(values: np.ndarray) -> str:
    return f"{values.mean():.2f} ± {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def signed(values: np.ndarray) -> str:
    return ("+" if values.mean() >= 0 else "") + mean_and_error(values)


def line(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |")


def metrics_table(groups: list[list[RunFolder]], against: list[RunFolder]) -> None:
    reference = of_users(against)
    line("run", "seeds", *(name.upper() for name in SHOWN), "HR@20 less the reference's", "NDCG@10 less the reference's")
    line(*["---"] * (len(SHOWN) + 4))
    for runs in groups:
        values = of_users(runs)
        seeds = ", ".join(str(run.info["seed"]) for run in runs)
        less = [signed(values[name] - reference[name]) for name in ("hr@20", "ndcg@10")]
        line(runs[0].name, seeds, *(mean_and_error(values[name]) for name in SHOWN), *less)


def training_table(groups: list[list[RunFolder]]) -> None:
    line("run", "stage", "epochs", "kept", "steps", "minutes", "ended by", "validation NDCG@10")
    line(*["---"] * 8)
    for runs in groups:
        for run in runs:
            for event in run.events()[0]:
                if event["kind"] == "stage_end":
                    val = f"{100 * event['metrics']['ndcg@10']:.2f}"
                    minutes = f"{event['seconds'] / 60:.1f}"
                    line(run.name, event["stage"], event["epoch"], event["best_epoch"], event["step"], minutes, event["reason"], val)


def tables_table(groups: list[list[RunFolder]]) -> None:
    line("table", "std", "effective rank", "PR", "spikes", "mean cosine", "correlation with the start", "verdict", "alignment z")
    line(*["---"] * 9)
    near: dict[str, Cooccurrence] = {}
    for run in (runs[0] for runs in groups):
        name = run.info["dataset"]["name"]
        if name not in near:
            near[name] = Cooccurrence.from_dataset(catalog.load_for_run(run.info))
        start = run.table(run.table_names()[0])
        shown = [("kept", run.table("finetune"))]
        stage, epoch, path = run.snapshots()[-1]
        if (stage, epoch) != ("finetune", run.metrics("finetune")["epoch"]):
            shown.append((f"after epoch {epoch}", load_arrays(path, (ITEM_TABLE,))[ITEM_TABLE][1:].astype(np.float32)))
        for words, table in shown:
            values, verdict = measures(table), diagnose(table, cooccurrence=near[name], initial=start)
            correlation = np.corrcoef(start.ravel(), table.ravel())[0, 1] if start.shape == table.shape else float("nan")
            z = next((f"{e.value:.1f}" for e in verdict.evidence if e.measure == "alignment_z"), "")
            said = f"{verdict.kind} ({verdict.confidence:.2f})"
            numbers = (f"{values['effective_rank']:.1f}", f"{values['participation_ratio']:.1f}", f"{values['spikes']:.0f}")
            line(f"{run.name}, {words}", f"{table.std():.4f}", *numbers, f"{values['mean_cosine']:.3f}", f"{correlation:.4f}", said, z)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", required=True, help="the run, or seeds joined by commas, that differences are taken to")
    parser.add_argument("runs", nargs="+", help="run folders; seeds of one thing joined by commas")
    arguments = parser.parse_args()
    against, *groups = ([RunFolder(path) for path in words.split(",")] for words in (arguments.against, *arguments.runs))
    groups = [[run for run in runs if run.status["state"] == "finished"] for runs in groups]
    groups = [runs for runs in groups if runs]
    metrics_table(groups, against)
    print()
    training_table(groups)
    print()
    tables_table(groups)


if __name__ == "__main__":
    main()
