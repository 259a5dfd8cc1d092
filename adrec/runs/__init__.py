"""Run folders: written by a training, read by everything else."""

from adrec.runs.folder import ALIVE, BARE, ENDED, ITEM_TABLE, LAST, STAGES, TABLES, Progress, RunFolder, list_runs

__all__ = ["ALIVE", "BARE", "ENDED", "ITEM_TABLE", "LAST", "STAGES", "TABLES", "Progress", "RunFolder", "list_runs"]
