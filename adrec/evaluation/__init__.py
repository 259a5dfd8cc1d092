"""How well a model ranks: ranks in, numbers out."""

from adrec.evaluation.evaluator import Evaluation, answers, evaluate
from adrec.evaluation.metrics import CUTOFFS, ranking_metrics, user_metrics
from adrec.evaluation.ranking import ranks_of, streamed_ranks, top_items

__all__ = ["CUTOFFS", "Evaluation", "answers", "evaluate", "ranking_metrics", "ranks_of", "streamed_ranks", "top_items", "user_metrics"]
