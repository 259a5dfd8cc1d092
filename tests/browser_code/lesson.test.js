import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { CHAPTERS } from "../../adrec/browser/lesson/chapters.js";
import { Engines } from "../../adrec/browser/lesson/engines.js";
import { unpacked } from "../../adrec/browser/lesson/lesson.js";
import { Texts } from "../../adrec/browser/lesson/texts.js";

const words = JSON.parse(readFileSync(new URL("../../assets/texts/lesson.json", import.meta.url), "utf8"));

test("every step of every chapter has its line of notes and its time, ten minutes in all", () => {
  for (const { id, steps } of CHAPTERS) assert.deepEqual([words[id].notes.length, words[id].seconds.length], [steps, steps], `chapter ${id}`);
  assert.equal(CHAPTERS.flatMap(({ id }) => words[id].seconds).reduce((a, b) => a + b), 600);
});

test("every note can be read aloud in its step's time, at 130 words a minute", () => {
  for (const { id } of CHAPTERS) words[id].notes.forEach((note, step) => assert.ok((60 / 130) * note.split(/\s+/).length <= words[id].seconds[step], `chapter ${id}, step ${step}`));
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

/** As much of a page as words need. */
const fragment = () => ({ parts: [], append(...parts) { this.parts.push(...parts); } });
globalThis.document = {
  createDocumentFragment: fragment,
  createElement: (name) => ({ ...fragment(), name, classList: { add() {} }, setAttribute() {} }),
};

test("a value is shown as it is: what would be markup in a text is none in a title", () => {
  const texts = new Texts({ a: "Nearest to {film}: *{film}*, [{film}](x0)" }), film = "M*A*S*H [sic](x0) **!**";
  const shown = texts.rich("a", { film }).parts.filter((part) => part !== "").map((part) => (typeof part === "string" ? part : [part.name, part.textContent]));
  assert.deepEqual(shown, [`Nearest to ${film}: `, ["em", film], ", ", ["span", film]]);
});

test("a model whose weights could not be had is said to be missing, each time that it is asked for", async () => {
  const asked = [], missing = [], engines = new Engines({ models: { healthy: { run: {}, url: "weights" } } }, {}, (model) => missing.push(model));
  globalThis.fetch = async (url) => { asked.push(url); return { ok: false, statusText: "gone" }; };
  for (let i = 0; i < 2; i++) await assert.rejects(engines.get("healthy"), /gone/);
  assert.deepEqual([asked, missing], [["weights", "weights"], ["healthy", "healthy"]]);
});

test("the content's arrays lie beside the other fields of their chapter", () => {
  const content = unpacked({ 5: { epochs: [0, 26] }, "5.film": Float32Array.of(1), arrays: { "5.film": ["float32", 0, 1] } });
  assert.deepEqual(content, { 5: { epochs: [0, 26], film: Float32Array.of(1) } });
});
