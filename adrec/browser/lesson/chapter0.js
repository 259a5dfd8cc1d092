/* Chapter 0, the hook: two people, three models, six lists. */

import { element } from "../dom.js";
import { number } from "../format.js";
import { dataOf } from "./figures.js";
import { filmList, titleOf } from "./films.js";
import { likeness, matrixFilms } from "./likeness.js";

/** @import { Chapter, Content, Lesson } from "./types" */

const LETTERS = ["A", "B", "C"];

/** The counted figures of a model, or null. @param {Content} content @param {string} model */
const counted0 = (content, model) => content[0]?.counted?.columns?.[model] ?? null;

/** @type {Chapter} */
export const chapter0 = {
  id: 0,
  steps: 3,
  scene: () => null,
  guess: (content) => (content[0] ? { right: Object.keys(content[0].models).indexOf("healthy") } : null),
  number: (content) => {
    const models = Object.keys(content[0]?.models ?? {}), found = models.map((model) => counted0(content, model));
    if (!found.length || found.some((each) => !each)) return null;
    const right = Object.fromEntries(models.map((model, i) => [model, found[i]["hr@10"].value.toFixed(1)]));
    return { value: right.healthy, uncertainty: found[models.indexOf("healthy")]["hr@10"].error.toFixed(1), ...right, source: dataOf(content[0].counted) };
  },
  mount: (stage, lesson) => (lesson.content[0] ? mountHook(stage, lesson) : null),
};

/** @param {HTMLElement} stage @param {Lesson} lesson */
function mountHook(stage, lesson) {
  const content = lesson.content[0], names = Object.keys(content.models), root = element("div", "hook");
  const people = content.people.map((/** @type {string} */ key) => lesson.content.people.find((/** @type {any} */ person) => person.key === key));
  root.append(peopleColumn(lesson, people));
  const columns = names.map((model, i) => modelColumn(lesson, model, i, people));
  root.append(...columns.map((column) => column.root));
  stage.append(root);
  return {
    /** @param {number} step */
    show(step) {
      root.dataset.step = String(step);
      for (const column of columns) column.show(step);
    },
    stop: () => columns.forEach((column) => column.stop()),
  };
}

/** Who asks, and what the figures below are. @param {Lesson} lesson @param {any[]} people */
function peopleColumn(lesson, people) {
  const column = element("div", "who"), head = element("div", "head reading");
  head.append(element("p", "inside", lesson.text("0.inside", { films: lesson.content.likeness.films.length })));
  for (const mark of ["shared", "chosen"]) head.append(element("p", "signs", `${lesson.text(`parts.${mark}Sign`)} ${lesson.text(`parts.${mark}`)}`));
  column.append(head);
  for (const person of people) {
    const cell = element("div", "person"), history = element("ul");
    history.append(element("li", "earlier", lesson.text("0.earlier", { count: person.begun }), { title: person.history.slice(0, person.begun).map((/** @type {number} */ film) => titleOf(lesson, film)).join(", ") }),
      ...person.history.slice(person.begun).map((/** @type {number} */ film) => element("li", "", titleOf(lesson, film))));
    cell.append(element("h3", "", lesson.text(`people.${person.key}`)), history);
    column.append(cell);
  }
  const rows = element("div", "counts");
  rows.append(...["different", "shared", "right"].map((name) => element("span", "", lesson.text(`0.counts.${name}`, { people: lesson.content[0].counted.people ?? "" }))));
  column.append(rows);
  return column;
}

/** @param {Lesson} lesson @param {string} model @param {number} at @param {any[]} people */
function modelColumn(lesson, model, at, people) {
  const content = lesson.content[0], root = element("section", `model of-${model}`), head = element("div", "head");
  const letter = lesson.text("0.model", { letter: LETTERS[at] }), button = element("button", "ask", letter, { type: "button" });
  button.onclick = () => lesson.answer(at);
  const kind = element("p", "kind"), short = element("p", "short", lesson.text(`kinds.${model}.says`));
  kind.append(element("span", "sign", lesson.text(`kinds.${model}.sign`), { "aria-hidden": "true" }), ` ${lesson.text(`kinds.${model}.lists`)}`);
  head.append(button, kind, short);
  root.append(head);
  /** @type {number[][]} */
  const tens = people.map((_, i) => [...content[`${model}.lists`].slice(10 * i, 10 * i + 10)]);
  const both = new Set(tens[0].filter((film) => tens[1].includes(film)));
  const lists = people.map((person) => {
    const cell = element("div", "ten");
    root.append(cell);
    return { ...filmList(cell, lesson), label: lesson.text("0.list", { model: letter, person: lesson.text(`people.${person.key}`) }), chosen: new Set(person.history) };
  });
  const square = element("div", "square");
  root.append(square);
  const matrix = likeness(square, {
    ...matrixFilms(lesson, at === 0),
    label: lesson.text(`kinds.${model}.matrix`),
    still: true,
  });
  square.append(element("p", "reads", lesson.text(`kinds.${model}.matrix`)));
  const figures = counted0(lesson.content, model);
  if (figures) root.append(counts(lesson, figures));
  const themed = lesson.on("theme", () => matrix.redraw());
  return {
    root,
    /** @param {number} step */
    show(step) {
      const known = step > 0;
      button.disabled = known || lesson.state.guesses[0] !== undefined;
      for (const node of [kind, short]) node.hidden = !known;
      lists.forEach((list, i) => list.show(tens[i], list.label, { shared: known ? both : new Set(), chosen: known ? list.chosen : new Set() }));
      if (step === 2) matrix.show(content[`${model}.cosines`]);
    },
    stop() {
      matrix.stop();
      themed();
    },
  };
}

/** What was counted over many people. @param {Lesson} lesson @param {any} figures */
function counts(lesson, figures) {
  const cell = element("dl", "counts"), people = lesson.content[0].counted.people;
  const values = {
    different: number(figures["different films"]),
    shared: figures["films that two people share"].toFixed(1),
    right: lesson.text("parts.plusMinus", { value: figures["hr@10"].value.toFixed(1), error: figures["hr@10"].error.toFixed(1) }),
  };
  for (const [name, value] of Object.entries(values)) {
    const line = element("div");
    line.append(element("dt", "", lesson.text(`0.counts.${name}`, { people })), element("dd", "", value));
    cell.append(line);
  }
  return cell;
}
