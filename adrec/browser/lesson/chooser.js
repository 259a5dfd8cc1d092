/* A field in which a film is found by a part of its title. */

import { element } from "../dom.js";

/** @import { Lesson } from "./types" */

const OFFERED = 7;

/** Titles that hold every word typed, those that begin with the first word first, then those chosen by more people. @param {string} typed @param {string[]} titles @param {ArrayLike<number>} popularity */
export function matching(typed, titles, popularity) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean), found = [];
  if (!words.length) return [];
  for (let id = 1; id < titles.length; id++) {
    const title = titles[id].toLowerCase();
    if (words.every((word) => title.includes(word))) found.push({ id, first: title.startsWith(words[0]) ? 0 : 1 });
  }
  return found.sort((a, b) => a.first - b.first || (popularity[b.id] ?? 0) - (popularity[a.id] ?? 0)).slice(0, OFFERED).map(({ id }) => id);
}

/**
 * Ask for a film at a place of an element: Enter or a press chooses, Escape leaves.
 * @param {HTMLElement} host @param {Lesson} lesson @param {number} x @param {number} y @param {(id: number | null) => void} chosen null: nothing was chosen
 */
export function chooseFilm(host, lesson, x, y, chosen) {
  const { titles, popularity } = lesson.content.films, box = element("div", "chooser");
  const field = element("input", "", "", { type: "text", role: "combobox", "aria-expanded": "false", "aria-controls": "chooser-films", "aria-autocomplete": "list", autocomplete: "off", placeholder: lesson.text("picture.find"), "aria-label": lesson.text("picture.find") });
  const list = element("ul", "", "", { role: "listbox", id: "chooser-films", "aria-label": lesson.text("picture.found") });
  box.style.transform = `translate(${x}px, ${y}px)`;
  box.append(field, list);
  host.append(box);
  let at = 0, /** @type {number[]} */ found = [];
  const close = (/** @type {number | null} */ id) => {
    if (!box.isConnected) return;
    box.remove();
    chosen(id);
  };
  const show = () => {
    field.setAttribute("aria-expanded", String(found.length > 0));
    list.replaceChildren(...found.map((id, i) => {
      const item = element("li", "", titles[id], { role: "option", id: `chooser-${i}`, "aria-selected": String(i === at) });
      item.onpointerdown = (event) => { event.preventDefault(); close(id); };
      return item;
    }));
    if (found.length) field.setAttribute("aria-activedescendant", `chooser-${at}`);
  };
  field.oninput = () => { at = 0; found = matching(field.value, titles, popularity); show(); };
  field.onkeydown = (event) => {
    if (event.key === "Escape") close(null);
    else if (event.key === "Enter" && found.length) close(found[at]);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") { at = (at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % (found.length || 1); show(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  field.onblur = () => close(null);
  field.focus();
}
