/* Models in a worker, or, where a page may not start one, in the page itself. */

/** @import { Description, Engine } from "./types.d.ts" */

/**
 * @typedef {object} Request
 * @property {{ model: number, method: string, given: any[] }} message
 * @property {AbortSignal | undefined} signal
 * @property {(value: any) => void} resolve
 * @property {(reason: any) => void} reject
 */

/** @typedef {{ postMessage: (message: any) => void, terminate: () => void }} Port */

/**
 * Start a worker, which runs the models that ``load`` gives it, one request after the other.
 * @param {string} source the packed script of worker.js
 */
export function startEngine(source) {
  /** @type {Request[]} */
  const waiting = [];
  /** @type {Request | null} */
  let current = null;
  let id = 0, port = opened(source, received, () => {
    port = inPage(source, received);
    if (current) port.postMessage({ id, ...current.message });
  });

  function next() {
    while (!current && waiting.length) {
      const request = /** @type {Request} */ (waiting.shift());
      if (request.signal?.aborted) request.reject(request.signal.reason);
      else port.postMessage({ id: ++id, ...(current = request).message });
    }
  }

  /** @param {any} reply */
  function received(reply) {
    if (!current || reply.id !== id) return;
    const { resolve, reject } = current;
    current = null;
    if (reply.error) reject(new Error(reply.error));
    else resolve(reply.value);
    next();
  }

  const ask = (/** @type {number} */ model, /** @type {string} */ method, /** @type {any[]} */ given, /** @type {AbortSignal | undefined} */ signal) => new Promise((resolve, reject) => {
    waiting.push({ message: { model, method, given }, signal, resolve, reject });
    next();
  });

  return {
    /**
     * @param {Description} description
     * @param {Uint8Array} bytes
     * @returns {Promise<Engine>}
     */
    async load(description, bytes) {
      const { model, table } = await ask(-1, "load", [{ model: description.model, diffusion: description.diffusion }, bytes], undefined);
      return {
        settings: description.model,
        table,
        encode: (history, signal) => ask(model, "encode", [history], signal),
        denoise: (history, x_t, t, signal) => ask(model, "denoise", [history, x_t, t], signal),
        answer: (history, options, signal) => ask(model, "answer", [history, options], signal),
        record: (history, options, scene, signal) => ask(model, "record", [history, options, scene], signal),
        scores: (vector, signal) => ask(model, "scores", [vector], signal),
        nearest: (item, k, signal) => ask(model, "nearest", [item, k], signal),
      };
    },
    stop: () => port.terminate(),
  };
}

/**
 * A worker, or the page where there can be none.
 * @param {string} source
 * @param {(reply: any) => void} received
 * @param {() => void} refused called if the worker turns out not to run
 * @returns {Port}
 */
function opened(source, received, refused) {
  try {
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.onmessage = ({ data }) => received(data);
    worker.onerror = refused;
    return worker;
  } catch {
    return inPage(source, received);
  }
}

/**
 * The same script in the page, which it holds up while it computes. It comes as a script element, which pages allow that forbid to run text.
 * @param {string} source
 * @param {(reply: any) => void} received
 * @returns {Port}
 */
function inPage(source, received) {
  /** @type {any} */
  const port = { postMessage: received }, script = Object.assign(document.createElement("script"), { port });
  const runs = new Promise((resolve, reject) => Object.assign(script, { onload: resolve, onerror: reject })); // it sets port.onmessage
  script.src = URL.createObjectURL(new Blob([`((self) => {\n${source}\n})(document.currentScript.port);`], { type: "text/javascript" }));
  document.head.append(script);
  return {
    postMessage: (data) => { runs.then(() => setTimeout(() => port.onmessage({ data })), () => received({ id: data.id, error: "The page runs no engine." })); },
    terminate: () => script.remove(),
  };
}
