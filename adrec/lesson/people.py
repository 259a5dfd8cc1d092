"""People whom we made up for the lesson: what each chose, by titles that both data sets hold. Nobody's ratings are in here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.lesson import films
from adrec.lesson.models import run_of

START = (
    "One Flew Over the Cuckoo's Nest",
    "E.T. the Extra-Terrestrial",
    "Back to the Future",
    "Star Wars: Episode IV - A New Hope",
    "Jurassic Park",
    "The Godfather",
    "Raiders of the Lost Ark",
    "Forrest Gump",
    "Braveheart",
    "The Silence of the Lambs",
    "Pulp Fiction",
    "Schindler's List",
)
"""Well-known films with which all of them began, as people in MovieLens do: it asks newcomers about such films. After few films a model of
these data names more of the same, whatever the films were."""


@dataclass(frozen=True)
class Person:
    """After START five films of their own in the order in which they were chosen, and the film that came next. The texts name a person by
    its key."""

    key: str
    own: tuple[str, ...]
    next: str

    @property
    def history(self) -> tuple[str, ...]:
        """All films, oldest first."""
        return START + self.own

    def ids(self, items: pd.DataFrame) -> tuple[list[int], int]:
        """Ids 1..V of the history and of the next film in a run's item frame; a DataError names a title that it lacks."""
        *history, following = films.ids(items, [*self.history, self.next])
        return history, following


PEOPLE = (
    Person(
        "trek",
        (
            "Star Trek: The Wrath of Khan",
            "Star Trek IV: The Voyage Home",
            "Star Trek: First Contact",
            "Star Trek VI: The Undiscovered Country",
            "Star Trek III: The Search for Spock",
        ),
        "Star Trek: Generations",
    ),
    Person(
        "family",
        ("The Parent Trap (1961)", "Mary Poppins", "Winnie the Pooh and the Blustery Day", "Cinderella", "Dumbo"),
        "Snow White and the Seven Dwarfs",
    ),
    Person("horror", ("Psycho (1960)", "The Shining", "Alien", "Carrie", "A Nightmare on Elm Street"), "The Omen"),
    Person("classics", ("Casablanca", "Citizen Kane", "Rear Window", "The Maltese Falcon", "North by Northwest"), "Vertigo"),
    Person(
        "nineties",
        ("The Shawshank Redemption", "Dead Man Walking", "Leaving Las Vegas", "Sense and Sensibility", "Good Will Hunting"),
        "The English Patient",
    ),
    Person("action", ("Die Hard", "The Terminator", "Speed", "True Lies", "Terminator 2: Judgment Day"), "The Fugitive"),
)


def content(runs: Path) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Each person as ``{"key", "history": ids, "next": id, "begun": how many of them are START}``, with ids 1..V of the catalogue."""
    items = run_of(runs, "people").items
    people = []
    for person in PEOPLE:
        history, following = person.ids(items)
        people.append({"key": person.key, "history": history, "next": following, "begun": len(START)})
    return people, {}
