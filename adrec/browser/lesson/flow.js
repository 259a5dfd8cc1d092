/* The real numbers that flow through the living picture: one history through one model, computed in the visitor's browser. */

import { norm } from "./strip.js";

/** @import { Answer, Encoded, Engine } from "../engine/types" */
/** @import { Lesson } from "./types" */

/**
 * What the picture shows. films, top: ids. scores: by id, from the padding row on. attention: (films, films), how much each attends to those
 * up to itself in the encoder's last block, the mean over its heads. weight: lambda. share: the length of lambda x_t over that of c.
 * step: which of how many, its noise level t and how much of x_t is noise, or null before the first.
 * @typedef {{
 *   films: number[], top: number[], model: string, weight: number, share: number | null, step: { at: number, of: number, t: number, noise: number } | null,
 *   condition?: Float32Array[], x?: Float32Array, x0?: Float32Array, scores?: Float32Array, attention?: Float32Array, heads?: Float32Array[], slots?: number,
 *   table?: { values: Float32Array, width: number }, engine?: Engine, target?: number | null, answer?: number | null, training?: Restored | null,
 * }} Flow
 * training: the same at training's last position, where the last film is noised and to be restored from those before it.
 * @typedef {{ x: Float32Array, x0: Float32Array, scores: Float32Array, top: number[], target: number }} Restored
 */

const RESTORED_LEVEL = 16; // the middle one

/** Rows of a flat array. @param {Float32Array} values @param {number} rows */
export function rowsIn(values, rows) {
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, i) => values.subarray(i * width, (i + 1) * width));
}

/** The mean over heads of the last block's attention among the films alone. @param {Encoded} encoded */
export function attentionAmong({ attention, history, padSlots }) {
  const n = history.length, last = attention[attention.length - 1], among = new Float32Array(n * n);
  if (!last) return { attention: undefined, heads: [] };
  const width = padSlots + n, count = last.length / (n * width);
  const heads = Array.from({ length: count }, (_, head) => {
    const own = new Float32Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) own[i * n + j] = last[(head * n + i) * width + padSlots + j];
    own.forEach((weight, i) => { among[i] += weight / count; });
    return own;
  });
  return { attention: among, heads };
}

/** @param {Encoded} encoded @param {Answer} answer @param {number} weight lambda @returns {Partial<Flow>} */
export function flowOf(encoded, answer, weight) {
  const step = answer.steps[0], last = answer.steps[answer.steps.length - 1];
  return {
    condition: rowsIn(encoded.conditions, encoded.history.length),
    ...attentionAmong(encoded),
    x: step?.x_t,
    x0: last?.x0_hat ?? answer.vector,
    scores: answer.scores,
    top: answer.top,
    weight,
    share: step ? (weight * norm(step.x_t)) / norm(encoded.condition) : 0,
  };
}

/**
 * Training's last position. noise: of a vector's size. shares: how much of a noised vector is noise, by level.
 * @param {Engine} engine @param {number[]} films @param {Float32Array} noise @param {number[]} shares @param {AbortSignal} signal
 * @returns {Promise<Restored>}
 */
export async function restored({ table: { values, width }, denoise, scores: score }, films, noise, shares, signal) {
  const target = films[films.length - 1], share = shares[RESTORED_LEVEL], clean = Math.sqrt(1 - share * share);
  const x = noise.map((value, i) => clean * values[target * width + i] + share * value);
  const { x0_hat } = await denoise(films.slice(0, -1), x, RESTORED_LEVEL, signal), scores = await score(x0_hat, signal);
  return { x, x0: x0_hat, scores, top: firstOf(scores, 10), target };
}

/**
 * Keep the picture's numbers true to the visitor's history, the latest change first; what was asked before is dropped.
 * @param {Lesson} lesson @param {string} model @param {(flow: Partial<Flow>) => void} tell
 */
export function follow(lesson, model, tell) {
  let current = new AbortController(), over = false;
  const run = async () => {
    current.abort();
    const { signal } = (current = new AbortController()), films = historyOf(lesson);
    if (!films.length) return;
    try {
      /** @type {Engine} */
      const engine = await lesson.engine(model);
      const encoded = await engine.encode(films, signal), answer = await engine.answer(films, { seed: lesson.state.seed, k: 10, scored: "last" }, signal);
      const noise = answer.steps[0]?.x_t, shares = lesson.content[4]?.noise;
      const training = noise && shares && films.length > 1 ? await restored(engine, films, noise, shares, signal) : null;
      if (over || signal.aborted) return;
      tell({ films: encoded.history, model, engine, table: engine.table, target: targetOf(lesson), training, ...flowOf(encoded, answer, engine.settings.noise_weight ?? 0) });
    } catch (error) {
      if (!signal.aborted && !over) console.warn(error); // the picture keeps the numbers that came with the content
    }
  };
  const ends = [lesson.on("history", run), lesson.on("seed", run)];
  run();
  return () => { over = true; current.abort(); ends.forEach((end) => end()); };
}

/** The numbers that came with the content: those of the first example person, by the model of the lesson. @param {any} content @returns {Partial<Flow>} */
export function prepared(content) {
  const person = content.people?.[0], first = content[4];
  if (!person || !first?.top) return person ? { films: person.history } : {};
  return {
    films: person.history, target: person.next, top: [...first.top], weight: first.weight, share: first.share, x: first.x, x0: first.x0, scores: first.scores,
    condition: rowsIn(first.condition, person.history.length), attention: first.attention,
  };
}

/** The visitor's history, at first the first example person's. @param {Lesson} lesson @returns {number[]} */
export function historyOf(lesson) {
  const { state: { history }, content } = lesson;
  return history.length ? history : content.people?.[0]?.history ?? [];
}

/** The film that a person of ours chose next, as long as the history is theirs. @param {Lesson} lesson @returns {number | null} */
export function targetOf(lesson) {
  const history = historyOf(lesson).join();
  return (lesson.content.people ?? []).find((/** @type {any} */ person) => person.history.join() === history)?.next ?? null;
}

/** The k films with the highest scores, best first. @param {Float32Array} scores @param {number} k */
export function firstOf(scores, k) {
  /** @type {number[]} */
  const top = [];
  for (let id = 1; id < scores.length; id++) {
    if (top.length === k && scores[id] <= scores[top[k - 1]]) continue;
    let place = top.length;
    while (place && scores[id] > scores[top[place - 1]]) place--;
    top.splice(place, 0, id);
    if (top.length > k) top.pop();
  }
  return top;
}
