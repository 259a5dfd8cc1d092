/* Chapter 2. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter2 = {
  id: 2,
  steps: 3,
  scene: () => ({ lit: ["table"], mode: "use" }),
  done: "guess",
  mount: () => null,
};
