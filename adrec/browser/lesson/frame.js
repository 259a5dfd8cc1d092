/* The shell's parts around a chapter: the stepper, the words, the foot. They are built once and filled at every step. */

import { element, find, svg } from "../dom.js";
import { paragraph } from "./texts.js";

/** @import { Texts } from "./texts" */

const SMALLEST = 0.72; // of the usual size

/** Words that are too long for their place become a little smaller. @param {HTMLElement} place */
export function fitted(place) {
  for (let size = 1; size > SMALLEST; size -= 0.04) {
    place.style.fontSize = `${size}em`;
    if (place.scrollHeight <= place.clientHeight) return;
  }
}

/** @param {Texts} texts @param {string} key @param {string} className @param {() => void} act */
export function pressed(texts, key, className, act) {
  const button = element("button", className, texts.text(key), { type: "button" });
  button.onclick = act;
  return button;
}

/**
 * All parts in their places.
 * @param {HTMLElement} host
 * @param {Texts} texts
 * @param {number} count how many chapters there are
 * @param {(chapter: number) => void} go
 * @param {(by: number) => void} turn
 * @param {Record<string, string>} shown of 100 people, for how many the trainings that the lesson shows are right
 */
export function buildFrame(host, texts, count, go, turn, shown) {
  const top = element("nav", "top", "", { "aria-label": texts.text("shell.chapters") }), stepper = buildStepper(top, texts, count, go), tools = element("div", "tools");
  const restart = pressed(texts, "shell.restart", "restart", () => {}), help = yardstick(texts, shown), present = pressed(texts, "shell.present", "present", () => {}), notes = pressed(texts, "shell.notes.open", "", () => {});
  notes.hidden = true;
  tools.append(help, notes, present);
  top.append(tools);
  const picture = element("div", "picture"), lit = element("p", "lit"), words = element("article", "words"), stage = element("div", "stage");
  const title = element("h2", "heading"), sentence = element("p", "sentence"), stepTitle = element("h3", "step-title"), guess = element("div", "guess", "", { tabindex: "-1" }), evidence = element("div", "evidence"), notice = element("p", "notice", "", { role: "status" });
  words.append(title, sentence, stepTitle, guess, evidence, restart, notice);
  const foot = element("footer", "foot"), doors = element("div", "doors"), turns = element("div", "turns");
  const previous = pressed(texts, "shell.back", "previous", () => turn(-1)), next = pressed(texts, "shell.next", "next", () => turn(1));
  const dots = element("div", "dots", "", { role: "group", "aria-label": texts.text("shell.steps") });
  turns.append(previous, dots, next);
  foot.append(doors, turns);
  const live = element("p", "live", "", { "aria-live": "polite" });
  host.replaceChildren(element("h1", "", texts.text("shell.title")), top, picture, lit, words, stage, foot, live);
  const lines = svg(host, "svg", { class: "lines", "aria-hidden": "true" });
  return { stepper, restart, help, present, notes, picture, lit, words, title, sentence, stepTitle, guess, evidence, notice, stage, doors, dots, previous, next, lines, live };
}

/** What the figures of all chapters mean. @param {Texts} texts @param {Record<string, string>} shown */
function yardstick(texts, shown) {
  const help = element("details", "help"), summary = element("summary", "", "?", { "aria-label": texts.text("shell.yardstick.label") }), words = element("div");
  words.append(...["people", "health"].map((key) => paragraph(texts, `shell.yardstick.${key}`, shown)));
  help.append(summary, words);
  return help;
}

/**
 * The chapters as buttons, each with its number, its short name and, once done, a tick.
 * @param {HTMLElement} host
 * @param {Texts} texts
 * @param {number} count
 * @param {(chapter: number) => void} go
 */
function buildStepper(host, texts, count, go) {
  const list = element("ol", "stepper", "", { "aria-label": texts.text("shell.chapters") });
  for (let chapter = 0; chapter < count; chapter++) {
    const item = element("li"), button = element("button", "", "", { type: "button" });
    const number = chapter ? element("span", "number", String(chapter)) : element("span", "number", "⌂", { "aria-hidden": "true" });
    button.append(number, element("span", "name", texts.text(`${chapter}.short`)), element("span", "tick"));
    button.onclick = () => go(chapter);
    item.append(button);
    list.append(item);
  }
  host.append(list);
  return list;
}

/** @param {HTMLElement} list @param {Texts} texts @param {number} current @param {Set<number>} done */
export function fillStepper(list, texts, current, done) {
  [...list.children].forEach((item, chapter) => {
    const button = /** @type {HTMLElement} */ (item.firstElementChild);
    button.classList.toggle("is-done", done.has(chapter));
    find(button, ".tick").textContent = done.has(chapter) ? texts.text("shell.done") : "";
    if (chapter === current) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
    if (chapter === current) reveal(list, item);
  });
}

/** Slide a list sideways until an item is seen; the page around it stays. @param {HTMLElement} list @param {Element} item */
function reveal(list, item) {
  const [seen, wanted] = [list, item].map((part) => part.getBoundingClientRect());
  list.scrollLeft += Math.min(0, wanted.left - seen.left) + Math.max(0, wanted.right - seen.right);
}

/**
 * The steps of a chapter as dots.
 * @param {HTMLElement} host
 * @param {Texts} texts
 * @param {number} steps
 * @param {number} step
 * @param {(step: number) => void} go
 */
export function fillDots(host, texts, steps, step, go) {
  host.replaceChildren(...Array.from({ length: steps }, (_, at) => {
    const dot = element("button", "dot", "", { type: "button", "aria-label": texts.text("shell.step", { step: at + 1, steps }) });
    if (at === step) dot.setAttribute("aria-current", "step");
    dot.onclick = () => go(at);
    return dot;
  }));
}
