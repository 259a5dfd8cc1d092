import assert from "node:assert/strict";
import { test } from "node:test";

import { blocks } from "../../adrec/browser/wire.js";

/** A block by hand, as wire.py documents it. */
function block(digest, head, body) {
  const text = new TextEncoder().encode(JSON.stringify(head)), room = 4 * Math.ceil(text.length / 4), bytes = new Uint8Array(8 + room + body.length).fill(32);
  new DataView(bytes.buffer).setUint32(0, digest, true);
  new DataView(bytes.buffer).setUint32(4, room, true);
  bytes.set(text, 8);
  bytes.set(body, 8 + room);
  return bytes;
}

test("blocks give back their objects and arrays, wherever the buffer lies", () => {
  const one = block(7, { title: "é\u2028", arrays: { codes: ["uint8", 0, 3], xy: ["float32", 4, 1] } }, [1, 2, 3, 0, 0, 0, 128, 63]), two = block(8, { arrays: {} }, []);
  const whole = Uint8Array.of(99, 99, 99, 4, 0, 0, 0, ...one, ...two), [first, second] = blocks(whole.subarray(3), 4);
  assert.deepEqual([first.digest, first.title, [...first.codes], [...first.xy]], [7, "é\u2028", [1, 2, 3], [1]]);
  assert.equal(second.digest, 8);
});
