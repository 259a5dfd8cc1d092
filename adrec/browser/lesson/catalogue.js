/* The lesson's films and a model's: a model of other data answers by the lesson's ids, as far as it knows the films (adrec/lesson/films.py). */

/** @import { Engine } from "../engine/types" */
/** @import { Content } from "./types" */

/** The lesson's ids of a model's films by the model's own, from the padding row on; null where both are the same. @param {Content} content @param {string} model */
function idsOf({ films }, model) {
  return films.of.includes(model) ? /** @type {ArrayLike<number>} */ (films.others) : null;
}

/** The model's own ids by the lesson's; 0: it doesn't know the film. @param {Content} content @param {string} model */
function ownIds(content, model) {
  const ids = idsOf(content, model), { titles, known } = content.films, own = new Uint16Array(titles.length);
  if (ids) for (let id = 1; id < ids.length; id++) own[ids[id]] = id;
  else for (let id = 1; id <= known; id++) own[id] = id;
  return own;
}

/** A history in a model's own ids, without the films that it doesn't know. @param {Content} content @param {string} model @param {number[]} films */
export function ownHistory(content, model, films) {
  const own = ownIds(content, model);
  return films.map((film) => own[film]).filter(Boolean);
}

/**
 * A model that takes and gives the lesson's ids. It leaves out films of a history that it doesn't know; their scores are -Infinity.
 * @param {Engine} engine @param {Content} content @param {string} model @returns {Engine}
 */
export function inCatalogue(engine, content, model) {
  const ids = idsOf(content, model), { length } = content.films.titles;
  const own = (/** @type {number[]} */ films) => {
    const known = ownHistory(content, model, films);
    if (films.length && !known.length) throw new RangeError("This model knows none of these films.");
    return known;
  };
  const named = (/** @type {ArrayLike<number>} */ films) => (ids ? Array.from(films, (id) => ids[id]) : Array.from(films));
  const spread = (/** @type {Float32Array} */ scores) => {
    if (!ids) return scores;
    const all = new Float32Array(length).fill(-Infinity);
    for (let id = 0; id < ids.length; id++) all[ids[id]] = scores[id];
    return all;
  };
  return {
    ...engine,
    table: ids ? spreadTable(engine.table, ids, length) : engine.table,
    encode: async (films, signal) => {
      const encoded = await engine.encode(own(films), signal);
      return { ...encoded, history: named(encoded.history) };
    },
    denoise: async (films, x_t, t, signal) => engine.denoise(own(films), x_t, t, signal),
    answer: async (films, options, signal) => {
      const answer = await engine.answer(own(films), options, signal);
      const steps = answer.steps.map((step) => ({ ...step, scores: step.scores && spread(step.scores), top: step.top && named(step.top) }));
      return { ...answer, steps, top: named(answer.top), scores: spread(answer.scores) };
    },
    scores: async (vector, signal) => spread(await engine.scores(vector, signal)),
  };
}

/** A model's table by the lesson's ids. @param {{ values: Float32Array, width: number }} table @param {ArrayLike<number>} ids @param {number} rows */
function spreadTable({ values, width }, ids, rows) {
  const table = new Float32Array(rows * width);
  for (let id = 0; id < ids.length; id++) table.set(values.subarray(id * width, (id + 1) * width), ids[id] * width);
  return { values: table, width };
}
