/* A class in the lesson: the presenter's page tells where it is, the phones' pages go there, and their guesses come back. */

import { element } from "../dom.js";
import { blocks } from "../wire.js";
import { listen, speaker } from "./class_line.js";
import { guessesOf, invite, phonesBar, presentersBar } from "./class_parts.js";
import { unpacked } from "./lesson.js";
import { Shell } from "./shell.js";

/** @import { Company, Guess, Right } from "./types" */
/** @import { Invitation } from "./class_parts" */

/** @typedef {{ chapter: number, step: number, history: number[], film: number | null, seed: number, weighed: string | null }} Shown where the class is, as app/classroom/place.py reads it */
/** @typedef {{ server: string, version: number, place: Shown | null, phones?: number, tallies?: Record<string, number[]> }} Told */

const KEY = "adrec.class.key";
const PHONE = "adrec.class.phone";
const SETTLED = 30; // milliseconds: a chapter that is opened may change what it shows

/** What a page shows. @param {Shell} shell @returns {Shown} */
export function shownBy({ at, state }) {
  const { history, film, seed, weighed = null } = state;
  return { ...at, history, film, seed, weighed };
}

/** Show what another page shows. @param {Shell} shell @param {Shown} place */
export function show(shell, { chapter, step, history, film, seed, weighed }) {
  const state = { history, film, seed, ...(weighed ? { weighed } : {}) };
  const differ = () => Object.fromEntries(Object.entries(state).filter(([name, value]) => JSON.stringify(shell.state[name]) !== JSON.stringify(value)));
  const first = differ();
  if (Object.keys(first).length) shell.change(first);
  if (chapter !== shell.at.chapter || step !== shell.at.step) shell.open({ chapter, step }, false);
  const again = differ(); // the chapter has put its own in place
  if (Object.keys(again).length) shell.change(again);
}

/** @param {Shown | null} a @param {Shown | null} b */
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** The page of whoever presents. @implements {Company} */
export class Presenter {
  asksAnew = true;

  /** @param {Shell} shell @param {string} address @param {Record<string, string>} headers @param {Invitation} invitation @param {boolean} begins */
  constructor(shell, address, headers, invitation, begins) {
    this.shell = shell;
    /** @type {Told | null} */
    this.told = null;
    this.lost = "";
    this.heard = 0;
    this.timer = 0;
    /** @type {ReturnType<typeof guessesOf> | null} */
    this.guesses = null;
    this.sheet = invite(shell.host, shell.texts, invitation);
    this.bar = presentersBar(shell.texts, invitation, () => this.sheet.open());
    shell.parts.doors.before(this.bar.root);
    shell.present(true);
    this.speaker = speaker(`${address}/place`, headers, ({ version }) => { this.heard = Math.max(this.heard, version); });
    this.fill();
    if (begins) this.sheet.open();
    this.end = listen(`${address}/events`, headers, {
      told: (told) => this.hear(told),
      broken: (lost, sentence) => {
        this.lost = lost ? sentence || shell.texts.text("shell.class.lost") : "";
        this.fill();
      },
    });
  }

  moved() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      const place = shownBy(this.shell);
      if (this.told && !same(place, this.told.place)) this.speaker.say(place);
    }, SETTLED);
  }

  /** @param {Told} told */
  hear(told) {
    const fresh = told.server !== this.told?.server, first = !this.told;
    if (fresh) this.heard = 0;
    this.told = told;
    if (told.place && !this.speaker.busy && !this.timer && told.version > this.heard && (first || !fresh)) {
      this.heard = told.version;
      show(this.shell, told.place); // this page was loaded again, or another page of the presenter's moved the class
    }
    if (!told.place || (fresh && !first)) this.speaker.say(shownBy(this.shell)); // the server was started again
    this.fill();
  }

  /** @param {HTMLElement} host @param {number} chapter @param {Right} found @param {Guess | undefined} made */
  asked(host, chapter, found, made) {
    this.guesses = guessesOf(host, this.shell.texts, chapter, found, made);
    this.fill();
  }

  holds() {
    return false;
  }

  fill() {
    const phones = this.told?.phones ?? 0;
    this.bar.show(phones, this.lost);
    this.sheet.show(phones);
    this.guesses?.show(this.told?.tallies?.[this.shell.at.chapter], phones);
    this.shell.shrink();
  }
}

/** A phone's page. @implements {Company} */
export class Follower {
  asksAnew = false;

  /** @param {Shell} shell @param {string} address @param {Record<string, string>} headers @param {string} code */
  constructor(shell, address, headers, code) {
    this.shell = shell;
    /** @type {Told | null} */
    this.told = null;
    this.lost = "";
    this.away = this.led = false;
    this.said = "{}";
    this.bar = phonesBar(shell.texts, () => this.rejoin());
    shell.parts.doors.before(this.bar.root);
    this.speaker = speaker(`${address}/guesses?code=${code}`, headers);
    this.fill();
    this.end = listen(`${address}/events?code=${code}`, headers, {
      told: (told) => this.hear(told),
      broken: (lost, sentence) => {
        this.lost = lost ? sentence || shell.texts.text("shell.class.lost") : "";
        this.fill();
      },
    });
  }

  /** @param {Told} told */
  hear(told) {
    const { place } = told, moved = !same(place, this.told?.place ?? null), fresh = told.server !== this.told?.server;
    this.told = told;
    if (place && moved && !this.away) this.follow(place);
    if (fresh) { this.said = "{}"; this.guess(); }
    this.fill();
  }

  /** Go where the class is. @param {Shown} place */
  follow(place) {
    this.led = true;
    show(this.shell, place);
    this.led = false;
  }

  rejoin() {
    this.away = false;
    if (this.told?.place) this.follow(this.told.place);
    this.fill();
  }

  moved() {
    if (!this.led && !this.away && this.told?.place && !same(shownBy(this.shell), this.told.place)) {
      this.away = true;
      this.fill();
    }
    this.guess();
  }

  /** @param {number} chapter */
  holds(chapter) {
    const place = this.told?.place;
    return !this.away && place?.chapter === chapter && place.step === 0;
  }

  /** Say all that was guessed, if that is news. */
  guess() {
    const made = Object.entries(this.shell.state.guesses).flatMap(([chapter, { chosen }]) => (chosen === null ? [] : [[chapter, chosen]]));
    const all = { ...Object.fromEntries(made), ...this.shell.state.held }, said = JSON.stringify(all);
    if (!this.told || said === this.said) return;
    this.said = said;
    this.speaker.say(all);
  }

  /** Mark the guess that waits. @param {HTMLElement} host @param {number} chapter @param {Right} found @param {Guess | undefined} made */
  asked(host, chapter, found, made) {
    const { texts, state } = this.shell, option = state.held[chapter];
    if (made || option === undefined) return;
    const names = found.names ?? texts.list(`${chapter}.guess.options`, found.values);
    host.querySelectorAll("button.option").forEach((button, i) => button.setAttribute("aria-pressed", String(i === option)));
    host.append(element("p", "held", texts.text("shell.class.held", { guess: names[option].replace(/[.]$/, "") }), { role: "status" }));
  }

  fill() {
    const { told, away, lost, shell } = this, place = told?.place;
    shell.host.classList.toggle("is-away", away);
    this.bar.show(lost ? "lost" : !place ? "waiting" : away ? "at" : "with", lost, away && Boolean(place), place?.chapter);
  }
}

/** A name that this tab gives itself, in this visit's store. */
function phonesName() {
  let name = stored("sessionStorage", PHONE);
  if (!name || !/^[0-9a-f]{32}$/.test(name)) {
    name = [...window.crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    store("sessionStorage", PHONE, name);
  }
  return name;
}

/** The presenter's secret, from the address, which then forgets it, or from this browser. */
function presentersKey() {
  const given = new URLSearchParams(window.location.hash.slice(1)).get("key");
  if (!given) return stored("localStorage", KEY) ?? "";
  store("localStorage", KEY, given);
  const { history, location } = window;
  history.replaceState(history.state, "", location.pathname + location.search);
  return given;
}

/** @param {"localStorage" | "sessionStorage"} kind @param {string} name */
function stored(kind, name) {
  try {
    return window[kind].getItem(name);
  } catch {
    return null;
  }
}

/** @param {"localStorage" | "sessionStorage"} kind @param {string} name @param {string} value */
function store(kind, name, value) {
  try {
    window[kind].setItem(name, value);
  } catch {
    // this page alone knows it
  }
}

/** What the server says against a request, in a sentence. */
class Refusal extends Error {}

/** @param {string} url @param {Record<string, string>} headers */
async function got(url, headers = {}) {
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw new Refusal(await answer.text());
  return answer;
}

/** @param {HTMLElement} host with who this is for and where the rest is (class.html) */
export async function mount(host) {
  const { role = "", code = "", address = "", data = "", unreachable = "" } = host.dataset, leads = role === "leads";
  try {
    const key = leads ? presentersKey() : "", headers = /** @type {Record<string, string>} */ (leads ? { Authorization: `Bearer ${key}` } : { Phone: phonesName() });
    /** @type {Invitation | null} */
    const invitation = leads ? await (await got(`${address}/invitation?origin=${encodeURIComponent(window.location.origin)}`, headers)).json() : null;
    const [setup, content] = blocks(new Uint8Array(await (await got(data)).arrayBuffer()));
    const begins = stored("sessionStorage", "adrec.class") === null;
    if (leads) setup.base = window.location.origin + address.replace(/\/class$/, "");
    const shell = new Shell(host, setup, unpacked(content), () => {});
    host.classList.add(leads ? "leads" : "follows");
    shell.company = invitation ? new Presenter(shell, address, headers, invitation, begins) : new Follower(shell, address, headers, code);
    shell.fill();
  } catch (error) {
    const refused = error instanceof Refusal;
    host.replaceChildren(element("p", "notice", refused ? error.message : unreachable, { role: "alert" }));
    if (!refused) throw error;
  }
}
