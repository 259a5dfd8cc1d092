import assert from "node:assert/strict";
import { resolveObjectURL } from "node:buffer";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { startEngine } from "../../adrec/browser/engine/client.js";
import { nearest, posterior } from "../../adrec/browser/engine/engine.js";
import { best, decidedAt, rankOf, swaps } from "../../adrec/browser/engine/ranking.js";
import { readTensors } from "../../adrec/browser/engine/safetensors.js";

/** A safetensors file of one tensor. */
function file(dtype, bytes) {
  const head = new TextEncoder().encode(JSON.stringify({ __metadata__: { a: "b" }, w: { dtype, shape: [bytes.length], data_offsets: [0, bytes.length] } }));
  return Uint8Array.of(1, ...new Uint8Array(BigUint64Array.of(BigInt(head.length)).buffer), ...head, ...bytes).subarray(1);
}

test("weights of each float type become 32-bit floats, the smallest and the endless ones too", () => {
  const values = (dtype, bytes) => [...readTensors(file(dtype, bytes)).w.values];
  assert.deepEqual(values("F16", [0, 60, 0, 192, 1, 0, 255, 131, 0, 124, 0, 252, 0, 126]), [1, -2, 2 ** -24, -1023 * 2 ** -24, Infinity, -Infinity, NaN]);
  assert.deepEqual(values("BF16", [128, 63, 64, 192]), [1, -3]);
  assert.deepEqual(values("F32", [0, 0, 128, 63, 0, 0, 0, 191]), [1, -0.5]);
  assert.throws(() => values("I64", Array(8).fill(0)), /I64/);
});

test("fewer steps of a reverse process are spaced as numpy rounds them, and all of them have the coefficients that runs record", () => {
  const { diffusion: { alpha_bar, posterior_mean, log_variance } } = JSON.parse(readFileSync("assets/runs/ml-100k/run.json", "utf8"));
  assert.deepEqual(posterior(alpha_bar, 3).map(({ t }) => t), [31, 16, 0]); // 15.5 goes to the even neighbour
  assert.deepEqual(posterior(alpha_bar, 1).map(({ t, x_0, x_t, deviation }) => [t, x_0, x_t, deviation]), [[31, 1, 0, 0]]);
  for (const { t, x_0, x_t, deviation } of posterior(alpha_bar, 32)) {
    assert.ok(Math.abs(x_0 - posterior_mean.x_0[t]) + Math.abs(x_t - posterior_mean.x_t[t]) < 1e-12);
    assert.ok(Math.abs(deviation - (t ? Math.exp(log_variance[t] / 2) : 0)) < 1e-12);
  }
});

test("the best items never include the padding, and the first of equal ones comes first", () => {
  assert.deepEqual(best([9, 1, 3, 3, 2], 3), { top: [2, 3, 4], top_scores: [3, 3, 2] });
  assert.deepEqual(best([9, 1], 3).top, [1]);
});

test("an item is ranked among the rows from the first that counts; ties and NaN are ahead of it", () => {
  const scores = Float32Array.of(9, 1, 3, 3, NaN);
  assert.deepEqual([rankOf(scores, 2, 0), rankOf(scores, 2, 1), rankOf(scores, 1, 1)], [4, 3, 4]);
});

test("near ties that take turns at a list's end are told from items that come and go", () => {
  const lists = [[1, 2, 3], [1, 2, 4], [1, 2, 3]], tied = [[0, 9, 5, 2, 1.99], [0, 9, 5, 1.99, 2], [0, 9, 5, 2, 1.99]], apart = tied.with(1, [0, 9, 5, 1, 2]);
  assert.deepEqual(swaps(lists, tied), [3, 4]);
  assert.deepEqual(swaps(lists, apart), []);
  assert.deepEqual(swaps([[1, 2], [2, 1]], tied), [], "whose order alone changes");
});

test("a list is decided after the step from which its items stay, in whatever order", () => {
  assert.deepEqual([[[1, 2], [2, 1], [1, 2]], [[1, 2], [1, 3], [1, 2], [2, 1]], [[1, 2], [1, 3]]].map(decidedAt), [1, 3, 2]);
});

test("the nearest items are those at the smallest angle, without the item itself and the padding", () => {
  const values = Float32Array.of(0, 0, 2, 0, 8, 1, 0, 5, 0.1, 0, -1, 0);
  const { items, cosines } = nearest({ values, width: 2 }, 1, 9);
  assert.deepEqual(items, [4, 2, 3, 5]);
  assert.deepEqual(cosines.map((value) => value.toFixed(2)), ["1.00", "0.99", "0.00", "-1.00"]);
});

/** A page that runs what is appended to it. */
const page = globalThis.document = {
  createElement: () => ({}),
  head: {
    async append(script) {
      const source = await resolveObjectURL(script.src).text();
      page.currentScript = script;
      new Function(source)();
      script.onload();
    },
  },
};

/** The client over a script that stands for the engine's: it runs in the page, as node has no Worker of a browser. */
const engineOver = (methods) => startEngine(`self.onmessage = ({ data: { id, method, given } }) => { try { self.postMessage({ id, value: (${methods})[method](...given) }); }
  catch (error) { self.postMessage({ id, error: error.message }); } };`);

test("where no worker can be started the engine runs in the page; a failure belongs to its request alone", async () => {
  const engine = await engineOver(`{ load: () => ({ model: 0, table: 1 }), nearest: (item) => { if (item < 0) throw new Error("no such item"); return item; } }`)
    .load({ model: { length: 5 } }, new Uint8Array());
  assert.equal(engine.settings.length, 5);
  const failing = engine.nearest(-1, 1), right = engine.nearest(4, 1);
  await assert.rejects(failing, /no such item/);
  assert.equal(await right, 4);
});

test("where the page runs no script of its own, every request fails", async () => {
  const { append } = page.head;
  page.head.append = async (script) => { await null; script.onerror(); };
  const engine = startEngine("");
  await assert.rejects(engine.load({ model: {} }, new Uint8Array()), /no engine/);
  await assert.rejects(engine.load({ model: {} }, new Uint8Array()), /no engine/);
  page.head.append = append;
});

test("a request that is aborted while it waits is never computed", async () => {
  const engine = await engineOver(`{ load: () => ({ model: 0 }), scores: (vector) => { globalThis.asked.push(vector); return vector; } }`).load({ model: {} }, new Uint8Array());
  globalThis.asked = [];
  const stop = new AbortController(), first = engine.scores(1), second = engine.scores(2, stop.signal), third = engine.scores(3);
  stop.abort();
  await assert.rejects(second, { name: "AbortError" });
  assert.deepEqual([await first, await third, globalThis.asked], [1, 3, [1, 3]]);
});
