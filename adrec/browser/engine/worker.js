/* The engine as a worker, packed into one script that client.js starts: requests {id, model, method, given} in, {id, value} or {id, error} out. */

/** @import { Encoded, Model } from "./types.d.ts" */

import { answer, denoise, encode, load, nearest, scores } from "./engine.js";
import { recorded } from "./recorded.js";

/** @type {{ model: Model, encoded: Encoded | null, key: string }[]} */
const loaded = [];

/**
 * The encoded history, kept until another one is asked for: other noise needs only the steps.
 * @param {number} at
 * @param {number[]} history
 */
function encodedOf(at, history) {
  const kept = loaded[at], key = history.join();
  if (kept.key !== key || !kept.encoded) Object.assign(kept, { key, encoded: encode(kept.model, history) });
  return /** @type {Encoded} */ (kept.encoded);
}

/** @type {Record<string, (at: number, ...given: any[]) => any>} */
const METHODS = {
  load(_, description, bytes) {
    const model = load(description, bytes);
    return { model: loaded.push({ model, encoded: null, key: "" }) - 1, table: model.table };
  },
  encode: encodedOf,
  denoise: (at, history, x_t, t) => denoise(loaded[at].model, encodedOf(at, history), x_t, t),
  answer: (at, history, options) => answer(loaded[at].model, history, options, encodedOf(at, history)),
  record(at, history, options, scene) {
    const { model } = loaded[at];
    return recorded(model.table, answer(model, history, options, encodedOf(at, history)), scene, model.settings.noise_weight);
  },
  scores: (at, vector) => scores(loaded[at].model, vector),
  nearest: (at, item, k) => nearest(loaded[at].model.table, item, k),
};

self.onmessage = ({ data: { id, model, method, given } }) => {
  try {
    self.postMessage({ id, value: METHODS[method](model, ...given) });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};
