/* Chapter 8. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter8 = {
  id: 8,
  steps: 3,
  scene: () => ({ lit: ["list"], mode: "use" }),
  done: "guess",
  mount: () => null,
};
