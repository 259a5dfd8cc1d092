/* Answers of the browser's engine for tests/adrec/engine.py: node engine.js CASES OUT writes every array of every answer to OUT, one after the
other as 32-bit floats, and prints where each lies. CASES: [{description, weights, requests: [{history, ...options}]}]. */

import { closeSync, openSync, readFileSync, writevSync } from "node:fs";
import { argv, stdout } from "node:process";

import { answer, encode, load } from "../../adrec/browser/engine/engine.js";

const out = openSync(argv[3], "w");
let place = 0;

/** The arrays of an object by the fields that lead to them. */
function arrays(value, name = "") {
  if (value instanceof Float32Array) return [[name, value]];
  if (Array.isArray(value) && typeof value[0] === "number") return [[name, Float32Array.from(value)]];
  return Object.entries(value ?? {}).flatMap(([field, inner]) => (typeof inner === "object" ? arrays(inner, name ? `${name}.${field}` : field) : []));
}

/** Write an object's arrays; returns offset and number of entries of each. */
function written(value) {
  const found = arrays(value);
  writevSync(out, found.map(([, { buffer, byteOffset, byteLength }]) => new Uint8Array(buffer, byteOffset, byteLength)));
  return Object.fromEntries(found.map(([name, { length }]) => [name, [(place += length) - length, length]]));
}

const cases = JSON.parse(readFileSync(argv[2], "utf8"));
stdout.write(JSON.stringify(cases.map(({ description, weights, requests }) => {
  const model = load(description, readFileSync(weights));
  return requests.map(({ history, ...options }) => {
    const encoded = encode(model, history);
    return written({ ...answer(model, history, options, encoded), conditions: encoded.conditions });
  });
})));
closeSync(out);
