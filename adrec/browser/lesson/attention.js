/* Which film attends to which, and which film matters: two different things, side by side. */

import { element, svg } from "../dom.js";

/** @import { Flow } from "./flow" */
/** @import { Lesson } from "./types" */

const CELL = 22;
const TEN = 10;
const LAST = 8; // films of a longer history that there is room for

/** Rows attend to columns: the darker, the more; the strongest shown is full. @param {HTMLElement} host @param {Lesson} lesson @param {Flow} flow */
export function addHeatMap(host, lesson, { films, attention }) {
  const n = films.length, shown = films.slice(-LAST), first = n - shown.length, side = shown.length * CELL, figure = element("figure", "heat"), { titles } = lesson.content.films;
  figure.append(element("figcaption", "", `${lesson.text("picture.attention.map")}${first ? ` (${lesson.text("picture.last", { shown: LAST, count: n })})` : ""}`));
  const label = 122, map = svg(figure, "svg", { viewBox: `0 0 ${side + label} ${side + 18}`, width: side + label, height: side + 18, role: "img", "aria-label": lesson.text("picture.attention.alt") });
  const weights = shown.map((_, i) => Array.from({ length: i + 1 }, (__, j) => attention?.[(first + i) * n + first + j] ?? 0)), most = Math.max(...weights.flat()) || 1;
  shown.forEach((film, i) => {
    const name = svg(map, "text", { x: label - 6, y: i * CELL + 15, "text-anchor": "end" }, shortened(titles[film], 17));
    svg(name, "title", {}, titles[film]);
    svg(map, "text", { x: label + i * CELL + CELL / 2, y: side + 14, "text-anchor": "middle", class: "tick" }, first + i + 1);
    for (let j = 0; j <= i; j++) {
      const weight = weights[i][j];
      const cell = svg(map, "rect", { x: label + j * CELL + 1, y: i * CELL + 1, width: CELL - 2, height: CELL - 2, "fill-opacity": (weight / most).toFixed(3) });
      svg(cell, "title", {}, `${titles[film]} → ${titles[shown[j]]}: ${(100 * weight).toFixed(0)} %`);
    }
  });
  host.append(figure);
}

/** @param {string} text @param {number} most */
const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text);

/** How many of ten films change without each film of the history. @param {HTMLElement} host @param {Lesson} lesson @param {Flow} flow */
export async function addLeaveOneOut(host, lesson, { films, top, engine }) {
  const figure = element("figure", "without"), { titles } = lesson.content.films, table = element("table");
  figure.append(element("figcaption", "", lesson.text("picture.attention.without")), table);
  host.append(figure);
  for (let at = Math.max(0, films.length - LAST); at < films.length; at++) {
    const film = films[at];
    const row = element("tr"), bar = element("i", "bar");
    row.append(element("th", "", shortened(titles[film], 22), { scope: "row", title: titles[film] }), element("td", "changed"), element("td", "first"));
    table.append(row);
    const rest = films.filter((_, i) => i !== at), answer = rest.length ? await engine?.answer(rest, { k: TEN, seed: lesson.state.seed, scored: "last" }) : null;
    if (!host.isConnected) return;
    if (!answer) continue;
    const gone = top.slice(0, TEN).filter((id) => !answer.top.includes(id)).length;
    bar.style.width = `${8 * gone}px`;
    row.children[1].append(bar, lesson.text("picture.attention.changed", { count: gone }));
    row.children[2].textContent = shortened(titles[answer.top[0]], 24);
  }
}
