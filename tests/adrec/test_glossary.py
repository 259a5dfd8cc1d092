"""One glossary explains the terms of all texts."""

import json
import re

from adrec.folders import app_folder

TEXTS = app_folder() / "assets" / "texts"
GLOSSARY = json.loads((TEXTS / "glossary.json").read_text(encoding="utf-8"))


def test_every_term_that_a_text_marks_is_explained() -> None:
    for path in TEXTS.glob("*.json"):
        marked = set(re.findall(r"\]\(\?([\w-]+)\)", path.read_text(encoding="utf-8")))
        assert marked <= set(GLOSSARY), path.name


def test_every_explanation_is_a_sentence() -> None:
    for key, entry in GLOSSARY.items():
        assert set(entry) == {"term", "meaning"} and entry["meaning"].endswith("."), key
