/* An answer described step by step, as adrec/explain does: the arrays of a Scene (../types.d.ts) that depend on the noise. Pure functions. */

/** @import { Answer, Table } from "./types.d.ts" */
/** @import { Recorded, Scene } from "../types" */

import { best, decidedAt, rankOf, swaps } from "./ranking.js";

const NEAR = 10;
const LISTED = 3;
const ROUNDS = 100;
const EXACT = 1e-9;

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function dot(a, b, from = 0) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[from + i];
  return sum;
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
const cosine = (a, b) => dot(a, b) / (Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b)) || 1);

/**
 * @param {Table} table
 * @param {Answer} answer with all its steps scored
 * @param {Scene} scene of the same history on the same map, under any noise
 * @param {number} [weight] lambda, where the noise is added to the history
 * @returns {Recorded}
 */
export function recorded(table, answer, scene, weight) {
  const { values, width } = table, rows = values.length / width, { k, near_k, target, popular, history } = scene;
  const row = (/** @type {number} */ id) => values.subarray(id * width, (id + 1) * width);
  const estimates = answer.steps.map((step) => step.x0_hat), states = [...answer.steps.map((step) => step.x_t), answer.vector], steps = estimates.length;
  const scores = [Float32Array.from({ length: rows }, (_, id) => dot(states[0], values, id * width)), ...answer.steps.map((step) => /** @type {Float32Array} */ (step.scores))];
  const final = answer.top[0];
  /** @type {{ top: number[], probability: number[], entropy: number, of: (id: number) => number }[]} */
  const lists = scores.map((of) => {
    const largest = of.reduce((a, b) => Math.max(a, b)), { top } = best(of, k);
    let total = 0, weighted = 0;
    for (const score of of) {
      total += Math.exp(score - largest);
      weighted += Math.exp(score - largest) * (score - largest);
    }
    const chance = (/** @type {number} */ id) => Math.exp(of[id] - largest) / total;
    return { top, probability: top.map(chance), entropy: Math.log(total) - weighted / total, of: chance };
  });
  const tops = lists.slice(1).map(({ top }) => top), own = lists.slice(1).map(({ top }) => target || top[0]);
  const rival = scores.slice(1).map((of, i) => best(of, 2).top.find((id) => id !== own[i]) ?? own[i]);
  const mean = new Float32Array(width).map((_, i) => history.reduce((sum, id) => sum + row(id)[i], 0) / history.length);
  const cosines = (/** @type {ArrayLike<number>} */ to) => Float32Array.from(estimates, (estimate) => cosine(estimate, to));
  const place = placer(table, scene), x0 = estimates.map(place), xt = states.map(place);
  const turns = swaps(tops, scores.slice(1)).sort((a, b) => a - b), size = (/** @type {Float32Array} */ vector) => Math.sqrt(dot(vector, vector));
  return {
    steps,
    timesteps: answer.steps.map((step) => step.t),
    decided: turns.length ? 1 : decidedAt(tops),
    swaps: turns,
    noise_share: weight === undefined ? null : (weight * size(states[0])) / size(answer.condition),
    top: Int32Array.from(lists.flatMap(({ top }) => top)),
    probability: Float32Array.from(lists.flatMap(({ probability }) => probability)),
    answer_rank: Int32Array.from(scores, (of) => rankOf(of, final, 0)),
    entropy: Float32Array.from(lists.slice(1), ({ entropy }) => entropy),
    margin: Float32Array.from(rival, (id, i) => scores[i + 1][own[i]] - scores[i + 1][id]),
    rival: Int32Array.from(rival),
    cosine_to_final: cosines(estimates[steps - 1]),
    cosine_to_history: cosines(mean),
    ...(popular ? { cosine_to_popular: cosines(row(popular)) } : {}),
    ...(target ? {
      rank: Int32Array.from(scores, (of) => rankOf(of, target, 0)),
      target_probability: Float32Array.from(lists, ({ of }) => of(target)),
      cosine_to_target: cosines(row(target)),
    } : {}),
    near: Int32Array.from([xt[0], ...x0].flatMap(({ near }) => near.slice(0, Math.min(near_k, LISTED)))),
    x0_path: Float32Array.from(x0.flatMap(({ at }) => at)),
    xt_path: Float32Array.from(xt.flatMap(({ at }) => at)),
    x0_error: Float32Array.from(x0, ({ error }) => error),
    xt_error: Float32Array.from(xt, ({ error }) => error),
  };
}

/**
 * Where vectors go on the map, as adrec/maps/placing.py puts them there.
 * @param {Table} table
 * @param {Scene} scene
 * @returns {(vector: Float32Array) => { at: number[], near: number[], error: number }} near: ids, nearest first
 */
function placer({ values, width }, { layout, linear_mean: mean, linear_axes: axes, linear_length: length = 1 }) {
  const items = layout.length / 2, norms = Float64Array.from({ length: items + 1 }, (_, id) => Math.sqrt(dot(values.subarray(id * width, (id + 1) * width), values, id * width)));
  const spot = (/** @type {number} */ id) => [layout[2 * id - 2], layout[2 * id - 1]];
  return (vector) => {
    const size = Math.sqrt(dot(vector, vector)) || 1, cosines = norms.map((norm, id) => (id ? dot(vector, values, id * width) / (norm * size || 1) : -Infinity));
    const { top: near } = best(cosines, Math.min(NEAR, items)), at = mean && axes ? [0, 1].map((axis) => {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += ((vector[i] / size) * length - mean[i]) * axes[axis * width + i];
      return sum;
    }) : median(near.map(spot), near.map((id) => 1 / Math.max(1 - cosines[id], EXACT)));
    const apart = Float64Array.from({ length: items + 1 }, (_, id) => (id ? -Math.hypot(layout[2 * id - 2] - at[0], layout[2 * id - 1] - at[1]) : -Infinity));
    const { top: shown } = best(apart, near.length);
    return { at, near, error: 1 - near.filter((id) => shown.includes(id)).length / near.length };
  };
}

/** The place with the smallest weighted sum of distances to others, by Weiszfeld's iteration. @param {number[][]} spots @param {number[]} weights */
function median(spots, weights) {
  let shares = weights, at = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const total = shares.reduce((a, b) => a + b), [x, y] = [0, 1].map((axis) => spots.reduce((sum, spot, i) => sum + shares[i] * spot[axis], 0) / total);
    at = [x, y];
    shares = weights.map((weight, i) => weight / Math.max(Math.hypot(spots[i][0] - x, spots[i][1] - y), 1e-6));
  }
  return at;
}
