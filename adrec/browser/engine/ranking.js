/* What scores put first, where they put one item, and when lists stop changing. Pure functions. */

/** @import { Ranked } from "./types.d.ts" */

const NEAR_TIE = 0.01; // as in adrec/explain/__init__.py

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
 * The items that enter or leave a list although their scores stay so close to its last's, in shares of what parts first and last; none if
 * any was ever farther off, as in adrec/explain/trajectory.py.
 * @param {ArrayLike<number>[]} lists of each step @param {ArrayLike<number>[]} scores of each step
 */
export function swaps(lists, scores) {
  const moving = [...new Set(lists.flatMap((list) => Array.from(list)))].filter((id) => !lists.every((list) => Array.from(list).includes(id)));
  const tied = (/** @type {number} */ id) => lists.every((list, i) => {
    const first = scores[i][list[0]], last = scores[i][list[list.length - 1]];
    return Math.abs(scores[i][id] - last) < NEAR_TIE * (first - last);
  });
  return moving.every(tied) ? moving : [];
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
