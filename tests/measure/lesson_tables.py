"""The tables of docs/RESULTS.md that the lesson stands on, from its figures: ``python -m tests.measure.lesson_tables``.

Reads assets/lesson/results.json, which ``lesson_results`` writes. Not a test.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from adrec.files import read_json
from adrec.folders import app_folder

Figure = Mapping[str, Any]
RUNS = {
    "narrow": "squared error alone, random start",
    "narrow-lambda-0": "the same, λ = 0: no noise at all",
    "narrow-lambda-1": "the same, λ = 1",
    "narrow-held": "the same, films held still",
    "random-both": "the same with cross-entropy",
    "pretrained-mse": "the same from a pre-trained table",
    "pretrained-both": "both losses from a pre-trained table",
}
LARGER = {"healthy": "ADRec", "narrow": "squared error alone, random start", "noise": "DreamRec"}
LEFT_OUT = {"no-pretrain": "pre-training", "no-warmup": "warm-up", "no-finetune": "fine-tuning of the table"}


def shown(figure: Figure, digits: int = 2) -> str:
    """A figure with its error, if there is one."""
    error = "" if figure["error"] is None else f" ± {figure['error']:.{digits}f}"
    return f"{figure['value']:z.{digits}f}{error}"


def signed(figure: Figure) -> str:
    return ("+" if figure["value"] > 0 else "") + shown(figure)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    cells.insert(1, ["---"] * len(cells[0]))
    print("\n".join("| " + " | ".join(row) + " |" for row in cells) + "\n")


def seeds(row: Mapping[str, Any]) -> str:
    return ", ".join(map(str, row["seeds"]))


def film_rows(found: Mapping[str, Any]) -> Iterable[list[str]]:
    for frame in found["narrow"]["runs"]["narrow"]["frames"]:
        verdict = next((v["kind"] for v in found["verdicts"]["frames"] if v["epoch"] == frame["epoch"]), "")
        ranking = shown(frame["ndcg@10 on validation"]) if "ndcg@10 on validation" in frame else ""
        measures = [f"{frame[name]['value']:z.{digits}f}" for name, digits in (("mean_cosine", 2), ("participation_ratio", 1))]
        error = f"{frame['error']['value']:.4f} ({frame['share']['value']:.2f})"
        rank = f"{frame['effective_rank']['value']:.0f}"
        yield [str(frame["epoch"]), *measures, rank, ranking, shown(frame["hr@10"]), error, verdict]


def main() -> None:
    """Print all tables."""
    found = read_json(app_folder() / "assets" / "lesson" / "results.json")
    head = ("epoch", "mean cosine", "participation ratio", "effective rank", "NDCG@10 on validation", "HR@10", "squared error", "verdict")
    table(head, film_rows(found))

    rows = []
    for name, words in RUNS.items():
        one = found["narrow"]["runs"].get(name)
        if one:
            last = one["frames"][-1]
            cosines = ", ".join(f"{frame['mean_cosine']['value']:z.2f}" for frame in one["frames"])
            genres = f"{last['genres']['value']:.2f}"
            rows.append([words, seeds(one), cosines, f"{last['participation_ratio']['value']:.1f}", shown(last["hr@10"]), genres])
    epochs = ", ".join(str(frame["epoch"]) for frame in found["narrow"]["runs"]["narrow"]["frames"])
    table(("training", "seeds", f"mean cosine after {epochs} epochs", "participation ratio", "HR@10 at the end", "genres shared"), rows)

    rows = [
        [start, loss, seeds(cell), shown(cell["mean_cosine"], 3), shown(cell["end"]), shown(cell["kept"])]
        for start, losses in found["cells"]["cells"].items()
        for loss, cell in losses.items()
    ]
    table(("start", "loss", "seeds", "mean cosine at the end", "HR@10 at the end", "HR@10 of the best epoch"), rows)

    rows = []
    for name, one in found["leave_outs"]["without"].items():
        less = [one[metric]["less the whole"] for metric in ("hr@10", "ndcg@10")]
        rows.append([LEFT_OUT[name], seeds(one), *(cell for figure in less for cell in (signed(figure), f"{figure['detectable']:.2f}"))])
    table(("left out", "seeds", "HR@10 less the whole", "smallest detectable", "NDCG@10 less the whole", "smallest detectable"), rows)

    rows = []
    for weight, one in found["lambdas"]["lambdas"].items():
        ranking = [shown(one[metric]) for metric in ("hr@10", "hr@20", "ndcg@10")]
        less = signed(one["hr@20"]["less 0.001"]) if "less 0.001" in one["hr@20"] else ""
        one_step = signed(one["one step less all"]["hr@20"])
        changes = f"{one['people whose first film ever differs']['value']:.0f} %"
        rows.append([weight, seeds(one), *ranking, less, one_step, f"{one['commit step']['value']:.1f}", changes])
    head = (
        "λ",
        "seeds",
        "HR@10",
        "HR@20",
        "NDCG@10",
        "HR@20 less that of 0.001",
        "one step less 32, HR@20",
        "commit step",
        "first film changes",
    )
    table(head, rows)

    rows = []
    for part, end in found["larger"]["ends"].items():
        column = found["hook"]["columns"][part]
        measured = [f"{end[name]:z.{digits}f}" for name, digits in (("mean_cosine", 2), ("participation_ratio", 1), ("effective_rank", 0))]
        lists = [str(column["different films"]), f"{column['films that two people share']:.2f}"]
        rows.append([LARGER[part], str(end["epoch"]), *(shown(end[metric]) for metric in ("hr@10", "hr@20", "ndcg@10")), *measured, *lists])
    head = ("on MovieLens-1M", "epoch", "HR@10", "HR@20", "NDCG@10", "mean cosine", "participation ratio", "effective rank")
    table((*head, f"different films in {found['hook']['people']} lists", "in common"), rows)
    table(
        ("narrow, epoch", *(str(frame["epoch"]) for frame in found["larger"]["narrow"])),
        [
            [name.replace("_", " "), *(f"{frame[name]:z.2f}" for frame in found["larger"]["narrow"])]
            for name in ("mean_cosine", "participation_ratio", "effective_rank")
        ],
    )


if __name__ == "__main__":
    main()
