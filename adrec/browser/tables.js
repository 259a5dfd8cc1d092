/* Item tables side by side, each drawn at its own scale with a bar of its true size; below them the bar of health. */

import { context, element, find, resized, themeOf } from "./dom.js";
import { healthBar } from "./lesson/health.js";
import { likeness } from "./lesson/likeness.js";
import { blocks } from "./wire.js";

/** @import { Component, TableCard, Tables } from "./types" */

/** @type {WeakMap<Element, ReturnType<typeof tablesSideBySide>>} */
const standing = new WeakMap();

/** @param {Component<Uint8Array>} component */
export function mount({ parentElement, data, setTriggerValue }) {
  const host = find(parentElement, ".tables"), given = blocks(data)[0], pick = (/** @type {string} */ run) => setTriggerValue("pick", run);
  const shown = standing.get(host) ?? tablesSideBySide(host, given.words.bar, given.band, given.narrow);
  standing.set(host, shown);
  shown.show(given, pick);
  return () => { if (!host.isConnected) shown.stop(); };
}

/** @param {HTMLElement} host @param {Tables["words"]["bar"]} words @param {[number, number]} band @param {number} narrow */
function tablesSideBySide(host, words, band, narrow) {
  const row = element("div", "table-cards");
  host.replaceChildren(row);
  const bar = healthBar(host, { words, band, narrow });
  /** @type {(() => void)[]} */
  let drawn = [];
  let digest = -1;
  const redraw = () => drawn.forEach((draw) => draw());
  const sizes = new ResizeObserver(redraw);
  sizes.observe(host);
  host.ontransitionend = (event) => { if (event.target === host) redraw(); }; // the theme changed
  return {
    /** @param {Tables} given @param {(run: string) => void} pick */
    show(given, pick) {
      if (given.digest === digest) return;
      digest = given.digest;
      const most = Math.max(...given.cards.map((card) => card.size));
      row.style.setProperty("--cards", String(given.cards.length));
      row.replaceChildren();
      drawn = given.cards.map((card) => tableCard(row, card, given, most, pick));
      redraw();
      bar.show(given.marks, given.words.barAlt);
    },
    stop: () => { sizes.disconnect(); bar.stop(); },
  };
}

/**
 * @param {HTMLElement} parent @param {TableCard} card @param {Tables} given @param {number} most the largest size of all
 * @param {(run: string) => void} pick
 */
function tableCard(parent, card, { words, [`xy ${card.key}`]: xy, [`cosines ${card.key}`]: cosines }, most, pick) {
  const section = element("section", `table-card${card.own ? " is-own" : ""}`), head = element("h3");
  head.append(element("span", "table-sign", card.sign, { "aria-hidden": "true" }), ` ${card.title}`);
  const name = card.run ? element("button", "table-run", card.name, { type: "button", title: words.pick }) : element("span", "table-run", card.name);
  if (card.run) name.onclick = () => pick(card.run);
  const pictures = element("div", "table-pictures"), plane = element("figure"), canvas = element("canvas", "", "", { role: "img", "aria-label": card.mapAlt });
  plane.append(element("figcaption", "", card.mapWords), canvas);
  const alike = element("div", "table-alike");
  alike.append(element("p", "table-caption", card.likeness));
  const matrix = likeness(alike, { titles: card.films, groups: card.groups, label: card.likenessAlt, still: true, pair: (a, b, cosine) => `${a} – ${b}: ${cosine.toFixed(2)}` });
  matrix.show(cosines);
  pictures.append(plane, alike);
  const size = element("div", "table-size", "", { title: words.sizeHelp }), gauge = element("span", "table-gauge"), fill = element("i");
  fill.style.width = `${Math.max((100 * card.size) / most, 0.5)}%`;
  gauge.append(fill);
  size.append(`${words.size} `, gauge, ` ${card.sizeWords}`);
  section.append(head, element("p", "table-says", card.says), ...(card.name ? [name] : []), pictures, size);
  parent.append(section);
  return () => {
    resized(canvas);
    drawFromOrigin(canvas, xy);
    matrix.redraw();
  };
}

/** Dots around the origin, a cross, so that all of them and the origin fill the picture. @param {HTMLCanvasElement} canvas @param {Float32Array} xy */
function drawFromOrigin(canvas, xy) {
  const pen = context(canvas), { ink, paper } = themeOf(canvas), ratio = devicePixelRatio || 1, side = Math.min(canvas.width, canvas.height);
  let [left, right, low, high] = [0, 0, 0, 0];
  for (let i = 0; i < xy.length; i += 2) {
    [left, right] = [Math.min(left, xy[i]), Math.max(right, xy[i])];
    [low, high] = [Math.min(low, xy[i + 1]), Math.max(high, xy[i + 1])];
  }
  const scale = (side - 16 * ratio) / (Math.max(right - left, high - low) || 1);
  const x = (/** @type {number} */ v) => canvas.width / 2 + (v - (left + right) / 2) * scale, y = (/** @type {number} */ v) => canvas.height / 2 - (v - (low + high) / 2) * scale;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = ink;
  pen.globalAlpha = 0.45;
  for (let i = 0; 2 * i < xy.length; i++) {
    pen.beginPath();
    pen.arc(x(xy[2 * i]), y(xy[2 * i + 1]), 1.4 * ratio, 0, 7);
    pen.fill();
  }
  pen.globalAlpha = 1;
  for (const [color, width] of /** @type {[string, number][]} */ ([[paper, 5], [ink, 2]])) {
    pen.strokeStyle = color;
    pen.lineWidth = width * ratio;
    pen.beginPath();
    const arm = (width === 5 ? 8 : 7) * ratio;
    pen.moveTo(x(0) - arm, y(0));
    pen.lineTo(x(0) + arm, y(0));
    pen.moveTo(x(0), y(0) - arm);
    pen.lineTo(x(0), y(0) + arm);
    pen.stroke();
  }
}
