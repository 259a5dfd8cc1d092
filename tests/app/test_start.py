"""The Start page, its picture, and what is imported before the first paint."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from app import palette
from tests.app.pages import ROOT, open_page, texts
from tests.measure import picture


def made_up(merged: bool = True) -> picture.Content:
    """Content with known arrays."""
    rng = np.random.default_rng(0)
    names = ["initial", "pretrain", "finetune"]
    return picture.Content(
        layouts={n: rng.normal(size=(40, 2)).astype(np.float32) for n in names},
        spectra={n: np.linspace(2, 0.5, 8) for n in names},
        null=np.linspace(1.5, 0.6, 8),
        ranks={n: 7.5 for n in names},
        merged=merged,
    )


def test_the_start_page_opens_without_an_error(root: Path) -> None:
    app = open_page()
    assert not app.exception and not app.error


def test_the_start_page_has_three_doors(root: Path) -> None:
    doors = json.loads((ROOT / "assets" / "texts" / "start.json").read_text(encoding="utf-8"))["doors"]
    links = [element.proto.label for element in open_page().get("page_link")]
    assert links == [f"**{doors[page]['label']}**" for page in ("collapse", "denoising", "train")]


def test_the_start_page_says_what_it_is_in_three_sentences(root: Path) -> None:
    answer = json.loads((ROOT / "assets" / "texts" / "start.json").read_text(encoding="utf-8"))["answer"]
    assert answer in texts(open_page()) and answer.count(". ") + answer.endswith(".") == 3


def test_the_start_page_opens_without_its_picture(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: path != ROOT / "assets" / "start.json" and real(path))
    assert not open_page().exception


SLOW = ["torch", "umap", "sklearn"]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "modules"), [("start", [*SLOW, "app.charts"]), ("train", SLOW)])
def test_no_page_imports_what_is_slow_before_its_first_paint(page: str, modules: list[str], tmp_path: Path) -> None:
    """The first paint is the page's question; what comes below it may load what it needs."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from streamlit.testing.v1 import AppTest; from app import ui\n"
        f"painted, header = [], ui.header\n"
        f"ui.header = lambda *texts, **more: (painted.append([m for m in {modules} if m in sys.modules]), header(*texts, **more))\n"
        f"app = AppTest.from_file({str(ROOT / 'app' / 'main.py')!r}, default_timeout=60)\n"
        f"app.switch_page({str(ROOT / 'pages' / (page + '.py'))!r}); app.run()\n"
        f"assert app.title and not app.exception; sys.exit(painted != [[]] and str(painted))"
    )
    environment = {"ADREC_RUNS": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("shape", ["row", "tall"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_is_well_formed_and_stays_inside_its_frame(theme: str, shape: str) -> None:
    svg = ElementTree.fromstring(picture.draw(made_up(), theme, shape))
    shifts = [g.attrib["transform"] for g in svg if "transform" in g.attrib]
    assert len(shifts) == 4 and float(svg.attrib["width"]) == (4 if shape == "row" else 2) * (picture.SIDE + picture.GAP) - picture.GAP


def test_the_picture_uses_each_stages_own_colour() -> None:
    svg = picture.draw(made_up(), "light", "row")
    assert all(palette.STAGE_COLORS[name] in svg for name in ("initial", "pretrain", "finetune"))


def test_the_picture_says_that_the_warm_up_left_the_table_as_it_was() -> None:
    assert "Pre-train = warm-up" in picture.draw(made_up(), "light", "row")


def test_the_picture_claims_no_equality_when_the_table_drifted() -> None:
    assert "= warm-up" not in picture.draw(made_up(merged=False), "light", "row")
