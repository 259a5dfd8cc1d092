/* Films as rows of a list, and as cards of a history that a visitor changes. */

import { element, scaleOf } from "../dom.js";

/** @import { Lesson } from "./types" */

const GLIDE = 260; // milliseconds
const DRAGGED = 6; // pixels

/** The title of a film by id. @param {Lesson} lesson @param {number} film @returns {string} */
export const titleOf = (lesson, film) => lesson.content.films.titles[film];

/**
 * Change what an element holds, and let those that stay glide to their new places.
 * @param {Element} host @param {boolean} still @param {() => void} change
 */
export function glide(host, still, change) {
  const before = new Map([...host.children].map((child) => [child, child.getBoundingClientRect()]));
  change();
  if (still) return;
  for (const child of host.children) {
    const from = before.get(child), to = child.getBoundingClientRect();
    if (!from) child.animate([{ opacity: 0 }, { opacity: 1 }], GLIDE);
    else if (from.left !== to.left || from.top !== to.top) {
      const scale = scaleOf(/** @type {HTMLElement} */ (child));
      child.animate([{ transform: `translate(${(from.left - to.left) / scale}px, ${(from.top - to.top) / scale}px)` }, { transform: "none" }], { duration: GLIDE, easing: "ease-out" });
    }
  }
}

/**
 * A numbered list of films, best first. Films stay in their rows' elements, so that they glide when the order changes.
 * @param {Element} parent @param {Lesson} lesson
 */
export function filmList(parent, lesson) {
  const list = element("ol", "films");
  parent.append(list);
  /** @type {Map<number, HTMLElement>} */
  const rows = new Map();
  return {
    list,
    /**
     * @param {number[]} films ids, best first @param {string} label what the list is, for screen readers
     * @param {{ shared?: Set<number>, chosen?: Set<number> }} marks films that another list has too; films of the history
     */
    show(films, label, { shared = new Set(), chosen = new Set() } = {}) {
      list.setAttribute("aria-label", label);
      glide(list, lesson.reducedMotion || rows.size === 0, () => {
        for (const [film, row] of rows) if (!films.includes(film)) { row.remove(); rows.delete(film); }
        films.forEach((film, place) => {
          const row = rows.get(film) ?? element("li");
          const title = titleOf(lesson, film), mark = shared.has(film) ? "shared" : chosen.has(film) ? "chosen" : "";
          rows.set(film, row);
          row.className = mark;
          row.replaceChildren(element("span", "place", String(place + 1), { "aria-hidden": "true" }), element("span", "name", title, { title }));
          if (mark) row.append(element("span", "sign", lesson.text(`parts.${mark}Sign`), { title: lesson.text(`parts.${mark}`), role: "img", "aria-label": lesson.text(`parts.${mark}`) }));
          list.append(row);
        });
      });
    },
  };
}

/**
 * A list with one film moved to another place.
 * @param {number[]} films @param {number} from @param {number} to
 */
export function moved(films, from, to) {
  const next = films.filter((_, at) => at !== from);
  next.splice(Math.max(to, 0), 0, films[from]); // splice counts a negative place from the end
  return next;
}

/**
 * Which of some places holds a point, or is nearest to it.
 * @param {{ left: number, top: number, right: number, bottom: number }[]} places @param {number} x @param {number} y
 */
export function nearestTo(places, x, y) {
  const far = places.map(({ left, top, right, bottom }) => Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom)));
  return far.indexOf(Math.min(...far));
}

/**
 * Films whose title holds the words, those that begin with them first, then the most chosen.
 * @param {{ titles: string[], popularity: ArrayLike<number> }} films @param {string} words @param {number[]} without @param {number} count
 */
export function findFilms({ titles, popularity }, words, without, count) {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return [];
  const found = titles.flatMap((title, film) => (film && !without.includes(film) && title.toLowerCase().includes(wanted) ? [film] : []));
  const early = (/** @type {number} */ film) => (titles[film].toLowerCase().startsWith(wanted) ? 0 : 1);
  return found.sort((a, b) => early(a) - early(b) || popularity[b] - popularity[a]).slice(0, count);
}

/**
 * The cards of a history: moved by dragging or by the arrow keys, removed, and added by title.
 * @param {Element} parent @param {Lesson} lesson @param {number} most films @param {(films: number[]) => void} changed
 */
export function historyCards(parent, lesson, most, changed) {
  const row = element("ol", "cards", "", { "aria-label": lesson.text("parts.history") });
  parent.append(row);
  /** @type {number[]} */
  let films = [];
  /** @type {Map<number, HTMLElement>} */
  const cards = new Map();
  let fixed = false;
  const search = filmSearch(lesson, () => films, (film) => change([...films, film]));
  const last = element("li", "card is-new");
  last.append(search.root);

  /** @param {number[]} next @param {number | null} focused */
  function change(next, focused = null) {
    show(next);
    changed(films);
    if (focused !== null) cards.get(focused)?.querySelector("button")?.focus();
  }

  /** @param {number} film */
  function card(film) {
    const title = titleOf(lesson, film), item = element("li", "card"), grip = element("button", "grip", "⠿", { type: "button", "data-arrows": "" });
    const away = element("button", "away", "×", { type: "button", "aria-label": lesson.text("parts.remove", { title }) });
    grip.setAttribute("aria-label", lesson.text("parts.move", { title }));
    grip.onkeydown = (event) => {
      const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key], at = films.indexOf(film);
      if (!by) return;
      event.preventDefault();
      if (films[at + by] !== undefined) change(moved(films, at, at + by), film);
    };
    away.onclick = () => {
      const at = films.indexOf(film), rest = films.filter((other) => other !== film);
      change(rest, rest[Math.min(at, rest.length - 1)] ?? null);
    };
    item.onpointerdown = (event) => drag(event, item, film);
    item.append(grip, element("span", "name", title, { title }), away);
    return item;
  }

  /** @param {PointerEvent} event @param {HTMLElement} item @param {number} film */
  function drag(event, item, film) {
    const target = /** @type {Element} */ (event.target);
    if (fixed || event.button || target.closest(".away") || (event.pointerType !== "mouse" && !target.closest(".grip"))) return;
    const { clientX, clientY } = event;
    const places = films.map((other) => /** @type {HTMLElement} */ (cards.get(other)).getBoundingClientRect()); // where cards glide to must not decide
    let began = false, at = films;
    item.setPointerCapture(event.pointerId);
    item.onpointermove = (move) => {
      if (!began && Math.hypot(move.clientX - clientX, move.clientY - clientY) < DRAGGED) return;
      began = true;
      item.classList.add("is-dragged");
      const over = nearestTo(places, move.clientX, move.clientY);
      if (films[over] !== film) show((at = moved(films, films.indexOf(film), over)));
    };
    item.onpointerup = item.onpointercancel = () => {
      item.onpointermove = item.onpointerup = item.onpointercancel = null;
      item.classList.remove("is-dragged");
      if (began) changed(at);
    };
  }

  /** @param {number[]} next @param {boolean} still */
  function show(next, still = false) {
    films = next;
    glide(row, still || lesson.reducedMotion, () => {
      for (const [film, item] of cards) if (!films.includes(film)) { item.remove(); cards.delete(film); }
      films.forEach((film, at) => {
        const item = cards.get(film) ?? card(film);
        cards.set(film, item);
        if (row.children[at] !== item) row.insertBefore(item, row.children[at] ?? null);
      });
      if (fixed || films.length >= most) last.remove();
      else row.append(last);
      row.classList.toggle("is-fixed", fixed);
      for (const button of row.querySelectorAll("button")) button.hidden = fixed;
      for (const away of row.querySelectorAll(".away")) /** @type {HTMLButtonElement} */ (away).disabled = films.length < 2;
    });
  }

  return {
    /** @param {number[]} next @param {boolean} locked whether the cards can only be looked at */
    show(next, locked) {
      const still = cards.size === 0;
      fixed = locked;
      show(next, still);
    },
  };
}

/**
 * A field that finds films by title.
 * @param {Lesson} lesson @param {() => number[]} without @param {(film: number) => void} picked @param {string} label key of the text in the field
 */
export function filmSearch(lesson, without, picked, label = "parts.add") {
  const root = element("div", "search"), id = `films-${Math.random().toString(36).slice(2, 8)}`;
  const field = element("input", "", "", { type: "text", placeholder: lesson.text(label), "aria-label": lesson.text(label), role: "combobox",
    autocomplete: "off", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list" });
  const list = element("ul", "found", "", { role: "listbox", id, "aria-label": lesson.text("parts.found") });
  list.hidden = true;
  root.append(field, list);
  /** @type {number[]} */
  let found = [];
  let at = 0;

  function fill() {
    list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(!list.hidden));
    list.replaceChildren(...found.map((film, i) => {
      const option = element("li", i === at ? "is-at" : "", titleOf(lesson, film), { role: "option", id: `${id}-${i}`, "aria-selected": String(i === at) });
      option.onpointerdown = (event) => { event.preventDefault(); pick(i); };
      return option;
    }));
    if (found.length) field.setAttribute("aria-activedescendant", `${id}-${at}`);
    else field.removeAttribute("aria-activedescendant");
  }

  /** @param {number} i */
  function pick(i) {
    const film = found[i];
    field.value = "";
    found = [];
    fill();
    if (film) picked(film);
  }

  field.oninput = () => {
    const { films } = lesson.content;
    found = findFilms({ ...films, titles: films.titles.slice(0, films.known + 1) }, field.value, without(), 6);
    at = 0;
    fill();
  };
  field.onblur = () => { found = []; fill(); };
  field.onkeydown = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && found.length) { at = (at + by + found.length) % found.length; fill(); event.preventDefault(); }
    else if (event.key === "Enter" && found.length) { pick(at); event.preventDefault(); }
    else if (event.key === "Escape") { found = []; fill(); }
  };
  return { root, field };
}
