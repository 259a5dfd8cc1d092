"""The README's picture of a run's stages."""

import xml.etree.ElementTree as ElementTree

import numpy as np

from adrec.pictures import looks
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


def test_the_picture_is_well_formed_and_stays_inside_its_frame() -> None:
    svg = ElementTree.fromstring(picture.draw(made_up()))
    shifts = [g.attrib["transform"] for g in svg if "transform" in g.attrib]
    assert len(shifts) == 4 and float(svg.attrib["width"]) == 4 * (picture.SIDE + picture.GAP) - picture.GAP


def test_the_picture_uses_each_stages_own_colour() -> None:
    svg = picture.draw(made_up())
    assert all(looks.STAGE_COLORS[name] in svg for name in ("initial", "pretrain", "finetune"))


def test_the_picture_says_that_the_warm_up_left_the_table_as_it_was() -> None:
    assert "Pre-train = warm-up" in picture.draw(made_up())


def test_the_picture_claims_no_equality_when_the_table_drifted() -> None:
    assert "= warm-up" not in picture.draw(made_up(merged=False))
