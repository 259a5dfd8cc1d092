"""The gate for CI: exit codes, the line of reason, and what counts as a change since a baseline."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adrec.cli import main
from adrec.collapse.thresholds import THRESHOLDS
from adrec.embeddings.gate import changes, failure


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).standard_normal((200, 16)))
    return tmp_path / "noise.npy"


@pytest.fixture
def collapsed(tmp_path: Path) -> Path:
    np.save(tmp_path / "collapsed.npy", 20 + np.random.default_rng(0).standard_normal((200, 16)))
    return tmp_path / "collapsed.npy"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 0),
        (["--fail-on", "low-rank, noise-like"], 0),
        (["--fail-on", "noise-like,complete-collapse"], 1),
        (["--fail-on", "complete-collapse", "--min-confidence", "0.9"], 1),
        (["--fail-on", "complete-collapse", "--json"], 1),
    ],
)
def test_the_exit_code_is_1_for_the_kinds_that_were_named(
    collapsed: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    assert main(["collapse", str(collapsed), *words]) == code
    said = capsys.readouterr()
    reason = f"adrec: 'collapsed.npy' is complete-collapse, confidence {THRESHOLDS.surest_alone:.2f}, rather than narrowing.\n"
    assert said.err == (reason if code else "") and "complete-collapse" in said.out


def test_a_verdict_below_the_least_confidence_passes(noise: Path) -> None:
    assert main(["collapse", str(noise), "--fail-on", "noise-like"]) == 1
    assert main(["collapse", str(noise), "--fail-on", "noise-like", "--min-confidence", "0.9"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fail-on", "broken"], "'broken' is not a kind of verdict"),
        (["--fail-on", ","], "names nothing"),
        (["--fail-on", "worse"], "needs --baseline"),
        (["--min-confidence", "0.9"], "needs --fail-on"),
        (["--fail-on", "low-rank", "--min-confidence", "2"], "invalid confidence value: '2'"),
        (["--baseline", "{tmp}/none.json"], "No such file"),
        (["--baseline", "{tmp}/noise.npy"], "is not a judgment"),
        (["--baseline", "{tmp}/empty.json"], "holds no table"),
    ],
)
def test_a_wrong_rule_or_baseline_is_one_sentence_and_code_2(
    noise: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (noise.parent / "empty.json").write_text('{"tables": []}')
    assert main(["collapse", str(noise), *(word.format(tmp=noise.parent) for word in words)]) == 2
    assert said in capsys.readouterr().err


def test_a_table_that_became_worse_than_the_baseline_fails(noise: Path, collapsed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = np.load(noise)
    table[:, :4] = 0
    np.save(noise.parent / "dead.npy", table)
    assert main(["collapse", str(noise), "--json"]) == 0
    before = noise.parent / "before.json"
    before.write_text(capsys.readouterr().out)
    rule = ["--baseline", str(before), "--fail-on", "worse"]
    assert main(["collapse", str(noise), *rule]) == 0
    assert "Nothing changed by more than chance." in capsys.readouterr().out
    assert main(["collapse", str(noise.parent / "dead.npy"), *rule, "--json"]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("adrec: 'dead.npy' became worse: New: 4 of 16 columns") and told.err.count("\n") == 1
    assert [change["what"] for change in json.loads(told.out)["changes"]] == ["dead-columns"]


def entry(
    kind: str = "healthy", confidence: float = 1.0, meaning: tuple[float, float, float] | None = None, dead: int = 0
) -> dict[str, Any]:
    facts = [{"code": "dead-rows", "says": f"{dead} of 1,000 rows are dead.", "count": dead, "of": 1000}] if dead else []
    share = None if meaning is None else dict(zip(("share", "low", "high"), meaning, strict=True))
    return {"name": "a", "verdict": {"kind": kind, "confidence": confidence, "instead": "concentrated"}, "meaning": share, "facts": facts}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (entry(), entry("low-rank"), [("kind", True)]),
        (entry("low-rank"), entry("concentrated"), [("kind", False)]),
        (entry(), entry("low-rank", 0.6), []),
        (entry(meaning=(1.0, 0.9, 1.1)), entry(meaning=(0.8, 0.7, 0.89)), [("meaning", True)]),
        (entry(meaning=(1.0, 0.9, 1.1)), entry(meaning=(0.9, 0.8, 1.0)), []),
        (entry(meaning=(1.0, 0.9, 1.1)), entry(), []),
        (entry(dead=100), entry(dead=110), []),
        (entry(dead=100), entry(dead=300), [("dead-rows", True)]),
        (entry(dead=100), entry(), [("dead-rows", False)]),
    ],
)
def test_only_what_is_more_than_chance_is_a_change(before: Any, after: Any, expected: list[tuple[str, bool]]) -> None:
    assert [(change["what"], change["worse"]) for change in changes([before], [after])] == expected


def test_several_tables_are_compared_by_name() -> None:
    other = {**copy.deepcopy(entry("low-rank")), "name": "b"}
    assert changes([entry(), other], [other]) == []
    assert (
        failure([entry("low-rank"), other], ["low-rank"], 0.5) == "'a' is low-rank, confidence 1.00, rather than concentrated. And 1 more."
    )


def test_rows_that_belong_to_other_items_than_said_fail_a_gate_that_asks_for_it() -> None:
    moved = {**entry(), "join": {"fix": "--order numeric:1", "doubt": None, "says": "Joined to other items than assumed."}}
    open_ = {**entry(), "join": {"fix": None, "doubt": "Which row is which item cannot be told.", "says": ""}}
    held = {**entry(), "join": {"fix": None, "doubt": None, "says": "By ids."}}
    assert failure([held], ["join"], 0.5) is None and failure([moved], ["low-rank"], 0.5) is None
    assert failure([moved], ["join"], 0.5) == "'a': Joined to other items than assumed."
    assert failure([open_], ["join"], 0.9) == "'a': Which row is which item cannot be told."
    (change,) = changes([held], [moved])
    assert (change["what"], change["worse"]) == ("join", True) and not changes([moved], [moved])
