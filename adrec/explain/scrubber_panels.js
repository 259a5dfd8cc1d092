/* The list of bars and the line charts. Everything is drawn from the scene; nothing is asked of the server. */

const ROW = 27, GAP = 12;
const SVG = "http://www.w3.org/2000/svg";
const number = (value) => Math.round(value).toLocaleString("en");
const percent = (p) => (p === 0 ? "0" : p >= 0.1 ? (100 * p).toFixed(0) : p >= 0.001 ? (100 * p).toFixed(1) : p >= 0.0001 ? (100 * p).toFixed(2) : "<0.01") + " %";

function svg(parent, tag, attributes = {}, text = null) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  parent.appendChild(element);
  return element;
}

function glyph(parent, kind, size = 6) {
  /* The marks of the visual language: a star for the target, a diamond for the answer, a ring for history. */
  const star = [...Array(10)].map((_, i) => {
    const r = i % 2 ? size * 0.5 : size * 1.25, a = (Math.PI * i) / 5 - Math.PI / 2;
    return `${(r * Math.cos(a)).toFixed(2)},${(r * Math.sin(a)).toFixed(2)}`;
  }).join(" ");
  const diamond = `0,${-size} ${size},0 0,${size} ${-size},0`;
  const group = svg(parent, "g", { class: `glyph ${kind}` });
  if (kind === "popular") svg(group, "rect", { x: -size * 0.7, y: -size * 0.7, width: size * 1.4, height: size * 1.4 });
  else if (kind === "target" || kind === "answer") svg(group, "polygon", { points: kind === "target" ? star : diamond });
  else svg(group, "circle", { r: size * 0.8 });
  return group;
}

/* -- the top 10 ---------------------------------------------------------------------------------------------- */

function topList(box, scene, all) {
  /* all: the scenes that share the scale of the bars. */
  const { k, top, probability, target } = scene;
  const largest = Math.max(...all.flatMap((s) => [...s.probability, ...(s.target_probability ?? [])]));
  const rows = new Map();
  box.replaceChildren();
  box.style.height = `${(k + (target ? 1 : 0)) * ROW + (target ? GAP : 0)}px`;
  const rule = document.createElement("hr");
  if (target) {
    rule.style.top = `${k * ROW + GAP / 2}px`;
    box.appendChild(rule);
  }

  function row(item) {
    if (!rows.has(item)) {
      const element = document.createElement("div");
      element.className = item === target ? "row is-target" : "row";
      element.innerHTML = '<i class="fill"></i><span class="place"></span><span class="title"></span><span class="shared"></span><span class="move"></span><span class="value"></span>';
      element.querySelector(".title").textContent = (item === target ? "★ " : "") + (scene.history.includes(item) ? "↺ " : "") + scene.title(item);
      element.title = scene.title(item) + (scene.history.includes(item) ? ", already in the history" : "");
      box.appendChild(element);
      rows.set(item, element);
    }
    return rows.get(item);
  }
  for (const item of top) row(item).style.transform = `translateY(${(k - 1) * ROW}px)`;

  function show(item, slot, place, p, before, first) {
    const element = row(item);
    element.classList.add("shown");
    element.classList.toggle("is-answer", slot === 0);
    element.style.transform = `translateY(${slot < k ? slot * ROW : k * ROW + GAP}px)`;
    element.querySelector(".place").textContent = number(place);
    element.querySelector(".value").textContent = percent(p);
    element.querySelector(".fill").style.width = `calc((100% - var(--room, 96px)) * ${p / largest})`;
    const moved = first ? 0 : before < 0 ? NaN : before - slot;
    element.querySelector(".move").textContent = slot >= k || moved === 0 ? "" : Number.isNaN(moved) ? "new" : moved > 0 ? `▲${moved}` : `▼${-moved}`;
  }

  return {
    largest,
    move(step, both) {
      const now = scene.list(step), before = step ? scene.list(step - 1) : [];
      rows.forEach((element, item) => { if (!now.includes(item) && item !== target) element.classList.remove("shown", "is-answer"); });
      now.forEach((item, slot) => show(item, slot, slot + 1, probability[step * k + slot], before.indexOf(item), step <= 1));
      rows.forEach((element, item) => { element.querySelector(".shared").textContent = both.includes(item) ? "=" : ""; });
      rule.style.opacity = now.includes(target) ? 0 : 1;
      if (target && !now.includes(target)) show(target, k, scene.rank[step], scene.target_probability[step], -1, true);
    },
  };
}

function changes(scene, step) {
  /* What happened to the list in this step, in words. */
  if (step === 0) return "Pure noise, ranked as if it were an answer already.";
  const now = scene.list(step), before = scene.list(step - 1);
  const entered = now.filter((i) => !before.includes(i)), left = before.filter((i) => !now.includes(i));
  if (entered.length === scene.k) return `All ${scene.k} are new.`;
  if (entered.length > 2) return `${entered.length} of ${scene.k} are new.`;
  if (entered.length) return `New: ${entered.map(scene.title).join(", ")}. Gone: ${left.map(scene.title).join(", ")}.`;
  return now.some((item, i) => item !== before[i]) ? "The same items in another order." : "The same list as one step before.";
}

/* -- a line chart over the steps ------------------------------------------------------------------------------ */

function chart(box, spec, clock) {
  /* spec: height, steps, low, high, log (the smallest on top), ticks, format, band, zero, decided,
     series [{values, from, kind}]. Returns {draw, move}; a drag calls clock.pick(step, done), a passing mouse clock.hover(step). */
  const pad = { left: 40, right: 16, top: 12, bottom: 34 };
  let hair, heads = [], x, y, current = 0;

  function scales(width, height) {
    const f = spec.log ? Math.log : (v) => v;
    const span = f(spec.high) - f(spec.low) || 1;
    x = (step) => pad.left + ((width - pad.left - pad.right) * step) / spec.steps;
    y = (value) => {
      const u = (f(value) - f(spec.low)) / span;
      return pad.top + (height - pad.top - pad.bottom) * (spec.log ? u : 1 - u);
    };
  }

  function draw() {
    const width = box.clientWidth, height = spec.height;
    if (!width) return;
    scales(width, height);
    box.replaceChildren();
    const root = svg(box, "svg", { width, height, role: "img", "aria-label": spec.label });
    if (spec.band) svg(root, "rect", { class: "band", x: pad.left, y: y(spec.low), width: width - pad.left - pad.right, height: y(spec.band) - y(spec.low) });
    if (spec.zero) svg(root, "line", { class: "zero", x1: pad.left, x2: width - pad.right, y1: y(0), y2: y(0) });
    for (const tick of spec.ticks) {
      svg(root, "line", { class: "grid", x1: pad.left, x2: width - pad.right, y1: y(tick), y2: y(tick) });
      svg(root, "text", { class: "tick", x: pad.left - 6, y: y(tick) + 4, "text-anchor": "end" }, spec.format(tick));
    }
    stepTicks(spec.steps, width).forEach((s) => svg(root, "text", { class: "tick", x: x(s), y: height - pad.bottom + 16, "text-anchor": "middle" }, s));
    svg(root, "text", { class: "tick", x: (width + pad.left - pad.right) / 2, y: height - 3, "text-anchor": "middle" }, spec.axis);
    if (spec.decided) decided(root, height);
    hair = svg(root, "line", { class: "hair", y1: pad.top - 6, y2: height - pad.bottom });
    heads = spec.series.map((series) => {
      const points = [...series.values].map((v, i) => `${x(i + series.from).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
      svg(root, "polyline", { class: `line ${series.kind}`, points });
      return [series, glyph(root, series.kind), svg(root, "text", { class: "head" })];
    });
    move(current);
  }

  function decided(root, height) {
    const at = x(spec.decided), right = spec.decided > spec.steps / 2;
    svg(root, "line", { class: "decided", x1: at, x2: at, y1: pad.top, y2: height - pad.bottom });
    svg(root, "text", { class: "tick", x: at + (right ? -5 : 5), y: height - pad.bottom - 6, "text-anchor": right ? "end" : "start" }, "decided");
  }

  function move(step) {
    current = step;
    if (!hair) return;
    hair.setAttribute("x1", x(step));
    hair.setAttribute("x2", x(step));
    const told = [];
    for (const [series, mark, text] of heads) {
      const value = series.values[step - series.from], hidden = value === undefined ? "none" : "";
      mark.style.display = text.style.display = hidden;
      if (hidden) continue;
      mark.setAttribute("transform", `translate(${x(step)},${y(value)})`);
      const right = step > spec.steps / 2;
      text.setAttribute("text-anchor", right ? "end" : "start");
      text.setAttribute("x", x(step) + (right ? -11 : 11));
      text.textContent = spec.format(value);
      told.push([Math.max(y(value), pad.top + 2) + 4, text]);
    }
    apart(told);
  }

  function at(event) {
    const left = box.getBoundingClientRect().left, inner = box.clientWidth - pad.left - pad.right;
    return Math.max(0, Math.min(spec.steps, Math.round(((event.clientX - left - pad.left) / inner) * spec.steps)));
  }
  box.onpointerdown = (event) => { box.setPointerCapture(event.pointerId); clock.pick(at(event), false); };
  box.onpointermove = (event) => {
    if (box.hasPointerCapture(event.pointerId)) clock.pick(at(event), false);
    else if (event.pointerType === "mouse") clock.hover(at(event));
  };
  box.onpointerup = (event) => clock.pick(at(event), true);
  box.onpointerleave = () => clock.leave();
  return { draw, move };
}

function apart(labels) {
  /* Labels [y, text] one below the other where they would cover each other; of equal ones at one place a single one stays. */
  labels.sort((a, b) => a[0] - b[0]);
  let last = -Infinity, before = "", from = -Infinity;
  for (const [y, text] of labels) {
    if (text.textContent === before && y - from < 1) { text.textContent = ""; continue; }
    [from, before] = [y, text.textContent];
    last = Math.max(y, last + 15);
    text.setAttribute("y", last);
  }
}

function stepTicks(steps, width) {
  const most = Math.max(2, Math.floor(width / 60)), nice = [1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100, 200, 250, 500].find((n) => steps / n <= most) || steps;
  const ticks = [];
  for (let s = 0; s <= steps; s += nice) ticks.push(s);
  return ticks;
}

/* -- the anatomy of a rank ------------------------------------------------------------------------------------ */

const MARKS = { target: "★", answer: "◆", history: "○", popular: "□" };

function anatomy(find, draw, scene, all) {
  /* Four charts below the picture: probability, margin, cosines, entropy. all: the scenes that share their axes. */
  const { target } = scene, own = target ? "target" : "answer", most = Math.log(scene.items + 1);
  const firsts = (s) => s.probability.filter((_, i) => i % s.k === 0);
  const chances = [{ values: firsts(scene), from: 0, kind: "answer" }];
  if (target) chances.push({ values: scene.target_probability, from: 0, kind: "target" });
  find(".chance .legend").textContent = target ? "★ the target, ◆ the first choice of each step" : "◆ the first choice of each step";
  const highest = Math.max(...all.flatMap((s) => [...firsts(s), ...(s.target_probability ?? [])]));
  find(".margin .legend").textContent = target ? "★ the target's score over the best other item's" : "◆ the first choice's score over the second's";
  const margins = all.flatMap((s) => [...s.margin]), [low, high] = [Math.min(0, ...margins), Math.max(0, ...margins)];
  const cosinesOf = (s) => ({ target: s.cosine_to_target, answer: s.cosine_to_final, history: s.cosine_to_history, popular: s.cosine_to_popular });
  const kinds = cosinesOf(scene);
  const names = { target: "target", answer: "final answer", history: "history's mean", popular: "most popular" };
  const there = Object.keys(kinds).filter((kind) => kinds[kind]);
  find(".cosine .legend").textContent = there.map((kind) => `${MARKS[kind]} ${names[kind]}`).join(", ");
  const cosines = there.map((kind) => ({ values: kinds[kind], from: 1, kind }));
  const least = Math.min(0, ...all.flatMap((s) => Object.values(cosinesOf(s)).flatMap((values) => [...(values ?? [])])));
  const span = high - low || 1;
  return [
    draw("chance", { label: "Probability over the steps", low: 0, high: highest, ticks: [0, highest / 2, highest], format: percent, series: chances }),
    draw("margin", { label: "Margin over the steps", low: low - 0.05 * span, high: high + 0.05 * span, zero: true, ticks: [low, 0, high].filter((v, i, all) => all.indexOf(v) === i), format: (v) => v.toFixed(Math.abs(v) < 10 ? 2 : 0), series: [{ values: scene.margin, from: 1, kind: own }] }),
    draw("cosine", { label: "Cosines over the steps", low: least, high: 1, ticks: [0, 0.5, 1], format: (v) => v.toFixed(v % 0.5 ? 2 : 1), series: cosines }),
    draw("entropy", { label: "Entropy over the steps", low: 0, high: most, ticks: [0, most / 2, most], format: (v) => v.toFixed(2), series: [{ values: scene.entropy, from: 1, kind: "answer" }] }),
  ];
}

function facts(scene, step) {
  /* The anatomy at one step, as a line of text. */
  if (step === 0) return "Nothing of the history has been used yet: the ranking is that of random numbers.";
  const i = step - 1, bold = (value) => `<b>${value}</b>`, safe = (item) => { const e = document.createElement("i"); e.textContent = scene.title(item); return e.innerHTML; };
  const margin = scene.margin[i], size = bold(Math.abs(margin).toFixed(2)), rival = `<i>${safe(scene.rival[i])}</i>`;
  const place = scene.target
    ? `The target's score is ${size} ${margin < 0 ? "below" : "above"} ${margin < 0 ? `the first item's, ${rival}` : `the next item's, ${rival}`}.`
    : `The first item's score is ${size} above the second's, ${rival}.`;
  const sure = `The probability is spread as widely as over ${bold(number(Math.exp(scene.entropy[i])))} equally likely items.`;
  const popular = scene.cosine_to_popular ? ` and ${bold(scene.cosine_to_popular[i].toFixed(2))} with the most popular item, <i>${safe(scene.popular)}</i>` : "";
  return `${place} ${sure} The estimate x̂₀ has a cosine of ${bold(scene.cosine_to_history[i].toFixed(2))} with the history's mean${popular} (1: the same direction).`;
}
