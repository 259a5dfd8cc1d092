/* Chapter 5, how it goes wrong: a toy that collapses, the real run that did, three tables of which one is healthy, and their measures. */

import { context, element, resized, themeOf } from "../dom.js";
import { decimal } from "../format.js";
import { dataOf } from "./figures.js";
import { filmList } from "./films.js";
import { lessonBar } from "./health.js";
import { likeness, matrixFilms } from "./likeness.js";
import { paragraph } from "./texts.js";
import { toyView } from "./toy_view.js";

/** @import { ToyTold } from "./toy_view.js" */
/** @import { Chapter, Lesson } from "./types" */

const MATRIX5 = 40 * 40;
const LIST5 = 10;
const FRAME5_TIME = 1600; // milliseconds
/** How each measure of a table is written. @type {Record<string, (value: number) => string>} */
const MEASURES5 = { size: (value) => value.toPrecision(2), rank: (value) => value.toFixed(0), above: String, cosine: (value) => Math.abs(value).toFixed(2), together: (value) => value.toFixed(0) };
const ONLY_PULL = { move: true, push: false, noise: false };

/** @type {Chapter} */
export const chapter5 = {
  id: 5,
  steps: 6,
  scene: (step) => ({ lit: step < 4 ? ["table", "next", "x0"] : ["table"], mode: "training" }),
  guess(content) {
    const { frames, whole } = content[5] ?? {}, end = frames?.at(-1)?.measured["hr@10"];
    if (!end || !whole) return null;
    const narrow = end.value, healthy = whole.value;
    return { right: narrow > healthy ? 0 : narrow < healthy ? 2 : 1, values: { narrow: narrow.toFixed(0), healthy: healthy.toFixed(0) } };
  },
  number(content) {
    const frames = content[5]?.frames?.map((/** @type {any} */ frame) => frame.measured).filter((/** @type {any} */ frame) => frame.error), last = frames?.at(-1);
    if (!last) return null;
    const right = last["hr@10"];
    return { epochs: content[5].frames.at(-1).epoch, value: (100 * (1 - last.error.value / frames[0].error.value)).toFixed(1), right: right.value.toFixed(1), error: right.error.toFixed(1), popular: content[5].popular.value.toFixed(1), seeds: right.seeds, source: dataOf(content[5]) };
  },
  numberFrom: 3,
  door: ({ content }) => ({ page: "collapse", parameters: { run: content.runs.narrow, tool: "film" } }),
  mount(stage, lesson) {
    const content = lesson.content[5];
    if (!content?.frames) return null;
    const both = element("div", "collapse5"), side = element("div", "side5"), words = element("div", "says5", "", { "aria-live": "polite" });
    stage.append(both);
    /** @type {ToyTold} */
    let told = { state: "held", noise: false, error: "" };
    const toy = toyView(both, lesson, () => { if (lesson.state.guesses[5]) lesson.done(); }, (now) => { told = now; fill(); });
    both.append(side);
    side.append(words);
    const run = narrowRun(side, toy.box, lesson), three = threeTables(stage, lesson), measures = measuresTable(stage, lesson);
    const themed = lesson.on("theme", () => { run.redraw(); three.redraw(); });
    let shown = -1, at = 0;

    /** What the toy does at its switches: at first what its marks mean, in the end that the switches can be tried. */
    function fill() {
      const { state, noise, error } = told, said = lesson.texts(`5.toy.${state}`).map((_, i) => paragraph(lesson, `5.toy.${state}.${i}`, { error }));
      if (at === 0) said.unshift(paragraph(lesson, "5.legend"));
      if (at > 0 || noise) said.push(paragraph(lesson, `5.noise.${noise ? "on" : "off"}`));
      if (at === 2) said.push(paragraph(lesson, "5.try"));
      words.replaceChildren(element("p", "label", lesson.text("5.isToy")), ...said);
    }
    return {
      show(step) {
        at = step;
        both.hidden = step >= 4;
        three.box.hidden = step !== 4;
        measures.hidden = step !== 5;
        run.box.hidden = run.blame.hidden = step !== 3;
        toy.controls.hidden = step === 3;
        words.hidden = step >= 3;
        fill();
        if (step === shown) return;
        if (step === 0) toy.restart();
        else if (step >= 4) toy.stop();
        else toy.set({ ...ONLY_PULL, push: step === 2 });
        run.stop();
        if (step === 3) run.play();
        if (step === 4) three.show();
        shown = step;
      },
      stop() {
        toy.stop();
        run.stop();
        run.end();
        three.stop();
        themed();
      },
    };
  },
};

/** The narrow run in frames: likenesses, two people's lists, and what was measured. @param {HTMLElement} parent @param {HTMLElement} below where to say what is to blame @param {Lesson} lesson */
function narrowRun(parent, below, lesson) {
  const { frames, likeness: alike, lists, people, controls } = lesson.content[5], { narrow } = lesson.content[6], box = element("div", "run5"), buttons = element("div", "frames5", "", { role: "group", "aria-label": lesson.text("5.frames") });
  const square = element("div", "square5"), tens = element("div", "tens5"), facts = element("p", "facts5"), blame = element("dl", "blame5"), title = element("p", "label", lesson.text("5.real"));
  box.append(title, buttons, square, tens, facts);
  parent.append(box);
  const health = lessonBar(box, lesson);
  below.append(blame);
  const matrix = likeness(square, { ...matrixFilms(lesson, false), label: lesson.text("5.matrix"), still: lesson.reducedMotion });
  const shownLists = people.map((/** @type {string} */ person) => {
    const cell = element("div"), name = lesson.text(`people.${person}`);
    cell.append(element("h3", "", name));
    tens.append(cell);
    return { ...filmList(cell, lesson), name };
  });
  let timer = 0;
  const others = Object.keys(controls).map((name) => {
    const value = element("dd"), row = element("div");
    row.append(element("dt", "", lesson.text(`5.controls.${name}`)), value);
    blame.append(row);
    return { frames: controls[name], value };
  });
  blame.prepend(element("p", "", lesson.text("5.blame")));
  buttons.append(element("span", "", lesson.text("5.epochsOf")));
  const chosen = frames.map((/** @type {any} */ frame, /** @type {number} */ i) => {
    const button = element("button", "plain", lesson.text("5.epochs", { epoch: frame.epoch }), { type: "button" });
    button.onclick = () => { clearTimeout(timer); show(i); };
    buttons.append(button);
    return button;
  });

  /** @param {number} frame */
  function show(frame) {
    const { epoch, cosine, measured, place, kind } = frames[frame];
    matrix.show(alike.subarray(frame * MATRIX5, (frame + 1) * MATRIX5), lesson.text("5.matrixAt", { epoch, cosine: cosine.toFixed(2) }));
    /** @type {number[][]} */
    const both = people.map((/** @type {string} */ _, /** @type {number} */ i) => [...lists.subarray((frame * people.length + i) * LIST5, (frame * people.length + i + 1) * LIST5)]);
    const shared = new Set(both[0].filter((film) => both[1].includes(film)));
    shownLists.forEach((/** @type {any} */ list, /** @type {number} */ i) => list.show(both[i], lesson.text("5.list", { person: list.name, epoch }), { shared }));
    const values = { epoch, cosine: Math.abs(cosine).toFixed(2), shared: shared.size, right: measured["hr@10"]?.value.toFixed(1), share: share5(measured.share?.value), error: measured.error?.value.toPrecision(2) };
    facts.replaceChildren(...(measured.error ? [lesson.rich(`5.facts.${measured.share.value > 2 ? "far" : "near"}`, values)] : []));
    health.show([{ key: "frame", name: lesson.text("5.frame", { epoch }), place, glyph: lesson.text(`kinds.${kind}.sign`) }], lesson.text("5.frameAlt", { epoch, word: lesson.text(`kinds.${kind}.word`) }));
    for (const other of others) {
      const theirs = other.frames.find((/** @type {any} */ one) => one.epoch === epoch).mean_cosine.value;
      const end = frame + 1 < frames.length ? "then" : theirs > narrow ? "alike" : theirs === other.frames[0].mean_cosine.value ? "held" : "apart";
      other.value.replaceChildren(lesson.rich(`5.ends.${end}`, { cosine: decimal(theirs, 2) }));
    }
    chosen.forEach((/** @type {HTMLElement} */ button, /** @type {number} */ i) => button.setAttribute("aria-pressed", String(i === frame)));
  }

  /** @param {number} frame */
  function play(frame) {
    show(frame);
    if (frame + 1 < frames.length) timer = setTimeout(play, FRAME5_TIME, frame + 1);
  }
  return {
    box,
    blame,
    play: () => (lesson.reducedMotion ? show(frames.length - 1) : play(0)),
    redraw: () => matrix.redraw(),
    stop() {
      clearTimeout(timer);
      matrix.stop();
    },
    end: () => health.stop(),
  };
}

/** A share of the best constant guess's error: 1.09 or 100. @param {number | undefined} value */
function share5(value) {
  return value === undefined ? "" : value < 9.95 ? value.toFixed(2) : value.toFixed(0);
}

/** What is measured on the three tables, what it means, and why no number alone is a proof. @param {HTMLElement} parent @param {Lesson} lesson */
function measuresTable(parent, lesson) {
  const { tables } = lesson.content[5], box = element("div", "measures5"), table = element("table"), head = element("tr");
  const letters = Object.fromEntries(tables.map((/** @type {any} */ { key }, /** @type {number} */ i) => [key, "ABC"[i]]));
  const titles = tables.map((/** @type {any} */ { key }, /** @type {number} */ i) => lesson.text("5.tableKnown", { letter: "ABC"[i], word: lesson.text(`kinds.${key}.word`), sign: lesson.text(`kinds.${key}.sign`) }));
  head.append(...[lesson.text("5.measures.what"), ...titles, lesson.text("5.measures.tells")].map((title) => element("th", "", title, { scope: "col" })));
  table.append(head);
  for (const [name, shown] of Object.entries(MEASURES5)) {
    const row = element("tr"), what = element("th", "", "", { scope: "row" });
    what.append(lesson.rich(`5.measures.${name}.means`));
    row.append(what, ...tables.map((/** @type {any} */ one, /** @type {number} */ i) => element("td", "figure", shown(one[name]), { "data-title": titles[i] })), element("td", "", lesson.text(`5.measures.${name}.tells`, letters)));
    table.append(row);
  }
  box.append(paragraph(lesson, "5.measures.says", { epoch: lesson.content[5].frames.at(-1).epoch, ...letters }), table);
  parent.append(box);
  return box;
}

/** Three tables, each at its own scale, with bars of their true sizes and their places on one bar of health. @param {HTMLElement} parent @param {Lesson} lesson */
function threeTables(parent, lesson) {
  const { tables, ...content } = lesson.content[5], box = element("div", "three5"), row = element("div", "row5"), places = content["tables.xy"], count = places.length / (2 * tables.length);
  const which = paragraph(lesson, "5.which"), asks = element("strong", "", "", { "aria-live": "polite" });
  which.append(" ", asks);
  box.append(which, row);
  parent.append(box);
  const largest = Math.max(...tables.map((/** @type {any} */ table) => table.size)), reveal = element("button", "plain", lesson.text("5.reveal"), { type: "button" });
  const drawn = tables.map((/** @type {any} */ table, /** @type {number} */ i) => {
    const cell = element("figure"), map = element("canvas", "", "", { role: "img", "aria-label": lesson.text(`5.maps.${table.key}`) }), square = element("div"), size = element("div", "size5"), fill = element("i");
    const name = element("button", "plain name5", "", { type: "button" }), says = element("p", "says");
    name.onclick = () => know(i);
    fill.style.width = `${Math.max(1, (100 * table.size) / largest)}%`;
    size.append(element("span", "", lesson.text("5.size", { size: table.size.toPrecision(2) })), fill);
    cell.append(name, map, size, square, says);
    row.append(cell);
    const matrix = likeness(square, { ...matrixFilms(lesson, false), label: lesson.text(`kinds.${table.key}.matrix`), still: true });
    return { table, map, name, says, matrix, xy: places.subarray(2 * count * i, 2 * count * (i + 1)), bytes: content["tables.likeness"].subarray(MATRIX5 * i, MATRIX5 * (i + 1)) };
  });
  const health = lessonBar(box, lesson), healthy = tables.findIndex((/** @type {any} */ { key }) => key === "healthy");
  box.append(reveal);
  reveal.onclick = () => know(null);

  /** The tables are known from now on, for the whole visit. @param {number | null} table the one that was pressed, null if the visitor asked to be told */
  function know(table) {
    lesson.set({ tablePressed: table });
    show();
    lesson.done();
  }

  function redraw() {
    for (const { map, xy, matrix, bytes } of drawn) {
      resized(map);
      const pen = context(map), { ink } = themeOf(box), side = Math.min(map.width, map.height), left = (map.width - side) / 2, dot = side / 110;
      pen.clearRect(0, 0, map.width, map.height);
      pen.fillStyle = ink;
      pen.globalAlpha = 0.5;
      const at = (/** @type {number} */ value) => (value / 65535) * 0.92 * side + 0.04 * side;
      for (let n = 0; n < xy.length; n += 2) pen.fillRect(left + at(xy[n]) - dot / 2, side - at(xy[n + 1]) - dot / 2, dot, dot);
      pen.globalAlpha = 1;
      pen.strokeStyle = ink;
      const arm = 0.035 * side;
      pen.lineWidth = side / 120;
      pen.beginPath();
      pen.moveTo(left + side / 2 - arm, side / 2);
      pen.lineTo(left + side / 2 + arm, side / 2);
      pen.moveTo(left + side / 2, side / 2 - arm);
      pen.lineTo(left + side / 2, side / 2 + arm);
      pen.stroke();
      matrix.show(bytes);
    }
  }

  function show() {
    /** @type {number | null | undefined} */
    const picked = lesson.state.tablePressed, known = picked !== undefined;
    for (const [i, { table, name, says, matrix }] of drawn.entries()) {
      matrix.figure.hidden = !known;
      const { key } = table;
      name.disabled = known;
      name.textContent = known ? lesson.text("5.tableKnown", { letter: "ABC"[i], word: lesson.text(`kinds.${key}.word`), sign: lesson.text(`kinds.${key}.sign`) }) : lesson.text("5.table", { letter: "ABC"[i] });
      says.replaceChildren(known ? lesson.rich(`5.told.${key}`, { start: table.start.toFixed(2), steps: table.steps }) : "");
    }
    health.figure.hidden = !known;
    reveal.hidden = known;
    asks.textContent = picked === undefined ? lesson.text("5.ask") : picked === null ? "" : lesson.text(picked === healthy ? "5.picked" : "5.missed", { letter: "ABC"[picked], right: "ABC"[healthy] });
    const marks = drawn.map((/** @type {any} */ { table }, /** @type {number} */ i) => ({ key: table.key, name: lesson.text("5.table", { letter: "ABC"[i] }), place: table.place, glyph: lesson.text(`kinds.${table.key}.sign`) }));
    const said = drawn.map((/** @type {any} */ { table }, /** @type {number} */ i) => lesson.text("5.barPlace", { letter: "ABC"[i], word: lesson.text(`kinds.${table.key}.word`) })).join(", ");
    if (known) health.show(marks, lesson.text("5.barAlt", { places: said }));
    redraw();
  }
  const sizes = new ResizeObserver(redraw);
  drawn.forEach((/** @type {any} */ { map }) => sizes.observe(map));
  return {
    box,
    show,
    redraw,
    stop() {
      sizes.disconnect();
      health.stop();
    },
  };
}
