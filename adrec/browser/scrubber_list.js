/* The top 10 as bars that move with their rank. */

import { element, find } from "./dom.js";
import { number, percent } from "./format.js";

/** @import { Scene } from "./types" */

const ROW = 27;
const GAP = 12;
const PARTS = ["fill", "place", "title", "shared", "move", "value"];

/** The list at a step. @param {Scene} scene @param {number} step */
export function listAt({ top, k }, step) {
  return [...top.subarray(step * k, (step + 1) * k)];
}

/**
 * @param {HTMLElement} box
 * @param {Scene} scene
 * @param {Scene[]} all the scenes that share the bars' scale
 */
export function topList(box, scene, all) {
  const { k, top, probability, target, history } = scene, largest = Math.max(...all.flatMap((s) => [...s.probability, ...(s.target_probability ?? [])]));
  /** @type {Map<number, HTMLElement>} */
  const rows = new Map();
  const rule = element("hr");
  rule.style.top = `${k * ROW + GAP / 2}px`;
  box.replaceChildren(...(target ? [rule] : []));
  box.style.height = `${(k + (target ? 1 : 0)) * ROW + (target ? GAP : 0)}px`;

  for (const item of new Set([...top, ...(target ? [target] : [])])) {
    const row = element("div", item === target ? "row is-target" : "row"), again = history.includes(item);
    row.append(...PARTS.map((name) => element(name === "fill" ? "i" : "span", name)));
    find(row, ".title").textContent = (item === target ? "★ " : "") + (again ? "↺ " : "") + scene.titles[item];
    row.title = scene.titles[item] + (again ? ", already in the history" : "");
    row.style.transform = `translateY(${(k - 1) * ROW}px)`;
    rows.set(item, row);
    box.append(row);
  }

  /** @param {number} item @param {number} slot @param {number} rank @param {number} p @param {string} moved */
  function show(item, slot, rank, p, moved) {
    const row = /** @type {HTMLElement} */ (rows.get(item));
    row.classList.add("shown");
    row.classList.toggle("is-answer", slot === 0);
    row.style.transform = `translateY(${slot < k ? slot * ROW : k * ROW + GAP}px)`;
    find(row, ".place").textContent = number(rank);
    find(row, ".value").textContent = percent(p);
    find(row, ".fill").style.width = `calc((100% - var(--room, 96px)) * ${p / largest})`;
    find(row, ".move").textContent = moved;
  }

  return {
    largest,
    /** @param {number} step @param {number[]} both the items that the other panel's list has too */
    move(step, both) {
      const now = listAt(scene, step), before = step > 1 ? listAt(scene, step - 1) : now;
      rows.forEach((row, item) => {
        if (!now.includes(item) && item !== target) row.classList.remove("shown", "is-answer");
        find(row, ".shared").textContent = both.includes(item) ? "=" : "";
      });
      now.forEach((item, slot) => show(item, slot, slot + 1, probability[step * k + slot], movement(before.indexOf(item), slot)));
      rule.style.opacity = target && now.includes(target) ? "0" : "1";
      if (target && !now.includes(target)) show(target, k, scene.rank?.[step] ?? 0, scene.target_probability?.[step] ?? 0, "");
    },
  };
}

/** How an item moved in the list, given its slot one step before; -1 is none. @param {number} before @param {number} now */
export function movement(before, now) {
  if (before < 0) return "new";
  return before === now ? "" : before > now ? `▲${before - now}` : `▼${now - before}`;
}

/** How the list changed in a step, in words. @param {Scene} scene @param {number} step */
export function changes(scene, step) {
  if (step === 0) return "Pure noise, ranked as if it were the answer.";
  const now = listAt(scene, step), before = listAt(scene, step - 1), names = (/** @type {number[]} */ items) => items.map((i) => scene.titles[i]).join(", ");
  const entered = now.filter((i) => !before.includes(i)), left = before.filter((i) => !now.includes(i));
  if (entered.length === scene.k) return `All ${scene.k} are new.`;
  if (entered.length > 2) return `${entered.length} of ${scene.k} are new.`;
  if (entered.length) return `New: ${names(entered)}. Gone: ${names(left)}.`;
  return now.some((item, i) => item !== before[i]) ? "The same items in a different order." : "The same list as in the previous step.";
}
