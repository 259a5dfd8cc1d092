/* Chapter 1, what comes next: twelve candidates, then all films, then how often a list is right. */

import { element } from "../dom.js";
import { number } from "../format.js";
import { ownHistory } from "./catalogue.js";
import { dataOf } from "./figures.js";
import { filmList, glide, historyCards, titleOf } from "./films.js";
import { earlierIn, nameOf, personOf } from "./flow.js";
import { realChoice } from "./real.js";
import { paragraph } from "./texts.js";

/** @import { Chapter, Content, Lesson } from "./types" */

const MOST_CARDS = 9;
const PATIENCE = 400; // milliseconds before the page says that the model is still coming

/** Candidates in the model's order, as places in the content's list. @param {Content} content @returns {number[]} */
const ordered = (content) => content[1].candidates.map((/** @type {number} */ _, /** @type {number} */ i) => i)
  .sort((/** @type {number} */ a, /** @type {number} */ b) => content[1].ranks[a] - content[1].ranks[b]);

/** @type {Chapter} */
export const chapter1 = {
  id: 1,
  steps: 4,
  scene: (step) => ({ lit: step < 2 ? ["history"] : ["history", "list"], mode: "use", plain: true, unlisted: step === 0 }),
  guess: (content) => (content[1] ? { right: ordered(content)[0], names: content[1].candidates.map((/** @type {number} */ film) => content.films.titles[film]) } : null),
  numberFrom: 3,
  number: (content) => {
    const { right, baselines } = content[1] ?? {};
    if (!right || !baselines) return null;
    const shown1 = (/** @type {number} */ value) => value.toFixed(1);
    return {
      value: shown1(right.value), uncertainty: shown1(right.error), popular: shown1(baselines.popular.value), unseen: shown1(baselines["popular and unseen"].value),
      chance: shown1(baselines.chance), source: dataOf(baselines),
    };
  },
  door: ({ state, content }) => ({ page: "denoising", parameters: { run: content.runs.people, view: "own", history: ownHistory(content, "people", state.history).join("-") } }),
  mount: (stage, lesson) => (lesson.content[1] ? mountNext(stage, lesson) : null),
};

/** @param {HTMLElement} stage @param {Lesson} lesson */
function mountNext(stage, lesson) {
  const { content, state } = lesson, root = element("div", "next-film"), people = content.people;
  if (!state.history.length) lesson.set({ history: people[0].history });
  const chips = peopleChips(lesson), heading = element("h3");
  const earlier = () => state.history.slice(0, earlierIn(lesson, state.history, MOST_CARDS));
  const cards = historyCards(root, lesson, MOST_CARDS, (films) => { lesson.set({ history: [...earlier(), ...films] }); lesson.done(); });
  root.prepend(chips.root, heading);
  const body = element("div", "body");
  root.append(body);
  const twelve = candidates(body, lesson), ten = liveTen(body, lesson), yardstick = hundred(body, lesson);
  stage.append(root);
  let shown = 0;

  function draw() {
    const free = shown > 1, before = earlier();
    chips.root.hidden = shown !== 2;
    root.classList.toggle("is-counted", shown === 3);
    chips.show(personOf(lesson)?.key ?? null);
    heading.textContent = lesson.text(["1.chose", "1.order", "1.yours", "1.real"][shown], { person: nameOf(lesson, people[0]), people: number(lesson.content[1].people), earlier: before.length });
    heading.title = shown === 3 ? "" : before.map((film) => titleOf(lesson, film)).join(", ");
    cards.show((free ? state.history : people[0].history).slice(before.length), !free);
    twelve.root.hidden = free;
    ten.root.hidden = shown !== 2;
    yardstick.hidden = shown !== 3;
    if (shown < 2) twelve.show(shown);
    if (shown === 2) ten.show();
  }
  /** The visitor's own history while the first person's twelve are asked about, so that the picture shows the same history as the stage. */
  let kept = state.history;
  const ended = lesson.on("history", draw);
  return {
    /** @param {number} step */
    show(step) {
      if (step < 2 && shown > 1) kept = state.history;
      if (step < 2) lesson.set({ history: people[0].history });
      else if (shown < 2) lesson.set({ history: kept });
      shown = step;
      draw();
    },
    stop() {
      if (shown < 2) lesson.set({ history: kept });
      ten.stop();
      ended();
    },
  };
}

/** One press for each person. @param {Lesson} lesson */
function peopleChips(lesson) {
  const root = element("div", "chips", "", { role: "group", "aria-label": lesson.text("1.people") });
  const buttons = lesson.content.people.map((/** @type {any} */ person) => {
    const chip = element("button", "chip", lesson.text(`people.${person.key}`), { type: "button" });
    chip.onclick = () => lesson.set({ history: person.history });
    root.append(chip);
    return chip;
  });
  return {
    root,
    /** @param {string | null} key */
    show: (key) => lesson.content.people.forEach((/** @type {any} */ person, /** @type {number} */ i) => buttons[i].setAttribute("aria-pressed", String(person.key === key))),
  };
}

/** The twelve candidates, in the order of their titles, then in the model's. @param {Element} parent @param {Lesson} lesson */
function candidates(parent, lesson) {
  const content = lesson.content[1], root = element("div", "twelve"), order = ordered(lesson.content);
  const cells = content.candidates.map((/** @type {number} */ film, /** @type {number} */ i) => {
    const button = element("button", "candidate", "", { type: "button" });
    button.append(element("span", "place"), element("span", "name", titleOf(lesson, film)), element("small", "rank", lesson.text("1.rank", { rank: number(content.ranks[i]), films: number(lesson.content.films.known) })));
    button.onclick = () => lesson.answer(i);
    return button;
  });
  root.append(...cells);
  parent.append(root);
  return {
    root,
    /** @param {number} step */
    show(step) {
      const guess = lesson.state.guesses[1], known = step > 0;
      root.classList.toggle("is-known", known);
      glide(root, lesson.reducedMotion, () => root.append(...(known ? order.map((i) => cells[i]) : cells)));
      cells.forEach((/** @type {HTMLButtonElement} */ cell, /** @type {number} */ i) => {
        cell.disabled = known || guess !== undefined;
        cell.classList.toggle("is-chosen", known && guess?.chosen === i);
        cell.classList.toggle("is-right", known && order[0] === i);
        const [place] = cell.children, marks = known ? [...(order[0] === i ? ["answer"] : []), ...(guess?.chosen === i ? ["guess"] : [])] : [];
        place.textContent = known ? String(order.indexOf(i) + 1) : "";
        cell.querySelectorAll(".mark").forEach((mark) => mark.remove());
        cell.append(...marks.map((mark) => element("span", "mark", lesson.text(`shell.${mark}`))));
      });
    },
  };
}

/** The model's ten for the history as it is now: as computed before for a person as composed, at once by the model for any other. */
function liveTen(/** @type {Element} */ parent, /** @type {Lesson} */ lesson) {
  const { people } = lesson.content, root = element("div", "live-ten"), said = element("p", "note", "", { "aria-live": "polite" });
  const real = realChoice(root, lesson, MOST_CARDS + people[0].begun), list = filmList(root, lesson);
  root.append(said, element("p", "note", lesson.text("1.seen")));
  parent.append(root);
  let running = new AbortController();
  let timer = 0;

  /** @param {number[]} films @param {number[]} history */
  function fill(films, history) {
    list.show(films, lesson.text("1.ten"), { chosen: new Set(history) });
  }

  async function show() {
    real.show();
    const { history, seed } = lesson.state, { signal } = (running.abort(), running = new AbortController());
    const composed = people.indexOf(personOf(lesson));
    if (composed >= 0) fill([...lesson.content[1].lists.slice(10 * composed, 10 * composed + 10)], history);
    clearTimeout(timer);
    said.textContent = lesson.text("1.try");
    if (composed >= 0 && seed === 0) return;
    timer = setTimeout(() => { said.textContent = lesson.text("1.coming"); }, PATIENCE);
    try {
      const engine = await lesson.engine("people"), { top } = await engine.answer(history, { seed, k: 10, scored: "last" }, signal);
      if (signal.aborted) return;
      fill(top, history);
      said.textContent = lesson.text("1.try");
    } catch {
      if (!signal.aborted) said.textContent = lesson.text("1.missing");
    }
    if (!signal.aborted) clearTimeout(timer);
  }
  return { root, show, stop: () => { running.abort(); clearTimeout(timer); } };
}

/** The yardstick: a hundred people, and for how many each list is right. @param {Element} parent @param {Lesson} lesson */
function hundred(parent, lesson) {
  const root = element("div", "hundred"), { right, baselines } = lesson.content[1];
  parent.append(root);
  if (!right || !baselines) return root;
  const rows = { model: right.value, unseen: baselines["popular and unseen"].value, popular: baselines.popular.value, chance: baselines.chance };
  for (const [name, value] of Object.entries(rows)) {
    const row = element("div", `row is-${name === "model" ? "ours" : "other"}`), dots = element("div", "crowd", "", { "aria-hidden": "true" });
    for (let i = 0; i < 100; i++) dots.append(element("i", i < Math.round(value) ? "is-right" : ""));
    const error = name === "model" ? right.error : baselines[name === "unseen" ? "popular and unseen" : name]?.error;
    const figure = error === undefined ? value.toFixed(1) : lesson.text("parts.plusMinus", { value: value.toFixed(1), error: error.toFixed(1) });
    row.append(element("span", "name", lesson.text(`1.lists.${name}`)), dots, element("strong", "", figure));
    root.append(row);
  }
  const { narrow } = lesson.content[1];
  if (narrow) root.append(paragraph(lesson, "1.narrow", { narrow: narrow.value.toFixed(1), popular: baselines.popular.value.toFixed(1), common: lesson.content[1].common }, "note"));
  return root;
}
