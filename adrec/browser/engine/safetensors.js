/* Reads weights: a safetensors file of 16- or 32-bit floats. */

/** @import { Tensor } from "./types.d.ts" */

/** @type {Record<string, (buffer: ArrayBuffer) => Float32Array>} */
const FLOATS = { F32: (buffer) => new Float32Array(buffer), F16: (buffer) => widened(buffer, half), BF16: (buffer) => widened(buffer, (bits) => bits << 16) };
const TINY = new Uint32Array(new Float32Array(1024).map((_, fraction) => fraction * 2 ** -24).buffer);

/**
 * Numbers of 16 bits as numbers of 32.
 * @param {ArrayBuffer} buffer
 * @param {(bits: number) => number} wide the bits of one
 */
function widened(buffer, wide) {
  const bits = new Uint16Array(buffer), words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = wide(bits[i]);
  return new Float32Array(words.buffer);
}

/** @param {number} bits an IEEE half-precision number; those with exponent 0 have lost their leading bit */
function half(bits) {
  const sign = (bits & 0x8000) << 16, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return sign | (exponent ? ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13) : TINY[fraction]);
}

/**
 * The tensors of a file by name, as 32-bit floats.
 * @param {Uint8Array} bytes
 * @returns {Record<string, Tensor>}
 */
export function readTensors(bytes) {
  const whole = /** @type {ArrayBuffer} */ (bytes.buffer), start = bytes.byteOffset, length = Number(new DataView(whole, start).getBigUint64(0, true));
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(whole, start + 8, length)));
  delete head.__metadata__;
  return Object.fromEntries(Object.entries(head).map(([name, { dtype, shape, data_offsets: [from, to] }]) => {
    if (!(dtype in FLOATS)) throw new TypeError(`${name}: ${dtype}`);
    const at = start + 8 + length; // copied, because views must begin at a multiple of their entries' size
    return [name, { shape, values: FLOATS[dtype](whole.slice(at + from, at + to)) }];
  }));
}
