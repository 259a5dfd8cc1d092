/* Which of n items are selected, and the selection as text: base64 of one bit an item, the first item lowest. */

/** @typedef {"new" | "add" | "remove"} How the effect of a new region on the selection */

export class Selection {
  /** @param {number} n */
  constructor(n) {
    this.chosen = new Uint8Array(n); // 1 for each selected item
    this.count = 0;
  }

  /** @param {ArrayLike<number>} inside 1 for each item of a region @param {How} how */
  change(inside, how) {
    this.chosen = this.chosen.map((was, i) => (how === "new" ? inside[i] : how === "add" ? was | inside[i] : was & ~inside[i]));
    this.count = this.chosen.reduce((sum, one) => sum + one, 0);
  }

  /** "" if nothing is selected. */
  get text() {
    if (!this.count) return "";
    const bytes = new Uint8Array(Math.ceil(this.chosen.length / 8));
    this.chosen.forEach((one, i) => { bytes[i >> 3] |= one << (i & 7); });
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }

  set text(text) {
    const bytes = atob(text);
    this.change(this.chosen.map((_, i) => (bytes.charCodeAt(i >> 3) >> (i & 7)) & 1), "new");
  }
}
