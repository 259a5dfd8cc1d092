// Selecting in the maps: what a drag means, lasso and box, fingers and wheel, and which points are selected. All of it in the browser;
// Python is told on release, by one bit a point.

// A polygon's sides by horizontal band, so that a point is held against the few sides at its height: pairs of corners for each band.
function bands(py) {
  const y0 = py.reduce((a, b) => Math.min(a, b)), y1 = py.reduce((a, b) => Math.max(a, b)), count = Math.min(256, py.length);
  const height = (y1 - y0) / count || 1, sides = Array.from({ length: count + 1 }, () => []);
  for (let a = 0, b = py.length - 1; a < py.length; b = a++) {
    const last = Math.floor((Math.max(py[a], py[b]) - y0) / height);
    for (let band = Math.floor((Math.min(py[a], py[b]) - y0) / height); band <= last; band++) sides[band].push(a, b);
  }
  return { y0, y1, height, sides };
}

class Selector extends Painter {
  constructor() {
    super();
    this.mode = "move"; this.how = "new";
    this.gesture = null; this.fingers = new Map(); this.sentAt = 0;
  }

  reset(n) {
    this.selected = new Uint8Array(n); this.count = 0;
    this.back = new Uint32Array(n); this.front = new Uint32Array(n);
  }

  // -- what is selected -----------------------------------------------------------------------------------------

  select(inside, how) {  // inside: 0 or 1 for each point; how: new, add or remove
    const s = this.selected;
    for (let i = 0; i < s.length; i++) s[i] = how === "new" ? inside[i] : how === "add" ? s[i] | inside[i] : s[i] & ~inside[i];
    this.changed();
    const bits = this.sent = this.packed();
    this.sentAt = performance.now();
    requestAnimationFrame(() => setTimeout(() => this.commit("select", { bits })));  // first what is seen, then what the server is told
  }

  clear() { if (this.count) this.select(new Uint8Array(this.n), "new"); }

  toggle(i, how) {
    const one = new Uint8Array(this.n);
    one[i] = 1;
    this.select(one, how || (this.selected[i] ? "remove" : "add"));
  }

  changed() {
    this.count = 0;
    for (let i = 0; i < this.n; i++) this.count += this.selected[i];
    this.root.dataset.selected = this.count;
    this.counter.textContent = this.count ? `${this.count.toLocaleString("en")} selected` : "";
    this.clearing.hidden = !this.count;
    this.live.textContent = this.count ? `${this.count} items selected` : "Nothing selected";
    this.drawAll();
  }

  packed() {  // base64 of the bits, the first point lowest; "" if nothing is selected
    if (!this.count) return "";
    const bytes = new Uint8Array(Math.ceil(this.n / 8));
    for (let i = 0; i < this.n; i++) bytes[i >> 3] |= this.selected[i] << (i & 7);
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
  }

  adopt(bits) {  // what the address says, unless it is only behind what was just selected here
    if (bits === this.sent) { this.sentAt = 0; return; }
    if (this.sentAt && performance.now() - this.sentAt < 5000) return;
    const bytes = atob(bits);
    for (let i = 0; i < this.n; i++) this.selected[i] = bytes.charCodeAt(i >> 3) >> (i & 7) & 1;
    this.sent = bits;
    this.changed();
  }

  // -- regions --------------------------------------------------------------------------------------------------

  outline(g) {  // corners in the panel's pixels
    if (g.kind === "lasso") return g.path;
    const [[x, y], [u, v]] = [g.path[0], g.path[g.path.length - 1]];
    return [[x, y], [u, y], [u, v], [x, v]];
  }

  within(p, corners) {  // 1 for each point inside a polygon, by the even-odd rule
    const s = this.scaleOf(p), xy = this.positions(p), inside = new Uint8Array(this.n), { only } = this, codes = this.codes[this.stageOf(p)];
    const px = Float64Array.from(corners, ([x]) => (x - p.w / 2) / s + this.box.x + this.zoom.x);
    const py = Float64Array.from(corners, ([, y]) => (p.h / 2 - y) / s + this.box.y + this.zoom.y);
    const x0 = px.reduce((a, b) => Math.min(a, b)), x1 = px.reduce((a, b) => Math.max(a, b));
    const { y0, y1, height, sides } = bands(py);
    for (let i = 0; i < this.n; i++) {
      const x = xy[2 * i], y = xy[2 * i + 1];
      if (x < x0 || x > x1 || y < y0 || y > y1 || (only !== null && codes[i] !== only)) continue;
      const near = sides[Math.floor((y - y0) / height)];
      let odd = 0;
      for (let k = 0; k < near.length; k += 2) {
        const a = near[k], b = near[k + 1];
        if (py[a] > y !== py[b] > y && x < (px[b] - px[a]) * (y - py[a]) / (py[b] - py[a]) + px[a]) odd ^= 1;
      }
      inside[i] = odd;
    }
    return inside;
  }

  // -- pointer and fingers --------------------------------------------------------------------------------------

  listen(p) {
    const o = p.over;
    o.onpointerdown = (e) => this.down(p, e);
    o.onpointermove = (e) => this.moved(p, e);
    o.onpointerup = (e) => this.up(p, e);
    o.onpointercancel = (e) => { this.fingers.delete(e.pointerId); this.gesture = null; this.drawOver(p); };
    o.onpointerleave = () => { if (!this.gesture) this.hovered(-1); };
    o.ondblclick = () => this.everything();
    o.oncontextmenu = (e) => { if (this.mode !== "move") e.preventDefault(); };  // a long press begins a region
    o.addEventListener("wheel", (e) => {  // over a map that has not been clicked, the plain wheel scrolls the page
      if (!e.ctrlKey && !e.metaKey && !o.matches(":focus")) return;
      e.preventDefault();
      this.zoomBy(Math.exp(-e.deltaY * (e.deltaMode ? 16 : 1) / 300), p, e.offsetX, e.offsetY);
    }, { passive: false });
  }

  down(p, e) {
    if (e.button) return;
    this.fingers.set(e.pointerId, [e.offsetX, e.offsetY]);
    p.over.setPointerCapture(e.pointerId);
    p.over.focus({ preventScroll: true });
    if (this.fingers.size === 2) { this.gesture = { kind: "pinch", panel: p, ...this.pinch() }; this.drawOver(p); return; }
    const path = this.mode === "move" ? null : [[e.offsetX, e.offsetY]];
    this.gesture = { kind: this.mode, panel: p, at: [e.offsetX, e.offsetY], path, moved: false };
  }

  pinch() {
    const [[a, b], [c, d]] = [...this.fingers.values()];
    return { apart: Math.max(10, Math.hypot(a - c, b - d)), at: [(a + c) / 2, (b + d) / 2] };
  }

  moved(p, e) {
    const g = this.gesture, here = [e.offsetX, e.offsetY];
    if (!g) { if (!this.fingers.size) this.hovered(this.rowOf(this.find(p, ...here))); return; }
    if (this.fingers.has(e.pointerId)) this.fingers.set(e.pointerId, here);
    if (g.kind === "pinch") {
      if (this.fingers.size < 2) return;
      const now = this.pinch();
      this.pan(p, now.at[0] - g.at[0], now.at[1] - g.at[1]);
      this.zoomBy(now.apart / g.apart, p, ...now.at);
      Object.assign(g, now);
      return;
    }
    if (!g.moved && Math.hypot(here[0] - g.at[0], here[1] - g.at[1]) < 4) return;
    if (!g.moved) { g.moved = true; this.hovered(-1); }
    if (g.kind === "move") { this.pan(p, here[0] - g.at[0], here[1] - g.at[1]); g.at = here; return; }
    const last = g.path[g.path.length - 1];
    if (g.kind === "box" || Math.hypot(here[0] - last[0], here[1] - last[1]) >= 2) g.path[g.kind === "box" ? 1 : g.path.length] = here;
    this.drawOver(p);
  }

  up(p, e) {
    this.fingers.delete(e.pointerId);
    const g = this.gesture;
    if (!g || g.kind === "pinch") { if (!this.fingers.size) this.gesture = null; return; }
    this.gesture = null;
    const how = e.shiftKey ? "add" : e.altKey ? "remove" : this.how;
    if (g.moved && g.path) { this.select(this.within(p, this.outline(g)), how); return; }
    if (g.moved) return;
    const i = this.find(p, e.offsetX, e.offsetY);
    if (i >= 0 && how !== "new") this.toggle(i, how); else this.pick(i);
  }

  pan(p, dx, dy) {
    const s = this.scaleOf(p);
    this.zoom.x -= dx / s; this.zoom.y += dy / s;
    this.drawAll();
  }

  zoomBy(factor, p, mx, my) {
    const k = Math.min(60, Math.max(1, this.zoom.k * factor));
    if (p) {  // what is under the pointer stays there
      const s = this.scaleOf(p), grow = 1 - this.zoom.k / k;
      this.zoom.x += (mx - p.w / 2) / s * grow; this.zoom.y -= (my - p.h / 2) / s * grow;
    }
    this.zoom.k = k;
    if (k === 1 && !this.gesture) this.zoom = { k: 1, x: 0, y: 0 };
    this.touch();
    this.drawAll();
  }

  everything() { this.zoom = { k: 1, x: 0, y: 0 }; this.touch(); this.drawAll(); }

  touch() {  // one finger scrolls the page unless it draws a region or moves a map that is zoomed
    const own = this.mode !== "move" || this.zoom.k > 1;
    for (const p of this.panels) p.over.style.touchAction = own ? "none" : "pan-y";
  }

  // -- keys -----------------------------------------------------------------------------------------------------

  keys(p, e) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    const item = this.index(this.look.item);
    const act = {
      "+": () => this.zoomBy(1.5), "-": () => this.zoomBy(1 / 1.5), 0: () => this.everything(),
      " ": () => { if (item >= 0) this.toggle(item); },
      v: () => this.select(this.within(p, [[0, 0], [p.w, 0], [p.w, p.h], [0, p.h]]), "new"),
      m: () => this.setMode("move"), b: () => this.setMode("box"), l: () => this.setMode("lasso"),
      Escape: () => { if (this.gesture) { this.gesture = null; this.drawOver(p); } else this.clear(); },
    }[e.key];
    if ((!act && !way) || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    if (act) { act(); return; }
    if (e.shiftKey) { this.pan(p, -60 * way[0], -60 * way[1]); return; }
    if (item < 0) return;
    const xy = this.positions(p), [ax, ay] = this.project(p, xy, item);
    let best = -1, least = Infinity;
    for (let i = 0; i < this.n; i++) {
      if (i === item) continue;
      const [x, y] = this.project(p, xy, i), along = (x - ax) * way[0] + (y - ay) * way[1];
      const across = Math.abs((x - ax) * way[1]) + Math.abs((y - ay) * way[0]);
      const cost = along + 2 * across;
      if (along > 0 && across <= along && cost < least) { least = cost; best = i; }
    }
    this.pick(best);
  }
}
