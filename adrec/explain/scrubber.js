/* The clock: which step is shown, how it is moved, and when the server is told. */

const views = new WeakMap();
const EACH = [".panels", ".marks", ".notes", ".anatomies"]; // what each scene has of its own
const START = 4, HEAD = 8, SETTLE = 220, TEMPO = 380, SPEEDS = [1, 2, 4, 0.5];

export default function mount(component) {
  const host = component.parentElement.querySelector(".scrubber");
  if (!views.has(host)) views.set(host, new View(host));
  const view = views.get(host);
  view.tell = component.setTriggerValue;
  view.receive(component.data);
  return () => { if (!host.isConnected) view.end(); };
}

function decode(bytes) {
  /* The step; then of one scene or two: digest, length of the JSON (uint32 each), the JSON, the arrays (4 bytes an entry). */
  const copy = bytes.slice().buffer, scenes = [];
  const [step] = new Uint32Array(copy, 0, 1);
  let digest = "", at = START;
  while (at < copy.byteLength) {
    const [sum, length] = new Uint32Array(copy, at, 2), body = at + HEAD + length;
    const scene = JSON.parse(new TextDecoder().decode(new Uint8Array(copy, at + HEAD, length)));
    at = body;
    for (const [name, [type, offset, count]] of Object.entries(scene.arrays)) {
      scene[name] = new (type === "int32" ? Int32Array : Float32Array)(copy, body + offset, count);
      at = Math.max(at, body + offset + 4 * count);
    }
    scene.title = (item) => scene.titles[item];
    scene.list = (s) => [...scene.top.subarray(s * scene.k, (s + 1) * scene.k)];
    digest += `${sum} `;
    scenes.push(scene);
  }
  return { step, digest, scenes };
}

class View {
  constructor(host) {
    this.host = host;
    this.pending = [];
    this.step = 0;
    this.find = (selector) => host.querySelector(selector);
    this.range = this.find("input");
    this.range.oninput = () => { this.pause(); this.go(Number(this.range.value)); };
    this.range.onpointerdown = () => { this.held = true; };
    this.range.onpointerup = this.range.onpointercancel = () => { this.held = false; this.settle(); };
    this.find(".first").onclick = () => { this.pause(); this.go(0); };
    this.find(".previous").onclick = () => { this.pause(); this.go(this.step - 1); };
    this.find(".next").onclick = () => { this.pause(); this.go(this.step + 1); };
    this.find(".play").onclick = () => this.toggle();
    this.speed = 1;
    this.find(".speed").onclick = () => this.pace();
    this.find("details").ontoggle = () => this.draw();
    host.onkeydown = (event) => this.key(event);
    this.back = () => { clearTimeout(this.waiting); this.waiting = 0; this.pending = []; }; // from here on the URL leads
    window.addEventListener("popstate", this.back);
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(host);
  }

  receive(bytes) {
    const { step, digest, scenes } = decode(bytes);
    if (digest !== this.digest) {
      this.digest = digest;
      this.pending = [];
      this.pause();
      this.host.classList.add("still"); // another scene is another picture, not a movement
      this.build(scenes);
      this.go(step, false);
      this.speak();
      requestAnimationFrame(() => requestAnimationFrame(() => this.host.classList.remove("still")));
      return;
    }
    const known = this.pending.indexOf(step);
    if (known >= 0) this.pending.splice(0, known + 1); // the answer to what was told
    else if (step !== this.step && !this.pending.length && !this.held && !this.timer && !this.waiting) {
      this.go(step, false); // a link, or Back
      this.speak();
    }
  }

  build(scenes) {
    this.scene = scenes[0]; // the clock is its
    for (const [name, color] of Object.entries(this.scene.colors)) this.host.style.setProperty(`--${name}`, color);
    this.range.max = this.scene.steps;
    this.host.classList.toggle("pair", scenes.length > 1);
    this.find(".both").hidden = scenes.length < 2;
    const parts = EACH.map((name) => copies(this.find(name), scenes.length));
    this.panels = scenes.map((scene, i) => new Panel(parts.map((of) => of[i]), scene, scenes, this));
    this.draw();
  }

  draw() {
    if (this.panels) this.panels.forEach((panel) => panel.draw(this.find(".track").clientWidth));
  }

  go(step, told = true) {
    this.step = Math.max(0, Math.min(this.scene.steps, step));
    this.range.value = this.step;
    const lists = this.panels.map((panel) => panel.scene.list(panel.at(this.step)));
    const both = lists[0].filter((item) => lists.every((list) => list.includes(item)));
    this.panels.forEach((panel) => panel.move(this.step, lists.length > 1 ? both : []));
    const { steps, timesteps } = this.scene, t = timesteps[this.step - 1];
    this.find("output").innerHTML = this.step ? `<span>Step <b>${this.step}</b> of ${steps}</span> <small>noise level ${t}</small>` : "<b>Pure noise</b>";
    this.range.setAttribute("aria-valuetext", this.step ? `Step ${this.step} of ${steps}` : "Pure noise");
    this.find(".both").textContent = `At this step ${both.length} of ${lists[0].length} items are in both lists${both.length ? ", marked =" : ""}.`;
    this.host.dataset.step = this.step;
    this.label();
    if (told) this.settle();
  }

  hover(step) {
    /* Under a resting pointer the picture follows; while it plays or is dragged it doesn't. */
    if (this.timer || this.held || step === this.step) return;
    this.hovered = true;
    this.go(step, false);
  }

  leave() {
    if (this.hovered && !this.held) this.settle();
    this.hovered = false;
  }

  settle() {
    /* Once nothing moves any more: the list for a screen reader, and the step for the URL. */
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
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
    this.find(".live").textContent = this.panels.map((panel) => panel.told(this.step)).join(" ") + both;
  }

  toggle() {
    if (this.timer) { this.pause(); this.settle(); return; }
    if (this.step >= this.scene.steps) this.go(0, false);
    this.run();
  }

  run() {
    this.timer = setInterval(() => {
      if (this.step + 1 >= this.scene.steps) this.pause();
      this.go(this.step + 1);
    }, TEMPO / this.speed);
    this.label();
  }

  pace() {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length];
    this.find(".speed").textContent = `${this.speed === 0.5 ? "½" : this.speed}×`;
    this.find(".speed").setAttribute("aria-label", `Speed of playing: ${this.speed} times`);
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
    const ended = this.scene && this.step >= this.scene.steps;
    this.find(".play .word").textContent = this.timer ? "Pause" : ended ? "Replay" : "Play";
  }

  key(event) {
    const onButton = event.target.tagName === "BUTTON" || event.target.tagName === "SUMMARY", onRange = event.target === this.range;
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (event.key === " " && !onButton) this.toggle();
    else if (event.key in moves && !onRange) { this.pause(); this.go(this.step + moves[event.key]); }
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
