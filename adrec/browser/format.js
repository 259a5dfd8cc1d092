/* Numbers and text as a person or a file reads them. */

/** @param {number} value */
export const number = (value) => Math.round(value).toLocaleString("en");

/** With so many digits and a true minus; what rounds to 0 has no sign. @param {number} value @param {number} digits */
export function decimal(value, digits) {
  const size = Math.abs(value).toFixed(digits);
  return value < 0 && Number(size) ? `−${size}` : size;
}

/** The same for a difference: with its sign, also above 0. @param {number} value @param {number} digits */
export const signed = (value, digits) => `${Number(value.toFixed(digits)) > 0 ? "+" : ""}${decimal(value, digits)}`;

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
