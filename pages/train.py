"""Train: start a run, watch it, stop it, resume it."""

import streamlit as st

from adrec.folders import runs_folder
from app import jobs, loaders, state, train_about, train_form, train_view, ui
from app.collapse import healthy
from app.serving import modes, visitors

PAGE = {"title": "Train", "icon": ":material/model_training:", "order": 5}

root = runs_folder()
jobs.ensure_worker(root)
bundled = {job.name: job for job in jobs.jobs(loaders.BUNDLED)}
known = {loaders.link_name(job.run): (job, loaders.LoadedRun(job.run.path)) for folder in visitors.folders() for job in jobs.jobs(folder)}
known |= {run.name: (bundled[run.name], run) for run in loaders.all_runs() if loaders.is_bundled(run) and run.name in bundled}
ui.header("How does a model learn its items?")
picture, controls = st.columns([5, 2], gap="large")
with picture:
    if known:
        wanted = state.get("run")
        if wanted is not None and wanted not in known:
            ui.warn(f"There is no run called '{wanted}' here.")
        default = next((name for name, (_, run) in known.items() if not run.exists or loaders.problem(run) is None), next(iter(known)))
        job, run = known[ui.choose_run("Run", {name: run for name, (_, run) in known.items()}, "run", default)]
        if run.exists and loaders.problem(run) is None:
            healthy.note(run)
        train_view.follow(root, job)
    else:
        st.info("There is no run yet. Start one to follow it here; it keeps running when you close this page.", icon=":material/info:")
with controls:
    if modes.public():
        train_about.at_home()
    else:
        train_form.form(root)
