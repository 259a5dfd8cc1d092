import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { CHAPTERS } from "../../adrec/browser/lesson/chapters.js";
import { unpacked } from "../../adrec/browser/lesson/lesson.js";
import { Texts } from "../../adrec/browser/lesson/texts.js";

const words = JSON.parse(readFileSync(new URL("../../assets/texts/lesson.json", import.meta.url), "utf8"));

test("every step of every chapter has its line of notes and its time, ten minutes in all", () => {
  for (const { id, steps } of CHAPTERS) assert.deepEqual([words[id].notes.length, words[id].seconds.length], [steps, steps], `chapter ${id}`);
  assert.equal(CHAPTERS.flatMap(({ id }) => words[id].seconds).reduce((a, b) => a + b), 600);
});

test("a chapter's headings name every step but the first, where the question stands", () => {
  for (const { id, steps } of CHAPTERS) {
    const { headings } = words[id];
    if (headings) assert.deepEqual(headings.map(Boolean), [false, ...Array(steps - 1).fill(true)], `chapter ${id}`);
  }
});

test("a chapter that asks has as many answers as options, and its question", () => {
  for (const { id, guess } of CHAPTERS) {
    if (!guess) continue;
    const { question, options = [], answers = [] } = words[id].guess; // without options they are things on the stage
    assert.ok(question && options.length !== 1 && answers.length === options.length, `chapter ${id}`);
  }
});

test("texts are found by key and filled; one that is missing shows its key", () => {
  const texts = new Texts({ 5: { number: "{value} of {seeds}", notes: ["a", "b"] } });
  assert.equal(texts.text("5.number", { value: 3 }), "3 of {seeds}");
  assert.equal(texts.text("5.notes.1"), "b");
  assert.deepEqual(texts.list("5.notes"), ["a", "b"]);
  assert.equal(texts.text("5.title"), "⟦5.title⟧");
});

test("the content's arrays lie beside the other fields of their chapter", () => {
  const content = unpacked({ 5: { epochs: [0, 26] }, "5.film": Float32Array.of(1), arrays: { "5.film": ["float32", 0, 1] } });
  assert.deepEqual(content, { 5: { epochs: [0, 26], film: Float32Array.of(1) } });
});
