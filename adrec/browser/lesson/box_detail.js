/* A box of the living picture, opened: what it does in a sentence, then what goes in and out as pictures, then its formula.

It stands where the lesson's words stand, or at the foot of a phone, so that the whole picture stays visible: the box and its lines in and out. */

import { element } from "../dom.js";
import { addHeatMap, addLeaveOneOut } from "./attention.js";
import { norm, strip } from "./strip.js";

/** @import { Flow } from "./flow" */
/** @import { Lesson } from "./types" */

const DEPTHS = ["sentence", "numbers", "formula"];

/** What goes in and out of a box: a label's key, the class of its colour, the vector. @type {Record<string, (flow: Flow) => [string, string, ArrayLike<number> | undefined][]>} */
const VECTORS = {
  table: (flow) => [["film", "history", rowOf(flow, flow.films[flow.films.length - 1])]],
  history: (flow) => [["film", "history", rowOf(flow, flow.films[flow.films.length - 1])]],
  reader: (flow) => [["film", "history", rowOf(flow, flow.films[flow.films.length - 1])], ["c", "condition", flow.condition?.[flow.films.length - 1]]],
  condition: (flow) => [["c", "condition", flow.condition?.[flow.films.length - 1]]],
  next: (flow) => [["xt", "noise", flow.x]],
  noise: (flow) => [["c", "condition", flow.condition?.[flow.films.length - 1]], ["weighted", "noise", flow.x && flow.x.map((value) => value * flow.weight)]],
  denoiser: (flow) => [["c", "condition", flow.condition?.[flow.films.length - 1]], ["weighted", "noise", flow.x && flow.x.map((value) => value * flow.weight)], ["x0", "answer", flow.x0]],
  x0: (flow) => [["x0", "answer", flow.x0], ["first", "history", rowOf(flow, flow.top[0])]],
  scores: (flow) => [["x0", "answer", flow.x0], ["first", "history", rowOf(flow, flow.top[0])]],
  back: (flow) => [["xt", "noise", flow.x], ["x0", "answer", flow.x0]],
  list: () => [],
};

/** A film's own numbers. @param {Flow} flow @param {number} id */
function rowOf({ table }, id) {
  return table?.values.subarray(id * table.width, (id + 1) * table.width);
}

export class BoxDetail {
  /** @param {HTMLElement} host the whole lesson @param {Lesson} lesson */
  constructor(host, lesson) {
    this.lesson = lesson;
    this.depth = 0;
    this.box = "";
    /** @type {Flow | null} */
    this.flow = null;
    /** @type {HTMLElement | null} */
    this.opener = null;
    this.panel = element("section", "detail", "", { role: "dialog", tabindex: "-1" });
    this.panel.hidden = true;
    this.panel.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      this.close();
      event.stopPropagation();
    };
    host.append(this.panel);
  }

  /** @param {string} box @param {Flow} flow @param {HTMLElement} opener */
  open(box, flow, opener) {
    if (this.box === box) this.depth = (this.depth + 1) % DEPTHS.length; // pressed again: deeper
    else this.depth = 0;
    this.opener?.setAttribute("aria-expanded", "false");
    opener.setAttribute("aria-expanded", "true");
    Object.assign(this, { box, flow, opener });
    this.panel.hidden = false;
    this.panel.setAttribute("aria-label", this.lesson.text(`picture.boxes.${box}.name`));
    this.fill();
    this.panel.focus({ preventScroll: true });
    opener.scrollIntoView({ block: "nearest", behavior: this.lesson.reducedMotion ? "auto" : "smooth" }); // clear of the panel at a phone's foot
  }

  /** @param {Flow} flow */
  refresh(flow) {
    this.flow = flow;
    if (!this.panel.hidden && this.depth === 1 && !this.panel.querySelector(".opened")) this.fill();
  }

  close() {
    if (this.panel.hidden) return;
    const within = this.panel.contains(this.panel.ownerDocument.activeElement);
    this.panel.hidden = true;
    this.box = "";
    this.opener?.setAttribute("aria-expanded", "false");
    if (within || this.panel.matches(":focus-within")) this.opener?.focus({ preventScroll: true });
  }

  fill() {
    const { lesson, box, depth } = this, head = element("header"), leave = element("button", "leave", "×", { type: "button", "aria-label": lesson.text("picture.close") });
    leave.onclick = () => this.close();
    const tabs = element("div", "depths", "", { role: "tablist", "data-arrows": "" });
    DEPTHS.forEach((name, at) => {
      const tab = element("button", "", lesson.text(`picture.depths.${name}`), { type: "button", role: "tab", "aria-selected": String(at === depth), tabindex: at === depth ? "0" : "-1" });
      tab.onclick = () => this.go(at);
      tab.onkeydown = (event) => {
        const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        if (!by) return;
        event.preventDefault();
        this.go((at + by + DEPTHS.length) % DEPTHS.length);
      };
      tabs.append(tab);
    });
    head.append(element("h3", "", lesson.text(`picture.boxes.${box}.name`)), tabs, leave);
    const body = element("div", "body", "", { role: "tabpanel" });
    this.panel.replaceChildren(head, body);
    if (depth === 0) body.append(this.paragraph("sentence"));
    else if (depth === 1) this.numbers(body);
    else body.append(this.paragraph("formula"));
  }

  /** @param {number} depth */
  go(depth) {
    this.depth = depth;
    this.fill();
    /** @type {HTMLElement | null} */ (this.panel.querySelector("[aria-selected=true]"))?.focus({ preventScroll: true });
  }

  /** @param {string} name */
  paragraph(name) {
    const line = element("p", name);
    line.append(this.lesson.rich(`picture.boxes.${this.box}.${name}`, { weight: this.flow?.weight ?? "" }));
    return line;
  }

  /** Strips on one scale of length, then what is particular to a box. @param {HTMLElement} body */
  numbers(body) {
    const { lesson, box, flow } = this;
    if (!flow) return;
    const shown = VECTORS[box](flow).filter(([, , vector]) => vector), full = Math.max(0, ...shown.map(([, , vector]) => norm(vector ?? [])));
    body.append(this.paragraph("numbers"));
    const rows = element("div", "vectors");
    for (const [key, name, vector] of shown) {
      if (!vector) continue;
      const length = norm(vector).toPrecision(3).replace(/\.?0+$/, ""), label = element("span", "label");
      label.append(lesson.rich(`picture.vectors.${key}`, { film: lesson.content.films?.titles[key === "first" ? flow.top[0] : flow.films[flow.films.length - 1]] ?? "" }));
      const cell = element("div", "drawn");
      strip(cell, name).show(vector, full, lesson.text("picture.vector", { name: label.textContent ?? "", length }));
      rows.append(label, cell, element("span", "size", lesson.text("picture.length", { length })));
    }
    if (shown.length) body.append(rows, element("p", "note", lesson.text("picture.stripNote")));
    if (box === "reader") this.attention(body, flow);
  }

  /** Attention behind a press, beside what leaving a film out does. @param {HTMLElement} body @param {Flow} flow */
  attention(body, flow) {
    const { lesson } = this, open = element("button", "plain", lesson.text("picture.attention.open"), { type: "button" });
    if (!flow.attention || !flow.engine) return;
    open.onclick = () => {
      const both = element("div", "opened");
      open.replaceWith(both);
      addHeatMap(both, lesson, flow);
      addLeaveOneOut(both, lesson, flow);
      both.append(element("p", "note", lesson.text("picture.attention.differ")));
    };
    body.append(open);
  }
}
