/* Chapter 6, three stages: four covered cells, the stages at their true length, and each stage left out. */

import { element, svg } from "../dom.js";
import { line, signed } from "../format.js";
import { linear } from "../scales.js";
import { beyondChance, dataOf, rightOfShown, SURE, trainings } from "./figures.js";
import { paragraph } from "./texts.js";

/** @import { Chapter, Content, Lesson } from "./types" */

const STAGES6 = ["pretrain", "warmup", "finetune"];
const CELLS6 = [["random", "squared error"], ["random", "both losses"], ["pretrained", "squared error"], ["pretrained", "both losses"]];
/** What each stage does with each part. @type {Record<string, Record<string, string>>} */
const STATES = {
  pretrain: { films: "moves", reader: "other", denoiser: "absent" },
  warmup: { films: "held", reader: "fresh", denoiser: "fresh" },
  finetune: { films: "moves", reader: "moves", denoiser: "moves" },
};
const WIDE6 = 860; // pixels a drawing has where there is room: its letters are as large on a narrow screen
const LEFT_OUT = ["no-pretrain", "no-warmup", "no-finetune"];

/** @type {Chapter} */
export const chapter6 = {
  id: 6,
  steps: 6,
  scene(step) {
    if (step < 2) return { lit: ["table", "next", "x0"], mode: "training" };
    if (step === 2) return { lit: ["table", "history", "reader"], mode: "use", plain: true, unlisted: true, strip: "pretrain" };
    if (step === 3) return { lit: ["table", "reader", "denoiser"], mode: "training", locks: ["table"] };
    return { lit: ["table", "reader", "denoiser"], mode: step === 4 ? "training" : "use" };
  },
  guess(content) {
    const cosines = CELLS6.map(([start, loss]) => cellOf(content, start, loss)?.mean_cosine.value);
    if (cosines.some((cosine) => cosine === undefined)) return null;
    const [, push, pretrained] = cosines.map((cosine) => cosine <= content[6].narrow);
    return { right: push && pretrained ? 2 : pretrained ? 0 : push ? 1 : 3 };
  },
  number(content) {
    const { whole, source } = content[6]?.leave_outs ?? {}, right = whole?.["hr@10"];
    return right ? { value: right.value.toFixed(1), uncertainty: right.error.toFixed(1), seeds: right.seeds, source: dataOf({ source }) } : null;
  },
  numberFrom: 5,
  door: ({ content }) => ({ page: "train", parameters: { run: content.runs.direct } }),
  mount(stage, lesson) {
    if (!lesson.content[6]?.stages?.length) return null;
    const box = element("div", "stages6");
    stage.append(box);
    const time = stageTimeline(box, lesson), cells = fourCells(box, lesson), told = element("div", "told6"), out = leaveOuts(box, lesson);
    box.append(told);
    return {
      show(step) {
        const at = step >= 2 && step <= 4 ? step - 2 : null;
        time.show(at);
        cells.box.hidden = step > 1;
        cells.show(step === 1);
        told.hidden = at === null;
        if (at !== null) told.replaceChildren(...stageWords(lesson, at));
        time.box.hidden = step === 5;
        out.box.hidden = step !== 5;
      },
      stop() {},
    };
  },
};

/** @param {Content} content @param {string} start @param {string} loss @returns {any} */
function cellOf(content, start, loss) {
  return content[6]?.cells?.cells?.[start]?.[loss];
}

/** @param {HTMLElement} parent */
function drawnWidth(parent) {
  return Math.min(WIDE6, parent.clientWidth || WIDE6);
}

/** The stages one after another, as long as they were, with the people right at every validation. @param {HTMLElement} parent @param {Lesson} lesson */
function stageTimeline(parent, lesson) {
  const { stages } = lesson.content[6], box = element("figure", "time6"), width = drawnWidth(parent), height = 126, left = 34, base = 104;
  const plot = svg(box, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": lesson.text("6.timeline", Object.fromEntries(stages.map((/** @type {any} */ one) => [one.stage, one.steps]))) });
  parent.append(box);
  const total = stages.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.steps, 0), most = Math.max(...stages.flatMap((/** @type {any} */ one) => one.validations.map((/** @type {number[]} */ v) => v[1])));
  const x = linear(0, total, left, width - 4), y = linear(0, Math.ceil(most / 5) * 5, base, 8);
  for (const right of [0, 5, 10, 15].filter((value) => value <= Math.ceil(most / 5) * 5)) {
    svg(plot, "path", { class: "rule", d: `M${left} ${y(right)}H${width - 4}` });
    svg(plot, "text", { class: "tick end", x: left - 6, y: y(right) + 4 }, String(right));
  }
  let before = 0;
  const lengths = element("ul", "lengths6");
  const parts = stages.map((/** @type {any} */ one) => {
    const part = svg(plot, "g", { class: `stage6 is-${one.stage}` }), from = x(before), to = x(before + one.steps), wide = to - from > 60;
    svg(part, "rect", { x: from + 0.5, y: base + 6, width: Math.max(to - from - 1, 2), height: 14 });
    const points = one.validations.map((/** @type {number[]} */ [step, right]) => [x(before + step), y(right)]);
    svg(part, "path", { class: "right", d: line(points) });
    for (const [cx, cy] of points) svg(part, "circle", { cx, cy, r: wide ? 2.2 : 4 });
    const length = element("li", `is-${one.stage}`, lesson.text(`6.lengths.${one.stage}`, { steps: one.steps, epochs: one.epochs }));
    lengths.append(length);
    before += one.steps;
    return { part, length };
  });
  box.append(lengths);
  box.prepend(element("figcaption", "tick", lesson.text("6.curve", rightOfShown(lesson.content))));
  return {
    box,
    /** @param {number | null} at the stage that is told, or null for all */
    show(at) {
      parts.forEach((/** @type {{ part: Element, length: Element }} */ { part, length }, /** @type {number} */ i) => {
        part.classList.toggle("is-dim", at !== null && i !== at);
        length.classList.toggle("is-told", i === at);
      });
    },
  };
}

/** What a stage moves, what it holds, and what for. @param {Lesson} lesson @param {number} at */
function stageWords(lesson, at) {
  const name = STAGES6[at], { validations } = lesson.content[6].stages[at], values = { first: validations[0][1], last: validations.at(-1)[1], best: Math.max(...validations.map((/** @type {number[]} */ v) => v[1])) };
  const title = element("h3", "", lesson.text(`6.stages.${name}.title`)), parts = element("ul", "parts6");
  for (const [part, state] of Object.entries(STATES[name])) {
    const item = element("li", `is-${state}`);
    item.append(element("b", "", lesson.text(`6.parts.${part}`)), element("span", "", lesson.text(`6.states.${state}`)));
    if (state === "held") svg(svg(item, "svg", { class: "lock", viewBox: "0 0 14 16", "aria-hidden": "true" }), "path", { d: "M2 7h10v8H2zM4 7V4.5a3 3 0 0 1 6 0V7" });
    parts.append(item);
  }
  return [title, parts, paragraph(lesson, `6.stages.${name}.words`, values)];
}

/** Of 100 people, for how many each cell's run is right; null until every cell is measured. @param {Content} content */
function rightOf(content) {
  const cells = CELLS6.map(([start, loss]) => cellOf(content, start, loss)?.end);
  if (cells.some((cell) => !cell)) return null;
  const [alone, pushed, pretrainedAlone, pretrainedPushed] = cells.map(({ value, error }) => `${value.toFixed(1)} ± ${error.toFixed(1)}`);
  return { alone, pushed, pretrainedAlone, pretrainedPushed, seeds: cells[1].seeds };
}

/** Random or pre-trained start, squared error or both losses: covered, then uncovered. @param {HTMLElement} parent @param {Lesson} lesson */
function fourCells(parent, lesson) {
  const box = element("div", "cells6", "", { role: "group", "aria-label": lesson.text("6.cells") });
  box.append(element("small"), ...["squared error", "both losses"].map((loss) => element("b", "", lesson.text(`6.losses.${loss}`))));
  const cells = CELLS6.map(([start, loss], i) => {
    if (i % 2 === 0) box.append(element("b", "row", lesson.text(`6.starts.${start}`)));
    const cell = element("div", "cell6");
    box.append(cell);
    return { cell, found: cellOf(lesson.content, start, loss) };
  });
  const right = rightOf(lesson.content), decides = right ? paragraph(lesson, "6.decides", { ...right, trainings: trainings(lesson, right.seeds) }, "decides") : "";
  box.append(decides);
  parent.append(box);
  return {
    box,
    /** @param {boolean} open */
    show(open) {
      if (decides) decides.hidden = !open;
      for (const { cell, found } of cells) {
        cell.classList.toggle("is-open", open && Boolean(found));
        if (!open || !found) cell.replaceChildren(element("span", "cover", lesson.text(found ? "6.covered" : "6.missing")));
        else cell.replaceChildren(...uncovered(lesson, found));
      }
    },
  };
}

/** The angle between two typical films of a cell's table. @param {Lesson} lesson @param {any} found */
function uncovered(lesson, found) {
  const cosine = found.mean_cosine.value, angle = Math.acos(Math.min(1, Math.max(-1, cosine))), kind = cosine > lesson.content[6].narrow ? "narrow" : "healthy";
  const picture = element("div", "angle6"), drawing = svg(picture, "svg", { viewBox: "0 0 64 46", "aria-hidden": "true" });
  for (const turn of [-angle / 2, angle / 2]) svg(drawing, "path", { d: `M32 42L${(32 + 40 * Math.sin(turn)).toFixed(1)} ${(42 - 40 * Math.cos(turn)).toFixed(1)}` });
  const words = paragraph(lesson, "6.cell", {
    word: lesson.text(`kinds.${kind}.word`), sign: lesson.text(`kinds.${kind}.sign`), angle: Math.round((180 * angle) / Math.PI),
  });
  return [picture, words];
}

/** Each stage left out: the difference as an interval around zero, and below which size it would have gone unseen. @param {HTMLElement} parent @param {Lesson} lesson */
function leaveOuts(parent, lesson) {
  const { without = {} } = lesson.content[6].leave_outs, box = element("figure", "without6"), rows = Object.entries(without).map(([name, metrics]) => ({ name, ...metrics["hr@10"]["less the whole"] }));
  parent.append(box);
  if (!rows.length) {
    box.append(element("p", "", lesson.text("6.missing")));
    return { box };
  }
  const width = drawnWidth(parent), beside = width > 560, label = beside ? 200 : 10, head = beside ? 0 : 22, row = head + 38, height = row * rows.length + 34, reach = 1.1 * Math.max(...rows.map((one) => Math.abs(one.value) + SURE * one.error));
  const x = linear(-reach, reach, label, width - 10), caption = element("figcaption"), seeds = Math.min(...rows.map((one) => one.seeds));
  caption.append(lesson.rich("6.without", { trainings: trainings(lesson, seeds) }));
  if (!rows.some(beyondChance)) box.append(paragraph(lesson, "6.believe", { detectable: Math.max(...rows.map((one) => one.detectable)).toFixed(1) }));
  box.append(caption);
  const plot = svg(box, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": rows.map((one) => differs(lesson, one)).join(" ") });
  rows.forEach((one, i) => {
    const y = row * i + (row + head) / 2, { value, error } = one;
    svg(plot, "text", beside ? { class: "end", x: label - 14, y: y + 5 } : { x: 0, y: row * i + 14 }, lesson.text(`6.left.${one.name}`));
    svg(plot, "path", { class: "interval", d: `M${x(value - SURE * error)} ${y}H${x(value + SURE * error)}` });
    svg(plot, "circle", { cx: x(value), cy: y, r: 5.5 });
  });
  svg(plot, "path", { class: "zero", d: `M${x(0)} 4V${row * rows.length}` });
  const step = reach > 4 ? 2 : 1;
  for (let value = -Math.floor(reach / step) * step; value <= reach; value += step) svg(plot, "text", { class: "tick middle", x: x(value), y: row * rows.length + 14 }, signed(value, 0));
  svg(plot, "text", { class: "tick middle", x: x(0), y: height - 4 }, lesson.text("6.difference"));
  const said = element("ul");
  said.append(...rows.map((one) => element("li", "", differs(lesson, one))));
  const absent = LEFT_OUT.filter((name) => !without[name]).map((name) => lesson.text(`6.left.${name}`));
  if (absent.length) said.append(element("li", "", lesson.text("6.absent", { absent: absent.join(", ") })));
  box.append(said);
  return { box };
}

/** @param {Lesson} lesson @param {any} one */
function differs(lesson, { name, value, error }) {
  return lesson.text(beyondChance({ value, error }) ? "6.differs" : "6.hardly", {
    left: lesson.text(`6.left.${name}`), value: signed(value, 1), low: signed(value - SURE * error, 1), high: signed(value + SURE * error, 1),
  });
}
