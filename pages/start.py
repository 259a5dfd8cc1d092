"""Start: what this is, one picture, three doors."""

from app import ui

ui.header("How does a diffusion recommender work, and have its embeddings collapsed?")
