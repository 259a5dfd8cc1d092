"""Measuring all users in a process of its own: ``python -m app.measuring RUN`` fills the run's ``all_users.json``.

``app.projecting`` starts, follows and cancels it.
"""

import sys

from adrec.explain.all_users import all_users
from adrec.runs import RunFolder
from app.projecting import run_job

MODULE = "app.measuring"


if __name__ == "__main__":
    run_job(lambda say: all_users(RunFolder(sys.argv[1]), progress=lambda share: say(share, "measuring")))
