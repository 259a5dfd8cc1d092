"""Explaining an answer: trajectories, their pictures, their wording and their exports."""

HIT, NEAR = 10, 50
"""The last ranks of a hit and of a near miss."""
COLORS = {"target": "#D55E00", "answer": "#CC79A7", "history": "#8A929B", "condition": "#6C5BC9", "noise": "#957F63"}
"""One quantity, one colour, on every page and in every report: target, answer and history (Okabe-Ito); the condition c and noise, at
3 to 1 or more against both themes. Noise is also drawn as grain."""
