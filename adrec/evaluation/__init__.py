"""How well a model ranks the catalogue: the evaluator, ranks and metrics."""

from adrec.evaluation.evaluator import Evaluation, answers, evaluate, hidden_items, ranks_of_scores
from adrec.evaluation.metrics import CUTOFFS, METRICS, Metric, ranking_metrics, user_metrics
from adrec.evaluation.ranking import ranks_of, streamed_ranks, top_items

__all__ = [
    "CUTOFFS",
    "METRICS",
    "Evaluation",
    "Metric",
    "answers",
    "evaluate",
    "hidden_items",
    "ranking_metrics",
    "ranks_of",
    "ranks_of_scores",
    "streamed_ranks",
    "top_items",
    "user_metrics",
]
