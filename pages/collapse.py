"""Collapse: item maps, spectra and measures of the stages."""

from app import ui

ui.header("Have the embeddings collapsed?")
run = ui.run_picker()
