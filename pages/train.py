"""Train: start a run, watch it, stop it, go on."""

from app import ui

ui.header("Train your own")
