import assert from "node:assert/strict";
import test from "node:test";

import { chapter4 } from "../../adrec/browser/lesson/chapter4.js";
import { chapter7, countedFirsts } from "../../adrec/browser/lesson/chapter7.js";

test("first films are counted, the most frequent before", () => {
  assert.deepEqual(countedFirsts([5, 7, 5]), [[5, 2], [7, 1]]);
});

test("the guesses are judged by what was measured", () => {
  const loud = (decided) => chapter7.guess({ 7: { models: { "lambda-1": { decided, timesteps: 32, users: 9 } } } }).right;
  assert.deepEqual([loud(1.5), loud(16), loud(31.4)], [0, 1, 2]);
  const paper = (share) => chapter4.guess({ 4: { shares: { people: { share, weight: 0.001 } } } }).right;
  assert.deepEqual([paper(0.1), paper(100)], [2, 1]);
});

test("without content there is nothing to judge and no number", () => {
  for (const chapter of [chapter4, chapter7]) assert.deepEqual([chapter.guess({}), chapter.number({})], [null, null]);
});
