/* The living picture of the model: one drawing for the whole lesson, with the real numbers of one history.

Its boxes: table (the films' numbers), history, reader, condition (c), next (the next films), noise (the line of thickness lambda), denoiser,
x0, scores, list, back (the arrow back). A scene lights some of them and dims the others; without any, all are lit. */

import { element, scaleOf, svg } from "../dom.js";
import { arrange, between, columnsOf, formOf, LISTED } from "./arrange.js";
import { BoxDetail } from "./box_detail.js";
import { addingField, filmCard, titled } from "./film_card.js";
import { follow, prepared } from "./flow.js";
import { routes } from "./routes.js";
import { cells } from "./strip.js";

/** @import { Arrangement, Box, Form } from "./arrange" */
/** @import { Flow } from "./flow" */
/** @import { Lesson, Picture, PictureScene } from "./types" */

/* A scene's more fields: plain (a strip of history, reader and list alone), unlisted and unweighted (the list or λ would give a question's answer away), noise (a Noising, in training), model (whose answer the picture computes by itself; null: the chapter feeds it). */
/** @typedef {"token" | "sequence" | "last" | "added"} Noising which next films are noised in training, see Chapter 4 */

const PICTURE_MODEL = "people";
const PATIENCE = 300; // milliseconds in which the page shows its first picture before weights are asked for
const PICTURE_CHANGE = 450; // milliseconds
const PICTURE_GLIDE = 260;
const STEP_GLIDE = 100; // between two steps of a player: most of the time no row is on its way over another
const OPENS = ["table", "history", "next", "reader", "valve", "denoiser", "x0", "scores", "back"];
/** @type {Record<string, string>} */
const BOX_OF = { valve: "noise", plus: "denoiser" };
const LOCKED = ["table", "reader", "denoiser"];
const DRAWN_LEVELS = [5, 20, 12, 27, 2, 16, 24]; // noise levels of the drawing in training, one a position
const ONE_LEVEL = 16;
const GRAIN = 80; // pixels
const MEASURED = 100; // pixels: the size at which words are measured

/**
 * Draw the picture into an empty element.
 * @param {HTMLElement} host @param {Lesson} lesson @param {HTMLElement} around the whole lesson, in which an opened box is explained
 * @returns {Picture & { show: LivingPicture }}
 */
export function livingPicture(host, lesson, around) {
  const show = new LivingPicture(host, lesson, around);
  return {
    show,
    scene: (scene) => show.scene(scene),
    values: (values) => show.values(values),
    anchor: () => show.anchor(),
    stop: () => show.stop(),
  };
}

/** Set an attribute unless it is so already, which would paint it anew. @param {Element} node @param {string} name @param {string} value */
function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** Random grain as an image, the mask of everything noisy. */
function grainImage() {
  const canvas = element("canvas", "", "", { width: String(GRAIN), height: String(GRAIN) }), pen = canvas.getContext("2d");
  if (!pen) return "none";
  const image = pen.createImageData(GRAIN, GRAIN);
  let state = 1;
  for (let i = 0; i < image.data.length; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    image.data[i + 3] = (state >>> 24) > 96 ? 255 : 20;
  }
  pen.putImageData(image, 0, 0);
  return `url(${canvas.toDataURL()})`;
}

export class LivingPicture {
  /** @param {HTMLElement} host @param {Lesson} lesson @param {HTMLElement} around */
  constructor(host, lesson, around) {
    this.lesson = lesson;
    /** @type {PictureScene} */
    this.wanted = { lit: [], mode: "use", model: null };
    /** @type {{ at: number, film: number, next: number | null }[]} */
    this.shown = [];
    /** @type {Record<string, Box>} */
    this.from = {};
    /** @type {(box: string) => boolean} */
    this.isLit = () => true;
    /** @type {Flow} */
    this.flow = { films: [], top: [], weight: 0.001, share: null, step: null, model: "" };
    /** @type {Record<string, Box>} where everything is now, and where it is going */
    this.now = {};
    /** @type {Record<string, Box>} */
    this.goal = {};
    /** @type {Arrangement} */
    this.arrangement = { width: 0, height: 0, boxes: {} };
    /** @type {Form} */
    this.form = "strip";
    this.frame = this.started = this.lasts = this.waiting = 0;
    /** @type {string | null | undefined} whose numbers are followed, and what ends that */
    this.model = undefined;
    this.leave = () => {};
    this.at = -1; // the position whose attention is drawn; -1: the last
    this.pen = element("canvas").getContext("2d"); // measures words
    this.root = element("div", "living", "", { role: "group" });
    this.root.style.setProperty("--grain-image", grainImage());
    this.drawing = svg(this.root, "svg", { class: "flow", "aria-hidden": "true" });
    this.routesLayer = svg(this.drawing, "g");
    this.cellsLayer = svg(this.drawing, "g");
    /** @type {Map<string, SVGElement>} */
    this.paths = new Map();
    /** @type {Map<string, HTMLElement>} */
    this.nodes = new Map();
    /** @type {WeakMap<HTMLElement, string>} where each was drawn last */
    this.placed = new WeakMap();
    for (const name of OPENS) this.node(name, this.opener(name));
    for (const name of ["plus", "push", "pull"]) this.node(name, element("div", `part is-${name}`, name === "plus" ? "+" : lesson.text(`picture.${name}`)));
    this.node("condition", element("button", "part opener is-condition", "", { type: "button" }));
    this.get("condition").append(element("span", "name", lesson.text("picture.boxes.condition.label")));
    this.listen("condition", this.get("condition"));
    this.node("add", addingField(this)).dataset.box = "history";
    this.node("star", element("p", "star")).dataset.box = "list";
    this.node("more", element("div", "more", "…", { "aria-hidden": "true" })).dataset.box = "history"; // earlier films than those drawn
    this.node("list", element("ol", "listed", "", { "aria-label": lesson.text("picture.boxes.list.name") }));
    this.scroller = element("div", "scroller");
    this.scroller.append(this.root);
    host.replaceChildren(this.scroller);
    this.detail = new BoxDetail(around, lesson);
    this.host = host;
    this.sizes = new ResizeObserver(() => this.place(0));
    this.sizes.observe(host);
    this.values(prepared(lesson.content));
  }

  /** Show a model's numbers from now on; null: those that are fed. @param {string | null} model */
  follow(model) {
    if (model === this.model) return;
    clearTimeout(this.waiting);
    this.leave();
    this.leave = () => {};
    this.model = model;
    if (model) this.waiting = window.setTimeout(() => { this.leave = follow(this.lesson, model, (flow) => this.values({ ...flow, step: null, answer: null })); }, PATIENCE);
  }

  /** @param {string} box */
  name(box) {
    return this.lesson.text(`picture.boxes.${box}.name`);
  }

  /** @param {string} name @param {HTMLElement} node */
  node(name, node) {
    node.dataset.box = BOX_OF[name] ?? name;
    this.nodes.set(name, node);
    this.root.append(node);
    return node;
  }

  /** @param {string} name */
  get(name) {
    return /** @type {HTMLElement} */ (this.nodes.get(name));
  }

  /** A box that can be opened. @param {string} name */
  opener(name) {
    const box = BOX_OF[name] ?? name, button = element("button", `part opener is-${name}`, "", { type: "button" });
    button.append(element("span", "name", this.lesson.text(`picture.boxes.${box}.label`)));
    if (LOCKED.includes(box)) {
      const lock = svg(button, "svg", { class: "lock", viewBox: "0 0 12 14" });
      svg(lock, "path", { d: "M1 6h10v7.5H1ZM3 6V4a3 3 0 0 1 6 0v2", "fill-rule": "evenodd" });
    }
    this.listen(box, button);
    return button;
  }

  /** @param {string} box @param {HTMLElement} button */
  listen(box, button) {
    button.title = this.lesson.text(`picture.boxes.${box}.sentence`).replace(/\[([^\]]+)\]\([^)]*\)|\*/g, "$1");
    button.onclick = () => this.open(box, button);
  }

  /** @param {string} box @param {HTMLElement} button */
  open(box, button) {
    this.detail.open(box, this.answered, button);
  }

  /** @param {PictureScene} scene */
  scene(scene) {
    this.wanted = scene;
    this.place(this.lesson.reducedMotion || !this.root.clientWidth ? 0 : PICTURE_CHANGE);
    if (this.form === "strip" && this.lit().length) this.scroller.scrollTo({ left: Math.min(...this.lit().map((box) => box[0])) - 30, behavior: this.lesson.reducedMotion ? "auto" : "smooth" });
    this.detail.close();
  }

  /** @param {Partial<Flow>} values */
  values(values) {
    this.flow = { ...this.flow, ...values };
    this.place(this.lesson.reducedMotion ? 0 : this.flow.step ? STEP_GLIDE : PICTURE_GLIDE);
    this.detail.refresh(this.answered);
  }

  /** What the model makes of the last position: in training that of the last film, which is known. */
  get answered() {
    const { flow, wanted: { mode } } = this;
    return mode !== "training" ? flow : flow.training ? { ...flow, ...flow.training } : { ...flow, target: null };
  }

  /** Films of the columns: what is read and what comes next, null for the unknown. A strip has as many in training as in use. */
  columns() {
    const { films } = this.flow, { mode, plain = false } = this.wanted, training = mode === "training", all = films.length > 1 && (training || (this.form === "strip" && !plain)) ? films.length - 1 : films.length;
    const shown = columnsOf(this.form, this.host.clientWidth, Math.max(all, 1)), end = training ? all : films.length, first = Math.max(0, end - shown);
    return Array.from({ length: Math.min(all, shown) }, (_, i) => ({ at: first + i, film: films[first + i], next: films[first + i + 1] ?? null }));
  }

  /** Put everything where the scene wants it. @param {number} lasts milliseconds */
  place(lasts) {
    const width = this.host.clientWidth, { mode, grown = false, model = PICTURE_MODEL } = this.wanted;
    if (!width) return; // a picture that is not shown loads no model
    this.follow(model);
    this.form = formOf(width, grown);
    const columns = this.columns();
    this.arrangement = arrange(this.form, width, this.host.clientHeight, Math.max(columns.length, 1), this.wanted.plain === true, mode === "training");
    const { boxes } = this.arrangement;
    this.root.className = `living is-${this.form} in-${mode}`;
    this.root.classList.toggle("is-plain", this.wanted.plain === true);
    this.root.setAttribute("aria-label", this.lesson.text(`picture.alt.${this.wanted.plain ? "plain" : mode}`));
    this.goal = {};
    for (const [name, box] of Object.entries(boxes)) if (!/^(history|next|row)\d/.test(name)) this.goal[name] = box;
    this.cards(columns);
    this.list();
    this.root.style.setProperty("--lines", String(Math.max(1, Math.floor(((boxes.history0?.[3] ?? 26) - 8) / 13.5))));
    const middle = boxes[`condition${Math.max(columns.length - 1, 0)}`];
    this.goal.condition = middle;
    if (!columns[0]?.at) delete this.goal.more;
    for (const [name, box] of Object.entries(this.goal)) if (!box) delete this.goal[name];
    this.shown = columns;
    this.mark();
    this.move(lasts);
  }

  /** @param {ReturnType<LivingPicture["columns"]>} columns */
  cards(columns) {
    const kept = new Set(), seen = new Map(), { boxes } = this.arrangement, { step, top } = this.flow;
    columns.forEach(({ at, film, next }, i) => {
      const again = seen.get(film) ?? 0;
      seen.set(film, again + 1);
      const above = `above ${film} ${again}`, below = next === null ? "below ?" : `below ${next} ${i}`;
      for (const [key, id, box] of /** @type {[string, number | null, Box][]} */ ([[above, film, boxes[`history${i}`]], [below, next, boxes[`next${i}`]]])) {
        kept.add(key);
        const row = key.startsWith("above") ? "history" : "next";
        if (!this.nodes.has(key)) {
          this.node(key, filmCard(this, row, id));
          this.get(key).dataset.box = row;
        }
        this.goal[key] = box;
        const card = this.get(key);
        card.dataset.at = String(at);
        card.style.setProperty("--grain", String(row === "next" ? this.grain(i, columns.length) : 0));
        const level = row === "next" ? this.level(i, columns.length) : null;
        const label = /** @type {HTMLElement} */ (card.querySelector(".level"));
        label.textContent = level ? this.lesson.text("picture.level", { t: level }) : "";
        const found = id === null && step && step.at === step.of ? top[0] : null; // after the last step it is known
        card.classList.toggle("is-unknown", id === null && found === null);
        card.classList.toggle("is-found", found !== null);
        if (id === null) titled(this, card, found === null ? "?" : this.title(found));
      }
    });
    for (const { film } of columns) this.nodes.get(`above ${film} 0`)?.setAttribute("tabindex", this.form === "strip" ? "-1" : "0");
    for (const key of [...this.nodes.keys()]) if (/^(above|below) /.test(key) && !kept.has(key)) this.drop(key);
  }

  /** @param {string} key */
  drop(key) {
    this.get(key).remove();
    this.nodes.delete(key);
    delete this.now[key];
  }

  /** The noise level of a column's next film; 0 for a clean one. @param {number} i @param {number} columns */
  level(i, columns) {
    const { noise = "token", mode } = this.wanted, { step } = this.flow, last = i === columns - 1;
    if (mode === "use") return last ? (step ? step.t : 31) : 0;
    if (noise === "sequence") return ONE_LEVEL;
    return noise === "token" ? DRAWN_LEVELS[i % DRAWN_LEVELS.length] : last ? ONE_LEVEL : 0;
  }

  /** How much of it is noise, from 0 to 1. @param {number} i @param {number} columns */
  grain(i, columns) {
    const { mode } = this.wanted, { step } = this.flow, last = i === columns - 1;
    if (mode === "use" && last) return step ? step.noise : 1;
    const level = this.level(i, columns), shares = this.lesson.content[4]?.noise;
    return level ? shares?.[level] ?? level / 31 : 0;
  }

  list() {
    const list = this.get("list"), { boxes } = this.arrangement, { top, target, answer } = this.answered, kept = new Set();
    top.slice(0, LISTED).forEach((id, i) => {
      const key = `row ${id}`;
      kept.add(key);
      if (!this.nodes.has(key)) {
        const row = element("li", "row");
        row.append(element("span", "rank"), element("span", "title", this.title(id), { title: this.title(id) }));
        row.dataset.box = "list";
        this.nodes.set(key, row);
      }
      const row = this.get(key);
      /** @type {HTMLElement} */ (row.firstElementChild).textContent = String(i + 1);
      row.classList.toggle("is-target", id === target);
      row.classList.toggle("is-answer", id === answer);
      this.goal[key] = boxes[`row${i}`];
      if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null);
    });
    for (const key of [...this.nodes.keys()]) if (key.startsWith("row ") && !kept.has(key)) this.drop(key);
    this.goal.list = [0, 0, 0, 0];
    this.get("star").textContent = target ? this.lesson.text(this.wanted.mode === "training" ? "picture.star.training" : "picture.star.use", { film: this.title(target) }) : "";
  }

  /** @param {number} id */
  title(id) {
    return this.lesson.content.films?.titles[id] ?? String(id);
  }

  /** Lit, dimmed, locked. */
  mark() {
    const { lit, locks = [], mode, noise = "token" } = this.wanted;
    const on = (/** @type {string} */ box) => !lit.length || lit.includes(box);
    for (const node of this.nodes.values()) {
      const box = node.dataset.box ?? "";
      node.classList.toggle("is-dim", !(on(box) || (box === "push" && on("scores")) || (box === "pull" && on("x0"))));
      node.classList.toggle("is-lit", lit.includes(box));
      node.classList.toggle("is-locked", locks.includes(box));
    }
    this.root.classList.toggle("is-unlisted", this.wanted.unlisted === true);
    this.root.dataset.noise = mode === "training" ? noise : "";
    this.isLit = on;
    const valve = /** @type {HTMLElement} */ (this.get("valve").firstElementChild);
    valve.textContent = this.form === "strip" || this.wanted.unweighted ? this.lesson.text("picture.boxes.noise.label") : this.lesson.text("picture.weight", { weight: this.flow.weight });
    const caption = /** @type {HTMLElement} */ (this.get("history").firstElementChild), all = this.flow.films.length - Number(mode === "training");
    caption.textContent = this.lesson.text(all > this.shown.length ? "picture.last" : "picture.boxes.history.label", { shown: this.shown.length, count: all });
    const back = /** @type {HTMLElement} */ (this.get("back").firstElementChild), { step } = this.flow;
    back.textContent = step ? this.lesson.text("picture.step", { step: step.at, steps: step.of }) : this.lesson.text("picture.boxes.back.label");
    for (const name of [...OPENS, "condition"]) { // the label that is seen is part of the name that is heard
      const label = this.get(name).firstElementChild?.textContent ?? "";
      attribute(this.get(name), "aria-label", this.lesson.text("picture.named", { label, name: this.name(BOX_OF[name] ?? name) }));
    }
  }

  /** @param {number} lasts */
  move(lasts) {
    cancelAnimationFrame(this.frame);
    this.from = { ...this.now };
    this.started = performance.now();
    this.lasts = lasts;
    this.tick();
  }

  tick() {
    const share = this.lasts ? Math.min(1, (performance.now() - this.started) / this.lasts) : 1, eased = share * share * (3 - 2 * share);
    this.now = between(this.from, this.goal, eased);
    this.draw();
    if (share < 1) this.frame = requestAnimationFrame(() => this.tick());
  }

  draw() {
    const { width, height } = this.arrangement;
    for (const [name, value] of Object.entries({ width, height })) {
      this.root.style.setProperty(name, `${value}px`);
      attribute(this.drawing, name, String(value));
    }
    for (const [key, node] of this.nodes) {
      const box = this.now[key], place = box?.map((value) => value.toFixed(1)).join(" ") ?? "";
      if (this.placed.get(node) === place && !node.classList.contains("is-dragged")) continue;
      this.placed.set(node, place);
      node.hidden = !box;
      if (!box) continue;
      node.style.transform = `translate(${box[0].toFixed(1)}px, ${box[1].toFixed(1)}px)`;
      if (key === "list") continue;
      node.style.width = `${box[2].toFixed(1)}px`;
      node.style.height = `${box[3].toFixed(1)}px`;
    }
    this.drawRoutes();
    this.drawCells();
  }

  drawRoutes() {
    const columns = this.shown.map(({ at }, i) => ({
      at,
      above: this.now[this.key("above", i)],
      below: this.now[this.key("below", i)],
      c: this.now[`condition${i}`],
    }));
    const drawn = routes({ form: this.form, boxes: this.now, columns, rows: this.answered.top.slice(0, LISTED).map((id) => this.now[`row ${id}`]),
      flow: this.answered, scene: this.wanted, focus: this.at, height: this.arrangement.height });
    const kept = new Set();
    for (const { key, name, box, d, width } of drawn) {
      kept.add(key);
      const path = this.path(this.routesLayer, key);
      attribute(path, "class", `${name}${box.some((each) => this.isLit(each)) ? "" : " is-dim"}`);
      attribute(path, "d", d);
      path.style.strokeWidth = width === undefined ? "" : `${width.toFixed(2)}px`;
    }
    for (const [key, path] of this.paths) if (!key.startsWith("cells ") && !kept.has(key)) { path.remove(); this.paths.delete(key); }
  }

  /** How wide a word is, as a multiple of its size. @param {string} word */
  wordWidth(word) {
    if (this.pen) this.pen.font = `500 ${MEASURED}px ${getComputedStyle(this.root).fontFamily}`;
    return (this.pen?.measureText(word).width ?? 0) / MEASURED;
  }

  /** The key of a column's card. @param {"above" | "below"} row @param {number} i */
  key(row, i) {
    const columns = this.shown, { film, next } = columns[i];
    if (row === "below") return next === null ? "below ?" : `below ${next} ${i}`;
    return `above ${film} ${columns.slice(0, i).filter((each) => each.film === film).length}`;
  }

  /** Vectors as sixteen cells: c at every position, and x0_hat. */
  drawCells() {
    const { condition, x0 } = this.answered, kept = new Set();
    const one = (/** @type {string} */ key, /** @type {string} */ name, /** @type {ArrayLike<number>} */ vector, /** @type {Box} */ box, /** @type {boolean} */ lit) => {
      const data = cells(vector, box[0], box[1], box[2] / 4, 4);
      for (const [sign, d] of Object.entries(data)) {
        kept.add(`cells ${key} ${sign}`);
        const path = this.path(this.cellsLayer, `cells ${key} ${sign}`);
        attribute(path, "class", `${name} ${sign}${lit ? "" : " is-dim"}`);
        attribute(path, "d", d);
      }
    };
    this.shown.forEach(({ at }, i) => {
      const box = this.now[`condition${i}`], vector = condition?.[at];
      if (box && vector) one(`c${i}`, "condition", vector, box, this.isLit("condition"));
    });
    if (x0 && this.now.x0) one("x0", "answer", x0, this.now.x0, this.isLit("x0"));
    for (const [key, path] of this.paths) if (key.startsWith("cells ") && !kept.has(key)) { path.remove(); this.paths.delete(key); }
  }

  /** @param {SVGElement} layer @param {string} key */
  path(layer, key) {
    const path = this.paths.get(key) ?? svg(layer, "path");
    this.paths.set(key, path);
    return path;
  }

  /** Whose attention is drawn. @param {number} at a position of the history, -1 for the last */
  look(at) {
    if (at === this.at) return;
    this.at = at;
    this.drawRoutes();
  }

  /** Where the first lit box is, for lines to the stage. */
  anchor() {
    const own = this.lit();
    if (this.form !== "strip" || !own.length) return null;
    const left = Math.min(...own.map((box) => box[0])), top = Math.min(...own.map((box) => box[1])), at = this.root.getBoundingClientRect(), scale = scaleOf(this.root);
    const right = Math.max(...own.map((box) => box[0] + box[2])), bottom = Math.max(...own.map((box) => box[1] + box[3]));
    return new DOMRect(at.left + scale * left, at.top + scale * top, scale * (right - left), scale * (bottom - top));
  }

  /** The parts of the first lit box, where they are going. */
  lit() {
    return [...this.nodes.entries()].filter(([name, node]) => node.dataset.box === this.wanted.lit[0] && name !== "list" && this.goal[name]).map(([name]) => this.goal[name]);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.waiting);
    this.leave();
    this.sizes.disconnect();
    this.detail.close();
    this.scroller.remove();
  }
}
