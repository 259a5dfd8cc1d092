"""The third-party set: its halves, its breakages and the rule by which an expert's answer is written down; no training."""

import numpy as np
import pytest

from adrec.data.named import synthetic
from tests.adrec.verdict_fixtures import planted
from tests.measure.verdict_set import judge
from tests.measure.verdict_set.breakages import JOINS, NUMBERS, Given, Trained
from tests.measure.verdict_set.expected import Geometry, Ranker, geometry, kinds
from tests.measure.verdict_set.registry import DATA_SETS, HELD, MODELS, Training, half, plan


@pytest.fixture(scope="module")
def trained() -> tuple[Ranker, Trained]:
    """A table that knows the clusters of generated interactions."""
    data = synthetic.generate(items=200, users=600, seed=3)
    answers = np.stack([data.val, data.test], axis=1) - 1
    given = Training(data.train_items - 1, data.train_offsets, np.array([f"i{i:03}" for i in range(200)]), answers)
    clusters = data.items.frame["cluster"].to_numpy().astype(int) - 1
    ranker = Ranker(given)
    table = planted(clusters, 16, 0.7, 0).astype(np.float32)
    first = np.concatenate([np.array(list(dict.fromkeys(given.items.tolist()))), np.setdiff1d(np.arange(200), given.items)])
    return ranker, Trained(table, given.ids.tolist(), ranker.popularity, first, 0)


def test_the_plan_is_of_the_promised_size_and_no_two_trainings_share_a_name() -> None:
    jobs = plan()
    assert len({job.name for job in jobs}) == len(jobs) >= 120
    assert len(MODELS) >= 8 and len(DATA_SETS) >= 5 and len(JOINS | NUMBERS) >= 25
    assert sum(job.half == "held" for job in jobs) >= 60


def test_the_held_out_half_is_whole_libraries_and_whole_data_sets() -> None:
    assert set(HELD["libraries"]) < set(MODELS) and set(HELD["data"]) < set(DATA_SETS)
    for job in plan():
        assert (half(job.library, job.data) == "held") == (job.library in HELD["libraries"] or job.data in HELD["data"])


@pytest.mark.parametrize("name", [*JOINS, *NUMBERS])
def test_a_breakage_says_which_item_each_row_is_and_what_is_meant(name: str, trained: tuple[Ranker, Trained]) -> None:
    given = (JOINS | NUMBERS)[name](trained[1])
    rows = given.table.T if name == "transposed" else given.table
    assert len(given.truth) == len(rows) and len(given.meant) == 200
    assert set(given.truth) - {""} == set(trained[1].ids) or name.startswith("one row")
    if name in JOINS and not given.scrambled:
        of = {item: row for item, row in zip(given.truth, rows, strict=True) if item}
        assert all(np.array_equal(of[item], given.meant[i]) for i, item in enumerate(trained[1].ids) if item in of)


def test_a_breakage_leaves_the_trained_table_as_it_is(trained: tuple[Ranker, Trained]) -> None:
    before = trained[1].table.copy()
    for make in (JOINS | NUMBERS).values():
        make(trained[1])
    assert np.array_equal(trained[1].table, before)


def test_a_meaningful_table_ranks_and_the_same_rows_shuffled_do_not(trained: tuple[Ranker, Trained]) -> None:
    ranker, table = trained
    assert ranker.level(ranker(table.table)) in ("some", "much")
    assert ranker.level(ranker(np.random.default_rng(0).permutation(table.table))) == "none"


def test_popularity_alone_does_not_rank(trained: tuple[Ranker, Trained]) -> None:
    ranker, table = trained
    assert abs(ranker(np.log1p(table.popularity)[:, None] * np.ones((1, 4))).auc - 0.5) < 0.06


def test_geometry_tells_noise_a_cone_few_directions_and_twins_apart() -> None:
    noise, often = np.random.default_rng(0).standard_normal((300, 32)), np.full(300, 9)
    assert geometry(noise, often).cone < 0.1 and abs(geometry(noise, often).few - 2) < 0.3 and geometry(noise, often).twins == 0
    assert geometry(noise + 8, often).cone > 0.97
    assert geometry(noise[:, :3] @ noise[:3], often).few < 0.8
    assert geometry(noise[np.arange(300) % 20], often).twins == 1


def test_the_rule_names_kinds_by_how_a_table_was_made_how_it_ranks_and_its_geometry() -> None:
    many, few = Geometry(0.01, 0.0, 1.9), Geometry(0.01, 0.0, 0.3)
    assert kinds(True, "none", many)[0] == {"noise-like"}
    assert kinds(False, "none", many)[0] == {"spectral-only", "noise-like"}
    assert kinds(False, "little", many)[0] == {"weakly-learned"}
    assert kinds(False, "much", many)[0] == {"healthy"}
    assert kinds(False, "much", few)[0] == {"concentrated"}
    assert kinds(False, "none", Geometry(0.99, 0.0, 1.9))[0] == {"complete-collapse"}
    assert kinds(False, "much", Geometry(0.99, 0.0, 1.9)) == ({"narrowing"}, {"complete-collapse"})
    assert kinds(False, "much", Geometry(0.5, 0.0, 1.9))[0] == {"narrowing"}
    assert kinds(False, "much", Geometry(0.0, 0.9, 1.9))[0] == {"low-rank"}
    assert kinds(False, None, few)[0] == {"low-rank"}


EXPECTED = {"refuse": False, "group": "join", "level": "much", "unjoinable": False, "with": {"right": ["healthy"], "acceptable": []}}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"kind": "healthy", "confidence": 1.0, "joined": 1.0}, "right"),
        ({"kind": "healthy", "confidence": 1.0, "joined": 0.1}, "wrong"),
        ({"kind": "low-rank", "confidence": 0.9, "joined": 1.0}, "wrong"),
        ({"kind": "healthy", "confidence": 0.5, "joined": 0.1}, "withheld"),
        ({"refused": "Nothing says which row is which item."}, "refused"),
    ],
)
def test_a_confident_verdict_on_wrongly_joined_rows_is_wrong_whatever_it_says(answer: dict, outcome: str) -> None:
    assert judge.outcome(EXPECTED, answer, True) == outcome


def test_the_interval_counts_trained_tables_not_their_breakages() -> None:
    alike = [{"trained": str(t), "good": t < 8} for t in range(10) for _ in range(50)]
    apart = [{"trained": str(i), "good": i < 400} for i in range(500)]
    wide, narrow = (judge.interval(rows, lambda row: row["good"]) for rows in (alike, apart))
    assert wide[0] == narrow[0] == 0.8
    assert wide[2] - wide[1] > 4 * (narrow[2] - narrow[1])


def test_the_held_out_half_is_not_judged_without_a_written_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr("sys.argv", ["judge", "nowhere", "held"])
    with pytest.raises(SystemExit):
        judge.main()
    assert "the-rule-is-frozen" in capsys.readouterr().err


def test_a_given_file_is_made_the_same_way_every_time(trained: tuple[Ranker, Trained]) -> None:
    def made(name: str) -> Given:
        return (JOINS | NUMBERS)[name](trained[1])

    assert all(np.array_equal(made(name).table, made(name).table) for name in JOINS | NUMBERS)
