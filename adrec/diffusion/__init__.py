"""Gaussian diffusion over embeddings: schedules, forward and reverse process. No network in here."""

from adrec.diffusion.process import Diffusion, Predict, ddim_process, q_sample, reverse_process, reverse_step, user_noise
from adrec.diffusion.schedules import SCHEDULES, Schedule, betas

__all__ = [
    "SCHEDULES",
    "Diffusion",
    "Predict",
    "Schedule",
    "betas",
    "ddim_process",
    "q_sample",
    "reverse_process",
    "reverse_step",
    "user_noise",
]
