"""People whom we made up for the lesson: what each chose, by titles that MovieLens-100K holds. Nobody's ratings are in here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.data.titles import Finder
from adrec.lesson.models import run_of


@dataclass(frozen=True)
class Person:
    """Five films in the order in which they were chosen, and the film that came next. The texts name a person by its key."""

    key: str
    history: tuple[str, ...]
    next: str

    def ids(self, items: pd.DataFrame) -> tuple[list[int], int]:
        """Ids 1..V of the history and of the next film in a run's item frame; a DataError names a title that it lacks."""
        finder = Finder(items)
        return finder.history(self.history), finder.item(self.next)


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
        ("The Parent Trap", "Mary Poppins", "Winnie the Pooh and the Blustery Day", "Cinderella", "Dumbo"),
        "Snow White and the Seven Dwarfs",
    ),
    Person("horror", ("Psycho", "The Shining", "Alien", "Carrie", "A Nightmare on Elm Street"), "The Omen"),
    Person("classics", ("Casablanca", "Citizen Kane", "Rear Window", "The Maltese Falcon", "North by Northwest"), "Vertigo"),
    Person(
        "nineties",
        ("The Shawshank Redemption", "Dead Man Walking", "Leaving Las Vegas", "Sense and Sensibility", "Good Will Hunting"),
        "The English Patient",
    ),
    Person("action", ("Die Hard", "The Terminator", "Speed", "True Lies", "Terminator 2: Judgment Day"), "The Fugitive"),
)


def content(runs: Path) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Each person as ``{"key", "history": ids, "next": id}``, with ids 1..V of the catalogue."""
    items = run_of(runs, "healthy").items
    people = []
    for person in PEOPLE:
        history, following = person.ids(items)
        people.append({"key": person.key, "history": history, "next": following})
    return people, {}
