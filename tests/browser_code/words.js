/* Says what the browser says of scenes: node words.js CASES.json; prints the sentences of each case. */

import { readFileSync } from "node:fs";
import { argv, stdout } from "node:process";

import { said } from "../../adrec/browser/denoising_words.js";
import { blocks } from "../../adrec/browser/wire.js";

const cases = JSON.parse(readFileSync(argv[2], "utf-8"));
stdout.write(JSON.stringify(cases.map(({ scenes, sayings }) => said(scenes.map(({ blob, ...noise }) => ({ ...blocks(Uint8Array.from(atob(blob), (c) => c.charCodeAt(0)))[0], ...noise })), sayings))));
