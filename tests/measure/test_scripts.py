"""The scripts themselves: each is listed with what it makes, and its imports are there."""

import importlib
from pathlib import Path

import pytest

import tests.measure as package

SCRIPTS = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith(("test_", "__")))


def test_every_script_is_listed_with_what_it_makes() -> None:
    listed = [line.split()[0] for line in (package.__doc__ or "").splitlines() if line.startswith("    ")]
    assert sorted(listed) == SCRIPTS


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_imported(name: str) -> None:
    importlib.import_module(f"tests.measure.{name}")
