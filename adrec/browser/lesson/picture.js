/* The living picture of the model. */

/** @import { Lesson, Picture } from "./types" */

/**
 * Draw the picture into an empty element.
 * @param {HTMLElement} host
 * @param {Lesson} lesson
 * @returns {Picture}
 */
export function livingPicture(host, lesson) {
  void host;
  void lesson;
  return { scene: () => {}, values: () => {}, anchor: () => null, stop: () => {} };
}
