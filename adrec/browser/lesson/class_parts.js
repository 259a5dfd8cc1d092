/* What a class sees of itself: how to join, who is here, and what is guessed. */

import { element, svg } from "../dom.js";
import { pressed } from "./frame.js";

/** @import { Texts } from "./texts" */
/** @import { Guess, Right } from "./types" */

/** @typedef {{ address: string | null, own: string, code: string, size: number, path: string }} Invitation */

const MARGIN = 2; // cells of white around a picture that is to be photographed
const ONWARD = ["ArrowRight", "PageDown", "Enter", " "];

/** An address without what nobody types. @param {string} address */
const short = (address) => address.replace(/^https?:\/\//, "");

/** The number of phones, in words. @param {Texts} texts @param {number} count */
export const here = (texts, count) => texts.text(`shell.class.here.${count === 0 ? "none" : count === 1 ? "one" : "many"}`, { count });

/** How to join, over the whole page. @param {HTMLElement} host @param {Texts} texts @param {Invitation} invitation */
export function invite(host, texts, { address, own, code, size, path }) {
  const text = (/** @type {string} */ key) => texts.text(`shell.class.invitation.${key}`);
  const sheet = element("dialog", "invitation", "", { "aria-labelledby": "invitation-title" }), words = element("div", "how");
  const picture = svg(sheet, "svg", { viewBox: `${-MARGIN} ${-MARGIN} ${size + 2 * MARGIN} ${size + 2 * MARGIN}`, role: "img", "aria-label": text("picture"), class: "picture-code", "shape-rendering": "crispEdges" });
  svg(picture, "rect", { x: -MARGIN, y: -MARGIN, width: size + 2 * MARGIN, height: size + 2 * MARGIN, fill: "#fff" });
  svg(picture, "path", { d: path, fill: "#000" });
  const count = element("p", "here", "", { "aria-live": "polite" }), begin = pressed(texts, "shell.class.invitation.begin", "begin", () => sheet.close());
  words.append(element("h2", "", text("title"), { id: "invitation-title" }));
  for (const [label, value, name] of [["address", short(address ?? own), "address"], ["code", code, "code"]]) {
    const line = element("p", name);
    line.append(element("small", "", text(label)), element("strong", "", value));
    words.append(line);
  }
  words.append(element("p", "quiet", text(address ? "quiet" : "local")), count, begin);
  sheet.append(words);
  sheet.onkeydown = (event) => {
    if (!ONWARD.includes(event.key)) return;
    event.preventDefault(); // it opens the lesson and turns no page
    sheet.close();
  };
  host.append(sheet);
  return {
    open() { if (!sheet.open) { sheet.showModal(); begin.focus(); } },
    /** @param {number} phones */
    show(phones) { count.textContent = here(texts, phones); },
  };
}

/** The presenter's line below the lesson. @param {Texts} texts @param {Invitation} invitation @param {() => void} open shows how to join */
export function presentersBar(texts, { address, own, code }, open) {
  const root = element("div", "company is-leading"), count = element("span", "here", "", { "aria-live": "polite" }), notice = element("span", "lost", "", { role: "status" });
  const button = element("button", "join", "", { type: "button", title: texts.text("shell.class.invite"), "aria-label": texts.text("shell.class.invite") });
  button.append(element("span", "address", short(address ?? own)), element("strong", "code", code));
  button.onclick = open;
  root.append(button, count, notice);
  return {
    root,
    /** @param {number} phones @param {string} lost why nothing is heard */
    show(phones, lost) {
      count.textContent = here(texts, phones);
      notice.textContent = lost;
    },
  };
}

/** A phone's line below the lesson. @param {Texts} texts @param {() => void} back */
export function phonesBar(texts, back) {
  const root = element("div", "company is-following"), words = element("p", "", "", { role: "status" }), button = pressed(texts, "shell.class.back", "rejoin", back);
  root.append(button, words);
  return {
    root,
    /** @param {"waiting" | "with" | "at" | "lost"} how @param {string} lost why nothing is heard @param {boolean} away @param {number} chapter where the class is */
    show(how, lost, away, chapter = 0) {
      root.dataset.how = how;
      button.hidden = !away;
      const said = lost || texts.text(`shell.class.${how}`, { number: chapter, title: texts.text(`${chapter}.title`) });
      if (words.textContent !== said) words.textContent = said;
    },
  };
}

/**
 * The class's guesses as bars, in place of the question's options: while it is asked, and beside its answer.
 * @param {HTMLElement} host @param {Texts} texts @param {number} chapter @param {Right} found @param {Guess | undefined} made
 */
export function guessesOf(host, texts, chapter, found, made) {
  const values = found.values ?? {}, written = texts.list(`${chapter}.guess.options`, values), names = found.names ?? written;
  const question = element("p", "question"), list = element("ol", "tally"), said = element("p", "guessed", "", { role: "status" });
  question.append(texts.rich(`${chapter}.guess.question`, values));
  const rows = names.map((name, option) => {
    const row = element("li"), label = element("span", "name"), bar = element("i"), count = element("b");
    label.append(written.length ? texts.rich(`${chapter}.guess.options.${option}`, values) : name);
    row.append(label, bar, count);
    if (made && option === found.right) {
      row.classList.add("is-right");
      label.append(" ", element("span", "mark", texts.text("shell.answer")));
    }
    return { row, bar, count };
  });
  list.append(...rows.map(({ row }) => row));
  list.classList.toggle("is-named", !written.length);
  list.classList.toggle("is-known", Boolean(made));
  host.replaceChildren(question, list, said);
  return {
    /** @param {number[] | undefined} tally @param {number} phones */
    show(tally, phones) {
      const counts = names.map((_, option) => tally?.[option] ?? 0), all = counts.reduce((a, b) => a + b, 0), most = Math.max(1, ...counts);
      rows.forEach(({ row, bar, count }, option) => {
        row.hidden = !written.length && !counts[option] && !(made && option === found.right); // of twelve things on the stage, those that somebody chose
        bar.style.setProperty("--share", String(counts[option] / most));
        count.textContent = all ? String(counts[option]) : "";
      });
      list.hidden = Boolean(made) && !all;
      said.textContent = made
        ? texts.text(`shell.class.${all ? "outcome" : "silent"}`, { count: counts[found.right], all, right: names[found.right].replace(/[.]$/, "") })
        : texts.text(`shell.class.guessed.${all ? "some" : "none"}`, { count: all, here: Math.max(all, phones) });
    },
  };
}
