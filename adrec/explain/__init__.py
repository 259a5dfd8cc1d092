"""Explaining an answer: trajectories, their pictures, their wording and their exports."""

import math

HIT = 10
"""Items in a list: a target among them is a hit."""
OUTCOMES = {"hit": (1, HIT), "near miss": (HIT + 1, 50), "miss": (51, math.inf)}
"""The first and last rank of a target in each outcome."""
NEAR_TIE = 0.01
"""Items that enter or leave a list are near ties if their scores stay this close to the last's, in shares of what parts first and last."""
COLORS = {"target": "#D55E00", "answer": "#CC79A7", "history": "#8A929B", "condition": "#6C5BC9", "noise": "#957F63"}
"""One quantity, one colour, on every page and in every report: target, answer and history (Okabe-Ito); the condition c and noise, at
3 to 1 or more against both themes. Noise is also drawn as grain."""
