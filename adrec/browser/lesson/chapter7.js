/* Chapter 7. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter7 = {
  id: 7,
  steps: 4,
  scene: () => ({ lit: ["denoiser"], mode: "use" }),
  done: "guess",
  mount: () => null,
};
