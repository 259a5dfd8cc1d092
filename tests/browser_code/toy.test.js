/* Chapter 5's toy does what the chapter says of it, by gradients that are those of the losses. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { peopleAnswered, TOY_FILMS, TOY_PEOPLE, toyGradient, toySpread, toySquared, toyStart, toyState, toyStep } from "../../adrec/browser/lesson/toy.js";

const BOTH = [false, true];
const trained = (switches, steps = 900, toy = toyStart()) => {
  for (let i = 0; i < steps; i++) toy = toyStep(toy, switches);
  return toy;
};

/** The mean over people of the logarithm of the sum of all films' exponentiated scores, less the score of the film chosen. */
function crossEntropy(toy, noise) {
  const { given } = peopleAnswered(toy, noise), score = (n, k) => given[2 * n] * toy.films[2 * k] + given[2 * n + 1] * toy.films[2 * k + 1];
  const total = (n) => Array.from({ length: TOY_FILMS }, (_, k) => Math.exp(score(n, k))).reduce((a, b) => a + b);
  return TOY_PEOPLE.reduce((sum, [, film], n) => sum + Math.log(total(n)) - score(n, film), 0) / TOY_PEOPLE.length;
}

test("the toy's gradients are those of its losses, numerically differentiated", () => {
  const at = { ...toyStart(4), step: 7 }, h = 1e-6;
  for (const push of BOTH)
    for (const noise of BOTH) {
      const loss = (toy) => (push ? (toySquared(toy, noise) + crossEntropy(toy, noise)) / 2 : toySquared(toy, noise));
      const slope = (lower, upper) => (loss({ ...at, ...upper }) - loss({ ...at, ...lower })) / (2 * h);
      const grad = toyGradient(at, { move: true, push, noise });
      for (const part of ["films", "answers"])
        at[part].forEach((_, i) => {
          const moved = (by) => ({ [part]: at[part].map((value, k) => (k === i ? value + by : value)) });
          assert.ok(Math.abs(slope(moved(-h), moved(h)) - grad[part][i]) < 1e-7, `${part} ${i}, push ${push}, noise ${noise}`);
        });
      if (noise) assert.ok(Math.abs(slope({ gain: at.gain - h }, { gain: at.gain + h }) - grad.gain) < 1e-7);
    }
});

for (const noise of BOTH)
  test(`squared error alone takes films that may move to one point, and the error to zero, with the noise ${noise ? "on" : "off"}`, () => {
    const start = toyStart(), end = trained({ move: true, push: false, noise });
    assert.ok(toySquared(end, noise) < 1e-4 * toySquared(start, noise));
    assert.ok(toySpread(end) < 0.01 * toySpread(start));
  });

for (const noise of BOTH)
  test(`pushed apart, the films stay apart, with the noise ${noise ? "on" : "off"}`, () => {
    assert.ok(toySpread(trained({ move: true, push: true, noise })) > 0.6 * toySpread(toyStart()));
  });

test("pushed apart, every film can be told from every other", () => {
  const { films } = trained({ move: true, push: true, noise: false });
  for (let i = 0; i < TOY_FILMS; i++) for (let k = 0; k < i; k++) assert.ok(Math.hypot(films[2 * i] - films[2 * k], films[2 * i + 1] - films[2 * k + 1]) > 0.2);
});

test("what is said of the toy is true of its switches and of the distance that they lead to", () => {
  const said = (switches, toy = toyStart()) => toyState(switches, toySpread(toy));
  for (const noise of BOTH) {
    const pull = { move: true, push: false, noise }, apart = { move: true, push: true, noise }, met = trained(pull);
    assert.equal(said({ move: false, push: noise, noise }), "held");
    assert.equal(said(pull), "pull");
    assert.equal(said(pull, met), "met");
    assert.equal(said({ ...pull, move: false }, met), "stuck");
    assert.equal(said(apart, trained(apart)), "apart");
  }
});

test("films that are held stay where they are, and the answers settle on the mean of the films that people chose", () => {
  const start = toyStart(), end = trained({ move: false, push: false, noise: false });
  assert.deepEqual(end.films, start.films);
  for (let d = 0; d < 2; d++) {
    const chosen = TOY_PEOPLE.filter(([history]) => history === 0).map(([, film]) => start.films[2 * film + d]);
    assert.ok(Math.abs(end.answers[d] - chosen.reduce((a, b) => a + b) / chosen.length) < 1e-9);
  }
  assert.ok(toySquared(end, false) > 0.1);
});

test("the push parts films that had collapsed", () => {
  const collapsed = trained({ move: true, push: false, noise: false });
  assert.ok(toySpread(trained({ move: true, push: true, noise: false }, 2000, collapsed)) > 0.6 * toySpread(toyStart()));
});

test("the toy is deterministic, and every film is chosen equally often", () => {
  const switches = { move: true, push: true, noise: true };
  assert.deepEqual(trained(switches, 50), trained(switches, 50));
  assert.deepEqual(peopleAnswered(toyStart(), true), peopleAnswered(toyStart(), true));
  const counts = Array.from({ length: TOY_FILMS }, (_, film) => TOY_PEOPLE.filter(([, chosen]) => chosen === film).length);
  assert.deepEqual(new Set(counts).size, 1);
});

test("pushed from where the answers settled, the films are seen to part within two seconds", () => {
  const held = trained({ move: false, push: false, noise: false }, 400), all = { move: true, push: true, noise: false };
  const low = toySpread(trained(all, 100, held)), seen = toySpread(trained(all, 2 * 60 * 3, held));
  assert.ok(seen > 1.3 * low && seen > 0.6 * toySpread(held), `${low} ${seen}`);
});
