// The maps as files: a PNG of what is on the screen, and an SVG that can be edited.

const HEADING = 30, LEGEND = 28, GAP = 16;

function save(blob, name) {
  const link = element("a", "", "", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function sheet(maps) {  // where the panels stand: as one row
  const shown = maps.visible(), width = shown.reduce((sum, p) => sum + p.w + GAP, GAP);
  let x = GAP;
  const places = shown.map((p) => { const left = x; x += p.w + GAP; return [p, left]; });
  return { places, width, height: HEADING + LEGEND + shown[0].h + GAP };
}

function heading(maps, p) {
  const stage = maps.head.stages.find((s) => s.key === maps.stageOf(p));
  return { text: stage.label, glyph: stage.glyph, color: stage.color };
}

function savePng(maps) {
  maps.hover = -1;
  maps.drawAll();
  const theme = maps.theme(), { places, width, height } = sheet(maps), px = devicePixelRatio || 1;
  const canvas = element("canvas", ""), c = canvas.getContext("2d");
  canvas.width = width * px; canvas.height = height * px;
  c.scale(px, px);
  c.fillStyle = theme.paper; c.fillRect(0, 0, width, height);
  for (const [p, left] of places) {
    const { text, glyph, color } = heading(maps, p);
    c.font = `600 16px ${theme.font}`; c.fillStyle = color; c.fillText(glyph, left, 20);
    c.fillStyle = theme.ink; c.fillText(text, left + 20, 20);
    c.strokeStyle = GREY; c.lineWidth = 1; c.strokeRect(left, HEADING, p.w, p.h);
    for (const layer of [p.base, p.over]) c.drawImage(layer, left, HEADING, p.w, p.h);
  }
  c.font = `13px ${theme.font}`; c.fillStyle = theme.ink;
  let x = GAP;
  const y = height - LEGEND / 2;
  for (const part of legendParts(maps, theme)) {
    if (part.color) {
      c.save(); c.translate(x + 6, y - 4); c.fillStyle = part.color; c.beginPath(); shapes[part.marker](c, 5); c.fill(); c.restore();
      x += 16;
    }
    c.fillText(part.text, x, y); x += c.measureText(part.text).width + 12;
  }
  canvas.toBlob((blob) => save(blob, `${maps.head.file}.png`), "image/png");
}

function legendParts(maps, theme) {
  const { legend, categories, colours, markers, low, high, ramp } = maps.head;
  if (!legend) return [];
  if (categories.length) return [{ text: `${legend}:` }, ...categories.map((text, i) => ({ text, color: colours[i], marker: markers[i] }))];
  const ends = ramp[theme.dark ? "dark" : "light"];
  return [{ text: `${legend}:` }, { text: low, color: ends[0], marker: "circle" }, { text: high, color: ends[ends.length - 1], marker: "circle" }];
}

class Pen {  // a canvas path as SVG path data
  constructor(x, y) { this.d = ""; this.x = x; this.y = y; this.turn = 0; }
  at(x, y) {
    const c = Math.cos(this.turn), s = Math.sin(this.turn);
    return `${(this.x + x * c - y * s).toFixed(1)} ${(this.y + x * s + y * c).toFixed(1)}`;
  }
  moveTo(x, y) { this.d += `M${this.at(x, y)}`; }
  lineTo(x, y) { this.d += `L${this.at(x, y)}`; }
  closePath() { this.d += "Z"; }
  rotate(a) { this.turn += a; }
  rect(x, y, w, h) { this.moveTo(x, y); this.lineTo(x + w, y); this.lineTo(x + w, y + h); this.lineTo(x, y + h); this.closePath(); }
  arc(x, y, r) { this.d += `M${this.at(x - r, y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`; }
}

const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

function mark(marker, x, y, r) {
  const pen = new Pen(x, y);
  shapes[marker](pen, r);
  return pen.d;
}

function saveSvg(maps) {
  const theme = maps.theme(), { places, width, height } = sheet(maps);
  const out = [`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" `
    + `font-family="sans-serif" font-size="13" fill="${theme.ink}">`, `<rect width="${width}" height="${height}" fill="${theme.paper}"/>`];
  for (const [p, left] of places) {
    const { text, glyph, color } = heading(maps, p);
    out.push(`<text x="${left}" y="20" font-size="16" font-weight="600"><tspan fill="${color}">${glyph}</tspan> ${escaped(text)}</text>`);
    out.push(`<svg x="${left}" y="${HEADING}" width="${p.w}" height="${p.h}" overflow="hidden">`, ...drawing(maps, p, theme), "</svg>");
    out.push(`<rect x="${left}" y="${HEADING}" width="${p.w}" height="${p.h}" fill="none" stroke="${GREY}"/>`);
  }
  let x = GAP;
  for (const part of legendParts(maps, theme)) {
    if (part.color) { out.push(`<path d="${mark(part.marker, x + 6, height - 18, 5)}" fill="${part.color}"/>`); x += 16; }
    out.push(`<text x="${x}" y="${height - 14}">${escaped(part.text)}</text>`);
    x += part.text.length * 7 + 14;
  }
  out.push("</svg>");
  save(new Blob([out.join("\n")], { type: "image/svg+xml" }), `${maps.head.file}.svg`);
}

function drawing(maps, p, theme) {  // one path a colour, faint ones first; then the item and its neighbours
  const { categories, colours, markers, ramp } = maps.head, scale = ramp[theme.dark ? "dark" : "light"];
  const stage = maps.stageOf(p), codes = maps.codes[stage], xy = maps.positions(p), r = maps.n <= 2500 ? 3 : maps.n <= 6000 ? 2.2 : 1;
  const paths = [new Map(), new Map()];
  for (const i of maps.order[stage]) {
    const [x, y] = maps.project(p, xy, i), code = codes[i];
    if (x < -9 || y < -9 || x > p.w + 9 || y > p.h + 9) continue;
    const rest = (maps.count > 0 && !maps.selected[i]) || (maps.only !== null && code !== maps.only);
    const grey = code === UNKNOWN || (rest && maps.count > 0);
    const color = grey ? GREY : categories.length ? colours[code] : scale[code];
    const size = categories.length || grey ? r : r * (.6 + .8 * code / scale.length);
    const list = paths[rest ? 0 : 1];
    if (!list.has(color)) list.set(color, []);
    list.get(color).push(mark(categories.length && !grey && maps.n <= MANY ? markers[code] : "circle", x, y, size));
  }
  const lines = [];
  paths.forEach((list, front) => list.forEach((d, color) =>
    lines.push(`<path d="${d.join("")}" fill="${color}" fill-opacity="${front ? .8 : .25}"/>`)));
  const item = maps.index(maps.look.item);
  if (item < 0) return lines;
  const [x, y] = maps.project(p, xy, item), side = x > p.w / 2 ? ["end", -12] : ["start", 12];
  for (const nb of maps.look.neighbours[stage] || []) {
    const at = maps.index(nb.row);
    if (at < 0) continue;
    const [u, v] = maps.project(p, xy, at);
    lines.push(`<path d="M${x} ${y}L${u} ${v}" stroke="${theme.ink}" stroke-opacity=".45"/>`);
    lines.push(`<circle cx="${u}" cy="${v}" r="4.5" stroke="${theme.ink}" stroke-width="1.8" fill="${nb.kept ? theme.ink : "none"}"/>`);
  }
  lines.push(`<circle cx="${x}" cy="${y}" r="7" stroke="${theme.paper}" stroke-width="2"/>`);
  lines.push(`<text x="${x + side[1]}" y="${y - 8}" text-anchor="${side[0]}" font-weight="600" stroke="${theme.paper}" stroke-width="4" `
    + `paint-order="stroke">${escaped(maps.head.titles[item])}</text>`);
  return lines;
}
