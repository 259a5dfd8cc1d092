/* Chapter 6. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter6 = {
  id: 6,
  steps: 4,
  scene: () => ({ lit: ["table", "encoder", "denoiser"], mode: "use" }),
  done: "guess",
  mount: () => null,
};
