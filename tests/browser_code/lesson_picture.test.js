import assert from "node:assert/strict";
import test from "node:test";

import { arrange, between, columnsOf, formOf } from "../../adrec/browser/lesson/arrange.js";
import { without } from "../../adrec/browser/lesson/film_card.js";
import { attentionAmong, flowOf, restored } from "../../adrec/browser/lesson/flow.js";
import { THINNEST, routes } from "../../adrec/browser/lesson/routes.js";

const SIZES = [["strip", 1240, 150], ["strip", 390, 150], ["wide", 870, 460], ["wide", 1060, 640], ["tall", 366, 0]];
const PAIRS = [["denoiser", "x0"], ["x0", "scores"], ["plus", "denoiser"], ["scores", "row0"], ["reader", "plus"], ["valve", "x0"]];

const overlap = ([x, y, w, h], [a, b, c, d]) => x < a + c - 0.5 && a < x + w - 0.5 && y < b + d - 0.5 && b < y + h - 0.5;

test("no box of the picture covers another, at any size", () => {
  for (const [form, width, height] of SIZES) {
    const columns = columnsOf(form, width, 5), { boxes } = arrange(form, width, height, columns);
    for (const [one, other] of PAIRS) assert.ok(!overlap(boxes[one], boxes[other]), `${form} ${width}: ${one}, ${other}`);
    const cards = Object.entries(boxes).filter(([name]) => /\d$/.test(name));
    for (const [name, box] of cards) for (const [other, second] of cards) assert.ok(name === other || !overlap(box, second), `${form} ${width}: ${name}, ${other}`);
  }
});

test("the picture stays inside its width", () => {
  for (const [form, width, height] of SIZES) {
    const { width: own, boxes } = arrange(form, width, height, columnsOf(form, width, 50));
    for (const [name, [x, , w]] of Object.entries(boxes)) assert.ok(x >= 0 && x + w <= own + 1, `${form} ${width}: ${name}`);
  }
});

test("a narrow screen turns the large picture into one column", () => {
  assert.deepEqual([formOf(390, true), formOf(870, true), formOf(390, false)], ["tall", "wide", "strip"]);
});

test("halfway between two arrangements a box is halfway", () => {
  assert.deepEqual(between({ a: [0, 0, 10, 10] }, { a: [10, 20, 10, 30] }, 0.5), { a: [5, 10, 10, 20] });
});

function scenery(share, scene = { lit: [], mode: "use" }) {
  const { boxes } = arrange("wide", 870, 460, 3), at = [0, 1, 2];
  return { form: "wide", boxes, columns: at.map((i) => ({ at: i, above: boxes[`history${i}`], below: boxes[`next${i}`], c: boxes[`condition${i}`] })),
    rows: [boxes.row0], flow: { films: [1, 2, 3], top: [4], weight: 1, share, attention: new Float32Array(9).fill(1 / 3), scores: Float32Array.of(0, 1, 2, 3, 4) }, scene, focus: -1, height: 460 };
}

test("the noised film's line is as thick as its share, and dashed where it is too thin to be drawn", () => {
  const line = (share) => routes(scenery(share)).find(({ key }) => key === "weighted");
  assert.ok(Math.abs(line(1).width - 10 * line(0.1).width) < 1e-9);
  assert.deepEqual([line(0.001).width, line(0.001).name.includes("is-thin"), line(1).name.includes("is-thin")], [THINNEST, true, false]);
});

test("the way back is drawn in use alone, the squared error in training alone", () => {
  const keys = (mode) => routes(scenery(1, { lit: [], mode })).map(({ key }) => key);
  assert.deepEqual(["back", "pull"].map((key) => [keys("use").includes(key), keys("training").includes(key)]), [[true, false], [false, true]]);
});

test("attention goes to the past, and is drawn for the position that is looked at", () => {
  const arcs = (focus) => routes({ ...scenery(1), focus }).filter(({ key }) => key.startsWith("arc"));
  assert.deepEqual([arcs(-1).length, arcs(2).length, arcs(1).length, arcs(0).length], [3, 3, 2, 1]);
});

test("a film taken out leaves the others in their order", () => {
  assert.deepEqual(without([1, 2, 3], 1), [1, 3]);
});

test("attention among films is the mean over heads, without the pads", () => {
  const own = [0.5, 0.5, 0, 0.2, 0.3, 0.5], other = [0.1, 0.9, 0, 0.4, 0.3, 0.3];
  const attention = attentionAmong({ attention: [Float32Array.from([...own, ...other])], history: [7, 8], padSlots: 1 });
  assert.deepEqual([...attention].map((weight) => Number(weight.toFixed(6))), [0.7, 0, 0.3, 0.4]);
});

test("the share of noise is its weighted length over the condition's", () => {
  const encoded = { history: [1], padSlots: 0, attention: [], conditions: Float32Array.of(3, 4), condition: Float32Array.of(3, 4) };
  const answer = { steps: [{ x_t: Float32Array.of(0, 10), x0_hat: Float32Array.of(1, 1) }], scores: Float32Array.of(0, 1), top: [1] };
  assert.equal(flowOf(encoded, answer, 0.1).share, 0.2);
});

test("in training the last film is noised and restored from those before it", async () => {
  const values = Float32Array.from({ length: 24 }, (_, i) => i), asked = [];
  const engine = {
    table: { values, width: 2 },
    denoise: async (history, x, t) => { asked.push(history, t); return { x0_hat: x }; },
    scores: async () => Float32Array.of(0, 5, 1, 9),
  };
  const { target, x, top } = await restored(engine, [4, 7, 3], new Float32Array(2), Array(32).fill(0.6), new AbortController().signal);
  assert.deepEqual([asked, target, top], [[[4, 7], 16], 3, [3, 1, 2]]);
  assert.ok(Math.abs(x[1] - 0.8 * 7) < 1e-5);
});
