/* Chapter 5. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter5 = {
  id: 5,
  steps: 5,
  scene: () => ({ lit: ["table"], mode: "use" }),
  done: "guess",
  mount: () => null,
};
