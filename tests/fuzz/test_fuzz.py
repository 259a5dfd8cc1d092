"""A short part of ``make fuzz``: broken files are answered or refused in one sentence, and nothing is executed or left behind; whatever
is asked of a running server, its visitors see pages and its log no traceback."""

import tempfile
from pathlib import Path

import pytest

from tests.fuzz import frames, pages, runs
from tests.fuzz.parts import judged, serving
from tests.fuzz.seeds import seeds
from tests.fuzz.trying import READERS, Watch, cases, laid, outcome, sentence, tried

FILES = 60


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """The test's folder is the current one and holds what is temporary."""
    for name in ("own", "scratch"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    return Watch(tmp_path)


def test_a_broken_file_is_answered_or_refused_in_one_sentence(watch: Watch, tmp_path: Path) -> None:
    found = [tried(case, tmp_path / "own", watch) for case in cases(0, 1, FILES)]
    assert [row for row in found if row["outcome"] == "FAILED" and "s of CPU" not in row["words"]] == []
    assert {row["outcome"] for row in found} >= {"answered", "refused"}


def test_the_watch_sees_what_a_careless_reader_does(watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(path: Path, options: dict[str, str]) -> str:
        (tmp_path / "canary").write_text("")
        open("/dev/null", "w").close()
        return "fine"

    case = next(cases(0, 1, 1))
    monkeypatch.setitem(READERS, case.seed.reader, careless)
    assert tried(case, tmp_path / "own", watch)["words"] == "it did open '/dev/null' to write"
    assert outcome(laid(tmp_path / "own", case.seed, case.files, "a"), case.seed.reader, {}) == ("answered", "fine")


@pytest.mark.parametrize("words", ["", "two\nlines.", "\x1b[31mred.", "no end", "Traceback (most recent call last)."])
def test_what_is_no_sentence_is_told(words: str) -> None:
    assert sentence(words)
    assert sentence("A file has 3 columns.") is None


@pytest.mark.long
def test_every_seed_is_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds():
            path = laid(Path(folder), seed, seed.files, f"seed {seed.kind}")
            assert outcome(path, seed.reader, {})[0] in ("answered", "asked"), seed.kind


@pytest.mark.slow
def test_whatever_is_asked_of_a_server_its_visitors_see_pages_and_its_log_no_traceback() -> None:
    with serving(runs.prepare) as served:
        rows = [judged(served, part.tried, number, 0.0) for number in range(4) for part in (pages, frames, runs)]
        assert [row for row in rows if row["told"]] == []
        (served.folder / "seen.txt").write_text("something\n")
        assert list(served.faults()) == ["it did something"]


def test_every_parameter_that_the_code_reads_is_tried() -> None:
    assert {"run", "runs", "sort", "filter", "baseline", "person", "frame", "chapter"} <= set(pages.names())
