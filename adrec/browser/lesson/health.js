/* The bar of health: noise on the left, healthy in the middle, narrow on the right, with each table's place (adrec/collapse/health.py). */

import { element } from "../dom.js";

/** @import { Lesson } from "./types" */

/** @typedef {{ key: string, name: string, place: number, glyph?: string, color?: string, main?: boolean }} HealthMark a table; main: drawn below the bar, stronger */

const GAP = 10; // pixels between two names

/**
 * The row of each label so that none is over another, the first row next to the bar.
 * @param {{ left: number, width: number }[]} labels in any order, in pixels
 */
export function healthRows(labels) {
  /** @type {number[]} */
  const ends = [];
  const rows = new Array(labels.length).fill(0), order = labels.map((_, i) => i).sort((a, b) => labels[a].left - labels[b].left);
  for (const i of order) {
    let row = 0;
    while (row < ends.length && ends[row] + GAP > labels[i].left) row++;
    ends[row] = labels[i].left + labels[i].width;
    rows[i] = row;
  }
  return rows;
}

/** The bar as the lesson shows it, with the band of random tables. @param {Element} parent @param {Lesson} lesson */
export function lessonBar(parent, lesson) {
  const { bar } = lesson.content[5], [noise, healthy, narrow] = ["noise", "healthy", "narrow"].map((kind) => lesson.text(`kinds.${kind}.word`));
  return healthBar(parent, { words: { noise, healthy, narrow, band: lesson.text("5.band"), name: lesson.text("5.barName") }, band: bar.null, narrow: bar.narrow });
}

/**
 * @param {Element} parent
 * @param {{ words: { noise: string, healthy: string, narrow: string, band: string, name?: string }, band: [number, number], narrow: number }} given
 *   words at the two ends, in the middle, of the null's band, and what the bar is; band: where random tables lie; narrow: where narrow begins
 * @returns {{ figure: HTMLElement, show: (marks: HealthMark[], sentence: string) => void, stop: () => void }} sentence: for screen readers
 */
export function healthBar(parent, { words, band, narrow }) {
  const figure = element("figure", "healthbar", "", { role: "img" }), track = element("div", "health-track");
  const percent = (/** @type {number} */ place) => 50 * (Math.min(1, Math.max(-1, place)) + 1);
  const above = element("div", "health-names"), below = element("div", "health-names is-main");
  const span = (/** @type {string} */ name, /** @type {number} */ from, /** @type {number} */ to) => {
    const part = element("span", name);
    Object.assign(part.style, { left: `${percent(from)}%`, width: `${percent(to) - percent(from)}%` });
    track.append(part);
  };
  span("health-null", band[0], band[1]);
  span("health-narrow", narrow, 1);
  const ends = element("div", "health-ends");
  ends.append(element("span", "", `← ${words.noise} (${words.band})`), element("span", "", words.healthy), element("span", "", `${words.narrow} →`));
  if (words.name) figure.append(element("figcaption", "health-title", words.name));
  figure.append(above, track, below, ends);
  parent.append(figure);
  /** @type {Map<string, { name: HTMLElement, dot: HTMLElement, place: number }>} */
  const shown = new Map();
  /** @type {HealthMark[]} */
  let marks = [];

  function arrange() {
    for (const [host, main] of /** @type {[HTMLElement, boolean][]} */ ([[above, false], [below, true]])) {
      const here = marks.filter((mark) => Boolean(mark.main) === main), width = host.clientWidth;
      const labels = here.map((mark) => {
        const size = shown.get(mark.key)?.name.offsetWidth ?? 0;
        return { left: Math.max(0, Math.min(width - size, (width * percent(mark.place)) / 100 - size / 2)), width: size };
      });
      const rows = healthRows(labels);
      host.style.height = `${20 * (here.length ? Math.max(...rows) + 1 : 0)}px`;
      here.forEach((mark, i) => {
        const node = /** @type {HTMLElement} */ (shown.get(mark.key)?.name);
        node.style.left = `${labels[i].left}px`;
        node.style[main ? "top" : "bottom"] = `${20 * rows[i]}px`;
      });
    }
  }

  const sizes = new ResizeObserver(arrange);
  sizes.observe(figure);
  return {
    figure,
    show(next, sentence) {
      marks = next;
      figure.setAttribute("aria-label", sentence);
      const gone = new Set(shown.keys());
      for (const mark of next) {
        gone.delete(mark.key);
        const known = shown.get(mark.key), { name, dot } = known ?? { name: element("span", "health-name"), dot: element("i", "health-dot") };
        const leaps = known && Math.abs(known.place - mark.place) > 0.6; // from noise to narrow: never through the healthy middle
        name.replaceChildren(element("i", "", mark.glyph ?? "●"), ` ${mark.name}`);
        name.style.setProperty("--hue", mark.color ?? "");
        dot.style.setProperty("--hue", mark.color ?? "");
        dot.className = `health-dot${mark.main ? " is-main" : ""}${leaps ? " leaps" : ""}`;
        dot.style.left = `${percent(mark.place)}%`;
        if (name.parentNode !== (mark.main ? below : above)) (mark.main ? below : above).append(name);
        if (!known) track.append(dot);
        shown.set(mark.key, { name, dot, place: mark.place });
      }
      for (const key of gone) {
        shown.get(key)?.name.remove();
        shown.get(key)?.dot.remove();
        shown.delete(key);
      }
      arrange();
    },
    stop: () => sizes.disconnect(),
  };
}
