"""A closer look below the scrubber: other seeds and fewer steps, the forward process, all users. One at a time is computed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from adrec.explain import words
from adrec.explain.all_users import cached_all_users
from adrec.runs import RunFolder
from app import loaders, measuring, projecting, state, ui
from app.denoising import data
from app.denoising import noise as denoising_noise
from app.denoising.shelf import Shelf
from app.denoising.view import wait_for
from app.texts import linked, say

if TYPE_CHECKING:
    from app.denoising.sides import Side

ASKED = "denoising.asked"
LOOKS = {"seeds": "Other seeds, fewer steps", "forward": "What noise does", "everyone": "All users"}
WEIGHTS = {"weights": "The noise weight λ"}
"""Only where there are runs to compare."""
PER_TOKEN = {
    "token": "This run was trained with **a separate noise level for every token**, ADRec's contribution. Clean and noisy tokens are "
    "mixed, as they are when recommending.",
    "sequence": "This run was trained with **one noise level for the whole sequence**. When recommending, the history is clean and only "
    "the last token is noise, a case it never saw in training.",
}


def look(shelf: Shelf, side: "Side", seed: int) -> None:
    """The choice and what is chosen."""
    run, title = shelf.run, loaders.title(shelf.run)
    st.markdown("#### Look closer")
    looks = LOOKS | WEIGHTS if len(shelf.alike) > 1 else LOOKS
    chosen = st.segmented_control(
        "Look closer",
        looks,
        format_func=looks.__getitem__,
        required=True,
        label_visibility="collapsed",
        **state.bound("look", "seeds", tuple(looks)),
    )
    if chosen == "seeds":
        _seeds(side, seed, title)
    elif chosen == "forward":
        _forward(side, seed, title)
    elif chosen == "everyone":
        _everyone(run)
    else:
        denoising_noise.effect(shelf.alike)


# -- other seeds and fewer steps ----------------------------------------------------------------------------------


def _seeds(side: "Side", seed: int, title: Callable[[int], str]) -> None:
    run = side.run
    if not _asked(run, side.subject, seed, side.steps):
        return
    from app.denoising import charts

    asked = run, side.stage, side.subject, seed, side.steps
    wait_for([side.walk(seed), data.sweep(*asked)], st.container())
    found, trajectory = data.chance(*asked), side.trajectory(seed)
    final = [set(row) for row in found.sweep.top_ten[-1].tolist()]
    common = [len(final[0] & other) for other in final[1:]]
    st.markdown(words.describe_noise(trajectory.steps, found.one_step, common, len(final[0]), trajectory.commit_step))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**Rank of {words.MARKDOWN.title(title(found.sweep.item))} under {data.SEEDS} seeds**")
        alt = (
            f"Ranks over {trajectory.steps} steps under {data.SEEDS} seeds: "
            f"at the end {found.sweep.band[-1, 0]} to {found.sweep.band[-1, -1]}."
        )
        ui.figure(charts.band(found.sweep), charts.band_table(found.sweep), "ranks-by-seed", alt, key="denoising.band")
        alike = bool((found.sweep.ranks == found.sweep.ranks[:, :1]).all())
        bands = "The line is the median over seeds, the darker band eight in ten, the lighter one all. The first seed is the one above."
        st.caption("All seeds give this rank at every step, so the line has no band around it." if alike else bands)
    with right:
        st.markdown(words.describe_first_choices(found.sweep, title))
        table = charts.pd.DataFrame([{"id": item, "title": title(item), "share": share} for item, share in found.sweep.shares])
        ui.figure(charts.ends(found.sweep, title), table, "where-seeds-end", "Share of seeds that end at each item", key="denoising.ends")
    st.markdown(f"**One step versus {data.own_steps(run)}**, with the same {data.SEEDS} seeds")
    columns = {
        "steps": st.column_config.NumberColumn("Steps"),
        "common": st.column_config.NumberColumn("Same items in the top 10, mean", format="%.1f"),
        "fewest": st.column_config.NumberColumn("fewest"),
        "median": st.column_config.NumberColumn("Rank, median"),
        "low": st.column_config.NumberColumn("best"),
        "high": st.column_config.NumberColumn("worst"),
    }
    fewer = charts.steps_table(found.fewer)
    st.dataframe(fewer, hide_index=True, column_config=columns, key="denoising.fewer")
    ui.download("Data (CSV)", fewer, "fewer-steps", key="denoising.fewer")


def _asked(run: RunFolder, *what: Any) -> bool:
    """Whether the visitor has asked for this: by a link that names it, or by pressing. If not, the way to ask."""
    now = (loaders.key(run), *what)
    if ASKED not in st.session_state:
        st.session_state[ASKED] = now if state.get("look") == "seeds" else None
    if st.session_state[ASKED] == now:
        return True

    def ask() -> None:
        st.session_state[ASKED] = now

    st.markdown(f"How much of this is chance? The same history under {data.SEEDS - 1} other seeds and in fewer steps:")
    st.button(f"Try {data.SEEDS - 1} other seeds and fewer steps", icon=":material/casino:", on_click=ask, key="denoising.ask")
    return False


# -- the forward process ------------------------------------------------------------------------------------------


def _forward(side: "Side", seed: int, title: Callable[[int], str]) -> None:
    from app.denoising import charts

    run, place = side.run, st.container()
    if side.subject.target is None:
        wait_for([side.walk(seed)], place)
    item = side.subject.target or int(side.trajectory(seed).top[-1, 0])
    sequence = [*side.subject.history[1:], item]
    asked = run, side.stage, item, seed, len(sequence)
    wait_for([data.process(*asked)], place)
    found = data.forward(*asked)
    schedule, noised = found.schedule, found.noised
    name = words.MARKDOWN.title(title(item))
    lost = next((t for t, share in enumerate(noised.found.tolist()) if share < 0.5), None)
    fate = (
        "the noised vector is closest to its own item at every t"
        if lost is None
        else f"the noised vector is usually no longer closest to its own item from t = {lost} on"
    )
    st.markdown(
        f"In training, a known next item is mixed with random numbers, more so for larger t, and the model learns to tell "
        f"which item it was. For {name}, {fate}."
    )
    left, right = st.columns(2, gap="large")
    table = charts.forward_table(schedule, noised)
    with left:
        st.markdown("**The schedule**: weights of signal and noise")
        alt = f"Weights of signal and noise over t: signal falls from {schedule.signal[0]:.2f} to {schedule.signal[-1]:.2f}."
        ui.figure(charts.weights(schedule), table, "forward-process", alt, key="denoising.weights")
        st.caption(
            f"x_t = signal × item + noise × random numbers. The squared ratio of the two weights, the signal-to-noise ratio, falls from "
            f"{schedule.snr[0]:.3g} to {schedule.snr[-1]:.2g}. For an item of this length: {noised.snr[0]:.2g} to {noised.snr[-1]:.2g}."
        )
    with right:
        st.markdown(f"**{name} with growing noise**")
        alt = f"Cosine of the noised item to itself and share of draws in which it is still nearest, over t, of {title(item)}."
        ui.figure(charts.recognised(noised), table, "noised-item", alt, key="denoising.noised")
        st.caption(f"Over {noised.draws} draws of noise; nearest by cosine among all {run.settings['n_items']:,} items.")
    if found.levels is None or found.per is None:
        st.caption("Only the next item is noised, in training as when recommending; the history is clean.")
        return
    st.markdown("**Who gets how much noise**")
    levels = found.levels
    figure = charts.noise_levels(levels, schedule, [title(i) for i in sequence])
    rows = charts.pd.DataFrame({"title": [title(i) for i in sequence], **levels})
    ui.figure(
        figure, rows, "noise-by-token", "Noise on every token of the history, in training and when recommending.", key="denoising.dealt"
    )
    st.caption("Darker is noisier; pale is clean. Each training row is one random draw.")
    st.markdown(PER_TOKEN[found.per])


# -- all users ----------------------------------------------------------------------------------------------------


def _everyone(run: RunFolder) -> None:
    report = cached_all_users(run)
    if report is None:
        _measure(run)
        return
    from app.denoising import charts

    say(linked(words.describe_all_users(report), {"HR@20": "hr", "decided": "commit-step"}))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**When the list is decided**")
        table = charts.pd.DataFrame({"commit_step": range(1, report["timesteps"] + 1), "users": report["commit_steps"]})
        alt = f"Users by commit step: {report['commit_steps'][0]:,} of {report['users']:,} at the first."
        ui.figure(charts.commits(report), table, "commit-steps", alt, key="denoising.commits")
    with right:
        st.markdown("**How good the list is after each step**")
        alt = "HR@20 and NDCG@10 after each step of the whole process."
        ui.figure(charts.by_step(report), charts.pd.DataFrame(report["by_step"]), "metrics-by-step", alt, key="denoising.bystep")
    number = st.column_config.NumberColumn
    percent: dict[str, Any] = {"hr": number("HR@20, %", format="%.2f"), "ndcg": number("NDCG@10, %", format="%.2f")}
    st.markdown(f"**One step versus {report['timesteps']}**, with a separate reverse process for each number of steps")
    columns = percent | {
        "steps": number("Steps"),
        "items": number("Distinct items"),
        "commit": number("Commit step, mean", format="%.1f"),
        "common": number("Same items in the top 10, mean", format="%.2f"),
    }
    st.dataframe(charts.everyone_table(report), hide_index=True, column_config=columns, key="denoising.everyone")
    columns = percent | {
        "users": number("Users"),
        "one": number("HR@20 after one step, %", format="%.2f"),
        "commit": number("Commit step, mean", format="%.2f"),
    }
    for split, words_ in (("by_popularity", "Occurrences of the target in training"), ("by_length", "Items before the target")):
        table = charts.groups_table(report[split])
        st.dataframe(table, hide_index=True, column_config={"group": words_, **columns}, key=f"denoising.{split}")
    st.caption(f"Test items of {report['users']:,} users, seed {report['seed']}. Standard errors are in the run's all_users.json.")


def _measure(run: RunFolder) -> None:
    """Start, follow and cancel the measurement."""
    if loaders.dataset(run)[0] is None:
        st.info(words.plain(f"{loaders.dataset(run)[1]} All users cannot be measured without them."), icon=":material/info:")
        return

    def begin() -> None:
        with ui.guard():
            projecting.start(run, module=measuring.MODULE)

    @st.fragment(run_every=1.0 if _alive(run) else None)
    def progress() -> None:
        job = projecting.job(run, module=measuring.MODULE)
        if job is not None and job.alive:
            st.progress(job.fraction, f"Measuring all users: {100 * job.fraction:.0f} %")
            if job.mine:
                st.button("Cancel", on_click=projecting.cancel, args=(run,), kwargs={"module": measuring.MODULE}, key="denoising.cancel")
            return
        if job is not None and cached_all_users(run) is not None:
            st.rerun()
        if job is not None and job.error:
            st.error(words.plain(job.error), icon=":material/error:")
        st.markdown("Not measured yet. Measuring runs every user's reverse process in all steps and in 1, 4 and 8, and saves the result.")
        st.button(
            "Measure all users",
            icon=":material/play_arrow:",
            on_click=begin,
            key="denoising.measure",
        )

    progress()


def _alive(run: RunFolder) -> bool:
    job = projecting.job(run, module=measuring.MODULE)
    return job is not None and job.alive
