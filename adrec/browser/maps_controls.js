/* The elements of the item maps: the legend, the tools, and a panel for each stage. */

import { context, element } from "./dom.js";
import { savePng, saveSvg } from "./maps_export.js";
import { drawMark } from "./scatter.js";

/** @import { Maps } from "./maps.js" */
/** @import { How } from "./selection.js" */
/** @import { Stage } from "./types" */

const MODES = {
  move: ["Move", "Drag to move the map, click to choose an item (M)"],
  box: ["Box", "Drag a box to select items in all maps (B)"],
  lasso: ["Lasso", "Draw around items to select them in all maps (L)"],
};
const HOWS = { new: "replaces", add: "adds", remove: "removes" };

/** Fill the maps' root; returns the elements that change. @param {Maps} maps */
export function buildControls(maps) {
  const bar = element("div", "bar"), grid = element("div", "grid"), live = element("div", "sr", "", { "aria-live": "polite" });
  const { list, ramp } = legend(maps), { toolbar, ...changing } = tools(maps);
  const panels = maps.head.stages.map((stage, index) => panel(maps, stage, index));
  bar.append(list, toolbar);
  grid.style.setProperty("--stages", String(panels.length));
  grid.append(...panels.map(({ section }) => section));
  maps.root.replaceChildren(bar, grid, live);
  return { ...changing, live, ramp, panels };
}

/** @param {Maps} maps */
function legend(maps) {
  const { categories, colours, markers, legend: title, low, high } = maps.head;
  const list = element("div", "legend", "", { role: "group", "aria-label": "Colours" }), ratio = devicePixelRatio || 1;
  if (!title) return { list, ramp: null };
  list.append(element("span", "title", `${title}:`));
  if (!categories.length) {
    const ramp = element("span", "ramp");
    list.append(low, ramp, high, element("span", "soft", "(larger dots: more)"));
    return { list, ramp };
  }
  const chips = categories.map((name, i) => {
    const chip = element("button", "chip", "", { type: "button", "aria-pressed": "false", title: `Show only ${name}` });
    const sign = element("canvas", "mark", "", { width: String(14 * ratio), height: String(14 * ratio) }), pen = context(sign);
    pen.scale(ratio, ratio);
    pen.translate(7, 7);
    drawMark(pen, markers[i], 4.6, colours[i]);
    chip.append(sign, name);
    chip.onclick = () => {
      maps.only = maps.only === i ? null : i;
      chips.forEach((other, j) => other.setAttribute("aria-pressed", String(maps.only === j)));
      maps.drawAll();
    };
    return chip;
  });
  list.append(...chips);
  return { list, ramp: null };
}

/** @param {Maps} maps */
function tools(maps) {
  const toolbar = element("div", "tools", "", { role: "toolbar", "aria-label": "Maps" }), counter = element("span", "counter");
  const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ act) => {
    const made = element("button", "tool", text, { type: "button", title, "aria-label": title });
    made.onclick = act;
    toolbar.append(made);
    return made;
  };
  toolbar.append(counter);
  const clearing = button("✕", "Clear the selection (Escape)", () => maps.clear());
  button("▶ Play", "Play the stages in order", () => maps.play()).classList.add("play");
  const modes = Object.entries(MODES).map(([mode, [text, title]]) => {
    const made = button(text, title, () => maps.setMode(mode));
    made.dataset.mode = mode;
    return made;
  });
  const hows = element("select", "tool how", "", { "aria-label": "Effect of a new region", title: "Shift adds, Alt removes" });
  hows.append(...Object.entries(HOWS).map(([how, text]) => element("option", "", text, { value: how })));
  hows.onchange = () => { maps.how = /** @type {How} */ (hows.value); };
  toolbar.append(hows);
  button("+", "Zoom in (+)", () => maps.zoomBy(1.5));
  button("−", "Zoom out (−)", () => maps.zoomBy(1 / 1.5));
  button("⟲", "Show everything (0, or double click)", () => maps.everything());
  button("PNG", "Save the maps as a PNG image", () => savePng(maps));
  button("SVG", "Save the maps as an SVG drawing", () => saveSvg(maps));
  return { toolbar, counter, clearing, modes, hows };
}

/** @param {Maps} maps @param {Stage} stage @param {number} index */
function panel(maps, stage, index) {
  const section = element("section", "panel"), plot = element("div", "plot"), base = element("canvas", "base"), tip = element("div", "tip");
  const over = element("canvas", "over", "", { tabindex: "0", role: "application", "aria-roledescription": "map" });
  const head = element("button", "head", "", { type: "button", title: "Show this stage as one large map" });
  const name = element("span", "name"), glyph = element("span", "glyph", stage.glyph);
  glyph.style.color = stage.color;
  name.append(glyph, ` ${stage.label}`);
  head.append(name, ...stage.lines.map(([words, hint]) => element("span", "line", words, { title: hint })));
  head.onclick = () => maps.choose(stage.key);
  tip.hidden = true;
  plot.append(base, over, tip);
  section.append(head, plot);
  return { stage: stage.key, index, section, head, base, over, tip };
}
