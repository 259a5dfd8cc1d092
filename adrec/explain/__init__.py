"""What shows a trajectory: its scene, its words, and what people take along."""

COLORS = {"target": "#D55E00", "answer": "#CC79A7", "history": "#8A929B"}
"""The marks of target, answer and history, on every page and in every report (Okabe and Ito)."""
