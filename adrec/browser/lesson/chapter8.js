/* Chapter 8, what we found: tables to judge, the visitor's guesses beside the answers, and the findings. */

import { element } from "../dom.js";
import { decimal } from "../format.js";
import { chapter0 } from "./chapter0.js";
import { chapter1 } from "./chapter1.js";
import { chapter2 } from "./chapter2.js";
import { chapter3 } from "./chapter3.js";
import { chapter4 } from "./chapter4.js";
import { chapter5 } from "./chapter5.js";
import { chapter6 } from "./chapter6.js";
import { chapter7 } from "./chapter7.js";
import { trainings } from "./figures.js";
import { filmList, titleOf } from "./films.js";
import { lessonBar } from "./health.js";
import { likeness, matrixFilms } from "./likeness.js";
import { paragraph } from "./texts.js";

/** @import { Chapter, Lesson } from "./types" */

const KINDS = ["noise", "healthy", "narrow"];
const ASKING = [chapter0, chapter1, chapter2, chapter3, chapter4, chapter5, chapter6, chapter7];
/** Findings by side, each with the page of its door and the part of the run that it opens. @type {Record<string, [string, string, string?][]>} */
const FINDINGS = {
  for: [["sasrec", "collapse", "sasrec"], ["push", "collapse", "narrow"], ["stage", "train"]],
  against: [["promise", "denoising", "lambda-1"], ["steps", "denoising", "healthy"], ["token", "collapse", "one-level"], ["dreamrec", "collapse", "noise"], ["drift", "collapse", "drift"]],
  open: [["diffusion", "denoising", "lambda-1"], ["stages", "train"]],
};

/** @type {Chapter} */
export const chapter8 = {
  id: 8,
  steps: 4,
  scene: () => ({ lit: ["table", "list"], mode: "use" }),
  guess: (content) => (content[8] ? { right: KINDS.indexOf(content[8].tables[0].kind) } : null),
  numberFrom: 3,
  number: (content) => {
    const found = content[8]?.findings.diffusion;
    if (!found) return null;
    return { ...found, ...oneDecimal(found), uncertainty: found.error.toFixed(1), source: content[7]?.source, ...(found.same ? { words: "8.numberSame" } : {}) };
  },
  door: () => ({ page: "own", parameters: {} }),
  asksAgain: true,
  mount: (stage, lesson) => (lesson.content[8] ? mountFound(stage, lesson) : null),
};

/** @param {HTMLElement} stage @param {Lesson} lesson */
function mountFound(stage, lesson) {
  const judged = tablesToJudge(stage, lesson), guesses = element("div", "guesses"), found = element("div", "findings");
  stage.append(guesses, found);
  fillFindings(found, lesson);
  const parts = [judged.root, judged.root, guesses, found];
  return {
    /** @param {number} step */
    show(step) {
      for (const part of new Set(parts)) part.hidden = part !== parts[step];
      if (step < 2) judged.show(step);
      if (step === 2) fillGuesses(guesses, lesson);
    },
    stop: () => judged.stop(),
  };
}

/** One table after another: its likeness matrix, what is nearest to some films, and, once judged, its place on the bar. @param {Element} parent @param {Lesson} lesson */
function tablesToJudge(parent, lesson) {
  const { content } = lesson, { tables, asked, nearest } = content[8], root = element("div", "judge"), square = element("div", "square");
  const matrix = likeness(square, { ...matrixFilms(lesson), label: lesson.text("8.matrix"), still: true });
  const side = element("div", "side"), title = element("h3"), near = element("div", "nears"), told = element("p", "told", "", { "aria-live": "polite" });
  const lists = asked.map((/** @type {number} */ film) => {
    const cell = element("section");
    cell.append(element("h4", "", lesson.text("8.nearest", { film: titleOf(lesson, film) })));
    near.append(cell);
    return filmList(cell, lesson);
  });
  const asks = element("div", "asks", "", { role: "group", "aria-label": lesson.text("8.which") }), another = element("button", "plain", lesson.text("8.another"), { type: "button" });
  for (const kind of KINDS) {
    const button = element("button", "plain", lesson.text(`kinds.${kind}.word`), { type: "button" });
    button.onclick = () => { chosen[at] = kind; draw(); };
    asks.append(button);
  }
  const bar = element("div", "place"), health = lessonBar(bar, lesson);
  side.append(title, near, asks, told, bar, another);
  root.append(square, side);
  parent.append(root);
  /** What the visitor took each table for. @type {Record<number, string>} */
  const chosen = {};
  let at = 0, step = 0;

  function draw() {
    const first = step > 0 ? lesson.state.guesses[8]?.chosen ?? null : null;
    const table = tables[at], guess = at === 0 && first !== null ? KINDS[first] : chosen[at], known = guess !== undefined;
    title.textContent = lesson.text("8.unseen", { number: at + 1, tables: tables.length });
    matrix.show(content[8].cosines.subarray(1600 * at, 1600 * at + 1600), known ? lesson.text(`kinds.${table.kind}.matrix`) : lesson.text("8.matrix"));
    lists.forEach((/** @type {any} */ list, /** @type {number} */ i) => {
      const from = (at * asked.length + i) * nearest;
      list.show([...content[8].near.slice(from, from + nearest)], lesson.text("8.nearest", { film: titleOf(lesson, asked[i]) }));
    });
    asks.hidden = known || step === 0;
    told.hidden = bar.hidden = !known;
    another.hidden = !known || at === tables.length - 1;
    if (!known) return;
    const what = lesson.text(`8.tables.${table.run}`);
    told.replaceChildren(lesson.rich(`8.told.${table.kind}`, { cosine: (table.cosine ?? 0).toFixed(2), what }));
    told.prepend(element("strong", "", `${lesson.text(guess === table.kind ? "8.yes" : "8.no")} `));
    health.show([{ key: "it", name: lesson.text("8.it"), place: table.place, main: true }], lesson.text(`8.places.${table.kind}`));
  }

  another.onclick = () => { at += 1; draw(); };
  const ended = lesson.on("theme", () => matrix.redraw());
  return {
    root,
    /** @param {number} next */
    show(next) {
      step = next;
      if (step === 0) at = 0;
      draw();
    },
    stop() {
      matrix.stop();
      health.stop();
      ended();
    },
  };
}

/** Each question, what the visitor guessed and what came out. @param {Element} host @param {Lesson} lesson */
function fillGuesses(host, lesson) {
  const { content, state } = lesson, table = element("table"), head = element("tr"), all = /** @type {Chapter[]} */ ([...ASKING, chapter8]);
  let asked = 0, right = 0;
  head.append(...["question", "guess", "answer"].map((name) => element("th", "", lesson.text(`8.columns.${name}`), { scope: "col" })));
  table.append(head);
  for (const { id, guess } of all) {
    const found = guess?.(content), made = state.guesses[id];
    if (!found) continue;
    if (made && made.chosen !== null) asked += 1;
    if (made && made.chosen === found.right) right += 1;
    const row = element("tr"), question = element("td");
    question.append(element("small", "", `${lesson.text(`${id}.short`)}: `), lesson.rich(`${id}.guess.question`, found.values));
    const cells = [made?.chosen ?? null, made ? found.right : null].map((option) => {
      const cell = element("td");
      if (option === null) cell.append(element("span", "none", made ? lesson.text("8.skipped") : "–"));
      else if (id === 1) cell.textContent = titleOf(lesson, content[1].candidates[option]);
      else cell.append(lesson.rich(`${id}.guess.options.${option}`, found.values));
      return cell;
    });
    if (made && made.chosen === found.right) cells[0].append(" ", element("span", "same", "✓", { role: "img", "aria-label": lesson.text("8.same") }));
    row.append(question, ...cells);
    table.append(row);
  }
  host.replaceChildren(...(asked ? [element("p", "tally", lesson.text("8.tally", { right, asked }))] : []), table);
}

/** Shares of people with one decimal, and a true minus. @param {Record<string, any>} found */
function oneDecimal(found) {
  const named = ["value", "error", "detectable", "ours", "theirs", "right", "paper"].filter((name) => typeof found[name] === "number");
  return Object.fromEntries(named.map((name) => [name, decimal(found[name], 1)]));
}

/** What holds here and what does not, as far as it was measured. @param {Element} host @param {Lesson} lesson */
function fillFindings(host, lesson) {
  const { runs, 8: { findings } } = lesson.content;
  for (const [side, all] of Object.entries(FINDINGS)) {
    const column = element("section");
    column.append(element("h3", "", lesson.text(`8.sides.${side}`)));
    for (const [name, page, part] of all) {
      const found = findings[name];
      if (!found) continue;
      const finding = element("div", "finding"), source = element("details"), door = element("button", "door", lesson.text("8.open_page"), { type: "button" });
      const values = { ...found, ...oneDecimal(found), without: found.run ? lesson.text(`8.without.${found.run}`) : "", trainings: trainings(lesson, found.seeds) };
      const says = paragraph(lesson, `8.findings.${name}${found.same ? "Same" : ""}`, values), detail = paragraph(lesson, `8.details.${name}`, values);
      source.append(element("summary", "", lesson.text("8.how")), detail, element("code", "", found.source.command));
      door.onclick = () => lesson.door(page, part ? { run: runs[part] } : {});
      door.setAttribute("aria-label", lesson.text("8.open_for", { finding: says.textContent ?? "" }));
      const foot = element("div", "sources");
      foot.append(source, door);
      finding.append(says, foot);
      column.append(finding);
    }
    host.append(column);
  }
  host.append(paragraph(lesson, "8.home", {}, "home"));
}
