/* A model of other data answers by the lesson's ids. */

import assert from "node:assert/strict";
import test from "node:test";

import { inCatalogue, ownHistory } from "../../adrec/browser/lesson/catalogue.js";

/** Three films of the lesson's own model, and one that only the other model knows: its films 1, 2, 3 are the lesson's 3, 4, 1. */
const CONTENT = { films: { titles: ["", "a", "b", "c", "d"], known: 3, of: ["small"], others: [0, 3, 4, 1] } };
/** A model that answers with what it was asked. */
const echo = (rows) => ({
  table: { values: Float32Array.from({ length: 2 * rows }, (_, i) => i), width: 2 },
  encode: async (history) => ({ history }),
  answer: async (history) => ({ top: history, scores: Float32Array.from({ length: rows }, (_, i) => i), steps: [{ top: null, scores: null }] }),
});

test("films go in and come out by the lesson's ids, and those that the model lacks score nothing", async () => {
  const engine = inCatalogue(echo(4), CONTENT, "small");
  assert.deepEqual((await engine.encode([1, 2, 3, 4])).history, [1, 3, 4]);
  const { top, scores, steps } = await engine.answer([4, 1]);
  assert.deepEqual([top, [...scores], steps], [[4, 1], [0, 3, -Infinity, 1, 2], [{ top: null, scores: null }]]);
  assert.deepEqual([...engine.table.values], [0, 1, 6, 7, 0, 0, 2, 3, 4, 5]);
});

test("the lesson's own model leaves out what only another knows, and a history of nothing else is refused", async () => {
  const engine = inCatalogue(echo(4), CONTENT, "people");
  assert.deepEqual((await engine.encode([4, 2])).history, [2]);
  assert.deepEqual(ownHistory(CONTENT, "small", [1, 2, 4]), [3, 2]);
  await assert.rejects(engine.encode([4]), RangeError);
});
