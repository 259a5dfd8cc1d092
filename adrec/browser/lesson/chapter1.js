/* Chapter 1. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter1 = {
  id: 1,
  steps: 3,
  scene: () => ({ lit: ["history", "list"], mode: "use" }),
  done: "guess",
  mount: () => null,
};
