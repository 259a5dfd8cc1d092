"""The scripts themselves: each is listed with what it makes, and its imports are there."""

import importlib
from pathlib import Path

import tests.measure as package

SCRIPTS = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith(("test_", "__")))


def test_every_script_is_listed_with_what_it_makes() -> None:
    listed = [line.split()[0] for line in (package.__doc__ or "").splitlines() if line.startswith("    ")]
    assert sorted(listed) == SCRIPTS


def test_every_script_can_be_imported() -> None:
    for name in SCRIPTS:
        importlib.import_module(f"tests.measure.{name}")
