/* Chapter 3, why noise: one dot between three films, ways from noise, and a film that noise hides. */

import { element, svg } from "../dom.js";
import { line } from "../format.js";
import { clamp, linear } from "../scales.js";
import { dataOf } from "./figures.js";
import { CHOSEN, compromise, nearestChosen, OTHERS, placeError, restored } from "./promise.js";
import { rankBar } from "./ranks.js";

/** @import { Point } from "./promise.js" */
/** @import { Chapter, Lesson } from "./types" */

const MAP_EDGE = 3;
const MAP_UNIT = 76;
const WAYS = 3;
const TRAIL = 4; // steps of a way that stay drawn behind its head
const FIRST_LEVELS = 5;
const NEAR_FILM = 0.55;
const BESIDE = 0.24; // of the map's unit
const SHOWN_LEVELS = [0, 1, 2, 3, 4, 6];

/** @type {Chapter} */
export const chapter3 = {
  id: 3,
  steps: 4,
  scene: () => null,
  guess: () => ({ right: placeError(compromise()) < Math.min(...CHOSEN.map(placeError)) ? 1 : 0 }),
  number(content) {
    const { number } = content[3] ?? {};
    if (!number?.recognised) return null;
    const values = Object.fromEntries(SHOWN_LEVELS.map((t) => [`t${t}`, Math.round(number.recognised.healthy[t])]));
    return { value: values.t3, ...values, last: number.levels - 1, source: dataOf(number) };
  },
  numberFrom: 3,
  door: ({ content }) => ({ page: "denoising", parameters: { run: content.runs.people, look: "forward" } }),
  mount(stage, lesson) {
    const toy = toyMap(stage, lesson), dial = lesson.content[3] ? noiseDial(stage, lesson) : null;
    return {
      show(step) {
        toy.box.hidden = step === 3;
        if (dial) dial.box.hidden = step !== 3;
        dial?.stop();
        if (step === 3) dial?.show();
        else toy.show(step);
      },
      stop() {
        toy.stop();
        dial?.stop();
      },
    };
  },
};

const mapX = (/** @type {number} */ x) => MAP_UNIT * (MAP_EDGE + x);
const mapY = (/** @type {number} */ y) => MAP_UNIT * (0.87 * MAP_EDGE - y);
const mapAt = ([x, y] = [0, 0]) => `${mapX(x).toFixed(1)} ${mapY(y).toFixed(1)}`;
const diamondPath = (/** @type {number} */ size) => `M0 ${-size}L${size} 0L0 ${size}L${-size} 0Z`;

/** A way that ends beside its film, on the side it came from, so that the film hides no end. @param {Point[]} path @returns {Point[]} */
function beside(path) {
  const [from, to] = [path[0], path[path.length - 1]], far = Math.hypot(from[0] - to[0], from[1] - to[1]) || 1, share = Math.min(0.5, BESIDE / far);
  return [...path.slice(0, -1), [to[0] + share * (from[0] - to[0]), to[1] + share * (from[1] - to[1])]];
}

/** The map with one dot to place, and the ways from noise. @param {HTMLElement} stage @param {Lesson} lesson */
function toyMap(stage, lesson) {
  const box = element("div", "toymap"), side = element("div", "aside"), words = element("p"), fact = element("p", "fact");
  const leave = element("button", "plain", lesson.text("3.leave"), { type: "button" }), again = element("button", "plain", lesson.text("3.again"), { type: "button" });
  const plane = svg(box, "svg", { viewBox: `0 0 ${2 * MAP_EDGE * MAP_UNIT} ${1.74 * MAP_EDGE * MAP_UNIT}`, tabindex: 0, role: "application", "aria-label": lesson.text("3.map") });
  side.append(element("p", "label", lesson.text("3.isToy")), words, fact, leave, again);
  box.append(side);
  stage.append(box);

  const arrows = svg(plane, "g", { class: "arrows" });
  for (const [x, y] of OTHERS) svg(plane, "circle", { class: "other", cx: mapX(x), cy: mapY(y), r: 5 });
  lesson.texts("3.people").forEach((name, i) => {
    const [x, y] = CHOSEN[i];
    svg(plane, "text", { class: "star", x: mapX(x), y: mapY(y) + 8 }, "★");
    svg(plane, "text", { class: "name", x: mapX(x), y: mapY(y) + (y < 0 ? 28 : -16) }, name);
  });
  const best = svg(plane, "path", { class: "best", d: diamondPath(11), transform: `translate(${mapAt(compromise())})` }), dot = svg(plane, "path", { class: "dot", d: diamondPath(10) }), ways = svg(plane, "g", { class: "ways" });

  /** @type {Point | null} */
  let placed = null;
  let shown = 0, seed = 1, timer = 0;

  function draw() {
    dot.toggleAttribute("hidden", !placed || shown === 2);
    if (placed) dot.setAttribute("transform", `translate(${mapAt(placed)})`);
    best.toggleAttribute("hidden", shown !== 1);
    arrows.replaceChildren();
    const from = shown === 1 ? compromise() : shown === 0 ? placed : null;
    if (from) for (const film of CHOSEN) svg(arrows, "path", { d: `M${mapAt(from)}L${mapAt(film)}` });
    const alike = lesson.content[3]?.same_last?.films?.[2];
    words.replaceChildren(lesson.rich(`3.steps.${shown}`));
    if (shown === 1 && alike) words.append(" ", lesson.rich("3.differ", { differ: alike.differ.toFixed(0) }));
    fact.replaceChildren(shown === 1 ? lesson.rich(placed ? "3.errors" : "3.error", { least: placeError(compromise()).toFixed(1), yours: placeError(placed ?? compromise()).toFixed(1) }) : "");
    leave.hidden = shown !== 0 || !placed || Boolean(lesson.state.guesses[3]);
    again.hidden = shown !== 2;
  }

  /** @param {number} x @param {number} y */
  function place(x, y) {
    if (shown > 1) return;
    placed = [clamp(x, -MAP_EDGE, MAP_EDGE), clamp(y, -0.87 * MAP_EDGE, 0.87 * MAP_EDGE)];
    draw();
  }

  /** @param {PointerEvent} event */
  function pointed(event) {
    const area = plane.getBoundingClientRect(), per = (2 * MAP_EDGE) / area.width;
    place((event.clientX - area.left) * per - MAP_EDGE, 0.87 * MAP_EDGE - (event.clientY - area.top) * per);
  }

  plane.addEventListener("pointerdown", (event) => {
    plane.setPointerCapture(/** @type {PointerEvent} */ (event).pointerId);
    pointed(/** @type {PointerEvent} */ (event));
  });
  plane.addEventListener("pointermove", (event) => {
    if (/** @type {PointerEvent} */ (event).buttons) pointed(/** @type {PointerEvent} */ (event));
  });
  plane.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[/** @type {KeyboardEvent} */ (event).key];
    if (!by || shown > 1) return;
    event.preventDefault();
    place((placed?.[0] ?? 0) + by[0], (placed?.[1] ?? 0) + by[1]);
  });
  leave.onclick = () => {
    if (!placed) return;
    const to = (/** @type {Point} */ film) => Math.hypot(film[0] - /** @type {Point} */ (placed)[0], film[1] - /** @type {Point} */ (placed)[1]);
    lesson.answer(Math.min(...CHOSEN.map(to)) < NEAR_FILM ? 0 : to(compromise()) < 2 * NEAR_FILM ? 1 : 2);
  };

  /** From noise to films, several ways at once. */
  function restore() {
    cancelAnimationFrame(timer);
    ways.replaceChildren();
    const paths = Array.from({ length: WAYS }, (_, i) => beside(restored(WAYS * seed + i))), length = paths[0].length - 1;
    const drawn = paths.map(() => ({ way: svg(ways, "path", { class: "way" }), head: svg(ways, "circle", { class: "head", r: 4 }) }));
    paths.forEach(([[x, y]]) => svg(ways, "circle", { class: "noised", cx: mapX(x), cy: mapY(y), r: 4 }));
    fact.textContent = lesson.text("3.moving");
    const start = performance.now(), last = lesson.reducedMotion ? 1 : 2200;
    const step = () => {
      const at = Math.min(1, (performance.now() - start) / last) * length, whole = Math.floor(at), part = at - whole;
      paths.forEach((path, i) => {
        const [a, b] = [path[whole], path[Math.min(whole + 1, length)]];
        /** @type {Point} */
        const now = [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])];
        const trail = at < length ? [...path.slice(Math.max(0, whole - TRAIL), whole + 1), now] : [path[0], now]; // once there, only from where to where
        drawn[i].way.setAttribute("d", line(trail.map(([x, y]) => [mapX(x), mapY(y)])));
        drawn[i].head.setAttribute("transform", `translate(${mapAt(now)})`);
      });
      if (at < length) timer = requestAnimationFrame(step);
      else {
        const names = lesson.texts("3.people"), counts = names.map((_, film) => paths.filter((path) => nearestChosen(path[length]) === film).length);
        fact.textContent = lesson.text("3.arrived", { counts: names.map((name, film) => `${name} ${counts[film]}`).join(", ") });
      }
    };
    step();
  }
  again.onclick = () => {
    seed += 1;
    restore();
  };

  return {
    box,
    /** @param {number} step */
    show(step) {
      cancelAnimationFrame(timer);
      ways.replaceChildren();
      shown = step;
      draw();
      if (step === 2) restore();
    },
    stop: () => cancelAnimationFrame(timer),
  };
}

/** A film among its rivals as noise grows, and how often any film is recognised. @param {HTMLElement} stage @param {Lesson} lesson */
function noiseDial(stage, lesson) {
  const { films, levels, items, rank, nearest, recognised } = lesson.content[3], { titles } = lesson.content.films, rivals = nearest.length / (films.length * levels);
  const box = element("div", "noisedial"), chooser = element("div", "chooser", "", { role: "group", "aria-label": lesson.text("3.choose") }), bar = element("div", "bar");
  const said = element("label", "level"), slider = element("input", "", "", { type: "range", min: "0", max: String(levels - 1), value: "0" });
  const name = element("span"), figure = element("figure", "curve"), top = element("div", "ranked");
  said.append(name, slider);
  const relation = element("p", "relation");
  relation.append(lesson.rich("3.added"), " ", lesson.rich("3.relation"));
  top.append(chooser, said, relation, element("p", "label", lesson.text("3.ladder", { items })), bar);
  box.append(top, figure);
  stage.append(box);
  let film = 0;
  const buttons = films.map((/** @type {number} */ id, /** @type {number} */ i) => {
    const button = element("button", "plain", titles[id], { type: "button" });
    button.onclick = () => { film = i; draw(); };
    chooser.append(button);
    return button;
  });
  const ranked = rankBar(bar, items), curve = recognitionCurve(figure, lesson, recognised);

  function draw() {
    const t = Number(slider.value), at = film * levels + t, id = films[film];
    const others = [...nearest.subarray(at * rivals, (at + 1) * rivals)].map((/** @type {number} */ other, /** @type {number} */ i) => ({ id: other, name: titles[other], rank: i + 1 }));
    const all = [...others.filter((other) => other.id !== id), { id, name: titles[id], rank: rank[at], kind: /** @type {const} */ ("target") }];
    name.textContent = lesson.text("3.level", { t, last: levels - 1 });
    slider.setAttribute("aria-valuetext", name.textContent);
    ranked.show(all, lesson.text("3.ranked", { title: titles[id], rank: rank[at], t, items }));
    curve.mark(t);
    buttons.forEach((/** @type {HTMLElement} */ button, /** @type {number} */ i) => button.setAttribute("aria-pressed", String(i === film)));
  }
  slider.oninput = () => {
    clearTimeout(timer);
    draw();
  };
  let timer = 0;
  /** The first levels come by themselves, one after another. @param {number} t */
  function begin(t) {
    slider.value = String(t);
    draw();
    if (t + 1 < FIRST_LEVELS) timer = setTimeout(begin, lesson.reducedMotion ? 0 : 700, t + 1);
  }
  return {
    box,
    show() {
      clearTimeout(timer);
      begin(0);
    },
    stop: () => clearTimeout(timer),
  };
}

/** The share of films recognised at each level, of the healthy table and of a random one. @param {HTMLElement} figure @param {Lesson} lesson @param {Record<string, number[]>} recognised */
function recognitionCurve(figure, lesson, recognised) {
  const width = 380, height = 250, left = 40, bottom = height - 34, levels = recognised.healthy.length;
  const x = linear(0, levels - 1, left, width - 8), y = linear(0, 1, bottom, 14), plot = svg(figure, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": lesson.text("3.curve") });
  for (const share of [0, 0.5, 1]) {
    svg(plot, "path", { class: "rule", d: `M${left} ${y(share)}H${width - 8}` });
    svg(plot, "text", { class: "tick end", x: left - 6, y: y(share) + 4 }, String(100 * share));
  }
  for (const t of [0, 10, 20, levels - 1]) svg(plot, "text", { class: "tick middle", x: x(t), y: height - 16 }, String(t));
  svg(plot, "text", { class: "tick middle", x: (left + width) / 2, y: height - 2 }, lesson.text("3.axis"));
  for (const [kind, shares] of Object.entries(recognised)) svg(plot, "path", { class: `share ${kind}`, d: line(shares.map((share, t) => [x(t), y(share)])) });
  const marks = Object.keys(recognised).map((kind) => svg(plot, "circle", { class: `share ${kind}`, r: 5 })), caption = element("figcaption");
  svg(plot, "text", { class: "key", x: x(6), y: y(0.72) }, lesson.text("3.healthy"));
  svg(plot, "text", { class: "key random", x: x(6), y: y(0.6) }, lesson.text("3.random"));
  svg(plot, "path", { class: "share healthy", d: `M${x(3.6)} ${y(0.72) - 4}H${x(5.6)}` });
  svg(plot, "path", { class: "share random", d: `M${x(3.6)} ${y(0.6) - 4}H${x(5.6)}` });
  figure.prepend(caption);
  return {
    /** @param {number} t */
    mark(t) {
      const values = Object.values(recognised);
      marks.forEach((mark, i) => { mark.setAttribute("cx", String(x(t))); mark.setAttribute("cy", String(y(values[i][t]))); });
      const measured = lesson.content[3].number?.recognised; // of more draws, where there are any: what the chapter's number says
      const share = (/** @type {string} */ kind) => Math.round(measured?.[kind][t] ?? 100 * recognised[kind][t]);
      caption.replaceChildren(lesson.rich("3.recognised", { t, healthy: share("healthy"), random: share("random") }));
    },
  };
}
