/* Reads what adrec/browser/wire.py writes. */

/** @type {Record<string, { new (buffer: ArrayBuffer, offset: number, length: number): ArrayBufferView }>} */
const ARRAYS = { float32: Float32Array, int32: Int32Array, uint16: Uint16Array, uint8: Uint8Array };

/**
 * The blocks of a buffer: each a digest, the length of its JSON (uint32 each), the JSON, and the arrays that the JSON lists, which
 * become fields of its object beside the digest.
 * @param {Uint8Array} bytes
 * @param {number} start where the first block begins
 * @returns {any[]}
 */
export function blocks(bytes, start = 0) {
  const copy = bytes.slice().buffer, found = []; // typed arrays must begin at a multiple of their entries' size
  for (let at = start; at < copy.byteLength;) {
    const [digest, length] = new Uint32Array(copy, at, 2), body = at + 8 + length;
    const block = JSON.parse(new TextDecoder().decode(new Uint8Array(copy, at + 8, length)));
    at = body;
    for (const [name, [type, offset, count]] of Object.entries(block.arrays)) {
      block[name] = new ARRAYS[type](copy, body + offset, count);
      at = Math.max(at, body + offset + block[name].byteLength);
    }
    at = 4 * Math.ceil(at / 4);
    found.push(Object.assign(block, { digest }));
  }
  return found;
}
