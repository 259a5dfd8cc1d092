/* How many trainings are behind a figure, in words. */

/** @param {{ text: (key: string) => string }} texts @param {number} count */
export function trainings(texts, count) {
  return texts.text(`trainings.${count}`);
}
