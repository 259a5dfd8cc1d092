/* The line to a class's server: what it tells, heard without end, and what is said to it, until it is heard. */

const SILENCE = 45_000; // milliseconds, three heartbeats of the server: then the line is dead, whatever the browser believes
const SLEPT = 20_000; // a page that comes back to the front after this long asks again
const BRIEF = 1000; // a stream that ends sooner was none
const FIRST = 500; // milliseconds of the first wait, doubled up to LONGEST; all waits are spread, so that a hundred phones do not come at once
const LONGEST = 5000;
const FINAL = [400, 403, 404, 413]; // asking again would get the same

/** @typedef {{ told: (state: any) => void, broken: (lost: boolean, sentence: string) => void }} Heard sentence: why, if the server says so */

/** @param {number} tries */
const wait = (tries) => Math.min(LONGEST, FIRST * 2 ** tries) * (0.5 + Math.random());

/** Hear the server's states, from now on. Returns what ends it. @param {string} url @param {Record<string, string>} headers @param {Heard} heard */
export function listen(url, headers, heard) {
  let tries = 0, last = 0, over = false, ended = false, lost = false, running = new AbortController();
  /** @type {() => void} */
  let wake = () => {};

  async function once() {
    const began = performance.now(), { signal } = running = new AbortController();
    let timer = 0, sentence = "";
    const alive = () => {
      last = performance.now();
      clearTimeout(timer);
      timer = window.setTimeout(() => running.abort(), SILENCE);
    };
    try {
      alive();
      const answer = await fetch(url, { headers, signal, cache: "no-store" });
      if (!answer.ok || !answer.body) {
        over = FINAL.includes(answer.status);
        if (answer.headers.get("content-type")?.startsWith("text/plain")) sentence = await answer.text(); // a proxy's page is none
        throw new Error(answer.statusText);
      }
      const reader = answer.body.getReader(), decoder = new TextDecoder();
      for (let text = "", part = await reader.read(); !part.done; part = await reader.read()) {
        alive();
        const parts = (text + decoder.decode(part.value, { stream: true })).split("\n\n");
        text = parts.pop() ?? "";
        for (const each of parts) if (each.startsWith("data: ")) heard.told(JSON.parse(each.slice(6)));
        if (lost) heard.broken(lost = false, "");
        if (performance.now() - began > BRIEF) tries = 0;
      }
      if (performance.now() - began < BRIEF) throw new Error("brief");
    } catch {
      if (!ended && !document.hidden) heard.broken(lost = true, sentence);
      tries++;
    } finally {
      clearTimeout(timer);
    }
  }

  async function run() {
    while (!over) {
      await once();
      if (tries && !over) await new Promise((resolve) => { wake = () => resolve(null); setTimeout(wake, wait(tries - 1)); });
    }
  }

  const back = () => {
    if (document.hidden) return;
    wake();
    if (performance.now() - last > SLEPT) running.abort();
  };
  document.addEventListener("visibilitychange", back);
  window.addEventListener("online", back);
  run();
  return () => {
    over = ended = true;
    running.abort();
    document.removeEventListener("visibilitychange", back);
    window.removeEventListener("online", back);
  };
}

/**
 * Says the newest value, one request at a time, again until it is heard; older values that were not heard yet are dropped.
 * @param {string} url @param {Record<string, string>} headers @param {(answer: any) => void} heard @param {(sentence: string) => void} refused
 */
export function speaker(url, headers, heard = () => {}, refused = () => {}) {
  /** @type {string | null} */
  let next = null;
  let running = false;

  async function run() {
    running = true;
    for (let tries = 0; next !== null;) {
      const body = next;
      try {
        const answer = await fetch(url, { method: "POST", headers, body });
        if (!answer.ok && !FINAL.includes(answer.status)) throw new Error(answer.statusText);
        if (next === body) next = null;
        tries = 0;
        if (answer.ok) heard(answer.status === 204 ? null : await answer.json());
        else refused(await answer.text());
      } catch {
        await new Promise((resolve) => { setTimeout(resolve, wait(tries++)); });
      }
    }
    running = false;
  }

  return {
    /** @param {unknown} value */
    say(value) {
      next = JSON.stringify(value);
      if (!running) run();
    },
    /** Whether something is still to be heard. */
    get busy() {
      return running;
    },
  };
}
