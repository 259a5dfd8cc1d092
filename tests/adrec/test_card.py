"""What a data set's card counts, against plain loops."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrec.data import timeline
from adrec.data.card import card, sentences
from adrec.data.readers import read_frame
from tests.adrec import histories

ITEMS = "abcdefghi"
SEQUENCES = st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=12), min_size=1, max_size=9)


@given(SEQUENCES)
def test_a_card_counts_what_a_plain_loop_counts(sequences):
    data = histories.dataset(sequences, ITEMS)
    found, lengths = card(data), sorted(map(len, sequences))
    counts = sorted((sum(s.count(i) for s in sequences) for i in range(1, 10)), reverse=True)
    whole = sum(counts)
    assert found["density"] == whole / (9 * len(sequences))
    assert (found["lengths"]["least"], found["lengths"]["most"]) == (lengths[0], lengths[-1])
    assert found["popularity"]["top_10"] == counts[0] / whole and found["popularity"]["top_50"] == sum(counts[:5]) / whole
    differences = sum(abs(a - b) for a in counts for b in counts)
    assert found["popularity"]["gini"] == pytest.approx(differences / (2 * 9 * whole))
    assert found["repeats"] == sum(len(s) - len(set(s)) for s in sequences) / whole
    trained = {item for s in sequences for item in s[:-2]}
    assert found["untrained"]["items"] == 9 - len(trained)
    assert found["untrained"]["test"] == pytest.approx(np.mean([s[-1] not in trained for s in sequences]))
    assert found["times"] is None and found["tied"] is None and json.loads(json.dumps(found)) == found


def test_repeats_of_large_data_are_counted_among_some_users(monkeypatch):
    data = histories.dataset([[1, 1, 2, 3], [4, 5, 6, 7], [1, 1, 8, 9], [4, 5, 6, 7]], ITEMS)
    monkeypatch.setattr("adrec.data.card.MOST_INTERACTIONS", 8)
    assert card(data)["repeats"] == 0.25


FRAME = pd.DataFrame({"user": np.repeat(range(10), 5), "item": [*range(5), *range(5, 10)] * 5, "time": 1_400_000_000 + np.arange(50)})


def test_a_card_says_what_the_split_lets_a_model_know_too_early():
    told = sentences(card(read_frame(FRAME)))
    assert told[-1].startswith(
        "90.0 % of the test answers lie before training interactions of other users: after an answer, on average, come 45.0 %"
    )
    told = sentences(card(read_frame(FRAME.assign(time=FRAME["time"] % 5 + 1_400_000_000), split="time:0.6,0.2,0.2")))
    assert any(line.startswith("Split by global time (0.6,0.2,0.2): 10 users have a validation answer, 10 a test answer.") for line in told)
    assert told[-1].startswith("No test answer lies before a training interaction.")
    assert sentences(card(read_frame(FRAME.drop(columns="time"))))[-1].startswith("No times are known")


@pytest.mark.parametrize("broken", [None, 3, [], {}, {"counts": {}}, {"counts": {"train": [1], "val": [1], "test": [1]}, "leaks": 3}])
def test_times_that_are_no_timeline_are_no_times(broken):
    data = read_frame(FRAME)
    assert card(replace(data, account={**data.account, "times": broken, "first": 3}))["times"] is None
    assert timeline.checked(data.account["times"]) == data.account["times"]


def test_shares_of_a_damaged_folder_are_not_repeated():
    data = read_frame(FRAME.assign(time=FRAME["time"] % 5 + 1_400_000_000), split="time:0.6,0.2,0.2")
    told = sentences(card(replace(data, options={"split": "time:\x1b[2J"})))
    assert any(line.startswith("Split by global time: 10 users") for line in told)


def test_a_split_by_time_is_drawn_in_whole_spans():
    counts = {"train": [4, 4, 0, 0], "val": [0, 0, 1, 0], "test": [0, 0, 0, 1]}
    assert timeline.by_time(counts, (0.8, 0.1, 0.1)) == counts
