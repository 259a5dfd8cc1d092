// How the maps are drawn; maps.js follows in the same module and says what is drawn.

const UNKNOWN = 255, PAD = 16, REACH = 14;
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

class Painter {
  theme() {
    const style = getComputedStyle(this.root), get = (name) => style.getPropertyValue(name).trim();
    const ink = style.color, paper = get("--st-background-color") || "#fff";
    const [r, g, b] = (ink.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
    return { ink, paper, font: style.fontFamily, dark: r + g + b > 380 };
  }

  drawAll() {
    if (!this.head) return;
    const theme = this.theme(), ramp = this.head.ramp[theme.dark ? "dark" : "light"];
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
    list[UNKNOWN] = make("#8A929B", "circle", radius * .6);
    return list;
  }

  drawBase(p, theme, ramp) {
    const px = devicePixelRatio || 1, c = p.base.getContext("2d"), xy = this.positions(p), s = this.scaleOf(p) * px;
    const many = this.n > 6000, large = this.look.view === "one";
    const radius = (this.n <= 2500 ? 3 : this.n <= 6000 ? 2.2 : .9) * (large ? 1.25 : 1) * Math.min(2, Math.sqrt(this.zoom.k));
    const sprites = this.sprites(radius, ramp, px);
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, p.base.width, p.base.height);
    const cx = p.w * px / 2 - (this.box.x + this.zoom.x) * s, cy = p.h * px / 2 + (this.box.y + this.zoom.y) * s;
    const alpha = many ? .6 : .8;
    const colours = this.head.categories.length ? this.head.colours : ramp;
    for (const pass of this.only === null ? [0] : [1, 2]) {  // dimmed ones below
      c.globalAlpha = pass === 1 ? .1 : alpha;
      let last = -1;
      for (const i of this.order) {
        const code = this.codes[i];
        if (pass && (code === this.only) !== (pass === 2)) continue;
        const x = xy[2 * i] * s + cx, y = cy - xy[2 * i + 1] * s;
        if (many && this.zoom.k < 4) {
          if (code !== last) { c.fillStyle = code === UNKNOWN ? "#8A929B" : colours[code]; last = code; }
          const d = radius * 2 * px;
          c.fillRect(x - d / 2, y - d / 2, d, d);
        } else { const image = sprites[code]; c.drawImage(image, x - image.width / 2, y - image.height / 2); }
      }
    }
  }

  drawOver(p, theme = this.theme()) {
    const px = devicePixelRatio || 1, c = p.over.getContext("2d"), xy = this.positions(p), { item } = this.look;
    c.setTransform(px, 0, 0, px, 0, 0);
    c.clearRect(0, 0, p.w, p.h);
    if (!this.visible().includes(p)) return;
    const near = this.look.neighbours[this.stageOf(p)] || [];
    c.strokeStyle = c.fillStyle = theme.ink; c.font = `600 13px ${theme.font}`;
    if (item >= 0 && item < this.n) {
      const [ax, ay] = this.project(p, xy, item);
      c.globalAlpha = .45; c.lineWidth = 1;
      c.beginPath();
      for (const nb of near) { c.moveTo(ax, ay); c.lineTo(...this.project(p, xy, nb.row)); }
      c.stroke(); c.globalAlpha = 1;
      for (const nb of near) this.ring(c, ...this.project(p, xy, nb.row), 4.5, theme, nb.kept);
      this.ring(c, ax, ay, 7.5, theme, true); this.ring(c, ax, ay, 3, { ink: theme.paper, paper: theme.paper }, true);
      this.write(c, p, ax, ay - 14, this.head.titles[item], theme);
    }
    const h = this.hover;
    if (h >= 0 && h < this.n) {
      const [x, y] = this.project(p, xy, h);
      this.ring(c, x, y, 7, theme, false);
      p.tip.replaceChildren(element("b", "", this.head.titles[h]), element("span", "", this.head.words[h] || ""));
      p.tip.style.display = "block";
      const flip = x > p.w * .6;
      p.tip.style.left = flip ? "" : `${x + 14}px`; p.tip.style.right = flip ? `${p.w - x + 14}px` : "";
      p.tip.style.top = `${Math.min(Math.max(y - 12, 2), p.h - 52)}px`;
      p.tip.style.maxWidth = `${Math.max(90, (flip ? x : p.w - x) - 22)}px`;
    } else p.tip.style.display = "none";
    p.over.style.cursor = h >= 0 ? "pointer" : this.zoom.k > 1 ? "grab" : "default";
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
