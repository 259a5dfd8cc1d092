/* The lines of the living picture, as path data: what flows from which box to which, and how thick. */

/** @import { Box, Form } from "./arrange" */
/** @import { Flow } from "./flow" */
/** @import { PictureScene } from "./types" */

/** @typedef {{ key: string, name: string, box: string[], d: string, width?: number }} Route box: those that light it */
/** @typedef {{ at: number, above: Box, below: Box, c: Box }} Column */
/** @typedef {{ form: Form, boxes: Record<string, Box>, columns: Column[], rows: (Box | undefined)[], flow: Flow, scene: PictureScene, focus: number, height: number }} Scenery */

export const THINNEST = 0.7; // pixels; a thinner line is dashed, and says that it is thinner than can be drawn

const middleX = (/** @type {Box} */ box) => box[0] + box[2] / 2;
const middleY = (/** @type {Box} */ box) => box[1] + box[3] / 2;
const bottom = (/** @type {Box} */ box) => box[1] + box[3];
const right = (/** @type {Box} */ box) => box[0] + box[2];

/** Path data through points; corners are rounded. @param {number[][]} points */
function through(points, radius = 8) {
  let d = `M${points[0].map(round).join(" ")}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [before, at, after] = [points[i - 1], points[i], points[i + 1]];
    const near = (/** @type {number[]} */ other) => {
      const far = Math.hypot(other[0] - at[0], other[1] - at[1]) || 1, share = Math.min(radius, far / 2) / far;
      return [at[0] + (other[0] - at[0]) * share, at[1] + (other[1] - at[1]) * share].map(round).join(" ");
    };
    d += `L${near(before)}Q${at.map(round).join(" ")} ${near(after)}`;
  }
  return `${d}L${points[points.length - 1].map(round).join(" ")}`;
}

/** A star as path data. @param {number} x @param {number} y @param {number} size */
function star(x, y, size) {
  const corners = Array.from({ length: 10 }, (_, i) => {
    const far = i % 2 ? 0.42 * size : size, turn = (Math.PI * i) / 5;
    return `${round(x + far * Math.sin(turn))} ${round(y - far * Math.cos(turn))}`;
  });
  return `M${corners.join("L")}Z`;
}

const round = (/** @type {number} */ value) => value.toFixed(1);

/** All lines. @param {Scenery} scenery @returns {Route[]} */
export function routes(scenery) {
  if (scenery.scene.plain && scenery.form === "strip") return scenery.columns.every(({ above }) => above) ? plainRoutes(scenery) : [];
  if (!scenery.columns.length || scenery.columns.some(({ above, below, c }) => !above || !below || !c)) return [];
  return [...tableRoutes(scenery), ...columnRoutes(scenery), ...arcs(scenery), ...middleRoutes(scenery), ...listRoutes(scenery), ...backRoutes(scenery)];
}

/** A history is read, and becomes a list. @param {Scenery} scenery @returns {Route[]} */
function plainRoutes(scenery) {
  const { boxes: { table, reader }, columns } = scenery, x = right(reader) + 4, y = middleY(reader), tip = x + 40;
  if (!table || !columns.length) return [];
  return [
    { key: "table above", name: "lookup", box: ["table"], d: through([[right(table), middleY(columns[0].above)], [columns[0].above[0], middleY(columns[0].above)]]) },
    ...columns.map(({ above }, i) => ({ key: `read ${i}`, name: "history", box: ["history", "reader"], d: through([[middleX(above), bottom(above)], [middleX(above), reader[1]]]) })),
    ...arcs({ ...scenery, columns: columns.map((column) => ({ ...column, c: column.above })) }),
    { key: "listed", name: "flowing", box: ["reader", "list"], d: `M${round(x)} ${round(y)}H${round(tip)}M${round(tip - 6)} ${round(y - 4)}L${round(tip)} ${round(y)}L${round(tip - 6)} ${round(y + 4)}`, width: 1.8 },
  ];
}

/** The table's numbers go into both rows, and the scores are taken with the same table. @param {Scenery} scenery @returns {Route[]} */
function tableRoutes({ form, boxes: { table, scores }, columns: [{ above, below }], height }) {
  const x = right(table), low = form === "tall" ? bottom(scores) + 8 : height - 3;
  const ends = [[middleX(table), bottom(table)], [middleX(table), low], [middleX(scores), low], [middleX(scores), bottom(scores) + (form === "wide" ? 21 : 0)]]; // its name stands below the wide one
  return [
    { key: "table above", name: "lookup", box: ["table"], d: through([[x, middleY(above)], [above[0], middleY(above)]]) },
    { key: "table below", name: "lookup", box: ["table"], d: through([[x, middleY(below)], [below[0], middleY(below)]]) },
    { key: "table scores", name: "lookup", box: ["table"], d: through(ends) },
  ];
}

/** Where c's and the next films' lines run together. @param {Scenery} scenery */
function buses({ form, columns: [{ c, below }] }) {
  return { c: bottom(c) + (form === "strip" ? 5 : 10), next: form === "tall" ? bottom(below) + 12 : below[1] - (form === "strip" ? 6 : 12) };
}

/** @param {Scenery} scenery @returns {Route[]} */
function columnRoutes(scenery) {
  const { boxes: { reader }, columns, form, scene } = scenery, bus = buses(scenery), last = columns.length - 1;
  const added = scene.mode === "training" && scene.noise === "added";
  return columns.flatMap(({ above, below, c }, i) => {
    const x = middleX(c), strong = scene.mode === "training" || i === last ? " is-strong" : "";
    const from = form === "tall" ? bottom(below) : below[1];
    /** @type {Route[]} */
    const found = [
      { key: `read ${i}`, name: "history", box: ["history", "reader"], d: through([[x, bottom(above)], [x, reader[1]]]) },
      { key: `c ${i}`, name: `condition${strong}`, box: ["condition", "reader"], d: through([[x, bottom(reader)], [x, c[1]]]) },
      { key: `drop ${i}`, name: `condition${strong}`, box: ["condition"], d: through([[x, bottom(c)], [x, bus.c]]) },
      { key: `rise ${i}`, name: `noise${strong}`, box: ["next", "noise"], d: through([[x, from], [x, bus.next]]) },
    ];
    if (added) found.push({ key: `added ${i}`, name: "noise is-added", box: ["next", "noise"], d: through([[x + 8, form === "tall" ? below[1] : bus.next], [x + 8, bottom(reader)]]) });
    return found;
  });
}

/** Attention of one position, the last unless another is looked at: thick arcs to what it attends to most. @param {Scenery} scenery @returns {Route[]} */
function arcs({ boxes: { reader }, columns, flow: { attention, films }, focus }) {
  const to = columns.findIndex(({ at }) => at === focus), own = to < 0 ? columns.length - 1 : to, from = columns[own];
  if (!attention) return [];
  const base = bottom(reader) - 3, high = reader[3] - 8, x = middleX(from.c), widest = Math.abs(x - middleX(columns[0].c)) || 1;
  return columns.slice(0, own + 1).map(({ at, c }, i) => {
    const weight = attention[from.at * films.length + at] ?? 0, x2 = middleX(c), up = base - high * (0.35 + 0.65 * Math.abs(x - x2) / widest) * 1.25;
    const d = i === own ? `M${round(x)} ${round(base)}v${round(-high * 0.3)}` : `M${round(x2)} ${round(base)}C${round(x2)} ${round(up)} ${round(x)} ${round(up)} ${round(x)} ${round(base)}`;
    return { key: `arc ${i}`, name: "arc", box: ["reader"], d, width: Math.max(0.4, weight * (reader[3] > 40 ? 16 : 8)) };
  });
}

/** c, and lambda times the noised film, into "+", the denoiser and x0_hat. @param {Scenery} scenery @returns {Route[]} */
function middleRoutes(scenery) {
  const { form, boxes: { plus, valve, denoiser, x0, scores }, columns, flow, scene } = scenery, bus = buses(scenery);
  const full = form === "strip" ? 5 : 9, first = columns[0].c, from = scene.mode === "use" ? columns[columns.length - 1].c : first;
  const part = full * Math.min(1, flow.share ?? flow.weight), thin = part < THINNEST ? " is-thin" : "", [px, py] = [middleX(plus), middleY(plus)];
  const cEnd = form === "tall" ? [[right(columns[columns.length - 1].below) + 3, bus.c], [right(columns[columns.length - 1].below) + 3, plus[1] - 14], [px, plus[1] - 14], [px, plus[1]]]
    : [[px, bus.c], [px, plus[1]]];
  const into = form === "tall" ? [[valve[0], bus.next], [valve[0], middleY(valve)]] : form === "strip" ? [[valve[0] + 8, bus.next], [valve[0] + 8, middleY(valve)]] : [[middleX(valve), bus.next]];
  const out = form === "tall" ? [[right(valve) - 4, middleY(valve)], [right(valve) - 4, py], [plus[0], py]] : form === "strip" ? [[right(valve), middleY(valve)], [px, middleY(valve)], [px, bottom(plus)]] : [[middleX(valve), bus.next], [px, bus.next], [px, bottom(plus)]];
  /** @type {Route[]} */
  const found = [
    { key: "c bus", name: "condition is-strong", box: ["condition", "denoiser"], d: through([[middleX(from), bus.c], ...cEnd]), width: full },
    { key: "next bus", name: `noise is-strong${form === "strip" ? thin : ""}`, box: ["next", "noise"], d: through([[middleX(from), bus.next], ...into]), width: form === "strip" ? Math.max(part, THINNEST) : full },
    { key: "weighted", name: `noise is-weighted${thin}`, box: ["noise"], d: through(out), width: Math.max(part, THINNEST) },
  ];
  if (scene.mode === "use" && columns.length > 1) {
    found.push({ key: "c rest", name: "condition", box: ["condition"], d: through([[middleX(first), bus.c], [middleX(from), bus.c]]) });
    found.push({ key: "next rest", name: "noise", box: ["next", "noise"], d: through([[middleX(first), bus.next], [middleX(from), bus.next]]) });
  }
  const down = form === "tall"; // the denoiser lies below
  if (down && scene.mode === "training") found.push({ key: "next rest", name: "noise is-strong", box: ["next", "noise"], d: through([[middleX(columns[columns.length - 1].c), bus.next], ...into]), width: full });
  found.push(
    { key: "sum", name: "flowing", box: ["denoiser"], d: down ? through([[px, bottom(plus)], [px, plus[1] + 30], [middleX(denoiser), plus[1] + 30], [middleX(denoiser), denoiser[1]]]) : through([[right(plus), py], [denoiser[0], middleY(denoiser)]]), width: 2.5 },
    { key: "estimate", name: "answer", box: ["denoiser", "x0"], d: through([[right(denoiser), middleY(denoiser)], [x0[0] - 3, middleY(x0)]]), width: 2.5 },
    { key: "scored", name: "answer", box: ["x0", "scores"], d: down ? through([[middleX(x0), bottom(x0) + 2], [middleX(x0), scores[1] - 10], [middleX(scores), scores[1] - 10], [middleX(scores), scores[1]]]) : through([[right(x0) + 3, middleY(x0)], [scores[0], middleY(x0)]]), width: 2.5 },
  );
  if (scene.mode === "training" && form === "wide") {
    const end = columns[columns.length - 1].below;
    const clean = [right(end) + 44, bottom(end) - 12]; // the film itself, beside its noised copy
    found.push({ key: "pull", name: "target", box: ["x0", "pull"], d: through([[middleX(x0), bottom(x0) + 4], [middleX(x0), clean[1]], [clean[0] + 12, clean[1]]]), width: 1.6 });
    found.push({ key: "pull star", name: "target is-star", box: ["x0", "pull"], d: star(clean[0], clean[1], 9) });
  }
  return found;
}

/** Ticks change with the scores alone: the last ones drawn. @type {{ scores: Float32Array | null, place: string, y: (score: number) => number, d: string }} */
const drawnTicks = { scores: null, place: "", y: () => 0, d: "" };

/** How many films have which score, the highest score at the top. @param {Float32Array} scores @param {Box} box */
function scoreTicks(scores, box) {
  const place = box.join(" ");
  if (drawnTicks.scores === scores && drawnTicks.place === place) return drawnTicks;
  let high = -Infinity, low = Infinity, d = "";
  const known = (/** @type {number} */ i) => scores[i] > -Infinity;
  for (let i = 1; i < scores.length; i++) if (known(i)) { high = Math.max(high, scores[i]); low = Math.min(low, scores[i]); }
  const y = (/** @type {number} */ score) => box[1] + 3 + (box[3] - 6) * (high - score) / (high - low || 1);
  /** @type {Map<number, number>} films by row of pixels */
  const rows = new Map();
  for (let i = 1; i < scores.length; i++) if (known(i)) { const row = Math.round(y(scores[i])); rows.set(row, (rows.get(row) ?? 0) + 1); }
  const most = Math.max(...rows.values());
  for (const [row, films] of rows) d += `M${round(box[0] + 3)} ${row}h${round((box[2] - 6) * (0.3 + (0.7 * (films - 1)) / Math.max(1, most - 1)))}`;
  return Object.assign(drawnTicks, { scores, place, y, d });
}

/** The scores, and the ten highest in the list. @param {Scenery} scenery @returns {Route[]} */
function listRoutes({ form, boxes: { scores: box }, rows, flow: { scores, top } }) {
  if (!scores?.length || !top.length) return [];
  const { y, d } = scoreTicks(scores, box);
  const links = rows.map((row, i) => (row ? `M${round(right(box) - 4)} ${round(y(scores[top[i]]))}L${round(row[0] - 2)} ${round(middleY(row))}` : "")).join("");
  const best = top.slice(0, rows.length).map((id) => `M${round(box[0] + 2)} ${round(y(scores[id]))}h${round(box[2] - 4)}`).join("");
  return [
    { key: "ticks", name: "tick", box: ["scores"], d },
    { key: "best", name: "tick is-best", box: ["scores"], d: best },
    ...(form === "strip" ? [] : [{ key: "links", name: "link", box: ["list", "scores"], d: links }]),
  ];
}

/** The way back: x0_hat makes the next, less noisy x_t. In use alone. @param {Scenery} scenery @returns {Route[]} */
function backRoutes({ form, boxes: { x0, back }, columns, scene, height }) {
  if (scene.mode !== "use") return [];
  const end = columns[columns.length - 1].below, y = form === "strip" ? height - 12 : middleY(back);
  const points = form === "tall" ? [[right(x0), middleY(x0)], [middleX(end) + 8, middleY(x0)], [middleX(end) + 8, bottom(end) + 2]]
    : [[middleX(x0), bottom(x0) + 4], [middleX(x0), y], ...(form === "strip" ? [[right(end) + 1, y]] : [[middleX(end) + 12, y], [middleX(end) + 12, bottom(end) + 2]])];
  const [x, tip] = points[points.length - 1], head = form === "strip" ? `M${round(x + 5)} ${round(tip - 3)}L${round(x)} ${round(tip)}L${round(x + 5)} ${round(tip + 3)}` : `M${round(x - 4)} ${round(tip + 6)}L${round(x)} ${round(tip)}L${round(x + 4)} ${round(tip + 6)}`;
  return [{ key: "back", name: "back", box: ["back"], d: through(points) + head, width: 1.6 }];
}
