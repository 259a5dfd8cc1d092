/* Where the visitor is: in the address, so that a link and Back lead there, and in the browser's store, so that who returns lands where they left. */

/** @typedef {{ chapter: number, step: number }} Place */

/** Where a visit is kept: a class knows nothing of other visits. @param {string} mode the setup's */
const storeOf = (mode) => (mode === "class" ? "adrec.class" : "adrec.lesson");

/** The place that the address names, or null: at its step if this entry or this visit left it there. @param {Place} [left] @returns {Place | null} */
export function addressed(left) {
  const { search, hash } = window.location, found = new URLSearchParams(search).get("chapter") ?? new URLSearchParams(hash.slice(1)).get("chapter");
  if (found === null || !/^\d$/.test(found)) return null;
  const chapter = Number(found), kept = window.history.state?.lesson ?? left;
  return { chapter, step: kept?.chapter === chapter ? kept.step : 0 };
}

/** Write the place to the address: a chapter is an entry that Back leaves, a step is not. @param {Place} place @param {boolean} entry */
export function address(place, entry) {
  const url = new URL(window.location.href), state = { ...window.history.state, lesson: place };
  if (url.protocol === "file:") url.hash = `chapter=${place.chapter}`; // a file's address may change in nothing else
  else url.searchParams.set("chapter", String(place.chapter));
  window.history[entry ? "pushState" : "replaceState"](state, "", url.href);
}

/** What was kept; a browser that forbids its store keeps nothing, and a class keeps nothing for another visit. @param {"localStorage" | "sessionStorage"} kind @param {string} mode @returns {any} */
export function recall(kind, mode) {
  if (mode === "class" && kind === "localStorage") return null;
  try {
    return JSON.parse(window[kind].getItem(storeOf(mode)) ?? "null");
  } catch {
    return null;
  }
}

/** @param {"localStorage" | "sessionStorage"} kind @param {string} mode @param {unknown} value */
export function keep(kind, mode, value) {
  if (mode === "class" && kind === "localStorage") return;
  try {
    window[kind].setItem(storeOf(mode), JSON.stringify(value));
  } catch {
    // nothing is kept
  }
}
