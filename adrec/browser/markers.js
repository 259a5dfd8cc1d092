/* The marks of the visual language, drawn on a canvas or as the data of an SVG path. */

/** @import { Marker } from "./types" */
/** @typedef {Pick<CanvasPath, "moveTo" | "lineTo" | "closePath" | "rect"> & { arc(x: number, y: number, r: number, from: number, to: number): void, rotate(angle: number): void }} Pen */

/** Each draws itself around the origin, with about the area of a circle of radius r. @type {Record<Marker, (pen: Pen, r: number) => void>} */
export const shapes = {
  circle: (pen, r) => pen.arc(0, 0, r, 0, 7),
  square: (pen, r) => pen.rect(-r * 0.88, -r * 0.88, r * 1.76, r * 1.76),
  "triangle-up": (pen, r) => polygon(pen, r * 1.25, 3, -Math.PI / 2),
  diamond: (pen, r) => polygon(pen, r * 1.2, 4, -Math.PI / 2),
  cross: (pen, r) => { pen.rect(-r * 1.15, -r * 0.4, r * 2.3, r * 0.8); pen.rect(-r * 0.4, -r * 1.15, r * 0.8, r * 2.3); },
  x: (pen, r) => { pen.rotate(Math.PI / 4); shapes.cross(pen, r); pen.rotate(-Math.PI / 4); },
  star: (pen, r) => polygon(pen, r * 1.35, 10, -Math.PI / 2, 0.45),
  hexagon: (pen, r) => polygon(pen, r * 1.05, 6, 0),
};

/** inner: the radius of every other corner over r. @param {Pen} pen @param {number} r @param {number} corners @param {number} turn */
function polygon(pen, r, corners, turn, inner = 1) {
  for (let i = 0; i < corners; i++) {
    const angle = turn + (2 * Math.PI * i) / corners, d = i % 2 ? r * inner : r;
    pen[i ? "lineTo" : "moveTo"](d * Math.cos(angle), d * Math.sin(angle));
  }
  pen.closePath();
}

/** A mark as the data of an SVG path. @param {Marker} marker @param {number} x @param {number} y @param {number} r */
export function mark(marker, x, y, r) {
  let data = "", turn = 0;
  const at = (/** @type {number} */ u, /** @type {number} */ v) => {
    const cos = Math.cos(turn), sin = Math.sin(turn);
    return `${(x + u * cos - v * sin).toFixed(1)} ${(y + u * sin + v * cos).toFixed(1)}`;
  };
  /** @type {Pen} */
  const pen = {
    moveTo: (u, v) => { data += `M${at(u, v)}`; },
    lineTo: (u, v) => { data += `L${at(u, v)}`; },
    closePath: () => { data += "Z"; },
    rect: (u, v, w, h) => { data += `M${at(u, v)}L${at(u + w, v)}L${at(u + w, v + h)}L${at(u, v + h)}Z`; },
    arc: (u, v, d) => { data += `M${at(u - d, v)}a${d} ${d} 0 1 0 ${2 * d} 0a${d} ${d} 0 1 0 ${-2 * d} 0Z`; },
    rotate: (angle) => { turn += angle; },
  };
  shapes[marker](pen, r);
  return data;
}
