/* The maps as files: a PNG of what is on the screen, and an SVG that can be edited. */

import { context, element, save, themeOf } from "./dom.js";
import { escaped } from "./format.js";
import { chosenOn } from "./maps_draw.js";
import { mark } from "./markers.js";
import { GREY, MANY, UNKNOWN, drawMark, paletteOf, sizeOf } from "./scatter.js";

/** @import { MapPanel, Maps } from "./maps.js" */
/** @import { Theme } from "./maps_draw.js" */
/** @import { Marker } from "./types" */

const HEADING = 30;
const LEGEND = 28;
const GAP = 16;

/** Where the panels stand, as one row, and the size of the sheet. @param {Maps} maps */
function sheet(maps) {
  let x = GAP;
  const places = maps.visible.map((p) => {
    const left = x, stage = maps.head.stages.find(({ key }) => key === maps.stageOf(p)) ?? maps.head.stages[0];
    x += p.dots.w + GAP;
    return { p, left, stage };
  });
  return { places, width: x, height: HEADING + LEGEND + places[0].p.dots.h + GAP };
}

/** @param {Maps} maps @param {Theme} theme @returns {{ text: string, color?: string, marker?: Marker }[]} */
function legendParts(maps, theme) {
  const { legend, categories, colours, markers, low, high, ramp } = maps.head, shades = ramp[theme.dark ? "dark" : "light"];
  if (!legend) return [];
  const title = { text: `${legend}:` };
  if (categories.length) return [title, ...categories.map((text, i) => ({ text, color: colours[i], marker: markers[i] }))];
  return [title, { text: low, color: shades[0], marker: "circle" }, { text: high, color: shades[shades.length - 1], marker: "circle" }];
}

/** @param {Maps} maps */
export function savePng(maps) {
  maps.hover = -1;
  maps.drawAll();
  const theme = themeOf(maps.root), { places, width, height } = sheet(maps), ratio = devicePixelRatio || 1;
  const canvas = element("canvas", "", "", { width: String(width * ratio), height: String(height * ratio) }), pen = context(canvas);
  pen.scale(ratio, ratio);
  pen.fillStyle = theme.paper;
  pen.fillRect(0, 0, width, height);
  pen.strokeStyle = GREY;
  for (const { p, left, stage } of places) {
    pen.font = `600 16px ${theme.font}`;
    pen.fillStyle = stage.color;
    pen.fillText(stage.glyph, left, 20);
    pen.fillStyle = theme.ink;
    pen.fillText(stage.label, left + 20, 20);
    pen.strokeRect(left, HEADING, p.dots.w, p.dots.h);
    for (const layer of [p.dots.canvas, p.over]) pen.drawImage(layer, left, HEADING, p.dots.w, p.dots.h);
  }
  pen.font = `13px ${theme.font}`;
  let x = GAP;
  const y = height - LEGEND / 2;
  for (const { text, color, marker } of legendParts(maps, theme)) {
    if (color && marker) {
      pen.save();
      pen.translate(x + 6, y - 4);
      drawMark(pen, marker, 5, color);
      pen.restore();
      x += 16;
    }
    pen.fillStyle = theme.ink;
    pen.fillText(text, x, y);
    x += pen.measureText(text).width + 12;
  }
  canvas.toBlob((blob) => { if (blob) save(blob, `${maps.head.file}.png`); }, "image/png");
}

/** @param {Maps} maps */
export function saveSvg(maps) {
  const theme = themeOf(maps.root), { places, width, height } = sheet(maps), size = `width="${width}" height="${height}"`;
  const out = [`<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="${theme.ink}">`,
    `<rect ${size} fill="${theme.paper}"/>`];
  for (const { p, left, stage } of places) {
    const frame = `x="${left}" y="${HEADING}" width="${p.dots.w}" height="${p.dots.h}"`, title = `<tspan fill="${stage.color}">${stage.glyph}</tspan> ${escaped(stage.label)}`;
    out.push(`<text x="${left}" y="20" font-size="16" font-weight="600">${title}</text>`);
    out.push(`<svg ${frame} overflow="hidden">`, ...dotPaths(maps, p, theme), ...chosenShapes(maps, p, theme), "</svg>");
    out.push(`<rect ${frame} fill="none" stroke="${GREY}"/>`);
  }
  let x = GAP;
  for (const { text, color, marker } of legendParts(maps, theme)) {
    if (color && marker) {
      out.push(`<path d="${mark(marker, x + 6, height - 18, 5)}" fill="${color}"/>`);
      x += 16;
    }
    out.push(`<text x="${x}" y="${height - 14}">${escaped(text)}</text>`);
    x += text.length * 7 + 14;
  }
  save(new Blob([[...out, "</svg>"].join("\n")], { type: "image/svg+xml" }), `${maps.head.file}.svg`);
}

/** One path a colour, faint ones first. @param {Maps} maps @param {MapPanel} p @param {Theme} theme */
function dotPaths(maps, p, theme) {
  const palette = paletteOf(maps.head, theme.dark), stage = maps.stageOf(p), codes = maps.codes[stage], xy = maps.positions(p), shown = maps.shown(p);
  const { n, selection: { chosen, count } } = maps, radius = n <= 2500 ? 3 : n <= MANY ? 2.2 : 1;
  const paths = { 0.25: /** @type {Record<string, string>} */ ({}), 0.8: /** @type {Record<string, string>} */ ({}) };
  for (const i of maps.order[stage]) {
    const [x, y] = p.dots.project(xy, i), code = codes[i], unchosen = count > 0 && !chosen[i], grey = code === UNKNOWN || unchosen;
    if (x < -9 || y < -9 || x > p.dots.w + 9 || y > p.dots.h + 9) continue;
    const marker = (!grey && n <= MANY && palette.markers?.[code]) || "circle", colour = grey ? GREY : palette.colours[code];
    const list = paths[unchosen || (shown && !shown(i)) ? 0.25 : 0.8];
    list[colour] = (list[colour] ?? "") + mark(marker, x, y, radius * (grey ? 1 : sizeOf(palette, code)));
  }
  return Object.entries(paths).flatMap(([alpha, list]) => Object.entries(list).map(([colour, d]) => `<path d="${d}" fill="${colour}" fill-opacity="${alpha}"/>`));
}

/** The item and its neighbours. @param {Maps} maps @param {MapPanel} p @param {Theme} theme */
function chosenShapes(maps, p, { ink, paper }) {
  const chosen = chosenOn(maps, p);
  if (!chosen) return [];
  const [x, y] = chosen.at, [anchor, dx] = x > p.dots.w / 2 ? ["end", -12] : ["start", 12];
  return [
    ...chosen.near.map(({ kept, at: [u, v] }) => `<path d="M${x} ${y}L${u} ${v}" stroke="${ink}" stroke-opacity=".45"/>`
      + `<circle cx="${u}" cy="${v}" r="4.5" stroke="${ink}" stroke-width="1.8" fill="${kept ? ink : "none"}"/>`),
    `<circle cx="${x}" cy="${y}" r="7" stroke="${paper}" stroke-width="2"/>`,
    `<text x="${x + dx}" y="${y - 8}" text-anchor="${anchor}" font-weight="600" stroke="${paper}" stroke-width="4" paint-order="stroke">${escaped(chosen.title)}</text>`,
  ];
}
