/* Chapter 7, from noise to ten films: the reverse process as a film, models trained at other lambdas, and twenty noises. */

import { element } from "../dom.js";
import { best, decidedAt, rankOf, swaps } from "../engine/ranking.js";
import { clamp } from "../scales.js";
import { ownHistory } from "./catalogue.js";
import { choices } from "./choices.js";
import { beyondChance } from "./figures.js";
import { flowOf, historyOf, nameOf, peopleOf, personOf, targetOf } from "./flow.js";
import { fitted } from "./frame.js";
import { rankBar } from "./ranks.js";

/** @import { Chapter, Evidence, Lesson } from "./types" */
/** @import { Answer, Engine } from "../engine/types" */
/** @import { Flow } from "./flow" */
/** @import { Texts } from "./texts" */

const TEMPO_OF_STEPS = 300; // milliseconds
const TEN_LISTED = 10;
const RIVALS_SHOWN = 5;
const EARLY = 8;
const LATE = 24; // of 32 steps

/** How often each film is first, the most frequent before. @param {number[]} firsts */
export function countedFirsts(firsts) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const film of firsts) counts.set(film, (counts.get(film) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** @type {Chapter} */
export const chapter7 = {
  id: 7,
  steps: 4,
  scene: () => ({ lit: [], mode: "use", model: null, grown: true }),
  guess(content) {
    const loud = content[7]?.models?.["lambda-1"];
    if (!loud?.decided) return null;
    return { right: loud.decided < EARLY ? 0 : loud.decided < LATE ? 1 : 2, values: { decided: loud.decided, steps: loud.timesteps, people: loud.users } };
  },
  number(content) {
    const { models = {}, lambdas = {}, source } = content[7] ?? {}, paper = models.healthy, loud = models["lambda-1"];
    if (!paper?.by_steps || !loud?.decided) return null;
    const one = paper.by_steps[0], trained = lambdas[String(paper.weight)];
    /** @type {Evidence} */
    const evidence = { value: one.right, uncertainty: one.error, seeds: 1, source };
    if (!trained) return evidence;
    const first = trained.steps["1"]["hr@10"], weights = [loud.weight, paper.weight, 0].filter((weight) => lambdas[weight]);
    const differs = weights.some((weight) => weight !== paper.weight && beyondChance(lambdas[weight]["hr@10"]["less 0.001"]));
    return { ...evidence, value: first.value.toFixed(1), uncertainty: first.error.toFixed(1), seeds: first.seeds, words: differs ? "7.numberDiffers" : "7.number", table: (texts) => weightsTable(texts, lambdas, weights) };
  },
  numberFrom: 2,
  door: (lesson) => ({ page: "denoising", parameters: { run: lesson.content.runs["lambda-1"], compare: "run", against: lesson.content.runs.healthy, view: "own", history: ownHistory(lesson.content, "healthy", historyOf(lesson)).join("-"), seed: lesson.state.seed } }),
  mount(stage, lesson) {
    /** @type {[string, any][]} noisiest first */
    const models = Object.entries(lesson.content[7]?.models ?? {});
    return models.length ? new NoisePlayer(stage, lesson, models) : null;
  },
};

/** By lambda: the step of the last change, and the people right. @param {Texts} texts @param {Record<string, any>} lambdas @param {number[]} weights */
function weightsTable(texts, lambdas, weights) {
  const table = element("table", "weights7"), head = element("tr");
  head.append(...["weight", "decided", "right"].map((name) => element("th", "", texts.text(`7.table.${name}`), { scope: "col" })));
  table.append(head, ...weights.map((weight) => {
    const { "commit step": step, "hr@10": right } = lambdas[weight], row = element("tr");
    const cells = [texts.text("7.table.step", { step: step.value.toFixed(1) }), texts.text("parts.plusMinus", { value: right.value.toFixed(1), error: right.error.toFixed(1) })];
    row.append(element("th", "", String(weight), { scope: "row" }), ...cells.map((cell) => element("td", "", cell)));
    return row;
  }));
  return table;
}

class NoisePlayer {
  /** @param {HTMLElement} stage @param {Lesson} lesson @param {[string, any][]} models */
  constructor(stage, lesson, models) {
    this.lesson = lesson;
    this.models = new Map(models);
    this.model = models[0][0];
    this.step = this.timer = this.part = 0;
    this.playing = false;
    this.moved = ""; // whose films were shown before the last part went on to another person
    /** @type {Answer | null} */
    this.answer = null;
    /** @type {{ top: number[], scores: Float32Array, x: Float32Array, x0: Float32Array | undefined }[]} the noise, and what each step made of it */
    this.frames = [];
    /** @type {Partial<Flow>} */
    this.common = {};
    this.asked = new AbortController();
    const box = element("div", "noiseplayer"), text = (/** @type {string} */ key) => lesson.text(`7.player.${key}`);
    this.button = element("button", "play", text("play"), { type: "button" });
    this.button.onclick = () => this.toggle();
    this.range = element("input", "", "", { type: "range", min: "0", max: "32", step: "1", value: "0", "aria-label": text("step") });
    this.range.oninput = () => { this.pause(); this.go(Number(this.range.value)); };
    this.at = element("output");
    this.chooser = choices(box, text("weight"), models.map(([name, { weight }]) => [name, String(weight)]), (name) => this.load(name));
    this.other = element("button", "plain", text("other"), { type: "button" });
    this.other.onclick = () => lesson.set({ seed: lesson.state.seed + 1 });
    const clock = element("div", "clock"), below = element("div", "below");
    clock.append(this.button, this.range, this.at);
    this.words = element("p", "says", "", { "aria-live": "polite" });
    const people = peopleOf(lesson);
    this.people = element("select", "", "", { "aria-label": text("person") });
    this.people.append(element("option", "", text("own"), { value: "" }), ...people.map((person) => element("option", "", nameOf(lesson, person), { value: person.key })));
    this.people.onchange = () => {
      const person = people.find(({ key }) => key === this.people.value);
      if (person) lesson.set({ history: person.history });
    };
    this.chart = element("div", "chart");
    this.side = element("div", "noises");
    below.append(this.words, this.chart, this.side);
    box.append(this.people, this.other);
    box.prepend(clock);
    box.append(below);
    stage.append(box);
    this.bar = rankBar(this.chart, lesson.content[7].films);
    this.chooser.show(this.model);
    this.ends = [lesson.on("history", () => { this.moved = ""; this.people.value = personOf(lesson)?.key ?? ""; this.load(this.model); }), lesson.on("seed", () => this.load(this.model))];
  }

  /** The model's answer under this noise, step by step. @param {string} name @param {boolean} plays afterwards */
  async load(name, plays = this.part > 0) {
    const { lesson } = this, films = historyOf(lesson);
    this.asked.abort();
    const { signal } = (this.asked = new AbortController());
    this.model = name;
    this.chooser.show(name);
    this.pause();
    this.words.textContent = lesson.text("7.player.loading");
    try {
      /** @type {Engine} */
      const engine = await lesson.engine(name);
      const encoded = await engine.encode(films, signal), answer = await engine.answer(films, { seed: lesson.state.seed, k: TEN_LISTED }, signal);
      const noise = await engine.scores(answer.steps[0].x_t, signal);
      if (signal.aborted) return;
      const weight = engine.settings.noise_weight ?? 0;
      this.engine = engine;
      this.answer = answer;
      this.frames = [{ scores: noise, top: best(noise, TEN_LISTED).top, x: answer.steps[0].x_t, x0: undefined },
        ...answer.steps.map(({ scores, top, x_t, x0_hat }) => ({ scores: scores ?? noise, top: top ?? [], x: x_t, x0: x0_hat }))];
      this.common = { ...flowOf(encoded, answer, weight), films: encoded.history, model: name, engine, table: engine.table, target: targetOf(lesson), answer: answer.top[0] };
      const lists = this.frames.slice(1).map(({ top }) => top);
      this.decided = decidedAt(lists);
      this.swaps = swaps(lists, this.frames.slice(1).map(({ scores }) => scores));
      this.range.max = String(answer.steps.length);
      this.go(this.part === 3 ? answer.steps.length : plays || this.part === 0 ? 0 : Math.min(this.step, answer.steps.length));
      if (this.part === 3) this.sweep();
      else if (plays) this.play();
    } catch (error) {
      if (signal.aborted) return;
      console.warn(error);
      this.words.textContent = lesson.text(`7.player.${error instanceof RangeError ? "unknown" : "missing"}`);
    }
  }

  /** @param {number} step */
  go(step) {
    const { frames, answer, lesson } = this;
    if (!answer) return;
    const last = frames.length - 1;
    this.step = clamp(step, 0, last);
    const { top, scores, x, x0 } = frames[this.step], t = answer.steps[Math.min(this.step, last - 1)].t, left = lesson.content[4]?.noise;
    this.range.value = String(this.step);
    const said = this.step ? lesson.text("picture.step", { step: this.step, steps: last }) : lesson.text("7.player.noise");
    this.at.textContent = said;
    this.range.setAttribute("aria-valuetext", said);
    lesson.picture.values({ ...this.common, top, scores, x, x0, step: { at: this.step, of: last, t: this.step === last ? 0 : t, noise: this.step === last ? 0 : left?.[t] ?? t / last } });
    this.ranks(scores);
    this.say();
    this.label();
  }

  /** The final answer among those ahead of it now. @param {Float32Array} scores */
  ranks(scores) {
    const { answer, lesson } = this, target = targetOf(lesson), final = answer?.top[0] ?? 0;
    const shown = new Set([final, ...(target ? [target] : []), ...best(scores, RIVALS_SHOWN - (target ? 1 : 0)).top]);
    const films = [...shown].map((id) => {
      /** @type {"answer" | "target" | ""} */
      const kind = id === final ? "answer" : id === target ? "target" : "";
      return { id, name: lesson.content.films.titles[id], rank: rankOf(scores, id, 1), kind };
    });
    this.bar.show(films, lesson.text("7.player.ranks", { film: lesson.content.films.titles[final], rank: rankOf(scores, final, 1) }));
  }

  /** What there is to see at this part, in a sentence. */
  say() {
    if (this.part === 3) return;
    this.words.replaceChildren(...(this.playing ? [this.lesson.rich("7.says.playing")] : this.sentences()));
    fitted(this.words);
  }

  /** @returns {(Node | string)[]} */
  sentences() {
    const { lesson, part, answer, decided = 1, frames, swaps: tied = [] } = this, about = this.models.get(this.model), { titles } = lesson.content.films, film = titles[answer?.top[0] ?? 0];
    const stay = frames.length ? frames[1].top.filter((id) => frames.slice(1).every(({ top }) => top.includes(id))).length : 0;
    const how = part !== 2 ? part : decided === 1 ? "2" : tied.length ? "2 but for near ties" : "2 to the end";
    /** @type {(Node | string)[]} */
    const says = [lesson.rich(`7.says.${how}`, { decided, steps: frames.length - 1, weight: about?.weight ?? "", film, stay, films: tied.map((id) => titles[id]).join(", ") })];
    const left = historyOf(lesson).length - (this.common.films ?? []).length;
    if (left) says.push(" ", lesson.rich("7.player.left", { count: left }));
    return part === 2 && this.model === "healthy" ? [lesson.rich("7.says.switch"), " ", ...says] : says;
  }

  /** The first film under twenty noises, one after another. */
  async sweep() {
    const { lesson, engine, asked: { signal } } = this, noises = lesson.content[7].noises ?? 20, films = historyOf(lesson), { titles } = lesson.content.films;
    /** @type {number[]} */
    const firsts = [];
    for (let seed = 0; seed < noises && engine; seed++) {
      let answer;
      try {
        answer = await engine.answer(films, { seed, k: 1, scored: "last" }, signal);
      } catch (error) {
        if (!signal.aborted) console.warn(error);
        return;
      }
      if (signal.aborted || this.part !== 3) return;
      firsts.push(answer.top[0]);
      const found = countedFirsts(firsts), most = found[0][1];
      this.side.replaceChildren(...found.slice(0, RIVALS_SHOWN).map(([film, count]) => {
        const row = element("div", "row"), bar = element("i", "bar");
        bar.style.width = `${(100 * count) / most}%`;
        const track = element("span", "track");
        track.append(bar);
        row.append(element("span", "name", titles[film], { title: titles[film] }), track, element("b", "", String(count)));
        return row;
      }), element("p", "more", found.length > RIVALS_SHOWN ? lesson.text("7.player.more", { count: found.length - RIVALS_SHOWN }) : ""));
      const values = { done: seed + 1, noises, most, other: noises - most, weight: this.models.get(this.model)?.weight ?? "", person: this.people.selectedOptions[0].text, before: this.moved };
      this.words.replaceChildren(...(this.moved ? [lesson.rich("7.says.moved", values), " "] : []), lesson.rich(seed + 1 < noises ? "7.says.counting" : "7.says.3", values));
      fitted(this.words);
    }
    const { lambdas = {}, models: { healthy } } = lesson.content[7], loud = lambdas["1"], paper = lambdas[String(healthy?.weight)], EVER = "people whose first film ever differs";
    if (!loud || !paper) return;
    this.words.append(" ", lesson.rich("7.says.promise", { loud: loud[EVER].value.toFixed(1), paper: paper[EVER].value.toFixed(1), weight: healthy.weight }));
    fitted(this.words);
  }

  toggle() {
    if (this.playing) { this.pause(); this.say(); return; }
    if (this.step >= this.frames.length - 1) this.go(0);
    this.play();
  }

  play() {
    if (this.lesson.reducedMotion) { this.go(this.frames.length - 1); return; }
    this.playing = true;
    clearInterval(this.timer);
    this.timer = window.setInterval(() => {
      if (this.step + 1 >= this.frames.length - 1) this.pause();
      this.go(this.step + 1);
    }, TEMPO_OF_STEPS);
    this.say();
    this.label();
  }

  pause() {
    clearInterval(this.timer);
    this.playing = false;
    this.label();
  }

  label() {
    const ended = this.step > 0 && this.step >= this.frames.length - 1;
    this.button.textContent = this.lesson.text(`7.player.${this.playing ? "pause" : ended ? "again" : "play"}`);
  }

  /** @param {number} step */
  show(step) {
    const first = this.frames.length === 0, changed = step !== this.part, name = step === 2 && this.models.has("healthy") ? "healthy" : this.models.keys().next().value ?? this.model;
    this.part = step;
    if (step !== 3) this.moved = "";
    for (const control of [this.button, this.range]) control.disabled = step === 0;
    this.chooser.root.hidden = step < 2;
    this.other.hidden = step === 0 || step === 3;
    this.side.hidden = this.people.hidden = step !== 3;
    this.people.value = personOf(this.lesson)?.key ?? "";
    this.chart.hidden = step === 3;
    if (step === 3 && changed && this.changeable()) return;
    if (first || changed) this.load(name, step > 0);
  }

  /** Go on to the person whose first film other noises change most, if they don't change that of the one shown; false if they do. */
  changeable() {
    const { lesson } = this, { differs = {} } = lesson.content[7], shown = personOf(lesson)?.key, [most] = Object.keys(differs).sort((a, b) => differs[b] - differs[a]);
    const person = (lesson.content.people ?? []).find((/** @type {any} */ { key }) => key === most);
    if (!shown || differs[shown] !== 0 || !person || !differs[most]) return false; // of a real person nothing is known before
    this.model = this.models.keys().next().value ?? this.model;
    const before = this.people.selectedOptions[0].text;
    lesson.set({ history: person.history });
    this.moved = before;
    return true;
  }

  stop() {
    this.pause();
    this.asked.abort();
    this.ends.forEach((end) => end());
  }
}
