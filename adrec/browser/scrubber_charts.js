/* Line charts over the steps: the rank, and its anatomy. */

import { svg } from "./dom.js";
import { escaped, line, number, percent } from "./format.js";
import { mark } from "./markers.js";
import { linear, logarithmic, spread, stepAt, stepTicks } from "./scales.js";

/** @import { Marker, Scene } from "./types" */
/** @typedef {{ values: ArrayLike<number>, from: number, kind: string }} Series from: the step of the first value */
/** @typedef {{ pick: (step: number, done: boolean) => void, hover: (step: number) => void, leave: () => void }} Clock */
/**
 * log: a logarithmic axis with its low end on top; band: the value down to which the background is grey; decided: a step to mark.
 * @typedef {{ label: string, axis: string, height: number, steps: number, low: number, high: number, log?: boolean, zero?: boolean,
 *   ticks: number[], format: (value: number) => string, band?: number, decided?: number, series: Series[] }} Spec
 */
/** @typedef {{ draw(): void, move(step: number): void }} Plot */

const PAD = { left: 40, right: 16, top: 12, bottom: 34 };
const MARKS = { target: "★", answer: "◆", history: "○", popular: "□" };
const NAMES = { target: "target", answer: "final answer", history: "history mean", popular: "most popular" };
const KINDS = /** @type {(keyof typeof MARKS)[]} */ (Object.keys(MARKS));
/** @type {Record<string, [Marker, number]>} */
const GLYPHS = { target: ["star", 0.93], answer: ["diamond", 0.83], popular: ["square", 0.8], history: ["circle", 0.8] };

/** A star for the target, a diamond for the answer, a ring for history, a square for the most popular. @param {Element} parent @param {string} kind */
export function glyph(parent, kind, size = 6) {
  const [marker, ratio] = GLYPHS[kind];
  return svg(parent, "path", { class: `glyph ${kind}`, d: mark(marker, 0, 0, size * ratio) });
}

/** Dragging over the chart picks a step of the clock, hovering shows one. @param {HTMLElement} box @param {Spec} spec @param {Clock} clock @returns {Plot} */
export function chart(box, spec, clock) {
  const { height, steps } = spec, bottom = height - PAD.bottom, y = (spec.log ? logarithmic : linear)(spec.low, spec.high, spec.log ? PAD.top : bottom, spec.log ? bottom : PAD.top);
  let x = linear(0, steps, 0, 0), current = 0;
  /** @type {SVGElement | null} */
  let hair = null;
  /** @type {[Series, SVGElement, SVGElement][]} */
  let heads = [];

  function draw() {
    const width = box.clientWidth, right = width - PAD.right, middle = { "text-anchor": "middle" };
    if (!width) return;
    x = linear(0, steps, PAD.left, right);
    box.replaceChildren();
    const root = svg(box, "svg", { width, height, role: "img", "aria-label": spec.label });
    if (spec.band) svg(root, "rect", { class: "band", x: PAD.left, y: y(spec.low), width: right - PAD.left, height: y(spec.band) - y(spec.low) });
    if (spec.zero) svg(root, "line", { class: "zero", x1: PAD.left, x2: right, y1: y(0), y2: y(0) });
    for (const tick of spec.ticks) {
      svg(root, "line", { class: "grid", x1: PAD.left, x2: right, y1: y(tick), y2: y(tick) });
      svg(root, "text", { class: "tick", x: PAD.left - 6, y: y(tick) + 4, "text-anchor": "end" }, spec.format(tick));
    }
    for (const step of stepTicks(steps, width)) svg(root, "text", { class: "tick", x: x(step), y: bottom + 16, ...middle }, step);
    svg(root, "text", { class: "tick", x: (PAD.left + right) / 2, y: height - 3, ...middle }, spec.axis);
    if (spec.decided) {
      const at = x(spec.decided), late = spec.decided > steps / 2;
      svg(root, "line", { class: "decided", x1: at, x2: at, y1: PAD.top, y2: bottom });
      svg(root, "text", { class: "tick", x: at + (late ? -5 : 5), y: bottom - 6, "text-anchor": late ? "end" : "start" }, "decided");
    }
    hair = svg(root, "line", { class: "hair", y1: PAD.top - 6, y2: bottom });
    heads = spec.series.map((series) => {
      svg(root, "path", { class: `line ${series.kind}`, d: line(Array.from(series.values, (v, i) => [x(i + series.from), y(v)])) });
      return [series, glyph(root, series.kind), svg(root, "text", { class: "head" })];
    });
    move(current);
  }

  /** @param {number} step */
  function move(step) {
    current = step;
    if (!hair) return;
    hair.setAttribute("x1", String(x(step)));
    hair.setAttribute("x2", String(x(step)));
    /** @type {[number, SVGElement][]} */
    const labels = [];
    for (const [series, sign, text] of heads) {
      const value = series.values[step - series.from], late = step > steps / 2;
      sign.style.display = text.style.display = value === undefined ? "none" : "";
      if (value === undefined) continue;
      sign.setAttribute("transform", `translate(${x(step)},${y(value)})`);
      text.setAttribute("text-anchor", late ? "end" : "start");
      text.setAttribute("x", String(x(step) + (late ? -11 : 11)));
      text.textContent = spec.format(value);
      if (labels.some(([at, other]) => other.textContent === text.textContent && Math.abs(at - y(value)) < 1)) text.textContent = "";
      else labels.push([y(value), text]);
    }
    labels.sort(([a], [b]) => a - b);
    spread(labels.map(([at]) => Math.max(at, PAD.top + 2) + 4), 15).forEach((at, i) => labels[i][1].setAttribute("y", String(at)));
  }

  const at = (/** @type {PointerEvent} */ event) => stepAt(event.clientX - box.getBoundingClientRect().left, PAD.left, box.clientWidth - PAD.right, steps);
  box.onpointerdown = (event) => { box.setPointerCapture(event.pointerId); clock.pick(at(event), false); };
  box.onpointermove = (event) => {
    if (box.hasPointerCapture(event.pointerId)) clock.pick(at(event), false);
    else if (event.pointerType === "mouse") clock.hover(at(event));
  };
  box.onpointerup = (event) => clock.pick(at(event), true);
  box.onpointerleave = () => clock.leave();
  return { draw, move };
}

/**
 * Four charts below the picture: probability, margin, cosines, entropy.
 * @param {(selector: string) => HTMLElement} part
 * @param {(name: string, spec: Omit<Spec, "axis" | "height" | "steps">) => Plot} draw
 * @param {Scene} scene
 * @param {Scene[]} all the scenes that share the axes
 */
export function anatomy(part, draw, scene, all) {
  const { target } = scene, own = target ? "target" : "answer", most = Math.log(scene.items + 1);
  const firsts = (/** @type {Scene} */ s) => s.probability.filter((_, i) => i % s.k === 0);
  /** @type {Series[]} */
  const chances = [{ values: firsts(scene), from: 0, kind: "answer" }];
  if (scene.target_probability) chances.push({ values: scene.target_probability, from: 0, kind: "target" });
  part(".chance .legend").textContent = target ? "★ the target, ◆ the first choice of each step" : "◆ the first choice of each step";
  const highest = Math.max(...all.flatMap((s) => [...firsts(s), ...(s.target_probability ?? [])]));
  part(".margin .legend").textContent = target ? "★ the target's score over the best other item's" : "◆ the first choice's score over the second's";
  const margins = all.flatMap((s) => [...s.margin]), low = Math.min(0, ...margins), high = Math.max(0, ...margins), span = high - low || 1;
  const cosines = KINDS.flatMap((kind) => (cosinesOf(scene)[kind] ? [{ values: cosinesOf(scene)[kind] ?? [], from: 1, kind }] : []));
  part(".cosine .legend").textContent = cosines.map(({ kind }) => `${MARKS[kind]} ${NAMES[kind]}`).join(", ");
  const least = Math.min(0, ...all.flatMap((s) => KINDS.flatMap((kind) => [...(cosinesOf(s)[kind] ?? [])])));
  return [
    draw("chance", { label: "Probability over the steps", low: 0, high: highest, ticks: [0, highest / 2, highest], format: percent, series: chances }),
    draw("margin", { label: "Margin over the steps", low: low - 0.05 * span, high: high + 0.05 * span, zero: true, ticks: [...new Set([low, 0, high])], format: (v) => v.toFixed(Math.abs(v) < 10 ? 2 : 0), series: [{ values: scene.margin, from: 1, kind: own }] }),
    draw("cosine", { label: "Cosines over the steps", low: least, high: 1, ticks: [0, 0.5, 1], format: (v) => v.toFixed(v % 0.5 ? 2 : 1), series: cosines }),
    draw("entropy", { label: "Entropy over the steps", low: 0, high: most, ticks: [0, most / 2, most], format: (v) => v.toFixed(2), series: [{ values: scene.entropy, from: 1, kind: "answer" }] }),
  ];
}

/** @param {Scene} scene @returns {Record<keyof typeof MARKS, Float32Array | undefined>} */
function cosinesOf(scene) {
  return { target: scene.cosine_to_target, answer: scene.cosine_to_final, history: scene.cosine_to_history, popular: scene.cosine_to_popular };
}

/** The anatomy at one step, as a line of HTML. @param {Scene} scene @param {number} step */
export function facts(scene, step) {
  if (step === 0) return "The history has not been used yet: this ranking is random.";
  const i = step - 1, bold = (/** @type {string} */ value) => `<b>${value}</b>`, title = (/** @type {number} */ item) => `<i>${escaped(scene.titles[item])}</i>`;
  const margin = scene.margin[i], size = bold(Math.abs(margin).toFixed(2)), rival = title(scene.rival[i]);
  const place = scene.target
    ? `The target's score is ${size} ${margin < 0 ? "below the first item's" : "above the next item's"}, ${rival}.`
    : `The first item's score is ${size} above the second's, ${rival}.`;
  const sure = `The probability is as spread out as over ${bold(number(Math.exp(scene.entropy[i])))} equally likely items.`;
  const popular = scene.cosine_to_popular && scene.popular ? ` and ${bold(scene.cosine_to_popular[i].toFixed(2))} with the most popular item, ${title(scene.popular)}` : "";
  return `${place} ${sure} The estimate x̂₀ has a cosine of ${bold(scene.cosine_to_history[i].toFixed(2))} with the history mean${popular} (1: the same direction).`;
}
