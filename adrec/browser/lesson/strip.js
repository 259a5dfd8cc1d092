/* A vector as 16 of its entries at their own scale, and a bar of its true length. */

import { svg } from "../dom.js";

/** @typedef {ArrayLike<number>} Vector */

const SHOWN = 16;

/** Its length. @param {Vector} vector */
export function norm(vector) {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i] * vector[i];
  return Math.sqrt(sum);
}

/** Sixteen entries, evenly spaced, over the largest of them: from -1 to 1. @param {Vector} vector */
export function sixteen(vector) {
  const shown = Array.from({ length: SHOWN }, (_, i) => vector[Math.floor((i * vector.length) / SHOWN)] || 0);
  const most = Math.max(...shown.map(Math.abs)) || 1;
  return shown.map((value) => value / most);
}

/**
 * Sixteen cells as path data: a square's area is the entry's size, entries above zero are filled, those below are outlined.
 * @param {Vector} vector @param {number} x @param {number} y @param {number} cell their distance @param {number} columns
 */
export function cells(vector, x, y, cell, columns) {
  const data = { positive: "", negative: "" };
  sixteen(vector).forEach((value, i) => {
    const side = Math.sqrt(Math.abs(value)) * (cell - 1), half = side / 2;
    const left = x + cell * ((i % columns) + 0.5) - half, top = y + cell * (Math.floor(i / columns) + 0.5) - half;
    const inset = value < 0 ? Math.min(0.5, half) : 0, drawn = side - 2 * inset;
    data[value < 0 ? "negative" : "positive"] += `M${(left + inset).toFixed(1)} ${(top + inset).toFixed(1)}h${drawn.toFixed(1)}v${drawn.toFixed(1)}h${(-drawn).toFixed(1)}Z`;
  });
  return data;
}

/**
 * A strip that shows one vector after another. name: the class that gives the colour (answer, history, condition, noise).
 * @param {HTMLElement} host @param {string} name
 * @returns {{ show: (vector: Vector, full: number, sentence: string) => void }} full: the length that fills the bar; sentence: for screen readers
 */
export function strip(host, name) {
  const cell = 15, width = cell * SHOWN;
  const picture = svg(host, "svg", { class: `cells ${name}`, viewBox: `0 0 ${width} 28`, width, height: 28, role: "img" });
  const positive = svg(picture, "path", { class: "positive" }), negative = svg(picture, "path", { class: "negative" });
  svg(picture, "path", { class: "scale", d: `M0 24h${width}` });
  const bar = svg(picture, "path", { class: "length" });
  return {
    show(vector, full, sentence) {
      const data = cells(vector, 0, 1, cell, SHOWN), length = full ? Math.min(1, norm(vector) / full) : 0;
      positive.setAttribute("d", data.positive);
      negative.setAttribute("d", data.negative);
      bar.setAttribute("d", `M0 24h${Math.max(length * width, 1).toFixed(1)}`);
      picture.setAttribute("aria-label", sentence);
    },
  };
}
