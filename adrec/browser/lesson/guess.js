/* A question to guess at before anything moves: no score, skipping is one key, and then the guess stands beside the answer. */

import { element } from "../dom.js";
import { paragraph } from "./texts.js";

/** @import { Texts } from "./texts" */
/** @import { Guess, Right } from "./types" */

/**
 * @param {HTMLElement} host
 * @param {Texts} texts
 * @param {number} chapter
 * @param {Right} found
 * @param {Guess | undefined} made the visitor's guess, if the question is answered or skipped
 * @param {(option: number | null) => void} choose
 * @param {boolean} reasons whether the two sides, once answered, come with their reasons
 */
export function showGuess(host, texts, chapter, found, made, choose, reasons) {
  const values = found.values ?? {}, key = `${chapter}.guess`, question = element("p", "question", "", { id: `question-${chapter}` });
  question.append(texts.rich(`${key}.question`, values));
  if (!made && texts.has(`${key}.how`)) question.append(` ${texts.text(`${key}.how`)}`);
  const group = element("div", "options", "", { role: "group", "aria-labelledby": question.id });
  const options = texts.list(`${key}.options`, values), names = found.names ?? options;
  question.hidden = Boolean(made) && !options.length; // its answer stands above, and the options on the stage
  host.classList.toggle("is-answered", Boolean(made));
  if (made) host.replaceChildren(outcome(texts, names, made, options.length > 0));
  else host.replaceChildren();
  host.append(question, group);
  options.forEach((_, option) => {
    const words = texts.rich(`${key}.options.${option}`, values);
    if (!made) group.append(asked(words, option, choose));
    else if (option === made.chosen || option === made.right) group.append(answered(texts, words, option, made));
  });
  if (!made) {
    const skip = element("button", "skip", texts.text("shell.skip"), { type: "button" });
    skip.onclick = () => choose(null);
    host.append(skip);
    return;
  }
  if (!reasons) return;
  const explained = element("div", "explained");
  for (const option of new Set([made.chosen, found.right])) {
    if (option !== null && texts.has(`${key}.answers.${option}`)) explained.append(paragraph(texts, `${key}.answers.${option}`, values));
  }
  host.append(explained);
}

/** The guess and the answer in one small line. @param {Texts} texts @param {string[]} names of the options @param {Guess} made @param {boolean} above whether the two sides follow */
function outcome(texts, names, made, above) {
  const name = (/** @type {number} */ option) => (names[option] ?? "").replace(/[.]$/, "");
  const key = made.chosen === null ? "skipped" : made.chosen === made.right ? "agreed" : "differed";
  const line = element("p", `outcome is-${key}`);
  line.classList.toggle("is-above", above);
  line.append(texts.rich(`shell.outcome.${key}`, { guess: made.chosen === null ? "" : name(made.chosen), right: name(made.right) }));
  return line;
}

/** @param {DocumentFragment} words @param {number} option @param {(option: number) => void} choose */
function asked(words, option, choose) {
  const button = element("button", "option", "", { type: "button" });
  button.append(words);
  button.onclick = () => choose(option);
  return button;
}

/** @param {Texts} texts @param {DocumentFragment} words @param {number} option @param {Guess} made */
function answered(texts, words, option, made) {
  const line = element("p", "option"), said = element("span"), marks = element("span", "marks");
  said.append(words);
  line.append(said, marks);
  line.classList.toggle("is-right", option === made.right);
  line.classList.toggle("is-chosen", option === made.chosen);
  if (option === made.right) marks.append(element("span", "mark", texts.text("shell.answer")));
  if (option === made.chosen) marks.append(element("span", "mark", texts.text("shell.guess")));
  return line;
}
