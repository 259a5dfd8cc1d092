/* Collapse as a page of the site: a run is chosen; its tables, verdicts, maps, spectra and film come in one file. */

import { element } from "../dom.js";
import { mount as mountFilm } from "../film.js";
import { filmSearch } from "../lesson/films.js";
import { Texts, paragraph } from "../lesson/texts.js";
import { mount as mountMaps } from "../maps.js";
import { mount as mountLists } from "../neighbours.js";
import { mount as mountSpectra } from "../spectrum.js";
import { mount as mountTables } from "../tables.js";
import { blocks } from "../wire.js";
import { choice } from "./choice.js";
import { Dials } from "./dials.js";
import { loaded, open } from "./load.js";

/** @import { Neighbour } from "../types" */

const NEAREST = 10;
const COSINES = 65535; // as in adrec/site/collapse.py

export const start = () => open((main, data) => new Collapse(main, blocks(data)[0]).draw());

class Collapse {
  /** @param {HTMLElement} main @param {any} setup */
  constructor(main, setup) {
    this.setup = setup;
    this.texts = new Texts(setup.texts);
    /** @type {Record<string, Promise<any>>} */
    this.loading = {};
    /** @type {Record<string, ShadowRoot>} */
    this.roots = {};
    /** @type {any} the run that is shown */
    this.shown = null;
    main.className = "laboratory is-collapse";
    const { texts } = this, text = (/** @type {string} */ key) => texts.text(`site.collapse.${key}`), heading = (/** @type {string} */ key) => element("h2", "", texts.text(key));
    this.run = choice(text("run"), setup.runs.map((/** @type {any} */ { name, title }) => [name, title]), (run) => this.put({ run, item: "", frame: "" }));
    this.method = choice(text("method"), [["umap", text("umap")], ["pca", text("pca")]], (method) => this.put({ method }));
    this.purpose = element("p", "quiet");
    this.said = element("div", "lesson said");
    this.strip = element("div", "strip", "", { role: "list", "aria-label": text("strip") });
    this.note = element("div", "lesson said");
    this.tool = element("div", "chosen");
    this.item = element("div", "lesson");
    this.mapNote = element("div", "lesson said");
    this.near = element("p", "quiet");
    this.falls = element("div", "lesson said");
    this.filmed = element("section", "filmed");
    this.filmed.append(heading("site.collapse.film"), element("p", "quiet", text("filmSays")), this.part("film"));
    this.dials = new Dials(texts, setup.dials, this.part("dials"), (changes) => { this.put(changes, false); this.dial(this.state); });
    this.tool.append(this.method.root, this.item);
    const lead = element("div", "lesson said"), chosen = element("div", "chosen"), spectra = element("div", "lesson said");
    lead.append(paragraph(texts, "collapse.lead"));
    spectra.append(paragraph(texts, "collapse.spectraSays"));
    chosen.append(this.run.root);
    main.append(element("h1", "question", texts.text("collapse.question")), chosen, this.purpose, lead, this.part("tables"), this.note, this.said, this.strip,
      heading("collapse.stages"), this.tool, this.part("maps"), this.mapNote, this.near, this.part("lists"), heading("collapse.spectra"), spectra, this.part("spectra"), this.falls, this.filmed, this.dials.root);
    window.addEventListener("popstate", () => this.draw());
  }

  /** Where a component draws, with styles of its own. @param {string} name */
  part(name) {
    const node = element("div", `part is-${name}`), root = node.attachShadow({ mode: "open" }), { css, html } = this.setup.parts[name];
    root.innerHTML = html;
    root.append(element("style", "", css));
    this.roots[name] = root;
    return node;
  }

  /** What the address asks for, as far as it can be had. */
  get state() {
    const asked = new URLSearchParams(window.location.search), { runs, first } = this.setup;
    const run = runs.find((/** @type {any} */ { name }) => name === asked.get("run")) ?? runs.find((/** @type {any} */ { name }) => name === first) ?? runs[0];
    const number = (/** @type {string} */ name) => (/^\d{1,9}$/.test(asked.get(name) ?? "") ? Number(asked.get(name)) : -1);
    return { run, item: number("item"), method: asked.get("method") ?? "", frame: number("frame"), film: asked.get("tool") === "film", view: asked.get("view") === "one" ? "one" : "side", stage: asked.get("stage") ?? "",
      dial: asked.get("dial") ?? "", degree: number("degree") };
  }

  /** Write choices to the address, "" for none, and show them. @param {Record<string, string | number>} changes */
  put(changes, drawn = true) {
    const url = new URL(window.location.href);
    for (const [name, value] of Object.entries(changes)) {
      if (value === "") url.searchParams.delete(name);
      else url.searchParams.set(name, String(value));
    }
    window.history.replaceState(window.history.state, "", url.href);
    if (drawn) this.draw();
  }

  async draw() {
    const state = this.state, { run } = state;
    this.run.show(run.name);
    try {
      const found = await (this.loading[run.name] ??= loaded(run.url).then((bytes) => blocks(bytes)[0]));
      if (this.state.run !== run) return; // another one was chosen meanwhile
      const fresh = found !== this.shown;
      this.shown = found;
      if (fresh) this.fill(found, state);
      this.maps(found, state);
      this.dial(state);
      if (fresh && state.film && found.film) this.filmed.scrollIntoView();
    } catch (error) {
      delete this.loading[run.name];
      this.purpose.textContent = this.texts.text("site.collapse.missing");
      throw error;
    }
  }

  /** @param {string} name of a part @param {(given: { parentElement: ParentNode, data: any, setTriggerValue: (name: string, value: any) => void }) => unknown} mount
   * @param {any} data @param {(name: string, value: any) => void} told */
  show(name, mount, data, told = () => {}) {
    mount({ parentElement: this.roots[name], data, setTriggerValue: told });
  }

  /** @param {Collapse["state"]} state */
  dial({ run, dial, degree }) {
    this.dials.draw(run.dials, dial, degree);
  }

  /** What a run shows whatever its choices are. @param {any} found @param {Collapse["state"]} state */
  fill(found, state) {
    const { texts } = this;
    this.texts.tree.run = { answer: found.answer, falls: found.falls };
    this.purpose.textContent = found.purpose;
    this.show("tables", mountTables, found.tables, (_, run) => { if (run) this.put({ run }); });
    this.note.replaceChildren(paragraph(texts, "collapse.note", { times: found.times }));
    this.said.replaceChildren(paragraph(texts, "run.answer"));
    this.strip.replaceChildren(...found.strip.map((/** @type {any} */ { label, glyph, color, kind, says, sure }) => {
      const card = element("div", "card", "", { role: "listitem" }), stage = element("div", "stage"), sign = element("span", "", `${glyph} `);
      card.style.setProperty("--mark", color);
      sign.style.color = color;
      stage.append(sign, label);
      card.append(stage, element("div", "verdict", kind), element("div", "says", says), element("div", "sure", sure));
      return card;
    }));
    this.show("spectra", mountSpectra, found.spectra);
    this.falls.replaceChildren(...(found.falls ? [paragraph(texts, "run.falls")] : []));
    this.filmed.hidden = !found.film;
    if (found.film) this.show("film", mountFilm, found.film, (name, value) => { if (name === "frame") this.put({ frame: value }, false); });
    /** @type {any} */
    const lent = { text: (/** @type {string} */ key) => texts.text(key === "parts.add" ? "site.collapse.item" : key), content: { films: { titles: found.titles, popularity: found.popularity, known: found.titles.length - 1 } } };
    this.item.replaceChildren(filmSearch(lent, () => [], (film) => this.put({ item: film })).root);
    this.item.classList.toggle("is-filled", state.item > 0);
  }

  /** The maps and the chosen item's neighbours. @param {any} found @param {Collapse["state"]} state */
  maps(found, state) {
    const { name, stages, titles, popularity } = found, most = popularity.indexOf(Math.max(...popularity)) || 1;
    const method = `maps ${state.method}` in found ? state.method : "maps umap" in found ? "umap" : "pca", row = (state.item >= 1 && state.item < titles.length ? state.item : most) - 1;
    this.method.fill(["umap", "pca"].filter((one) => `maps ${one}` in found).map((one) => [one, this.texts.text(`site.collapse.${one}`)]), method);
    const pick = (/** @type {string} */ kind, /** @type {any} */ value) => {
      if (kind === "pick") this.put({ item: value + 1 });
      if (kind === "show") this.put({ view: "one", stage: value });
    };
    this.show("maps", mountMaps, found[`maps ${method}`], pick);
    this.mapNote.replaceChildren(paragraph(this.texts, `collapse.methods.${method}`, { shares: found.shares }));
    const near = Object.fromEntries(stages.map((/** @type {any} */ { key }, /** @type {number} */ i) => [key, neighbours(found, key, i ? stages[i - 1].key : null, row)]));
    const rows = [row, ...Object.values(near).flatMap((each) => each.map((/** @type {Neighbour} */ one) => one.row))], stage = stages.some((/** @type {any} */ { key }) => key === state.stage) ? state.stage : stages[stages.length - 1].key;
    this.near.textContent = this.texts.text("site.collapse.near", { title: titles[row + 1] });
    this.show("lists", mountLists, { run: name, item: row, view: state.view, stage, stages, neighbours: near, titles: Object.fromEntries(rows.map((one) => [one, titles[one + 1]])), selection: "" }, pick);
  }
}

/** An item's nearest in a stage, and whether they were near in the one before. @param {any} found @param {string} key @param {string | null} before @param {number} row @returns {Neighbour[]} */
function neighbours(found, key, before, row) {
  const of = (/** @type {string} */ stage) => Array.from(found[`near ${stage}`].subarray(row * NEAREST, (row + 1) * NEAREST)), cosines = found[`cosines ${key}`], earlier = before === null ? null : of(before);
  return of(key).map((other, i) => ({ row: other, number: (2 * cosines[row * NEAREST + i]) / COSINES - 1, kept: earlier === null ? null : earlier.includes(other) }));
}
