/* What scores put first, where they put one item, and when lists stop changing. Pure functions. */

/** @import { Ranked } from "./types.d.ts" */

/**
 * The k items with the largest scores, best first; never the padding row.
 * @param {ArrayLike<number>} values (V + 1,)
 * @param {number} k
 * @returns {Ranked}
 */
export function best(values, k) {
  /** @type {number[]} */
  const top = [];
  for (let id = 1; id < values.length; id++) {
    if (top.length === k && !(values[id] > values[top[k - 1]])) continue;
    let place = top.length;
    while (place && values[id] > values[top[place - 1]]) place--;
    top.splice(place, 0, id);
    if (top.length > k) top.pop();
  }
  return { top, top_scores: top.map((id) => values[id]) };
}

/**
 * An item's rank from 1 among the rows from ``first`` on; ties and NaN count against it, as in adrec/evaluation/ranking.py.
 * @param {ArrayLike<number>} scores (V + 1,)
 * @param {number} item
 * @param {number} first 0 with the padding row, 1 without it
 */
export function rankOf(scores, item, first) {
  let rank = 0;
  for (let id = first; id < scores.length; id++) rank += Number(!(scores[id] < scores[item]));
  return rank;
}

/**
 * The step, from 1, after which a list's items stay as they are, in whatever order.
 * @param {ArrayLike<number>[]} lists of each step
 */
export function decidedAt(lists) {
  const sets = lists.map((list) => Array.from(list).sort((a, b) => a - b).join());
  for (let i = sets.length - 1; i > 0; i--) if (sets[i] !== sets[i - 1]) return i + 1;
  return 1;
}
