/* Dots on a canvas, for all item maps: their position, their drawing, and which lie under a pointer or in a region. */

import { context, element, resized } from "./dom.js";
import { shapes } from "./markers.js";
import { clamp } from "./scales.js";

/** @import { Colouring, Marker } from "./types" */
/** @typedef {{ x: number, y: number, w: number, h: number }} Box the middle and the size of a region of the data */
/** @typedef {{ box: Box, zoom: { k: number, x: number, y: number } }} View what is seen; maps with one view move together */
/** @typedef {{ colours: string[], markers: Marker[] | null }} Palette by code; without markers circles, larger for larger codes */
/**
 * radius: of a mark, in CSS pixels; side: of a plain square, where there are many; alpha: of dots, and of plain squares. behind: which
 * dots are drawn below the others; faint: their alpha; grey: whether they lose their colour.
 * @typedef {{ radius: number, side: number, alpha: [number, number], behind?: (i: number) => boolean, faint?: number, grey?: boolean }} Style
 */

export const UNKNOWN = 255;
export const GREY = "#8A929B";
export const MANY = 6000; // dots in view above which they are plain squares

/** The middle and the size of all positions. @param {ArrayLike<number>[]} paths */
export function boxOf(paths) {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const path of paths) for (let i = 0; i < path.length; i += 2) {
    if (path[i] < x0) x0 = path[i];
    if (path[i] > x1) x1 = path[i];
    if (path[i + 1] < y0) y0 = path[i + 1];
    if (path[i + 1] > y1) y1 = path[i + 1];
  }
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, w: x1 - x0 || 1, h: y1 - y0 || 1 };
}

/** @param {Colouring} colouring @param {boolean} dark @returns {Palette} */
export function paletteOf({ categories, colours, markers, ramp }, dark) {
  return categories.length ? { colours, markers } : { colours: ramp[dark ? "dark" : "light"], markers: null };
}

/** The relative size of a mark. @param {Palette} palette @param {number} code */
export function sizeOf({ colours, markers }, code) {
  return markers ? 1 : 0.6 + (0.8 * code) / colours.length;
}

export class Scatter {
  /** @param {HTMLCanvasElement} canvas @param {View} view @param {number} margin in CSS pixels */
  constructor(canvas, view, margin) {
    this.canvas = canvas;
    this.view = view;
    this.margin = margin;
    this.back = this.front = new Uint32Array(0);
    this.w = this.h = 0;
    /** @type {HTMLCanvasElement[]} */
    this.marks = [];
    this.made = "";
  }

  /** Take the size at which the canvas is shown; returns whether it changed. */
  resize() {
    this.w = this.canvas.clientWidth;
    this.h = this.canvas.clientHeight;
    return resized(this.canvas);
  }

  // -- positions ------------------------------------------------------------------------------------------------

  /** CSS pixels for each unit of the data, the same on both axes. */
  get scale() {
    const { box, zoom } = this.view;
    return Math.max(Math.min((this.w - 2 * this.margin) / box.w, (this.h - 2 * this.margin) / box.h) * zoom.k, 1e-9);
  }

  /** @param {ArrayLike<number>} xy @param {number} i @returns {[number, number]} */
  project(xy, i) {
    const s = this.scale, { box, zoom } = this.view;
    return [this.w / 2 + (xy[2 * i] - box.x - zoom.x) * s, this.h / 2 - (xy[2 * i + 1] - box.y - zoom.y) * s];
  }

  /** The inverse of project. @param {number} px @param {number} py @returns {[number, number]} */
  unproject(px, py) {
    const s = this.scale, { box, zoom } = this.view;
    return [(px - this.w / 2) / s + box.x + zoom.x, (this.h / 2 - py) / s + box.y + zoom.y];
  }

  /**
   * The dot nearest to a pixel, and its squared distance in pixels; -1 if none is within reach.
   * @param {ArrayLike<number>} xy
   * @param {number} px
   * @param {number} py
   * @param {number} reach
   * @param {(i: number) => boolean} accept
   * @returns {[number, number]}
   */
  nearest(xy, px, py, reach, accept = () => true) {
    const s = this.scale, [x, y] = this.unproject(px, py);
    let best = -1, least = (reach / s) ** 2;
    for (let i = 0; 2 * i < xy.length; i++) {
      const dx = xy[2 * i] - x, dy = xy[2 * i + 1] - y, d = dx * dx + dy * dy;
      if (d < least && accept(i)) [best, least] = [i, d];
    }
    return [best, least * s * s];
  }

  /** 1 for each dot inside a polygon of pixels. @param {ArrayLike<number>} xy @param {number[][]} corners @param {(i: number) => boolean} accept */
  within(xy, corners, accept = () => true) {
    return inside(xy, corners.map(([px, py]) => this.unproject(px, py)), accept);
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  /**
   * @param {ArrayLike<number>} xy positions, two numbers a dot
   * @param {Uint8Array} codes into the palette, or UNKNOWN
   * @param {ArrayLike<number>} order in which the dots are drawn
   * @param {Palette} palette
   * @param {Style} style
   */
  draw(xy, codes, order, palette, style) {
    const ratio = devicePixelRatio || 1, { width, height } = this.canvas, { behind } = style;
    const s = this.scale * ratio, [x, y] = this.project([0, 0], 0).map((v) => v * ratio), place = { s, x, y };
    if (this.back.length !== order.length) [this.back, this.front] = [new Uint32Array(order.length), new Uint32Array(order.length)];
    let below = 0, above = 0;
    for (let k = 0; k < order.length; k++) { // what is out of view is not drawn
      const i = order[k], px = xy[2 * i] * s + x, py = y - xy[2 * i + 1] * s;
      if (px < -20 || py < -20 || px > width + 20 || py > height + 20) continue;
      if (behind?.(i)) this.back[below++] = i; else this.front[above++] = i;
    }
    const back = this.back.subarray(0, below), front = this.front.subarray(0, above), faint = style.faint ?? 0;
    const pen = context(this.canvas), many = below + above > MANY;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    if (many) {
      const side = Math.max(1, Math.round(style.side * ratio)), grey = new Int32Array(256).fill(rgb(GREY)), inks = grey.slice();
      inks.set(palette.colours.map(rgb));
      const image = this.image = this.image?.width === width && this.image.height === height ? this.image : pen.createImageData(width, height);
      const pixels = { width, height, data: new Int32Array(image.data.buffer).fill(0) };
      squares(pixels, back, xy, place, side, codes, style.grey ? grey : inks, Math.round(255 * faint));
      squares(pixels, front, xy, place, style.behind ? side + 1 : side, codes, inks, Math.round(255 * style.alpha[1]));
      pen.putImageData(image, 0, 0);
      return;
    }
    pen.clearRect(0, 0, width, height);
    this.stamps(palette, style.radius, ratio);
    for (const [rows, alpha, grey] of /** @type {[Uint32Array, number, boolean | undefined][]} */ ([[back, faint, style.grey], [front, style.alpha[0], false]])) {
      pen.globalAlpha = alpha;
      for (const i of rows) {
        const stamp = this.marks[grey ? UNKNOWN : codes[i]];
        pen.drawImage(stamp, xy[2 * i] * s + x - stamp.width / 2, y - xy[2 * i + 1] * s - stamp.height / 2);
      }
    }
    pen.globalAlpha = 1;
  }

  /** One small canvas for each code, made once for a palette and a size. @param {Palette} palette @param {number} radius @param {number} ratio */
  stamps(palette, radius, ratio) {
    const wanted = JSON.stringify([palette, radius, ratio]);
    if (wanted === this.made) return;
    const stamp = (/** @type {string} */ colour, /** @type {Marker} */ marker, /** @type {number} */ r) => {
      const canvas = element("canvas"), pen = context(canvas);
      canvas.width = canvas.height = Math.ceil(r * 3 * ratio) + 2;
      pen.translate(canvas.width / 2, canvas.width / 2);
      pen.scale(ratio, ratio);
      drawMark(pen, marker, r, colour);
      return canvas;
    };
    this.marks = palette.colours.map((colour, code) => stamp(colour, palette.markers?.[code] ?? "circle", radius * sizeOf(palette, code)));
    this.marks[UNKNOWN] = stamp(GREY, "circle", radius * 0.6);
    this.made = wanted;
  }
}

/** A filled mark at the origin of a pen. @param {CanvasRenderingContext2D} pen @param {Marker} marker @param {number} r @param {string} colour */
export function drawMark(pen, marker, r, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  shapes[marker](pen, r);
  pen.fill();
}

/** The colour as the low three bytes of a pixel. @param {string} hex */
export function rgb(hex) {
  const v = parseInt(hex.slice(1), 16);
  return ((v & 255) << 16) | (v & 0xff00) | (v >> 16);
}

/**
 * Squares written pixel by pixel: tens of thousands in a few milliseconds. Overlaps are denser, in the colour on top.
 * @param {{ width: number, height: number, data: Int32Array }} pixels
 * @param {Uint32Array} rows
 * @param {ArrayLike<number>} xy
 * @param {{ s: number, x: number, y: number }} place
 * @param {number} side
 * @param {Uint8Array} codes
 * @param {Int32Array} inks
 * @param {number} alpha
 */
function squares({ width, height, data }, rows, xy, { s, x, y }, side, codes, inks, alpha) {
  const half = side / 2;
  for (let k = 0; k < rows.length; k++) {
    const i = rows[k], left = Math.round(xy[2 * i] * s + x - half), top = Math.round(y - xy[2 * i + 1] * s - half), ink = inks[codes[i]];
    const right = Math.min(left + side, width), bottom = Math.min(top + side, height), start = Math.max(left, 0);
    for (let row = Math.max(top, 0); row < bottom; row++) for (let at = row * width + start, end = row * width + right; at < end; at++) {
      const sum = (data[at] >>> 24) + alpha;
      data[at] = ink | ((sum > 255 ? 255 : sum) << 24);
    }
  }
}

/** A ring that stands out on any background. @param {CanvasRenderingContext2D} pen @param {number[]} at @param {number} r @param {{ ink: string, paper: string }} theme */
export function ring(pen, [x, y], r, { ink, paper }, filled = false) {
  pen.beginPath();
  pen.arc(x, y, r, 0, 7);
  pen.lineWidth = 4;
  pen.strokeStyle = paper;
  pen.stroke();
  pen.lineWidth = 1.8;
  pen.strokeStyle = pen.fillStyle = ink;
  if (filled) pen.fill(); else pen.stroke();
}

/** A dot's name above it, or below near the upper edge. @param {CanvasRenderingContext2D} pen @param {number[]} at @param {string} text @param {number} width @param {{ ink: string, paper: string, font: string }} theme */
export function caption(pen, [x, y], text, width, { ink, paper, font }) {
  pen.font = `600 13px ${font}`;
  const short = text.length > 34 ? `${text.slice(0, 32)}…` : text, room = pen.measureText(short).width;
  const left = clamp(x - room / 2, 6, Math.max(6, width - room - 6)), top = y < 28 ? y + 24 : y - 14;
  Object.assign(pen, { lineWidth: 4, lineJoin: "round", strokeStyle: paper, fillStyle: ink });
  pen.strokeText(short, left, top);
  pen.fillText(short, left, top);
}

/** Put the label of a dot beside it, on the side with more room. @param {HTMLElement} tip @param {number[]} at @param {Scatter} dots */
export function placeTip(tip, [x, y], { w, h }) {
  const flip = x > w * 0.6;
  Object.assign(tip.style, {
    left: flip ? "" : `${x + 14}px`, right: flip ? `${w - x + 14}px` : "", maxWidth: `${Math.max(90, (flip ? x : w - x) - 22)}px`,
    top: `${clamp(y - 12, 2, h - tip.offsetHeight - 2)}px`,
  });
}

/**
 * 1 for each point inside a polygon, by the even-odd rule. The polygon's sides are sorted into horizontal bands, so that a point is tested
 * against the few sides at its height.
 * @param {ArrayLike<number>} xy
 * @param {number[][]} corners
 * @param {(i: number) => boolean} accept
 */
export function inside(xy, corners, accept = () => true) {
  const found = new Uint8Array(xy.length / 2), px = corners.map(([x]) => x), py = corners.map(([, y]) => y);
  const x0 = Math.min(...px), x1 = Math.max(...px), y0 = Math.min(...py), y1 = Math.max(...py);
  const bands = Math.min(256, py.length), height = (y1 - y0) / bands || 1;
  const band = (/** @type {number} */ y) => Math.min(bands, Math.floor((y - y0) / height));
  const sides = /** @type {number[][]} */ (Array.from({ length: bands + 1 }, () => []));
  corners.forEach((_, a) => {
    const b = (a || corners.length) - 1;
    for (let at = band(Math.min(py[a], py[b])); at <= band(Math.max(py[a], py[b])); at++) sides[at].push(a, b);
  });
  for (let i = 0; i < found.length; i++) {
    const x = xy[2 * i], y = xy[2 * i + 1];
    if (x < x0 || x > x1 || y < y0 || y > y1 || !accept(i)) continue;
    const near = sides[band(y)];
    for (let k = 0; k < near.length; k += 2) {
      const a = near[k], b = near[k + 1];
      if (py[a] > y !== py[b] > y && x < ((px[b] - px[a]) * (y - py[a])) / (py[b] - py[a]) + px[a]) found[i] ^= 1;
    }
  }
  return found;
}
