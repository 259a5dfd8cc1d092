"""Schedules, the forward process, the posterior and the reverse process against recorded numbers, closed forms and brute force."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adrec.diffusion import SCHEDULES, Diffusion, Schedule, betas, ddim_process, q_sample, reverse_process, reverse_step, user_noise
from adrec.errors import ConfigError

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDED = [(schedule, t) for schedule in SCHEDULES if schedule not in ("exp", "ddpm") for t in (32, 100)]  # other models' own

each_schedule = pytest.mark.parametrize("schedule", list(SCHEDULES))


# -- schedules --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded():
    with np.load(GOLDEN / "schedules.npz") as file:
        return {k: file[k] for k in file.files}


def test_every_recorded_schedule_is_compared(recorded):
    assert set(recorded) == {f"{s}__{t}__{kind}" for s, t in RECORDED for kind in ("betas", "alphas_cumprod")}


@pytest.mark.parametrize(("schedule", "timesteps"), RECORDED)
def test_a_schedule_is_the_recorded_one(recorded, schedule, timesteps):
    np.testing.assert_allclose(betas(schedule, timesteps), recorded[f"{schedule}__{timesteps}__betas"], rtol=0, atol=1e-15)
    ours = Diffusion.from_schedule(schedule, timesteps).alpha_bar
    np.testing.assert_allclose(ours, recorded[f"{schedule}__{timesteps}__alphas_cumprod"], rtol=0, atol=1e-15)


@each_schedule
@given(timesteps=st.integers(21, 1000))
def test_noise_only_grows_and_stays_between_none_and_all(schedule, timesteps):
    alpha_bar = Diffusion.from_schedule(schedule, timesteps).alpha_bar
    assert alpha_bar.dtype == np.float64 and len(alpha_bar) == timesteps
    assert (np.diff(alpha_bar) < 0).all() and alpha_bar[-1] > 0 and alpha_bar[0] < 1


def test_cosine_alpha_bar_is_its_formula():
    u = np.arange(1, 32) / 32  # the last beta is capped at 0.999
    f = np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2
    expected = f / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(Diffusion.from_schedule("cosine", 32).alpha_bar[:-1], expected, rtol=1e-12)


def test_exp_alpha_bar_is_the_exponential_of_its_integrated_rates():
    """d log alpha_bar / du = -(0.1 + 9.9 u), summed in T steps of which each takes the rate about its middle."""
    u = np.arange(1, 501) / 500
    np.testing.assert_allclose(np.log(Diffusion.from_schedule("exp", 500).alpha_bar), -(0.1 * u + 9.9 * u**2 / 2), rtol=0.01, atol=1e-4)


def test_too_few_steps_for_the_linear_schedule_are_refused():
    with pytest.raises(ConfigError, match="'linear' needs more than timesteps = 20"):
        betas("linear", 20)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ConfigError, match="Unknown noise schedule 'quadratic'"):
        betas("quadratic", 32)


def test_a_schedule_from_outside_is_used_by_its_name(monkeypatch):
    monkeypatch.setattr(SCHEDULES, "_entries", dict(SCHEDULES._entries))
    SCHEDULES.register("constant", Schedule("The same at each step", "a test", lambda t: np.full(t, 0.1)))
    np.testing.assert_allclose(Diffusion.from_schedule("constant", 5).alpha_bar, 0.9 ** np.arange(1, 6))


def test_every_schedule_says_what_it_is_and_where_it_comes_from():
    assert all(entry.title and entry.source for _, entry in SCHEDULES.items())


# -- forward ----------------------------------------------------------------------------------------------------------


@each_schedule
def test_q_sample_mixes_by_alpha_bar_each_token_with_its_own_t(schedule):
    alpha_bar = Diffusion.from_schedule(schedule, 32).alpha_bar
    rng = np.random.default_rng(0)
    x_0, eps, t = rng.normal(size=(32, 5)), rng.normal(size=(32, 5)), rng.permutation(32)
    ours = q_sample(*(torch.from_numpy(a) for a in (x_0, t, eps, alpha_bar)))
    for n in range(32):
        expected = np.sqrt(alpha_bar[t[n]]) * x_0[n] + np.sqrt(1 - alpha_bar[t[n]]) * eps[n]
        np.testing.assert_allclose(ours[n], expected, rtol=1e-12)


def test_q_sample_keeps_the_embeddings_precision():
    alpha_bar = torch.from_numpy(Diffusion.from_schedule("trunc_lin", 8).alpha_bar)
    assert q_sample(torch.zeros(3, 2), torch.tensor([0, 3, 7]), torch.ones(3, 2), alpha_bar).dtype == torch.float32


@each_schedule
def test_stepwise_noising_has_q_samples_mean_and_variance(schedule):
    diffusion = Diffusion.from_schedule(schedule, 32)
    mean, variance = 1.0, 0.0
    for t in range(32):
        mean, variance = mean * np.sqrt(1 - diffusion.betas[t]), variance * (1 - diffusion.betas[t]) + diffusion.betas[t]
        np.testing.assert_allclose([mean, variance], [np.sqrt(diffusion.alpha_bar[t]), 1 - diffusion.alpha_bar[t]], rtol=1e-9)


# -- posterior --------------------------------------------------------------------------------------------------------


def bayes_mean(diffusion: Diffusion, step: int, x_0: float, x_t: float) -> float:
    """Mean of q(x_{t-1} | x_t, x_0) by summing prior times likelihood over a fine grid."""
    before, beta = diffusion.alpha_bar_before[step], diffusion.betas[step]
    centre, spread = np.sqrt(before) * x_0, np.sqrt(1 - before)
    grid = np.linspace(min(centre, x_t) - 12 * spread, max(centre, x_t) + 12 * spread, 400_001)
    log_weight = -((grid - centre) ** 2) / (2 * (1 - before)) - (x_t - np.sqrt(1 - beta) * grid) ** 2 / (2 * beta)
    weight = np.exp(log_weight - log_weight.max())
    return float((weight * grid).sum() / weight.sum())


@each_schedule
def test_the_posterior_mean_is_bayes_rule(schedule):
    diffusion = Diffusion.from_schedule(schedule, 32)
    for step, x_0, x_t in [(1, 0.7, -0.4), (5, -1.1, 0.3), (20, 0.7, -0.4), (30, -1.1, 0.3)]:
        weight_x0, weight_xt = (c[step] for c in diffusion.posterior_coefficients)
        np.testing.assert_allclose(weight_x0 * x_0 + weight_xt * x_t, bayes_mean(diffusion, step, x_0, x_t), atol=1e-6)


@each_schedule
def test_the_last_step_returns_the_estimate_itself(schedule):
    weight_x0, weight_xt = Diffusion.from_schedule(schedule, 32).posterior_coefficients
    np.testing.assert_allclose([weight_x0[0], weight_xt[0]], [1, 0], atol=1e-12)


def test_a_step_adds_noise_with_variance_beta_and_the_last_one_none():
    diffusion = Diffusion.from_schedule("trunc_lin", 8)
    zero, noise = torch.zeros(1, 3), torch.tensor([[1.0, -2.0, 0.5]])
    for step in range(1, 8):
        torch.testing.assert_close(reverse_step(zero, zero, noise, step, diffusion), noise * float(np.sqrt(diffusion.betas[step])))
    assert torch.equal(reverse_step(zero, zero, noise, 0, diffusion), zero)


@each_schedule
def test_the_numbers_for_other_languages_reproduce_a_reverse_step(schedule):
    """By DDPM's formulas as the official code writes them, from the JSON alone."""
    diffusion = Diffusion.from_schedule(schedule, 32)
    told = json.loads(json.dumps(diffusion.to_json()))
    assert told["timesteps"] == 32 and told["alpha_bar"] == diffusion.alpha_bar.tolist()
    x_t, x0_hat, noise = torch.randn(3, 4, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for t in (0, 1, 31):
        step = told["posterior_mean"]["x_0"][t] * x0_hat + told["posterior_mean"]["x_t"][t] * x_t
        step += (t > 0) * math.exp(told["log_variance"][t] / 2) * noise
        torch.testing.assert_close(step, reverse_step(x_t, x0_hat, noise, t, diffusion), rtol=1e-12, atol=1e-12)
    beta, bar = betas(schedule, 32), diffusion.alpha_bar
    assert told["log_variance"][0] == pytest.approx(math.log(beta[1] * (1 - bar[0]) / (1 - bar[1])))


# -- strided ----------------------------------------------------------------------------------------------------------


def test_all_steps_are_the_full_process():
    full = Diffusion.from_schedule("trunc_lin", 32)
    strided = full.strided(32)
    np.testing.assert_array_equal(strided.timesteps, full.timesteps)
    np.testing.assert_array_equal(strided.posterior_coefficients, full.posterior_coefficients)


@given(total=st.integers(2, 200), data=st.data())
def test_kept_timesteps_are_distinct_rising_and_end_at_the_noisiest(total, data):
    steps = data.draw(st.integers(1, total))
    kept = Diffusion.from_schedule("cosine", total).strided(steps).timesteps
    assert len(kept) == steps and (np.diff(kept) > 0).all()
    assert kept[-1] == total - 1 and (steps == 1 or kept[0] == 0)


@given(total=st.integers(2, 200), data=st.data())
def test_fewer_steps_visit_the_same_noise_levels(total, data):
    full = Diffusion.from_schedule("trunc_lin", total)
    strided = full.strided(data.draw(st.integers(1, total)))
    np.testing.assert_array_equal(strided.alpha_bar, full.alpha_bar[strided.timesteps])
    rounding = 1e-15  # 1 - beta is exact to 1e-16 only, which is much of it where beta is nearly 1: alpha_bar falls to 4e-9
    np.testing.assert_allclose(np.cumprod(1 - strided.betas), strided.alpha_bar, rtol=1e-9, atol=rounding)


@pytest.mark.parametrize("steps", [0, -1, 33, 1000])
def test_a_number_of_steps_that_the_schedule_does_not_have_is_refused(steps):
    with pytest.raises(ConfigError, match=f"steps must be 1 to 32, not {steps}"):
        Diffusion.from_schedule("trunc_lin", 32).strided(steps)


# -- reverse process --------------------------------------------------------------------------------------------------


def test_one_step_returns_the_estimate_at_the_noisiest_level():
    x_start = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    diffusion = Diffusion.from_schedule("trunc_lin", 32).strided(1)
    answer = reverse_process(lambda x, t: 10 * x + t, x_start, torch.ones(1, 3, 4), diffusion)
    torch.testing.assert_close(answer, 10 * x_start + 31)


def test_the_reverse_process_is_the_equations_one_after_the_other():
    rng = np.random.default_rng(0)
    total = 12
    x, noise = rng.normal(size=(2, 3)), rng.normal(size=(total, 2, 3))
    diffusion = Diffusion.from_schedule("cosine", total)
    ours = reverse_process(lambda x, t: torch.tanh(x + 0.1 * t), torch.from_numpy(x), torch.from_numpy(noise), diffusion)
    alpha_bar = np.concatenate([[1.0], np.cumprod(1 - betas("cosine", total))])  # one longer: before the first step there is no noise
    for i, t in enumerate(range(total - 1, -1, -1)):
        x_0, beta, now, before = np.tanh(x + 0.1 * t), betas("cosine", total)[t], alpha_bar[t + 1], alpha_bar[t]
        mean = (np.sqrt(before) * beta * x_0 + np.sqrt(1 - beta) * (1 - before) * x) / (1 - now)
        x = mean + (np.sqrt(beta) * noise[i] if t else 0)
    np.testing.assert_allclose(ours, x, rtol=1e-9)


def test_every_step_is_recorded_from_the_noisiest_on():
    seen = []
    diffusion = Diffusion.from_schedule("trunc_lin", 32).strided(5)
    answer = reverse_process(lambda x, t: x / 2, torch.ones(1, 2), torch.zeros(5, 1, 2), diffusion, lambda *step: seen.append(step))
    assert [t for t, _, _ in seen] == diffusion.timesteps[::-1].tolist()
    assert torch.equal(seen[-1][2], answer)
    for (_, _, x), (_, x0_hat, _) in zip(seen, seen[1:], strict=False):
        assert torch.equal(x0_hat, x / 2)


@each_schedule
def test_a_perfect_denoiser_finds_the_data_whatever_the_noise(schedule):
    x_0 = torch.tensor([[0.3, -1.0]])
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(33, 1, 2, generator=generator)
    torch.testing.assert_close(reverse_process(lambda x, t: x_0, noise[0], noise[1:], Diffusion.from_schedule(schedule, 32)), x_0)


@each_schedule
def test_without_new_noise_a_perfect_denoiser_keeps_the_noise_and_takes_some_of_it_away(schedule):
    x_0, eps = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    diffusion, seen = Diffusion.from_schedule(schedule, 40).strided(7), []
    start = diffusion.alpha_bar[-1] ** 0.5 * x_0 + (1 - diffusion.alpha_bar[-1]) ** 0.5 * eps
    torch.testing.assert_close(ddim_process(lambda x, t: x_0, start, diffusion, lambda t, x0_hat, x: seen.append((t, x))), x_0)
    assert [t for t, _ in seen] == diffusion.timesteps[::-1].tolist()
    for (_, x), level in zip(seen, diffusion.alpha_bar_before[::-1], strict=True):
        torch.testing.assert_close(x, level**0.5 * x_0 + (1 - level) ** 0.5 * eps)


# -- noise ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6, unique=True), st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_a_users_noise_does_not_depend_on_who_else_is_there(users, seed, steps):
    x_start, step_noise = user_noise(seed, np.array(users), steps, 6)
    for row, user in enumerate(users):
        alone_start, alone_steps = user_noise(seed, np.array([user]), steps, 6)
        assert torch.equal(alone_start[0], x_start[row]) and torch.equal(alone_steps[:, 0], step_noise[:, row])


@pytest.mark.parametrize("width", [2, 10, 128])
def test_the_noise_a_user_starts_from_does_not_depend_on_the_number_of_steps(width):
    starts = [user_noise(3, np.array([7]), steps, width)[0] for steps in (1, 2, 5, 32)]
    assert all(torch.equal(start, starts[0]) for start in starts)


def test_users_and_seeds_have_different_noise():
    draws = [user_noise(seed, np.array([user]), 2, 16)[0] for seed in (0, 1, 2) for user in (0, 1, 2)]
    assert len({tuple(d.flatten().tolist()) for d in draws}) == 9


def test_noise_is_standard_normal():
    x_start, step_noise = user_noise(0, np.arange(400), 9, 16)
    draws = torch.cat([x_start[None], step_noise]).double()
    assert abs(float(draws.mean())) < 4 / np.sqrt(draws.numel())
    assert abs(float(draws.var()) - 1) < 4 * np.sqrt(2 / draws.numel())


def test_noise_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    user_noise(0, np.arange(3), 2, 16)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_negative_seed_is_refused():
    with pytest.raises(ConfigError, match="noise seed must be an integer of at least 0, not -1"):
        user_noise(-1, np.array([0]), 1, 4)
