/* The film's map: the items between two frames, and the way that the chosen one has come. */

import { context, find, themeOf } from "./dom.js";
import { Scatter, caption, paletteOf, placeTip, ring } from "./scatter.js";

/** @import { FilmScene } from "./types" */

const STEPS = 65535; // of a position, from one end of the box to the other

export class FilmMap {
  /** @param {HTMLElement} figure @param {FilmScene} scene */
  constructor(figure, scene) {
    const [left, right, low, high] = scene.box, plane = this.plane = find(figure, ".plane");
    const box = { x: (left + right) / 2, y: (low + high) / 2, w: right - left || 1, h: high - low || 1 };
    this.scene = scene;
    this.tip = find(figure, ".tip");
    this.dots = new Scatter(find(figure, "canvas"), { box, zoom: { k: 1, x: 0, y: 0 } }, 14);
    this.order = shuffled(scene.n);
    this.xy = new Float32Array(2 * scene.n);
    this.hover = -1;
    this.at = 0;
    plane.onpointermove = (event) => {
      const frame = plane.getBoundingClientRect();
      this.point(this.dots.nearest(this.xy, event.clientX - frame.left, event.clientY - frame.top, 12)[0]);
    };
    plane.onpointerleave = () => this.point(-1);
  }

  /** Write where items are at a time between two frames. @param {number} at @param {number} first @param {number} last */
  place(at, first = 0, last = this.scene.n) {
    const { n, frames, positions, box } = this.scene, a = Math.floor(at), b = Math.min(a + 1, frames.length - 1), f = at - a;
    for (let i = 2 * first; i < 2 * last; i++) {
      const axis = i % 2 ? 2 : 0, mixed = positions[2 * a * n + i] * (1 - f) + positions[2 * b * n + i] * f;
      this.xy[i] = box[axis] + (mixed / STEPS) * (box[axis + 1] - box[axis]);
    }
    return this.xy;
  }

  /** @param {number} at the clock's time, in frames */
  draw(at) {
    this.at = at;
    const { dots, scene } = this, theme = themeOf(this.plane), ratio = devicePixelRatio || 1, pen = context(dots.canvas);
    dots.resize();
    if (!dots.w) return;
    const style = { radius: scene.n > 2000 ? 1.6 : 2.4, side: 2, alpha: /** @type {[number, number]} */ ([scene.n > 4000 ? 0.5 : 0.8, 0.5]) };
    dots.draw(this.place(at), scene.codes, this.order, paletteOf(scene, theme.dark), style);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (scene.item >= 0) this.trail(pen, theme);
    if (this.hover >= 0) ring(pen, dots.project(this.xy, this.hover), 6, theme);
  }

  /** The way of the chosen item so far. @param {CanvasRenderingContext2D} pen @param {ReturnType<typeof themeOf>} theme */
  trail(pen, theme) {
    const { item, titles } = this.scene, { dots } = this;
    Object.assign(pen, { strokeStyle: theme.ink, lineWidth: 1.4, globalAlpha: 0.7 });
    pen.beginPath();
    for (let f = 0; f <= Math.floor(this.at); f++) pen.lineTo(...dots.project(this.place(f, item, item + 1), item));
    const here = dots.project(this.place(this.at, item, item + 1), item);
    pen.lineTo(...here);
    pen.stroke();
    pen.globalAlpha = 1;
    ring(pen, here, 6, theme);
    caption(pen, here, titles[item], dots.w, theme);
  }

  /** Show the title of an item, or of none. @param {number} item */
  point(item) {
    if (item === this.hover) return;
    this.hover = item;
    this.tip.hidden = item < 0;
    this.draw(this.at);
    if (item < 0) return;
    this.tip.textContent = this.scene.titles[item];
    placeTip(this.tip, this.dots.project(this.xy, item), this.dots);
  }
}

/** An order in which no group lies always on top. @param {number} n */
export function shuffled(n) {
  return Uint32Array.from({ length: n }, (_, i) => (n % 7919 ? (i * 7919) % n : i));
}
