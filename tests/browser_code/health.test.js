import assert from "node:assert/strict";
import { test } from "node:test";

import { healthRows } from "../../adrec/browser/lesson/health.js";

test("names that would lie over each other get rows of their own, and others stay next to the bar", () => {
  assert.deepEqual(healthRows([{ left: 0, width: 60 }, { left: 40, width: 60 }, { left: 90, width: 60 }, { left: 200, width: 50 }]), [0, 1, 0, 0]);
});

test("no name needs no row", () => {
  assert.deepEqual(healthRows([]), []);
});
