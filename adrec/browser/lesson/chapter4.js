/* Chapter 4. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter4 = {
  id: 4,
  steps: 4,
  scene: () => ({ lit: [], mode: "use" }),
  done: "guess",
  mount: () => null,
};
