/* What the pointer, fingers, the wheel and the keys do to an item map. */

import { drawOver, outline } from "./maps_draw.js";

/** @import { MapPanel, Maps } from "./maps.js" */

const STILL = 4; // pixels that a click may move
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {Maps} maps @param {MapPanel} p */
export function listen(maps, p) {
  const { over } = p, at = (/** @type {MouseEvent} */ event) => [event.offsetX, event.offsetY];
  over.onkeydown = (event) => keys(maps, p, event);
  over.onpointerdown = (event) => {
    if (event.button) return;
    maps.fingers.set(event.pointerId, at(event));
    over.setPointerCapture(event.pointerId);
    over.focus({ preventScroll: true });
    const pinching = maps.fingers.size === 2, kind = pinching ? "pinch" : maps.mode;
    maps.gesture = { kind, panel: p, at: at(event), path: pinching || kind === "move" ? null : [at(event)], moved: false, apart: 0, ...(pinching ? pinch(maps) : {}) };
    if (pinching) drawOver(maps, p);
  };
  over.onpointermove = (event) => moved(maps, p, event.pointerId, at(event));
  over.onpointerup = (event) => up(maps, p, event);
  over.onpointercancel = (event) => { maps.fingers.delete(event.pointerId); maps.gesture = null; drawOver(maps, p); };
  over.onpointerleave = () => { if (!maps.gesture) maps.hovered(-1); };
  over.ondblclick = () => maps.everything();
  over.oncontextmenu = (event) => { if (maps.mode !== "move") event.preventDefault(); }; // a long press begins a region
  over.addEventListener("wheel", (event) => { // over a map that has not been clicked, the plain wheel scrolls the page
    if (!event.ctrlKey && !event.metaKey && !over.matches(":focus")) return;
    event.preventDefault();
    maps.zoomBy(Math.exp((-event.deltaY * (event.deltaMode ? 16 : 1)) / 300), p, event.offsetX, event.offsetY);
  }, { passive: false });
}

/** The middle of two fingers and how far they are apart. @param {Maps} maps */
function pinch(maps) {
  const [[a, b], [c, d]] = [...maps.fingers.values()];
  return { apart: Math.max(10, Math.hypot(a - c, b - d)), at: [(a + c) / 2, (b + d) / 2] };
}

/** @param {Maps} maps @param {MapPanel} p @param {number} finger @param {number[]} here */
function moved(maps, p, finger, here) {
  const { gesture, fingers } = maps, [x, y] = here;
  if (!gesture) {
    if (!fingers.size) maps.hovered(maps.rowOf(maps.find(p, x, y)));
    return;
  }
  if (fingers.has(finger)) fingers.set(finger, here);
  const { at, path, kind } = gesture, far = (/** @type {number[]} */ [u, v]) => Math.hypot(x - u, y - v);
  if (kind === "pinch") {
    if (fingers.size < 2) return;
    const now = pinch(maps);
    maps.pan(p, now.at[0] - at[0], now.at[1] - at[1]);
    maps.zoomBy(now.apart / gesture.apart, p, now.at[0], now.at[1]);
    Object.assign(gesture, now);
    return;
  }
  if (!gesture.moved && far(at) < STILL) return;
  if (!gesture.moved) maps.hovered(-1);
  gesture.moved = true;
  if (!path) {
    gesture.at = here;
    maps.pan(p, x - at[0], y - at[1]);
    return;
  }
  if (kind === "box") path[1] = here;
  else if (far(path[path.length - 1]) >= 2) path.push(here);
  drawOver(maps, p);
}

/** @param {Maps} maps @param {MapPanel} p @param {PointerEvent} event */
function up(maps, p, event) {
  const { gesture, fingers } = maps;
  fingers.delete(event.pointerId);
  if (!gesture || gesture.kind === "pinch") {
    if (!fingers.size) maps.gesture = null;
    return;
  }
  maps.gesture = null;
  const how = event.shiftKey ? "add" : event.altKey ? "remove" : maps.how;
  if (gesture.moved) {
    if (gesture.path) maps.select(maps.within(p, outline(gesture)), how);
    return;
  }
  const i = maps.find(p, event.offsetX, event.offsetY);
  if (i >= 0 && how !== "new") maps.toggle(i, how);
  else maps.pick(i);
}

/** @param {Maps} maps @param {MapPanel} p @param {KeyboardEvent} event */
function keys(maps, p, event) {
  const item = maps.index(maps.look.item), { w, h } = p.dots, arrow = ARROWS[event.key];
  /** @type {Record<string, () => void>} */
  const acts = {
    "+": () => maps.zoomBy(1.5),
    "-": () => maps.zoomBy(1 / 1.5),
    0: () => maps.everything(),
    " ": () => { if (item >= 0) maps.toggle(item); },
    v: () => maps.select(maps.within(p, [[0, 0], [w, 0], [w, h], [0, h]]), "new"),
    m: () => maps.setMode("move"),
    b: () => maps.setMode("box"),
    l: () => maps.setMode("lasso"),
    Escape: () => {
      if (!maps.gesture) return maps.clear();
      maps.gesture = null;
      drawOver(maps, p);
    },
  };
  if ((!arrow && !acts[event.key]) || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (!arrow) acts[event.key]();
  else if (event.shiftKey) maps.pan(p, -60 * arrow[0], -60 * arrow[1]);
  else if (item >= 0) maps.pick(nextThatWay((i) => p.dots.project(maps.positions(p), i), maps.n, item, arrow));
}

/** The dot that lies best in a direction from another: near, and more along than across; -1 if there is none.
 * @param {(i: number) => number[]} project @param {number} n @param {number} from @param {[number, number]} direction */
export function nextThatWay(project, n, from, [u, v]) {
  const [x0, y0] = project(from);
  let best = -1, least = Infinity;
  for (let i = 0; i < n; i++) {
    const [x, y] = project(i), along = (x - x0) * u + (y - y0) * v, across = Math.abs((x - x0) * v) + Math.abs((y - y0) * u);
    if (along > 0 && across <= along && along + 2 * across < least) [best, least] = [i, along + 2 * across];
  }
  return best;
}
