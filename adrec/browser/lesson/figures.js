/* What stands behind a figure: its trainings, its data, and whether a difference is beyond chance. */

export const SURE = 1.96; // standard errors: an interval that holds the truth in 95 of 100 cases, as in adrec/lesson/results.py

/** How many trainings, in words. @param {{ text: (key: string) => string }} texts @param {number} count */
export function trainings(texts, count) {
  return texts.text(`trainings.${count}`);
}

/**
 * Of 100 people, for how many the trainings that the lesson shows are right: ``larger`` on MovieLens-1M, ``shown`` on MovieLens-100K.
 * @param {Record<string, any>} content
 */
export function rightOfShown(content) {
  return { larger: content[1].right.value.toFixed(1), shown: content[4].kin.adrec.right.toFixed(1) };
}

/** The name of the data. @param {{ source: { data: string } }} section */
export function dataOf({ source }) {
  return source.data.split(":")[0];
}

/** @param {{ value: number, error: number }} difference */
export const beyondChance = ({ value, error }) => Math.abs(value) > SURE * error;
