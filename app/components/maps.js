// Linked item maps on canvas: one a stage in a shared frame, or one that moves between the stages.
// data: 4 bytes header length, header (JSON), then per stage V * 2 float32, then V bytes of group codes.
// What changes often (item, neighbours, view, stage) comes from neighbours.js through the window's "item-maps" event.

class Maps extends Painter {
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
    this.xy = {};
    for (const s of head.stages) { this.xy[s.key] = new Float32Array(copy, at, n * 2); at += n * 8; }
    this.codes = new Uint8Array(copy, at, n);
    const same = this.head && this.head.frame === head.frame;
    this.head = head; this.n = n; this.only = null;
    if (!same) this.zoom = { k: 1, x: 0, y: 0 };
    if (!this.xy[this.look.stage]) this.look.stage = head.stages[head.stages.length - 1].key;
    this.from = this.to = this.look.stage; this.progress = 1;
    this.order = Array.from({ length: n }, (_, i) => i).sort((a, b) => this.rank(a) - this.rank(b));
    this.bounds();
    this.build();
    if (window.itemMaps && window.itemMaps.run === head.run) this.take(window.itemMaps); else this.resize();
  }

  rank(i) {  // drawing order: unknown and other lie below, rare groups and large numbers on top
    const c = this.codes[i];
    return c === UNKNOWN || this.head.categories[c] === "other" ? -1 : c;
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
    const tools = element("div", "tools");
    const button = (text, title, act) => {
      const b = element("button", "tool", text, { type: "button", title, "aria-label": title });
      b.onclick = act; tools.append(b); return b;
    };
    this.play = button("▶ Play", "Play the stages in order", () => this.playAll());
    this.play.classList.add("play");
    button("+", "Zoom in", () => this.zoomBy(1.5));
    button("−", "Zoom out", () => this.zoomBy(1 / 1.5));
    button("⟲", "Show everything", () => { this.zoom = { k: 1, x: 0, y: 0 }; this.drawAll(); });
    bar.append(tools);
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
    over.onpointermove = (e) => this.point(p, e);
    over.onpointerleave = () => { if (!this.drag) this.hovered(-1); };
    over.onpointerdown = (e) => { this.drag = e.pointerType === "touch" ? null : { x: e.clientX, y: e.clientY, moved: false }; };
    over.onpointerup = () => { this.wasDrag = this.drag && this.drag.moved; this.drag = null; };
    over.onclick = (e) => { if (!this.wasDrag) this.pick(this.find(p, e.offsetX, e.offsetY)); this.wasDrag = false; };
    over.onkeydown = (e) => this.keys(p, e);
    over.addEventListener("wheel", (e) => {  // the plain wheel scrolls the page
      if (!e.ctrlKey && !e.metaKey) return;
      e.preventDefault(); this.zoomBy(Math.exp(-e.deltaY / 200), p, e.offsetX, e.offsetY);
    }, { passive: false });
    return p;
  }

  // -- state ----------------------------------------------------------------------------------------------------

  take(detail) {
    if (!this.head || detail.run !== this.head.run) return;
    const before = this.look;
    this.look = { ...detail, stage: this.xy[detail.stage] ? detail.stage : this.head.stages[this.head.stages.length - 1].key };
    if (before.stage !== this.look.stage && before.view === "one" && this.look.view === "one") this.move(this.look.stage);
    else if (before.view !== this.look.view || this.to !== this.look.stage) { this.from = this.to = this.look.stage; this.progress = 1; }
    this.resize();
  }

  choose(stage) {
    clearTimeout(this.playing);
    const view = this.look.view;
    this.look = { ...this.look, stage, view: "one" };
    if (view === "one") this.move(stage); else { this.from = this.to = stage; this.progress = 1; }
    this.resize();
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

  pick(row) {
    if (row < 0 || row === this.look.item) return;
    this.look = { ...this.look, item: row, neighbours: {} };
    this.marks();
    this.live.textContent = this.head.titles[row];
    this.panels.forEach((p) => this.drawOver(p));
    clearTimeout(this.later);
    this.later = setTimeout(() => this.commit("pick", row), 150);
  }

  hovered(row) {
    if (row !== this.hover) window.dispatchEvent(new CustomEvent("item-hover", { detail: row }));
  }

  // -- geometry -------------------------------------------------------------------------------------------------

  resize() {
    if (!this.head) return;
    const one = this.look.view === "one";
    this.root.classList.toggle("one", one);
    const px = devicePixelRatio || 1;
    for (const p of this.panels) {
      const w = p.plot.clientWidth, h = p.plot.clientHeight;
      for (const canvas of [p.base, p.over]) if (canvas.width !== Math.round(w * px) || canvas.height !== Math.round(h * px)) {
        canvas.width = Math.round(w * px); canvas.height = Math.round(h * px);
      }
      p.w = w; p.h = h;
    }
    this.marks();
    this.drawAll();
  }

  marks() {
    Object.assign(this.root.dataset, { item: this.look.item, stage: this.look.stage });
    for (const p of this.panels) {
      const label = this.head.stages[p.index].label;
      p.head.setAttribute("aria-pressed", String(this.look.view === "one" && p.stage === this.look.stage));
      p.over.setAttribute("aria-label", `Map of ${this.n} items, ${this.look.view === "one" ? "all stages" : label}. Arrow keys go to the next item that way.`);
    }
  }

  scaleOf(p) { return Math.min((p.w - 2 * PAD) / this.box.w, (p.h - 2 * PAD) / this.box.h) * this.zoom.k; }

  project(p, xy, i) {
    const s = this.scaleOf(p);
    return [p.w / 2 + (xy[2 * i] - this.box.x - this.zoom.x) * s, p.h / 2 - (xy[2 * i + 1] - this.box.y - this.zoom.y) * s];
  }

  find(p, mx, my) {
    const xy = this.positions(p), s = this.scaleOf(p);
    const x = (mx - p.w / 2) / s + this.box.x + this.zoom.x, y = -(my - p.h / 2) / s + this.box.y + this.zoom.y;
    let best = -1, least = (REACH / s) ** 2;
    for (let i = 0; i < this.n; i++) {
      const dx = xy[2 * i] - x, dy = xy[2 * i + 1] - y, d = dx * dx + dy * dy;
      if (d < least && (this.only === null || this.codes[i] === this.only)) { least = d; best = i; }
    }
    return best;
  }

  zoomBy(factor, p, mx, my) {
    const k = Math.min(60, Math.max(1, this.zoom.k * factor));
    if (p) {  // what is under the pointer stays there
      const s = this.scaleOf(p), grow = 1 - this.zoom.k / k;
      this.zoom.x += (mx - p.w / 2) / s * grow; this.zoom.y -= (my - p.h / 2) / s * grow;
    }
    this.zoom.k = k;
    if (k === 1) this.zoom = { k: 1, x: 0, y: 0 };
    this.drawAll();
  }

  point(p, e) {
    if (this.drag && e.buttons) {
      const dx = e.clientX - this.drag.x, dy = e.clientY - this.drag.y;
      if (this.drag.moved || Math.hypot(dx, dy) > 4) {
        const s = this.scaleOf(p);
        this.zoom.x -= dx / s; this.zoom.y += dy / s;
        this.drag = { x: e.clientX, y: e.clientY, moved: true };
        this.drawAll();
      }
      return;
    }
    this.hovered(this.find(p, e.offsetX, e.offsetY));
  }

  keys(p, e) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (e.key === "+" || e.key === "-") { this.zoomBy(e.key === "+" ? 1.5 : 1 / 1.5); return; }
    if (!way || this.look.item < 0) return;
    e.preventDefault();
    const xy = this.positions(p), [ax, ay] = this.project(p, xy, this.look.item);
    let best = -1, least = Infinity;
    for (let i = 0; i < this.n; i++) {
      if (i === this.look.item) continue;
      const [x, y] = this.project(p, xy, i), along = (x - ax) * way[0] + (y - ay) * way[1];
      const across = Math.abs((x - ax) * way[1]) + Math.abs((y - ay) * way[0]);
      const cost = along + 2 * across;
      if (along > 0 && across <= along && cost < least) { least = cost; best = i; }
    }
    this.pick(best);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".maps");
  const maps = root.maps ||= new Maps(root);
  maps.commit = setTriggerValue;
  maps.close(); maps.open();
  if (maps.data !== data) { maps.data = data; maps.load(data); }
  return () => maps.close();
}
