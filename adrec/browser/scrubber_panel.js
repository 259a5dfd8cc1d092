/* One scene's part of the picture: list, charts, map and facts. Two scenes have two panels and one clock. */

import { element, find } from "./dom.js";
import { number, percent } from "./format.js";
import { logTicks } from "./scales.js";
import { anatomy, chart, facts } from "./scrubber_charts.js";
import { changes, listAt, topList } from "./scrubber_list.js";
import { itemMap } from "./scrubber_map.js";

/** @import { Scene } from "./types" */
/** @import { Clock, Spec } from "./scrubber_charts.js" */

/** The parts of a box: its first child, cloned until there are enough. @param {HTMLElement} box @param {number} count */
export function copies(box, count) {
  while (box.children.length > count) box.lastElementChild?.remove();
  while (box.children.length < count) box.append(/** @type {Node} */ (box.firstElementChild?.cloneNode(true)));
  return /** @type {HTMLElement[]} */ ([...box.children]);
}

/** @param {Float32Array} one @param {Float32Array} other */
function sameNumbers(one, other) {
  return one.length === other.length && one.every((value, i) => value === other[i]);
}

export class Panel {
  /**
   * @param {HTMLElement[]} parts the panel's own elements
   * @param {Scene} scene
   * @param {Scene[]} all the scenes that share the axes
   * @param {Clock} clock which counts the first scene's steps
   */
  constructor(parts, scene, all, clock) {
    this.scene = scene;
    this.parts = parts;
    this.ratio = scene.steps / all[0].steps;
    this.paired = all.length > 1;
    this.letter = "AB"[all.indexOf(scene)];
    /** @type {number[]} */
    this.both = [];
    const { steps, decided, target } = scene, axis = "step (0: pure noise)";
    /** @type {Clock} */
    const own = {
      pick: (step, done) => clock.pick(Math.round(step / this.ratio), done),
      hover: (step) => clock.hover(Math.round(step / this.ratio)),
      leave: () => clock.leave(),
    };
    this.label();
    this.rows = topList(this.part(".rows"), scene, all);
    const again = scene.top.some((item) => scene.history.includes(item));
    this.part(".scale").textContent = `probability; a full bar is ${percent(this.rows.largest)}${again ? " · ↺ already in the history" : ""}${this.paired ? " · = in both lists" : ""}`;
    const draw = (/** @type {string} */ name, /** @type {Omit<Spec, "axis" | "height" | "steps"> & { height?: number }} */ spec) =>
      chart(this.part(`.${name} .chart`), { height: 190, steps, axis, ...spec }, own);
    const ranks = [{ values: scene.answer_rank, from: 0, kind: "answer" }];
    if (scene.rank) ranks.push({ values: scene.rank, from: 0, kind: "target" });
    this.part(".rank .legend").textContent = `${target ? "★ the target, " : ""}◆ the final first choice · grey: top 10`;
    this.part(".method").textContent = `${scene.method} · ○ history, ◆ top 10${target ? ", ★ target" : ""} · ┄ xₜ, ─ x̂₀`;
    this.part(".map").title = scene.method_note;
    this.plots = [
      draw("rank", { label: `Rank over ${steps} steps; each step's list has the values.`, height: this.paired ? 250 : 330, low: 1, high: scene.items + 1, log: true, ticks: logTicks(1, scene.items, [1]), format: number, band: 10, decided, series: ranks }),
      itemMap(this.part(".map"), scene, all.filter((other) => sameNumbers(other.layout, scene.layout)), own),
      ...anatomy((selector) => this.part(selector), draw, scene, all),
    ];
  }

  /** The first of its own elements that matches a selector. @param {string} selector */
  part(selector) {
    const owner = this.parts.find((part) => part.matches(selector) || part.querySelector(selector));
    if (!owner) throw new Error(`There is no ${selector} in the panel.`);
    return owner.matches(selector) ? owner : find(owner, selector);
  }

  /** The step of this scene at a step of the clock. @param {number} step */
  at(step) {
    return Math.round(step * this.ratio);
  }

  label() {
    const heading = this.part(".name"), panel = this.part(".panel"), name = this.scene.name ?? "";
    heading.hidden = !this.paired;
    heading.replaceChildren(element("b", "", this.letter), " ", element("span", "title", name), " ", element("span", "note"));
    heading.title = name;
    for (const [key, value] of [["role", "group"], ["aria-label", `${this.letter}: ${name}`]])
      if (this.paired) panel.setAttribute(key, value); else panel.removeAttribute(key);
  }

  /** @param {number} width of the clock's track, in pixels */
  draw(width) {
    this.plots.forEach((plot) => plot.draw());
    const sign = this.part("i.decided"), { decided, steps } = this.scene;
    sign.style.left = `${8 + ((width - 16) * decided) / steps}px`;
    sign.dataset.letter = this.paired ? this.letter : "";
    sign.classList.toggle("late", decided > steps / 2);
    sign.title = `${this.paired ? `${this.letter}: d` : "D"}ecided at step ${decided}`;
  }

  /** @param {number} step @param {number[]} both the items that the other panel's list has too */
  move(step, both) {
    const own = this.at(step), line = this.part(".changes");
    this.rows.move(own, both);
    this.plots.forEach((plot) => plot.move(own));
    line.textContent = line.title = changes(this.scene, own);
    this.part(".facts").innerHTML = (this.paired ? `<b>${this.letter}</b> · ` : "") + facts(this.scene, own);
    this.part(".name .note").textContent = this.ratio === 1 ? "" : own ? `step ${own} of ${this.scene.steps}` : "pure noise";
    this.both = both;
  }

  /** Write the list for a screen reader. @param {number} step */
  list(step) {
    const { target, history, titles } = this.scene;
    this.part(".answer").replaceChildren(...listAt(this.scene, this.at(step)).map((item) => element("li", "", titles[item]
      + (item === target ? " (the target)" : "") + (history.includes(item) ? " (already in the history)" : "") + (this.both.includes(item) ? " (in both lists)" : ""))));
  }

  /** The step in words. @param {number} step */
  describe(step) {
    const { scene } = this, own = this.at(step), who = this.paired ? `${this.letter}, ${scene.name}: ` : "";
    const rank = scene.target && scene.rank ? ` The target, ${scene.titles[scene.target]}, has rank ${number(scene.rank[own])}.` : "";
    return `${who}${own ? `Step ${own} of ${scene.steps}.` : "Pure noise."} First: ${scene.titles[listAt(scene, own)[0]]}.${rank} ${changes(scene, own)}`;
  }
}
