/* Spectra of tables, strongest direction first, over the band of random tables. */

import { element, find, svg } from "./dom.js";
import { line } from "./format.js";
import { linear, logTicks, logarithmic } from "./scales.js";
import { blocks } from "./wire.js";

/** @import { Component, Spectra } from "./types" */

const PAD = { left: 46, right: 150, top: 12, bottom: 36 };
const DEEPEST = 1000; // the largest over the smallest value that is shown
const ROW = 17;

/** @type {WeakMap<Element, { digest: number, stop: () => void }>} */
const plots = new WeakMap();

/** @param {Component<Uint8Array>} component */
export function mount({ parentElement, data }) {
  const host = find(parentElement, ".spectra"), given = blocks(data)[0], before = plots.get(host);
  if (before?.digest === given.digest) return () => {};
  before?.stop();
  const shown = { digest: given.digest, ...spectraPlot(host, given) };
  plots.set(host, shown);
  return () => { if (!host.isConnected) shown.stop(); };
}

/** @param {HTMLElement} host @param {Spectra} given */
function spectraPlot(host, given) {
  const sizes = new ResizeObserver(() => drawSpectra(host, given));
  sizes.observe(host);
  drawSpectra(host, given);
  return { stop: () => sizes.disconnect() };
}

/** @param {HTMLElement} host @param {Spectra} given */
function drawSpectra(host, { curves, words, band, count, ...arrays }) {
  const width = host.clientWidth, narrow = width < 560, height = 240;
  if (!width) return;
  const right = width - (narrow ? 12 : PAD.right), bottom = height - PAD.bottom, each = curves.map((curve) => /** @type {Float32Array} */ (arrays[`values ${curve.key}`]));
  const [low1, middle, high99] = [0, 1, 2].map((i) => band.subarray(i * count, (i + 1) * count));
  const positive = [...each, middle].flatMap((values) => [...values].filter((v) => v > 0)), high = Math.max(...positive, ...high99), low = Math.max(Math.min(...positive), high / DEEPEST);
  const x = linear(0, Math.max(count - 1, 1), PAD.left, right), y = logarithmic(low * 0.95, high * 1.1, bottom, PAD.top);
  const points = (/** @type {ArrayLike<number>} */ values) => Array.from(values, (v, k) => [x(k), v > 0 ? Math.min(y(v), bottom) : NaN]);
  host.replaceChildren();
  const root = svg(host, "svg", { width, height, role: "img", "aria-label": words.alt });
  for (const tick of logTicks(low, high * 1.1, [1, 2, 5])) {
    svg(root, "line", { class: "grid", x1: PAD.left, x2: right, y1: y(tick), y2: y(tick) });
    svg(root, "text", { x: PAD.left - 6, y: y(tick) + 4, "text-anchor": "end" }, tick);
  }
  svg(root, "text", { x: PAD.left, y: bottom + 16, "text-anchor": "middle" }, 1);
  svg(root, "text", { x: right, y: bottom + 16, "text-anchor": "end" }, count);
  svg(root, "text", { x: (PAD.left + right) / 2, y: bottom + 30, "text-anchor": "middle" }, words.direction);
  svg(root, "text", { x: PAD.left, y: 10 }, words.strength);
  svg(root, "path", { class: "band", d: `${line(points(high99))}L${points(low1).reverse().filter(([, v]) => !Number.isNaN(v)).map(([a, b]) => `${a} ${b}`).join("L")}Z` });
  svg(root, "path", { class: "null", d: line(points(middle)) });
  curves.forEach((curve, i) => {
    const path = svg(root, "path", { class: "curve", d: line(points(each[i])), stroke: curve.color });
    if (curve.dash) path.setAttribute("stroke-dasharray", curve.dash);
  });
  labels(host, root, curves.map((curve, i) => ({ ...curve, at: y(Math.max(each[i][0], low)) })), words.random, right, narrow);
}

/**
 * Names beside the first points, in the order in which the curves start; under the plot where it is narrow.
 * @param {HTMLElement} host @param {SVGElement} root @param {(Spectra["curves"][number] & { at: number })[]} curves @param {string} random
 * @param {number} right @param {boolean} narrow
 */
function labels(host, root, curves, random, right, narrow) {
  const all = [...curves].sort((a, b) => a.at - b.at).map(({ glyph, color, name }) => ({ glyph, color, name })).concat({ glyph: "╌", color: "#8A929B", name: random });
  if (narrow) {
    const legend = element("p", "names");
    for (const { glyph, color, name } of all) {
      const sign = element("b", "", glyph);
      sign.style.color = color;
      legend.append(sign, `\u00a0${name}   `);
    }
    host.append(legend);
    return;
  }
  all.forEach((_, i) => {
    const text = svg(root, "text", { x: right + 10, y: 24 + i * ROW });
    svg(text, "tspan", { fill: all[i].color, class: "sign" }, `${all[i].glyph} `);
    svg(text, "tspan", {}, all[i].name);
  });
}
