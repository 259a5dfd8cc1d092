"""The model in one picture: its numbers for the first person, and how much of the denoiser's input is noise."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.lesson.answers import TEN, right_more
from adrec.lesson.models import ANSWERING, run_of
from adrec.lesson.people import PEOPLE
from adrec.runs import RunFolder

KIN = {"sasrec": "sasrec", "dreamrec": "noise", "adrec": "healthy"}
"""The earlier models and ADRec, and the parts of the runs behind their cards."""
NOISES = 20


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``one_level``: of how many people more ADRec is right with one noise level for a whole sequence. ``shares``: by model, lambda, the
    data and the length of lambda x_t over that of c under pure noise, in percent: the mean over the example people and NOISES noises.
    ``kin``: of how many people each model of KIN is right. ``noise``: how much of x_t is noise at each level. For the first person:
    ``condition`` (films, D), ``x`` the noise, ``x0`` its last estimate, ``scores`` (V + 1,), and ``top``."""
    from adrec.explain.trajectory import trajectory
    from adrec.models.loading import load_model

    shares: dict[str, Any] = {}
    for name in ANSWERING:
        run = run_of(runs, name)
        model: Any = load_model(run)
        ids = [person.ids(run.items)[0] for person in PEOPLE]
        found = np.array([trajectory(model, history, seed=seed, steps=1).noise_share for history in ids for seed in range(NOISES)])
        share = _percent(found.mean(), 2)
        shares[name] = {"weight": model.config.noise_weight, "share": share, "data": run.info["dataset"]["title"]}
    run = run_of(runs, "people")
    head, arrays = _first(load_model(run), run)
    head["kin"] = {key: _right(run_of(runs, part)) for key, part in KIN.items()}
    head["one_level"] = {**right_more(run_of(runs, "one-level"), run_of(runs, "healthy")), "seeds": 1}
    head |= {"shares": shares, "noises": NOISES, "people": len(PEOPLE)}
    head["noise"] = [round(float(v), 4) for v in np.sqrt(1 - np.array(run.info["diffusion"]["alpha_bar"]))]
    return head, arrays


def _right(run: RunFolder) -> dict[str, float]:
    """Of 100 test users, right within ten films, and the standard error."""
    found = run.metrics("finetune")["test"]
    return {"right": round(100 * found["hr@10"], 1), "error": round(100 * found["hr@10_se"], 1)}


def _percent(value: float, digits: int) -> float:
    return float(f"{100 * value:.{digits}g}")


def _first(model: Any, run: RunFolder) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the picture shows before the model has arrived in the browser."""
    from adrec.data.batches import pack
    from adrec.explain.trajectory import trajectory

    history = PEOPLE[0].ids(run.items)[0]
    found = trajectory(model, history, seed=0)
    condition = model.encode(pack([np.array(history)], model.config.length))
    arrays = {"condition": condition.detach().numpy()[-len(history) :].reshape(-1), "x": found.x_t[0], "x0": found.x0_hat[-1]}
    arrays["scores"] = model.table.detach().numpy() @ found.x0_hat[-1]
    head = {"top": found.top[-1][:TEN].tolist(), "weight": found.noise_weight, "share": found.noise_share}
    return head, {name: array.astype(np.float32) for name, array in arrays.items()}
