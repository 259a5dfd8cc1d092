/* Numbers and text as a person or a file reads them. */

/** @param {number} value */
export const number = (value) => Math.round(value).toLocaleString("en");

/** A probability with as many digits as it deserves. @param {number} p */
export function percent(p) {
  if (p === 0) return "0 %";
  if (p < 0.0001) return "<0.01 %";
  return `${(100 * p).toFixed(p >= 0.1 ? 0 : p >= 0.001 ? 1 : 2)} %`;
}

/** Text for the inside of an element or of an attribute in double quotes. @param {unknown} text */
export function escaped(text) {
  return String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** Points as the data of an SVG path; points that are not finite are left out. @param {number[][]} points */
export function line(points) {
  return points.filter((p) => p.every(Number.isFinite)).map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}
