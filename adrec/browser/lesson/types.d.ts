/* The lesson: what a chapter's module exports, and what the shell lends it. */

import type { Engine } from "../engine/types";
import type { Texts } from "./texts";

export type Values = Record<string, string | number>;

/** The state of the living picture at one step. Boxes are named in picture.js. */
export interface PictureScene {
  /** the boxes of this chapter; the others are dimmed */
  lit: string[];
  mode: "training" | "use";
  /** the boxes that a stage freezes */
  locks?: string[];
  /** whether the picture is as large as the stage (the stage then holds its controls, below it) */
  grown?: boolean;
  /** whether the strip shows a history, the reader and the list alone, before the noise is explained */
  plain?: boolean;
  /** which line stands under the strip, a key of the texts' "shell.strip"; absent: the mode's */
  strip?: string;
  [more: string]: any;
}

export interface Picture {
  scene(scene: PictureScene): void;
  values(values: Record<string, any>): void;
  /** where the lit box is on screen, so that thin lines can lead from it to the stage; null for no lines */
  anchor(): DOMRect | null;
  stop(): void;
}

/** Which option is right, computed from the content; ``values`` fill the placeholders of the question, the options and the answers. */
export interface Right {
  right: number;
  /** what the options are called, where they are things on the stage */
  names?: string[];
  values?: Values;
}

/** The chapter's one number. ``value`` and the other fields fill the placeholders of the text "N.number". */
export interface Evidence {
  value: string | number;
  /** key of another text than "N.number" */
  words?: string;
  uncertainty?: string | number;
  /** figures side by side, above the sentence */
  table?: (texts: Texts) => HTMLElement;
  seeds?: number;
  source?: string;
  [more: string]: any;
}

export interface Mounted {
  /** Show a step: idempotent; animates from what is shown (not at the first call, nor with reducedMotion). */
  show(step: number): void;
  stop(): void;
}

/**
 * One chapter. Its words are the texts "N.short", "N.title", "N.sentence" and, until the question is answered, "N.before", "N.headings" (a bold line for each step,
 * the first empty), "N.guess.question" / ".options" / ".answers" (one sentence an
 * option), "N.number", "N.door", "N.lit" (what the small picture lights, a caption for each
 * step), "N.alt" (the stage in a sentence, for screen readers), "N.notes" and "N.seconds" (a line for the speaker
 * and the planned time for each step), all in assets/texts/lesson.json.
 */
export interface Chapter {
  id: number;
  /** 0: the question before anything moves, 1: the answer, then what there is to do and the evidence */
  steps: number;
  /** null: no picture, the stage needs its room */
  scene(step: number): PictureScene | null;
  /** absent: no guess. null: the content has nothing to judge it by. */
  guess?: (content: Content) => Right | null;
  /** the step from which the number is shown (default 1); null: nothing to show */
  number?: (content: Content, state?: State) => Evidence | null;
  numberFrom?: number;
  door?: (lesson: Lesson) => Door | null;
  /** the stage answers the question, and asks it again if it was skipped: beside the chapter it stands only before that */
  asksAgain?: boolean;
  /** A chapter whose content is missing returns null: the stage then stays empty beside the sentence. */
  mount(stage: HTMLElement, lesson: Lesson): Mounted | null;
}

/** A page of the laboratory in a state: ``page`` is a file of pages/, ``parameters`` are those of app/state.py. */
export interface Door {
  page: string;
  parameters: Values;
}

/** content[N] is chapter N's head and arrays; content.people, content.films and content.runs (a run's name by its part) are shared. Films go by the lesson's ids everywhere: ``films.known`` of them are those of the model "people", and ``films.of`` names the models that know ``films.others``. */
export type Content = Record<string, any>;

export interface Guess {
  /** the chosen option, or null if the visitor skipped the question */
  chosen: number | null;
  right: number;
}

/** Somebody with a history: an example, named by its key in the texts "people", or the one real person ("real"), who has a number. */
export interface Person {
  key: string;
  history: number[];
  next: number;
  number?: string;
  /** with how many well-known films an example person began */
  begun?: number;
}

export interface State {
  /** the films of the history, as rows of the catalogue, oldest first */
  history: number[];
  /** the real person who was asked for last */
  real: Person | null;
  film: number | null;
  seed: number;
  guesses: Record<number, Guess>;
  /** guesses that wait for their answer and can still be changed */
  held: Record<number, number>;
  /** chapter 4: the model whose noise is weighed, a key of its shares */
  weighed?: string;
  /** chapter 5: which of its three tables was pressed; null: the visitor asked to be told */
  tablePressed?: number | null;
  [more: string]: any;
}

/** What a chapter may use. */
export interface Lesson {
  content: Content;
  /** A text, its {placeholders} filled; lists are reached by number: text("5.notes.2"). */
  text(key: string, values?: Values): string;
  /** The same as nodes: *emphasis*, **strong**, [words](c) in the colour of a quantity, [word](?term) explained from the glossary. */
  rich(key: string, values?: Values): DocumentFragment;
  /** All the texts below a key, such as the options of a guess. */
  texts(key: string): string[];
  /** A model running in a worker, by its name in the setup's models; it takes and gives the lesson's ids. Its weights are fetched once. */
  engine(model: string): Promise<Engine>;
  /** Kept for the visit. Change it with set(). */
  state: State;
  set(changes: Partial<State>): void;
  /** Hear of changes to a field of the state, or of "theme"; returns what ends it. */
  on(name: string, heard: (value: any) => void): () => void;
  picture: Picture;
  /** Choose an option of the guess, for options that are things on the stage. */
  answer(option: number): void;
  door(page: string, parameters: Values): void;
  /** A real person by number, or one drawn at random; null if nobody has the number. Absent where there are none. */
  real?: (number: string | null) => Promise<Person | null>;
  /** Tick the chapter, as an answered guess does: the visitor has done what there is to do. */
  done(): void;
  reducedMotion: boolean;
}

/** Others who are in the lesson at the same time: a class that follows, or its presenter. The shell tells what happens here; how it gets there is no affair of its. */
export interface Company {
  /** whether a question is asked anew whenever its step is opened */
  asksAnew: boolean;
  /** A place was opened, or what is shown there has changed. */
  moved(): void;
  /** The chapter's question stands in ``host``; ``made`` is the guess, once there is one. */
  asked(host: HTMLElement, chapter: number, found: Right, made: Guess | undefined): void;
  /** Whether a guess at the chapter's question waits, because its answer is not shown yet. */
  holds(chapter: number): boolean;
}

/** What Python sends before the content (adrec/lesson/setup.py). */
export interface Setup {
  digest: number;
  texts: Record<string, any>;
  /** colours by quantity, as in adrec/explain */
  colors: Record<string, string>;
  /** "app": doors go through Python. "file": they are links below ``base``, or a sentence without one. "site": they are links to its ``pages``. "class": as a file's, and nothing outlives the visit. */
  mode: "app" | "file" | "site" | "class";
  pages: Record<string, string>;
  base: string | null;
  /** the address of real people's histories; null where there are none */
  persons: string | null;
  /** the packed script of the engine's worker */
  worker: string;
  models: Record<string, ModelSource>;
}

/** Where a model's weights are: fetched from ``url``, or in the page, as base64 in the element called ``element``. */
export interface ModelSource {
  run: any;
  url?: string;
  element?: string;
}
