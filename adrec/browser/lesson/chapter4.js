/* Chapter 4, the model in one picture: in use and in training, four ways to noise the next films, and how thick the noise's line is. */

import { element } from "../dom.js";
import { decimal } from "../format.js";
import { ownHistory } from "./catalogue.js";
import { choices } from "./choices.js";
import { trainings } from "./figures.js";
import { historyOf } from "./flow.js";
import { paragraph } from "./texts.js";

/** @import { Chapter, Content, Evidence, Lesson, PictureScene, Values } from "./types" */

const WAYS_TO_NOISE = ["token", "sequence", "last", "added"];
const WAY_SHOWN = 3000; // milliseconds of each way to noise, until the visitor chooses one
const SHOWN_MODEL = "people"; // with the paper's lambda
const WEIGHED = "healthy"; // the same, on the data on which others were trained
const COPIES = 1; // percent: with less noise than this in the denoiser's input, next to nothing of the film arrives

/** What the picture shows at a step, until the visitor chooses otherwise. @param {number} step @returns {PictureScene} */
function sceneOf(step) {
  /** @type {PictureScene} */
  const scene = { lit: [], mode: step === 1 || step === 2 ? "training" : "use", noise: "token", model: step === 3 ? WEIGHED : SHOWN_MODEL, grown: step < 4, unweighted: step === 0 };
  if (step === 2) scene.lit = ["next", "noise"];
  if (step === 3) scene.lit = ["next", "noise", "condition", "denoiser", "x0", "scores", "list"];
  return scene;
}

/** The models that differ in lambda alone, and the shares measured for them. @param {Content} content @returns {[string, { weight: number, share: number }][]} */
function sharesOf(content) {
  return Object.entries(content[4]?.shares ?? {}).filter(([name]) => name !== SHOWN_MODEL);
}

/** @type {Chapter} */
export const chapter4 = {
  id: 4,
  steps: 5,
  scene: sceneOf,
  guess(content) {
    const paper = content[4]?.shares?.[SHOWN_MODEL];
    return paper ? { right: paper.share < COPIES ? 2 : 1, values: { share: paper.share, weight: paper.weight } } : null;
  },
  number(content, state) {
    const { shares, noises, people } = content[4] ?? {}, found = shares?.[state?.weighed ?? SHOWN_MODEL];
    if (!found) return null;
    /** @type {Evidence} */
    const evidence = { value: found.share, weight: found.weight, seeds: 1, noises, people, source: found.data };
    return evidence;
  },
  door: (lesson) => ({ page: "denoising", parameters: { run: lesson.content.runs.people, view: "own", history: ownHistory(lesson.content, SHOWN_MODEL, historyOf(lesson)).join("-"), seed: lesson.state.seed } }),
  mount(stage, lesson) {
    const box = element("div", "modelcontrols");
    stage.append(box);
    const one = oneLevel(lesson);
    let scene = sceneOf(0), timer = 0;
    const set = (/** @type {Partial<PictureScene>} */ changes) => {
      scene = { ...scene, ...changes };
      lesson.picture.scene(scene);
      fill();
    };
    const modes = choices(box, lesson.text("4.mode.label"), [["use", lesson.text("4.mode.use")], ["training", lesson.text("4.mode.training")]], (mode) => { clearTimeout(timer); set({ mode: mode === "training" ? "training" : "use" }); });
    const ways = choices(box, lesson.text("4.noise.label"), WAYS_TO_NOISE.map((way) => [way, lesson.text(`4.noise.${way}.name`)]), (noise) => { clearTimeout(timer); set({ noise }); });
    const weights = choices(box, lesson.text("4.weight.label"), sharesOf(lesson.content).map(([name, { weight }]) => [name, String(weight)]), (model) => { set({ model }); lesson.set({ weighed: model }); });
    const words = element("p", "says", "", { "aria-live": "polite" }), kin = modelCards(stage, lesson);
    box.append(words);

    function fill() {
      const thin = at === 3, training = scene.mode === "training";
      modes.root.hidden = thin;
      ways.root.hidden = thin || !training || at < 1;
      weights.root.hidden = !thin;
      modes.show(scene.mode);
      ways.show(scene.noise);
      weights.show(scene.model);
      const share = lesson.content[4]?.shares?.[scene.model];
      words.replaceChildren(thin && share ? weighted(lesson, share)
        : training ? lesson.rich(`4.noise.${scene.noise}.says`, one) : lesson.rich("4.mode.says"));
      if (thin && share && scene.model !== WEIGHED) words.append(" ", lesson.rich("4.weight.other", { weight: share.weight }));
      if (!thin && training && scene.noise !== WAYS_TO_NOISE[0]) words.append(" ", lesson.rich("4.noise.stays"));
    }

    /** One way after another, and back to the first. @param {number} way */
    function play(way) {
      timer = window.setTimeout(() => {
        set({ noise: WAYS_TO_NOISE[way % WAYS_TO_NOISE.length] });
        if (way < WAYS_TO_NOISE.length) play(way + 1);
      }, WAY_SHOWN);
    }

    let at = 0;
    return {
      show(step) {
        at = step;
        box.hidden = step === 4;
        kin.hidden = step !== 4;
        scene = sceneOf(step);
        if (lesson.state.weighed || step === 3) lesson.set({ weighed: step === 3 ? WEIGHED : SHOWN_MODEL });
        fill();
        clearTimeout(timer);
        if (step === 2 && !lesson.reducedMotion) play(1);
      },
      stop: () => clearTimeout(timer),
    };
  },
};

/** How much of the noised film arrives, and how its line is drawn. @param {Lesson} lesson @param {{ weight: number, share: number }} arrives */
function weighted(lesson, { weight, share }) {
  const words = lesson.rich("4.weight.says", { weight, share });
  words.append(" ", lesson.rich(`4.weight.drawn.${weight >= 1 ? "full" : share < COPIES ? "dashed" : "part"}`));
  return words;
}

/** Of how many people more one noise level for a whole row is right, in words. @param {Lesson} lesson @returns {Values} */
function oneLevel(lesson) {
  const { one_level: more, shares } = lesson.content[4] ?? {};
  if (!more) return {};
  return { value: decimal(more.value, 1), error: decimal(more.error, 1), trainings: trainings(lesson, more.seeds), weight: shares[WEIGHED].weight };
}

/** Three models one after another: what each solves, what goes wrong, and how often it is right. @param {HTMLElement} parent @param {Lesson} lesson */
function modelCards(parent, lesson) {
  const box = element("div", "kin4"), paper = element("p", "source");
  for (const [name, found] of Object.entries(lesson.content[4]?.kin ?? {})) {
    const card = element("section");
    card.append(element("h3", "", lesson.text(`4.kin.${name}.name`)), element("p", "label", lesson.text(`4.kin.${name}.is`)));
    card.append(...["solves", "wrong"].map((part) => paragraph(lesson, `4.kin.${name}.${part}`)));
    card.append(paragraph(lesson, "4.right", { right: found.right.toFixed(1), error: found.error.toFixed(1) }));
    box.append(card);
  }
  const { kin } = lesson.content[4] ?? {}, barely = lesson.content[5]?.tables?.find((/** @type {any} */ { key }) => key === "noise");
  if (kin && barely) box.append(paragraph(lesson, "4.lead", { dreamrec: kin.dreamrec.right.toFixed(1), steps: barely.steps }, "lead"));
  paper.append(lesson.text("4.trainings"), " ", lesson.rich("4.paper"));
  box.append(paper);
  parent.append(box);
  return box;
}
