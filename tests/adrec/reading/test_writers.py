"""Interactions and tables, as common writers write them in any format, come back equal, are asked about or are refused with a sentence."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.adrec.reading.writers import COME_BACK, EASY, EXAMPLES, WRITERS, missing

QUICK, LONG = settings(EASY, max_examples=4), settings(EASY, max_examples=EXAMPLES)

writers = pytest.mark.parametrize(
    "writer",
    [pytest.param(w, marks=pytest.mark.skipif(missing(w), reason=f"{w} is not installed, and is no requirement")) for w in WRITERS],
)


@writers
@pytest.mark.parametrize("what", COME_BACK)
def test_a_frame_comes_back_equal_or_is_asked_about_or_refused(tmp_path: Path, what: str, writer: str) -> None:
    COME_BACK[what](tmp_path, writer, QUICK)


@pytest.mark.long
@writers
@pytest.mark.parametrize("what", COME_BACK)
def test_of_thousands_of_frames_most_come_back_equal(tmp_path: Path, what: str, writer: str, capsys: pytest.CaptureFixture[str]) -> None:
    tried = COME_BACK[what](tmp_path, writer, LONG)
    with capsys.disabled():
        print(f"\n{what} {writer}: {tried}")
    assert tried.read > 0.8 * EXAMPLES and tried.told["equal"] > tried.told["asked"] + 10 * tried.told["refused"]
