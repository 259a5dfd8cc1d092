/* Chapter 3. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter3 = {
  id: 3,
  steps: 4,
  scene: () => ({ lit: ["noise"], mode: "use" }),
  done: "guess",
  mount: () => null,
};
