/* The real numbers that flow through the living picture: one history through one model, computed in the visitor's browser. */

import { best } from "../engine/ranking.js";
import { norm } from "./strip.js";

/** @import { Answer, Encoded, Engine } from "../engine/types" */
/** @import { Lesson, Person } from "./types" */

/**
 * What the picture shows. films, top: ids. scores: by id, from the padding row on. attention: (films, films), how much each attends to those
 * up to itself in the encoder's last block, the mean over its heads. weight: lambda. share: the length of lambda x_t over that of c.
 * step: which of how many, its noise level t and how much of x_t is noise, or null before the first.
 * @typedef {{
 *   films: number[], top: number[], model: string, weight: number, share: number | null, step: { at: number, of: number, t: number, noise: number } | null,
 *   condition?: Float32Array[], x?: Float32Array, x0?: Float32Array, scores?: Float32Array, attention?: Float32Array,
 *   table?: { values: Float32Array, width: number }, engine?: Engine, target?: number | null, answer?: number | null, training?: Restored | null,
 * }} Flow
 * training: the same at training's last position, where the last film is noised and to be restored from those before it.
 * @typedef {{ x: Float32Array, x0: Float32Array, scores: Float32Array, top: number[], target: number }} Restored
 */

const RESTORED_LEVEL = 16; // the middle one

/** Rows of a flat array. @param {Float32Array} values @param {number} rows */
function rowsIn(values, rows) {
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, i) => values.subarray(i * width, (i + 1) * width));
}

/** The mean over heads of the last block's attention among the films alone. @param {Encoded} encoded */
export function attentionAmong({ attention, history, padSlots }) {
  const n = history.length, last = attention[attention.length - 1], among = new Float32Array(n * n);
  if (!last) return undefined;
  const width = padSlots + n, heads = last.length / (n * width);
  for (let head = 0; head < heads; head++)
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) among[i * n + j] += last[(head * n + i) * width + padSlots + j] / heads;
  return among;
}

/** @param {Encoded} encoded @param {Answer} answer @param {number} weight lambda @returns {Partial<Flow>} */
export function flowOf(encoded, answer, weight) {
  const step = answer.steps[0], last = answer.steps[answer.steps.length - 1];
  return {
    condition: rowsIn(encoded.conditions, encoded.history.length),
    attention: attentionAmong(encoded),
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
  return { x, x0: x0_hat, scores, top: best(scores, 10).top, target };
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
      const training = noise && shares && encoded.history.length > 1 ? await restored(engine, encoded.history, noise, shares, signal) : null;
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

/**
 * How many films of a history come before those that are its own: the well-known ones with which all example people began, or all but the
 * last of anybody else's. @param {Lesson} lesson @param {number[]} history @param {number} most
 */
export function earlierIn({ content }, history, most) {
  const { history: first, begun } = content.people[0];
  return first.slice(0, begun).every((/** @type {number} */ film, /** @type {number} */ i) => history[i] === film) ? begun : Math.max(0, history.length - most);
}

/** The example people, and the real person whom the visitor asked for. @param {Lesson} lesson @returns {Person[]} */
export const peopleOf = ({ content, state }) => [...(content.people ?? []), ...(state.real ? [state.real] : [])];

/** What a person is called. @param {Lesson} lesson @param {Person} person */
export const nameOf = (lesson, { key, number = "" }) => lesson.text(`people.${key}`, { number });

/** The person whose history it is, as long as it is theirs unchanged. @param {Lesson} lesson */
export function personOf(lesson) {
  const history = historyOf(lesson).join();
  return peopleOf(lesson).find((person) => person.history.join() === history);
}

/** The film that this person chose next. @param {Lesson} lesson @returns {number | null} */
export const targetOf = (lesson) => personOf(lesson)?.next ?? null;
