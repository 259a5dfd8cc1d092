/* Films found by title, and the order of a history. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { findFilms, moved, nearestTo } from "../../adrec/browser/lesson/films.js";
import { cosineOf, shade } from "../../adrec/browser/lesson/likeness.js";

const FILMS = { titles: ["", "Star Wars", "Lone Star", "Star Trek", "Alien"], popularity: [0, 5, 9, 3, 7] };

test("films whose title begins with the words come first, then the most chosen", () => {
  assert.deepEqual(findFilms(FILMS, " star", [], 5), [1, 3, 2]);
});

test("films of the history are not offered again, and nothing is found without words", () => {
  assert.deepEqual(findFilms(FILMS, "star", [1], 1), [3]);
  assert.deepEqual(findFilms(FILMS, " ", [], 5), []);
});

test("a film moves to another place and the others keep their order", () => {
  assert.deepEqual(moved([1, 2, 3, 4], 0, 2), [2, 3, 1, 4]);
  assert.deepEqual(moved([1, 2, 3, 4], 3, 0), [4, 1, 2, 3]);
  assert.deepEqual(moved([1, 2, 3, 4], 3, -1), [4, 1, 2, 3]);
});

test("a dragged film goes to the place that is under the pointer, or nearest to it", () => {
  const places = [[0, 0, 40], [50, 0, 300], [0, 40, 40]].map(([left, top, right]) => ({ left, top, right, bottom: top + 30 }));
  assert.deepEqual([nearestTo(places, 60, 5), nearestTo(places, 10, 37), nearestTo(places, 42, 5)], [1, 2, 0]);
});

test("a cosine is drawn from nothing at 0 to full at 1, darker the larger it is", () => {
  const drawn = [-1, 0, 0.1, 0.3, 0.7, 1].map(shade);
  assert.deepEqual([drawn[0], drawn[1], drawn.at(-1)], [0, 0, 1]);
  assert.deepEqual(drawn, [...drawn].sort((a, b) => a - b));
});

test("the bytes of cosines span -1 to 1", () => assert.deepEqual([cosineOf(0), cosineOf(255)], [-1, 1]));
