"""How well a model ranks the catalogue: the evaluator, ranks and metrics."""

from adrec.evaluation.evaluator import Evaluation, answers, evaluate
from adrec.evaluation.metrics import CUTOFFS, METRICS, Metric, ranking_metrics, user_metrics
from adrec.evaluation.ranking import ranks_of, streamed_ranks, top_items

__all__ = [
    "CUTOFFS",
    "METRICS",
    "Evaluation",
    "Metric",
    "answers",
    "evaluate",
    "ranking_metrics",
    "ranks_of",
    "streamed_ranks",
    "top_items",
    "user_metrics",
]
