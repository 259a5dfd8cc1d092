/* Linked item maps: one a stage in a shared frame, or one that moves between the stages. What often changes (item, neighbours, view,
   stage) comes from neighbours.js through the window's "item-maps" event. */

import { find, resized, themeOf } from "./dom.js";
import { buildControls } from "./maps_controls.js";
import { drawBase, drawOver } from "./maps_draw.js";
import { listen } from "./maps_gestures.js";
import { Scatter, UNKNOWN, boxOf } from "./scatter.js";
import { clamp } from "./scales.js";
import { Selection } from "./selection.js";
import { blocks } from "./wire.js";

/** @import { Component, Look, MapsHead } from "./types" */
/** @import { View } from "./scatter.js" */
/** @import { How } from "./selection.js" */
/** @typedef {{ stage: string, index: number, head: HTMLElement, over: HTMLCanvasElement, tip: HTMLElement, dots: Scatter }} MapPanel over: the canvas above the dots */
/** @typedef {{ kind: string, panel: MapPanel, at: number[], path: number[][] | null, moved: boolean, apart: number }} Gesture */

const REACH = 14; // pixels
const MARGIN = 16;
const MOVE = 1100; // milliseconds from one stage to another
const LATE = 5000; // milliseconds during which an older selection in the URL is ignored

/** @param {Component<Uint8Array>} component */
export function mount({ data, parentElement, setTriggerValue }) {
  const root = /** @type {HTMLElement & { maps?: Maps }} */ (find(parentElement, ".maps")), maps = root.maps ??= new Maps(root);
  maps.commit = setTriggerValue;
  maps.open();
  if (maps.data !== data) maps.load(data);
  return () => maps.close();
}

export class Maps {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.n = 0;
    // until something is loaded
    this.head = /** @type {MapsHead} */ (/** @type {any} */ (null));
    this.controls = /** @type {ReturnType<typeof buildControls>} */ (/** @type {any} */ (null));
    /** @type {Look} */
    this.look = { run: "", item: -1, neighbours: {}, view: "side", stage: "" };
    this.hover = -1; // an item's row
    /** @type {number | null} the only category that is shown */
    this.only = null;
    this.mode = "move";
    /** @type {How} */
    this.how = "new";
    /** @type {View} */
    this.view = { box: { x: 0, y: 0, w: 1, h: 1 }, zoom: { k: 1, x: 0, y: 0 } };
    this.selection = new Selection(0);
    this.sent = ""; // the selection that was sent to the server, and when
    this.sentAt = 0;
    /** @type {MapPanel[]} */
    this.panels = [];
    /** @type {Record<string, Float32Array>} positions by stage */
    this.xy = {};
    /** @type {Record<string, Uint8Array>} */
    this.codes = {};
    /** @type {Record<string, Uint32Array>} */
    this.order = {};
    /** @type {Gesture | null} */
    this.gesture = null;
    /** @type {Map<number, number[]>} */
    this.fingers = new Map();
    this.from = new Float32Array(0); // a single map moves from these positions to those of the stage ``to``
    this.to = "";
    this.progress = 1;
    this.frame = this.playing = this.later = 0;
    /** @type {Component<unknown>["setTriggerValue"]} */
    this.commit = () => {};
    this.onLook = (/** @type {any} */ event) => this.take(event.detail);
    this.onHover = (/** @type {any} */ event) => { this.hover = event.detail; this.panels.forEach((p) => drawOver(this, p)); };
    this.observer = new ResizeObserver(() => { if (this.fit()) this.drawAll(); });
    root.addEventListener("transitionend", () => this.drawAll()); // the theme's colour changed
  }

  open() {
    window.addEventListener("item-maps", this.onLook);
    window.addEventListener("item-hover", this.onHover);
    this.observer.observe(this.root);
  }

  close() {
    window.removeEventListener("item-maps", this.onLook);
    window.removeEventListener("item-hover", this.onHover);
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.playing);
  }

  /** @param {Uint8Array} data */
  load(data) {
    /** @type {MapsHead} */
    const head = blocks(data)[0], n = head.titles.length, before = this.head;
    /** @type {(name: string) => Record<string, any>} the arrays of a kind by stage */
    const each = (name) => Object.fromEntries(head.stages.map(({ key }) => [key, head[`${name} ${key}`] ?? head[name]]));
    const moved = before?.frame !== head.frame, other = this.n !== n || before?.run !== head.run;
    this.data = data;
    this.head = head;
    this.n = n;
    this.only = null;
    this.xy = each("xy");
    this.codes = each("codes");
    this.values = /** @type {Record<string, Float32Array | undefined>} */ (each("values"));
    this.rows = /** @type {Int32Array | undefined} */ (head.rows);
    this.places = this.rows && new Map(Array.from(this.rows, (row, i) => [row, i]));
    this.view.box = boxOf(Object.values(this.xy));
    if (moved) this.view.zoom = { k: 1, x: 0, y: 0 };
    if (other) {
      this.selection = new Selection(n);
      this.sent = "";
    }
    this.look.stage = this.known(this.look.stage);
    this.stay(this.look.stage);
    const otherCode = head.categories.indexOf("other");
    this.order = Object.fromEntries(Object.entries(this.codes).map(([key, codes]) => [key, drawingOrder(codes, otherCode)]));
    this.controls = buildControls(this);
    this.panels = this.controls.panels.map(({ base, ...panel }) => ({ ...panel, dots: new Scatter(base, this.view, MARGIN) }));
    this.panels.forEach((panel) => listen(this, panel));
    this.setMode(this.mode);
    this.fit();
    const { itemMaps } = /** @type {{ itemMaps?: Look }} */ (window);
    if (itemMaps?.run === head.run) this.take(itemMaps);
    this.changed();
  }

  // -- what is known of items and stages ------------------------------------------------------------------------

  /** A stage of these maps, or the last one. @param {string} stage */
  known(stage) {
    return this.xy[stage] ? stage : this.head.stages[this.head.stages.length - 1].key;
  }

  /** The dot of an item, -1 if it is not on the map. @param {number} row */
  index(row) {
    return this.places ? (this.places.get(row) ?? -1) : row >= 0 && row < this.n ? row : -1;
  }

  /** @param {number} i */
  rowOf(i) {
    return i >= 0 && this.rows ? this.rows[i] : i;
  }

  /** What an item's colour means, in words. @param {MapPanel} p @param {number} i */
  word(p, i) {
    const stage = this.stageOf(p), values = this.values?.[stage], { words, categories, unit } = this.head;
    if (!values) return words[i] || categories[this.codes[stage][i]] || "";
    return Number.isFinite(values[i]) ? `${unit} ${Number(values[i].toPrecision(3))}` : "unknown";
  }

  get one() {
    return this.look.view === "one";
  }

  get visible() {
    return this.one ? this.panels.slice(0, 1) : this.panels;
  }

  /** @param {MapPanel} p */
  stageOf(p) {
    return this.one ? this.to : p.stage;
  }

  /** @param {MapPanel} p */
  positions(p) {
    return this.one ? this.current() : this.xy[p.stage];
  }

  /** The positions of the single map now. */
  current() {
    const { from, progress } = this, to = this.xy[this.to], eased = progress * progress * (3 - 2 * progress);
    return progress < 1 ? to.map((end, i) => from[i] + (end - from[i]) * eased) : to;
  }

  // -- what changes ---------------------------------------------------------------------------------------------

  /** @param {Look} look */
  take(look) {
    if (!this.head || look.run !== this.head.run) return;
    const before = this.look, stage = this.known(look.stage), turned = before.view !== look.view || before.stage !== stage;
    this.look = { ...look, stage };
    if (before.stage !== stage && before.view === "one" && this.one) this.move(stage);
    else if (before.view !== look.view || this.to !== stage) this.stay(stage);
    if (this.fit() || turned) this.drawAll();
    else this.visible.forEach((p) => drawOver(this, p)); // usually only the item changes
    this.adopt(look.selection || "");
  }

  /** Show a stage as one large map. @param {string} stage */
  choose(stage) {
    clearTimeout(this.playing);
    const was = this.one;
    this.look = { ...this.look, stage, view: "one" };
    if (was) this.move(stage); else this.stay(stage);
    this.fit();
    this.drawAll();
    this.commit("show", stage);
  }

  play() {
    clearTimeout(this.playing);
    const keys = this.head.stages.map((s) => s.key);
    const next = (/** @type {number} */ i) => {
      this.look.stage = keys[i];
      this.move(keys[i]);
      this.label();
      if (i + 1 < keys.length) this.playing = window.setTimeout(next, i ? 1900 : 900, i + 1);
      else this.commit("show", keys[i]);
    };
    next(0);
  }

  /** @param {string} stage */
  stay(stage) {
    this.to = stage;
    this.progress = 1;
  }

  /** Go to a stage from where the dots are now. @param {string} stage */
  move(stage) {
    const { progress, to } = this;
    this.from = this.current().slice();
    this.stay(stage);
    cancelAnimationFrame(this.frame);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || (progress === 1 && to === stage)) {
      this.drawAll();
      return;
    }
    const start = performance.now();
    const tick = (/** @type {number} */ now) => {
      this.progress = clamp((now - start) / MOVE, 0, 1);
      this.drawAll();
      if (this.progress < 1) this.frame = requestAnimationFrame(tick);
    };
    this.progress = 0;
    this.frame = requestAnimationFrame(tick);
  }

  /** Choose a dot's item; the server is told once the keys rest. @param {number} i */
  pick(i) {
    const row = this.rowOf(i);
    if (row < 0 || row === this.look.item) return;
    this.look = { ...this.look, item: row, neighbours: {} };
    this.label();
    this.controls.live.textContent = this.head.titles[i];
    this.panels.forEach((p) => drawOver(this, p));
    clearTimeout(this.later);
    this.later = window.setTimeout(() => this.commit("pick", row), 150);
  }

  /** @param {number} row */
  hovered(row) {
    if (row !== this.hover) window.dispatchEvent(new CustomEvent("item-hover", { detail: row }));
  }

  /** @param {string} mode */
  setMode(mode) {
    const { hows, modes } = this.controls;
    this.mode = mode;
    if (mode === "move") this.how = "new";
    hows.value = this.how;
    this.root.dataset.mode = mode;
    modes.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.mode === mode)));
    this.touch();
  }

  // -- the selection --------------------------------------------------------------------------------------------

  /** @param {Uint8Array} inside 1 for each item of a region @param {How} how */
  select(inside, how) {
    this.selection.change(inside, how);
    this.changed();
    const bits = this.sent = this.selection.text;
    this.sentAt = performance.now();
    requestAnimationFrame(() => setTimeout(() => this.commit("select", { bits }))); // draw first, then tell the server
  }

  clear() {
    if (this.selection.count) this.select(new Uint8Array(this.n), "new");
  }

  /** @param {number} i @param {How} how */
  toggle(i, how = this.selection.chosen[i] ? "remove" : "add") {
    const one = new Uint8Array(this.n);
    one[i] = 1;
    this.select(one, how);
  }

  changed() {
    const { count } = this.selection, { counter, clearing, live } = this.controls;
    this.root.dataset.selected = String(count);
    counter.textContent = count ? `${count.toLocaleString("en")} selected` : "";
    clearing.hidden = !count;
    live.textContent = count ? `${count} items selected` : "Nothing selected";
    this.drawAll();
  }

  /** Adopt the selection in the URL, unless it only lags behind the one just made here. @param {string} text */
  adopt(text) {
    if (text === this.sent) {
      this.sentAt = 0;
      return;
    }
    if (this.sentAt && performance.now() - this.sentAt < LATE) return;
    this.selection.text = this.sent = text;
    this.changed();
  }

  /** 1 for each shown dot inside a polygon of a panel's pixels. @param {MapPanel} p @param {number[][]} corners */
  within(p, corners) {
    return p.dots.within(this.positions(p), corners, this.shown(p));
  }

  /** The dot under a pixel, -1 for none. @param {MapPanel} p @param {number} x @param {number} y */
  find(p, x, y) {
    return this.one && this.progress < 1 ? -1 : p.dots.nearest(this.positions(p), x, y, REACH, this.shown(p))[0];
  }

  /** Whether a dot is in the only category shown. @param {MapPanel} p @returns {((i: number) => boolean) | undefined} */
  shown(p) {
    const { only } = this, codes = this.codes[this.stageOf(p)];
    return only === null ? undefined : (i) => codes[i] === only;
  }

  // -- the view -------------------------------------------------------------------------------------------------

  drawAll() {
    if (!this.head) return;
    const theme = themeOf(this.root), { ramp } = this.controls;
    if (ramp) ramp.style.background = `linear-gradient(90deg, ${this.head.ramp[theme.dark ? "dark" : "light"].join(",")})`;
    for (const p of this.visible) {
      drawBase(this, p, theme);
      drawOver(this, p, theme);
    }
  }

  /** The canvases take the size at which they are shown; returns whether one has changed. */
  fit() {
    if (!this.head) return false;
    this.root.classList.toggle("one", this.one);
    this.label();
    return this.panels.map((p) => [p.dots.resize(), resized(p.over)].some(Boolean)).some(Boolean);
  }

  label() {
    const { one, look, head, n } = this;
    Object.assign(this.root.dataset, { item: look.item, stage: look.stage });
    for (const p of this.panels) {
      p.head.setAttribute("aria-pressed", String(one && p.stage === look.stage));
      p.over.setAttribute("aria-label", `Map of ${n} items, ${one ? "all stages" : head.stages[p.index].label}. Arrow keys move to the next item in that direction, Space selects it, V selects all items in view, Escape clears the selection.`);
    }
  }

  /** @param {MapPanel} p @param {number} dx @param {number} dy in pixels */
  pan({ dots }, dx, dy) {
    this.view.zoom.x -= dx / dots.scale;
    this.view.zoom.y += dy / dots.scale;
    this.drawAll();
  }

  /** Zoom; the point under a pixel of a panel stays there. @param {number} factor @param {MapPanel} [p] @param {number} x @param {number} y */
  zoomBy(factor, p, x = 0, y = 0) {
    const { zoom } = this.view, [u, v] = p ? p.dots.unproject(x, y) : [0, 0];
    zoom.k = clamp(zoom.k * factor, 1, 60);
    if (p) {
      const [u2, v2] = p.dots.unproject(x, y);
      zoom.x += u - u2;
      zoom.y += v - v2;
    }
    if (zoom.k === 1 && !this.gesture) Object.assign(zoom, { x: 0, y: 0 });
    this.touch();
    this.drawAll();
  }

  everything() {
    Object.assign(this.view.zoom, { k: 1, x: 0, y: 0 });
    this.touch();
    this.drawAll();
  }

  /** One finger scrolls the page unless it draws a region or moves a map that is zoomed. */
  touch() {
    const own = this.mode !== "move" || this.view.zoom.k > 1;
    for (const p of this.panels) p.over.style.touchAction = own ? "none" : "pan-y";
  }
}

/** The order in which dots are drawn: unknown ones and others below, rare groups and large numbers on top. @param {Uint8Array} codes @param {number} other */
export function drawingOrder(codes, other) {
  const buckets = /** @type {number[][]} */ (Array.from({ length: UNKNOWN + 1 }, () => []));
  codes.forEach((code, i) => buckets[code === UNKNOWN || code === other ? 0 : code + 1].push(i));
  return Uint32Array.from(buckets.flat());
}
