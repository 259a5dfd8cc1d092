import assert from "node:assert/strict";
import test from "node:test";

import { wordsOf } from "../../adrec/browser/lesson/film_card.js";
import { settled } from "../../adrec/browser/lesson/ranks.js";
import { cells, norm, sixteen } from "../../adrec/browser/lesson/strip.js";

const vector = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i) * 0.12);

test("a strip shows sixteen entries at the vector's own scale", () => {
  const shown = sixteen(vector), larger = sixteen(vector.map((v) => 100 * v));
  assert.equal(shown.length, 16);
  assert.equal(Math.max(...shown.map(Math.abs)), 1);
  shown.forEach((value, i) => assert.ok(Math.abs(value - larger[i]) < 1e-6));
});

test("entries below zero are cells of another kind", () => {
  const data = cells([1, -1], 0, 0, 10, 8);
  assert.equal(data.positive.split("M").length - 1, 8);
  assert.equal(data.negative.split("M").length - 1, 8);
});

test("a vector of zeros has a strip and no length", () => {
  assert.ok(sixteen(new Float32Array(128)).every((value) => value === 0));
  assert.equal(norm(new Float32Array(128)), 0);
  assert.equal(norm([3, 4]), 5);
});

test("labels of a rank bar cover neither each other nor the end", () => {
  assert.deepEqual(settled([0, 1, 90], 20, 80), [0, 20, 80]);
  assert.deepEqual(settled([70, 75, 79], 20, 80), [40, 60, 80]);
});

test("a title is parted at its spaces and after its hyphens alone", () => {
  assert.deepEqual(wordsOf("E.T. the Extra-Terrestrial"), ["E.T.", "the", "Extra-", "Terrestrial"]);
  assert.deepEqual(wordsOf("Casablanca"), ["Casablanca"]);
});
