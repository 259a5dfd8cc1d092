/* What Python sends to the browser code, and what Streamlit hands to a component. */

import type { Description } from "./engine/types";

export interface Component<T> {
  parentElement: ParentNode;
  data: T;
  setTriggerValue: (name: string, value: unknown) => void;
}

type Marker = "circle" | "square" | "triangle-up" | "diamond" | "cross" | "x" | "star" | "hexagon";

/* The colours of a map's dots: by category, or, without categories, along a ramp from low to high. */
export interface Colouring {
  legend: string;
  categories: string[];
  colours: string[];
  markers: Marker[];
  low: string;
  high: string;
  ramp: { light: string[]; dark: string[] };
}

export interface Stage {
  key: string;
  label: string;
  glyph: string;
  color: string;
  lines: [string, string][];
}

/* The item maps: arrays "xy KEY", "values KEY", "codes KEY" by stage, or "codes" for all; "rows" of a sample. */
export interface MapsHead extends Colouring {
  run: string;
  frame: string;
  file: string;
  stages: Stage[];
  titles: string[];
  words: string[];
  unit: string;
  [array: string]: any;
}

export interface Neighbour {
  row: number;
  number: number;
  kept: boolean | null;
}

/* The part of the maps' state that changes often; it comes with the neighbour lists. */
export interface Look {
  run: string;
  item: number;
  neighbours: Record<string, Neighbour[]>;
  view: string;
  stage: string;
  selection?: string;
}

export interface Lists extends Look {
  stages: Stage[];
  titles: Record<number, string>;
}

export interface Frame {
  stage: string;
  epoch: number;
  label: string;
  words: string;
  kind: string;
  glyph: string;
  color: string;
}

export interface Measured {
  name: string;
  meaning: string;
  digits: number;
  percent: boolean;
  values: (number | null)[];
}

export interface FilmScene extends Colouring {
  run: string;
  look: string | null;
  frame: number;
  frames: Frame[];
  n: number;
  d: number;
  item: number;
  titles: string[];
  glyphs: string[];
  random: number[];
  measures: Measured[];
  box: [number, number, number, number];
  values: Float32Array;
  positions: Uint16Array;
  codes: Uint8Array;
}

/* What of a scene depends on the noise. */
export type Recorded = Pick<Scene, "steps" | "timesteps" | "decided" | "top" | "probability" | "answer_rank" | "entropy" | "margin" | "rival" | "cosine_to_final" | "cosine_to_history" | "cosine_to_popular" | "cosine_to_target" | "rank" | "target_probability" | "near" | "x0_path" | "xt_path" | "x0_error" | "xt_error" | "swaps" | "noise_share">;

/* How the browser answers again under other noise: where the weights are, run.json, whose noise; key: all but seed and steps that the answer depends on. */
export interface Again {
  url: string;
  run: Description;
  user: number;
  key: string;
}

/* What the page asks of the browser: the same as a scene, but for what of it depends on the noise, and in how many steps. */
export type Question = Omit<Scene, Exclude<keyof Recorded, "steps">>;

/* What sentences need beside the scenes. process: what a step does; changed: the change as a subject; lent: who got another's noise; alike:
   whether two models differ in lambda alone; run: whether they are two models. */
export interface Sayings {
  process: string;
  changed: string;
  lent: string;
  alike: boolean;
  run: boolean;
}

/* Sentences on their way to where they are shown. noise: a seed and a number of steps that the visitor has chosen, for the URL. */
export interface Told {
  waiting?: boolean;
  answer?: string;
  why?: string;
  change?: string;
  noise?: number[];
}

/* A trajectory. Arrays of steps + 1 entries begin with the noise itself. */
export interface Scene {
  digest: number;
  /* where the fields are that scenes of all histories on one map share */
  shared?: string;
  items: number;
  k: number;
  steps: number;
  timesteps: number[];
  decided: number;
  history: number[];
  target: number | null;
  popular: number | null;
  near_k: number;
  titles: Record<number, string>;
  colors: Record<string, string>;
  name?: string;
  method: string;
  method_note: string;
  top: Int32Array;
  probability: Float32Array;
  answer_rank: Int32Array;
  entropy: Float32Array;
  margin: Float32Array;
  rival: Int32Array;
  cosine_to_final: Float32Array;
  cosine_to_history: Float32Array;
  cosine_to_popular?: Float32Array;
  cosine_to_target?: Float32Array;
  rank?: Int32Array;
  target_probability?: Float32Array;
  near: Int32Array;
  layout: Float32Array;
  x0_path: Float32Array;
  xt_path: Float32Array;
  x0_error: Float32Array;
  xt_error: Float32Array;
  seed: number;
  again?: Again;
  /* as in adrec.explain.trajectory.Trajectory, where the browser has answered */
  swaps?: number[];
  noise_share?: number | null;
  /* of a PCA map: the items' mean, the two axes, the length to which vectors are rescaled */
  linear_mean?: number[];
  linear_axes?: number[];
  linear_length?: number;
}

/* A table beside others: arrays "xy KEY" (its items around the origin) and "cosines KEY" (of its films, as bytes). */
export interface TableCard {
  key: string;
  title: string;
  sign: string;
  says: string;
  /* the run that a press shows, "" for the one that is shown */
  run: string;
  name: string;
  own: boolean;
  films: string[];
  groups: { label: string; count: number }[];
  size: number;
  sizeWords: string;
  mapWords: string;
  likeness: string;
  mapAlt: string;
  likenessAlt: string;
}

export interface Tables {
  digest: number;
  cards: TableCard[];
  marks: { key: string; name: string; place: number; glyph?: string; color?: string; main?: boolean }[];
  band: [number, number];
  narrow: number;
  words: { pick: string; size: string; sizeHelp: string; barAlt: string; bar: { noise: string; healthy: string; narrow: string; band: string } };
  [array: string]: any;
}

/* Spectra: arrays "values KEY" of each curve, and "band" (3, count): the 1 %, 50 % and 99 % quantiles of random tables. */
export interface Spectra {
  curves: { key: string; name: string; glyph: string; color: string; dash: string }[];
  count: number;
  band: Float32Array;
  words: { alt: string; direction: string; strength: string; random: string };
  [array: string]: any;
}

/* A table of models. sort: "COLUMN-up" or "COLUMN-down", or empty for the given order. */
export interface Comparison {
  columns: Column[];
  rows: ComparisonRow[];
  sort: string;
  filter: string;
  words: Record<"model" | "filter" | "filterHint" | "sort" | "unsorted" | "up" | "down" | "count" | "all", string>;
}

/* down: whether the first press on its head sorts from high to low. */
export interface Column {
  key: string;
  label: string;
  meaning: string;
  down: boolean;
}

export interface ComparisonRow {
  key: string;
  name: string;
  about: string;
  glyph: string;
  color: string;
  baseline: boolean;
  cells: Record<string, { value: number | null; text: string; note: string }>;
}
