/* Answers of the browser's engine for tests/adrec/engine.py: node engine.js CASES OUT writes every array of every answer to OUT, one after the
other as 32-bit floats, and prints where each lies. CASES: [{description, weights, requests: [{history, ...options}]}]. */

import { appendFileSync, readFileSync } from "node:fs";
import { argv, stdout } from "node:process";

import { answer, encode, load } from "../../adrec/browser/engine/engine.js";

let place = 0;

/** Where the arrays of an object lie once they are written: offset and number of entries by the fields that lead there. */
function written(value, name = "") {
  if (!(value instanceof Float32Array || (Array.isArray(value) && typeof value[0] === "number"))) {
    return Object.entries(value ?? {}).flatMap(([field, inner]) => (typeof inner === "object" ? written(inner, name ? `${name}.${field}` : field) : []));
  }
  appendFileSync(argv[3], new Uint8Array(Float32Array.from(value).buffer));
  place += value.length;
  return [[name, [place - value.length, value.length]]];
}

const cases = JSON.parse(readFileSync(argv[2], "utf8"));
stdout.write(JSON.stringify(cases.map(({ description, weights, requests }) => {
  const model = load(description, readFileSync(weights));
  return requests.map(({ history, ...options }) => {
    const encoded = encode(model, history), found = answer(model, history, options, encoded);
    return Object.fromEntries(written({ ...found, conditions: encoded.conditions }));
  });
})));
