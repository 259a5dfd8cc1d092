/* What Python sends to the pages of the site. */

import type { Description } from "../engine/types";

/** A model on the Denoising page. shared: where what its scenes share is (Scene in ../types.d.ts). Titles begin with an empty one for the padding. */
export interface Model {
  name: string;
  title: string;
  /** of its data set: models with the same one can be compared */
  data: string;
  url: string;
  shared: string;
  run: Description;
  /** the films that it reads at most */
  length: number;
  items: number;
  titles: string[];
  popularity: number[];
  popular: number | null;
  people: Record<string, { history: number[]; next: number }>;
}
