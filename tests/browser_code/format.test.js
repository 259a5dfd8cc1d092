import assert from "node:assert/strict";
import { test } from "node:test";

import { decimal, escaped, line, number, percent, signed } from "../../adrec/browser/format.js";

test("a probability has as many digits as it deserves", () => {
  assert.deepEqual([0, 0.00001, 0.0001, 0.00123, 0.0456, 0.1, 1].map(percent), ["0 %", "<0.01 %", "0.01 %", "0.1 %", "4.6 %", "10 %", "100 %"]);
});

test("a number below 0 has a true minus, a difference its sign, and what rounds to 0 none", () => {
  assert.deepEqual([1.26, -1.26, -0.04].map((value) => decimal(value, 1)), ["1.3", "−1.3", "0.0"]);
  assert.deepEqual([1.26, -1.26, 0.04, -0.04].map((value) => signed(value, 1)), ["+1.3", "−1.3", "0.0", "0.0"]);
});

test("numbers are whole and grouped by thousands", () => {
  assert.deepEqual([0.4, 1682, 1234567.8].map(number), ["0", "1,682", "1,234,568"]);
});

test("text cannot leave an element or an attribute of an exported drawing", () => {
  const text = escaped(`</text><script>alert("1")</script> & 'x' {{SCENE}} \u2028`);
  assert.ok(!/[<>"]/.test(text) && !/&(?!#\d+;)/.test(text));
  assert.equal(text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)), `</text><script>alert("1")</script> & 'x' {{SCENE}} \u2028`);
});

test("what is no text is written as text", () => assert.equal(escaped(12), "12"));

test("a line leaves out points that cannot be drawn", () => {
  assert.equal(line([[0, 1], [NaN, 2], [3, Infinity], [4.04, 5.06]]), "M0.0 1.0L4.0 5.1");
});
