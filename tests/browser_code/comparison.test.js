/* The order of compared models. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { compare } from "../../adrec/browser/comparison.js";

const row = (/** @type {number | null} */ value) => ({ key: "", name: "", about: "", glyph: "", color: "", baseline: false, cells: { a: { value, text: "", note: "" } } });

test("models without a value come last whichever way they are sorted", () => {
  const values = [2, null, 3, 1].map(row);
  const sorted = (/** @type {number} */ sign) => [...values].sort((a, b) => compare(a, b, "a", sign)).map((one) => one.cells.a.value);
  assert.deepEqual(sorted(1), [1, 2, 3, null]);
  assert.deepEqual(sorted(-1), [3, 2, 1, null]);
});
