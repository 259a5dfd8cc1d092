/* A trained model's answer, computed as adrec/models does: pure functions, without a page. Shapes are in types.d.ts. */

/** @import { Answer, Block, Denoised, Description, Encoded, Kind, Linear, Model, Norm, Options, Segment, Step, Table } from "./types.d.ts" */

import { layerNorm, linear, padTransformer, silu, transformer } from "./layers.js";
import { userNoise } from "./noise.js";
import { best } from "./ranking.js";
import { readTensors } from "./safetensors.js";

/**
 * A model from its run's description and the bytes of its weights.
 * @param {Description} description run.json
 * @param {Uint8Array} bytes model.safetensors
 * @returns {Model}
 */
export function load(description, bytes) {
  const tensors = readTensors(bytes), settings = description.model, { values, shape } = tensors["item_embedding.weight"];
  if (!(settings.model in KINDS)) throw new RangeError(settings.model);
  return { settings, tensors, table: { values, width: shape[1] }, alphaBar: description.diffusion?.alpha_bar ?? null, parts: {} };
}

// -- the parts of a model, found by their names in the file ------------------------------------------------------------

/**
 * What ``make`` returns, made once for a model.
 * @template T
 * @param {Model} model
 * @param {string} name
 * @param {() => T} make
 * @returns {T}
 */
const once = (model, name, make) => (model.parts[name] ??= make());

/**
 * @param {Model} model
 * @param {string} name
 * @returns {Linear}
 */
function linearOf(model, name) {
  const { values, shape } = model.tensors[`${name}.weight`];
  return { weight: values, bias: model.tensors[`${name}.bias`].values, columns: shape[1] };
}

/**
 * @param {Model} model
 * @param {string} name
 * @returns {Norm}
 */
function normOf(model, name, eps = 1e-12) {
  return { weight: model.tensors[`${name}.weight`].values, bias: model.tensors[`${name}.bias`].values, eps };
}

/**
 * @param {Model} model
 * @param {string} name "encoder" or "denoiser"
 * @returns {Block[]}
 */
function blocksOf(model, name) {
  return once(model, name, () => Array.from({ length: model.settings.blocks }, (_, i) => {
    const [qkv, out, wide, narrow] = ["qkv", "out", "wide", "narrow"].map((part) => linearOf(model, `${name}.blocks.${i}.${part}`));
    const [attention, ff] = ["attention_norm", "ff_norm"].map((part) => normOf(model, `${name}.blocks.${i}.${part}`));
    return { qkv, out, attention_norm: attention, wide, narrow, ff_norm: ff };
  }));
}

/**
 * Two linear layers with SiLU between them.
 * @param {Model} model
 * @param {string} wide
 * @param {string} narrow
 * @param {Float32Array} x
 */
const siluPair = (model, wide, narrow, x) => linear(linear(x, linearOf(model, wide)).map(silu), linearOf(model, narrow));

/**
 * Rows of a table, one after the other.
 * @param {Table} table
 * @param {number[]} ids
 */
function rowsOf({ values, width }, ids) {
  const rows = new Float32Array(ids.length * width);
  ids.forEach((id, i) => rows.set(values.subarray(id * width, (id + 1) * width), i * width));
  return rows;
}

/**
 * The timestep t, embedded: sinusoidal features of t rescaled to 0..1000, and two layers. In single precision, as torch computes it.
 * @param {Model} model
 * @param {number} t
 */
function timeOf(model, t) {
  return once(model, `time ${t}`, () => {
    const { width } = model.table, half = width / 2, features = new Float32Array(width), single = Math.fround;
    const scaled = single(t * single(1000 / model.settings.timesteps));
    for (let i = 0; i < half; i++) {
      const angle = single(scaled * single(Math.exp(single(i * single(-Math.log(10000) / half)))));
      features[i] = Math.cos(angle);
      features[half + i] = Math.sin(angle);
    }
    return siluPair(model, "time_embed.0", "time_embed.2", features);
  });
}

// -- the encoder --------------------------------------------------------------------------------------------------------

/**
 * The encoder's input at some items and their places in the frame: looked up, placed and normed.
 * @param {Model} model
 * @param {number[]} items
 * @param {number[]} places
 */
function looked(model, items, places) {
  const rows = rowsOf(model.table, items);
  if (model.settings.positions) {
    const added = rowsOf({ values: model.tensors["position_embedding.weight"].values, width: model.table.width }, places);
    for (let i = 0; i < rows.length; i++) rows[i] += added[i];
  }
  return layerNorm(rows, model.settings.model === "sasrec" ? normOf(model, "norm", 1e-5) : normOf(model, "hist_norm"));
}

/** @param {number} count */
const counted = (count) => Array.from({ length: count }, (_, i) => i);

/**
 * How a history lies in the model's frame, and the first rows that it sees: its pads, of which a model without positions needs one.
 * @param {Model} model
 * @param {number} items
 */
function paddingOf({ settings }, items) {
  const pads = settings.length - items, slots = settings.padding === "masked" ? 0 : settings.positions ? pads : Math.min(pads, 1);
  return { pads, slots, bias: settings.positions ? 0 : Math.log(pads) };
}

/**
 * The pads in each block of the encoder, and what comes out for them; the same for every history.
 * @param {Model} model
 */
function encodedPads(model) {
  return once(model, "encoder's pads", () => {
    const rows = model.settings.positions ? model.settings.length : 1;
    return padTransformer(blocksOf(model, "encoder"), looked(model, Array(rows).fill(0), counted(rows)));
  });
}

/**
 * The history as the denoiser is conditioned on it.
 * @param {Model} model
 * @param {number[]} history item ids, oldest first; the last ``length`` are read
 * @returns {Encoded}
 */
export function encode(model, history) {
  const { settings, table: { width } } = model, items = history.slice(-settings.length), { pads, slots, bias } = paddingOf(model, items.length);
  if (!items.length || items.some((id) => !(id > 0 && id <= settings.n_items))) throw new RangeError(String(items));
  const h = looked(model, items, counted(items.length).map((i) => pads + i)), blocks = settings.infer_from === "item" ? [] : blocksOf(model, "encoder");
  const past = blocks.map((_, b) => [{ qkv: encodedPads(model).seen[b], rows: slots, bias }]);
  const { h: conditions, attention } = transformer(blocks, h, past, settings.heads);
  const encoded = { history: items, pads, padSlots: slots, condition: conditions.slice(-width), conditions, attention, past: [] };
  return { ...encoded, past: KINDS[settings.model].past?.(model, encoded, bias) ?? [] };
}

// -- the denoisers ------------------------------------------------------------------------------------------------------

/** @type {Record<string, Kind>} what a model is called in run.json */
const KINDS = {
  sasrec: {},
  adrec: { past: denoiserPast, denoise: denoiseADRec },
  dreamrec: { denoise: denoiseDreamRec },
};

/**
 * c + lambda (x + time), row by row.
 * @param {Model} model
 * @param {Float32Array} conditions
 * @param {Float32Array} x
 * @param {Float32Array} time
 */
function denoiserInput(model, conditions, x, time) {
  return conditions.map((c, i) => c + model.settings.noise_weight * (x[i] + time[i % time.length]));
}

/**
 * What ADRec's last token sees in each block of the denoiser: the pads, and the history, clean, each item beside the one after it.
 * @param {Model} model
 * @param {Encoded} encoded
 * @param {number} bias
 * @returns {Segment[][]}
 */
function denoiserPast(model, { history, conditions, padSlots }, bias) {
  if (model.settings.denoiser !== "transformer") return [];
  const blocks = blocksOf(model, "denoiser"), clean = timeOf(model, 0), { width } = model.table;
  const pads = once(model, "denoiser's pads", () => padTransformer(blocks, denoiserInput(model, encodedPads(model).h, rowsOf(model.table, [0]), clean)));
  const before = blocks.map((_, b) => [{ qkv: pads.seen[b], rows: padSlots, bias }]);
  const h = denoiserInput(model, conditions.slice(0, -width), rowsOf(model.table, history.slice(1)), clean);
  const { seen } = transformer(blocks, h, before, model.settings.heads);
  return before.map((segments, b) => [...segments, { qkv: seen[b], rows: history.length - 1, bias: 0 }]);
}

/**
 * @param {Model} model
 * @param {Encoded} encoded
 * @param {Float32Array} x
 * @param {Float32Array} time
 * @returns {Denoised}
 */
function denoiseADRec(model, { condition, past }, x, time) {
  const input = denoiserInput(model, condition, x, time);
  if (model.settings.denoiser === "mlp") {
    return { input, x0_hat: layerNorm(siluPair(model, "denoiser.wide", "denoiser.narrow", input), normOf(model, "denoiser.norm", 1e-5)), attention: [] };
  }
  const { h, attention } = transformer(blocksOf(model, "denoiser"), input, past, model.settings.heads);
  return { input, x0_hat: h, attention };
}

/**
 * DreamRec: x, time and condition side by side; with guidance w, (1 + w) x0_hat(condition) - w x0_hat(nothing).
 * @param {Model} model
 * @param {Encoded} encoded
 * @param {Float32Array} x
 * @param {Float32Array} time
 * @returns {Denoised}
 */
function denoiseDreamRec(model, { condition }, x, time) {
  const { guidance, denoiser } = model.settings, single = denoiser === "linear" ? linearOf(model, "denoiser") : null;
  const joined = (/** @type {Float32Array} */ c) => Float32Array.of(...x, ...time, ...c);
  const answered = (/** @type {Float32Array} */ input) => single ? linear(input, single)
    : layerNorm(["1", "2"].reduce((h, i) => siluPair(model, `denoiser.wide${i}`, `denoiser.narrow${i}`, h), input), normOf(model, "denoiser.norm"));
  const input = joined(condition), guided = answered(input);
  if (!guidance) return { input, x0_hat: guided, attention: [] };
  const free = answered(joined(model.tensors.nothing.values));
  return { input, x0_hat: guided.map((value, i) => (1 + guidance) * value - guidance * free[i]), attention: [] };
}

/**
 * The answer that the denoiser sees in x_t, a vector noised to timestep t.
 * @param {Model} model
 * @param {Encoded} encoded
 * @param {Float32Array} x_t
 * @param {number} t
 * @returns {Denoised}
 */
export function denoise(model, encoded, x_t, t) {
  const { denoise: denoiser } = KINDS[model.settings.model];
  if (!denoiser) throw new RangeError(model.settings.model);
  return denoiser(model, encoded, x_t, timeOf(model, t));
}

// -- the reverse process ------------------------------------------------------------------------------------------------

/**
 * The coefficients of a reverse process in fewer, evenly spaced steps, noisiest first: the timestep, the weights of x_0 and x_t in the
 * posterior's mean, and the deviation of the noise that is added (adrec/diffusion/process.py).
 * @param {number[]} alphaBar
 * @param {number} steps
 */
export function posterior(alphaBar, steps) {
  const last = alphaBar.length - 1;
  const kept = counted(steps).map((i) => (steps === 1 ? last : i === steps - 1 ? 0 : toEven(last - (i * last) / (steps - 1))));
  return kept.map((t, i) => {
    const before = i + 1 < steps ? alphaBar[kept[i + 1]] : 1, beta = 1 - alphaBar[t] / before, rest = 1 - alphaBar[t];
    return { t, x_0: (beta * Math.sqrt(before)) / rest, x_t: ((1 - before) * Math.sqrt(1 - beta)) / rest, deviation: i + 1 < steps ? Math.sqrt(beta) : 0 };
  });
}

/** @param {number} x rounded, halves to the even neighbour as numpy does */
function toEven(x) {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 ? up - 1 : up;
}

/**
 * From a history to ten items, and all that happens in between.
 * @param {Model} model
 * @param {number[]} history
 * @param {Options} options
 * @param {Encoded} encoded the history's, if it is at hand
 * @returns {Answer}
 */
export function answer(model, history, { steps, seed = 0, user = 0, k = 10, scored = "all" } = {}, encoded = encode(model, history)) {
  /** @type {Step[]} */
  const taken = [];
  let vector = encoded.condition;
  if (KINDS[model.settings.model].denoise && model.alphaBar) {
    const coefficients = posterior(model.alphaBar, steps ?? model.alphaBar.length), { width } = model.table;
    const noise = userNoise(seed, user, coefficients.length, width);
    vector = noise.start;
    for (const [i, { t, x_0, x_t: weight, deviation }] of coefficients.entries()) {
      const x_t = vector, denoised = denoise(model, encoded, x_t, t), { x0_hat } = denoised;
      vector = x_t.map((x, j) => x_0 * x0_hat[j] + weight * x + deviation * noise.steps[i * width + j]);
      const all = scored === "all" || i === coefficients.length - 1 ? scores(model, x0_hat) : null;
      taken.push({ ...denoised, t, x_t, scores: all, ...(all ? best(all, k) : { top: null, top_scores: null }) });
    }
  }
  const { condition, attention, pads, padSlots } = encoded, last = taken.at(-1)?.scores ?? scores(model, vector);
  return { condition, attention, pads, padSlots, steps: taken, vector, scores: last, ...best(last, k) };
}

// -- what a vector is close to ------------------------------------------------------------------------------------------

/**
 * Inner products with every row of the item table, (V + 1,).
 * @param {Model} model
 * @param {Float32Array} vector
 */
export function scores(model, vector) {
  return linear(vector, { weight: model.table.values, bias: null, columns: model.table.width });
}

/**
 * The k items most alike to one, by the cosine of their vectors.
 * @param {Table} table
 * @param {number} item
 * @param {number} k
 */
export function nearest({ values, width }, item, k) {
  const cosines = new Float32Array(values.length / width), own = values.subarray(item * width, (item + 1) * width), length = Math.hypot(...own);
  for (let id = 1; id < cosines.length; id++) {
    let product = 0, squares = 0;
    for (let i = 0, at = id * width; i < width; i++, at++) {
      product += own[i] * values[at];
      squares += values[at] ** 2;
    }
    cosines[id] = id === item ? -Infinity : product / (length * Math.sqrt(squares) || 1);
  }
  const { top, top_scores } = best(cosines, Math.min(k, cosines.length - 2));
  return { items: top, cosines: top_scores };
}
