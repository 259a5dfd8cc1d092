/* The chapters in their order. */

import { chapter0 } from "./chapter0.js";
import { chapter1 } from "./chapter1.js";
import { chapter2 } from "./chapter2.js";
import { chapter3 } from "./chapter3.js";
import { chapter4 } from "./chapter4.js";
import { chapter5 } from "./chapter5.js";
import { chapter6 } from "./chapter6.js";
import { chapter7 } from "./chapter7.js";
import { chapter8 } from "./chapter8.js";

/** @import { Chapter } from "./types" */

/** @type {Chapter[]} */
export const CHAPTERS = [chapter0, chapter1, chapter2, chapter3, chapter4, chapter5, chapter6, chapter7, chapter8];
