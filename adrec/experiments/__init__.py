"""Experiments: grids of ordinary runs from one file, searches over settings, and tables with honest statistics."""
