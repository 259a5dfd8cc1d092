/* The explorer's sentences about a denoising, the same as in adrec/explain/words.py. Pure functions of scenes; STRONG, TITLE and TERM mark up. */

/** @import { Sayings, Scene } from "./types" */

import { decidedAt } from "./engine/ranking.js";
import { number } from "./format.js";

export const STRONG = ["\ue001", "\ue002"];
export const TITLE = ["\ue003", "\ue004"];
export const TERM = ["\ue005", "\ue006", "\ue007"];

const FAINT = 0.2;
const NEAR_TIE = "1 %";
const HIT = 10;
const NEAR_MISS = 50;

const strong = (/** @type {string} */ text) => STRONG[0] + text + STRONG[1];

/** As Python's ``:.{digits}g``. @param {number} value */
export function general(value, digits = 6) {
  const [size, power] = value.toExponential(digits - 1).split("e"), exponent = Number(power);
  if (exponent >= -4 && exponent < digits) return String(Number(value.toPrecision(digits)));
  return `${Number(size)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

const percent = (/** @type {number} */ share) => (share < 1 ? `${general(100 * share, 2)} %` : `${general(share, 2)} times`);
const asStrong = (/** @type {number} */ share) => (Math.round(10 * share) === 10 ? "just" : percent(share));

/** "A, B and C", or "A, B, C and 2 more". @param {string[]} titles */
function listed(titles) {
  const shown = titles.slice(0, 3);
  if (titles.length > 3) return `${shown.join(", ")} and ${titles.length - 3} more`;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}` : shown[0];
}

/** What is said of a scene, in the terms of adrec.explain.trajectory.Trajectory. @param {Scene} scene */
function walkOf(scene) {
  const { top, k, steps, rank, target, titles } = scene, lists = Array.from({ length: steps }, (_, i) => [...top.subarray((i + 1) * k, (i + 2) * k)]);
  let order = 1;
  for (let i = steps - 1; i > 0 && order === 1; i--) if (lists[i].join() !== lists[i - 1].join()) order = i + 1;
  return {
    ...scene, lists, order,
    last: lists[steps - 1],
    commit: decidedAt(lists),
    swaps: scene.swaps ?? [],
    share: scene.noise_share ?? null,
    weight: scene.again?.run.model.noise_weight,
    ends: target && rank ? rank[steps] : null,
    title: (/** @type {number} */ item) => TITLE[0] + titles[item] + TITLE[1],
  };
}

/** @typedef {ReturnType<typeof walkOf>} Walk */

const ties = (/** @type {Walk} */ { swaps }) => (swaps.length === 2 ? "a near tie" : "near ties");

/** What came in and what went. @param {number[]} before @param {number[]} after */
const changed = (before, after) => ({ entered: after.filter((i) => !before.includes(i)), left: before.filter((i) => !after.includes(i)) });

/** @param {Walk} walk */
function decision(walk) {
  const { steps, commit, order, swaps, lists, title } = walk;
  if (steps === 1) return strong("Decided in the only step.");
  if (commit === 1) {
    const first = strong("Decided at the first step"), rest = steps === 2 ? "the other step changes" : `the other ${steps - 1} change`;
    return order === 1 ? `${first}: ${rest} nothing in the top 10.` : `${first}: ${rest} none of its ten items, only their order, last at step ${order}.`;
  }
  if (swaps.length) {
    const first = strong(`Decided at the first step, but for ${ties(walk)}`);
    return `${first}: ${listed(swaps.map(title))} take turns at the end of the top 10, last at step ${commit}; they are closer than ${NEAR_TIE} of what parts the first score from the tenth.`;
  }
  const at = strong(commit < steps ? `Decided at step ${commit} of ${steps}` : `Decided only at the last step, ${steps}`);
  const { entered, left } = changed(lists[commit - 2], lists[commit - 1]);
  if (entered.length === 1) return `${at}: ${title(entered[0])} took the place of ${title(left[0])} in the top 10, and stayed.`;
  return `${at}: ${listed(entered.map(title))} entered the top 10, and stayed.`;
}

/** @param {Walk} walk */
function outcome({ target, ends, last, title }) {
  if (!target || ends === null) return `Its first choice is ${title(last[0])}.`;
  if (ends <= HIT) return `What really came next, ${title(target)}, is ${ends === 1 ? "its first choice" : `at rank ${ends}: a hit`}.`;
  return `What really came next, ${title(target)}, ends at rank ${number(ends)}: ${ends <= NEAR_MISS ? "a near miss" : "a miss"}.`;
}

/** When the list was decided, which items decided it, and where the target ended. @param {Scene} scene */
export function headline(scene) {
  const walk = walkOf(scene);
  return `${decision(walk)} ${outcome(walk)}`;
}

/** What the process does, and how the strength of the noise explains when the list was decided. @param {Scene} scene @param {string} process */
export function why(scene, process) {
  const walk = walkOf(scene), { share, commit, steps, order, swaps, weight } = walk;
  if (share === null) return `${process} This model gets the noised vector at full strength, along with the history, so its guess can change at any step.`;
  const strength = `The noise is added with weight λ = ${general(weight)}, here ${asStrong(share)} as strong as the history`;
  if (steps === 1) return `${process} ${strength}.`;
  if (commit === 1 && share < FAINT) {
    const settled = order > 1 ? "the ten items; the other steps may still reorder them" : "the list; the other steps only move xₜ to the answer";
    return `${process} ${strong("Why at once?")} ${strength}: the history alone settles ${settled}.`;
  }
  if (commit === 1) return `${process} ${strength}; for this history that does not change the list.`;
  if (swaps.length) return `${process} ${strength}: all that it still tips is ${ties(walk)}.`;
  const tips = share < FAINT ? "faint, but enough to tip a close call" : "strong enough for every step to revise the guess";
  return `${process} ${strong("Why not at once?")} ${strength}: ${tips}.`;
}

// -- two panels, one change ---------------------------------------------------------------------------------------------

/** How the change affects the answer. @param {string} what the change, as a subject @param {Walk} one @param {Walk} other */
function pair(what, one, other) {
  const { entered, left } = changed(one.last, other.last), size = one.last.length;
  const count = entered.length === size ? `all ${size}` : `${entered.length || "none"} of the ${size}`;
  let change = strong(`changes ${count} recommendations`);
  if (one.last.join() === other.last.join()) change += ", nor their order";
  else if (!entered.length) change += ", only their order";
  else if (entered.length === 1) change += ` (${other.title(entered[0])} takes the place of ${other.title(left[0])})`;
  const [a, b] = [one, other].map(when);
  return `${what} ${change}; ${a === b ? `both are decided ${a}` : `A is decided ${a}, B ${b}`}. ${outcomeOfBoth(one, other)}`;
}

/** @param {Walk} walk */
function when(walk) {
  const { steps, swaps, commit } = walk;
  if (steps === 1) return "in the only step";
  if (swaps.length) return `at the first step but for ${ties(walk)}`;
  return commit === 1 ? "at the first step" : `at step ${commit} of ${steps}`;
}

/** @param {Walk} one @param {Walk} other */
function outcomeOfBoth(one, other) {
  if (one.target !== other.target) {
    const ending = outcome(other);
    return `For B, ${ending[0].toLowerCase()}${ending.slice(1)}`;
  }
  if (!one.target || one.ends === null || other.ends === null) {
    const [a, b] = [one.last[0], other.last[0]];
    return a === b ? `The first choice stays ${one.title(a)}.` : `The first choice is ${one.title(b)} instead of ${one.title(a)}.`;
  }
  const name = one.title(one.target);
  if (one.ends === other.ends) return `What really came next, ${name}, stays at rank ${number(other.ends)}.`;
  return `What really came next, ${name}, ${other.ends < one.ends ? "rises" : "falls"} from rank ${number(one.ends)} to ${number(other.ends)}.`;
}

/** Whether both share the same noise. @param {Walk} one @param {Walk} other @param {string} lent who got A's noise instead of their own */
function sharedNoise(one, other, lent) {
  const [a, b] = [one, other].map(({ again }) => again?.run.model.hidden_size);
  const share = one.steps === other.steps ? "" : " The clock is A's; B is shown at the same fraction of its steps.";
  if (a !== b) return `The noise cannot be the same: vectors have ${a} numbers in A and ${b} in B. Each draws its own from seed ${one.seed}.${share}`;
  if (one.again?.user !== other.again?.user) return `A and B do not start from the same noise.${share}`;
  if (one.steps !== other.steps) return `Both start from the same noise (seed ${one.seed}). A takes ${one.steps} steps and B ${other.steps}, so the noise drawn along the way differs.${share}`;
  const own = lent ? ` On their own, ${lent} would get different numbers.` : "";
  return `Both start from the same noise and get the same random numbers at every step (seed ${one.seed}).${own}`;
}

/** What the noise changes in the answers of two models that were trained alike but for the noise weight. @param {Scene[]} scenes */
export function weights(scenes) {
  const [one, other] = scenes.map(walkOf), size = one.last.length;
  const decided = (/** @type {Walk} */ walk, /** @type {string} */ letter) => {
    const { share, weight, lists, last, commit, steps, swaps } = walk;
    const loud = share === null ? "" : `the noise starts ${asStrong(share)} as strong as the history, and `;
    const replaced = size - last.filter((item) => lists[0].includes(item)).length, at = `step ${commit} of ${steps}`, none = strong("the steps replace none");
    let change = `the list wavers until ${at} and ${strong("ends as it began")}`;
    if (commit === 1) change = `${none} of the first ${size} items`;
    else if (swaps.length) change = `${none} of the first ${size} items but for ${ties(walk)}, last at ${at}`;
    else if (replaced) change = `${strong(`the steps replace ${replaced}`)} of the first ${size} items, the last at ${at}`;
    return `${strong(`With λ = ${general(weight)} (${letter})`)} ${loud}${change}.`;
  };
  const alike = one.last.filter((item) => other.last.includes(item)).length;
  return `Two models read the same history and start from the same random numbers. They were trained alike but for one number, λ: how strongly the noise counts beside the history. ${decided(one, "A")} ${decided(other, "B")} In the end ${alike || "none"} of the ${size} items ${alike === 1 ? "is" : "are"} in both lists.`;
}

/** All that is said of one scene or two: the answer, why, and what the change did. @param {Scene[]} scenes @param {Sayings} sayings */
export function said(scenes, { process, changed: what, lent, alike, run }) {
  if (alike) return { answer: weights(scenes), why: process, change: "" };
  const [one, other] = scenes.map(walkOf);
  const fewer = run && other && other.history.length < one.history.length && `B reads only the last ${other.history.length} items of the history.`;
  const change = other && what ? [pair(what, one, other), fewer, sharedNoise(one, other, lent ?? "")].filter(Boolean).join(" ") : "";
  return { answer: headline(scenes[0]), why: why(scenes[0], process), change };
}
