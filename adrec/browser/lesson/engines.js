/* The lesson's models in one worker, each loaded once: the first as soon as the page is quiet, the others when a chapter asks. */

import { fromBase64 } from "../base64.js";
import { startEngine } from "../engine/client.js";
import { inCatalogue } from "./catalogue.js";

/** @import { Engine } from "../engine/types" */
/** @import { Content, ModelSource, Setup } from "./types" */

export class Engines {
  /** @param {Setup} setup @param {Content} content @param {(model: string) => void} failed called if a model's weights can't be had */
  constructor(setup, content, failed) {
    this.setup = setup;
    this.content = content;
    this.failed = failed;
    /** @type {ReturnType<typeof startEngine> | null} */
    this.worker = null;
    /** @type {Record<string, Promise<Engine>>} */
    this.loading = {};
  }

  /** A model. One that can't be had is said to be missing, and tried again when it is next asked for. @param {string} model */
  get(model) {
    return this.loading[model] ??= this.load(model).catch((error) => {
      delete this.loading[model];
      this.failed(model);
      throw error;
    });
  }

  /** @param {string} model */
  async load(model) {
    const source = this.setup.models[model], bytes = await weights(source);
    this.worker ??= startEngine(this.setup.worker);
    return inCatalogue(await this.worker.load(source.run, bytes), this.content, model);
  }

  stop() {
    this.worker?.stop();
  }
}

/** @param {ModelSource} source */
async function weights({ url, element }) {
  if (element) return fromBase64(document.getElementById(element)?.textContent ?? "");
  const answer = await fetch(url ?? "");
  if (!answer.ok) throw new Error(answer.statusText);
  return new Uint8Array(await answer.arrayBuffer());
}
