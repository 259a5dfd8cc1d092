/* Chapter 2, a film as numbers: which films are nearest before and after training, and the film of the training. */

import { element } from "../dom.js";
import { dataOf } from "./figures.js";
import { filmList, filmSearch, titleOf } from "./films.js";
import { likeness, matrixFilms } from "./likeness.js";
import { paragraph } from "./texts.js";

/** @import { Chapter, Content, Lesson } from "./types" */

const TEN = 10;
const PER_FRAME = 1100; // milliseconds
const LISTS = ["genre", "popular", "near"];
const LIST_LETTERS = ["A", "B", "C"];

/** The ten nearest of a film at a frame, by id. @param {Content} content @param {number} frame @param {number} film @returns {number[]} */
function nearestAt(content, frame, film) {
  const films = content.films.known, from = (frame * films + film - 1) * TEN;
  return [...content[2].near.slice(from, from + TEN)];
}

/** The time of a frame: the epochs so far in which the films could move. @param {Lesson} lesson @param {number} frame */
function when(lesson, frame) {
  const { frames } = lesson.content[2], { stage, epoch } = frames[frame];
  const before = stage === "finetune" ? Math.max(...frames.filter((/** @type {any} */ one) => one.stage === "pretrain").map((/** @type {any} */ one) => one.epoch)) : 0;
  return lesson.text(stage === "initial" ? "2.start" : "2.after", { epochs: before + epoch });
}

/** @type {Chapter} */
export const chapter2 = {
  id: 2,
  steps: 4,
  scene: () => ({ lit: ["table"], mode: "use", plain: true }),
  guess: (content) => (content[2] ? { right: LISTS.indexOf("near"), values: { film: content.films.titles[content[2].film] } } : null),
  numberFrom: 3,
  number: (content) => {
    const { number } = content[2] ?? {};
    if (!number?.start) return null;
    return { value: number.end.value.toFixed(2), start: number.start.value.toFixed(2), seeds: number.end.seeds, source: dataOf(number) };
  },
  door: ({ state, content }) => ({ page: "collapse", parameters: { run: content.runs.people, item: (state.film ?? content[2].film) } }),
  mount: (stage, lesson) => (lesson.content[2] ? mountNumbers(stage, lesson) : null),
};

/** @param {HTMLElement} stage @param {Lesson} lesson */
function mountNumbers(stage, lesson) {
  const root = element("div", "numbers"), lists = threeLists(root, lesson), training = trainingFilm(root, lesson), ends = startAndEnd(root, lesson);
  stage.append(root);
  const parts = [lists, lists, training, ends];
  return {
    /** @param {number} step */
    show(step) {
      for (const part of new Set(parts)) part.root.hidden = part !== parts[step];
      if (step !== 2) training.rest();
      parts[step].show(step);
    },
    stop() {
      training.stop();
      ends.stop();
    },
  };
}

/** The nearest at random, and three lists of which one comes after training. @param {Element} parent @param {Lesson} lesson */
function threeLists(parent, lesson) {
  const { content } = lesson, { film, lists } = content[2], root = element("div", "three-lists"), title = titleOf(lesson, film);
  const start = element("section"), first = filmList(start, lesson);
  start.prepend(element("div", "head", lesson.text("2.untrained", { film: title })));
  root.append(start);
  const columns = LISTS.map((name, i) => {
    const column = element("section", "guessed"), button = element("button", "ask", lesson.text("2.list", { letter: LIST_LETTERS[i] }), { type: "button" });
    const head = element("div", "head"), what = element("p", "what", lesson.text(`2.lists.${name}`, { film: title })), list = filmList(column, lesson);
    button.onclick = () => lesson.answer(i);
    head.append(button, what);
    column.prepend(head);
    root.append(column);
    return { name, column, button, what, list };
  });
  parent.append(root);
  return {
    root,
    /** @param {number} step */
    show(step) {
      const known = step > 0;
      first.show(nearestAt(content, 0, film), lesson.text("2.untrained", { film: title }));
      columns.forEach(({ name, column, button, what, list }, i) => {
        list.show(lists[name], known ? lesson.text(`2.lists.${name}`, { film: title }) : lesson.text("2.list", { letter: LIST_LETTERS[i] }));
        button.disabled = known || lesson.state.guesses[2] !== undefined;
        what.hidden = !known;
        column.classList.toggle("is-true", known && name === "near");
      });
    },
  };
}

/** The film of the training: one film's nearest and the likeness matrix, frame by frame. @param {Element} parent @param {Lesson} lesson */
function trainingFilm(parent, lesson) {
  const { content, state } = lesson, { frames, offered } = content[2], root = element("div", "training-film"), last = frames.length - 1;
  const player = element("div", "player"), play = element("button", "roll", "", { type: "button" }), name = element("output");
  const slider = element("input", "", "", { type: "range", min: "0", max: String(last), step: "1", value: "0", "aria-label": lesson.text("2.time") });
  player.append(play, slider, name);
  const side = element("div", "side"), heading = element("h3"), list = filmList(side, lesson), choose = element("div", "chips");
  const search = filmSearch(lesson, () => [], (film) => pick(film), "2.other");
  const chips = offered.map((/** @type {number} */ film) => {
    const chip = element("button", "chip", titleOf(lesson, film), { type: "button" });
    chip.onclick = () => pick(film);
    return chip;
  });
  choose.append(...chips, search.root);
  side.prepend(heading);
  const alike = paragraph(lesson, "2.alike", {}, "alike");
  alike.append(" ", lesson.text("2.epoch"));
  side.append(alike);
  const square = element("div", "square");
  const matrix = likeness(square, { ...matrixFilms(lesson), label: "", still: lesson.reducedMotion, pair: (a, b, value) => lesson.text("2.pair", { a, b, value: value.toFixed(2) }) });
  root.append(choose, player, side, square);
  parent.append(root);
  const ended = lesson.on("theme", () => matrix.redraw());
  let at = 0, timer = 0, played = false;

  /** @param {number} film */
  function pick(film) {
    lesson.set({ film });
    lesson.done();
    draw();
  }

  function draw() {
    const film = state.film ?? content[2].film;
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", when(lesson, at));
    name.textContent = when(lesson, at);
    heading.textContent = lesson.text("2.nearest", { film: titleOf(lesson, film) });
    list.show(nearestAt(content, at, film), lesson.text("2.nearestAt", { film: titleOf(lesson, film), frame: when(lesson, at) }));
    matrix.show(content[2].cosines.subarray(1600 * at, 1600 * at + 1600), lesson.text("2.matrix", { frame: when(lesson, at) }));
    offered.forEach((/** @type {number} */ other, /** @type {number} */ i) => chips[i].setAttribute("aria-pressed", String(other === film)));
    play.textContent = lesson.text(timer ? "2.pause" : "2.play");
  }

  function rest() {
    clearTimeout(timer);
    timer = 0;
  }

  function run() {
    if (at === last) at = 0;
    const next = () => {
      timer = at < last ? setTimeout(() => { at += 1; next(); }, PER_FRAME) : 0;
      if (at === last) lesson.done();
      draw();
    };
    next();
  }

  play.onclick = () => {
    if (timer) rest();
    else run();
    draw();
  };
  slider.oninput = () => {
    rest();
    at = Number(slider.value);
    if (at === last) lesson.done();
    draw();
  };
  return {
    root,
    rest,
    show() {
      draw();
      if (played) return;
      played = true;
      if (lesson.reducedMotion) at = last;
      else run();
      draw();
    },
    stop() {
      rest();
      matrix.stop();
      ended();
    },
  };
}

/** The first and the last table beside each other, and how many genres are shared in each. @param {Element} parent @param {Lesson} lesson */
function startAndEnd(parent, lesson) {
  const { frames, cosines } = lesson.content[2], root = element("div", "start-end");
  const matrices = [0, frames.length - 1].map((frame, i) => {
    const cell = element("section"), words = when(lesson, frame);
    const matrix = likeness(cell, { ...matrixFilms(lesson, i === 0), label: lesson.text("2.matrix", { frame: words }), still: true });
    cell.prepend(element("h3", "", words));
    cell.append(element("p", "genres", lesson.text("2.genres", { value: frames[frame].genres.toFixed(2) })));
    root.append(cell);
    return { matrix, frame };
  });
  root.append(paragraph(lesson, "2.alike", {}, "alike"));
  parent.append(root);
  const ended = lesson.on("theme", () => matrices.forEach(({ matrix }) => matrix.redraw()));
  return {
    root,
    show() {
      for (const { matrix, frame } of matrices) matrix.show(cosines.subarray(1600 * frame, 1600 * frame + 1600));
    },
    stop() {
      for (const { matrix } of matrices) matrix.stop();
      ended();
    },
  };
}
