import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { listen, speaker } from "../../adrec/browser/lesson/class_line.js";

const { EventTarget, ReadableStream, Response, setImmediate } = globalThis, text = new TextEncoder();
let asked, answers;

/** The server: each request gets the next answer, and the last one again and again. */
function serve(...given) {
  asked = [];
  answers = given;
  globalThis.fetch = async (url, options) => {
    asked.push({ url, ...options });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer(options);
  };
}

const sentence = (status, words, type = "text/plain; charset=utf-8") => () => new Response(words, { status, headers: { "content-type": type } });
const json = (value) => () => Response.json(value);

/** A stream of these pieces, which then stays open or ends. */
const stream = (pieces, ends = false) => ({ signal }) => new Response(new ReadableStream({
  start(control) {
    pieces.forEach((piece) => control.enqueue(text.encode(piece)));
    if (ends) control.close();
    signal.addEventListener("abort", () => { try { control.error(new Error("aborted")); } catch { /* it has ended */ } });
  },
}));

/** Let promises and, after so many milliseconds, timers run. */
async function pass(milliseconds = 0) {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => { setImmediate(resolve); });
  mock.timers.tick(milliseconds);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => { setImmediate(resolve); });
}

const events = new EventTarget();

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.window = Object.assign(events, { setTimeout: globalThis.setTimeout });
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
});
afterEach(() => mock.timers.reset());

function heard() {
  const told = [], broken = [];
  return { told, broken, hear: { told: (state) => told.push(state.version), broken: (lost, words) => broken.push([lost, words]) } };
}

test("states are heard however the stream is cut into pieces, and heartbeats are none", async () => {
  serve(stream(["data: {\"vers", "ion\":1}\n", "\n: still here\n\ndata: {\"version\":2}\n\nda", "ta: {\"version\":3}\n\n"]));
  const { told, broken, hear } = heard(), end = listen("/events", {}, hear);
  await pass();
  assert.deepEqual([told, broken], [[1, 2, 3], []]);
  end();
});

test("a line that breaks is said to be lost, tried again after a wait, and found again", async () => {
  serve(new Error("no network"), new Error("no network"), stream(["data: {\"version\":7}\n\n"]));
  const { told, broken, hear } = heard(), end = listen("/events", {}, hear);
  await pass();
  assert.equal(asked.length, 1);
  await pass(1000);
  await pass(2000);
  assert.deepEqual([told, broken.map(([lost]) => lost)], [[7], [true, true, false]]);
  end();
});

test("a stream that is silent for three heartbeats is asked for again", async () => {
  serve(stream(["data: {\"version\":1}\n\n"]));
  const { told, hear } = heard(), end = listen("/events", {}, hear);
  await pass();
  await pass(45_001);
  await pass(1000);
  assert.deepEqual([asked.length, told], [2, [1, 1]]);
  end();
});

test("what the server says against a line is told, and only what may change is asked again; a proxy's page is no sentence", async () => {
  for (const [answer, words, again] of [[sentence(404, "No class."), "No class.", false], [sentence(503, "Full."), "Full.", true], [sentence(502, "<html>", "text/html"), "", true]]) {
    serve(answer);
    const { broken, hear } = heard(), end = listen("/events", {}, hear);
    await pass();
    await pass(1000);
    assert.deepEqual([broken[0], asked.length > 1], [[true, words], again]);
    end();
  }
});

test("of what is said quickly the newest alone is sent, one at a time, until it is heard", async () => {
  const answered = [];
  serve(new Error("no network"), json({ version: 1 }), json({ version: 2 }));
  const place = speaker("/place", {}, (answer) => answered.push(answer.version));
  place.say("a");
  place.say("b");
  place.say("c");
  await pass();
  assert.deepEqual(asked.map(({ body }) => body), ["\"a\""]);
  await pass(1000);
  assert.deepEqual([asked.map(({ body }) => body), answered, place.busy], [["\"a\"", "\"c\""], [1], false]);
});

test("what is refused for good is not said again", async () => {
  const refused = [];
  serve(sentence(403, "Not yours."));
  const place = speaker("/place", {}, () => {}, (words) => refused.push(words));
  place.say("a");
  await pass();
  await pass(5000);
  assert.deepEqual([asked.length, refused, place.busy], [1, ["Not yours."], false]);
});
