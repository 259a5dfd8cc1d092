/* What a frame looks like: the map on a canvas, the spectrum and the measures as SVG. film.js follows in the same module. */

const NS = "http://www.w3.org/2000/svg", UNKNOWN = 255, GREY = "#8A929B";

function svg(parent, tag, attributes) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent.append(node);
  return node;
}

function said(parent, text, attributes) { svg(parent, "text", attributes).textContent = text; }

const line = (points) => points.filter((p) => p.every(Number.isFinite)).map((p, i) => `${i ? "L" : "M"}${p[0].toFixed(1)} ${p[1].toFixed(1)}`).join("");

class Plane {
  constructor(figure, scene) {
    this.plane = figure.querySelector(".plane"); this.canvas = figure.querySelector("canvas"); this.tip = figure.querySelector(".tip");
    this.scene = scene; this.hover = -1;
    this.plane.onpointermove = (event) => this.point(event);
    this.plane.onpointerleave = () => { this.hover = -1; this.tip.hidden = true; this.draw(this.at); };
  }

  where(i, at) {
    /* The place of item i at a clock time between two frames. */
    const { n, frames, positions, box } = this.scene, a = Math.floor(at), b = Math.min(a + 1, frames.length - 1), f = at - a;
    const mix = (axis) => (positions[2 * (a * n + i) + axis] * (1 - f) + positions[2 * (b * n + i) + axis] * f) / 65535;
    return [this.x0 + this.k * mix(0) * (box[1] - box[0]), this.y0 - this.k * mix(1) * (box[3] - box[2])];
  }

  draw(at) {
    this.at = at;
    const { canvas, scene } = this, w = this.plane.clientWidth, h = this.plane.clientHeight, px = devicePixelRatio || 1;
    if (!w || at === undefined) return;
    if (canvas.width !== Math.round(w * px) || canvas.height !== Math.round(h * px)) { canvas.width = Math.round(w * px); canvas.height = Math.round(h * px); }
    const [left, right, low, high] = scene.box, style = getComputedStyle(this.plane), ink = style.color, paper = style.getPropertyValue("--paper");
    this.k = Math.min((w - 28) / (right - left), (h - 28) / (high - low));
    this.x0 = (w - this.k * (right - left)) / 2; this.y0 = (h + this.k * (high - low)) / 2;
    const pen = canvas.getContext("2d");
    pen.setTransform(px, 0, 0, px, 0, 0); pen.clearRect(0, 0, w, h); pen.globalAlpha = scene.n > 4000 ? 0.5 : 0.8;
    const r = scene.n > 4000 ? 1 : scene.n > 2000 ? 1.6 : 2.4, dark = Number((ink.match(/[\d.]+/) || [0])[0]) > 128;
    const colours = scene.categories.length ? scene.colours : scene.ramp[dark ? "dark" : "light"];
    for (const i of scene.order) {
      const [x, y] = this.where(i, at), code = scene.codes[i];
      pen.fillStyle = code === UNKNOWN ? GREY : colours[code];
      if (scene.n > 2000) pen.fillRect(x - r, y - r, 2 * r, 2 * r); else { pen.beginPath(); this.shape(pen, scene.markers[code], x, y, r); pen.fill(); }
    }
    pen.globalAlpha = 1;
    if (scene.item >= 0) this.trail(pen, at, ink, paper);
    if (this.hover >= 0) this.ring(pen, this.where(this.hover, at), 6, ink, paper);
  }

  shape(pen, marker, x, y, r) {
    if (marker === "square") pen.rect(x - r, y - r, 2 * r, 2 * r);
    else if (marker === "triangle-up") { pen.moveTo(x, y - 1.3 * r); pen.lineTo(x + 1.2 * r, y + r); pen.lineTo(x - 1.2 * r, y + r); }
    else if (marker === "diamond") { pen.moveTo(x, y - 1.4 * r); pen.lineTo(x + 1.4 * r, y); pen.lineTo(x, y + 1.4 * r); pen.lineTo(x - 1.4 * r, y); }
    else if (marker === "cross") { pen.rect(x - 1.3 * r, y - r / 2, 2.6 * r, r); pen.rect(x - r / 2, y - 1.3 * r, r, 2.6 * r); }
    else if (marker === "x") for (const a of [1, -1]) { pen.moveTo(x - 1.2 * r, y - a * r); pen.lineTo(x - 0.7 * r, y - a * 1.4 * r); pen.lineTo(x + 1.2 * r, y + a * r); pen.lineTo(x + 0.7 * r, y + a * 1.4 * r); }
    else if (marker === "star") this.corners(pen, 10, (i) => (i % 2 ? 0.6 : 1.5) * r, x, y);
    else if (marker === "hexagon") this.corners(pen, 6, () => 1.1 * r, x, y);
    else pen.arc(x, y, r, 0, 7);
  }

  corners(pen, n, radius, x, y) {
    for (let i = 0; i < n; i++) { const a = (2 * Math.PI * i) / n - Math.PI / 2; pen[i ? "lineTo" : "moveTo"](x + radius(i) * Math.cos(a), y + radius(i) * Math.sin(a)); }
  }

  trail(pen, at, ink, paper) {
    /* The way of the chosen item so far. */
    const { item, titles, frames } = this.scene;
    pen.strokeStyle = ink; pen.lineWidth = 1.4; pen.globalAlpha = 0.7; pen.beginPath();
    for (let f = 0; f <= Math.floor(at); f++) pen[f ? "lineTo" : "moveTo"](...this.where(item, f));
    const here = this.where(item, at);
    pen.lineTo(...here); pen.stroke(); pen.globalAlpha = 1;
    this.ring(pen, here, 6, ink, paper);
    pen.font = `600 13px ${getComputedStyle(this.plane).fontFamily}`; pen.lineWidth = 4; pen.strokeStyle = paper; pen.fillStyle = ink;
    const text = titles[item], w = pen.measureText(text).width, x = Math.min(Math.max(here[0] - w / 2, 4), this.plane.clientWidth - w - 4), y = here[1] < 26 ? here[1] + 24 : here[1] - 12;
    pen.strokeText(text, x, y); pen.fillText(text, x, y);
  }

  ring(pen, [x, y], r, ink, paper) {
    for (const [width, color] of [[5, paper], [2, ink]]) { pen.beginPath(); pen.arc(x, y, r, 0, 7); pen.lineWidth = width; pen.strokeStyle = color; pen.stroke(); }
  }

  point(event) {
    const frame = this.plane.getBoundingClientRect(), mx = event.clientX - frame.left, my = event.clientY - frame.top;
    let best = 150, found = -1;
    for (let i = 0; i < this.scene.n; i++) { const [x, y] = this.where(i, this.at), d = (x - mx) ** 2 + (y - my) ** 2; if (d < best) { best = d; found = i; } }
    if (found === this.hover) return;
    this.hover = found; this.tip.hidden = found < 0; this.draw(this.at);
    if (found < 0) return;
    const [x, y] = this.where(found, this.at), flip = x > frame.width / 2;
    this.tip.textContent = this.scene.titles[found];
    Object.assign(this.tip.style, { top: `${Math.min(y + 10, frame.height - 28)}px`, left: flip ? "" : `${x + 6}px`, right: flip ? `${frame.width - x + 6}px` : "" });
  }
}

class Curve {
  constructor(box, scene) { this.box = box; this.scene = scene; }

  layout() {
    const { box, scene } = this, w = box.clientWidth, h = box.clientHeight;
    if (!w) return;
    const { d, frames, values, random } = scene, positive = [...values, ...random].filter((v) => v > 0);
    const top = Math.log(Math.max(...positive)), low = Math.max(Math.log(Math.min(...positive)), top - Math.log(1000)), pad = { l: 40, r: 10, t: 12, b: 28 };
    this.x = (k) => pad.l + ((w - pad.l - pad.r) * k) / Math.max(d - 1, 1);
    this.y = (v) => pad.t + ((top - Math.log(v)) / (top - low || 1)) * (h - pad.t - pad.b);
    box.replaceChildren();
    const root = svg(box, "svg", { width: w, height: h, role: "img", "aria-label": "Singular values at this snapshot" });
    for (const tick of [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]) {
      if (Math.log(tick) > top || Math.log(tick) < low) continue;
      svg(root, "line", { class: "grid", x1: pad.l, x2: w - pad.r, y1: this.y(tick), y2: this.y(tick) });
      said(root, String(tick), { x: pad.l - 6, y: this.y(tick) + 4, "text-anchor": "end" });
    }
    said(root, "direction", { x: (w + pad.l) / 2, y: h - 8, "text-anchor": "middle" });
    said(root, "1", { x: pad.l, y: h - 8, "text-anchor": "middle" }); said(root, String(d), { x: w - pad.r, y: h - 8, "text-anchor": "end" });
    frames.forEach((frame, f) => svg(root, "path", { class: "past", stroke: frame.color, d: this.path(values.subarray(f * d, (f + 1) * d)) }));
    svg(root, "path", { class: "null", d: this.path(random) });
    this.now = svg(root, "path", { class: "now" });
  }

  path(values) { return line([...values].map((v, k) => [this.x(k), v > 0 ? this.y(v) : NaN])); }

  draw(at) {
    if (!this.now) return;
    const { d, frames, values } = this.scene, a = Math.floor(at), b = Math.min(a + 1, frames.length - 1), f = at - a;
    const mixed = Array.from({ length: d }, (_, k) => values[a * d + k] * (1 - f) + values[b * d + k] * f);
    this.now.setAttribute("d", this.path(mixed));
    this.now.setAttribute("stroke", frames[Math.round(at)].color);
  }
}

class Measure {
  constructor(parent, scene, spec, pick) {
    this.scene = scene; this.spec = spec;
    this.figure = document.createElement("figure");
    this.figure.innerHTML = "<figcaption><b></b><span></span></figcaption><div></div>";
    this.figure.querySelector("b").textContent = spec.name; this.figure.title = spec.meaning;
    this.box = this.figure.querySelector("div"); this.value = this.figure.querySelector("span");
    parent.append(this.figure);
    this.box.onpointerdown = (e) => { this.box.setPointerCapture(e.pointerId); pick(this.frame(e), false); };
    this.box.onpointermove = (e) => { if (this.box.hasPointerCapture(e.pointerId)) pick(this.frame(e), false); };
    this.box.onpointerup = (e) => pick(this.frame(e), true);
  }

  frame(event) { const { left, width } = this.box.getBoundingClientRect(), last = this.scene.frames.length - 1; return Math.max(0, Math.min(last, Math.round(((event.clientX - left - 4) / (width - 8)) * last))); }

  layout() {
    const w = this.box.clientWidth, h = 74, { frames } = this.scene, values = this.spec.values, last = frames.length - 1;
    if (!w) return;
    const known = values.filter((v) => v !== null), high = Math.max(...known), low = Math.min(...known), room = high - low || 1;
    this.x = (f) => 4 + ((w - 8) * f) / last;
    this.y = (v) => 8 + ((high - v) / room) * (h - 16);
    this.box.replaceChildren();
    const root = svg(this.box, "svg", { height: h, width: w, role: "img", "aria-label": `${this.spec.name} over the training` });
    frames.forEach((frame, f) => { if (f && frame.stage !== frames[f - 1].stage) svg(root, "line", { class: "edge", x1: this.x(f - 0.5), x2: this.x(f - 0.5), y1: 0, y2: h }); });
    let begin = 0;
    for (let f = 1; f <= frames.length; f++) {
      if (f < frames.length && frames[f].stage === frames[begin].stage) continue;
      const points = [];
      for (let g = begin; g < f; g++) if (values[g] !== null) points.push([this.x(g), this.y(values[g])]);
      const stroke = frames[begin].color;
      if (points.length > 1) svg(root, "path", { class: "now", stroke, d: line(points) });
      else for (const [cx, cy] of points) svg(root, "circle", { r: 2.5, fill: stroke, cx, cy });
      begin = f;
    }
    this.hair = svg(root, "line", { class: "hair", y1: 0, y2: h });
    this.dot = svg(root, "circle", { r: 4 });
  }

  draw(at) {
    if (!this.hair) return;
    const f = Math.round(at), value = this.spec.values[f];
    this.hair.setAttribute("x1", this.x(at)); this.hair.setAttribute("x2", this.x(at));
    this.dot.setAttribute("cx", this.x(f)); this.dot.setAttribute("cy", value === null ? -20 : this.y(value)); this.dot.setAttribute("fill", this.scene.frames[f].color);
    this.value.textContent = value === null ? "not measured" : this.spec.percent ? `${(100 * value).toFixed(this.spec.digits)} %` : value.toFixed(this.spec.digits);
  }
}
