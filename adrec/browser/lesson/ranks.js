/* A film's name among its rivals on a rank bar: the first at the top, the last of all films at the bottom, by logarithm. */

import { element } from "../dom.js";
import { logarithmic, spread } from "../scales.js";

/** @typedef {{ id: number, name: string, rank: number, kind?: "" | "target" | "answer" }} Ranked */

const ROW = 22;
const TOP = 12;

/**
 * Tops of labels that start at the wanted heights: in the order given, none over another, none below the end.
 * @param {number[]} wanted from the top @param {number} height of a label @param {number} end
 */
export function settled(wanted, height, end) {
  const tops = spread(wanted, height);
  for (let i = tops.length - 1, limit = end; i >= 0; i--, limit -= height) tops[i] = Math.min(tops[i], limit);
  return tops;
}

/**
 * items: how many films there are, the last rank. Names glide to their ranks; those not given any more are gone.
 * @param {HTMLElement} host an empty element with a height @param {number} items
 * @returns {{ show: (films: Ranked[], sentence: string) => void }} sentence: what the bar shows, for screen readers
 */
export function rankBar(host, items) {
  const bar = element("div", "rankbar", "", { role: "img" });
  const axis = element("div", "axis");
  bar.append(axis);
  host.append(bar);
  /** @type {Map<number, { label: HTMLElement, dot: HTMLElement }>} */
  const shown = new Map();
  return {
    show(films, sentence) {
      const height = bar.clientHeight || 240;
      const at = logarithmic(1, Math.max(items, 2), TOP, height - TOP);
      bar.setAttribute("aria-label", sentence);
      axis.replaceChildren(...ticks(items).map((rank) => {
        const tick = element("span", "tick", String(rank));
        tick.style.transform = `translateY(${at(rank).toFixed(1)}px)`;
        return tick;
      }));
      const sorted = [...films].sort((a, b) => a.rank - b.rank);
      const tops = settled(sorted.map((film) => at(film.rank) - ROW / 2), ROW, height - ROW);
      const gone = new Set(shown.keys());
      sorted.forEach((film, i) => {
        gone.delete(film.id);
        const known = shown.get(film.id), { label, dot } = known ?? added(bar, film.name);
        shown.set(film.id, { label, dot });
        label.className = `film ${film.kind ?? ""}`;
        dot.className = `dot ${film.kind ?? ""}`;
        label.dataset.rank = String(film.rank);
        label.style.transform = `translateY(${tops[i].toFixed(1)}px)`;
        dot.style.transform = `translateY(${at(film.rank).toFixed(1)}px)`;
      });
      for (const id of gone) {
        const old = shown.get(id);
        shown.delete(id);
        old?.label.remove();
        old?.dot.remove();
      }
    },
  };
}

/** @param {HTMLElement} bar @param {string} name */
function added(bar, name) {
  const parts = { label: element("div", "film", name, { title: name }), dot: element("i", "dot") };
  bar.append(parts.dot, parts.label);
  return parts;
}

/** Ranks that are marked: powers of ten, and the last. @param {number} items */
function ticks(items) {
  const marked = [];
  for (let rank = 1; rank < items * 0.7; rank *= 10) marked.push(rank);
  return [...marked, items];
}
