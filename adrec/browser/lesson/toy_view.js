/* Chapter 5's toy on screen: films, answers and lines between them, three switches, and two meters. */

import { element, svg } from "../dom.js";
import { peopleAnswered, TOY_PEOPLE, toySpread, toySquared, toyStart, toyState, toyStep } from "./toy.js";

/** @import { Switches } from "./toy.js" */
/** @import { Lesson } from "./types" */

const TOY_SIZE = 400;
const TOY_HALF = 2.2;
const TOY_SETTLED = 400;
const STEPS_A_FRAME = 3;
const LONGEST_TOY = 4000;
const TOY_STILL = 1e-6;

const toyX = (/** @type {number} */ value) => (TOY_SIZE / 2) * (1 + value / TOY_HALF);
const toyY = (/** @type {number} */ value) => (TOY_SIZE / 2) * (1 - value / TOY_HALF);

/** The start, its answers settled while the films are held. */
function held() {
  let settled = toyStart();
  for (let i = 0; i < TOY_SETTLED; i++) settled = toyStep(settled, { move: false, push: false, noise: false });
  return { ...settled, step: 0 };
}

/** What is said of the toy now: the key of its words, whether there is noise, and the error as it is shown. @typedef {{ state: string, noise: boolean, error: string }} ToyTold */

/**
 * touched: a switch was pressed by the visitor. tell: there is something else to say.
 * @param {HTMLElement} parent @param {Lesson} lesson @param {() => void} touched @param {(now: ToyTold) => void} tell
 */
export function toyView(parent, lesson, touched, tell) {
  const box = element("div", "toy"), plane = svg(box, "svg", { viewBox: `0 0 ${TOY_SIZE} ${TOY_SIZE}`, role: "img" });
  const lineLayer = svg(plane, "g", { class: "toy-lines" }), filmLayer = svg(plane, "g", { class: "toy-films" }), answers = svg(plane, "g", { class: "answers" });
  const lines = TOY_PEOPLE.map(() => svg(lineLayer, "path")), marks = TOY_PEOPLE.map(() => svg(answers, "path", { d: "M0 -5L5 0L0 5L-5 0Z" }));
  const start = held(), films = Array.from({ length: start.films.length / 2 }, () => svg(filmLayer, "text", {}, "■"));
  const controls = element("div", "controls5"), row = element("div", "switches"), meters = element("dl", "meters");
  /** @type {Record<string, HTMLElement>} */
  const switches = {};
  for (const name of ["move", "push", "noise"]) {
    const button = element("button", "switch", lesson.text(`5.switches.${name}`), { type: "button", role: "switch" });
    button.onclick = () => { set({ ...on, [name]: !on[/** @type {keyof Switches} */ (name)] }); touched(); };
    row.append((switches[name] = button));
  }
  const again = element("button", "plain", lesson.text("5.restart"), { type: "button" });
  again.onclick = () => { toy = start; begin(); };
  row.append(again);
  const fills = ["error", "spread"].map((name) => {
    const fill = element("i"), value = element("output"), meter = element("div"), bar = element("dd");
    bar.append(fill, value);
    meter.append(element("dt", "", lesson.text(`5.meters.${name}`)), bar);
    meters.append(meter);
    return { fill, value };
  });
  controls.append(row, meters);
  box.append(controls);
  parent.append(box);

  let toy = start, running = 0, left = 0, told = "";
  /** @type {Switches} */
  let on = { move: false, push: false, noise: false };
  const first = [toySquared(start, false), toySpread(start)];

  function draw() {
    const { given } = peopleAnswered(toy, on.noise);
    films.forEach((film, i) => film.setAttribute("transform", `translate(${toyX(toy.films[2 * i]).toFixed(1)} ${(toyY(toy.films[2 * i + 1]) + 7).toFixed(1)})`));
    TOY_PEOPLE.forEach(([, film], n) => {
      const from = `${toyX(given[2 * n]).toFixed(1)} ${toyY(given[2 * n + 1]).toFixed(1)}`;
      marks[n].setAttribute("transform", `translate(${from})`);
      lines[n].setAttribute("d", `M${from}L${toyX(toy.films[2 * film]).toFixed(1)} ${toyY(toy.films[2 * film + 1]).toFixed(1)}`);
    });
    const values = [toySquared(toy, on.noise), toySpread(toy)];
    fills.forEach(({ fill, value }, i) => {
      fill.style.width = `${Math.min(100, (70 * values[i]) / first[i])}%`;
      value.textContent = values[i].toFixed(2);
    });
    const [error, spread] = values.map((value) => value.toFixed(2)), state = toyState(on, values[1]);
    plane.setAttribute("aria-label", lesson.text("5.toyAlt", { error, spread }));
    const saying = [state, on.noise, state === "met" ? error : ""].join();
    if (saying !== told) tell({ state, noise: on.noise, error });
    told = saying;
  }

  function advance() {
    let moved = 0;
    for (let i = 0; i < STEPS_A_FRAME; i++) {
      const next = toyStep(toy, on);
      for (const part of /** @type {const} */ (["films", "answers"])) next[part].forEach((value, k) => { moved = Math.max(moved, Math.abs(value - toy[part][k])); });
      toy = next;
    }
    left -= STEPS_A_FRAME;
    return left > 0 && moved > TOY_STILL;
  }

  function begin() {
    cancelAnimationFrame(running);
    left = LONGEST_TOY;
    if (lesson.reducedMotion) while (advance());
    draw();
    const frame = () => {
      const more = advance();
      draw();
      if (more) running = requestAnimationFrame(frame);
    };
    if (!lesson.reducedMotion) running = requestAnimationFrame(frame);
  }

  /** The push begins where the pull began, because films in one point all have the same gradient: nothing would part them. @param {Switches} wanted */
  function set(wanted) {
    if (wanted.push && !on.push) toy = start;
    on = wanted;
    for (const [name, button] of Object.entries(switches)) button.setAttribute("aria-checked", String(on[/** @type {keyof Switches} */ (name)]));
    begin();
  }

  return {
    box,
    controls,
    set,
    restart() {
      toy = start;
      set({ move: false, push: false, noise: false });
    },
    stop: () => cancelAnimationFrame(running),
  };
}
