/* The lesson's shell: which chapter and step are shown, what surrounds them, and what chapters are lent. */

import { element, scaleOf, svg } from "../dom.js";
import { CHAPTERS } from "./chapters.js";
import { Engines } from "./engines.js";
import { rightOfShown, trainings } from "./figures.js";
import { buildFrame, fillDots, fillStepper, fitted, pressed } from "./frame.js";
import { showGuess } from "./guess.js";
import { Notes } from "./notes.js";
import { livingPicture } from "./picture.js";
import { address, addressed, keep, recall } from "./place.js";
import { realPerson } from "./real.js";
import { Texts } from "./texts.js";

/** @import { Chapter, Company, Content, Evidence, Lesson, Mounted, Right, Setup, State, Values } from "./types" */
/** @import { Place } from "./place" */

const LAST = CHAPTERS.length - 1;
const GROWING = 450; // milliseconds
const NARROW = 760; // pixels, as in lesson.css
const DESIGNED = [1280, 720]; // the screen that a presentation is laid out for
const TAKES_ARROWS = "input:not([type=checkbox]):not([type=button]), select, textarea, [role=slider], [role=listbox], [role=radiogroup], [role=grid], [data-arrows]";
/** @type {Record<string, number>} */
const TURNS = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 };

/** A record without one of its entries. @template T @param {Record<number, T>} record @param {number} key @returns {Record<number, T>} */
const without = (record, key) => Object.fromEntries(Object.entries(record).filter(([name]) => name !== String(key)));

export class Shell {
  /** @param {HTMLElement} host @param {Setup} setup @param {Content} content @param {(name: string, value: unknown) => void} tell */
  constructor(host, setup, content, tell) {
    this.host = host;
    this.setup = setup;
    this.digest = setup.digest;
    host.tabIndex = -1;
    this.content = content;
    this.tell = tell;
    this.texts = new Texts(setup.texts);
    /** @type {Map<string, Set<(value: any) => void>>} */
    this.listeners = new Map();
    /** @type {Mounted | null} */
    this.mounted = null;
    this.presenting = false;
    /** @type {Company | null} */
    this.company = null;
    const { at: left, ...visit } = recall("sessionStorage", setup.mode) ?? {}, before = recall("localStorage", setup.mode);
    /** @type {State} */
    this.state = { history: [], real: null, film: null, seed: 0, held: {}, ...visit, guesses: { ...before?.guesses, ...visit.guesses } };
    /** @type {Set<number>} */
    this.finished = new Set(before?.finished ?? []);
    /** @type {Place} */
    this.at = addressed(left) ?? before?.at ?? { chapter: 0, step: 0 };
    for (const [name, color] of Object.entries(setup.colors)) host.style.setProperty(`--${name}`, color);
    this.parts = buildFrame(host, this.texts, CHAPTERS.length, (chapter) => this.open({ chapter, step: 0 }), (by) => this.turn(by), rightOfShown(content));
    this.notes = new Notes(this.texts, CHAPTERS, (by) => this.turn(by));
    this.engines = new Engines(setup, content, (model) => { this.parts.notice.textContent = this.texts.text("shell.noModel", { model }); });
    this.lesson = this.lend();
    this.picture = livingPicture(this.parts.picture, this.lesson, host);
    this.hear("weighed", () => this.fillEvidence());
    this.open(this.at, false);
    this.key = (/** @type {KeyboardEvent} */ event) => this.press(event);
    this.parts.present.onclick = () => this.present(!this.presenting);
    this.parts.notes.onclick = () => this.openNotes();
    this.parts.restart.onclick = () => this.restart();
    for (const name of ["click", "change"]) host.addEventListener(name, (event) => this.release(event));
    this.back = () => { const place = addressed(); if (place) this.open(place, false); };
    window.addEventListener("keydown", this.key);
    window.addEventListener("popstate", this.back);
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(host);
    host.ontransitionend = (event) => { if (event.target === host && event.propertyName === "color") this.say("theme", null); };
  }

  /** What chapters are lent. @returns {Lesson} */
  lend() {
    const shell = this;
    return {
      content: this.content,
      text: (key, values) => this.texts.text(key, values),
      rich: (key, values) => this.texts.rich(key, values),
      texts: (key) => this.texts.list(key),
      engine: (model) => this.engines.get(model),
      state: this.state,
      set: (changes) => this.change(changes),
      on: (name, heard) => this.hear(name, heard),
      get picture() { return shell.picture; },
      answer: (option) => this.answer(option),
      door: (page, parameters) => this.door(page, parameters),
      ...(this.setup.persons ? { real: (number) => realPerson(`${this.setup.persons}`, number) } : {}),
      done: () => this.finish(this.at.chapter),
      get reducedMotion() { return matchMedia("(prefers-reduced-motion: reduce)").matches; },
    };
  }

  /** @returns {Chapter} */
  get chapter() {
    return CHAPTERS[this.at.chapter];
  }

  /** Show a place. @param {Place} place @param {boolean} write whether to the address too */
  open(place, write = true) {
    const chapter = Math.min(Math.max(place.chapter, 0), LAST), step = Math.min(Math.max(place.step, 0), CHAPTERS[chapter].steps - 1);
    const moved = !this.mounted || chapter !== this.at.chapter, entry = write && moved;
    this.at = { chapter, step };
    address(this.at, entry);
    this.save();
    if (step > 0 && !this.state.guesses[chapter]) this.note(this.state.held[chapter] ?? null); // whoever goes on without a guess has skipped it
    if (step === 0 && this.company?.asksAnew) this.forget(chapter);
    const arrived = this.mounted !== null;
    if (moved) this.stage();
    this.fill();
    this.mounted?.show(step);
    this.shrink();
    this.notes.show(this.at);
    if (arrived) this.toTop();
    this.company?.moved();
  }

  /** Whoever turns the page begins at its top. */
  toTop() {
    for (const part of [this.host, this.parts.words, this.parts.stage]) part.scrollTop = 0;
    if (this.host.getBoundingClientRect().top < parseFloat(getComputedStyle(this.host).scrollMarginTop)) this.host.scrollIntoView({ block: "start" });
  }

  /** A chapter's stage in place of the last one's. */
  stage() {
    this.mounted?.stop();
    const stage = element("div", "stage", "", { role: "group", tabindex: "-1" });
    this.parts.stage.replaceWith(stage);
    this.parts.stage = stage;
    this.mounted = this.chapter.mount(stage, this.lesson) ?? { show: () => {}, stop: () => {} };
    if (this.texts.has(`${this.at.chapter}.alt`)) stage.setAttribute("aria-label", this.texts.text(`${this.at.chapter}.alt`));
    this.parts.live.textContent = this.texts.text("shell.opened", { number: this.at.chapter, count: LAST, title: this.texts.text(`${this.at.chapter}.title`) });
  }

  /** Everything around the stage, as the step wants it. */
  fill() {
    const { texts, parts } = this, { chapter, step } = this.at, { steps } = this.chapter;
    this.host.dataset.chapter = String(chapter);
    this.host.dataset.step = String(step);
    fillStepper(parts.stepper, texts, chapter, this.finished);
    fillDots(parts.dots, texts, steps, step, (to) => this.open({ chapter, step: to }));
    parts.previous.disabled = chapter === 0 && step === 0;
    parts.next.hidden = this.ended;
    parts.title.textContent = texts.text(`${chapter}.title`);
    const asking = step === 0 && !this.state.guesses[chapter] && texts.has(`${chapter}.before`);
    parts.sentence.replaceChildren(texts.rich(`${chapter}.${asking ? "before" : "sentence"}`));
    parts.stepTitle.textContent = texts.list(`${chapter}.headings`)[step] ?? "";
    parts.stepTitle.hidden = !parts.stepTitle.textContent;
    this.fillGuess();
    this.fillEvidence();
    this.fillDoors();
    parts.notice.textContent = "";
    parts.help.open = false;
    const scene = this.chapter.scene(step), lit = texts.list(`${chapter}.lit`)[step] ?? (scene ? texts.text(`shell.strip.${scene.strip ?? scene.mode}`) : "");
    this.host.classList.toggle("bare", !scene);
    this.host.classList.toggle("plain", scene?.plain === true);
    parts.lit.textContent = lit;
    parts.lit.hidden = !lit;
    this.grow(scene?.grown === true, () => { if (scene) this.picture.scene(scene); });
    this.draw();
  }

  /** What is right of a chapter's question; null if it has none. @param {number} chapter @returns {Right | null} */
  rightOf(chapter) {
    return CHAPTERS[chapter].guess?.(this.content) ?? null;
  }

  fillGuess() {
    const { chapter, step } = this.at, found = this.rightOf(chapter), made = this.state.guesses[chapter];
    this.parts.guess.hidden = !found || step > (this.chapter.asksAgain ? 0 : 1);
    if (found) showGuess(this.parts.guess, this.texts, chapter, found, made, (option) => this.choose(option), !this.presenting);
    if (found) this.company?.asked(this.parts.guess, chapter, found, made);
  }

  /** The one number, and the door to the laboratory. */
  fillEvidence() {
    const { chapter, step } = this.at, { texts } = this, { number, numberFrom = 1, door } = this.chapter, shown = [];
    /** @type {Evidence | null} */
    const found = step >= numberFrom ? number?.(this.content, this.state) ?? null : null;
    if (found) {
      const line = element("p", "number");
      const { table, words = `${chapter}.number`, ...values } = found;
      line.append(texts.rich(words, /** @type {Values} */ ({ trainings: trainings(texts, found.seeds ?? 1), ...rightOfShown(this.content), ...values })));
      if (found.source) line.append(element("small", "source", found.source));
      shown.push(...(table ? [table(texts)] : []), line);
    }
    if (door) {
      shown.push(pressed(texts, `${chapter}.door`, "door", () => {
        const to = door(this.lesson);
        if (to) this.door(to.page, to.parameters);
      }));
    }
    this.parts.evidence.replaceChildren(...shown);
  }

  /** Whether this is the last step of all. */
  get ended() {
    return this.at.chapter === LAST && this.at.step === this.chapter.steps - 1;
  }

  /** The three ways from the first screen and from the last step, and the one back to the beginning. */
  fillDoors() {
    const { texts, ended } = this, first = this.at.chapter === 0;
    /** @type {Record<string, () => void>} */
    const ways = first ? {
      show: () => { this.present(true); this.openNotes(); },
      learn: () => this.open({ chapter: 1, step: 0 }),
      check: () => this.door("own", {}),
    } : ended ? {
      look: () => this.door("collapse", {}),
      train: () => this.door("train", {}),
      again: () => this.open({ chapter: 0, step: 0 }),
    } : {};
    this.parts.restart.hidden = !first || !(this.finished.size || Object.keys(this.state.guesses).length);
    this.parts.doors.hidden = !first && !ended;
    this.parts.doors.replaceChildren(...Object.entries(ways).map(([name, act]) => {
      const way = pressed(texts, `shell.ways.${name}.label`, `way is-${name}`, act);
      way.append(element("small", "", texts.text(`shell.ways.${name}.text`)));
      return way;
    }));
  }

  /** @param {number} by */
  turn(by) {
    const { chapter, step } = this.at, { steps } = this.chapter;
    if (step + by >= 0 && step + by < steps) this.open({ chapter, step: step + by });
    else if (by < 0 && chapter > 0) this.open({ chapter: chapter - 1, step: CHAPTERS[chapter - 1].steps - 1 });
    else if (by > 0 && chapter < LAST) this.open({ chapter: chapter + 1, step: 0 });
  }

  /** Keep the guess, null for a skipped one. @param {number | null} chosen */
  note(chosen) {
    const { chapter } = this.at, right = this.rightOf(chapter), { guesses, held } = this.state;
    if (!right) return;
    this.change({ guesses: { ...guesses, [chapter]: { chosen, right: right.right } }, held: without(held, chapter) });
    if (chosen !== null) this.finish(chapter);
  }

  /** As if the question had not been asked. @param {number} chapter */
  forget(chapter) {
    if (this.state.guesses[chapter]) this.change({ guesses: without(this.state.guesses, chapter) });
  }

  /** @param {number | null} option */
  choose(option) {
    const { chapter } = this.at;
    if (option !== null && this.company?.holds(chapter)) {
      this.change({ held: { ...this.state.held, [chapter]: option } });
      this.fillGuess();
      return;
    }
    this.note(option);
    this.open({ chapter, step: Math.max(this.at.step, 1) });
    if (this.presenting) this.attend();
    else this.parts.next.focus({ preventScroll: true });
  }

  /** @param {number} option */
  answer(option) {
    if (!this.state.guesses[this.at.chapter]) this.choose(option);
  }

  /** @param {number} chapter */
  finish(chapter) {
    if (this.finished.has(chapter)) return;
    this.finished.add(chapter);
    this.save();
    fillStepper(this.parts.stepper, this.texts, this.at.chapter, this.finished);
  }

  /** As if nobody had been here. */
  restart() {
    this.finished.clear();
    this.change({ guesses: {}, held: {}, tablePressed: undefined });
    this.mounted?.stop();
    this.mounted = null;
    this.open({ chapter: 0, step: 0 });
  }

  save() {
    const made = Object.entries(this.state.guesses).filter(([, { chosen }]) => chosen !== null); // whoever skipped may guess at the next visit
    keep("localStorage", this.setup.mode, { at: this.at, finished: [...this.finished], guesses: Object.fromEntries(made) });
    keep("sessionStorage", this.setup.mode, { ...this.state, at: this.at });
  }

  /** @param {Partial<State>} changes */
  change(changes) {
    Object.assign(this.state, changes);
    this.save();
    for (const [name, value] of Object.entries(changes)) this.say(name, value);
    this.company?.moved();
  }

  /** @param {string} name @param {(value: any) => void} heard */
  hear(name, heard) {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all.add(heard));
    return () => { all.delete(heard); };
  }

  /** @param {string} name @param {unknown} value */
  say(name, value) {
    this.listeners.get(name)?.forEach((heard) => heard(value));
  }

  /** @param {string} page @param {Values} parameters */
  door(page, parameters) {
    const { mode, base, pages } = this.setup, query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
    if (mode === "app") this.tell("door", { page, parameters: { ...parameters, from: this.at.chapter } });
    else if (base) window.open(`${base}/${page}?${query}`);
    else if (pages[page] && !parameters.look) window.location.assign(`${pages[page]}?${query}`);
    else this.parts.notice.textContent = this.texts.text(mode !== "site" ? "shell.offline" : pages[page] ? "shell.look" : "shell.server", { page: this.texts.text(`shell.pages.${page}`) });
  }

  /** A presenter's mode: the lesson alone on the screen, in large type. @param {boolean} on */
  present(on) {
    const { host } = this;
    if (on === this.presenting) return;
    this.presenting = on;
    host.classList.toggle("presenting", on);
    if (on) {
      host.popover = "manual"; // above everything else on the page; where there are no popovers, its z-index has to do
      host.showPopover?.();
    } else {
      host.hidePopover?.();
      host.popover = null;
      this.notes.close();
    }
    this.parts.present.textContent = this.texts.text(on ? "shell.leave" : "shell.present");
    this.parts.notes.hidden = !on;
    this.fill();
    this.shrink();
    if (on) this.attend();
  }

  /** While presenting, the arrows turn pages, and Tab goes to the first thing that this step offers: the question's options, or what is on the stage. */
  attend() {
    const { guess, stage } = this.parts, asking = !guess.hidden && guess.querySelector("button.option");
    (asking ? guess : stage).focus({ preventScroll: true });
  }

  /** While presenting, a control that was pressed or a menu that was chosen from gives the arrows back to the talk. @param {Event} event */
  release(event) {
    const target = event.composedPath()[0], menu = target instanceof Element && target.tagName === "SELECT";
    if (this.presenting && (menu ? event.type === "change" : /** @type {UIEvent} */ (event).detail > 0)) this.attend();
  }

  openNotes() {
    if (!this.notes.open(this.key)) this.parts.notice.textContent = this.texts.text("shell.notes.forbidden");
    else this.notes.show(this.at);
  }

  /** Arrows turn to the next and the last step, unless what has the focus takes them itself. @param {KeyboardEvent} event */
  press(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.composedPath()[0]), by = TURNS[event.key], { presenting } = this;
    const typing = target instanceof Element && target.closest(TAKES_ARROWS);
    const page = event.key.startsWith("Page"); // the keys of a presenter's remote control
    if (by && (!typing || (presenting && page)) && (presenting || target === document.body || this.host.contains(target))) {
      this.turn(by);
      if (presenting) this.attend();
    } else if (presenting && event.key === "Escape" && typing) this.attend();
    else if (presenting && event.key === "Escape" && target.ownerDocument === document) this.present(false);
    else if (presenting && !typing && event.key === "n") this.openNotes();
    else return;
    event.preventDefault();
  }

  /** Let the picture take the stage's place, or give it back, in one smooth change. @param {boolean} grown @param {() => void} change */
  grow(grown, change) {
    const { picture } = this.parts, was = this.host.classList.contains("grown");
    if (was === grown || this.lesson.reducedMotion) {
      this.host.classList.toggle("grown", grown);
      change();
      return;
    }
    const before = picture.getBoundingClientRect();
    this.host.classList.toggle("grown", grown);
    change();
    const after = picture.getBoundingClientRect();
    if (!before.width || !after.width || !after.height) return;
    const scale = scaleOf(picture), from = `translate(${(before.left - after.left) / scale}px, ${(before.top - after.top) / scale}px) scale(${before.width / after.width}, ${before.height / after.height})`;
    picture.animate([{ transform: from, transformOrigin: "0 0" }, { transform: "none", transformOrigin: "0 0" }], { duration: GROWING, easing: "ease-in-out" }).onfinish = () => this.draw();
  }

  /** Nobody scrolls while somebody talks. */
  shrink() {
    for (const part of [this.parts.words, this.parts.stage]) fitted(part);
  }

  /** As high as the window lets it be, and the lines where they belong. */
  fit() {
    this.host.style.setProperty("--top", `${Math.max(0, this.host.getBoundingClientRect().top + window.scrollY)}px`);
    this.host.style.setProperty("--scale", String(window.innerWidth > NARROW ? Math.min(window.innerWidth / DESIGNED[0], window.innerHeight / DESIGNED[1]) : 1));
    this.shrink();
    this.draw();
  }

  /** Thin lines from the lit box to the stage. */
  draw() {
    const { lines, stage } = this.parts, box = /\b(grown|bare)\b/.test(this.host.className) ? null : this.picture.anchor();
    lines.replaceChildren();
    if (!box?.width) return;
    const host = this.host.getBoundingClientRect(), scale = scaleOf(this.host), to = stage.getBoundingClientRect();
    const edge = this.parts.picture.getBoundingClientRect().bottom;
    for (const [x, end] of [[box.left, to.left], [box.right, to.right]]) { // above the caption, which stands below the picture
      const points = [[x, box.bottom], [x, edge], [end, edge]].map(([left, top]) => `${(left - host.left) / scale},${(top - host.top) / scale}`);
      svg(lines, "polyline", { points: points.join(" ") });
    }
  }

  stop() {
    this.mounted?.stop();
    this.picture.stop();
    this.notes.close();
    this.engines.stop();
    this.sizes.disconnect();
    window.removeEventListener("keydown", this.key);
    window.removeEventListener("popstate", this.back);
    this.host.replaceChildren();
  }
}
