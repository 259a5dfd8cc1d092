"""The lesson as one file, the teacher's page, and the content that both stand on."""

import re
from pathlib import Path

import pytest

from adrec.browser import wire
from adrec.cli import main
from adrec.explain.browser import scored
from adrec.lesson import content, models, setup
from tests.measure.lesson_times import sizes

MOST = 14_000_000


def test_the_lesson_is_one_file_of_at_most_14_mb_that_names_no_other_address(tmp_path: Path) -> None:
    out = tmp_path / "lesson.html"
    assert main(["lesson", "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    code = re.sub(r'<script type="text/plain".*?</script>', "", text, flags=re.DOTALL)
    assert len(text) <= MOST and re.findall(r"(?:src|href)=|@import url|https?://(?!www\.w3\.org)", code) == []


def test_every_model_that_the_lesson_runs_is_in_the_file_with_its_weights_and_no_other(tmp_path: Path) -> None:
    out = tmp_path / "lesson.html"
    main(["lesson", "--out", str(out)])
    elements = set(re.findall(r'id="weights-([\w.-]+)"', out.read_text(encoding="utf-8")))
    assert elements == {"people", "healthy", "lambda-1", "lambda-0.1"} == set(models.ANSWERING)


def test_the_browser_scores_every_step_of_the_models_that_it_runs() -> None:
    assert [scored(run) for run in models.models(setup.ASSETS / "runs").values()] == ["all"] * len(models.ANSWERING)


def test_the_bundled_content_has_at_most_a_megabyte_and_can_be_read() -> None:
    data = setup.bundled()
    assert len(data) <= content.MOST_BYTES and len(wire.unblock(data)) == 1


def test_the_first_picture_has_at_most_a_megabyte_the_first_model_comes_within_four_and_all_within_16() -> None:
    found = sizes()
    assert found["first picture"] <= 1e6 and found["whole"] <= 16e6
    assert found["first picture"] + found["weights"][models.ANSWERING[0]] <= 4e6


def test_the_lesson_is_sent_its_words_and_its_content() -> None:
    told, found = wire.unblock(setup.data(wire.block({"5": {"epochs": [0]}}, {}), "file"))
    assert (told["mode"], told["base"]) == ("file", None) and found["5"] == {"epochs": [0]}
    assert told["texts"]["5"] == setup.words("lesson")["5"] and told["texts"]["glossary"]


@pytest.mark.parametrize("base", [None, "http://localhost:8501/"])
def test_the_teachers_page_has_ten_questions_with_answers_and_an_exercise_a_chapter(tmp_path: Path, base: str | None) -> None:
    out = tmp_path / "teacher.html"
    assert main(["lesson", "--teacher", str(out), *([] if base is None else ["--base", base])]) == 0
    text, words = out.read_text(encoding="utf-8"), setup.words("teacher")
    assert text.count('class="question"') == 10 and [e["chapter"] for e in words["exercises"]["items"]] == list(range(1, 9))
    assert ('href="http://localhost:8501/collapse"' in text) == (base is not None)


@pytest.mark.parametrize(
    ("words", "said"), [([], "give --out, --teacher or both"), (["--out", "x.html", "--base", "here"], "must begin with http")]
)
def test_a_wrong_command_is_refused_in_a_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lesson", *words]) == 2 and said in capsys.readouterr().err


def test_the_pages_that_the_lesson_names_exist() -> None:
    pages = {path.stem for path in (setup.ASSETS.parent / "pages").glob("*.py")}
    assert {*setup.words("lesson")["shell"]["pages"]} <= pages
