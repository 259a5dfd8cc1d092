// How the maps are drawn; maps.js follows in the same module and says what is drawn.

const UNKNOWN = 255, PAD = 16, REACH = 14, GREY = "#8A929B";
const MANY = 6000;  // points in view from which they are plain dots
const shapes = {
  circle: (c, r) => c.arc(0, 0, r, 0, 7),
  square: (c, r) => c.rect(-r * .88, -r * .88, r * 1.76, r * 1.76),
  "triangle-up": (c, r) => polygon(c, r * 1.25, 3, -Math.PI / 2),
  diamond: (c, r) => polygon(c, r * 1.2, 4, -Math.PI / 2),
  cross: (c, r) => { c.rect(-r * 1.15, -r * .4, r * 2.3, r * .8); c.rect(-r * .4, -r * 1.15, r * .8, r * 2.3); },
  x: (c, r) => { c.rotate(Math.PI / 4); shapes.cross(c, r); c.rotate(-Math.PI / 4); },
  star: (c, r) => polygon(c, r * 1.35, 5, -Math.PI / 2, .45),
  hexagon: (c, r) => polygon(c, r * 1.05, 6, 0),
};

function polygon(c, r, corners, turn, inner) {
  const n = inner ? corners * 2 : corners;
  for (let i = 0; i < n; i++) {
    const a = turn + 2 * Math.PI * i / n, d = inner && i % 2 ? r * inner : r;
    c[i ? "lineTo" : "moveTo"](d * Math.cos(a), d * Math.sin(a));
  }
  c.closePath();
}

function element(tag, className, text, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  if (text) node.textContent = text;
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  return node;
}

function rgb(hex) {  // as the low three bytes of a pixel
  const v = parseInt(hex.slice(1), 16);
  return (v & 255) << 16 | (v & 0xff00) | v >> 16;
}

// Squares written pixel by pixel: tens of thousands in a few milliseconds. All numbers are 32-bit integers or plain doubles.
function dots({ width, height, data }, rows, count, xy, { s, x, y }, side, codes, inks, alpha) {
  const half = side / 2;
  for (let k = 0; k < count; k++) {
    const i = rows[k], left = Math.round(xy[2 * i] * s + x - half), top = Math.round(y - xy[2 * i + 1] * s - half), ink = inks[codes[i]];
    const right = Math.min(left + side, width), bottom = Math.min(top + side, height), start = Math.max(left, 0);
    for (let row = Math.max(top, 0); row < bottom; row++) for (let at = row * width + start, end = row * width + right; at < end; at++) {
      const sum = (data[at] >>> 24) + alpha;
      data[at] = ink | (sum > 255 ? 255 : sum) << 24;  // where points overlap it is denser, in the colour on top
    }
  }
}

class Painter {
  theme() {
    const style = getComputedStyle(this.root), get = (name) => style.getPropertyValue(name).trim();
    const ink = style.color, paper = get("--st-background-color") || "#fff";
    const [r, g, b] = (ink.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
    return { ink, paper, font: style.fontFamily, dark: r + g + b > 380 };
  }

  drawAll() {
    if (!this.head) return;
    const theme = this.shades = this.theme(), ramp = this.head.ramp[theme.dark ? "dark" : "light"];
    if (this.scale) this.scale.style.background = `linear-gradient(90deg, ${ramp.join(",")})`;
    for (const p of this.visible()) { this.drawBase(p, theme, ramp); this.drawOver(p, theme); }
  }

  sprites(radius, ramp, px) {
    const { categories, colours, markers } = this.head, count = categories.length || ramp.length;
    const make = (color, marker, r) => {
      const side = Math.ceil(r * 3 * px) + 2, c = document.createElement("canvas");
      c.width = c.height = side;
      const g = c.getContext("2d");
      g.translate(side / 2, side / 2); g.scale(px, px); g.fillStyle = color; g.beginPath(); shapes[marker](g, r); g.fill();
      return c;
    };
    const list = Array.from({ length: count }, (_, i) => categories.length
      ? make(colours[i], markers[i], radius) : make(ramp[i], "circle", radius * (.6 + .8 * i / count)));
    list[UNKNOWN] = make(GREY, "circle", radius * .6);
    return list;
  }

  drawBase(p, theme, ramp) {
    const px = devicePixelRatio || 1, c = p.base.getContext("2d"), xy = this.positions(p), s = this.scaleOf(p) * px;
    const place = { s, x: p.w * px / 2 - (this.box.x + this.zoom.x) * s, y: p.h * px / 2 + (this.box.y + this.zoom.y) * s };
    const { width, height } = p.base, { n, only, selected } = this, any = this.count > 0, codes = this.codes[this.stageOf(p)];
    const { back, front } = this, order = this.order[this.stageOf(p)];
    let nBack = 0, nFront = 0;
    for (let k = 0; k < n; k++) {  // what is not seen is not drawn; what is not meant lies below
      const i = order[k], x = xy[2 * i] * s + place.x, y = place.y - xy[2 * i + 1] * s;
      if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
      if ((any && !selected[i]) || (only !== null && codes[i] !== only)) back[nBack++] = i; else front[nFront++] = i;
    }
    const large = this.look.view === "one" ? 1.25 : 1, zoomed = Math.min(2, Math.sqrt(this.zoom.k));
    const rest = any ? .28 : .1;
    if (nBack + nFront > MANY) {
      const side = Math.max(1, Math.round(1.6 * px * large * zoomed)), grey = new Int32Array(256).fill(rgb(GREY)), inks = grey.slice();
      inks.set((this.head.categories.length ? this.head.colours : ramp).map(rgb));
      const image = p.image = p.image?.width === width && p.image.height === height ? p.image : c.createImageData(width, height);
      const pixels = { width, height, data: new Int32Array(image.data.buffer).fill(0) };
      dots(pixels, back, nBack, xy, place, side, codes, any ? grey : inks, Math.round(255 * rest));
      dots(pixels, front, nFront, xy, place, any || only !== null ? side + 1 : side, codes, inks, any ? 230 : 150);
      c.putImageData(image, 0, 0);
      return;
    }
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, width, height);
    const radius = (n <= 2500 ? 3 : 2.2) * large * zoomed, sprites = this.sprites(radius, ramp, px);
    for (const [rows, alpha, grey] of [[back.subarray(0, nBack), rest, any], [front.subarray(0, nFront), .8, false]]) {
      c.globalAlpha = alpha;
      for (const i of rows) {
        const image = grey ? sprites[UNKNOWN] : sprites[codes[i]];
        c.drawImage(image, xy[2 * i] * s + place.x - image.width / 2, place.y - xy[2 * i + 1] * s - image.height / 2);
      }
    }
    c.globalAlpha = 1;
  }

  drawOver(p, theme = this.shades ||= this.theme()) {
    const px = devicePixelRatio || 1, c = p.over.getContext("2d");
    c.setTransform(px, 0, 0, px, 0, 0);
    c.clearRect(0, 0, p.w, p.h);
    if (!this.visible().includes(p)) return;
    this.drawItem(c, p, theme);
    this.drawRegion(c, p, theme);
    const xy = this.positions(p), h = this.index(this.hover);
    if (h >= 0) {
      const [x, y] = this.project(p, xy, h);
      this.ring(c, x, y, 7, theme, false);
      p.tip.replaceChildren(element("b", "", this.head.titles[h]), element("span", "", this.word(p, h)));
      p.tip.style.display = "block";
      const flip = x > p.w * .6;
      p.tip.style.left = flip ? "" : `${x + 14}px`; p.tip.style.right = flip ? `${p.w - x + 14}px` : "";
      p.tip.style.top = `${Math.min(Math.max(y - 12, 2), p.h - 52)}px`;
      p.tip.style.maxWidth = `${Math.max(90, (flip ? x : p.w - x) - 22)}px`;
    } else p.tip.style.display = "none";
    p.over.style.cursor = this.mode !== "move" ? "crosshair" : h >= 0 ? "pointer" : this.zoom.k > 1 ? "grab" : "default";
  }

  drawItem(c, p, theme) {  // the chosen item, its neighbours and the lines to them
    const xy = this.positions(p), item = this.index(this.look.item);
    if (item < 0) return;
    const near = (this.look.neighbours[this.stageOf(p)] || []).map((nb) => ({ ...nb, at: this.index(nb.row) })).filter((nb) => nb.at >= 0);
    const [ax, ay] = this.project(p, xy, item);
    c.strokeStyle = c.fillStyle = theme.ink; c.font = `600 13px ${theme.font}`;
    c.globalAlpha = .45; c.lineWidth = 1;
    c.beginPath();
    for (const nb of near) { c.moveTo(ax, ay); c.lineTo(...this.project(p, xy, nb.at)); }
    c.stroke(); c.globalAlpha = 1;
    for (const nb of near) this.ring(c, ...this.project(p, xy, nb.at), 4.5, theme, nb.kept);
    this.ring(c, ax, ay, 7.5, theme, true); this.ring(c, ax, ay, 3, { ink: theme.paper, paper: theme.paper }, true);
    this.write(c, p, ax, ay - 14, this.head.titles[item], theme);
  }

  drawRegion(c, p, theme) {  // the lasso or box that is being drawn
    const g = this.gesture;
    if (!g || g.panel !== p || !g.moved || !g.path) return;
    c.beginPath();
    this.outline(g).forEach(([x, y], i) => c[i ? "lineTo" : "moveTo"](x, y));
    c.closePath();
    c.globalAlpha = .12; c.fillStyle = theme.ink; c.fill(); c.globalAlpha = 1;
    c.setLineDash([5, 4]); c.lineWidth = 1.5; c.strokeStyle = theme.ink; c.stroke(); c.setLineDash([]);
  }

  ring(c, x, y, r, theme, filled) {
    c.beginPath(); c.arc(x, y, r, 0, 7);
    c.lineWidth = 4; c.strokeStyle = theme.paper; c.stroke();
    c.lineWidth = 1.8; c.strokeStyle = c.fillStyle = theme.ink;
    if (filled) c.fill(); else { c.stroke(); }
  }

  write(c, p, x, y, text, theme) {
    const short = text.length > 34 ? text.slice(0, 32) + "…" : text, w = c.measureText(short).width;
    const left = Math.min(Math.max(x - w / 2, 6), p.w - w - 6), top = y < 14 ? y + 38 : y;
    c.lineWidth = 4; c.lineJoin = "round"; c.strokeStyle = theme.paper; c.strokeText(short, left, top);
    c.fillStyle = theme.ink; c.fillText(short, left, top);
  }
}
