"""The account of what was read, in words and as JSON."""

import json

from adrec.reading.account import Account, Doubt, Use

ACCOUNT = Account(
    "a.csv",
    "CSV, separated by ','",
    lines={"total": 12, "header": 1, "rows": 9, "blank": 1, "inside_quotes": 1},
    rows=9,
    left_out={"exact copies": 2},
    read=7,
    uses=[Use("when", "time", "its values are seconds since 1970")],
    unused=["title"],
    users=3,
    items=1,
    first="2020-01-01",
    last="2020-02-01",
    repeats={"exact": 2, "consecutive": 1, "other": 0},
    notes=["A note."],
)


def test_an_account_says_what_it_holds():
    assert ACCOUNT.sentences() == [
        "Read 'a.csv' as CSV, separated by ','.",
        "12 lines in the file: 1 header, 9 rows, 1 blank, 1 line breaks inside quotes.",
        "9 rows, of which 7 go on; left out: 2 exact copies.",
        "time = when: its values are seconds since 1970.",
        "Not used: title.",
        "3 users and 1 item.",
        "From 2020-01-01 to 2020-02-01.",
        "Repeats: 2 of the same item at the same time, 1 of the same item in a row.",
        "A note.",
    ]


def test_an_account_comes_back_from_json():
    assert Account.from_dict(json.loads(json.dumps(ACCOUNT.as_dict()))) == ACCOUNT


def test_a_doubt_is_a_sentence_with_an_option_and_its_candidates():
    doubt = Doubt("'a' has no time in row 2", "missing", [("drop", "1 row left out")], instead=("time", "none", "all rows"))
    assert str(doubt) == "'a' has no time in row 2: say missing=drop (1 row left out) or time=none (all rows)."
    assert doubt.as_dict()["problem"] == "'a' has no time in row 2" and doubt.as_dict()["says"] == str(doubt)
