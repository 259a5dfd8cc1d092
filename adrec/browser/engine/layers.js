/* The layers of adrec/models: rows of numbers in, rows of numbers out. All arrays are flat, row by row. */

/** @import { Block, Linear, Norm, Segment } from "./types.d.ts" */

/**
 * x W^T + b. x: (rows, in) -> (rows, out). Four outputs at a time, which is what a browser's compiler makes fast.
 * @param {Float32Array} x
 * @param {Linear} layer
 */
export function linear(x, { weight, bias, columns }) {
  const width = weight.length / columns, rows = x.length / columns, y = new Float32Array(rows * width), whole = width - (width % 4);
  for (let row = 0; row < rows; row++) {
    const from = row * columns, to = row * width;
    for (let out = 0; out < whole; out += 4) {
      const a = out * columns, b = a + columns, c = b + columns, d = c + columns;
      let sa = 0, sb = 0, sc = 0, sd = 0;
      for (let i = 0; i < columns; i++) {
        const value = x[from + i];
        sa += value * weight[a + i];
        sb += value * weight[b + i];
        sc += value * weight[c + i];
        sd += value * weight[d + i];
      }
      y[to + out] = sa;
      y[to + out + 1] = sb;
      y[to + out + 2] = sc;
      y[to + out + 3] = sd;
    }
    for (let out = whole; out < width; out++) {
      let sum = 0;
      for (let i = 0; i < columns; i++) sum += x[from + i] * weight[out * columns + i];
      y[to + out] = sum;
    }
    if (bias) for (let out = 0; out < width; out++) y[to + out] += bias[out];
  }
  return y;
}

/**
 * Each row with mean 0 and variance 1, scaled and shifted; ``x`` itself is changed and returned.
 * @param {Float32Array} x
 * @param {Norm} norm
 */
export function layerNorm(x, { weight, bias, eps }) {
  const width = weight.length;
  for (let start = 0; start < x.length; start += width) {
    let sum = 0, squares = 0;
    for (let i = 0; i < width; i++) sum += x[start + i];
    const mean = sum / width;
    for (let i = 0; i < width; i++) squares += (x[start + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / width + eps);
    for (let i = 0; i < width; i++) x[start + i] = (x[start + i] - mean) * scale * weight[i] + bias[i];
  }
  return x;
}

/** @param {number} x */
export const silu = (x) => x / (1 + Math.exp(-x));

/** @param {number} x */
const gelu = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/**
 * x + y, written over ``x``.
 * @param {Float32Array} x
 * @param {Float32Array} y
 */
function add(x, y) {
  for (let i = 0; i < x.length; i++) x[i] += y[i];
  return x;
}

/**
 * Everything behind the attention of a post-norm block. h, mixed: (rows, D).
 * @param {Block} block
 * @param {Float32Array} h
 * @param {Float32Array} mixed
 */
function afterAttention(block, h, mixed) {
  h = layerNorm(add(linear(mixed, block.out), h), block.attention_norm);
  return layerNorm(add(linear(linear(h, block.wide).map(gelu), block.narrow), h), block.ff_norm);
}

/**
 * Causal attention: each row sees what came before, then the rows up to itself. qkv: (rows, 3 D). Returns what is mixed, (rows, D), and the
 * weights, (heads, rows, slots), with a slot for each row that came before and for each of these.
 * @param {Float32Array} qkv
 * @param {Segment[]} past
 * @param {number} heads
 * @param {number} width D
 */
function attend(qkv, past, heads, width) {
  const size = width / heads, stride = 3 * width, rows = qkv.length / stride, seen = [...past, { qkv, rows, bias: 0 }];
  const slots = seen.reduce((sum, segment) => sum + segment.rows, 0), before = slots - rows;
  const mixed = new Float32Array(rows * width), weights = new Float32Array(heads * rows * slots);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < rows; row++) {
      const query = row * stride + head * size, at = (head * rows + row) * slots, end = before + row + 1;
      let slot = 0, most = -Infinity, total = 0;
      for (const { qkv: other, rows: count, bias } of seen) {
        for (let r = 0; r < count && slot < end; r++, slot++) {
          const key = r * stride + width + head * size;
          let sum = 0;
          for (let i = 0; i < size; i++) sum += qkv[query + i] * other[key + i];
          weights[at + slot] = sum / Math.sqrt(size) + bias;
          most = Math.max(most, weights[at + slot]);
        }
      }
      for (let s = 0; s < end; s++) total += weights[at + s] = Math.exp(weights[at + s] - most);
      slot = 0;
      for (const { qkv: other, rows: count } of seen) {
        for (let r = 0; r < count && slot < end; r++, slot++) {
          const weight = weights[at + slot] /= total, value = r * stride + 2 * width + head * size, to = row * width + head * size;
          for (let i = 0; i < size; i++) mixed[to + i] += weight * other[value + i];
        }
      }
    }
  }
  return { mixed, weights };
}

/**
 * A stack of blocks on rows that follow what each block has seen before. h: (rows, D). Returns the output, each block's attention, and its
 * queries, keys and values, which later rows see.
 * @param {Block[]} blocks
 * @param {Float32Array} h
 * @param {Segment[][]} past by block
 * @param {number} heads
 */
export function transformer(blocks, h, past, heads) {
  const attention = [], seen = [];
  for (const [i, block] of blocks.entries()) {
    const qkv = linear(h, block.qkv), { mixed, weights } = attend(qkv, past[i], heads, block.out.columns);
    h = afterAttention(block, h, mixed);
    attention.push(weights);
    seen.push(qkv);
  }
  return { h, attention, seen };
}

/**
 * The same for pads: each attends uniformly to the pads up to itself, whoever the user is (see adrec/models/attention.py).
 * @param {Block[]} blocks
 * @param {Float32Array} h
 */
export function padTransformer(blocks, h) {
  const seen = [];
  for (const block of blocks) {
    const qkv = linear(h, block.qkv), width = block.out.columns, mixed = new Float32Array(h.length), sum = new Float64Array(width);
    for (let i = 0; i < mixed.length; i++) {
      const row = Math.floor(i / width), column = i % width;
      mixed[i] = (sum[column] += qkv[row * 3 * width + 2 * width + column]) / (row + 1);
    }
    h = afterAttention(block, h, mixed);
    seen.push(qkv);
  }
  return { h, seen };
}
