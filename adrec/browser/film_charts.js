/* The film's spectrum and its measures, as SVG. */

import { element, svg } from "./dom.js";
import { line } from "./format.js";
import { linear, logTicks, logarithmic, stepAt } from "./scales.js";

/** @import { FilmScene, Measured } from "./types" */

const PAD = { left: 40, right: 10, top: 12, bottom: 28 };
const HEIGHT = 74; // of a measure
const EDGE = 4;
const FLOOR = 1000; // the largest over the smallest value that the spectrum shows

/** The spectrum of a table: all snapshots faintly, the one at the clock's time in its stage's colour. */
export class Curve {
  /** @param {HTMLElement} box @param {FilmScene} scene */
  constructor(box, scene) {
    this.box = box;
    this.scene = scene;
    this.x = this.y = linear(0, 1, 0, 1);
    /** @type {SVGElement | null} */
    this.now = null;
  }

  layout() {
    const { box, scene } = this, width = box.clientWidth, height = box.clientHeight, right = width - PAD.right, bottom = height - PAD.bottom;
    if (!width) return;
    const { d, frames, values, random } = scene, positive = [...values, ...random].filter((v) => v > 0);
    const high = Math.max(...positive), low = Math.max(Math.min(...positive), high / FLOOR);
    this.x = linear(0, Math.max(d - 1, 1), PAD.left, right);
    this.y = logarithmic(low, high, bottom, PAD.top);
    box.replaceChildren();
    const root = svg(box, "svg", { width, height, role: "img", "aria-label": "Singular values at this snapshot" });
    for (const tick of logTicks(low, high, [1, 2, 5])) {
      svg(root, "line", { class: "grid", x1: PAD.left, x2: right, y1: this.y(tick), y2: this.y(tick) });
      svg(root, "text", { x: PAD.left - 6, y: this.y(tick) + 4, "text-anchor": "end" }, tick);
    }
    svg(root, "text", { x: (width + PAD.left) / 2, y: height - 8, "text-anchor": "middle" }, "direction");
    svg(root, "text", { x: PAD.left, y: height - 8, "text-anchor": "middle" }, 1);
    svg(root, "text", { x: right, y: height - 8, "text-anchor": "end" }, d);
    frames.forEach((frame, f) => svg(root, "path", { class: "past", stroke: frame.color, d: this.path(values.subarray(f * d, (f + 1) * d)) }));
    svg(root, "path", { class: "null", d: this.path(random) });
    this.now = svg(root, "path", { class: "now" });
  }

  /** @param {ArrayLike<number>} values */
  path(values) {
    return line(Array.from(values, (v, k) => [this.x(k), v > 0 ? this.y(v) : NaN]));
  }

  /** @param {number} at the clock's time, in frames */
  draw(at) {
    const { d, frames, values } = this.scene, a = Math.floor(at), b = Math.min(a + 1, frames.length - 1), f = at - a;
    this.now?.setAttribute("d", this.path(Array.from({ length: d }, (_, k) => values[a * d + k] * (1 - f) + values[b * d + k] * f)));
    this.now?.setAttribute("stroke", frames[Math.round(at)].color);
  }
}

/** One measure over the whole training; a drag over it picks a frame. */
export class Measure {
  /** @param {HTMLElement} parent @param {FilmScene} scene @param {Measured} spec @param {(frame: number, done: boolean) => void} pick */
  constructor(parent, scene, spec, pick) {
    this.scene = scene;
    this.spec = spec;
    this.x = this.y = linear(0, 1, 0, 1);
    this.value = element("span");
    const box = this.box = element("div"), figure = element("figure", "", "", { title: spec.meaning }), head = element("figcaption");
    head.append(element("b", "", spec.name), this.value);
    figure.append(head, box);
    parent.append(figure);
    const frame = (/** @type {PointerEvent} */ e) => stepAt(e.clientX - box.getBoundingClientRect().left, EDGE, box.clientWidth - EDGE, scene.frames.length - 1);
    box.onpointerdown = (e) => { box.setPointerCapture(e.pointerId); pick(frame(e), false); };
    box.onpointermove = (e) => { if (box.hasPointerCapture(e.pointerId)) pick(frame(e), false); };
    box.onpointerup = (e) => pick(frame(e), true);
  }

  layout() {
    const width = this.box.clientWidth, { frames } = this.scene, { values, name } = this.spec;
    if (!width) return;
    const known = values.filter((v) => v !== null);
    this.x = linear(0, frames.length - 1, EDGE, width - EDGE);
    this.y = linear(Math.max(...known), Math.min(...known), 8, HEIGHT - 8);
    this.box.replaceChildren();
    const root = svg(this.box, "svg", { height: HEIGHT, width, role: "img", "aria-label": `${name} over the training` });
    for (const [from, to] of spans(frames.map((frame) => frame.stage))) {
      if (from) svg(root, "line", { class: "edge", x1: this.x(from - 0.5), x2: this.x(from - 0.5), y1: 0, y2: HEIGHT });
      const points = values.slice(from, to).flatMap((v, i) => (v === null ? [] : [[this.x(from + i), this.y(v)]])), stroke = frames[from].color;
      if (points.length > 1) svg(root, "path", { class: "now", stroke, d: line(points) });
      else for (const [cx, cy] of points) svg(root, "circle", { r: 2.5, fill: stroke, cx, cy });
    }
    this.hair = svg(root, "line", { class: "hair", y1: 0, y2: HEIGHT });
    this.dot = svg(root, "circle", { r: 4 });
  }

  /** @param {number} at the clock's time, in frames */
  draw(at) {
    const f = Math.round(at), { values, percent, digits } = this.spec, value = values[f], x = String(this.x(at));
    for (const name of ["x1", "x2"]) this.hair?.setAttribute(name, x);
    for (const [name, to] of Object.entries({ cx: this.x(f), cy: value === null ? -20 : this.y(value), fill: this.scene.frames[f].color })) this.dot?.setAttribute(name, String(to));
    this.value.textContent = value === null ? "not measured" : percent ? `${(100 * value).toFixed(digits)} %` : value.toFixed(digits);
  }
}

/** Where equal neighbours begin and end: [from, to) of each. @param {string[]} names @returns {[number, number][]} */
export function spans(names) {
  const starts = names.flatMap((name, i) => (i && name === names[i - 1] ? [] : [i]));
  return starts.map((from, i) => [from, starts[i + 1] ?? names.length]);
}
