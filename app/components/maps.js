// Linked item maps on canvas: one a stage in a shared frame, or one that moves between the stages.
// data: 4 bytes header length, header (JSON), per stage V * 2 float32, then if the header says so the V item rows (int32) of a sample and
// per stage V values (float32), then V bytes of group codes, once or per stage.
// What changes often (item, neighbours, view, stage) comes from neighbours.js through the window's "item-maps" event.

class Maps extends Selector {
  constructor(root) {
    super();
    this.root = root;
    this.look = { item: -1, neighbours: {}, view: "side", stage: "" };
    this.hover = -1; this.only = null; this.zoom = { k: 1, x: 0, y: 0 };
    this.onLook = (e) => this.take(e.detail);
    this.onHover = (e) => { this.hover = e.detail; this.panels.forEach((p) => this.drawOver(p)); };
    this.observer = new ResizeObserver(() => this.resize());
    root.addEventListener("transitionend", () => this.drawAll());  // the theme's colour changed
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
    cancelAnimationFrame(this.frame); clearTimeout(this.playing);
  }

  load(bytes) {
    const copy = bytes.slice().buffer, size = new DataView(copy).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(copy, 4, size)));
    const n = head.titles.length;
    let at = 4 + size;
    const take = (type, count) => { const found = new type(copy, at, count); at += found.byteLength; return found; };
    const each = (make) => Object.fromEntries(head.stages.map((s) => [s.key, make()]));
    this.xy = each(() => take(Float32Array, n * 2));
    this.rows = head.sampled ? take(Int32Array, n) : null;
    this.values = head.values ? each(() => take(Float32Array, n)) : null;
    const once = head.per_stage ? null : take(Uint8Array, n);
    this.codes = each(() => once || take(Uint8Array, n));
    this.places = this.rows && new Map(Array.from(this.rows, (row, i) => [row, i]));
    const same = this.head && this.head.frame === head.frame, kept = this.n === n && this.head.run === head.run;
    this.head = head; this.n = n; this.only = null; this.grids = {};
    if (!same) this.zoom = { k: 1, x: 0, y: 0 };
    if (!kept) { this.reset(n); this.sent = ""; }
    if (!this.xy[this.look.stage]) this.look.stage = head.stages[head.stages.length - 1].key;
    this.from = this.to = this.look.stage; this.progress = 1;
    const shared = once && this.ordered(once);
    this.order = Object.fromEntries(head.stages.map((s) => [s.key, shared || this.ordered(this.codes[s.key])]));
    this.bounds();
    this.build();
    this.fit();
    if (window.itemMaps && window.itemMaps.run === head.run) this.take(window.itemMaps);
    this.changed();
  }

  ordered(codes) {  // drawing order: unknown and other lie below, rare groups and large numbers on top
    const rank = (c) => c === UNKNOWN || this.head.categories[c] === "other" ? 0 : c + 1, starts = new Uint32Array(257);
    for (const c of codes) starts[rank(c) + 1]++;
    for (let i = 1; i < 257; i++) starts[i] += starts[i - 1];
    const order = new Uint32Array(codes.length);
    codes.forEach((c, i) => { order[starts[rank(c)]++] = i; });
    return order;
  }

  index(row) {  // the point of an item, -1 if it is not on the map
    if (this.places) return this.places.get(row) ?? -1;
    return row >= 0 && row < this.n ? row : -1;
  }

  rowOf(i) { return i >= 0 && this.rows ? this.rows[i] : i; }

  word(p, i) {
    if (!this.values) return this.head.words[i] || this.head.categories[this.codes[this.stageOf(p)][i]] || "";
    const v = this.values[this.stageOf(p)][i];
    return Number.isFinite(v) ? `${this.head.unit} ${Number(v.toPrecision(3))}` : "unknown";
  }

  bounds() {
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const a of Object.values(this.xy)) for (let i = 0; i < a.length; i += 2) {
      if (a[i] < x0) x0 = a[i]; if (a[i] > x1) x1 = a[i];
      if (a[i + 1] < y0) y0 = a[i + 1]; if (a[i + 1] > y1) y1 = a[i + 1];
    }
    this.box = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, w: x1 - x0 || 1, h: y1 - y0 || 1 };
  }

  // -- elements -------------------------------------------------------------------------------------------------

  build() {
    const bar = element("div", "bar"), grid = element("div", "grid");
    this.grid = grid;
    this.legend(bar);
    this.tools(bar);
    this.live = element("div", "sr", "", { "aria-live": "polite" });
    this.panels = this.head.stages.map((stage, i) => this.panel(stage, i));
    grid.style.setProperty("--stages", this.head.stages.length);
    grid.append(...this.panels.map((p) => p.section));
    this.root.replaceChildren(bar, grid, this.live);
    this.setMode(this.mode);
  }

  legend(bar) {
    const { categories, colours, markers, ramp, legend } = this.head;
    const list = element("div", "legend", "", { role: "group", "aria-label": "Colours" });
    if (legend) list.append(element("span", "title", legend + ":"));
    this.chips = [];
    if (legend && categories.length) categories.forEach((name, i) => {
      const chip = element("button", "chip", "", { type: "button", "aria-pressed": "false", title: "Show only " + name });
      const mark = element("canvas", "mark"), px = devicePixelRatio || 1;
      mark.width = mark.height = 14 * px;
      const c = mark.getContext("2d");
      c.scale(px, px); c.translate(7, 7); c.fillStyle = colours[i]; c.beginPath(); shapes[markers[i]](c, 4.6); c.fill();
      chip.append(mark, name);
      chip.onclick = () => { this.only = this.only === i ? null : i; this.drawAll(); this.press(); };
      this.chips.push(chip); list.append(chip);
    });
    if (legend && !categories.length) {
      this.scale = element("span", "ramp");
      list.append(this.head.low, this.scale, this.head.high, element("span", "soft", "(larger dots: more)"));
    } else this.scale = null;
    bar.append(list);
  }

  press() { this.chips.forEach((chip, i) => chip.setAttribute("aria-pressed", String(this.only === i))); }

  tools(bar) {
    const tools = element("div", "tools", "", { role: "toolbar", "aria-label": "Maps" });
    const button = (text, title, act) => {
      const b = element("button", "tool", text, { type: "button", title, "aria-label": title });
      b.onclick = act; tools.append(b); return b;
    };
    this.counter = element("span", "counter");
    tools.append(this.counter);
    this.clearing = button("✕", "Clear the selection (Escape)", () => this.clear());
    this.play = button("▶ Play", "Play the stages in order", () => this.playAll());
    this.play.classList.add("play");
    this.modes = Object.entries(MODES).map(([mode, [text, title]]) => {
      const b = button(text, title, () => this.setMode(mode));
      b.dataset.mode = mode;
      return b;
    });
    this.hows = element("select", "tool how", "", { "aria-label": "What a new region does", title: "Shift adds, Alt removes" });
    for (const [how, text] of Object.entries(HOWS)) this.hows.append(element("option", "", text, { value: how }));
    this.hows.value = this.how;
    this.hows.onchange = () => { this.how = this.hows.value; };
    tools.append(this.hows);
    button("+", "Zoom in (+)", () => this.zoomBy(1.5));
    button("−", "Zoom out (−)", () => this.zoomBy(1 / 1.5));
    button("⟲", "Show everything (0, or double click)", () => this.everything());
    button("PNG", "Save the maps as a picture", () => savePng(this));
    button("SVG", "Save the maps as a drawing", () => saveSvg(this));
    bar.append(tools);
  }

  setMode(mode) {
    this.mode = mode;
    if (mode === "move") this.how = this.hows.value = "new";
    this.root.dataset.mode = mode;
    this.modes.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.mode === mode)));
    this.touch();
  }

  panel(stage, index) {
    const section = element("section", "panel");
    const head = element("button", "head", "", { type: "button", title: "Show this stage as one large map" });
    const name = element("span", "name");
    const glyph = element("span", "glyph", stage.glyph);
    glyph.style.color = stage.color;
    name.append(glyph, " " + stage.label);
    head.append(name, ...stage.lines.map(([words, hint]) => element("span", "line", words, { title: hint })));
    head.onclick = () => this.choose(stage.key);
    const plot = element("div", "plot"), base = element("canvas", "base");
    const over = element("canvas", "over", "", { tabindex: "0", role: "application", "aria-roledescription": "map" });
    const tip = element("div", "tip");
    plot.append(base, over, tip);
    section.append(head, plot);
    const p = { stage: stage.key, index, section, head, plot, base, over, tip };
    over.onkeydown = (e) => this.keys(p, e);
    this.listen(p);
    return p;
  }

  // -- state ----------------------------------------------------------------------------------------------------

  take(detail) {
    if (!this.head || detail.run !== this.head.run) return;
    const before = this.look;
    this.look = { ...detail, stage: this.xy[detail.stage] ? detail.stage : this.head.stages[this.head.stages.length - 1].key };
    if (before.stage !== this.look.stage && before.view === "one" && this.look.view === "one") this.move(this.look.stage);
    else if (before.view !== this.look.view || this.to !== this.look.stage) { this.from = this.to = this.look.stage; this.progress = 1; }
    if (this.fit() || before.view !== this.look.view || before.stage !== this.look.stage) this.drawAll();
    else this.visible().forEach((p) => this.drawOver(p));  // most runs of the server change no more than the item
    this.adopt(detail.selection || "");
  }

  choose(stage) {
    clearTimeout(this.playing);
    const view = this.look.view;
    this.look = { ...this.look, stage, view: "one" };
    if (view === "one") this.move(stage); else { this.from = this.to = stage; this.progress = 1; }
    this.fit();
    this.drawAll();
    this.commit("show", stage);
  }

  playAll() {
    clearTimeout(this.playing);
    const keys = this.head.stages.map((s) => s.key);
    const next = (i) => {
      this.look.stage = keys[i];
      this.move(keys[i]); this.marks();
      if (i + 1 < keys.length) this.playing = setTimeout(() => next(i + 1), i ? 1900 : 900);
      else this.commit("show", keys[i]);
    };
    next(0);
  }

  move(stage) {  // from where the points are now
    if (this.progress < 1) { this.held = this.current().slice(); this.from = null; } else this.from = this.to;
    this.to = stage;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || this.from === stage) { this.progress = 1; this.drawAll(); return; }
    const start = performance.now();
    cancelAnimationFrame(this.frame);
    const tick = (now) => {
      this.progress = Math.min(1, (now - start) / 1100);
      this.drawAll();
      if (this.progress < 1) this.frame = requestAnimationFrame(tick);
    };
    this.progress = 0; this.frame = requestAnimationFrame(tick);
  }

  current() {  // positions of the single map
    if (this.progress >= 1) return this.xy[this.to];
    const a = this.from ? this.xy[this.from] : this.held, b = this.xy[this.to], t = this.progress;
    const e = t * t * (3 - 2 * t), out = this.mix ||= new Float32Array(b.length);
    for (let i = 0; i < b.length; i++) out[i] = a[i] + (b[i] - a[i]) * e;
    return out;
  }

  positions(p) { return this.look.view === "one" ? this.current() : this.xy[p.stage]; }
  stageOf(p) { return this.look.view === "one" ? this.to : p.stage; }
  visible() { return this.look.view === "one" ? this.panels.slice(0, 1) : this.panels; }

  pick(i) {
    const row = this.rowOf(i);
    if (row < 0 || row === this.look.item) return;
    this.look = { ...this.look, item: row, neighbours: {} };
    this.marks();
    this.live.textContent = this.head.titles[i];
    this.panels.forEach((p) => this.drawOver(p));
    clearTimeout(this.later);
    this.later = setTimeout(() => this.commit("pick", row), 150);
  }

  hovered(row) {
    if (row !== this.hover) window.dispatchEvent(new CustomEvent("item-hover", { detail: row }));
  }

  // -- geometry -------------------------------------------------------------------------------------------------

  resize() { if (this.head && this.fit()) this.drawAll(); }

  fit() {  // the canvases take the size of their places: whether one has changed
    const one = this.look.view === "one";
    this.root.classList.toggle("one", one);
    const px = devicePixelRatio || 1;
    let changed = false;
    for (const p of this.panels) {
      const w = p.plot.clientWidth, h = p.plot.clientHeight;
      for (const canvas of [p.base, p.over]) if (canvas.width !== Math.round(w * px) || canvas.height !== Math.round(h * px)) {
        canvas.width = Math.round(w * px); canvas.height = Math.round(h * px);
        changed = true;
      }
      p.w = w; p.h = h;
    }
    this.marks();
    return changed;
  }

  marks() {
    Object.assign(this.root.dataset, { item: this.look.item, stage: this.look.stage });
    for (const p of this.panels) {
      const label = this.head.stages[p.index].label;
      p.head.setAttribute("aria-pressed", String(this.look.view === "one" && p.stage === this.look.stage));
      p.over.setAttribute("aria-label", `Map of ${this.n} items, ${this.look.view === "one" ? "all stages" : label}. Arrow keys go to the next item that way, Space selects it, V all in view, Escape clears.`);
    }
  }

  scaleOf(p) { return Math.min((p.w - 2 * PAD) / this.box.w, (p.h - 2 * PAD) / this.box.h) * this.zoom.k; }

  project(p, xy, i) {
    const s = this.scaleOf(p);
    return [p.w / 2 + (xy[2 * i] - this.box.x - this.zoom.x) * s, p.h / 2 - (xy[2 * i + 1] - this.box.y - this.zoom.y) * s];
  }

  cells(stage) {  // the points of each cell of a square grid, for finding what is near: starts by cell, then points
    if (this.grids[stage]) return this.grids[stage];
    const xy = this.xy[stage], side = Math.max(1, Math.ceil(Math.sqrt(this.n / 4))), cell = Math.max(this.box.w, this.box.h) / side;
    const x0 = this.box.x - this.box.w / 2, y0 = this.box.y - this.box.h / 2, starts = new Uint32Array(side * side + 1);
    const clip = (v) => Math.min(side - 1, Math.max(0, Math.floor(v / cell))), where = new Uint32Array(this.n);
    for (let i = 0; i < this.n; i++) starts[(where[i] = clip(xy[2 * i + 1] - y0) * side + clip(xy[2 * i] - x0)) + 1]++;
    for (let c = 0; c < side * side; c++) starts[c + 1] += starts[c];
    const next = starts.slice(), points = new Uint32Array(this.n);
    where.forEach((c, i) => { points[next[c]++] = i; });
    return this.grids[stage] = { side, x0, y0, starts, points, clip };
  }

  find(p, mx, my) {  // the nearest point within reach, -1 for none
    if (this.look.view === "one" && this.progress < 1) return -1;
    const stage = this.stageOf(p), xy = this.xy[stage], g = this.cells(stage), s = this.scaleOf(p), reach = REACH / s;
    const x = (mx - p.w / 2) / s + this.box.x + this.zoom.x, y = -(my - p.h / 2) / s + this.box.y + this.zoom.y;
    let best = -1, least = reach ** 2;
    for (let row = g.clip(y - reach - g.y0); row <= g.clip(y + reach - g.y0); row++) {
      const from = g.starts[row * g.side + g.clip(x - reach - g.x0)], to = g.starts[row * g.side + g.clip(x + reach - g.x0) + 1];
      for (let k = from; k < to; k++) {
        const i = g.points[k], dx = xy[2 * i] - x, dy = xy[2 * i + 1] - y, d = dx * dx + dy * dy;
        if (d < least && (this.only === null || this.codes[stage][i] === this.only)) { least = d; best = i; }
      }
    }
    return best;
  }
}

const MODES = {
  move: ["Move", "Drag moves the map, a click chooses an item (M)"],
  box: ["Box", "Drag a box to select items in all maps (B)"],
  lasso: ["Lasso", "Draw round items to select them in all maps (L)"],
};
const HOWS = { new: "replaces", add: "adds", remove: "removes" };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".maps");
  const maps = root.maps ||= new Maps(root);
  maps.commit = setTriggerValue;
  maps.close(); maps.open();
  if (maps.data !== data) { maps.data = data; maps.load(data); }
  return () => maps.close();
}
