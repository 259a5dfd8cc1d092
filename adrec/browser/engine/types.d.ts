/* The model in the browser: what it is made of and what it answers. Item ids are 1..V as in Python; row 0 of the table is the padding. */

import type { Recorded, Scene } from "../types";

export interface Tensor {
  shape: number[];
  values: Float32Array;
}

/** weight: (out, columns), row by row. */
export interface Linear {
  weight: Float32Array;
  bias: Float32Array | null;
  columns: number;
}

export interface Norm {
  weight: Float32Array;
  bias: Float32Array;
  eps: number;
}

export interface Block {
  qkv: Linear;
  out: Linear;
  attention_norm: Norm;
  wide: Linear;
  narrow: Linear;
  ff_norm: Norm;
}

/** Rows that later rows attend to. qkv: (at least rows, 3 D). bias: what is added to their logits. */
export interface Segment {
  qkv: Float32Array;
  rows: number;
  bias: number;
}

/** The item table with its padding row: (V + 1, width). */
export interface Table {
  values: Float32Array;
  width: number;
}

/** run.json, or what the engine needs of it: the settings of the model whose weights are loaded, and alpha_bar where it denoises. */
export interface Description {
  model: Record<string, any>;
  diffusion?: { alpha_bar: number[] } | null;
}

/** What models differ in. past: what the denoiser's last token sees; bias: of the pads. */
export interface Kind {
  past?: (model: Model, encoded: Encoded, bias: number) => Segment[][];
  denoise?: (model: Model, encoded: Encoded, x: Float32Array, time: Float32Array) => Denoised;
}

export interface Model {
  settings: Record<string, any>;
  alphaBar: number[] | null;
  table: Table;
  tensors: Record<string, Tensor>;
  /** what has been computed from the weights alone */
  parts: Record<string, any>;
}

export interface Encoded {
  /** the ids that the model read: at most the last ``length`` */
  history: number[];
  /** how many pads come before the history in the model's frame */
  pads: number;
  /** how many slots they take in the attention: 0 without, 1 if they are one sink, ``pads`` with positions */
  padSlots: number;
  /** what the denoiser is conditioned on, (D,); without a denoiser it is the answer itself */
  condition: Float32Array;
  /** the encoder's output after each item, (items, D) */
  conditions: Float32Array;
  /** the encoder's attention by block: (heads, items, padSlots + items); a later item's weight is 0 */
  attention: Float32Array[];
  /** what the denoiser's last token sees, by block */
  past: Segment[][];
}

export interface Denoised {
  /** the denoiser's input: c + lambda (x_t + time), (D,), or x_t, time and c one after the other, (3 D,) */
  input: Float32Array;
  x0_hat: Float32Array;
  /** the denoiser's attention from the last token by block: (heads, padSlots + items) */
  attention: Float32Array[];
}

export interface Ranked {
  /** ids, best first */
  top: number[];
  top_scores: number[];
}

export interface Step extends Denoised {
  t: number;
  /** what entered the step, (D,) */
  x_t: Float32Array;
  /** inner products with every row of the table, (V + 1,); null where only the last step is scored */
  scores: Float32Array | null;
  top: number[] | null;
  top_scores: number[] | null;
}

export interface Options {
  /** denoising steps, 1..T (default: all timesteps) */
  steps?: number;
  /** of the noise, as in Python */
  seed?: number;
  /** whose noise, as in Python: 0 for a composed history */
  user?: number;
  /** how many items are listed */
  k?: number;
  /** which steps are scored: "all", or the "last" alone where the catalogue is large */
  scored?: "all" | "last";
}

export interface Answer extends Ranked {
  condition: Float32Array;
  attention: Float32Array[];
  pads: number;
  padSlots: number;
  /** noisiest first; empty without a denoiser */
  steps: Step[];
  /** the answer, (D,) */
  vector: Float32Array;
  /** its inner products with every row of the table, (V + 1,) */
  scores: Float32Array;
}

/** A model in a worker (client.js). A request whose signal is aborted before it begins is rejected with an AbortError. */
export interface Engine {
  settings: Record<string, any>;
  table: Table;
  encode(history: number[], signal?: AbortSignal): Promise<Encoded>;
  denoise(history: number[], x_t: Float32Array, t: number, signal?: AbortSignal): Promise<Denoised>;
  answer(history: number[], options?: Options, signal?: AbortSignal): Promise<Answer>;
  /** an answer described step by step. scene: of the same history on the same map */
  record(history: number[], options: Options, scene: Scene, signal?: AbortSignal): Promise<Recorded>;
  scores(vector: Float32Array, signal?: AbortSignal): Promise<Float32Array>;
  nearest(item: number, k: number, signal?: AbortSignal): Promise<{ items: number[]; cosines: number[] }>;
}
