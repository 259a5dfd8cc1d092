/* The clock: which step is shown, how it is moved, and when the server is told. */

const views = new WeakMap();
const HEAD = 12, SETTLE = 220, TEMPO = 380, SPEEDS = [1, 2, 4, 0.5];

export default function mount(component) {
  const host = component.parentElement.querySelector(".scrubber");
  if (!views.has(host)) views.set(host, new View(host));
  const view = views.get(host);
  view.tell = component.setTriggerValue;
  view.receive(component.data);
  return () => { if (!host.isConnected) view.end(); };
}

function decode(bytes) {
  /* step, digest, length of the JSON (uint32 each), the JSON, the arrays (4 bytes an entry). */
  const copy = bytes.slice().buffer;
  const [step, digest, length] = new Uint32Array(copy, 0, 3);
  const scene = JSON.parse(new TextDecoder().decode(new Uint8Array(copy, HEAD, length)));
  for (const [name, [type, offset, count]] of Object.entries(scene.arrays))
    scene[name] = new (type === "int32" ? Int32Array : Float32Array)(copy, HEAD + length + offset, count);
  scene.title = (item) => scene.titles[item];
  scene.list = (s) => [...scene.top.subarray(s * scene.k, (s + 1) * scene.k)];
  return { step, digest, scene };
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
    const { step, digest, scene } = decode(bytes);
    if (digest !== this.digest) {
      this.digest = digest;
      this.pending = [];
      this.pause();
      this.host.classList.add("still"); // another scene is another picture, not a movement
      this.build(scene);
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

  build(scene) {
    this.scene = scene;
    for (const [name, color] of Object.entries(scene.colors)) this.host.style.setProperty(`--${name}`, color);
    this.range.max = scene.steps;
    const pick = (step, done) => { this.pause(); this.held = !done; this.go(step); };
    const clock = { pick, hover: (step) => this.hover(step), leave: () => this.leave() };
    const { steps, decided, target } = scene, axis = "step (0: pure noise)";
    const list = topList(this.find(".rows"), scene);
    this.find(".scale").textContent = `probability; a full bar is ${percent(list.largest)}`;
    const draw = (name, spec) => chart(this.find(`.${name} .chart`), { height: 190, steps, axis, ...spec }, clock);
    const ranks = [{ values: scene.answer_rank, from: 0, kind: "answer" }];
    if (target) ranks.push({ values: scene.rank, from: 0, kind: "target" });
    this.find(".rank .legend").textContent = target ? "★ the target, ◆ the final first choice" : "◆ the final first choice";
    const rankTicks = [1, 10, 100, 1000, 10000, 100000].filter((t) => t <= scene.items);
    this.find(".method").textContent = `${scene.method} · ○ history, ◆ top 10${target ? ", ★ target" : ""}`;
    this.find(".map").title = scene.method_note;
    const plots = [
      draw("rank", { label: scene.rank_label, height: 330, low: 1, high: scene.items + 1, log: true, ticks: rankTicks, format: number, band: 10, decided, series: ranks }),
      itemMap(this.find(".map"), scene, clock),
      ...anatomy(this.find, draw, scene),
    ];
    this.plots = plots;
    this.parts = [list, ...plots];
    this.draw();
  }

  draw() {
    if (!this.plots) return;
    this.plots.forEach((plot) => plot.draw());
    const track = this.find(".track"), mark = this.find(".bar .decided");
    mark.style.left = `${8 + ((track.clientWidth - 16) * this.scene.decided) / this.scene.steps}px`;
    mark.title = `Decided at step ${this.scene.decided}`;
  }

  go(step, told = true) {
    this.step = Math.max(0, Math.min(this.scene.steps, step));
    this.range.value = this.step;
    this.parts.forEach((part) => part.move(this.step));
    const { steps, timesteps } = this.scene, t = timesteps[this.step - 1];
    this.find("output").innerHTML = this.step ? `<span>Step <b>${this.step}</b> of ${steps}</span> <small>t = ${t}</small>` : "<b>Pure noise</b>";
    this.range.setAttribute("aria-valuetext", this.step ? `Step ${this.step} of ${steps}` : "Pure noise");
    this.find(".changes").textContent = changes(this.scene, this.step);
    this.find(".changes").title = this.find(".changes").textContent;
    this.find(".facts").innerHTML = facts(this.scene, this.step);
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
    const { scene, step } = this;
    const rank = scene.target ? ` The target, ${scene.title(scene.target)}, has rank ${number(scene.rank[step])}.` : "";
    this.find(".live").textContent = `${step ? `Step ${step} of ${scene.steps}.` : "Pure noise."} First: ${scene.title(scene.list(step)[0])}.${rank} ${changes(scene, step)}`;
    this.find(".answer").replaceChildren(...scene.list(step).map((item) => {
      const entry = document.createElement("li");
      entry.textContent = scene.title(item) + (item === scene.target ? " (the target)" : "");
      return entry;
    }));
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
