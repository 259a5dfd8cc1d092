"""Ranks and top lists over the full catalogue, exact with ties and for any number of items."""

import torch
from torch import Tensor

BLOCK = 64
"""Columns in a block whose maximum ``top_items`` takes first."""
COUNTED = 2**24
"""The largest count that float32 represents exactly."""
CHUNK = 8192
"""Table rows scored at once: with 2,048 users 64 MB, whatever the size of the catalogue."""


def ranks_of(scores: Tensor, targets: Tensor) -> Tensor:
    """Rank of each target among all rows, 1 = best; ties and NaN count against the model.

    scores: (B, V + 1), float32 or float64. targets: (B,). Returns (B,) int64.
    """
    own = scores.gather(1, targets.unsqueeze(1))
    below = torch.lt(scores, own, out=torch.empty_like(scores))  # floats sum three times as fast as booleans
    return scores.shape[1] - below.sum(1, dtype=None if scores.shape[1] <= COUNTED else torch.float64).long()


def top_items(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` largest of every row, largest first, and their columns, (B, k) each. scores: (B, N). As with ``topk``, the order and choice
    among equal scores is undefined.

    They all lie in the k blocks of columns with the largest maxima, so in wide rows only these are searched.
    """
    if scores.shape[1] < 4 * k * BLOCK:
        values, columns = scores.topk(k, 1)
        return values, columns
    whole = scores.shape[1] // BLOCK * BLOCK
    blocks = scores[:, :whole].unflatten(1, (-1, BLOCK))
    chosen = blocks.amax(2).topk(k, 1).indices.unsqueeze(2)
    inside, rest = torch.arange(BLOCK, device=scores.device), torch.arange(whole, scores.shape[1], device=scores.device)
    columns = torch.cat([(chosen * BLOCK + inside).flatten(1), rest.expand(len(scores), -1)], 1)
    values, places = torch.cat([blocks.gather(1, chosen.expand(-1, -1, BLOCK)).flatten(1), scores[:, whole:]], 1).topk(k, 1)
    return values, columns.gather(1, places)


@torch.no_grad()
def streamed_ranks(answers: Tensor, table: Tensor, targets: Tensor, hidden: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """`ranks_of` the scores ``answers @ table.T``, holding at most ``CHUNK`` of their columns at a time.

    answers: (B, D). table: (V + 1, D). targets: (B,). hidden: rows and items, of equal length, that cannot be recommended; a user's own
    target is never hidden. Returns (B,) int64.

    Equal rows of the table must get equal scores, or rounding would decide ties. So every product has the same shape: the last chunk
    starts earlier and repeats columns that are then not counted, and the targets' rows are gathered and scored as one more chunk.
    """
    width, below = min(CHUNK, len(table)), torch.zeros_like(targets)
    if hidden is not None:
        hidden = _sorted_by_item(hidden, targets)
    block = answers.new_empty(len(answers), width)
    own = _own_scores(answers, table, targets, block)
    for start in range(0, len(table), width):
        stop = min(start + width, len(table))
        if width < len(table):  # otherwise the block already holds the scores
            torch.mm(answers, table[stop - width : stop].T, out=block)
        scores = block[:, start - stop :]
        mine = ((targets >= start) & (targets < stop)).nonzero().squeeze(1)
        scores[mine, targets[mine] - start] = own[mine]
        if hidden is not None:
            among = slice(*torch.searchsorted(hidden[1], torch.tensor([start, stop], device=targets.device)).tolist())
            scores[hidden[0][among], hidden[1][among] - start] = -torch.inf
        below += scores.lt_(own.unsqueeze(1)).sum(1).long()
    return len(table) - below


def _own_scores(answers: Tensor, table: Tensor, targets: Tensor, block: Tensor) -> Tensor:
    """Each user's score of their target, (B,). block: (B, C) workspace; for a table of C rows it then holds all scores."""
    width = block.shape[1]
    if len(table) == width:
        return torch.mm(answers, table.T, out=block).gather(1, targets.unsqueeze(1)).squeeze(1)
    own = answers.new_empty(len(targets))
    for start in range(0, len(targets), width):
        users = torch.arange(start, min(start + width, len(targets)), device=targets.device)
        rows = table[targets[users]]
        torch.mm(answers, torch.cat([rows, rows.new_zeros(width - len(rows), rows.shape[1])]).T, out=block)
        own[users] = block[users, users - start]
    return own


def _sorted_by_item(hidden: tuple[Tensor, Tensor], targets: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs sorted by item, without users' own targets."""
    rows, items = (x[hidden[1] != targets[hidden[0]]] for x in hidden)
    order = items.argsort()
    return rows[order], items[order]
