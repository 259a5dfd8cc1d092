/* Sentences that one component makes and another shows, where the page has its words. */

import { STRONG, TERM, TITLE } from "./denoising_words.js";
import { element, find } from "./dom.js";

/** @import { Component, Told } from "./types" */

const TOLD = Symbol.for("adrec.told");
const EVENT = "adrec-told";
const WAITING = "The model in your browser is answering…";

/** @type {any} */
const page = window;

/** Pass on what is to be shown; null: nothing any more. @param {Told | null} told */
export function announce(told) {
  page[TOLD] = told;
  window.dispatchEvent(new CustomEvent(EVENT));
}

/** @type {WeakMap<Element, { terms: string[][], send: Component<unknown>["setTriggerValue"] }>} */
const shown = new WeakMap();

/** Show the sentences where the page's words are. terms: words, each with its explanation. @param {Component<{ terms: string[][] }>} component */
export function mount({ parentElement, data, setTriggerValue }) {
  const host = find(parentElement, ".words"), known = shown.get(host);
  if (known) Object.assign(known, { terms: data.terms, send: setTriggerValue });
  else {
    const about = { terms: data.terms, send: setTriggerValue };
    shown.set(host, about);
    const show = () => {
      if (!host.isConnected) { window.removeEventListener(EVENT, show); return; }
      draw(host, page[TOLD], about);
    };
    window.addEventListener(EVENT, show);
    if (page[TOLD]) show();
  }
}

/** @param {HTMLElement} host @param {Told | null} told @param {{ terms: string[][], send: Component<unknown>["setTriggerValue"] }} about */
function draw(host, told, { terms, send }) {
  const answer = find(host, ".answer"), why = find(host, ".why"), change = find(host, ".change");
  host.classList.toggle("waiting", Boolean(told?.waiting));
  if (told?.waiting) {
    if (!answer.textContent) answer.textContent = WAITING;
    return;
  }
  for (const [node, text] of /** @type {[HTMLElement, string][]} */ ([[answer, told?.answer], [why, told?.why], [change, told?.change]])) node.replaceChildren(...marked(linked(text ?? "", terms), terms));
  if (told?.noise) {
    send("noise", told.noise);
    delete told.noise;
  }
}

/** The first occurrence of each of these words marked as a term. @param {string} text @param {string[][]} terms */
function linked(text, terms) {
  return terms.reduce((all, [words], i) => all.replace(new RegExp(`(?<![\\p{L}\\p{N}\\p{M}_${TERM[1]}])${words}(?![\\p{L}\\p{N}\\p{M}_])`, "u"), `${TERM[0]}${i}${TERM[1]}${words}${TERM[2]}`), text);
}

/** Marked text as nodes. @param {string} text @param {string[][]} terms */
function marked(text, terms) {
  const root = element("span"), open = [root];
  const enter = (/** @type {HTMLElement} */ node) => { open[open.length - 1].append(node); open.push(node); };
  for (const part of text.split(/([\ue001-\ue004\ue007]|\ue005\d+\ue006)/)) {
    if (part === STRONG[0]) enter(element("b"));
    else if (part === TITLE[0]) enter(element("i"));
    else if ([STRONG[1], TITLE[1], TERM[2]].includes(part)) open.pop();
    else if (part[0] === TERM[0]) {
      const meaning = terms[Number(part.slice(1, -1))][1];
      enter(element("span", "term", "", { tabindex: "0", "data-meaning": meaning, "aria-description": meaning }));
    } else if (part) open[open.length - 1].append(part);
  }
  return [...root.childNodes];
}
