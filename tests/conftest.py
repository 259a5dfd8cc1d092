"""One thread for every test, a cache folder of its own, and a tiny trained run to read."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402  (after the number of threads is set)

from adrec.data import catalog  # noqa: E402
from adrec.data.dataset import SequenceDataset  # noqa: E402
from adrec.runs import RunFolder  # noqa: E402
from adrec.training.session import describe_run, train_run  # noqa: E402
from tests.adrec.small import plan  # noqa: E402

torch.set_num_threads(1)
settings.register_profile("adrec", deadline=None)  # speed belongs to the benchmark
settings.load_profile("adrec")

TINY_SOURCE = "synthetic:items=60,users=80"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """Again for every file: numba sets OpenMP's number for the whole process."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of the large data files; a test that needs them is skipped without it."""
    folder = os.environ.get("ADREC_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("ADREC_TEST_DATA names no folder with the large data files")
    return Path(folder)


@pytest.fixture(scope="session")
def tiny_data() -> SequenceDataset:
    """60 items, 80 users."""
    return catalog.load(TINY_SOURCE)


@pytest.fixture(scope="module")
def tiny_run(trained_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run of all three stages on ``tiny_data``. A copy for each file: maps and verdicts are kept in the run that they are of."""
    return RunFolder(shutil.copytree(trained_run.path, tmp_path_factory.mktemp("tiny") / "run"))


@pytest.fixture(scope="session")
def trained_run(tiny_data: SequenceDataset, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """What ``tiny_run`` copies."""
    run = RunFolder(tmp_path_factory.mktemp("trained") / "run")
    size = {"hidden_size": 16, "heads": 2, "blocks": 1, "length": 10, "timesteps": 4}
    tiny = plan(**size, noise_weight=1.0, seed=1, batch_size=16, epochs=4, warmup_epochs=1, validate_every=1, lr=0.01)
    train_run(run, tiny_data, describe_run(tiny_data, TINY_SOURCE, tiny, "tests"))
    return run


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the bundled runs, below a path and read only; built once for all of pytest's processes."""
    from adrec.site.build import site

    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    out = shared / "served" / "some" / "where"
    with FileLock(shared / "site.lock"):
        if not out.exists():
            site().write(out)
    return out
