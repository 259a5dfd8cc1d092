"""MovieLens-1M as the lesson's runs read it: every rating, the 5-core, last item for test, titles and genres joined by MovieLens's own ids.

    python -m tests.measure.ml_1m ml-1m.pkl items.csv prepared/ml-1m      the split as DiffuRec's authors ship it
    python -m tests.measure.ml_1m ratings.dat items.csv prepared/ml-1m    GroupLens's own file
    python -m tests.measure.ml_1m ml-1m.pkl items.csv prepared/ml-1m --against ratings.dat    and count where the two differ

Prints the counts. The ratings may not be redistributed, so neither they nor the prepared folder are part of the repository. Not a test.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from adrec.data import catalog
from adrec.data.pickles import read_sequences


def ratings(path: Path) -> pd.DataFrame:
    """user_id, item_id (MovieLens's own) and timestamp of every rating; a pickled split knows the order in time but not the time."""
    if path.suffix == ".dat":
        return pd.read_csv(path, sep="::", engine="python", names=["user_id", "item_id", "rating", "timestamp"]).drop(columns="rating")
    split = read_sequences(path)
    lengths = np.diff(split.train_offsets)
    users = np.concatenate([np.repeat(np.arange(len(lengths)), lengths), np.tile(np.arange(len(lengths)), 2)])
    items = np.concatenate([split.train_items, split.val, split.test])
    order = np.argsort(users, kind="stable")  # a user's training items, then the validation and the test item
    raw = np.array(split.items)[items - 1]
    return (
        pd.DataFrame({"user_id": np.array(split.users)[users], "item_id": raw, "timestamp": 0})
        .iloc[order]
        .assign(timestamp=np.arange(len(users)))
    )


SPELT = {
    "649": "Cold Fever (Á köldum klaka)",
    "1320": "Alien³",
    "2175": "Déjà Vu",
    "2324": "Life Is Beautiful (La vita è bella)",
    "3266": "Man Bites Dog (C'est arrivé près de chez vous)",
    "3532": "Freedom for Us (À nous la liberté)",
    "3645": "Cleo From 5 to 7 (Cléo de 5 à 7)",
    "3652": "City of the Living Dead (Paura nella città dei morti viventi)",
    "3749": "Time Regained (Le temps retrouvé)",
}
"""Titles whose letters some copies of MovieLens-1M have lost, by raw id."""


def readable(items: pd.DataFrame) -> pd.DataFrame:
    """Titles as people write them, and the year in a column of its own: "Nightmare on Elm Street, A (1984)" is "A Nightmare on Elm Street"
    of 1984. A title that several films share keeps its year."""
    parts = items["title"].str.extract(r"^(?P<title>.*?)\s*\((?P<year>\d{4})\)\s*$")
    turned = parts["title"].str.replace(r"^(.*?), (The|An?|Das|Der|Die|Il|El|Los|Las|La|Les?)( \(.*\))?$", r"\2 \1\3", regex=True)
    named = turned.str.replace(r"^(.*?), L'( \(.*\))?$", r"L'\1\2", regex=True).fillna(items["title"])
    shared = named.str.casefold().duplicated(keep=False) & parts["year"].notna()
    title = named.where(~shared, named + " (" + parts["year"].fillna("") + ")")
    title = items["item"].astype(str).map(SPELT).fillna(title)
    return items.assign(title=title, year=parts["year"].fillna("0").astype(int))


def differences(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, int]:
    """How many ratings only one of the two has, and how many users' items come in another order (ties in time broken by the file)."""
    keys = [frame.sort_values(["user_id", "timestamp"], kind="stable").astype({"user_id": str, "item_id": str}) for frame in (ours, theirs)]
    pairs = [set(zip(frame["user_id"], frame["item_id"], strict=True)) for frame in keys]
    orders = [frame.groupby("user_id")["item_id"].agg(tuple) for frame in keys]
    common = orders[0].index.intersection(orders[1].index)
    return {
        "ratings only in the first": len(pairs[0] - pairs[1]),
        "ratings only in the second": len(pairs[1] - pairs[0]),
        "users in both": len(common),
        "users whose items come in another order": int((orders[0][common] != orders[1][common]).sum()),
    }


def main() -> None:
    """Write the prepared folder and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="ml-1m.pkl or ratings.dat")
    parser.add_argument("items", type=Path, help="a CSV of item_id, title and genres")
    parser.add_argument("out", type=Path)
    parser.add_argument("--against", type=Path, help="the other form, to count the differences")
    given = parser.parse_args()
    frame = ratings(given.source)
    with tempfile.TemporaryDirectory() as temporary:
        table = Path(temporary) / "ml-1m.csv"
        frame.to_csv(table, index=False)
        data = catalog.prepare(table, given.out, k_core=5, items=str(given.items), item="item_id", title="title", category="genres")
    counts = {"users": data.n_users, "items": data.n_items}
    print(json.dumps(counts | (differences(frame, ratings(given.against)) if given.against else {})))


if __name__ == "__main__":
    main()
