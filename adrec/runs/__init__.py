"""Run folders: written by a training, read by everything else."""

from adrec.runs.folder import ALIVE, BARE, ENDED, ITEM_TABLE, LAST, STAGES, Progress, RunFolder, list_runs
from adrec.runs.shapes import TABLES

__all__ = ["ALIVE", "BARE", "ENDED", "ITEM_TABLE", "LAST", "STAGES", "TABLES", "Progress", "RunFolder", "list_runs"]
