import assert from "node:assert/strict";
import { test } from "node:test";

import { GREY, Scatter, UNKNOWN, boxOf, inside, paletteOf, rgb, sizeOf } from "../../adrec/browser/scatter.js";

/** Numbers from 0 to 1, the same in every run. */
function random(seed) {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

function scatter(points, width = 400, height = 300, margin = 16) {
  const dots = new Scatter({}, { box: boxOf([points]), zoom: { k: 1, x: 0, y: 0 } }, margin);
  return Object.assign(dots, { w: width, h: height });
}

function cloud(n, seed = 1) {
  const next = random(seed);
  return Float32Array.from({ length: 2 * n }, () => 10 * next() - 3);
}

test("the box is the middle and the size of all positions", () => {
  assert.deepEqual(boxOf([[0, 1, 4, 3], [2, -1]]), { x: 2, y: 1, w: 4, h: 4 });
  assert.deepEqual(boxOf([[2, 2]]), { x: 2, y: 2, w: 1, h: 1 });
});

test("all dots lie within the margin, both axes in one scale, y upwards", () => {
  const dots = scatter([0, 0, 10, 0, 0, 2]);
  const [[x0, y0], [x1], [, y2]] = [0, 1, 2].map((i) => dots.project([0, 0, 10, 0, 0, 2], i));
  assert.deepEqual([x0, x1], [16, 384]);
  assert.ok(Math.abs((x1 - x0) / 10 - (y0 - y2) / 2) < 1e-9 && y2 < y0);
});

test("unproject undoes project, zoomed and moved too", () => {
  const points = cloud(20), dots = scatter(points);
  Object.assign(dots.view.zoom, { k: 3, x: 0.5, y: -2 });
  for (let i = 0; i < 20; i++) dots.unproject(...dots.project(points, i)).forEach((v, axis) => assert.ok(Math.abs(v - points[2 * i + axis]) < 1e-4));
});

test("the nearest dot is the nearest of all in pixels", () => {
  const points = cloud(300), dots = scatter(points), next = random(7);
  for (let trial = 0; trial < 50; trial++) {
    const [x, y] = [400 * next(), 300 * next()], distances = Array.from({ length: 300 }, (_, i) => {
      const [px, py] = dots.project(points, i);
      return (px - x) ** 2 + (py - y) ** 2;
    });
    const least = Math.min(...distances), [found, d] = dots.nearest(points, x, y, 14);
    assert.equal(found, least < 14 ** 2 ? distances.indexOf(least) : -1);
    if (found >= 0) assert.ok(Math.abs(d - least) < 1e-6);
  }
});

test("filtered dots are not found", () => {
  const points = [0, 0, 0.01, 0, 5, 5], dots = scatter(points);
  assert.equal(dots.nearest(points, ...dots.project(points, 0), 14, (i) => i !== 0)[0], 1);
});

test("a region holds what the even-odd rule says, whatever its shape", () => {
  const points = cloud(500), next = random(3);
  for (const count of [3, 8, 700]) {
    const corners = Array.from({ length: count }, () => [10 * next() - 3, 10 * next() - 3]);
    const wanted = Array.from({ length: 500 }, (_, i) => {
      let odd = 0;
      corners.forEach(([bx, by], b) => {
        const [ax, ay] = corners[(b || count) - 1], [x, y] = [points[2 * i], points[2 * i + 1]];
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd ^= 1;
      });
      return odd;
    });
    assert.deepEqual([...inside(points, corners)], wanted);
  }
});

test("a region without any height holds nothing", () => {
  assert.deepEqual([...inside([1, 1, 2, 2], [[0, 1], [3, 1], [2, 1]])], [0, 0]);
});

test("a region of pixels selects the dots drawn in it", () => {
  const points = cloud(100), dots = scatter(points), left = Array.from({ length: 100 }, (_, i) => Number(dots.project(points, i)[0] < 200));
  assert.deepEqual([...dots.within(points, [[0, 0], [200, 0], [200, 300], [0, 300]])], left);
});

test("categories have colours and marks of their own, numbers a ramp of circles that grow", () => {
  const ramp = { light: ["#ffffff", "#000000"], dark: ["#000000", "#ffffff"] }, colours = ["#010203"], markers = ["star"];
  assert.deepEqual(paletteOf({ categories: ["a"], colours, markers, ramp }, true), { colours, markers });
  const palette = paletteOf({ categories: [], colours, markers, ramp }, true);
  assert.deepEqual(palette, { colours: ramp.dark, markers: null });
  assert.ok(sizeOf(palette, 1) > sizeOf(palette, 0) && sizeOf({ colours, markers }, 0) === 1);
});

test("a colour becomes the bytes of a pixel, red lowest", () => {
  assert.equal(rgb("#010203"), 0x030201);
  assert.ok(rgb(GREY) > 0 && UNKNOWN === 255);
});
