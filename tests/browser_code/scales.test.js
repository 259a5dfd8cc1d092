import assert from "node:assert/strict";
import { test } from "node:test";

import { clamp, linear, logTicks, logarithmic, spread, stepAt, stepTicks } from "../../adrec/browser/scales.js";

test("a linear scale takes the ends of the values to the ends of the pixels", () => {
  const scale = linear(-1, 3, 40, 240);
  assert.deepEqual([-1, 1, 3].map(scale), [40, 140, 240]);
});

test("a linear scale of a single value draws it at the start", () => {
  assert.equal(linear(5, 5, 40, 240)(5), 40);
});

test("a logarithmic scale gives every factor of ten the same room", () => {
  const scale = logarithmic(1, 1000, 0, 300);
  assert.deepEqual([1, 10, 100, 1000].map((v) => Math.round(scale(v))), [0, 100, 200, 300]);
});

test("a pixel picks the nearest step, and the first or last one outside", () => {
  assert.deepEqual([-50, 0, 14, 16, 100, 900].map((x) => stepAt(x, 0, 100, 10)), [0, 0, 1, 2, 10, 10]);
});

test("stepAt undoes the linear scale", () => {
  const scale = linear(0, 32, 40, 377);
  for (let step = 0; step <= 32; step++) assert.equal(stepAt(scale(step), 40, 377, 32), step);
});

test("ticks of steps are round, begin at 0 and are about 60 pixels apart or more", () => {
  assert.deepEqual(stepTicks(32, 340), [0, 8, 16, 24, 32]);
  assert.deepEqual(stepTicks(4, 340), [0, 1, 2, 3, 4]);
  for (const steps of [1, 3, 32, 50, 999]) {
    const ticks = stepTicks(steps, 300);
    assert.ok(ticks[0] === 0 && ticks.length <= 6 && ticks[ticks.length - 1] <= steps);
  }
});

test("logarithmic ticks are the digits of every power of ten within the range", () => {
  assert.deepEqual(logTicks(0.03, 2, [1, 2, 5]), [0.05, 0.1, 0.2, 0.5, 1, 2]);
  assert.deepEqual(logTicks(1, 1682, [1]), [1, 10, 100, 1000]);
  assert.deepEqual(logTicks(3, 4, [1, 2, 5]), []);
});

test("labels that would cover each other move down, others stay", () => {
  assert.deepEqual(spread([10, 12, 80], 15), [10, 25, 80]);
});

test("a value is clamped to its range", () => {
  assert.deepEqual([-1, 0.5, 2].map((v) => clamp(v, 0, 1)), [0, 0.5, 1]);
});
