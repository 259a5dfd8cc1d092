"""The figures below the scrubber: pure functions from measures to Plotly figures, and their data as tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import palette
from app.charts import base_layout, direct_label, plain

if TYPE_CHECKING:
    from adrec.explain.records import FewerSteps, NoisedItem, Schedule, SeedSweep

SOFT = "rgba(213, 94, 0, 0.16)"
SOFTER = "rgba(213, 94, 0, 0.10)"
SHOWN = 8
"""The most first choices drawn; the rest are summed up."""


def band(sweep: "SeedSweep") -> go.Figure:
    """The ranks over the steps: all seeds, the middle eight tenths, the median."""
    steps, quantiles = list(range(1, len(sweep.timesteps) + 1)), sweep.band.T
    figure = go.Figure()
    for low, high, color, name in ((0, 4, SOFTER, "all seeds"), (1, 3, SOFT, "eight of ten seeds")):
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_scatter(x=steps, y=quantiles[low], **edge)
        figure.add_scatter(x=steps, y=quantiles[high], fill="tonexty", fillcolor=color, name=name, **edge)
    hover = "step %{x}: rank %{y}, all seeds %{customdata[0]} to %{customdata[1]}<extra></extra>"
    ends = np.stack([quantiles[0], quantiles[4]], axis=1)
    mode = "lines+markers" if len(steps) == 1 else "lines"
    line = {"color": palette.TARGET_COLOR, "width": 2}
    figure.add_scatter(x=steps, y=quantiles[2], mode=mode, line=line, customdata=ends, hovertemplate=hover)
    figure.update_layout(**base_layout("step", "rank (1 is best)", height=280))
    highest = max(12.0, 1.5 * float(quantiles[4].max()))
    ticks = [n * 10**power for power in range(7) for n in (1, 2, 5) if n * 10**power <= highest]
    ticks = ticks if len(ticks) <= 8 else ticks[::3]
    figure.update_yaxes(
        type="log", range=[np.log10(highest), np.log10(0.8)], tickvals=ticks, ticktext=[f"{n:,}" for n in ticks], nticks=None
    )
    return figure


def band_table(sweep: "SeedSweep") -> pd.DataFrame:
    """The band as rows."""
    frame = pd.DataFrame(sweep.band, columns=["best", "first decile", "median", "last decile", "worst"])
    frame.insert(0, "step", np.arange(1, len(frame) + 1))
    return frame


def ends(sweep: "SeedSweep", title: Callable[[int], str]) -> go.Figure:
    """The share of seeds that end at each item as their first choice."""
    shares = sweep.shares
    shown = [(("★ " if item == sweep.target else "") + title(item), share) for item, share in shares[:SHOWN]]
    if len(shares) > SHOWN:
        shown.append((f"{len(shares) - SHOWN} others", sum(share for _, share in shares[SHOWN:])))
    names, values = [plain(_short(name)) for name, _ in shown], [100 * share for _, share in shown]
    colors = [palette.TARGET_COLOR if name.startswith("★") else palette.ANSWER_COLOR for name in names]
    text = [f"{value:.0f} %" for value in values]
    places = list(range(len(names)))
    figure = go.Figure()
    figure.add_bar(x=values, y=places, orientation="h", marker_color=colors, text=text, textposition="outside", hoverinfo="skip")
    figure.update_layout(**base_layout("share of seeds, %", None, height=max(140, 60 + 28 * len(names))))
    figure.update_yaxes(tickvals=places, ticktext=names, autorange="reversed", nticks=None)
    figure.update_xaxes(range=[0, 1.18 * max(values)])
    return figure


def _short(text: str, most: int = 28) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def steps_table(fewer: "Sequence[FewerSteps]") -> pd.DataFrame:
    """By number of steps: the top 10 in common with all steps, and ranks over seeds."""
    rows = []
    for few in fewer:
        low, middle, high = np.quantile(few.ranks, [0, 0.5, 1], method="nearest").astype(int)
        rows.append(
            {"steps": few.steps, "common": few.common.mean(), "fewest": int(few.common.min()), "median": middle, "low": low, "high": high}
        )
    return pd.DataFrame(rows)


# -- the forward process ------------------------------------------------------------------------------------------


def weights(schedule: "Schedule") -> go.Figure:
    """How much of a noised token is signal and how much noise, by t."""
    t = list(range(len(schedule.signal)))
    figure = go.Figure()
    for values, name, color, dash in (
        (schedule.signal, "signal", palette.TARGET_COLOR, "solid"),
        (schedule.noise, "noise", palette.NULL_COLOR, "dash"),
    ):
        line = {"color": color, "width": 2, "dash": dash}
        figure.add_scatter(x=t, y=values, mode="lines", line=line, hovertemplate=f"t = %{{x}}: {name} × %{{y:.3f}}<extra></extra>")
        direct_label(figure, t[-1] * 0.72, float(values[int(t[-1] * 0.72)]), name, color, yshift=12)
    figure.update_layout(**base_layout("t", "weight", height=260, yaxis_rangemode="tozero"))
    return figure


def recognised(noised: "NoisedItem") -> go.Figure:
    """How alike the noised item still is, and how often it is still the nearest of all, by t."""
    t = list(range(len(noised.cosine)))
    figure = go.Figure()
    for values, name, color, dash in (
        (noised.cosine, "cosine to the item", palette.ANSWER_COLOR, "solid"),
        (noised.found, "still nearest", palette.TARGET_COLOR, "dash"),
    ):
        line = {"color": color, "width": 2, "dash": dash}
        figure.add_scatter(x=t, y=values, mode="lines", line=line, hovertemplate=f"t = %{{x}}: {name} %{{y:.2f}}<extra></extra>")
    early, middle = min(2, t[-1]), t[-1] // 2
    direct_label(
        figure, early, float(noised.found[early]), "share of draws in which it is still nearest", palette.TARGET_COLOR, xshift=10, yshift=6
    )
    direct_label(figure, middle, float(noised.cosine[middle]), "cosine", palette.ANSWER_COLOR, yshift=12)
    figure.update_layout(**base_layout("t", "0 to 1", height=260, yaxis_range=[-0.08, 1.12]))
    return figure


def forward_table(schedule: "Schedule", noised: "NoisedItem") -> pd.DataFrame:
    """Schedule and item by t."""
    columns = {"signal": schedule.signal, "noise": schedule.noise, "snr": schedule.snr, "snr_of_item": noised.snr}
    columns |= {"cosine": noised.cosine, "share_nearest": noised.found, "median_rank": noised.rank}
    return pd.DataFrame({"t": np.arange(len(schedule.signal)), **columns})


DEALT = {"token": "Training, one level per token", "sequence": "Training, one level for all", "start": "Recommending"}


def noise_levels(levels: Mapping[str, np.ndarray], schedule: "Schedule", titles: Sequence[str]) -> go.Figure:
    """The noise on every token of a history, darker for more. levels: from ``forward_process.noise_levels``. titles: the targets'."""
    amount = np.stack([np.where(levels[row] < 0, 0.0, schedule.noise[levels[row]]) for row in DEALT])
    text = [[f"{plain(title)}: {'clean' if t < 0 else f't = {t}'}" for title, t in zip(titles, levels[row], strict=True)] for row in DEALT]
    figure = go.Figure()
    scale = [[0, "rgba(138, 146, 155, 0.12)"], [1, "#0072B2"]]
    figure.add_heatmap(
        z=amount, x=list(range(1, len(titles) + 1)), y=[0, 1, 2], zmin=0, zmax=1, colorscale=scale, xgap=2, ygap=10, showscale=False,
        text=text, hovertemplate="%{text}<br>noise × %{z:.2f}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(**base_layout("position in the sequence (the last is the next item)", None, height=210))
    figure.update_yaxes(
        tickvals=[0, 1, 2], ticktext=[name.replace(", ", ",<br>") for name in DEALT.values()], autorange="reversed", nticks=None
    )
    return figure


# -- all users ----------------------------------------------------------------------------------------------------


def commits(report: Mapping[str, Any]) -> go.Figure:
    """The share of users whose list is decided at each step."""
    counts = report["commit_steps"]
    share = [100 * count / report["users"] for count in counts]
    figure = go.Figure()
    hover = "step %{x}: %{customdata} users, %{y:.1f} %<extra></extra>"
    figure.add_bar(x=list(range(1, len(counts) + 1)), y=share, marker_color=palette.ANSWER_COLOR, customdata=counts, hovertemplate=hover)
    figure.update_layout(**base_layout("commit step", "users, %", height=260))
    return figure


def by_step(report: Mapping[str, Any]) -> go.Figure:
    """HR@20 and NDCG@10 after each step."""
    steps = [row["step"] for row in report["by_step"]]
    figure = go.Figure()
    for metric, name, color, dash in (
        ("hr@20", "HR@20", palette.TARGET_COLOR, "solid"),
        ("ndcg@10", "NDCG@10", palette.ANSWER_COLOR, "dash"),
    ):
        values = [100 * row[metric] for row in report["by_step"]]
        line = {"color": color, "width": 2, "dash": dash}
        figure.add_scatter(x=steps, y=values, mode="lines", line=line, hovertemplate=f"step %{{x}}: {name} %{{y:.2f}} %<extra></extra>")
        direct_label(figure, steps[-1], values[-1], name, color, xanchor="right", xshift=0, yshift=12)
    figure.update_layout(**base_layout("step", "%", height=260, yaxis_rangemode="tozero"))
    return figure


def everyone_table(report: Mapping[str, Any]) -> pd.DataFrame:
    """By number of steps: metrics in percent, distinct items, mean commit step, the top 10 in common with all steps."""
    names = ("distinct_items", "mean_commit_step", "common")
    rows = [(row["steps"], 100 * row["hr@20"], 100 * row["ndcg@10"], *map(row.__getitem__, names)) for row in report["by_steps"]]
    return pd.DataFrame(rows, columns=["steps", "hr", "ndcg", "items", "commit", "common"])


def weights_table(reports: Mapping[float, Mapping[str, Any]]) -> pd.DataFrame:
    """``everyone_table`` of several noise weights, one below the other."""
    return pd.concat([everyone_table(report).assign(weight=weight) for weight, report in reports.items()])[
        ["weight", "steps", "hr", "ndcg", "items", "commit", "common"]
    ]


def groups_table(groups: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Groups of users: what they are, their metrics after all steps and after one, their mean commit step."""
    rows = [
        (
            f"{g['from']:,} to {g['to']:,}",
            g["users"],
            100 * g["hr@20"],
            100 * g["one_step"]["hr@20"],
            100 * g["ndcg@10"],
            g["mean_commit_step"],
        )
        for g in groups
    ]
    return pd.DataFrame(rows, columns=["group", "users", "hr", "one", "ndcg", "commit"])
