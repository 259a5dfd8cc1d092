import assert from "node:assert/strict";
import { test } from "node:test";

import { spans } from "../../adrec/browser/film_charts.js";
import { shuffled } from "../../adrec/browser/film_map.js";
import { drawingOrder } from "../../adrec/browser/maps.js";
import { outline } from "../../adrec/browser/maps_draw.js";
import { nextThatWay } from "../../adrec/browser/maps_gestures.js";
import { mark, shapes } from "../../adrec/browser/markers.js";
import { UNKNOWN } from "../../adrec/browser/scatter.js";
import { Selection } from "../../adrec/browser/selection.js";

test("a region replaces, adds to or takes from the selection", () => {
  const selection = new Selection(4);
  selection.change([1, 1, 0, 0], "new");
  selection.change([0, 1, 1, 0], "add");
  assert.deepEqual([[...selection.chosen], selection.count], [[1, 1, 1, 0], 3]);
  selection.change([1, 0, 0, 1], "remove");
  assert.deepEqual([...selection.chosen], [0, 1, 1, 0]);
  selection.change([0, 0, 0, 1], "new");
  assert.deepEqual([...selection.chosen], [0, 0, 0, 1]);
});

test("a selection is one bit an item in base64, the first lowest, and comes back from it", () => {
  const selection = new Selection(10), other = new Selection(10);
  assert.equal(selection.text, "");
  selection.change([1, 0, 0, 0, 0, 0, 0, 0, 0, 1], "new");
  assert.equal(selection.text, btoa("\x01\x02"));
  other.text = selection.text;
  assert.deepEqual([other.chosen, other.count], [selection.chosen, 2]);
  other.text = "";
  assert.equal(other.count, 0);
});

test("unknown and other dots are drawn first, then the groups in their order", () => {
  assert.deepEqual([...drawingOrder(Uint8Array.of(2, UNKNOWN, 0, 3, 0, 1), 3)], [1, 3, 2, 4, 5, 0]);
});

test("the film draws every dot once", () => {
  for (const n of [1, 5, 7919, 10000]) assert.equal(new Set(shuffled(n)).size, n);
});

test("an arrow key goes to the dot that lies best that way", () => {
  const points = [[0, 0], [10, 1], [5, 4], [-3, 0], [2, 40]], next = (direction) => nextThatWay((i) => points[i], points.length, 0, direction);
  assert.deepEqual([[1, 0], [-1, 0], [0, 1], [0, -1]].map(next), [1, 3, 4, -1]);
});

test("a box has four corners, a lasso those that were drawn", () => {
  assert.deepEqual(outline({ kind: "box", path: [[1, 2], [5, 6]] }), [[1, 2], [5, 2], [5, 6], [1, 6]]);
  assert.deepEqual(outline({ kind: "lasso", path: [[1, 2], [5, 6], [3, 3]] }), [[1, 2], [5, 6], [3, 3]]);
});

test("stages are spans of frames", () => {
  assert.deepEqual(spans(["initial", "pretrain", "pretrain", "finetune"]), [[0, 1], [1, 3], [3, 4]]);
  assert.deepEqual(spans([]), []);
});

test("every mark is a path around its place", () => {
  for (const marker of Object.keys(shapes)) {
    const numbers = mark(marker, 100, 50, 4).match(/^M([\d.]+) ([\d.]+)/).slice(1).map(Number);
    assert.ok(Math.hypot(numbers[0] - 100, numbers[1] - 50) < 8, marker);
    assert.ok(!mark(marker, 0, 0, 4).includes("NaN"));
  }
});
