"""Locations: the app of this package, the runs, and the caches."""

import os
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).resolve().parent


def installed() -> bool:
    """Whether this is an installed package, with the app inside it, rather than a checkout, with the app next to it."""
    return (PACKAGE / "_app").is_dir()


def app_folder() -> Path:
    """The folder with ``app/``, ``pages/`` and ``assets/``."""
    return PACKAGE / "_app" if installed() else PACKAGE.parent


def runs_folder() -> Path:
    """Where the app keeps a person's runs: ADREC_RUNS, else ``runs/`` in a checkout, else ``runs/`` in the user's data folder."""
    if chosen := os.environ.get("ADREC_RUNS"):
        return Path(chosen).expanduser().resolve()
    if not installed():
        return app_folder() / "runs"
    return home("data") / "runs"


def home(kind: str = "cache") -> Path:
    """Where data sets and caches live: ADREC_HOME, else the user's folder for caches (or kind: ``data``) on this system."""
    usual = platformdirs.user_data_path if kind == "data" else platformdirs.user_cache_path
    return Path(os.environ.get("ADREC_HOME") or usual("adrec", appauthor=False)).expanduser()
