/* Chapter 5's toy: films as points in two dimensions, trained by plain gradient descent on the two real losses.
 *
 * Each history has one answer, a point that is free to go anywhere, and several people, each of whom chose another film next. The squared
 * error is that of people's answers to the films they chose; the cross-entropy is that of the softmax over all films' inner products with
 * the answer. As in the real model, the gradient also flows through the target, and noise enters as a share of the noised target.
 */

/**
 * What the toy learns, flat pairs of coordinates: the films, the answers, and how much of the noised film an answer takes over. step: how
 * many steps it has made, which alone decides the noise of the next one.
 * @typedef {{ films: Float64Array, answers: Float64Array, gain: number, step: number }} Toy
 * @typedef {{ move: boolean, push: boolean, noise: boolean }} Switches
 */

export const TOY_FILMS = 12;
const TOY_HISTORIES = 6;
const TOY_RATE = 0.4;
const TOY_LEVELS = 32;
const MET = 0.005; // a mean distance that is shown as 0.00

/** Each person as [history, chosen film]: four people a history, and each film chosen by two histories, no two films by the same two. */
export const TOY_PEOPLE = Array.from({ length: TOY_HISTORIES }, (_, h) => {
  const before = (/** @type {number} */ by) => (h - by + TOY_HISTORIES) % TOY_HISTORIES;
  return [h, before(1), TOY_HISTORIES + h, TOY_HISTORIES + before(2)].map((film) => [h, film]);
}).flat();

/** Standard normal numbers that depend on the seed alone. @param {number} seed */
export function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()) };
}

/** The share of a film's squared length that is left at each noise level: the model's own schedule (linear betas, shifted by 0.01). */
export const TOY_LEFT = (() => {
  let kept = 1;
  return Array.from({ length: TOY_LEVELS }, (_, t) => (kept *= 1 - (0.0001 + ((0.02 - 0.0001) * t) / (TOY_LEVELS - 1)) * (1000 / TOY_LEVELS) - 0.01));
})();

/** The start: films and answers at random. @param {number} seed @returns {Toy} */
export function toyStart(seed = 3) {
  const { normal } = normals(seed), draw = (/** @type {number} */ points) => Float64Array.from({ length: 2 * points }, normal);
  return { films: draw(TOY_FILMS), answers: draw(TOY_HISTORIES), gain: 0.5, step: 0 };
}

/**
 * What each person is peopleAnswered, flat pairs, and with the noise on the noised film that the answer saw. The noise of a step is its own.
 * @param {Toy} toy @param {boolean} noise
 */
export function peopleAnswered(toy, noise) {
  const { uniform, normal } = normals(1000 + toy.step), given = new Float64Array(2 * TOY_PEOPLE.length), seen = new Float64Array(2 * TOY_PEOPLE.length), kept = new Float64Array(TOY_PEOPLE.length);
  TOY_PEOPLE.forEach(([history, film], n) => {
    kept[n] = TOY_LEFT[Math.floor(TOY_LEVELS * uniform())];
    for (let d = 0; d < 2; d++) {
      const draw = normal();
      seen[2 * n + d] = noise ? Math.sqrt(kept[n]) * toy.films[2 * film + d] + Math.sqrt(1 - kept[n]) * draw : 0;
      given[2 * n + d] = toy.answers[2 * history + d] + toy.gain * seen[2 * n + d];
    }
  });
  return { given, seen, kept };
}

/** The probabilities of all films for an answer at (x, y). @param {Toy} toy @param {number} x @param {number} y */
function softmax({ films }, x, y) {
  const scores = Array.from({ length: TOY_FILMS }, (_, k) => films[2 * k] * x + films[2 * k + 1] * y), top = Math.max(...scores);
  const shares = scores.map((score) => Math.exp(score - top)), total = shares.reduce((a, b) => a + b);
  return shares.map((share) => share / total);
}

/** The squared error, a mean over people. @param {Toy} toy @param {boolean} noise */
export function toySquared(toy, noise) {
  const { given } = peopleAnswered(toy, noise), off = (/** @type {number} */ n, /** @type {number} */ film) => given[n] - toy.films[film];
  return TOY_PEOPLE.reduce((sum, [, film], n) => sum + (off(2 * n, 2 * film) ** 2 + off(2 * n + 1, 2 * film + 1) ** 2) / 2, 0) / TOY_PEOPLE.length;
}

/** The gradient of the squared error or, with the push, of the mean of the two losses. @param {Toy} toy @param {Switches} switches */
export function toyGradient(toy, { push, noise }) {
  const { given, seen, kept } = peopleAnswered(toy, noise), films = new Float64Array(2 * TOY_FILMS), answers = new Float64Array(2 * TOY_HISTORIES), each = (push ? 0.5 : 1) / TOY_PEOPLE.length;
  let gain = 0;
  TOY_PEOPLE.forEach(([history, film], n) => {
    const chances = push ? softmax(toy, given[2 * n], given[2 * n + 1]) : null;
    for (let d = 0; d < 2; d++) {
      const error = given[2 * n + d] - toy.films[2 * film + d];
      let at = error; // by the answer
      films[2 * film + d] -= each * error;
      if (chances)
        chances.forEach((chance, k) => {
          const wrong = chance - (k === film ? 1 : 0);
          at += wrong * toy.films[2 * k + d];
          films[2 * k + d] += each * wrong * given[2 * n + d];
        });
      answers[2 * history + d] += each * at;
      if (noise) {
        gain += each * at * seen[2 * n + d];
        films[2 * film + d] += each * at * toy.gain * Math.sqrt(kept[n]); // the noised film is made of the film
      }
    }
  });
  return { films, answers, gain };
}

/** The toy after one step of gradient descent. @param {Toy} toy @param {Switches} switches @returns {Toy} */
export function toyStep(toy, switches) {
  const grad = toyGradient(toy, switches), less = (/** @type {Float64Array} */ now, /** @type {Float64Array} */ by) => now.map((value, i) => value - TOY_RATE * by[i]);
  return {
    films: switches.move ? less(toy.films, grad.films) : toy.films,
    answers: less(toy.answers, grad.answers),
    gain: switches.noise ? toy.gain - 0.1 * TOY_RATE * grad.gain : toy.gain,
    step: toy.step + 1,
  };
}

/** What the toy's words have to say of it, by its switches and the distance that they lead to. @param {Switches} on @param {number} spread */
export function toyState({ move, push }, spread) {
  const met = spread < MET;
  if (!move) return met ? "stuck" : "held";
  return met ? "met" : push ? "apart" : "pull";
}

/** The mean distance between two films. @param {Toy} toy */
export function toySpread({ films }) {
  let total = 0;
  for (let i = 0; i < TOY_FILMS; i++) for (let k = 0; k < i; k++) total += Math.hypot(films[2 * i] - films[2 * k], films[2 * i + 1] - films[2 * k + 1]);
  return total / ((TOY_FILMS * (TOY_FILMS - 1)) / 2);
}
