/* Where each part of the living picture lies: as a strip, as large as the stage, and in one column on a narrow screen. */

/** @typedef {[number, number, number, number]} Box left, top, width, height */
/** @typedef {"strip" | "wide" | "tall"} Form */
/** @typedef {{ width: number, height: number, boxes: Record<string, Box> }} Arrangement */

export const LISTED = 10;
const LEAST_STRIP = 760; // below this width the strip is scrolled
const LEAST_HEIGHT = 124;
const LEAST_PLAIN = 92;
const LEAST_WIDE = 620; // below this width the large picture becomes one column
const MOST_COLUMNS = { strip: 6, wide: 5, tall: 4 };
const LEAST_COLUMN = { strip: 56, wide: 70, tall: 96 }; // room for long words

/** The form for the space there is. @param {number} width @param {boolean} grown @returns {Form} */
export function formOf(width, grown) {
  return !grown ? "strip" : width < LEAST_WIDE ? "tall" : "wide";
}

/** How many positions of a history are drawn; they are its last ones. @param {Form} form @param {number} width @param {number} films */
export function columnsOf(form, width, films) {
  const room = form === "tall" ? width - 30 : form === "wide" ? width * 0.46 - 42 : Math.max(width, LEAST_STRIP) * 0.46;
  return Math.max(1, Math.min(films, MOST_COLUMNS[form], Math.floor(room / LEAST_COLUMN[form])));
}

/** @param {Form} form @param {number} width @param {number} height @param {number} columns @param {boolean} plain whether the strip shows history, reader and list alone @param {boolean} training whether the column ends with the two losses @returns {Arrangement} */
export function arrange(form, width, height, columns, plain = false, training = true) {
  return plain && form === "strip" ? asPlainStrip(Math.max(width, LEAST_STRIP), Math.max(height, LEAST_PLAIN), columns)
    : form === "strip" ? asStrip(Math.max(width, LEAST_STRIP), Math.max(height, LEAST_HEIGHT), columns)
    : form === "wide" ? asStage(width, Math.max(height, 330), columns)
    : asColumn(width, columns, training);
}

/**
 * The positions from the history above to the next films below, one a column.
 * @param {Record<string, Box>} boxes @param {number} columns @param {number} left @param {number} each width of a column @param {number} gap
 * @param {{ history: [number, number], c: [number, number], next: [number, number] }} rows top and height of each
 */
function positions(boxes, columns, left, each, gap, { history, c, next }) {
  for (let i = 0; i < columns; i++) {
    const x = left + i * each;
    boxes[`history${i}`] = [x + gap / 2, history[0], each - gap, history[1]];
    boxes[`condition${i}`] = [x + each / 2 - c[1] / 2, c[0], c[1], c[1]];
    boxes[`next${i}`] = [x + gap / 2, next[0], each - gap, next[1]];
  }
}

/** @param {Record<string, Box>} boxes @param {number} x @param {number} y @param {number} w @param {number} h @param {number} columns of the list */
function listRows(boxes, x, y, w, h, columns = 1) {
  const rows = LISTED / columns;
  for (let i = 0; i < LISTED; i++) boxes[`row${i}`] = [x + (w / columns) * Math.floor(i / rows), y + (h / rows) * (i % rows), w / columns - 4, h / rows];
}

/** Before the noise is explained: a history is read, and becomes a list. @param {number} width @param {number} height @param {number} columns @returns {Arrangement} */
function asPlainStrip(width, height, columns) {
  const left = 30, list = width * 0.62, each = Math.min(170, (list - 60 - left) / columns);
  /** @type {Record<string, Box>} */
  const boxes = { table: [4, 2, 12, height - 6], more: [17, 2, 13, 26], reader: [left + 3, 46, each * columns - 6, height - 50] };
  for (let i = 0; i < columns; i++) boxes[`history${i}`] = [left + i * each + 3, 2, each - 6, 26];
  listRows(boxes, left + each * columns + 50, 0, width - left - each * columns - 50, height - 2, 2);
  return { width, height, boxes };
}

/** @param {number} width @param {number} height @param {number} columns @returns {Arrangement} */
function asStrip(width, height, columns) {
  const card = 26, left = 30, each = Math.min(104, (width * 0.46 - left) / columns), end = left + each * columns;
  /** @type {Record<string, Box>} */
  const boxes = {};
  positions(boxes, columns, left, each, 6, { history: [2, card], c: [60, 16], next: [height - card - 4, card] });
  boxes.table = [4, 2, 12, height - 6];
  boxes.reader = [left + 3, 32, each * columns - 6, 22];
  boxes.more = [17, 2, 13, card];
  boxes.valve = [end + 12, height - card - 12, 62, 20];
  boxes.plus = [end + 82, 68, 18, 18];
  boxes.denoiser = [end + 112, 56, 78, 42];
  boxes.x0 = [end + 220, 65, 24, 24];
  boxes.scores = [end + 274, 4, 20, height - 8];
  const list = end + 308;
  listRows(boxes, list, 2, width - list, height - 4, width - list > 270 ? 2 : 1);
  boxes.back = [end + 110, height - 22, 70, 20];
  return { width, height, boxes };
}

/** @param {number} width @param {number} height @param {number} columns @returns {Arrangement} */
function asStage(width, height, columns) {
  const top = 28, left = 42, end = width * 0.46, each = Math.min(104, (end - left) / columns), right = left + each * columns;
  const card = Math.min(84, height * 0.17), reader = top + card + height * 0.03, high = Math.min(170, height * 0.21), c = reader + high + height * 0.035, cell = Math.min(44, height * 0.08);
  const next = height - 34 - card, bus = c + cell + 10, middle = Math.round((bus + next - 12) / 2);
  /** @type {Record<string, Box>} */
  const boxes = {};
  positions(boxes, columns, left, each, 5, { history: [top, card], c: [c, cell], next: [next, card] });
  boxes.table = [8, top, 18, next + card - top];
  boxes.reader = [left + 4, reader, each * columns - 8, high];
  const denoiser = Math.max(84, Math.min(112, (width - right) * 0.18)), list = width - Math.min(240, (width - right) * 0.39), scores = list - 48;
  const plus = right + Math.min(72, (width - right) * 0.13), from = plus + 40, after = from + denoiser;
  boxes.valve = [plus - 90, next - 27, 84, 26];
  boxes.plus = [plus - 12, middle - 12, 24, 24];
  boxes.denoiser = [from, middle - 36, denoiser, 72];
  boxes.scores = [scores, top, 26, height - top - 34];
  boxes.x0 = [(after + scores) / 2 - 20, middle - 20, 40, 40];
  boxes.star = [list, 0, width - list, top];
  listRows(boxes, list, top, width - list, height - top - 34);
  boxes.history = [left, 0, each * columns - 100, 20];
  boxes.add = [left + each * columns - 104, 0, 100, 24];
  boxes.next = [left, next + card + 1, each * columns - 30, 18];
  boxes.back = [(right + (after + scores) / 2) / 2 - 50, height - 22, 100, 20];
  boxes.push = [plus - 20, top, scores - plus + 8, 44];
  boxes.pull = [plus + 4, middle + 40, (after + scores) / 2 - plus - 12, 44];
  return { width, height, boxes };
}

/** @param {number} width @param {number} columns @param {boolean} training @returns {Arrangement} */
function asColumn(width, columns, training) {
  const left = 26, each = (width - left - 4) / columns, row = 21, list = 428, end = list + row * LISTED, height = end + (training ? 90 : 28);
  /** @type {Record<string, Box>} */
  const boxes = {};
  positions(boxes, columns, left, each, 6, { history: [26, 62], c: [162, 30], next: [226, 68] });
  boxes.table = [4, 26, 12, 268];
  boxes.reader = [left + 3, 96, each * columns - 6, 58];
  boxes.valve = [width * 0.5 - 70, 312, 58, 26];
  boxes.plus = [width * 0.5 - 12, 332, 24, 24];
  boxes.denoiser = [width * 0.5 - 12 - 118, 368, 104, 40];
  boxes.x0 = [width * 0.5 + 40, 370, 36, 36];
  boxes.scores = [34, list, 24, row * LISTED];
  boxes.star = [86, end + 2, width - 90, 20];
  listRows(boxes, 86, list, width - 90, row * LISTED);
  boxes.history = [left, 0, each * columns - 100, 20];
  boxes.add = [left + each * columns - 104, 0, 100, 24];
  boxes.next = [left, 206, each * columns, 18];
  boxes.back = [width * 0.5 + 82, 374, 78, 28];
  boxes.push = [34, end + 24, width - 40, 32];
  boxes.pull = [34, end + 56, width - 40, 32];
  return { width, height, boxes };
}

/** Boxes on the way from one arrangement to another; those that only the second has are there at once. @param {Record<string, Box>} from @param {Record<string, Box>} to @param {number} share */
export function between(from, to, share) {
  /** @type {Record<string, Box>} */
  const boxes = {};
  for (const [name, box] of Object.entries(to)) {
    const start = from[name] ?? box;
    boxes[name] = /** @type {Box} */ (box.map((value, i) => start[i] + (value - start[i]) * share));
  }
  return boxes;
}
