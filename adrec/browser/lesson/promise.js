/* Chapter 3's toy: three people with the same last films chose three different next ones, as points in two dimensions. */

import { TOY_LEFT, normals } from "./toy.js";

/** @typedef {[number, number]} Point */

/** The films that the three people chose, and films that nobody with these last films chose. @type {Point[]} */
export const CHOSEN = [[-1.5, 0.9], [1.7, 1.1], [0.3, -1.6]];
/** @type {Point[]} */
export const OTHERS = [[-2.2, -1.2], [-0.5, 2], [2.4, -0.7], [-1.2, -2.1], [1.4, 2.1], [2.1, -2], [-2.5, 1.9]];

/** The mean squared distance of a place to the three chosen films. @param {Point} place */
export function placeError([x, y]) {
  return CHOSEN.reduce((sum, [a, b]) => sum + (x - a) ** 2 + (y - b) ** 2, 0) / CHOSEN.length;
}

/** The place at which that error is smallest. @returns {Point} */
export function compromise() {
  const mean = (/** @type {0 | 1} */ d) => CHOSEN.reduce((sum, film) => sum + film[d], 0) / CHOSEN.length;
  return [mean(0), mean(1)];
}

/** The mean of the chosen films, each as likely as the noised point makes it: what no denoiser can better. @param {Point} x_t @param {number} left @returns {Point} */
function denoised([x, y], left) {
  const far = CHOSEN.map(([a, b]) => ((x - Math.sqrt(left) * a) ** 2 + (y - Math.sqrt(left) * b) ** 2) / (2 * (1 - left))), least = Math.min(...far);
  const weight = far.map((distance) => Math.exp(least - distance)), total = weight.reduce((a, b) => a + b);
  const mean = (/** @type {0 | 1} */ d) => CHOSEN.reduce((sum, film, i) => sum + weight[i] * film[d], 0) / total;
  return [mean(0), mean(1)];
}

/** From noise to a film by the reverse process with the best possible denoiser: the points on the way, noise first. @param {number} seed @returns {Point[]} */
export function restored(seed) {
  const { normal } = normals(seed), path = [/** @type {Point} */ ([normal(), normal()])];
  for (let t = TOY_LEFT.length - 1; t >= 0; t--) {
    const x = path[path.length - 1], guess = denoised(x, TOY_LEFT[t]), before = t ? TOY_LEFT[t - 1] : 1, beta = 1 - TOY_LEFT[t] / before;
    const ofGuess = (beta * Math.sqrt(before)) / (1 - TOY_LEFT[t]), ofX = ((1 - before) * Math.sqrt(1 - beta)) / (1 - TOY_LEFT[t]), noise = t ? Math.sqrt(beta) : 0;
    path.push([ofGuess * guess[0] + ofX * x[0] + noise * normal(), ofGuess * guess[1] + ofX * x[1] + noise * normal()]);
  }
  return path;
}

/** Which of the chosen films is nearest. @param {Point} place */
export function nearestChosen([x, y]) {
  const far = CHOSEN.map(([a, b]) => Math.hypot(x - a, y - b));
  return far.indexOf(Math.min(...far));
}
