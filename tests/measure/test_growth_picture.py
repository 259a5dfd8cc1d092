"""The picture of growth: drawn from what the benchmark prints, every size a point."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from adrec.errors import DataError
from tests.measure.growth_picture import draw, main

SVG = "{http://www.w3.org/2000/svg}"


def entry(values: list[int], seconds: list[float]) -> dict:
    spread = [[s, 2 * s] for s in seconds]
    fitted = {"seconds": seconds, "seconds_spread": spread, "exponent": 1.25, "theory": 1.5}
    memory = {"memory_mib": [300.0] * len(values), "start_memory_mib": [200.0] * len(values), "memory_exponent": 0.0, "memory_theory": 0.0}
    return {"values": values, **fitted, **memory, "evaluate": {**fitted, "exponent": 0.75}}


GROWTH = {"users": entry([500, 1000, 2000], [0.1, 0.2, 0.5]), "width": entry([32, 64, 128, 256], [0.01, 0.2, 3.0, 20.0])}


def test_every_size_is_a_point_within_its_panel():
    root = ElementTree.fromstring(draw(GROWTH))
    points = list(root.iter(f"{SVG}circle"))
    assert len(points) == 3 * (3 + 4)  # training, evaluation, memory
    side = float(next(r for r in root.iter(f"{SVG}rect") if r.get("fill") == "none").get("width"))
    assert all(0 <= float(p.get(c)) <= side for p in points for c in ("cx", "cy"))


def test_the_fitted_and_the_expected_exponent_are_written():
    words = [t.text for t in ElementTree.fromstring(draw(GROWTH)).iter(f"{SVG}text")]
    assert words.count("training: exponent 1.25, expected 1.50") == 2
    assert words.count("evaluation: exponent 0.75, expected 1.50") == 2
    assert "hidden width" in words and "users" in words


def test_a_line_of_the_expected_slope_ends_at_the_largest_size():
    paths = [p for p in ElementTree.fromstring(draw(GROWTH)).iter(f"{SVG}path") if p.get("stroke-dasharray")]
    assert len(paths) == 6
    first, last = (list(map(float, part.split())) for part in paths[0].get("d")[1:].split("L"))
    assert last[0] > first[0] and last[1] < first[1]


def test_the_picture_is_written_from_the_benchmarks_json(tmp_path):
    (tmp_path / "growth.json").write_text(json.dumps({"growth": GROWTH}))
    main(tmp_path / "growth.json", tmp_path / "docs" / "growth.svg")
    assert (tmp_path / "docs" / "growth.svg").read_text() == draw(GROWTH)


@pytest.mark.parametrize("text", ["", "[]", '{"train": {}}'])
def test_another_file_is_told_in_a_sentence(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match="bench --growth --json"):
        main(tmp_path / "x.json", tmp_path / "x.svg")
    assert not (tmp_path / "x.svg").exists()
