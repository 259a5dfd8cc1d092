"""Denoising: the reverse process of one user's last token."""

from app import ui

ui.header("How does noise become a recommendation?")
run = ui.run_picker()
