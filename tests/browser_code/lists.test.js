import assert from "node:assert/strict";
import { test } from "node:test";

import { facts } from "../../adrec/browser/scrubber_charts.js";
import { changes, listAt, movement } from "../../adrec/browser/scrubber_list.js";
import { stepUnder } from "../../adrec/browser/scrubber_map.js";

const titles = { 1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six" };

function scene(...lists) {
  return { k: lists[0].length, top: Int32Array.from(lists.flat()), titles };
}

test("the list of a step is its row", () => assert.deepEqual(listAt(scene([1, 2], [3, 4]), 1), [3, 4]));

test("an item's way in the list is an arrow with the number of places", () => {
  assert.deepEqual([[2, 0], [0, 3], [1, 1], [-1, 4]].map(([before, now]) => movement(before, now)), ["▲2", "▼3", "", "new"]);
});

test("what a step changes is said in words", () => {
  const said = (...lists) => changes(scene(...lists), lists.length - 1);
  assert.equal(said([1, 2]), "Pure noise, ranked as if it were the answer.");
  assert.equal(said([1, 2], [1, 2]), "The same list as in the previous step.");
  assert.equal(said([1, 2], [2, 1]), "The same items in a different order.");
  assert.equal(said([1, 2], [1, 3]), "New: Three. Gone: Two.");
  assert.equal(said([1, 2], [3, 4]), "All 2 are new.");
  assert.equal(said([1, 2, 3, 4], [1, 5, 6, 2]), "New: Five, Six. Gone: Three, Four.");
});

test("titles cannot bring markup into the facts", () => {
  const told = facts({
    titles: { 1: "<img src=x onerror=alert(1)>", 2: "A & B" }, target: 2, popular: 2, rival: [1], margin: [-0.5], entropy: [0],
    cosine_to_history: [0.25], cosine_to_popular: [0.5],
  }, 1);
  assert.ok(!told.includes("<img") && told.includes("A &#38; B"));
  assert.ok(told.startsWith("The target's score is <b>0.50</b> below the first item's, <i>&#60;img"));
});

test("the pointer finds the nearest point of both paths, the current step before others as near", () => {
  const dots = { project: (path, i) => [path[2 * i], path[2 * i + 1]] }, estimate = Float32Array.of(50, 50, 90, 90), noised = Float32Array.of(10, 10, 50, 50, 50, 50);
  assert.equal(stepUnder(dots, estimate, noised, 11, 10, 2), 0);
  assert.deepEqual([0, 1, 2].map((current) => stepUnder(dots, estimate, noised, 50, 51, current)), [1, 1, 2]);
  assert.equal(stepUnder(dots, estimate, noised, 200, 200, 0), -1);
});
