"""docs/RESULTS.md says what the experiments' reports say, and a paragraph that they contradict or do not reach is not printed."""

import tomllib

import pytest

from adrec.errors import ConfigError
from tests.measure.results_document import DOCUMENT, EXPERIMENTS, SECTION, Found, known, rewritten, section, words_of

AGAINST = {"difference": -0.016, "low": -0.03, "high": -0.001, "effect": 0.1, "p": 0.02, "p_holm": 0.04, "says": "lower"}


def row(model: str, **more: object) -> dict[str, object]:
    about = {"data": "ml-100k", "model": model, "seeds": [1, 2], "verdict": "healthy", "notes": []}
    return {**about, "measures": {"hr@10": [0.125, 0.01], "inference": [1.2, None]}, "against": {}, **more}


ABOUT = {"question": "Which?", "core_hours": 2.0, "baseline": "one", "data": ["ml-100k", "synthetic"], "models": ["one", "two"]}
ABOUT |= {"steps": ["two, 1 step"], "trainings": 8, "spent": 1.25, "reused": 0.0}


@pytest.fixture
def found() -> Found:
    rows = [row("one"), row("two", against={"hr@10": AGAINST}, seeds=[1], notes=["seed 1 not converged"])]
    return Found("which", {**ABOUT, "rows": rows})


def test_the_document_is_what_its_words_and_the_reports_make_of_it():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert rewritten(text, known(), words_of) == text, "run python -m tests.measure.results_document"
    assert {match[1] for match in SECTION.finditer(text)} == {path.stem for path in EXPERIMENTS.glob("*.md")}
    for name, one in known().items():
        file = tomllib.loads((EXPERIMENTS / f"{name}.toml").read_text(encoding="utf-8"))
        assert (file["question"], file["core_hours"]) == (one.kept["question"], one.kept["core_hours"]), name


def test_figures_differences_and_claims_come_from_the_report(found):
    said = section(
        "{hr@10 of one on ml-100k} and {hr@10 ± of one on ml-100k} %, {hr@10 less of two on ml-100k}, p {hr@10 p of two on ml-100k}, "
        "{inference of one on ml-100k} ms, {verdict of two on ml-100k}{hr@10 of two on ml-100k is lower}, {comparisons}.\n\n{compared}",
        found,
        {},
    )
    assert "12.50 and 12.50 ± 1.00 %, -1.60 (-3.00 to -0.10), p 0.040, 1.20 ms, healthy, 1." in said
    assert "| ml-100k | two | HR@10 | -1.60 (-3.00 to -0.10) | 0.040 | lower |" in said


def test_it_says_how_much_is_finished_and_a_paragraph_about_the_rest_waits(found):
    said = section("Known.\n\nNot yet: {hr@10 of one on synthetic} %.\n\n{table hr@10 ndcg@10 verdict}", found, {})
    assert "**3 of 8 trainings are finished.**" in said and "- two on ml-100k: seed 1 not converged." in said
    assert "Known." in said and "Not yet" not in said and said.endswith("when these are finished: one on synthetic.\n")
    assert "| ml-100k | two | 1 | 12.50 ± 1.00 ▼ | healthy |" in said
    nothing = section("Known.\n\n{table hr@10}\n\n{comparisons}", Found("which", {**ABOUT, "rows": []}), {})
    assert nothing.endswith("**None of its 8 trainings is finished.** Estimated before at 2 core-hours.\n\nKnown.\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{hr@10 of two on ml-100k is no difference found}", "The report says 'lower' where the words say 'no difference found'"),
        ("{verdict of one on ml-100k is narrowing}", "The report says 'healthy' where the words say 'narrowing'"),
        ("{hr@10 of three on ml-100k}", "which.toml has no 'three on ml-100k'; expected one of: one on ml-100k, "),
        ("{hr@11 of one on ml-100k}", "is no field"),
        ("{other: hr@10 of one}", "names no experiment"),
    ],
)
def test_words_that_the_report_contradicts_or_does_not_know_are_refused(found, words, said):
    with pytest.raises(ConfigError, match=said):
        section(words, found, {"which": found})
