/* The clock of the denoising picture: which step is shown, how it moves, and when the server is told. */

import { find } from "./dom.js";
import { clamp } from "./scales.js";
import { listAt } from "./scrubber_list.js";
import { Panel, copies } from "./scrubber_panel.js";
import { blocks } from "./wire.js";

/** @import { Component, Scene } from "./types" */

/** @type {WeakMap<Element, View>} */
const views = new WeakMap();
const EACH = [".panels", ".marks", ".notes", ".anatomies"]; // repeated for each scene
const SETTLE = 220;
const TEMPO = 380;
const SPEEDS = [1, 2, 4, 0.5];
/** @type {Record<string, number>} */
const KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/** Show one scene or two: their blocks follow the step (uint32) at which the clock opens. @param {Component<Uint8Array>} component */
export function mount({ parentElement, data, setTriggerValue }) {
  const host = find(parentElement, ".scrubber"), view = views.get(host) ?? new View(host);
  views.set(host, view);
  view.tell = setTriggerValue;
  view.receive(new DataView(data.buffer, data.byteOffset).getUint32(0, true), blocks(data, 4));
  return () => { if (!host.isConnected) view.end(); };
}

class View {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    this.step = this.timer = this.waiting = 0;
    this.speed = 1;
    this.held = this.hovered = false; // by a pointer on the slider, over a chart
    /** @type {number[]} the steps sent to the server and not answered yet */
    this.pending = [];
    /** @type {Panel[]} */
    this.panels = [];
    this.digest = "";
    /** @type {Component<unknown>["setTriggerValue"]} */
    this.tell = () => {};
    this.range = find(host, "input");
    this.range.oninput = () => { this.pause(); this.go(Number(this.range.value)); };
    this.range.onpointerdown = () => { this.held = true; };
    this.range.onpointerup = this.range.onpointercancel = () => { this.held = false; this.settle(); };
    this.find(".first").onclick = () => { this.pause(); this.go(0); };
    this.find(".previous").onclick = () => { this.pause(); this.go(this.step - 1); };
    this.find(".next").onclick = () => { this.pause(); this.go(this.step + 1); };
    this.find(".play").onclick = () => this.toggle();
    this.find(".speed").onclick = () => this.pace();
    find(host, "details").ontoggle = () => this.draw();
    host.onkeydown = (event) => this.key(event);
    this.back = () => { clearTimeout(this.waiting); this.waiting = 0; this.pending = []; }; // now the URL decides
    window.addEventListener("popstate", this.back);
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(host);
  }

  /** @param {string} selector */
  find(selector) {
    return find(this.host, selector);
  }

  /** The scene whose steps the clock counts. */
  get scene() {
    return this.panels[0].scene;
  }

  /** @param {number} step @param {Scene[]} scenes */
  receive(step, scenes) {
    const digest = scenes.map((scene) => scene.digest).join(" ");
    if (digest !== this.digest) {
      this.digest = digest;
      this.pending = [];
      this.pause();
      this.host.classList.add("still"); // a new scene is a new picture, not a movement
      this.build(scenes);
      this.go(step, false);
      this.speak();
      requestAnimationFrame(() => requestAnimationFrame(() => this.host.classList.remove("still")));
      return;
    }
    const known = this.pending.indexOf(step);
    if (known >= 0) this.pending.splice(0, known + 1); // the answer to a step that was sent
    else if (step !== this.step && !this.pending.length && !this.held && !this.timer && !this.waiting) {
      this.go(step, false); // a link, or Back
      this.speak();
    }
  }

  /** @param {Scene[]} scenes */
  build(scenes) {
    const [first] = scenes;
    for (const [name, color] of Object.entries(first.colors)) this.host.style.setProperty(`--${name}`, color);
    this.range.max = String(first.steps);
    this.host.classList.toggle("pair", scenes.length > 1);
    this.find(".both").hidden = scenes.length < 2;
    const parts = EACH.map((name) => copies(this.find(name), scenes.length));
    this.panels = scenes.map((scene, i) => new Panel(parts.map((copy) => copy[i]), scene, scenes, this));
    this.draw();
  }

  draw() {
    this.panels.forEach((panel) => panel.draw(this.find(".track").clientWidth));
  }

  /** @param {number} step */
  go(step, tell = true) {
    this.step = clamp(step, 0, this.scene.steps);
    this.range.value = String(this.step);
    const lists = this.panels.map((panel) => listAt(panel.scene, panel.at(this.step)));
    const both = lists[0].filter((item) => lists.every((list) => list.includes(item)));
    this.panels.forEach((panel) => panel.move(this.step, lists.length > 1 ? both : []));
    const { steps, timesteps } = this.scene, t = timesteps[this.step - 1];
    this.find("output").innerHTML = this.step ? `<span>Step <b>${this.step}</b> of ${steps}</span> <small>noise level ${t}</small>` : "<b>Pure noise</b>";
    this.range.setAttribute("aria-valuetext", this.step ? `Step ${this.step} of ${steps}` : "Pure noise");
    this.find(".both").textContent = `At this step ${both.length} of ${lists[0].length} items are in both lists${both.length ? ", marked =" : ""}.`;
    this.host.dataset.step = String(this.step);
    this.label();
    if (tell) this.settle();
  }

  /** A chart is dragged or released. @param {number} step @param {boolean} done */
  pick(step, done) {
    this.pause();
    this.held = !done;
    this.go(step);
  }

  /** The picture follows a hovering pointer, except while it plays or is dragged. @param {number} step */
  hover(step) {
    if (this.timer || this.held || step === this.step) return;
    this.hovered = true;
    this.go(step, false);
  }

  leave() {
    if (this.hovered && !this.held) this.settle();
    this.hovered = false;
  }

  /** Once nothing moves: update the list for screen readers, and send the step for the URL. */
  settle() {
    clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => {
      this.waiting = 0;
      if (this.held || this.timer) return;
      this.speak();
      this.pending.push(this.step);
      this.tell("step", this.step);
    }, SETTLE);
  }

  speak() {
    this.panels.forEach((panel) => panel.list(this.step));
    const both = this.panels.length > 1 ? ` ${this.find(".both").textContent}` : "";
    this.find(".live").textContent = this.panels.map((panel) => panel.describe(this.step)).join(" ") + both;
  }

  toggle() {
    if (this.timer) { this.pause(); this.settle(); return; }
    if (this.step >= this.scene.steps) this.go(0, false);
    this.run();
  }

  run() {
    this.timer = window.setInterval(() => {
      if (this.step + 1 >= this.scene.steps) this.pause();
      this.go(this.step + 1);
    }, TEMPO / this.speed);
    this.label();
  }

  pace() {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length];
    this.find(".speed").textContent = `${this.speed === 0.5 ? "½" : this.speed}×`;
    this.find(".speed").setAttribute("aria-label", `Playback speed: ${this.speed} times`);
    if (!this.timer) return;
    clearInterval(this.timer);
    this.run();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.label();
  }

  label() {
    this.find(".play .icon").setAttribute("d", this.timer ? "M3 3h4v10H3zM9 3h4v10H9z" : "M4 3v10l9-5z");
    const ended = this.panels.length > 0 && this.step >= this.scene.steps;
    this.find(".play .word").textContent = this.timer ? "Pause" : ended ? "Replay" : "Play";
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.key === " " && !["BUTTON", "SUMMARY"].includes(target.tagName)) this.toggle();
    else if (event.key in KEYS && target !== this.range) { this.pause(); this.go(this.step + KEYS[event.key]); }
    else return;
    event.preventDefault();
  }

  end() {
    this.pause();
    clearTimeout(this.waiting);
    this.sizes.disconnect();
    window.removeEventListener("popstate", this.back);
  }
}
