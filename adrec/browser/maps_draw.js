/* What one item map looks like: its dots, and above them the chosen item, the region being drawn, and the item under the pointer. */

import { context, element, themeOf } from "./dom.js";
import { caption, paletteOf, placeTip, ring } from "./scatter.js";

/** @import { Gesture, MapPanel, Maps } from "./maps.js" */
/** @typedef {ReturnType<typeof themeOf>} Theme */

/** @param {Maps} maps @param {MapPanel} p @param {Theme} theme */
export function drawBase(maps, p, theme) {
  const stage = maps.stageOf(p), { only, one, n, selection: { chosen, count } } = maps, shown = maps.shown(p);
  const grow = (one ? 1.25 : 1) * Math.min(2, Math.sqrt(maps.view.zoom.k));
  p.dots.draw(maps.positions(p), maps.codes[stage], maps.order[stage], paletteOf(maps.head, theme.dark), {
    radius: (n <= 2500 ? 3 : 2.2) * grow,
    side: 1.6 * grow,
    alpha: [0.8, count ? 0.9 : 0.59],
    behind: count || only !== null ? (i) => (count > 0 && !chosen[i]) || (shown !== undefined && !shown(i)) : undefined,
    faint: count ? 0.28 : 0.1,
    grey: count > 0,
  });
}

/** @param {Maps} maps @param {MapPanel} p */
export function drawOver(maps, p, theme = themeOf(maps.root)) {
  const ratio = devicePixelRatio || 1, pen = context(p.over), { gesture } = maps, i = maps.index(maps.hover);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, p.dots.w, p.dots.h);
  if (!maps.visible.includes(p)) return;
  drawItem(maps, p, pen, theme);
  if (gesture?.panel === p && gesture.moved && gesture.path) drawRegion(outline(gesture), pen, theme);
  p.tip.hidden = i < 0;
  if (i >= 0) {
    const at = p.dots.project(maps.positions(p), i);
    ring(pen, at, 7, theme);
    p.tip.replaceChildren(element("b", "", maps.head.titles[i]), element("span", "", maps.word(p, i)));
    placeTip(p.tip, at, p.dots);
  }
  p.over.style.cursor = maps.mode !== "move" ? "crosshair" : i >= 0 ? "pointer" : maps.view.zoom.k > 1 ? "grab" : "default";
}

/** The chosen item, its neighbours on the map and their pixels. @param {Maps} maps @param {MapPanel} p */
export function chosenOn(maps, p) {
  const item = maps.index(maps.look.item), xy = maps.positions(p);
  if (item < 0) return null;
  const near = (maps.look.neighbours[maps.stageOf(p)] ?? []).filter(({ row }) => maps.index(row) >= 0);
  return { title: maps.head.titles[item], at: p.dots.project(xy, item), near: near.map(({ row, kept }) => ({ kept, at: p.dots.project(xy, maps.index(row)) })) };
}

/** @param {Maps} maps @param {MapPanel} p @param {CanvasRenderingContext2D} pen @param {Theme} theme */
function drawItem(maps, p, pen, theme) {
  const chosen = chosenOn(maps, p);
  if (!chosen) return;
  Object.assign(pen, { strokeStyle: theme.ink, globalAlpha: 0.45, lineWidth: 1 });
  pen.beginPath();
  for (const { at } of chosen.near) { pen.moveTo(...chosen.at); pen.lineTo(...at); }
  pen.stroke();
  pen.globalAlpha = 1;
  for (const { at, kept } of chosen.near) ring(pen, at, 4.5, theme, kept ?? false);
  ring(pen, chosen.at, 7.5, theme, true);
  ring(pen, chosen.at, 3, { ink: theme.paper, paper: theme.paper }, true);
  caption(pen, chosen.at, chosen.title, p.dots.w, theme);
}

/** The corners of the region that is being drawn, in pixels. @param {Gesture} gesture */
export function outline({ kind, path }) {
  const corners = path ?? [], [[x, y], [u, v]] = [corners[0], corners[corners.length - 1]];
  return kind === "lasso" ? corners : [[x, y], [u, y], [u, v], [x, v]];
}

/** @param {number[][]} corners @param {CanvasRenderingContext2D} pen @param {Theme} theme */
function drawRegion(corners, pen, theme) {
  pen.beginPath();
  for (const [x, y] of corners) pen.lineTo(x, y);
  pen.closePath();
  Object.assign(pen, { globalAlpha: 0.12, fillStyle: theme.ink, strokeStyle: theme.ink, lineWidth: 1.5 });
  pen.fill();
  pen.globalAlpha = 1;
  pen.setLineDash([5, 4]);
  pen.stroke();
  pen.setLineDash([]);
}
