/* A film's card in the living picture. Those of the history can be dragged to another place, taken out and added to. */

import { element, scaleOf } from "../dom.js";
import { clamp } from "../scales.js";
import { filmSearch, moved } from "./films.js";

/** @import { LivingPicture } from "./picture" */

const MOST = 24; // films of a history that is edited here
const DRAGS = 4; // pixels

/** The parts of a title that stand on one line each: words, up to a hyphen of their own. @param {string} title */
export const wordsOf = (title) => title.split(/\s+|(?<=-)/);

/** @param {LivingPicture} picture @param {"history" | "next"} row @param {number | null} id null: unknown */
export function filmCard(picture, row, id) {
  const { lesson } = picture, title = id === null ? "?" : picture.title(id), card = element("div", `card is-${row}`);
  card.append(element("span", "title"), element("i", "grain"), element("span", "level"));
  titled(picture, card, title);
  card.onclick = (event) => { // as its row's box does, which the keyboard reaches
    if (event.target instanceof Element && !event.target.closest(".remove") && !card.classList.contains("was-dragged")) picture.open(row, picture.get(row));
  };
  if (row === "history" && id !== null) editable(picture, card, title, lesson.text("parts.remove", { title }));
  return card;
}

/** Write a film's title, or "?", on a card, small enough for its longest word. @param {LivingPicture} picture @param {HTMLElement} card @param {string} title */
export function titled(picture, card, title) {
  const span = /** @type {HTMLElement} */ (card.querySelector(".title"));
  if (span.title === title) return;
  Object.assign(span, { title, textContent: title });
  card.style.setProperty("--word", Math.max(...wordsOf(title).map((word) => picture.wordWidth(word))).toFixed(2));
}

/** @param {LivingPicture} picture @param {HTMLElement} card @param {string} title @param {string} takesOut */
function editable(picture, card, title, takesOut) {
  const at = () => Number(card.dataset.at), remove = element("button", "remove", "×", { type: "button", tabindex: "-1", "aria-label": takesOut, title: takesOut });
  card.setAttribute("role", "group");
  card.setAttribute("data-arrows", "");
  card.setAttribute("aria-label", picture.lesson.text("picture.card", { title }));
  card.append(remove);
  remove.onclick = () => edited(picture, without(picture.flow.films, at()));
  card.onpointerenter = card.onfocus = () => picture.look(at());
  card.onpointerleave = card.onblur = () => picture.look(-1);
  card.onkeydown = (event) => {
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0, { films } = picture.flow;
    if (event.target !== card) return;
    if (by && event.shiftKey) edited(picture, moved(films, at(), clamp(at() + by, 0, films.length - 1)), at() + by);
    else if (by) focusOn(picture, at() + by);
    else if (event.key === "Delete" || event.key === "Backspace") edited(picture, without(films, at()), Math.min(at(), films.length - 2));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  card.onpointerdown = (event) => {
    card.classList.remove("was-dragged");
    if (event.button || event.target === remove || picture.form === "strip") return;
    const start = event.clientX, scale = scaleOf(picture.root), box = picture.goal[keyOf(picture, card)];
    let by = 0;
    card.setPointerCapture(event.pointerId);
    card.onpointermove = (move) => {
      by = (move.clientX - start) / scale;
      if (Math.abs(by) < DRAGS) return;
      card.classList.add("is-dragged", "was-dragged");
      card.style.transform = `translate(${(box[0] + by).toFixed(1)}px, ${(box[1] - 3).toFixed(1)}px)`;
    };
    card.onpointerup = card.onpointercancel = (up) => {
      card.onpointermove = card.onpointerup = card.onpointercancel = null;
      card.classList.remove("is-dragged");
      const to = up.type === "pointerup" ? at() + Math.round(by / stepOf(picture)) : at();
      const last = picture.flow.films.length - 1, place = clamp(to, 0, last);
      picture.placed.delete(card);
      picture.now[keyOf(picture, card)] = [box[0] + by, box[1], box[2], box[3]];
      if (place !== at()) edited(picture, moved(picture.flow.films, at(), place));
      else picture.move(150);
    };
  };
}

/** @param {LivingPicture} picture @param {HTMLElement} card */
const keyOf = (picture, card) => [...picture.nodes.entries()].find(([, node]) => node === card)?.[0] ?? "";

/** How far apart two columns are. @param {LivingPicture} picture */
function stepOf({ arrangement: { boxes } }) {
  return boxes.history1 ? boxes.history1[0] - boxes.history0[0] : boxes.history0[2];
}

/** @param {LivingPicture} picture @param {number} at */
function focusOn(picture, at) {
  const cards = /** @type {NodeListOf<HTMLElement>} */ (picture.root.querySelectorAll(".card.is-history"));
  [...cards].find((card) => Number(card.dataset.at) === at)?.focus({ preventScroll: true });
}

/** @param {number[]} films @param {number} at */
export const without = (films, at) => films.filter((_, i) => i !== at);

/** @param {LivingPicture} picture @param {number[]} films @param {number} focus the position that has the focus afterwards; -1: none */
function edited(picture, films, focus = -1) {
  if (!films.length) return;
  picture.at = -1;
  picture.values({ films, attention: undefined, condition: undefined });
  picture.lesson.set({ history: films });
  if (focus >= 0) focusOn(picture, clamp(focus, 0, films.length - 1));
}

/** A field by which a film is added at the end. @param {LivingPicture} picture */
export function addingField(picture) {
  return filmSearch(picture.lesson, () => picture.flow.films, (id) => edited(picture, [...picture.flow.films.slice(1 - MOST), id])).root;
}
