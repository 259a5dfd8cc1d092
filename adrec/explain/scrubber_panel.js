/* One scene's part of the picture: its list, charts, map and facts. With two scenes there are two, under one clock. */

function copies(box, count) {
  /* The parts of a box: its first child, as often as it takes. */
  while (box.children.length > count) box.lastElementChild.remove();
  while (box.children.length < count) box.appendChild(box.firstElementChild.cloneNode(true));
  return [...box.children];
}

function sameNumbers(one, other) {
  return one.length === other.length && one.every((value, i) => value === other[i]);
}

class Panel {
  constructor(parts, scene, all, view) {
    /* parts: the elements that are its own; all: the scenes whose axes it shares; view: whose clock it follows. */
    this.scene = scene;
    this.ratio = scene.steps / all[0].steps;
    this.paired = all.length > 1;
    this.letter = "AB"[all.indexOf(scene)];
    this.find = (selector) => parts.map((part) => (part.matches(selector) ? part : part.querySelector(selector))).find(Boolean);
    this.build(all, view);
  }

  at(step) {
    /* The step of this scene at a step of the clock. */
    return Math.round(step * this.ratio);
  }

  build(all, view) {
    const { scene, find } = this, { steps, decided, target } = scene, axis = "step (0: pure noise)";
    const clock = {
      pick: (step, done) => { view.pause(); view.held = !done; view.go(Math.round(step / this.ratio)); },
      hover: (step) => view.hover(Math.round(step / this.ratio)),
      leave: () => view.leave(),
    };
    this.label();
    const list = topList(find(".rows"), scene, all);
    const again = scene.top.some((item) => scene.history.includes(item));
    find(".scale").textContent = `probability; a full bar is ${percent(list.largest)}${again ? " · ↺ already in the history" : ""}`;
    const draw = (name, spec) => chart(find(`.${name} .chart`), { height: 190, steps, axis, ...spec }, clock);
    const ranks = [{ values: scene.answer_rank, from: 0, kind: "answer" }];
    if (target) ranks.push({ values: scene.rank, from: 0, kind: "target" });
    find(".rank .legend").textContent = `${target ? "★ the target, " : ""}◆ the final first choice · grey: top 10`;
    const ticks = [1, 10, 100, 1000, 10000, 100000].filter((t) => t <= scene.items);
    find(".method").textContent = `${scene.method} · ○ history, ◆ top 10${target ? ", ★ target" : ""} · ┄ xₜ, ─ x̂₀`;
    find(".map").title = scene.method_note;
    this.plots = [
      draw("rank", { label: scene.rank_label, height: this.paired ? 250 : 330, low: 1, high: scene.items + 1, log: true, ticks, format: number, band: 10, decided, series: ranks }),
      itemMap(find(".map"), scene, all.filter((other) => sameNumbers(other.layout, scene.layout)), clock),
      ...anatomy(find, draw, scene, all),
    ];
    this.moving = [list, ...this.plots];
  }

  label() {
    const name = this.find(".name"), panel = this.find(".panel");
    name.hidden = !this.paired;
    name.innerHTML = '<b></b> <span class="title"></span> <span class="note"></span>';
    name.firstChild.textContent = this.letter;
    name.querySelector(".title").textContent = name.title = this.scene.name ?? "";
    panel[this.paired ? "setAttribute" : "removeAttribute"]("role", "group");
    panel[this.paired ? "setAttribute" : "removeAttribute"]("aria-label", `${this.letter}: ${this.scene.name}`);
  }

  draw(width) {
    /* width: of the clock's track, in pixels. */
    this.plots.forEach((plot) => plot.draw());
    const mark = this.find("i.decided"), { decided, steps } = this.scene;
    mark.style.left = `${8 + ((width - 16) * decided) / steps}px`;
    mark.dataset.letter = this.paired ? this.letter : "";
    mark.classList.toggle("late", decided > steps / 2);
    mark.title = `${this.paired ? `${this.letter}: d` : "D"}ecided at step ${decided}`;
  }

  move(step, both) {
    /* both: the items that the other panel's list has too. */
    const own = this.at(step), said = changes(this.scene, own);
    this.moving.forEach((part) => part.move(own, both));
    this.find(".changes").textContent = this.find(".changes").title = said;
    this.find(".facts").innerHTML = (this.paired ? `<b>${this.letter}</b> · ` : "") + facts(this.scene, own);
    this.find(".name .note").textContent = this.ratio === 1 ? "" : own ? `step ${own} of ${this.scene.steps}` : "pure noise";
    this.both = both;
  }

  list(step) {
    /* The list for a screen reader. */
    const { scene } = this;
    this.find(".answer").replaceChildren(...scene.list(this.at(step)).map((item) => {
      const entry = document.createElement("li");
      entry.textContent = scene.title(item) + (item === scene.target ? " (the target)" : "") + (scene.history.includes(item) ? " (already in the history)" : "") + (this.both.includes(item) ? " (in both lists)" : "");
      return entry;
    }));
  }

  told(step) {
    const { scene } = this, own = this.at(step), who = this.paired ? `${this.letter}, ${scene.name}: ` : "";
    const rank = scene.target ? ` The target, ${scene.title(scene.target)}, has rank ${number(scene.rank[own])}.` : "";
    return `${who}${own ? `Step ${own} of ${scene.steps}.` : "Pure noise."} First: ${scene.title(scene.list(own)[0])}.${rank} ${changes(scene, own)}`;
  }
}
