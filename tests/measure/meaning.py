"""What share of a plain factorisation's meaning real tables reach, whole and broken, and how that depends on the factorisation.

    ADREC_TEST_DATA=/path/to/data python -m tests.measure.meaning

Prints the tables of docs/VERDICT.md from *Meaning against what the data allow* to *Repairs*. Not a test.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402  (after the number of threads is set)
from scipy import sparse  # noqa: E402
from scipy.sparse.linalg import eigsh, svds  # noqa: E402

from adrec.collapse import reference  # noqa: E402
from adrec.collapse.cooccurrence import Cooccurrence  # noqa: E402
from adrec.collapse.hubs import more  # noqa: E402
from adrec.collapse.moments import Moments  # noqa: E402
from adrec.collapse.reference import Questions, Separation, factorisation, meaning  # noqa: E402
from adrec.collapse.repair import held_out_ranks, repaired  # noqa: E402
from adrec.collapse.replaced import difference  # noqa: E402
from adrec.collapse.semantics import Rows, alignment  # noqa: E402
from adrec.collapse.verdict import diagnose  # noqa: E402
from adrec.data import catalog  # noqa: E402
from adrec.data.dataset import SequenceDataset  # noqa: E402
from adrec.data.named import synthetic  # noqa: E402
from adrec.runs import RunFolder  # noqa: E402
from tests.adrec.verdict_fixtures import drifted, official_data, official_table, planted, shuffled, with_noise  # noqa: E402

Table = np.ndarray
RUNS = ("ml-100k", "no-pretrain", "ce-only", "one-t", "mse-only", "sasrec", "narrow", "dreamrec-long", "frozen-random")


def wrong_orders(table: Table, data: SequenceDataset) -> Iterator[tuple[str, Table]]:
    ids = data.items.frame["item"]
    yield "rows off by one", np.roll(table, 1, axis=0)
    yield "rows by ids sorted as text", table[np.argsort(ids.to_numpy(str), kind="stable")]
    yield "rows shuffled", shuffled(table, 0)
    yield "half the variance noise", with_noise(table, 0.5, 0)
    yield "9 % signal", with_noise(table, 0.09, 0)


def trained(data: SequenceDataset, tau: float, loss: str = "softmax", steps: int = 300) -> Table:
    """A table trained so that the mean of five items is near the next one: cosines over tau in a softmax, or squared error alone."""
    import torch

    torch.manual_seed(0)
    rows = [data.train(u)[max(i - 5, 0) : i + 1] for u in range(data.n_users) for i in range(1, len(data.train(u)), 3)]
    before = torch.tensor([[0] * (6 - len(r)) + r[:-1].tolist() for r in rows])
    after = torch.tensor([int(r[-1]) for r in rows])
    table = torch.nn.Parameter(0.1 * torch.randn(data.n_items + 1, 64))
    optimiser = torch.optim.Adam([table], 5e-3)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        batch = torch.from_numpy(rng.integers(0, len(after), 1024))
        unit = torch.nn.functional.normalize(table, dim=1)
        history = (unit[before[batch]] * (before[batch] > 0)[:, :, None]).sum(1) / (before[batch] > 0).sum(1, keepdim=True)
        if loss == "softmax":
            found = torch.nn.functional.cross_entropy(history @ unit.T / tau, after[batch])
        else:
            found = ((table[before[batch]] * (before[batch] > 0)[:, :, None]).mean(1) - table[after[batch]].detach()).square().mean()
        optimiser.zero_grad()
        found.backward()
        optimiser.step()
    return table.detach().numpy()[1:]


def with_held_out(data: SequenceDataset) -> SequenceDataset:
    """The data set with everybody's held-out items at the end of the training histories."""
    whole = [np.concatenate([data.train(u), [data.val[u], data.test[u]]]) for u in range(data.n_users)]
    return replace(data, train_items=np.concatenate(whole), train_offsets=np.cumsum([0, *map(len, whole)]))


def titles(data: SequenceDataset) -> Table:
    """Text features: the words and genres of a title, projected at random."""
    frame = data.items.frame
    words = [set(f"{t} {g}".lower().replace("|", " ").split()) for t, g in zip(frame["title"], frame.get("genre", ""), strict=True)]
    rng, of = np.random.default_rng(0), {}  # type: ignore[var-annotated]
    return np.stack([sum(of.setdefault(w, rng.standard_normal(64)) for w in sorted(part)) for part in words])


def row(name: str, table: Table, data: SequenceDataset) -> None:
    found = meaning(np.asarray(table), data)
    assert found is not None
    print(f"| {name} | {found.share:z.2f} | {found.low:z.2f} to {found.high:z.2f} |")


def films(root: Path) -> SequenceDataset:
    return catalog.load(root / "recbole" / "ml-100k", min_rating=4, k_core=5)


def shares(root: Path) -> None:
    data, official, baby = films(root), official_data(root, "ml-100k"), official_data(root, "baby")
    runs = Path(__file__).parents[2] / "assets" / "runs"
    print("| MovieLens-100K | share | interval |\n|---|---|---|")
    for name in RUNS:
        row(f"bundled `{name}`", RunFolder(runs / name).table("finetune"), data)
    row("bundled `ml-100k`, after stage 1", RunFolder(runs / "ml-100k").table("pretrain"), data)
    for name, broken in wrong_orders(RunFolder(runs / "ml-100k").table("finetune").astype(float), data):
        row(f"bundled `ml-100k`, {name}", broken, data)
    row("official ADRec", official_table(root, "ml-100k/adrec_trained.pth"), official)
    row("official DreamRec", official_table(root, "ml-100k/dreamrec_item_table.npy"), official)
    for tau in (0.1, 1.0, 100.0):
        row(f"mean of five items, softmax with τ = {tau:g}", trained(data, tau), data)
    row("τ = 0.1, trained on the held-out items too", trained(with_held_out(data), 0.1), data)
    row("mean of five items without negatives", trained(data, 1.0, "squared"), data)
    row("words and genres of the titles", titles(data), data)
    print("\n| Amazon Baby | share | interval |\n|---|---|---|")
    table = official_table(root, "baby/pretrain.pth")
    row("official stage 1", table, baby)
    row("after the drifting warm-up", drifted(table, 115), baby)
    for name, broken in wrong_orders(table.astype(float), baby):
        row(f"official stage 1, {name}", broken, baby)
    for tau in (0.1, 100.0):
        row(f"mean of five items, softmax with τ = {tau:g}", trained(baby, tau), baby)


def references(data: SequenceDataset, items: np.ndarray) -> dict[str, Callable[[], Table]]:
    """Plain factorisations, 32 wide, of which the first is used."""
    place = np.full(data.n_items + 1, -1)
    place[items + 1] = np.arange(len(items))
    row_, column = np.repeat(np.arange(data.n_users), np.diff(data.train_offsets)), place[data.train_items]
    used = sparse.csr_array((np.ones((column >= 0).sum()), (row_[column >= 0], column[column >= 0])), (data.n_users, len(items)))
    used.data[:] = 1
    pairs = Cooccurrence.from_dataset(data).among(items).pairs
    first, second = np.concatenate([pairs, pairs[:, ::-1]]).T
    together = sparse.csr_array((np.ones(len(first)), (first, second)), (len(items), len(items)))

    def of_users(matrix: sparse.csr_array) -> Table:
        _, values, vectors = svds(matrix, 32, random_state=0)
        return np.asarray(vectors.T * values)

    def of_pairs(matrix: sparse.csr_array) -> Table:
        values, vectors = eigsh(matrix, 32, v0=np.ones(len(items)))
        return np.asarray(vectors * np.abs(values))

    busy = sparse.diags_array(1 / np.sqrt(np.asarray(together.sum(axis=0)).clip(1)))
    return {
        "users x items, divided": lambda: factorisation(data, items),
        "users x items": lambda: of_users(used),
        "pairs": lambda: of_pairs(together),
        "pairs, divided": lambda: of_pairs(busy @ together @ busy),
    }


def choices(root: Path) -> None:
    """The share by factorisation, on pairs of the training histories and on held-out items."""
    runs = Path(__file__).parents[2] / "assets" / "runs"
    for name, data, table in (
        ("bundled `ml-100k`", films(root), RunFolder(runs / "ml-100k").table("finetune")),
        ("bundled `sasrec`", films(root), RunFolder(runs / "sasrec").table("finetune")),
        ("Baby, stage 1", official_data(root, "baby"), official_table(root, "baby/pretrain.pth")),
    ):
        asked = Questions.of(data)
        assert asked is not None
        pairs = Cooccurrence.from_dataset(data).among(asked.items).pairs

        def remembered(made: Table, pairs: np.ndarray = pairs, asked: Questions = asked) -> float:
            rows = Rows(made, Moments.from_table(made), asked.basis)
            found, sums, n = alignment(rows, pairs), rows.cosine_sums(), len(made)
            return (found.value - found.null) / float(np.sqrt(sums.squares / (n * (n - 1)) - (sums.total / (n * (n - 1))) ** 2))

        own = np.asarray(table[asked.items], dtype=np.float64)
        both = [(remembered(own) / remembered(made), Separation.of(own, asked).value / Separation.of(made, asked).value)
                for made in (make() for make in references(data, asked.items).values())]  # fmt: skip
        for i, how in enumerate(("training pairs", "held-out items")):
            print(f"| {name} | {how} | " + " | ".join(f"{pair[i]:.2f}" for pair in both) + " |")


def chance(root: Path) -> None:
    for name, data in (("MovieLens-100K", films(root)), ("Baby", official_data(root, "baby"))):
        for width in (8, 128):
            found = [meaning(np.random.default_rng(seed).standard_normal((data.n_items, width)), data) for seed in range(100)]
            known = [m for m in found if m is not None]
            inside = np.mean([m.low <= 0 <= m.high for m in known])
            print(f"| {name} x {width} | {np.mean([m.share for m in known]):+.3f} | {inside:.0%} |")


def beside_the_spectrum(root: Path) -> None:
    data, baby, runs = films(root), official_data(root, "baby"), Path(__file__).parents[2] / "assets" / "runs"
    tables = [(f"bundled `{name}`", RunFolder(runs / name).table("finetune"), data) for name in RUNS]
    for name, table, of in [*tables, ("Baby, stage 1", official_table(root, "baby/pretrain.pth"), baby)]:
        found = more(table, of)
        hubs, popular = found["hubs"], found["popularity"]
        cells = f"{hubs['skew']:.1f} ({hubs['skew_null']:.1f}) | {hubs['nobody']:.1%} ({hubs['nobody_null']:.1%})"
        decay = f"{found['decay']['exponent']:.2f} ({found['decay']['null']:.2f})"
        print(f"| {name} | {cells} | {decay} | {popular['share']:.0%} | {popular['common']:.0%} |")


REPAIRS = (["centre"], ["unit"], ["centre", "unit"], ["remove-top:1"], ["remove-top:3"], ["whiten:0.25"], ["whiten:0.5"], ["whiten:1"])


def repairs(root: Path) -> None:
    """HR@10 of held-out items and the share of meaning, by repair; a star where McNemar's test finds a difference."""
    data, baby, runs = films(root), official_data(root, "baby"), Path(__file__).parents[2] / "assets" / "runs"
    tables = [(f"`{name}`", RunFolder(runs / name).table("finetune"), data) for name in ("ml-100k", "sasrec", "mse-only", "narrow")]
    tables.append(("Baby, stage 1", official_table(root, "baby/pretrain.pth"), baby))
    print("| repair | " + " | ".join(name for name, _, _ in tables) + " |\n|" + "---|" * (len(tables) + 1))
    for chosen in ([], *REPAIRS):
        cells = []
        for _, table, of in tables:
            after = repaired(table, chosen)
            found, share = difference(held_out_ranks(table, of), held_out_ranks(after, of)), meaning(after, of)
            kind = diagnose(after, cooccurrence=Cooccurrence.from_dataset(of)).kind
            assert share is not None
            cells.append(f"{found.after:.3f}{'*' if found.chance < 0.05 else ''}, {share.share:.2f}, {kind}")
        print(f"| {', '.join(chosen) or 'none'} | " + " | ".join(cells) + " |")


def cost() -> None:
    data = synthetic.generate(items=50_000, users=100_000)
    clusters = data.items.frame["cluster"].to_numpy().astype(int) - 1
    table = planted(clusters, 128, 0.5, 0).astype(np.float32)
    for words in ("first", "again"):
        start = time.perf_counter(), time.process_time()
        meaning(table, data)
        print(f"50,000 x 128, {words}: {time.perf_counter() - start[0]:.2f} s, {time.process_time() - start[1]:.2f} s of one processor")
    reference._latest.clear()
    rows = data.train_items.astype(np.int64) - 1
    for count in (_joined, Cooccurrence.from_rows):
        start = time.perf_counter(), time.process_time()
        found = count(rows, data.train_offsets, data.n_items)
        pairs = len(found.pairs if isinstance(found, Cooccurrence) else found)
        print(f"{len(rows):,} interactions, {pairs:,} pairs, {count.__name__}: {time.process_time() - start[1]:.2f} s")


def _joined(rows: np.ndarray, offsets: np.ndarray, n_items: int) -> np.ndarray:
    """How pairs were counted before they were sorted once."""
    user, codes = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)), np.zeros(0, dtype=np.int64)
    for distance in range(1, 6):
        first, second = rows[:-distance], rows[distance:]
        near = (user[:-distance] == user[distance:]) & (first != second)
        codes = np.union1d(codes, np.minimum(first, second)[near] * n_items + np.maximum(first, second)[near])
    return codes


if __name__ == "__main__":
    folder = Path(os.environ["ADREC_TEST_DATA"])
    shares(folder)
    print("\n| table | measured on | users x items, divided | users x items | pairs | pairs, divided |\n|---|---|---|---|---|---|")
    choices(folder)
    print("\n| random tables | mean share | 0 in the interval |\n|---|---|---|")
    chance(folder)
    print("\n| table | skew of the k-occurrence | nobody's neighbour | decay | popularity | the same for all |\n|---|---|---|---|---|---|")
    beside_the_spectrum(folder)
    print()
    repairs(folder)
    print()
    cost()
