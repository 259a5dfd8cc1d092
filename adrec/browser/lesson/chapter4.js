/* Chapter 4. */

/** @import { Chapter } from "./types" */

/** @type {Chapter} */
export const chapter4 = {
  id: 4,
  steps: 4,
  scene: (step) => ({ lit: [], mode: step === 1 || step === 2 ? "training" : "use", grown: true }),
  done: "guess",
  mount: () => null,
};
