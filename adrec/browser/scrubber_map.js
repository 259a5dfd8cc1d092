/* The item map: all items as dots on a canvas; history, list, target and the two paths on top as SVG. */

import { find, svg } from "./dom.js";
import { line } from "./format.js";
import { glyph } from "./scrubber_charts.js";
import { GREY, Scatter, boxOf, placeTip } from "./scatter.js";

/** @import { Scene } from "./types" */
/** @import { Clock } from "./scrubber_charts.js" */

/**
 * @param {HTMLElement} figure
 * @param {Scene} scene
 * @param {Scene[]} all the scenes on the same map, which share its frame
 * @param {Clock} clock
 */
export function itemMap(figure, scene, all, clock) {
  const root = find(figure, ".plane > svg"), tip = find(figure, ".tip"), key = find(figure, ".key"), plane = find(figure, ".plane");
  const { layout, x0_path: estimate, xt_path: noised, history } = scene, title = (/** @type {number} */ item) => scene.titles[item];
  const view = { box: boxOf(all.flatMap((s) => [s.layout, s.x0_path, s.xt_path])), zoom: { k: 1, x: 0, y: 0 } };
  const dots = new Scatter(find(figure, "canvas"), view, 18), n = layout.length / 2, side = n > 10000 ? 1.2 : 2.4;
  const order = Uint32Array.from({ length: n }, (_, i) => i), codes = new Uint8Array(n);
  /** @type {Record<"list" | "noised" | "estimate" | "noisedHead" | "estimateHead", SVGElement> | null} */
  let parts = null;
  let current = 0;

  function draw() {
    dots.resize();
    if (!dots.w) return;
    dots.draw(layout, codes, order, { colours: [GREY], markers: ["square"] }, { radius: side / 1.76, side, alpha: [0.45, n > 10000 ? 0.25 : 0.45] });
    root.replaceChildren();
    svg(root, "path", { class: "path noised faint", d: path(noised, noised.length / 2) });
    svg(root, "path", { class: "path estimate faint", d: path(estimate, estimate.length / 2) });
    for (const item of new Set(history)) put(glyph(root, "history", 5), layout, item - 1);
    for (const [way, kind] of /** @type {[Float32Array, string][]} */ ([[noised, "noised"], [estimate, "estimate"]]))
      for (let i = 0; i < way.length / 2; i++) put(svg(root, "circle", { class: `stop ${kind}`, r: 2 }), way, i);
    const list = svg(root, "g");
    if (scene.target) put(glyph(root, "target", 8), layout, scene.target - 1);
    parts = {
      list,
      noised: svg(root, "path", { class: "path noised" }),
      estimate: svg(root, "path", { class: "path estimate" }),
      noisedHead: head("xₜ", "noised"),
      estimateHead: head("x̂₀", "estimate"),
    };
    move(current);
  }

  /** The first points of a path. @param {Float32Array} way @param {number} count */
  function path(way, count) {
    return line(Array.from({ length: count }, (_, i) => dots.project(way, i)));
  }

  /** @param {string} name @param {string} kind */
  function head(name, kind) {
    const group = svg(root, "g", { class: `at ${kind}` });
    svg(group, "circle", { r: 5 });
    svg(group, "text", { class: "head", x: 9, y: kind === "noised" ? 14 : -6 }, name);
    return group;
  }

  /** @param {SVGElement} node @param {Float32Array} way @param {number} i */
  function put(node, way, i) {
    node.setAttribute("transform", `translate(${dots.project(way, i)})`);
  }

  /** @param {number} step */
  function move(step) {
    current = step;
    if (!parts) return;
    const { list } = parts, { k, near_k } = scene;
    parts.noised.setAttribute("d", path(noised, step + 1));
    parts.estimate.setAttribute("d", path(estimate, step));
    put(parts.noisedHead, noised, step);
    parts.estimateHead.style.display = step ? "" : "none";
    if (step) put(parts.estimateHead, estimate, step - 1);
    list.replaceChildren();
    for (let i = k - 1; i >= 0; i--) put(glyph(list, "answer", i ? 4.5 : 7), layout, scene.top[step * k + i] - 1);
    const error = step ? scene.x0_error[step - 1] : scene.xt_error[0], of = Math.min(10, scene.items), kept = Math.round(of * (1 - error));
    const near = [...scene.near.subarray(step * near_k, (step + 1) * near_k)].map(title).join(", ");
    key.textContent = `Nearest to ${step ? "x̂₀" : "xₜ"} by cosine: ${near}. The map keeps ${kept} of its ${of} nearest items close${error > 0.5 ? ": trust the names, not the position" : ""}.`;
  }

  plane.onpointermove = (event) => {
    const { left, top } = plane.getBoundingClientRect(), mx = event.clientX - left, my = event.clientY - top;
    if (event.pointerType === "mouse") {
      const step = stepUnder(dots, estimate, noised, mx, my, current);
      if (step >= 0) clock.hover(step);
    }
    const [found] = dots.nearest(layout, mx, my, 10), item = found + 1;
    tip.hidden = !title(item);
    if (tip.hidden) return;
    tip.textContent = title(item) + (item === scene.target ? " (target)" : history.includes(item) ? " (history)" : "");
    placeTip(tip, dots.project(layout, found), dots);
  };
  plane.onpointerleave = () => { tip.hidden = true; clock.leave(); };
  return { draw, move };
}

/**
 * The step of a path's point under the pointer, preferring the current step among equally near ones; -1 if there is none.
 * @param {Scatter} dots
 * @param {Float32Array} estimate from step 1
 * @param {Float32Array} noised from step 0
 * @param {number} x
 * @param {number} y
 * @param {number} current
 */
export function stepUnder(dots, estimate, noised, x, y, current) {
  const near = [...candidates(estimate, 1), ...candidates(noised, 0)].filter(([, d]) => d < 49), least = Math.min(...near.map(([, d]) => d));
  const best = near.filter(([, d]) => d <= least + 1e-6).map(([step]) => step);
  return best.includes(current) ? current : (best[0] ?? -1);

  /** @param {Float32Array} way @param {number} first @returns {number[][]} the step and the squared distance of each point */
  function candidates(way, first) {
    return Array.from({ length: way.length / 2 }, (_, i) => {
      const [px, py] = dots.project(way, i);
      return [i + first, (px - x) ** 2 + (py - y) ** 2];
    });
  }
}
