/* The lesson's words: found by key, filled, and turned into nodes. All of them come from one file. */

import { element } from "../dom.js";

/** @import { Values } from "./types" */

const MARKS = /\*\*(.+?)\*\*|\*(.+?)\*|\[([^\]]+)\]\((\??)([\w-]+)\)/g;

export class Texts {
  /** @param {Record<string, any>} tree */
  constructor(tree) {
    this.tree = tree;
  }

  /** @param {string} key @returns {any} */
  find(key) {
    return key.split(".").reduce((node, part) => node?.[part], this.tree);
  }

  /** @param {string} key */
  has(key) {
    return this.find(key) !== undefined;
  }

  /** A missing text shows its key, so that it is seen. @param {string} key @param {Values} values */
  text(key, values = {}) {
    const found = this.find(key);
    return typeof found === "string" ? filled(found, values) : `⟦${key}⟧`;
  }

  /** @param {string} key @param {Values} values @returns {string[]} */
  list(key, values = {}) {
    const found = this.find(key);
    return Object.values(found ?? []).filter((each) => typeof each === "string").map((each) => filled(each, values));
  }

  /**
   * **strong**, *emphasis*, [words](quantity) in the colour of a quantity, [word](?term) explained where it stands. Values are no markup.
   * @param {string} key @param {Values} values
   * @returns {DocumentFragment}
   */
  rich(key, values = {}) {
    const text = this.text(key), all = document.createDocumentFragment(), fill = (/** @type {string} */ part) => filled(part, values);
    let end = 0;
    for (const match of text.matchAll(MARKS)) {
      const [whole, strong, emphasis, words, term, name] = match;
      all.append(fill(text.slice(end, match.index)));
      end = match.index + whole.length;
      if (strong) all.append(element("strong", "", fill(strong)));
      else if (emphasis) all.append(element("em", "", fill(emphasis)));
      else if (term) all.append(this.term(fill(words), name));
      else all.append(element("span", `quantity is-${name}`, fill(words)));
    }
    all.append(fill(text.slice(end)));
    return all;
  }

  /** A word that says what it means on hover, focus and tap. @param {string} words @param {string} name */
  term(words, name) {
    const node = element("span", "term", words, { tabindex: "0" });
    node.append(element("span", "meaning", this.text(`glossary.${name}.meaning`), { role: "tooltip" }));
    return node;
  }
}

/**
 * A paragraph of rich words.
 * @param {{ rich: (key: string, values?: Values) => DocumentFragment }} texts @param {string} key @param {Values} values @param {string} kind its class
 */
export function paragraph(texts, key, values = {}, kind = "") {
  const node = element("p", kind);
  node.append(texts.rich(key, values));
  return node;
}

/** Filled in; what stands on both sides of = and ± stays on its line. @param {string} text @param {Values} values */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)).replace(/(?<=\S) ([=±]) (?=\S)/g, "\u00a0$1\u00a0");
}
