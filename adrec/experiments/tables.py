"""A report as Markdown, CSV, JSON and LaTeX."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from adrec.errors import ConfigError
from adrec.experiments.measures import GROUPS, Measure
from adrec.experiments.report import Figure, Report
from adrec.experiments.statistics import DEFINITION, LEVEL, Comparison
from adrec.files import write_text

MARKS = {"higher": "▲", "lower": "▼", "no difference found": ""}
SIGNED = ("popularity_lift@10", "overconfidence@10")


def save(report: Report, folder: Path, name: str = "report") -> list[Path]:
    """Write the report in all forms."""
    if not report.rows:
        raise ConfigError("There is nothing to compare: none of the experiment's trainings is finished.")
    forms: Mapping[str, Callable[[Report], str]] = {"md": markdown, "csv": as_csv, "json": as_json, "tex": latex}
    paths = [folder / f"{name}.{suffix}" for suffix in forms]
    for path, form in zip(paths, forms.values(), strict=True):
        write_text(path, form(report))
    return paths


# -- cells ------------------------------------------------------------------------------------------------------------


def shown(measure: Measure, figure: Figure | None) -> str:
    """A figure as a person reads it, in the measure's unit."""
    if figure is None:
        return ""
    scale = 100.0 if measure.unit.startswith("%") else 1.0
    largest = abs(scale * figure.mean)
    digits = 0 if largest >= 1000 else 1 if largest >= 100 else 2
    digits = 3 if not measure.unit else digits
    spread = "" if figure.spread is None else f" ± {scale * figure.spread:.{digits}f}"
    sign = "+" if measure.name in SIGNED else ""
    return f"{scale * figure.mean:{sign}.{digits}f}{spread}"


def heading(measure: Measure) -> str:
    return f"{measure.title}, {measure.unit}" if measure.unit else measure.title


def _difference(found: Comparison) -> str:
    return f"{100 * found.difference:+.2f} [{100 * found.low:+.2f}, {100 * found.high:+.2f}]"


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.001 else "< 0.001"


def _several_data(report: Report) -> bool:
    return len({row.data for row in report.rows}) > 1


# -- Markdown ---------------------------------------------------------------------------------------------------------


def markdown(report: Report) -> str:
    """The report as parts of one table, each with its group's measures, and what they mean."""
    parts = [f"# {report.title}", *([report.question] if report.question else [])]
    several = _several_data(report)
    first = ["Data", "Model"] if several else ["Model"]
    for group, title in GROUPS.items():
        chosen = [m for m in report.measures if m.group == group]
        if not chosen:
            continue
        columns = (
            first + (["Seeds"] if group == "ranking" else []) + [heading(m) for m in chosen] + (["Verdict"] if group == "table" else [])
        )
        lines = []
        for row in report.rows:
            cells = [row.data, row.name] if several else [row.name]
            cells += [", ".join(map(str, row.seeds))] if group == "ranking" else []
            for m in chosen:
                mark = MARKS[row.against[m.name].says] if m.name in row.against else ""
                cells.append(f"{shown(m, row.figures.get(m.name))} {mark}".strip())
            lines.append([*cells, *([row.verdict or ""] if group == "table" else [])])
        parts += [f"## {title}", grid(columns, lines)]
    tested = [(row, metric, found) for row in report.rows for metric, found in row.against.items()]
    if tested:
        columns = [*first, "Metric", f"Less {report.baseline}, % points [95 %]", "Effect d_z", "p", "p, Holm", "It is"]
        lines = []
        for row, metric, found in tested:
            cells = [row.data, row.name] if several else [row.name]
            numbers = [_difference(found), f"{found.effect:+.3f}", _p(found.p), _p(found.p_holm), found.says]
            lines.append([*cells, metric.upper(), *numbers])
        parts += [f"## Compared with {report.baseline}", grid(columns, lines)]
    notes = [f"- {row.name} on {row.data}: {note}." for row in report.rows for note in row.notes]
    notes += [f"- Not finished: {name}." for name in report.missing]
    compared = {row.data for row in report.rows if row.name == report.baseline}
    without = dict.fromkeys(row.data for row in report.rows if row.data not in compared)
    notes += [f"- {report.baseline} is not finished on {data}, so nothing is compared with it there." for data in without]
    estimate = "" if report.estimate is None else f"Estimated at {report.estimate:g} core-hours. "
    took = f"The experiment's own runs and searches took {report.spent:.2f} hours of one process"
    notes.append(f"- {estimate}{took}{f'; runs taken over from elsewhere {report.reused:.2f}' if report.reused else ''}.")
    parts += ["## Notes", "\n".join(notes)]
    parts += ["## What is measured", "\n".join(definitions(report))]
    return "\n\n".join(parts) + "\n"


def definitions(report: Report) -> Iterable[str]:
    """A line for every measure, and what the marks mean."""
    yield f"± is the standard deviation over seeds. ▲ ▼: higher or lower than {report.baseline} at {LEVEL:.0%} after Holm's correction."
    yield DEFINITION + "\n"
    for m in report.measures:
        yield f"- **{heading(m)}**: {m.definition} Source: {m.source}."


def grid(columns: list[str], lines: list[list[str]]) -> str:
    rows = [columns, ["---"] * len(columns), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


# -- for machines -----------------------------------------------------------------------------------------------------


def as_csv(report: Report) -> str:
    """One line a row, in plain units (fractions, seconds): mean, spread and number of seeds of each measure, and the comparisons."""
    comparison = ("difference", "low", "high", "effect", "p", "p_holm", "says")
    columns = ["data", "model", "seeds", "verdict"]
    columns += [f"{m.name}{what}" for m in report.measures for what in ("", " spread")]
    columns += [f"{metric} {what}" for metric in report.metrics for what in comparison]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in report.rows:
        cells: list[Any] = [row.data, row.name, " ".join(map(str, row.seeds)), row.verdict or ""]
        for m in report.measures:
            found = row.figures.get(m.name)
            cells += ["", ""] if found is None else [found.mean, "" if found.spread is None else found.spread]
        for metric in report.metrics:
            against = row.against.get(metric)
            cells += [""] * len(comparison) if against is None else [getattr(against, name) for name in comparison]
        writer.writerow(cells)
    return text.getvalue()


def to_json(report: Report) -> dict[str, Any]:
    """Everything, in plain units (fractions, seconds)."""
    known = ("title", "unit", "definition", "source", "group", "better")
    return {
        "title": report.title,
        "question": report.question,
        "baseline": report.baseline,
        "metrics": list(report.metrics),
        "measures": {m.name: {name: getattr(m, name) for name in known} for m in report.measures},
        "statistics": DEFINITION,
        "rows": [row.to_json() for row in report.rows],
        "missing": list(report.missing),
        "core_hours": {"estimate": report.estimate, "spent": report.spent, "reused": report.reused},
    }


def as_json(report: Report) -> str:
    return json.dumps(to_json(report), ensure_ascii=False, indent=1) + "\n"


ESCAPED = {c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
SIGNS = {"±": r"$\pm$", "▲": r"$\blacktriangle$", "▼": r"$\blacktriangledown$", "λ": r"$\lambda$"}


def latex(report: Report) -> str:
    """The figures as one booktabs table; ▲ ▼ need amssymb."""
    several = _several_data(report)
    shown_measures = [m for m in report.measures if m.group != "ranking" or m.name in report.metrics]
    columns = [*(["Data"] if several else []), "Model", *(heading(m) for m in shown_measures), "Verdict"]
    lines = [" & ".join(map(_tex, columns)) + r" \\", r"\midrule"]
    for row in report.rows:
        cells = [*([row.data] if several else []), row.name]
        for m in shown_measures:
            mark = MARKS[row.against[m.name].says] if m.name in row.against else ""
            cells.append(f"{shown(m, row.figures.get(m.name))} {mark}".strip())
        lines.append(" & ".join(map(_tex, [*cells, row.verdict or ""])) + r" \\")
    begin = [r"\begin{tabular}{" + "l" * (1 + several) + "r" * len(shown_measures) + "l}", r"\toprule"]
    return "\n".join([f"% {report.title}", *begin, *lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _tex(text: str) -> str:
    return "".join(SIGNS.get(c, ESCAPED.get(c, c)) for c in text)
