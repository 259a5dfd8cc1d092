/* The clock of the denoising picture: which step is shown, how it moves, and when the server is told. */

import { said } from "./denoising_words.js";
import { find } from "./dom.js";
import { startEngine } from "./engine/client.js";
import { clamp } from "./scales.js";
import { announce } from "./said.js";
import { listAt } from "./scrubber_list.js";
import { Panel, copies } from "./scrubber_panel.js";
import { blocks } from "./wire.js";

/** @import { Engine } from "./engine/types" */
/** @import { Again, Component, Question, Sayings, Scene } from "./types" */

/** @type {WeakMap<Element, View>} */
const views = new WeakMap();
const EACH = [".panels", ".marks", ".notes", ".anatomies"]; // repeated for each scene
const SETTLE = 220;
const TEMPO = 380;
const MISSING = "The picture could not be fetched; load the page again.";
const WAITING = "The model in your browser is answering…";
const SPEEDS = [1, 2, 4, 0.5];
/** @type {Record<string, number>} */
const KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/** @type {Record<string, Promise<Scene>>} what scenes share, by its address */
const shared = {};

/** A scene with what it shares with others. @param {Scene} scene @returns {Promise<Scene>} */
async function whole(scene) {
  const { shared: at } = scene;
  if (!at) return scene;
  shared[at] ??= fetched(at).then((bytes) => blocks(bytes)[0]);
  shared[at].catch(() => { delete shared[at]; }); // to be tried again
  const { model, ...same } = /** @type {any} */ (await shared[at]);
  return { ...same, ...scene, ...(scene.again ? { again: { ...model, ...scene.again } } : {}) };
}

/** @param {string} url @returns {Promise<Uint8Array>} */
async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(answer.statusText);
  return new Uint8Array(await answer.arrayBuffer());
}

/** Show one scene or two: blocks after the step (uint32) at which the clock opens. A scene may lack what depends on the noise; the model then answers
 * here. A last block says where the worker's script is, if there may be other noise, and what sentences need, if they are made here too. @param {Component<Uint8Array>} component */
export function mount({ parentElement, data, setTriggerValue }) {
  const host = find(parentElement, ".scrubber"), view = views.get(host) ?? new View(host);
  views.set(host, view);
  view.tell = setTriggerValue;
  const found = blocks(data, 4), scenes = found.filter(({ worker }) => !worker);
  view.worker = found[scenes.length]?.worker ?? "";
  view.sayings = found[scenes.length]?.sayings ?? null;
  view.receive(new DataView(data.buffer, data.byteOffset).getUint32(0, true), scenes);
  return () => { if (!host.isConnected) view.end(); };
}

/**
 * The same from a page of its own, with scenes that lack what depends on the noise.
 * @param {HTMLElement} host @param {number} step @param {Question[]} scenes @param {string} worker where the worker's script is @param {Sayings} sayings
 * @param {Component<unknown>["setTriggerValue"]} tell
 */
export function ask(host, step, scenes, worker, sayings, tell) {
  const view = views.get(host) ?? new View(host);
  views.set(host, view);
  Object.assign(view, { tell, worker, sayings });
  view.receive(step, /** @type {Scene[]} */ (scenes));
}

/** The steps that a scene's model has. @param {Scene} scene */
const stepsOf = ({ again, steps }) => again?.run.diffusion?.alpha_bar.length ?? steps;

class View {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    this.step = this.timer = this.waiting = 0;
    this.speed = 1;
    this.held = this.hovered = false; // by a pointer on the slider, over a chart
    /** @type {number[]} the steps sent to the server and not answered yet */
    this.pending = [];
    /** @type {number | null} the step to open with, while the scene is on its way */
    this.opening = null;
    /** @type {string[]} the seeds and steps answered here, sent to the server and not answered there yet */
    this.asked = [];
    /** @type {Panel[]} */
    this.panels = [];
    this.digest = this.worker = "";
    /** @type {Promise<ReturnType<typeof startEngine>> | null} */
    this.engine = null;
    /** @type {Sayings | null} */
    this.sayings = null;
    this.stop = new AbortController();
    /** @type {Record<string, Promise<Engine>>} by the address of the weights */
    this.models = {};
    /** @type {Component<unknown>["setTriggerValue"]} */
    this.tell = () => {};
    this.range = /** @type {HTMLInputElement} */ (find(host, "input[type=range]"));
    this.count = /** @type {HTMLInputElement} */ (find(host, ".count input"));
    this.count.onchange = () => this.again(this.scene.seed, clamp(Math.round(Number(this.count.value)) || 1, 1, Number(this.count.max)));
    this.range.oninput = () => { this.pause(); this.go(Number(this.range.value)); };
    this.range.onpointerdown = () => { this.held = true; };
    this.range.onpointerup = this.range.onpointercancel = () => { this.held = false; this.settle(); };
    this.find(".first").onclick = () => { this.pause(); this.go(0); };
    this.find(".previous").onclick = () => { this.pause(); this.go(this.step - 1); };
    this.find(".next").onclick = () => { this.pause(); this.go(this.step + 1); };
    this.find(".play").onclick = () => this.toggle();
    this.find(".speed").onclick = () => this.pace();
    this.find(".noise").onclick = () => this.again((this.scene.seed + 1) % 2 ** 31, this.scene.steps);
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
  async receive(step, scenes) {
    const digest = scenes.map((scene) => scene.digest).join(" ");
    if (digest !== this.digest) {
      const sent = this.asked.indexOf([scenes[0].seed, scenes[0].steps].join()), keys = (/** @type {Scene[]} */ of) => of.map((scene) => scene.again?.key).join("\n");
      this.digest = digest;
      if (sent >= 0 && keys(scenes) === keys(this.panels.map((panel) => panel.scene))) { // shown already
        this.asked.splice(0, sent + 1);
        return;
      }
      this.pending = [];
      this.asked = [];
      this.pause();
      this.opening = step;
      this.stop.abort();
      const stop = this.stop = new AbortController(), asks = scenes.some((scene) => !scene.top);
      let complete;
      try {
        if (asks) this.wait();
        complete = await Promise.all(scenes.map(async (scene) => {
          const full = await whole(scene);
          return full.top ? full : this.answered(full, full.seed, full.steps, stop.signal);
        }));
      } catch {
        if (stop.signal.aborted) return;
        this.digest = "";
        if (asks) setTimeout(() => this.tell("refused", true), SETTLE); // the server answers; widgets beside this one have taken their values by then
        else this.find("output").textContent = MISSING;
        return;
      }
      if (stop.signal.aborted) return; // another one has come meanwhile
      this.host.classList.add("still"); // a new scene is a new picture, not a movement
      this.build(complete);
      this.go(this.opening, false);
      this.opening = null;
      this.say();
      this.speak();
      requestAnimationFrame(() => requestAnimationFrame(() => this.host.classList.remove("still")));
      return;
    }
    if (this.opening !== null) { this.opening = step; return; }
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
    this.find(".noise").hidden = this.find(".count").hidden = !this.worker;
    const most = stepsOf(first);
    this.count.max = String(most);
    this.count.value = String(first.steps);
    this.count.setAttribute("aria-label", `Steps, 1 to ${most}`);
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

  /** Until the model has answered. */
  wait() {
    this.find("output").textContent = WAITING;
    announce({ waiting: true });
  }

  /** The sentences, for the part of the page that shows them. @param {number[]} [noise] a seed and a number of steps chosen here */
  say(noise) {
    if (this.sayings) announce({ ...said(this.panels.map((panel) => panel.scene), this.sayings), noise });
    else if (noise) this.tell("noise", noise);
  }

  /** A scene under a seed's noise in so many steps. @param {Question} scene @param {number} seed @param {number} steps @param {AbortSignal} [signal] @returns {Promise<Scene>} */
  async answered(scene, seed, steps, signal) {
    const again = /** @type {Again} */ (scene.again), model = await this.model(again);
    return { ...scene, ...await model.record(scene.history, { seed, user: again.user, steps, k: scene.k }, /** @type {Scene} */ (scene), signal), seed };
  }

  /** Answer again under a seed's noise in so many steps, here in the browser, and send both for the URL. @param {number} seed @param {number} steps */
  async again(seed, steps) {
    const scenes = this.panels.map((panel) => panel.scene), all = stepsOf(scenes[0]), button = /** @type {HTMLButtonElement} */ (this.find(".noise"));
    this.pause();
    button.disabled = true;
    try {
      const found = await Promise.all(scenes.map(async (scene) => {
        const own = scene === scenes[0] ? steps : steps === all ? stepsOf(scene) : Math.min(steps, stepsOf(scene));
        return this.answered(scene, seed, own);
      }));
      if (this.panels.every((panel, i) => panel.scene === scenes[i])) { // nothing else has come meanwhile
        const ended = this.step === scenes[0].steps;
        this.build(found);
        this.go(ended ? steps : this.step, false);
        this.speak();
        this.asked.push([seed, steps].join());
      }
    } catch { // without the weights the server answers
      this.models = {};
      this.engine = null;
    }
    button.disabled = false;
    this.say([seed, steps]);
  }

  /** @param {Again} again */
  model({ url, run }) {
    this.engine ??= fetched(this.worker).then((bytes) => startEngine(new TextDecoder().decode(bytes)));
    const { engine } = this;
    return this.models[url] ??= fetched(url).then(async (bytes) => (await engine).load(run, bytes));
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
    if (event.key === " " && target !== this.count && !["BUTTON", "SUMMARY"].includes(target.tagName)) this.toggle();
    else if (event.key in KEYS && target.tagName !== "INPUT") { this.pause(); this.go(this.step + KEYS[event.key]); }
    else return;
    event.preventDefault();
  }

  end() {
    this.stop.abort();
    announce(null);
    this.pause();
    clearTimeout(this.waiting);
    this.sizes.disconnect();
    this.engine?.then((engine) => engine.stop(), () => {});
    window.removeEventListener("popstate", this.back);
  }
}
