/* The shell's parts around a chapter: the stepper, the words, the foot. They are built once and filled at every step. */

import { element } from "../dom.js";

/** @import { Texts } from "./texts" */

/** @param {Texts} texts @param {string} key @param {string} className @param {() => void} act */
export function pressed(texts, key, className, act) {
  const button = element("button", className, texts.text(key), { type: "button" });
  button.onclick = act;
  return button;
}

/**
 * The chapters as buttons, each with its number, its short name and, once done, a tick.
 * @param {HTMLElement} host
 * @param {Texts} texts
 * @param {number} count
 * @param {(chapter: number) => void} go
 */
export function buildStepper(host, texts, count, go) {
  const list = element("ol", "stepper", "", { "aria-label": texts.text("shell.chapters") });
  for (let chapter = 0; chapter < count; chapter++) {
    const item = element("li"), button = element("button", "", "", { type: "button" });
    button.append(element("span", "number", chapter ? String(chapter) : "⌂", { "aria-hidden": "true" }), element("span", "name", texts.text(`${chapter}.short`)));
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
    const button = /** @type {HTMLElement} */ (item.firstElementChild), name = texts.text(`${chapter}.short`);
    button.classList.toggle("is-done", done.has(chapter));
    button.toggleAttribute("aria-current", chapter === current);
    if (chapter === current) button.setAttribute("aria-current", "page");
    button.setAttribute("aria-label", texts.text(done.has(chapter) ? "shell.chapterDone" : "shell.chapter", { number: chapter, name }));
    if (chapter === current) item.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  });
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
