/* Python's noise (adrec.diffusion.user_noise): numpy's SeedSequence seeds torch's Mersenne Twister, so a seed means the same in both. */

/**
 * numpy.random.SeedSequence(words).generate_state(1, uint64) >> 1, of which torch's generator uses the lower 32 bits.
 * @param {number[]} words integers from 0 to 2^32 - 1, at most four
 */
function mixedSeed(words) {
  let constant = 0x43b0d7e5;
  const hashed = (/** @type {number} */ value) => {
    value ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    value = Math.imul(value, constant);
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mixed = (/** @type {number} */ x, /** @type {number} */ y) => {
    const value = Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715);
    return (value ^ (value >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((i) => hashed(words[i] ?? 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  }
  let output = 0x8b51f9dd;
  const [low, high] = pool.map((value) => {
    value ^= output;
    output = Math.imul(output, 0x58f38ded);
    value = Math.imul(value, output);
    return (value ^ (value >>> 16)) >>> 0;
  });
  return ((low >>> 1) | (high << 31)) >>> 0;
}

/**
 * A function that returns the next 32 bits of torch's Mersenne Twister.
 * @param {number} seed
 */
function mersenneTwister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let place = 624;
  return () => {
    if (place === 624) {
      for (let i = 0; i < 624; i++) {
        const bits = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
      }
      place = 0;
    }
    let bits = state[place++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  };
}

/**
 * torch.randn(size): blocks of 16 uniform numbers in single precision, of which the lower eight are radii and the upper eight angles;
 * fewer than 16 numbers are drawn in double precision, in pairs.
 * @param {number} size even, if it is less than 16
 * @param {() => number} draw
 */
function normals(size, draw) {
  const values = new Float32Array(size);
  if (size < 16) {
    const uniform = () => ((draw() & 0x1fffff) * 2 ** 32 + draw()) * 2 ** -53;
    for (let i = 0; i < size; i += 2) {
      const angle = 2 * Math.PI * uniform(), radius = Math.sqrt(-2 * Math.log1p(-uniform()));
      values[i] = radius * Math.cos(angle);
      values[i + 1] = radius * Math.sin(angle);
    }
    return values;
  }
  const uniform = () => (draw() & 0xffffff) * 2 ** -24;
  const transform = (/** @type {number} */ start) => {
    for (let i = start; i < start + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - values[i])), angle = 2 * Math.PI * values[i + 8];
      values[i] = radius * Math.cos(angle);
      values[i + 8] = radius * Math.sin(angle);
    }
  };
  for (let i = 0; i < size; i++) values[i] = uniform();
  for (let i = 0; i + 16 <= size; i += 16) transform(i);
  if (size % 16) { // the last 16 are drawn again, though some of them are ready
    for (let i = size - 16; i < size; i++) values[i] = uniform();
    transform(size - 16);
  }
  return values;
}

/**
 * The noise of one reverse process: where it starts, (D,), and what each step adds, (steps, D).
 * @param {number} seed
 * @param {number} user 0 for a composed history
 * @param {number} steps
 * @param {number} width D
 */
export function userNoise(seed, user, steps, width) {
  const words = [seed, user].flatMap((number) => (number < 2 ** 32 ? [number] : [number % 2 ** 32, Math.floor(number / 2 ** 32)]));
  const draw = mersenneTwister(mixedSeed(words)), start = normals(width, draw);
  return { start, steps: normals(steps * width, draw) };
}
