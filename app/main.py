"""The app's entry: ``adrec app``, or ``streamlit run app/main.py``. What it shows is script.py."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from streamlit import cli_util, config
from streamlit.starlette import App
from streamlit.web.server import server_util

ROOT = Path(__file__).resolve().parent.parent
if sys.path[0] != str(ROOT):  # first, because the folder that the app is started from may hold an app.py of its own
    sys.path.insert(0, str(ROOT))

from adrec.cli.app import STOP_TRAININGS  # noqa: E402  (needs the path above)
from adrec.folders import runs_folder  # noqa: E402
from adrec.system import allow_many_handles  # noqa: E402
from app import health, jobs, people, pulse  # noqa: E402
from app.serving import files, frames, limits, modes, origins, server_log, turnstile  # noqa: E402

PATIENCE = 50.0
"""Seconds for trainings to end in; less than what deploy/compose.yaml grants before it kills."""


@asynccontextmanager
async def opened(_: App) -> AsyncIterator[None]:
    """Open the browser, which Streamlit leaves to apps with routes of their own. The socket already listens; an early visitor waits."""
    server_log.quiet()
    allow_many_handles()  # a viewer takes four, and three for two minutes more
    address = server_util.get_url(server_util.get_display_address(st.get_option("server.address") or "localhost"))
    if modes.classroom():
        from app import classroom

        address = classroom.begin()
        print(f"For you alone, the presenter: {address}\n{classroom.joining()}", flush=True)
    if not st.get_option("server.headless"):
        cli_util.open_browser(address)
    if modes.public():
        config.set_option("server.maxUploadSize", limits.limits().upload)
        # one's own page is the first, and shares the processor with nothing
        health.health.warm()
    reporting = asyncio.create_task(pulse.report())
    yield
    reporting.cancel()
    if os.environ.get(STOP_TRAININGS):
        await run_in_threadpool(jobs.stop_all, runs_folder(), PATIENCE)


def parts() -> dict[str, Any]:
    """What the server is made of, besides its script."""
    frames.check_values()
    routes = [*files.routes(), people.route(), health.route()]
    if modes.classroom():
        from app import classroom

        routes += classroom.routes()
    gates = [Middleware(gate) for gate in (origins.OwnPages, turnstile.Turnstile, frames.OwnMessages, pulse.Listening)]
    return {"routes": routes, "middleware": gates, "lifespan": opened}


app = App(Path(__file__).with_name("script.py"), **parts())
