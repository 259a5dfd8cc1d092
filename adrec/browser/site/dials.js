/* The dials: a table is damaged by degrees, and its map, its spectra and a list say which pictures notice. All degrees come computed. */

import { element } from "../dom.js";
import { GREY, Scatter, boxOf } from "../scatter.js";
import { mount as mountSpectra } from "../spectrum.js";
import { blocks } from "../wire.js";
import { choice } from "./choice.js";
import { loaded } from "./load.js";

/** @import { Texts } from "../lesson/texts.js" */
/** @typedef {{ title: string, help: string, mapHelp: string, spectrumHelp: string, kinds: string[][], degrees: number[], start: number, pictures: Record<string, string> }} Words */

const START = "start"; // the table itself, as in adrec/site/dials.py

export class Dials {
  /** @param {Texts} texts @param {Words} words @param {HTMLElement} spectra where the spectra draw, with a root of its own
   * @param {(changes: Record<string, string | number>) => void} put */
  constructor(texts, words, spectra, put) {
    this.words = words;
    this.text = (/** @type {string} */ key) => texts.text(`site.collapse.dials.${key}`);
    const { text } = this, titled = (/** @type {string} */ key, /** @type {string} */ help, /** @type {HTMLElement[]} */ ...shown) => {
      const part = element("figure", `dial-${key}`);
      part.append(element("figcaption", "", text(key), help ? { title: help } : {}), ...shown);
      return part;
    };
    /** @type {Record<string, Promise<any>>} */
    this.loading = {};
    this.wanted = "";
    /** @type {(() => void) | null} */
    this.redraw = null;
    this.spectra = /** @type {ShadowRoot} */ (spectra.shadowRoot);
    this.kind = choice(text("kind"), words.kinds, (dial) => put({ dial }));
    this.degree = element("input", "", "", { type: "range", min: "0", max: String(words.degrees.length - 1), step: "1" });
    this.share = element("output");
    this.degree.oninput = () => put({ degree: words.degrees[Number(this.degree.value)] });
    this.lead = element("p", "quiet");
    this.says = element("p", "quiet");
    this.lesson = element("p", "saw", "", { "aria-live": "polite" });
    this.canvas = element("canvas", "", "", { role: "img", "aria-label": text("mapAlt") });
    this.dots = new Scatter(this.canvas, { box: { x: 0, y: 0, w: 1, h: 1 }, zoom: { k: 1, x: 0, y: 0 } }, 8);
    this.table = element("table");
    const slider = element("label", "choice", text("degree")), line = element("span", "slider"), chosen = element("div", "chosen");
    const pictures = element("div", "dial-pictures"), limits = element("details");
    line.append(this.degree, this.share);
    slider.append(line);
    chosen.append(this.kind.root, slider);
    limits.append(element("summary", "", text("limits")), element("p", "quiet", words.help), element("p", "quiet", text("ranking")));
    pictures.append(titled("map", words.mapHelp, this.canvas), titled("spectrum", words.spectrumHelp, spectra), titled("notices", "", this.table));
    this.root = element("section", "dials");
    this.root.append(element("h2", "", words.title), this.lead, chosen, this.says, this.lesson, pictures, limits);
    new ResizeObserver(() => this.redraw?.()).observe(this.canvas);
  }

  /** @param {{ url: string, instead: string }} source @param {string} dial @param {number} share in percent, as the address has it */
  async draw({ url, instead }, dial, share) {
    const { words } = this, kind = words.kinds.some(([key]) => key === dial) ? dial : "offset", degree = words.degrees.includes(share) ? share : words.start;
    this.kind.show(kind);
    this.degree.value = String(words.degrees.indexOf(degree));
    this.share.textContent = `${degree} %`;
    this.degree.setAttribute("aria-valuetext", `${degree} %`);
    const wanted = this.wanted = `${url} ${kind} ${degree}`;
    try {
      const found = await (this.loading[url] ??= loaded(url).then((bytes) => blocks(bytes)[0]));
      if (wanted !== this.wanted) return; // the dial was moved meanwhile
      this.lead.textContent = `${instead} ${found.lead}`.trim();
      this.show(found, kind, degree);
    } catch (error) {
      delete this.loading[url];
      this.lead.textContent = this.text("missing");
      throw error;
    }
  }

  /** @param {any} found @param {string} kind @param {number} degree */
  show(found, kind, degree) {
    const { says, lesson, rows } = found.answers[`${kind} ${degree}`], key = degree ? `${kind} ${degree}` : START;
    this.says.textContent = says;
    this.lesson.textContent = lesson;
    this.rows(rows);
    mountSpectra({ parentElement: this.spectra, data: found[`spectra ${key}`], setTriggerValue: () => {} });
    const before = /** @type {Uint16Array} */ (found[`xy ${START}`]), half = before.length / 2, xy = new Uint16Array(2 * before.length), codes = new Uint8Array(before.length), order = Uint32Array.from(codes, (_, i) => i);
    xy.set(before);
    xy.set(found[`xy ${key}`], before.length);
    codes.fill(1, half);
    this.dots.view.box = boxOf([xy]);
    this.redraw = () => {
      this.dots.resize();
      this.dots.draw(xy, codes, order, { colours: [GREY, found.colors[1]], markers: ["circle", "circle"] }, { radius: 2.2, side: 3, alpha: [0.7, 0.7], behind: (i) => i < half, faint: 0.4 });
    };
    this.redraw();
  }

  /** Who notices. @param {[string, string, string, boolean][]} rows */
  rows(rows) {
    const { text, words } = this, head = element("thead"), body = element("tbody"), first = element("tr");
    first.append(...["picture", "before", "after", "noticed"].map((key) => element("th", "", text(key), { scope: "col" })));
    head.append(first);
    body.append(...rows.map(([picture, before, after, seen]) => {
      const row = element("tr");
      row.append(element("th", "", words.pictures[picture], { scope: "row" }), element("td", "", before), element("td", "", after), element("td", seen ? "seen" : "", `${seen ? "●" : "○"} ${text(seen ? "yes" : "no")}`));
      return row;
    }));
    this.table.replaceChildren(head, body);
  }
}
