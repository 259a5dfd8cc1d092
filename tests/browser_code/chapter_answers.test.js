/* Which option of a guess is right follows from what was measured, in chapters 3, 5 and 6. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { chapter3 } from "../../adrec/browser/lesson/chapter3.js";
import { chapter5 } from "../../adrec/browser/lesson/chapter5.js";
import { chapter6 } from "../../adrec/browser/lesson/chapter6.js";
import { chapter7 } from "../../adrec/browser/lesson/chapter7.js";
import { chapter8 } from "../../adrec/browser/lesson/chapter8.js";

const ended = (narrow, healthy) => ({ 5: { frames: [{ measured: { "hr@10": { value: narrow } } }], whole: { value: healthy } } });

/** Four cells by the mean cosines of random and pre-trained starts, squared error before both losses. */
function measuredCells(...cosines) {
  const [a, b, c, d] = cosines.map((value) => ({ mean_cosine: { value }, end: { value: 5, error: 1, seeds: 1 } }));
  return { 6: { narrow: 0.3, cells: { source: { data: "D: 9 people" }, cells: { random: { "squared error": a, "both losses": b }, pretrained: { "squared error": c, "both losses": d } } } } };
}

test("between the films is right, for the toy's three films", () => {
  assert.equal(chapter3.guess({}).right, 1);
});

test("the lists are worse, the same or better as the narrow run is right for fewer, as many or more people", () => {
  assert.deepEqual([ended(5, 12), ended(7, 7), ended(9, 8)].map((content) => chapter5.guess(content).right), [2, 1, 0]);
  assert.equal(chapter5.guess({}), null);
});

test("the switch that prevents the collapse is the one whose cell did not collapse", () => {
  const right = (...cosines) => chapter6.guess(measuredCells(...cosines)).right;
  assert.deepEqual([right(0.9, 0.9, 0.1, 0.1), right(0.9, 0.1, 0.9, 0.1), right(0.9, 0.1, 0.1, 0.1), right(0.9, 0.9, 0.9, 0.1)], [0, 1, 2, 3]);
});

test("with a cell still to be measured there is no question and no number", () => {
  const content = measuredCells(0.9, 0.1, 0.9, 0.1);
  delete content[6].cells.cells.pretrained;
  assert.deepEqual([chapter6.guess(content), chapter6.number(content)], [null, null]);
});

test("the number beside the stages left out is that of all three, which they are compared with", () => {
  const content = { 6: { leave_outs: { source: { data: "D: 9 people" }, whole: { "hr@10": { value: 12.53, error: 1.03, seeds: 2 } } } } };
  assert.deepEqual(chapter6.number(content), { value: "12.5", uncertainty: "1.0", seeds: 2, source: "D" });
});

test("one lambda that differs beyond chance is told so", () => {
  const lambda = (value) => ({ "hr@10": { value: 12, error: 1, "less 0.001": { value, error: 1 } }, steps: { 1: { "hr@10": { value: 12, error: 1, seeds: 2 } } } });
  const models = { healthy: { weight: 0.001, by_steps: [{ right: 12, error: 1 }] }, "lambda-1": { weight: 1, decided: 31 } };
  const told = (value) => chapter7.number({ 7: { models, lambdas: { 0: lambda(0), 0.001: lambda(0), 1: lambda(value) } } }).words;
  assert.deepEqual([told(-1), told(-3)], ["7.number", "7.numberDiffers"]);
});

test("two models that are right for the very same people are told so, not as a difference of nothing", () => {
  const told = (same) => chapter8.number({ 8: { findings: { diffusion: { value: 0, error: 0.4, right: 12.5, paper: 12.5, seeds: 2, same } } } }).words;
  assert.deepEqual([told(true), told(false)], ["8.numberSame", undefined]);
});
