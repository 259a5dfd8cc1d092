/* Chapter 0. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter0 = {
  id: 0,
  steps: 2,
  scene: () => ({ lit: ["history", "list"], mode: "use" }),
  done: "guess",
  mount: () => null,
};
