/* Chapter 3's toy: one dot wants to lie between the films, and from noise one arrives at one of them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOSEN, compromise, nearestChosen, OTHERS, placeError, restored } from "../../adrec/browser/lesson/promise.js";

const apart = ([x, y], [a, b]) => Math.hypot(x - a, y - b);

test("the place of the smallest error lies between the chosen films, far from every film", () => {
  const best = compromise();
  for (let x = -2.5; x <= 2.5; x += 0.1) for (let y = -2.5; y <= 2.5; y += 0.1) assert.ok(placeError([x, y]) >= placeError(best));
  for (const film of [...CHOSEN, ...OTHERS]) assert.ok(apart(best, film) > 1.2 && placeError(film) > placeError(best));
});

test("the reverse process ends on one of the chosen films, and other noise may lead to another", () => {
  const counts = [0, 0, 0];
  for (let seed = 0; seed < 300; seed++) {
    const end = restored(seed).at(-1), film = nearestChosen(end);
    assert.ok(apart(end, CHOSEN[film]) < 1e-3);
    counts[film] += 1;
  }
  for (const count of counts) assert.ok(count > 70, `${counts}`);
});

test("the way from noise is the same for the same seed", () => {
  assert.deepEqual(restored(5), restored(5));
});
