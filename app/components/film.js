/* The clock: where the film stands, how it is moved, and when the server is told. */

const views = new WeakMap(), TEMPO = 260;

export default function (component) {
  const host = component.parentElement.querySelector(".film");
  if (!views.has(host)) views.set(host, new Film(host));
  const view = views.get(host);
  view.tell = component.setTriggerValue;
  view.receive(component.data);
  return () => { if (!host.isConnected) view.end(); };
}

function decode(bytes) {
  const copy = bytes.slice().buffer, size = new Uint32Array(copy, 0, 1)[0];
  const scene = JSON.parse(new TextDecoder().decode(new Uint8Array(copy, 4, size)));
  const { n, d } = scene, k = scene.frames.length;
  scene.values = new Float32Array(copy, 4 + size, k * d);
  scene.positions = new Uint16Array(copy, 4 + size + 4 * k * d, 2 * k * n);
  scene.codes = new Uint8Array(copy, 4 + size + 4 * k * (d + n), n);
  scene.order = Array.from({ length: n }, (_, i) => (i * 7919) % n); // no group lies always on top
  if (n % 7919 === 0) scene.order = Array.from({ length: n }, (_, i) => i);
  return scene;
}

class Film {
  constructor(host) {
    this.host = host; this.at = 0; this.find = (s) => host.querySelector(s);
    this.range = this.find("input");
    this.range.oninput = () => { this.pause(); this.held = true; this.go(Number(this.range.value)); };
    this.range.onchange = () => { this.held = false; this.settle(); };
    this.find(".play").onclick = () => this.toggle();
    this.find(".back").onclick = () => this.step(-1);
    this.find(".on").onclick = () => this.step(1);
    host.onkeydown = (event) => this.key(event);
    this.sizes = new ResizeObserver(() => this.layout()); this.sizes.observe(host);
    host.ontransitionend = (e) => { if (e.target === host) this.go(this.at); }; // the theme changed
    this.label();
  }

  receive(bytes) {
    const scene = decode(bytes), fresh = !this.scene || scene.run !== this.scene.run, told = scene.frame;
    const turned = this.scene && (scene.item !== this.scene.item || scene.look !== this.scene.look);
    if (!fresh && !turned) { if (told !== this.told && told !== Math.round(this.at) && !this.timer && !this.held) this.go(told); this.told = told; return; }
    if (fresh) { this.pause(); this.at = told; }
    this.told = told; this.scene = scene; this.build();
  }

  build() {
    const { scene } = this, pick = (frame, done) => { this.pause(); this.held = !done; this.go(frame); if (done) this.settle(); };
    this.range.max = scene.frames.length - 1;
    this.plane = new Plane(this.find(".map"), scene); this.curve = new Curve(this.find(".curve"), scene);
    const box = this.find(".measures"); box.replaceChildren();
    this.charts = scene.measures.map((spec) => new Measure(box, scene, spec, pick));
    const legend = this.find(".legend"); legend.replaceChildren(scene.legend + (scene.categories.length ? ":" : ` ${scene.low} to ${scene.high}`));
    scene.categories.forEach((name, i) => { const entry = document.createElement("i"); entry.innerHTML = `<span style="color:${scene.colours[i]}">${scene.glyphs[i]}</span> `; entry.append(name); legend.append(entry); });
    const spans = this.find(".spans"), last = scene.frames.length - 1; spans.replaceChildren();
    for (let f = 0, g; f <= last; f = g) {
      for (g = f; g <= last && scene.frames[g].stage === scene.frames[f].stage;) g++;
      const span = document.createElement("span"), left = Math.max(0, f - 0.5) / last, right = Math.min(last, g - 0.5) / last;
      span.textContent = right - left > 0.07 ? `${scene.frames[f].glyph} ${scene.frames[f].label}` : ""; span.title = scene.frames[f].label;
      Object.assign(span.style, { left: `${100 * left}%`, width: `calc(${100 * (right - left)}% - 2px)`, borderColor: scene.frames[f].color });
      spans.append(span);
    }
    this.layout();
  }

  layout() {
    if (!this.scene) return;
    [this.curve, ...this.charts].forEach((part) => part.layout());
    this.go(this.at);
  }

  go(at) {
    const { frames } = this.scene;
    this.at = Math.max(0, Math.min(frames.length - 1, at));
    const f = Math.round(this.at), frame = frames[f];
    [this.plane, this.curve, ...this.charts].forEach((part) => part.draw(this.at));
    this.range.value = f; this.range.setAttribute("aria-valuetext", `${frame.label}, epoch ${frame.epoch}`);
    this.find("output").innerHTML = `<b style="color:${frame.color}">${frame.glyph}</b> `;
    this.find("output").append(`${frame.words}${frame.kind ? ` · ${frame.kind}` : ""}`);
    this.host.dataset.frame = f;
  }

  step(by) { this.pause(); this.go(Math.round(this.at) + by); this.settle(); }

  settle() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      if (this.timer || this.held) return;
      const f = Math.round(this.at);
      this.find(".live").textContent = `${this.scene.frames[f].words}. ${this.charts.map((c) => `${c.spec.name} ${c.value.textContent}`).join(", ")}.`;
      if (f !== this.told) { this.told = f; this.tell("frame", f); }
    }, 250);
  }

  toggle() {
    if (this.timer) { this.pause(); this.go(Math.round(this.at)); this.settle(); return; }
    const last = this.scene.frames.length - 1, still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (this.at >= last) this.at = 0;
    let before = performance.now(), clock = this.at;
    const tick = (now) => {
      clock += ((now - before) / TEMPO) * Number(this.find("select").value); before = now;
      this.go(still ? Math.floor(clock) : clock);
      if (clock >= last) { this.pause(); this.settle(); } else this.timer = requestAnimationFrame(tick);
    };
    this.timer = requestAnimationFrame(tick);
    this.label();
  }

  pause() { cancelAnimationFrame(this.timer); this.timer = 0; this.label(); }
  label() { this.find(".play").textContent = this.timer ? "❚❚ Pause" : "▶ Play"; }

  key(event) {
    const tag = event.target.tagName, moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (tag === "SELECT" || (event.key === " " && tag === "BUTTON")) return;
    if (event.key === " ") this.toggle(); else if (event.key in moves) this.step(moves[event.key]); else return;
    event.preventDefault();
  }

  end() { this.pause(); clearTimeout(this.waiting); this.sizes.disconnect(); }
}
