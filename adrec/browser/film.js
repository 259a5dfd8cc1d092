/* The clock of the film: which frame is shown, how it moves, and when the server is told. */

import { element, find } from "./dom.js";
import { FilmMap } from "./film_map.js";
import { Curve, Measure, spans } from "./film_charts.js";
import { clamp } from "./scales.js";
import { blocks } from "./wire.js";

/** @import { Component, FilmScene } from "./types" */

/** @type {WeakMap<Element, Film>} */
const films = new WeakMap();
const TEMPO = 260; // milliseconds a frame
const SETTLE = 250;
/** @type {Record<string, number>} */
const KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/** @param {Component<Uint8Array>} component */
export function mount({ parentElement, data, setTriggerValue }) {
  const host = find(parentElement, ".film"), film = films.get(host) ?? new Film(host);
  films.set(host, film);
  film.tell = setTriggerValue;
  film.receive(blocks(data)[0]);
  return () => { if (!host.isConnected) film.end(); };
}

class Film {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    this.at = this.timer = this.waiting = 0;
    this.known = -1; // the frame that the server knows
    this.held = false;
    /** @type {FilmScene | null} */
    this.scene = null;
    /** @type {{ map: FilmMap, curve: Curve, measures: Measure[] } | null} */
    this.parts = null;
    /** @type {Component<unknown>["setTriggerValue"]} */
    this.tell = () => {};
    const range = this.range = find(host, "input");
    range.oninput = () => { this.pause(); this.held = true; this.go(Number(range.value)); };
    range.onchange = () => { this.held = false; this.settle(); };
    find(host, ".play").onclick = () => this.toggle();
    find(host, ".back").onclick = () => this.step(-1);
    find(host, ".on").onclick = () => this.step(1);
    host.onkeydown = (event) => this.key(event);
    this.sizes = new ResizeObserver(() => this.layout());
    this.sizes.observe(host);
    host.ontransitionend = (event) => { if (event.target === host) this.go(this.at); }; // the theme changed
    this.label();
  }

  get frames() {
    return this.scene?.frames ?? [];
  }

  /** @param {FilmScene} scene */
  receive(scene) {
    const fresh = scene.run !== this.scene?.run, changed = scene.item !== this.scene?.item || scene.look !== this.scene?.look, { frame } = scene;
    if (fresh) {
      this.pause();
      this.at = frame;
    } else if (!changed && frame !== this.known && frame !== Math.round(this.at) && !this.timer && !this.held) this.go(frame);
    this.known = frame;
    if (fresh || changed) this.build(scene);
  }

  /** @param {FilmScene} scene */
  build(scene) {
    const { host } = this, { frames } = scene, last = frames.length - 1, box = find(host, ".measures");
    const pick = (/** @type {number} */ frame, /** @type {boolean} */ done) => { this.pause(); this.held = !done; this.go(frame); if (done) this.settle(); };
    this.scene = scene;
    this.range.max = String(last);
    box.replaceChildren();
    const measures = scene.measures.map((spec) => new Measure(box, scene, spec, pick));
    this.parts = { map: new FilmMap(find(host, ".map"), scene), curve: new Curve(find(host, ".curve"), scene), measures };
    find(host, ".legend").replaceChildren(scene.legend + (scene.categories.length ? ":" : ` ${scene.low} to ${scene.high}`), ...scene.categories.map((name, i) => {
      const entry = element("i"), sign = element("span", "", scene.glyphs[i]);
      sign.style.color = scene.colours[i];
      entry.append(sign, ` ${name}`);
      return entry;
    }));
    find(host, ".spans").replaceChildren(...spans(frames.map((frame) => frame.stage)).map(([from, to]) => {
      const { label, glyph, color } = frames[from], left = Math.max(0, from - 0.5) / last, right = Math.min(last, to - 0.5) / last;
      const span = element("span", "", right - left > 0.07 ? `${glyph} ${label}` : "", { title: label });
      Object.assign(span.style, { left: `${100 * left}%`, width: `calc(${100 * (right - left)}% - 2px)`, borderColor: color });
      return span;
    }));
    this.layout();
  }

  layout() {
    if (!this.parts) return;
    for (const part of [this.parts.curve, ...this.parts.measures]) part.layout();
    this.go(this.at);
  }

  /** @param {number} at */
  go(at) {
    if (!this.parts) return;
    this.at = clamp(at, 0, this.frames.length - 1);
    const f = Math.round(this.at), { label, epoch, color, glyph, words, kind } = this.frames[f], sign = element("b", "", glyph);
    for (const part of [this.parts.map, this.parts.curve, ...this.parts.measures]) part.draw(this.at);
    this.range.value = String(f);
    this.range.setAttribute("aria-valuetext", `${label}, epoch ${epoch}`);
    sign.style.color = color;
    find(this.host, "output").replaceChildren(sign, ` ${words}${kind ? ` · ${kind}` : ""}`);
    this.host.dataset.frame = String(f);
  }

  /** @param {number} by */
  step(by) {
    this.pause();
    this.go(Math.round(this.at) + by);
    this.settle();
  }

  /** Once nothing moves: announce the frame to screen readers, and send it for the URL. */
  settle() {
    clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => {
      if (this.timer || this.held) return;
      const f = Math.round(this.at), values = this.parts?.measures.map(({ spec, value }) => `${spec.name} ${value.textContent}`);
      find(this.host, ".live").textContent = `${this.frames[f].words}. ${values?.join(", ")}.`;
      if (f === this.known) return;
      this.known = f;
      this.tell("frame", f);
    }, SETTLE);
  }

  toggle() {
    if (this.timer) {
      this.step(0);
      return;
    }
    const last = this.frames.length - 1, still = matchMedia("(prefers-reduced-motion: reduce)").matches, speed = find(this.host, "select");
    if (this.at >= last) this.at = 0;
    let before = performance.now(), clock = this.at;
    const tick = (/** @type {number} */ now) => {
      clock += ((now - before) / TEMPO) * Number(speed.value);
      before = now;
      this.go(still ? Math.floor(clock) : clock);
      if (clock < last) this.timer = requestAnimationFrame(tick);
      else this.step(0);
    };
    this.timer = requestAnimationFrame(tick);
    this.label();
  }

  pause() {
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    this.label();
  }

  label() {
    find(this.host, ".play").textContent = this.timer ? "❚❚ Pause" : "▶ Play";
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { tagName } = /** @type {Element} */ (event.target);
    if (tagName === "SELECT" || (event.key === " " && tagName === "BUTTON")) return;
    if (event.key === " ") this.toggle();
    else if (event.key in KEYS) this.step(KEYS[event.key]);
    else return;
    event.preventDefault();
  }

  end() {
    this.pause();
    clearTimeout(this.waiting);
    this.sizes.disconnect();
  }
}
