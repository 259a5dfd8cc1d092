"""Explaining an answer: trajectories, their pictures, their wording and their exports."""

COLORS = {"target": "#D55E00", "answer": "#CC79A7", "history": "#8A929B"}
"""Colours of target, answer and history on every page and in every report (Okabe-Ito)."""
