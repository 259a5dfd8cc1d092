"""Hostile and broken files, all tried in one child process under limits: none crashes, hangs, runs code or takes memory."""

from pathlib import Path
from typing import Any

import pytest

from tests.adrec.hostile import CANARY, CASES, FINE, GROWTH, SECONDS, results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("hostile")
    return folder, results(folder)


@pytest.mark.parametrize("name", [name for name in CASES if name not in FINE])
def test_a_hostile_file_is_refused_in_one_sentence(name: str, found: Any) -> None:
    row = found[1].get(name)
    assert row is not None, "the process ended"
    assert row["kind"] == "refused", row
    words = row["words"]
    assert f"'{name}'" in words and words.endswith(".") and "\n" not in words and len(words) < 600


def test_no_hostile_file_costs_time_or_memory(found: Any) -> None:
    assert [row for row in found[1].values() if row["seconds"] >= SECONDS or row["grown"] >= GROWTH] == []


def test_no_code_of_a_file_ran(found: Any) -> None:
    assert len(found[1]) == len(CASES) and not (found[0] / CANARY).exists() and not Path(CANARY).exists()
