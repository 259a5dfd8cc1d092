/* Denoising as a page of the site: somebody's history is chosen, the models in the browser answer, and the scrubber shows how. */

import { element, find } from "../dom.js";
import { historyCards } from "../lesson/films.js";
import { Texts, paragraph } from "../lesson/texts.js";
import { clamp } from "../scales.js";
import { mount } from "../said.js";
import { ask } from "../scrubber.js";
import { blocks } from "../wire.js";
import { choice } from "./choice.js";
import { open } from "./load.js";

/** @import { Model } from "./types" */

const OWN = "own";
const K = 10;
const NEAREST = 3;
const CARDS = matchMedia("(max-width: 760px)").matches ? 4 : 8;
const MOST_SEED = 2 ** 31;

export const start = () => open((main, data) => {
  const [setup] = blocks(data);
  new Denoising(main, setup).draw(true);
});

/** @param {Model} model */
const stepsOf = ({ run }) => run.diffusion?.alpha_bar.length ?? 1;

class Denoising {
  /** @param {HTMLElement} main @param {any} setup */
  constructor(main, setup) {
    this.setup = setup;
    /** @type {Model[]} */
    const models = setup.models;
    this.models = models;
    this.texts = new Texts(setup.texts);
    main.className = "laboratory is-denoising";
    for (const [name, color] of Object.entries(setup.colors)) main.style.setProperty(`--${name}`, color);
    this.text = (/** @type {string} */ key) => this.texts.text(`site.denoising.${key}`);
    const chosen = element("div", "chosen");
    this.model = choice(this.text("model"), models.map(({ name, title }) => [name, title]), (run) => this.put({ run, against: "" }));
    this.other = choice(this.text("other"), [], (against) => this.put({ against }));
    this.person = choice(this.text("person"), [], (person) => this.put({ person, history: "" }));
    chosen.append(this.model.root, this.other.root, this.person.root);
    const words = element("div", "words", "", { "aria-live": "polite" });
    words.append(...["answer", "why", "change"].map((kind) => element("p", kind)));
    this.cards = element("div", "lesson history");
    /** @type {number[]} */
    this.early = [];
    this.before = element("details", "early");
    this.before.append(element("summary"), element("p"));
    this.next = element("p", "came");
    this.films = this.build(models[0]);
    this.host = element("div", "scrubbed");
    this.host.innerHTML = setup.scrubber;
    this.scrubber = /** @type {HTMLElement} */ (this.host.firstElementChild);
    main.append(element("h1", "question", this.texts.text("site.denoising.title")), words, chosen, this.cards, this.host, paragraph(this.texts, "site.denoising.note", {}, "note"));
    mount({ parentElement: main, data: { terms: setup.terms }, setTriggerValue: (_, noise) => { if (Array.isArray(noise)) this.put({ seed: noise[0], steps: noise[1] }); } });
    window.addEventListener("popstate", () => this.draw(true));
  }

  /** What the address asks for, as far as it can be had. */
  get state() {
    const asked = new URLSearchParams(window.location.search), { models } = this;
    const model = models.find(({ name }) => name === asked.get("run")) ?? models.find(({ name }) => name === this.setup.first) ?? models[0];
    const beside = models.filter((other) => other !== model && other.data === model.data), named = asked.get("against");
    const opening = asked.get("run") === null && named === null ? this.setup.against : named; // nothing was chosen yet: what teaches most
    const other = beside.find(({ name }) => name === opening) ?? null;
    const own = (asked.get("history") ?? "").split("-").map(Number).filter((id) => Number.isInteger(id) && id >= 1 && id <= model.items);
    const keys = Object.keys(model.people), person = own.length ? OWN : keys.includes(asked.get("person") ?? "") ? String(asked.get("person")) : keys.includes(this.setup.person) ? this.setup.person : keys[0] ?? OWN;
    const { history, next } = model.people[person] ?? { history: own.length ? own : [model.popular ?? 1], next: null };
    const all = stepsOf(model), number = (/** @type {string} */ name, /** @type {number} */ otherwise) => (/^\d{1,10}$/.test(asked.get(name) ?? "") ? Number(asked.get(name)) : otherwise);
    const steps = clamp(number("steps", all), 1, all);
    return { model, other, beside, person, history: history.slice(-model.length), target: person === OWN ? null : next, seed: number("seed", 0) % MOST_SEED, steps, step: clamp(number("step", steps), 0, steps) };
  }

  /** Write choices to the address, "" for none, and show them. @param {Record<string, string | number>} changes */
  put(changes, drawn = true) {
    const url = new URL(window.location.href), { model, other: beside, person, history } = this.state;
    url.searchParams.set("run", model.name);
    url.searchParams.set("against", beside?.name ?? "");
    const other = this.models.find(({ name }) => name === changes.run);
    if (other && person === OWN && other.data !== model.data) { // its own numbers for the same films
      changes.history = history.map((id) => other.titles.indexOf(model.titles[id])).filter((id) => id > 0).join("-");
    }
    for (const [name, value] of Object.entries(changes)) {
      if (value === "" && name !== "against") url.searchParams.delete(name);
      else url.searchParams.set(name, String(value));
    }
    window.history.replaceState(window.history.state, "", url.href);
    if (drawn) this.draw();
  }

  /** @param {boolean} fresh whether the clock opens where the address says */
  draw(fresh = false) {
    const state = this.state, { model, other } = state, sides = other ? [model, other] : [model];
    this.controls(state);
    const range = /** @type {HTMLInputElement} */ (find(this.scrubber, "input[type=range]")), step = fresh || range.value === range.max ? state.step : Number(range.value);
    const sayings = { process: this.setup.process, changed: "", lent: "", alike: sides.length > 1, run: true };
    ask(this.scrubber, Math.min(step, state.steps), sides.map((side) => this.question(side, state)), this.setup.worker, sayings, (name, value) => {
      if (name === "step") this.put({ step: Number(value) }, false);
      else if (name === "refused") find(document, ".words .answer").textContent = this.text("missing");
    });
  }

  /** What the browser is asked of one model. @param {Model} model @param {Denoising["state"]} state @returns {any} */
  question(model, { model: first, history, target, seed, steps }) {
    const all = stepsOf(model), own = model === first ? steps : steps === stepsOf(first) ? all : Math.min(steps, all), key = `${model.name} ${history} ${target}`;
    const { run, url, title, shared, popular, items } = model;
    return { digest: `${key} ${seed} ${own}`, k: Math.min(K, items), near_k: Math.min(NEAREST, items), steps: own, history, target, popular, seed, name: title, shared, again: { url, run, user: 0, key } };
  }

  /** The choices as they are, and the history as cards. @param {Denoising["state"]} state */
  controls({ model, other, beside, person, history, target }) {
    const { texts } = this;
    this.model.show(model.name);
    this.other.fill([["", this.text("nothing")], ...beside.map(({ name, title }) => [name, title])], other?.name ?? "");
    this.other.root.hidden = !beside.length;
    this.person.fill([...Object.keys(model.people).map((key) => [key, texts.text(`people.${key}`)]), ...(person === OWN ? [[OWN, this.text("own")]] : [])], person);
    if (this.carded !== model) this.films = this.build(model);
    this.early = history.slice(0, Math.max(0, history.length - CARDS));
    this.films.show(history.slice(this.early.length), false);
    this.before.hidden = !this.early.length;
    find(this.before, "summary").textContent = this.texts.text("site.denoising.early", { count: this.early.length });
    find(this.before, "p").textContent = this.early.map((id) => model.titles[id]).join(", ");
    this.next.replaceChildren(...(target ? [element("span", "star", "★ "), this.text("next"), " ", element("b", "", model.titles[target])] : []));
  }

  /** Cards for the films of a model, to move, remove and add to; the earlier ones are behind a press. @param {Model} model */
  build(model) {
    const { texts } = this, { titles, popularity, items } = model;
    /** @type {any} */
    const lent = { text: (/** @type {string} */ key, /** @type {any} */ values) => texts.text(key, values), reducedMotion: matchMedia("(prefers-reduced-motion: reduce)").matches,
      content: { films: { titles, popularity, known: items } } };
    this.carded = model;
    this.cards.replaceChildren(this.before);
    const films = historyCards(this.cards, lent, CARDS + 1, (shown) => this.put({ history: [...this.early, ...shown].slice(-model.length).join("-"), person: "" }));
    this.cards.append(this.next);
    return films;
  }
}
