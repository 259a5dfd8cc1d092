/* The speaker's notes and the clock, in a second window that the lesson writes to: it needs no server and works from a file. */

import { element, find } from "../dom.js";
import { pressed } from "./frame.js";

/** @import { Texts } from "./texts" */
/** @import { Chapter } from "./types" */
/** @import { Place } from "./place" */

const WINDOW_NAME = "adrec-notes";
const WINDOW_SHAPE = "popup,width=760,height=560";
const NOTES_STYLE = `body { margin: 0; padding: 18px 24px; font: 20px/1.4 system-ui, sans-serif; background: #11161c; color: #e6eaee; }
h1 { font-size: 1.1rem; margin: 0 0 10px; color: #a3adb7; } .say { font-size: 1.9rem; line-height: 1.25; margin: 0 0 18px; } .then { color: #a3adb7; margin: 0 0 18px; }
.clock { font-size: 2.2rem; font-variant-numeric: tabular-nums; margin: 0; } .plan { color: #a3adb7; margin: 0 0 16px; } .keys { font-size: .85rem; color: #a3adb7; }
button { font: inherit; color: inherit; background: #1a2129; border: 1px solid #36414d; border-radius: 6px; padding: 6px 16px; margin-right: 8px; }`;

/** Minutes and seconds. @param {number} seconds */
const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export class Notes {
  /** @param {Texts} texts @param {Chapter[]} chapters @param {(by: number) => void} turn */
  constructor(texts, chapters, turn) {
    this.texts = texts;
    this.turn = turn;
    /** @type {Place[]} every step in its order */
    this.places = chapters.flatMap(({ id, steps }) => Array.from({ length: steps }, (_, step) => ({ chapter: id, step })));
    this.at = 0;
    this.began = this.timer = 0;
    /** @type {Window | null} */
    this.window = null;
  }

  /** Open the window, or bring it to the front; false if the browser forbids it. @param {(event: KeyboardEvent) => void} press what keys do */
  open(press) {
    if (this.window && !this.window.closed) { this.window.focus(); return true; }
    const opened = this.window = window.open("", WINDOW_NAME, WINDOW_SHAPE);
    if (!opened) return false;
    const { document: page } = opened, { texts } = this;
    page.title = texts.text("shell.notes.title");
    page.head.replaceChildren(element("title", "", page.title), element("style", "", NOTES_STYLE));
    const restart = pressed(texts, "shell.notes.restart", "", () => { this.began = performance.now(); this.tick(); });
    const keys = element("p", "", "");
    keys.append(pressed(texts, "shell.back", "", () => this.turn(-1)), pressed(texts, "shell.next", "", () => this.turn(1)), restart);
    page.body.replaceChildren(element("h1"), element("p", "say"), element("p", "then"), element("p", "clock"), element("p", "plan"), keys, element("p", "keys", texts.text("shell.notes.keys")));
    page.onkeydown = press;
    clearInterval(this.timer);
    this.timer = window.setInterval(() => this.tick(), 500);
    this.fill();
    return true;
  }

  /** @param {Place} place */
  show(place) {
    const at = this.places.findIndex(({ chapter, step }) => chapter === place.chapter && step === place.step);
    if (at > this.at && this.window) this.began ||= performance.now() - 1000 * this.planned(at); // the first turn ends a step that took its time
    this.at = at;
    this.fill();
  }

  fill() {
    const page = this.window && !this.window.closed ? this.window.document : null;
    if (!page) return;
    const { texts } = this, { chapter, step } = this.places[this.at], then = this.places[this.at + 1];
    find(page, "h1").textContent = texts.text("shell.notes.at", { number: chapter, title: texts.text(`${chapter}.title`), step: step + 1 });
    find(page, ".say").textContent = texts.text(`${chapter}.notes.${step}`);
    find(page, ".then").textContent = then ? texts.text("shell.notes.then", { note: texts.text(`${then.chapter}.notes.${then.step}`) }) : "";
    this.tick();
  }

  tick() {
    const page = this.window && !this.window.closed ? this.window.document : null;
    if (!page) { clearInterval(this.timer); return; }
    const spent = this.began ? (performance.now() - this.began) / 1000 : 0;
    find(page, ".clock").textContent = minutes(spent);
    find(page, ".plan").textContent = this.texts.text("shell.notes.plan", { time: minutes(this.planned(this.at + 1)), whole: minutes(this.planned(this.places.length)) });
  }

  /** The seconds that the first steps may take. @param {number} count */
  planned(count) {
    return this.places.slice(0, count).reduce((sum, { chapter, step }) => sum + Number(this.texts.find(`${chapter}.seconds.${step}`) ?? 0), 0);
  }

  close() {
    clearInterval(this.timer);
    this.window?.close();
  }
}
