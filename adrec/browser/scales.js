/* From values to pixels and back, and where the ticks go. */

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** A scale that takes low to start and high to end. @param {number} low @param {number} high @param {number} start @param {number} end */
export function linear(low, high, start, end) {
  const slope = (end - start) / (high - low || 1);
  return (/** @type {number} */ value) => start + slope * (value - low);
}

/** The same for logarithms. @param {number} low @param {number} high @param {number} start @param {number} end */
export function logarithmic(low, high, start, end) {
  const scale = linear(Math.log(low), Math.log(high), start, end);
  return (/** @type {number} */ value) => scale(Math.log(value));
}

/** The whole step from 0 to steps that is nearest to a pixel of a linear scale. @param {number} pixel @param {number} start @param {number} end @param {number} steps */
export function stepAt(pixel, start, end, steps) {
  return clamp(Math.round(((pixel - start) / (end - start)) * steps), 0, steps);
}

/** Round numbers from 0 to steps, about 60 pixels apart or more. @param {number} steps @param {number} width */
export function stepTicks(steps, width) {
  const most = Math.max(2, Math.floor(width / 60));
  const apart = [1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100, 200, 250, 500].find((n) => steps / n <= most) ?? steps;
  return Array.from({ length: Math.floor(steps / apart) + 1 }, (_, i) => i * apart);
}

/** The digits times powers of ten from low to high. @param {number} low @param {number} high @param {number[]} digits */
export function logTicks(low, high, digits) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const digit of digits) ticks.push(Number(`${digit}e${power}`));
  return ticks.filter((tick) => tick >= low && tick <= high);
}

/** Move labels down, [y, height by height] from the top, until none covers another. @param {number[]} wanted @param {number} height */
export function spread(wanted, height) {
  let last = -Infinity;
  return wanted.map((y) => (last = Math.max(y, last + height)));
}
