/* The likeness matrix: a table of vectors as the cosines among some films, whose order keeps series and genres together.
   A table that learnt something shows blocks, noise a bare diagonal, a narrow table one colour. */

import { context, element, themeOf } from "../dom.js";

/** @import { Lesson } from "./types" */

/**
 * How dark a cosine is drawn, 0 to 1. Among 128 random numbers cosines reach 0.2 by chance, and related films rarely pass 0.5: the scale
 * is the same for every table, steep where films are related, and flat near nothing.
 * @param {number} cosine
 */
export function shade(cosine) {
  if (cosine < 0.3) return Math.max(0, cosine - 0.05) * 2;
  return 0.5 + (Math.min(1, cosine) - 0.3) / 1.4;
}

/** A cosine from its byte: 0 is -1, 255 is 1. @param {number} byte */
export const cosineOf = (byte) => byte / 127.5 - 1;

/**
 * The films of every matrix of the lesson, as ``likeness`` wants them. named: whether the groups stand beside the matrix.
 * @param {Lesson} lesson
 * @returns {{ titles: string[], groups: { label: string, count: number }[] }}
 */
export function matrixFilms({ content, text }, named = true) {
  return {
    titles: content.likeness.films.map((/** @type {number} */ film) => content.films.titles[film]),
    groups: content.likeness.groups.map((/** @type {any} */ group) => ({ label: named ? text(`groups.${group.key}`) : "", count: group.count })),
  };
}

/**
 * @param {Element} parent
 * @param {{ titles: string[], groups: { label: string, count: number }[], label: string, still?: boolean,
 *           pair?: (a: string, b: string, cosine: number) => string }} given
 *   titles of the films in order; groups of neighbouring films, their counts summing to the films', named beside the matrix; label for who
 *   can't see it; still: no smooth changes; pair: what to say of the pair under the pointer
 */
export function likeness(parent, { titles, groups, label, still = false, pair }) {
  const n = titles.length, figure = element("figure", "likeness"), square = element("div", "likeness-square");
  const canvas = element("canvas", "", "", { width: String(n), height: String(n), role: "img", "aria-label": label });
  const names = element("div", "likeness-names", "", { "aria-hidden": "true" }), said = element("figcaption", "likeness-said", "\u00a0");
  names.style.gridTemplateRows = groups.map((group) => `${group.count}fr`).join(" ");
  names.append(...groups.map((group) => element("span", "", group.label)));
  let from = 0;
  for (const group of groups.slice(0, -1)) {
    from += group.count;
    const across = element("i", "across"), down = element("i", "down");
    across.style.top = down.style.left = `${(100 * from) / n}%`;
    square.append(across, down);
  }
  square.prepend(canvas);
  figure.append(names, square);
  if (pair) figure.append(said);
  square.classList.toggle("is-read", Boolean(pair));
  parent.append(figure);

  let values = new Float32Array(n * n), running = 0;
  /** @type {HTMLElement | null} */
  let box = null;
  square.onpointermove = (event) => {
    if (!pair) return;
    const area = square.getBoundingClientRect(), size = area.width / n;
    const at = (/** @type {number} */ offset) => Math.min(n - 1, Math.max(0, Math.floor(offset / size)));
    const row = at(event.clientY - area.top), column = at(event.clientX - area.left);
    said.textContent = pair(titles[row], titles[column], values[row * n + column]);
    if (!box) square.append((box = element("b", "cell")));
    Object.assign(box.style, { left: `${(100 * column) / n}%`, top: `${(100 * row) / n}%`, width: `${100 / n}%`, height: `${100 / n}%` });
  };
  square.onpointerleave = () => {
    box?.remove();
    box = null;
    said.textContent = "\u00a0";
  };

  function draw() {
    const { dark } = themeOf(figure), image = new ImageData(n, n), ink = dark ? [236, 232, 224] : [38, 42, 51];
    for (let i = 0; i < n * n; i++) image.data.set([...ink, 255 * shade(values[i])], 4 * i);
    context(canvas).putImageData(image, 0, 0);
  }

  return {
    figure,
    /** @param {ArrayLike<number>} bytes cosines of one table as bytes, row after row @param {string} words replaces the label */
    show(bytes, words = label) {
      canvas.setAttribute("aria-label", words);
      cancelAnimationFrame(running);
      const before = values.slice(), after = Float32Array.from(bytes, cosineOf), start = performance.now();
      const first = before.every((value) => value === 0);
      const step = () => {
        const part = still || first ? 1 : Math.min(1, (performance.now() - start) / 350);
        values = after.map((value, i) => before[i] + part * (value - before[i]));
        draw();
        if (part < 1) running = requestAnimationFrame(step);
      };
      step();
    },
    redraw: draw,
    stop: () => cancelAnimationFrame(running),
  };
}
