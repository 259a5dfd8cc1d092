"""What travels: where the class is, and what a phone has guessed. Both are read from strangers' bytes, so all of it is checked."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from adrec.browser import wire
from adrec.lesson import setup
from adrec.lesson.models import ANSWERING

MOST_FILMS = 100
"""Films of a history; the lesson's models read at most 50."""
MOST_SEEDS = 2**31
FIELDS = ("chapter", "step", "history", "film", "seed", "weighed")


class Lesson(NamedTuple):
    """What the lesson has: ``steps`` and ``choices`` of the question by chapter, and how many films."""

    steps: Mapping[int, int]
    choices: Mapping[int, int]
    films: int


class Malformed(ValueError):
    """Bytes that are no place and no guesses; the message is a sentence."""


@cache
def lesson() -> Lesson:
    """The bundled lesson."""
    words, (content,) = setup.texts(), wire.unblock(setup.bundled())
    chapters = [int(name) for name in words if name.isdigit()]
    asked = {chapter: words[str(chapter)]["guess"] for chapter in chapters if "guess" in words[str(chapter)]}
    choices = {chapter: len(guess.get("options") or content[str(chapter)]["candidates"]) for chapter, guess in asked.items()}
    return Lesson({chapter: len(words[str(chapter)]["notes"]) for chapter in chapters}, choices, len(content["films"]["titles"]))


def read_place(found: Any, has: Lesson) -> dict[str, Any]:
    """A place: chapter and step, and which person, film, noise and model are shown there."""
    if not isinstance(found, dict) or (unknown := {*found} ^ {*FIELDS}):
        said = f"; check {', '.join(sorted(map(str, unknown)))[:80]}" if isinstance(found, dict) else ""
        raise Malformed(f"A place has the fields {', '.join(FIELDS)}{said}.")
    chapter, history, film, weighed = (found[name] for name in ("chapter", "history", "film", "weighed"))
    if not _whole(chapter, has.steps.keys()):
        raise Malformed(f"The chapter must be an integer from 0 to {max(has.steps)}.")
    if not _whole(found["step"], range(has.steps[chapter])):
        raise Malformed(f"The step of chapter {chapter} must be an integer from 0 to {has.steps[chapter] - 1}.")
    films = range(has.films)
    if not isinstance(history, list) or len(history) > MOST_FILMS or not all(_whole(each, films) for each in history):
        raise Malformed(f"The history must be a list of at most {MOST_FILMS} films, integers below {has.films}.")
    if film is not None and not _whole(film, films):
        raise Malformed(f"The film must be null or an integer below {has.films}.")
    if not _whole(found["seed"], range(MOST_SEEDS)):
        raise Malformed(f"The seed must be an integer from 0 to {MOST_SEEDS - 1}.")
    if weighed is not None and weighed not in ANSWERING:
        raise Malformed(f"The weighed model must be null or one of {', '.join(ANSWERING)}.")
    return {name: found[name] for name in FIELDS}


def read_guesses(found: Any, has: Lesson) -> dict[int, int]:
    """All that a phone has guessed so far: by question, which of its choices."""
    if not isinstance(found, dict) or len(found) > len(has.choices):
        raise Malformed(f"Guesses are an object with at most {len(has.choices)} questions.")
    guesses = {}
    for name, choice in found.items():
        question = next((each for each in has.choices if str(each) == name), None)
        if question is None:
            raise Malformed(f"The questions are {', '.join(map(str, has.choices))}.")
        if not _whole(choice, range(has.choices[question])):
            raise Malformed(f"The choices of question {question} are the integers from 0 to {has.choices[question] - 1}.")
        guesses[question] = choice
    return guesses


def read_json(data: bytes) -> Any:
    """A JSON value."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed("The body must be one JSON value.") from None


def _whole(value: Any, among: Any) -> bool:
    """Whether a value is an integer (true is none) among these."""
    return type(value) is int and value in among
